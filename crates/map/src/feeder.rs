//! The thread that reads: inputs are cut into tasks, reads of other shards and those that an earlier process has done are passed over.

use crossbeam_channel::{Receiver, Sender};
use svala_io::ReadBatch;

use crate::covered::Resumed;
use crate::error::Error;
use crate::insert_model::InsertModel;
use crate::pipeline::{Encoded, Lane, Task};

/// Where the reading thread gets its tokens, and where batches and errors go.
pub(crate) struct Outlets {
    pub(crate) tokens: Receiver<()>,
    pub(crate) tasks: Sender<Task>,
    pub(crate) failures: Sender<Encoded>,
}

/// Cuts inputs into tasks.
pub(crate) struct Feeder {
    outlets: Outlets,
    /// Number of the next task.
    number: u64,
    resumed: Option<Resumed>,
    /// Parts of the next task, and their reads.
    gathered: (Vec<ReadBatch>, usize),
    /// Digest of the batches that were passed over.
    passed: u128,
}

impl Feeder {
    pub(crate) fn new(outlets: Outlets, resumed: Option<Resumed>) -> Self {
        Self { outlets, number: 0, resumed, gathered: Default::default(), passed: 0 }
    }

    /// Hands out the reads of all inputs, or ends where the run has failed, and returns how many there were.
    pub(crate) fn read(mut self, lanes: Vec<Lane>, batch_reads: usize) -> u64 {
        let mut reads = 0;
        for mut lane in lanes {
            let goes_on = self.read_lane(&mut lane, batch_reads);
            reads += lane.source.records_read() - lane.passed_over;
            if !goes_on {
                return reads;
            }
        }
        if let Some(resumed) = self.resumed.as_ref().filter(|resumed| self.number < resumed.covered.batches) {
            self.fail(resumed.refusal("it had more reads"));
        }
        reads
    }

    /// Cuts an input into tasks, those of its head first. False if the run has failed.
    fn read_lane(&mut self, lane: &mut Lane, batch_reads: usize) -> bool {
        let step = if lane.source.is_paired() { batch_reads.next_multiple_of(2) } else { batch_reads }.max(1);
        for head in std::mem::take(&mut lane.head) {
            for from in (0..head.len()).step_by(step) {
                let mut reads = ReadBatch::default();
                reads.append_range(&head, from..(from + step).min(head.len()));
                if !self.pass(reads, step, lane) {
                    return false;
                }
            }
        }
        loop {
            let mut reads = ReadBatch::default();
            match lane.source.read_batch(&mut reads, step) {
                Ok(true) => {}
                Ok(false) => {
                    let waiting = std::mem::take(&mut lane.waiting);
                    return self.gather(waiting, step, lane.model) && self.send(lane.model);
                }
                Err(error) => {
                    if self.send(lane.model) {
                        self.fail(error.into());
                    }
                    return false;
                }
            }
            if !self.pass(reads, step, lane) {
                return false;
            }
        }
    }

    /// Sends the reads of the shard, when there are enough for a task. False if the run has failed.
    fn pass(&mut self, mut reads: ReadBatch, step: usize, lane: &mut Lane) -> bool {
        let Some(shard) = lane.shard else { return self.gather(reads, step, lane.model) };
        let all = reads.len();
        reads.keep_templates(|name| shard.has(name));
        lane.passed_over += (all - reads.len()) as u64;
        let is_alike = lane.waiting.is_paired() == reads.is_paired();
        if reads.is_empty() {
            true
        } else if lane.waiting.is_empty() || (is_alike && lane.waiting.len() + reads.len() <= step) {
            lane.waiting.append_range(&reads, 0..reads.len());
            true
        } else {
            let waiting = std::mem::replace(&mut lane.waiting, reads);
            self.gather(waiting, step, lane.model)
        }
    }

    /// Adds reads to the next task, which goes when it has enough: more than one batch goes into it where pairs and single reads take turns,
    /// since tasks of a few reads cost more time and memory than their reads. False if the run has failed.
    fn gather(&mut self, reads: ReadBatch, step: usize, model: Option<InsertModel>) -> bool {
        if self.gathered.1 + reads.len() > step && !self.send(model) {
            return false;
        }
        let (parts, gathered) = &mut self.gathered;
        *gathered += reads.len();
        parts.extend(Some(reads).filter(|reads| !reads.is_empty()));
        *gathered < step || self.send(model)
    }

    /// Sends what has been gathered, if anything, when there is a token for it, unless it has been done. False if the run has failed.
    fn send(&mut self, model: Option<InsertModel>) -> bool {
        let (reads, _) = std::mem::take(&mut self.gathered);
        if reads.is_empty() {
            return true;
        }
        let task = Task { number: self.number, reads, model };
        self.number += 1;
        if let Some(resumed) = self.resumed.as_ref().filter(|resumed| task.number < resumed.covered.batches) {
            self.passed = self.passed.wrapping_add(task.digest());
            let is_last = self.number == resumed.covered.batches;
            if is_last && self.passed != resumed.covered.reads_digest {
                self.fail(resumed.refusal("its reads were others"));
                return false;
            }
            return true;
        }
        self.outlets.tokens.recv().is_ok() && self.outlets.tasks.send(task).is_ok()
    }

    /// Ends the run in the place of the next task.
    fn fail(&self, error: Error) {
        let covered = self.resumed.as_ref().map_or(0, |resumed| resumed.covered.batches);
        // A closed channel means that the run has failed already.
        let _ = self.outlets.failures.send(Encoded { number: self.number.max(covered), outcome: Err(error) });
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crossbeam_channel::unbounded;
    use svala_io::ReadSource;

    use super::*;

    /// Pairs and single reads in turn: tasks of a few reads would cost more than their reads.
    #[test]
    fn turns_go_into_tasks_together_in_order() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut fastq = String::new();
        for read in (0..300).flat_map(|template| std::iter::repeat_n(template, 1 + template % 2)) {
            write!(fastq, "@r{read:03}\nACGT\n+\nIIII\n").unwrap();
        }
        std::fs::write(file.path(), &fastq).unwrap();
        let source = ReadSource::open(file.path(), None, 100, None).unwrap().interleaved();
        let (head, waiting) = (Vec::new(), ReadBatch::default());
        let lane = Lane { source, head, model: None, shard: None, waiting, passed_over: 0 };
        let ((tokens_out, tokens), (tasks_out, tasks)) = (unbounded(), unbounded());
        (0..100).for_each(|_| tokens_out.send(()).unwrap());
        let outlets = Outlets { tokens, tasks: tasks_out, failures: unbounded().0 };
        assert_eq!(Feeder::new(outlets, None).read(vec![lane], 64), 450);
        let tasks: Vec<Task> = tasks.iter().collect();
        let reads = |task: &Task| task.reads.iter().map(ReadBatch::len).sum::<usize>();
        assert!(tasks.len() == 8 && tasks[..7].iter().all(|task| reads(task) >= 63));
        let parts = tasks.iter().flat_map(|task| &task.reads);
        let names: Vec<&[u8]> = parts.flat_map(|part| (0..part.len()).map(|i| part.name(i))).collect();
        assert!(names.len() == 450 && names.is_sorted());
    }
}
