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
    /// Digest of the batches that were passed over.
    passed: u128,
}

impl Feeder {
    pub(crate) fn new(outlets: Outlets, resumed: Option<Resumed>) -> Self {
        Self { outlets, number: 0, resumed, passed: 0 }
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
                Ok(false) => return lane.waiting.is_empty() || self.send_waiting(ReadBatch::default(), lane),
                Err(error) => {
                    self.fail(error.into());
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
        let Some(shard) = lane.shard else { return self.send(reads, lane.model) };
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
            self.send_waiting(reads, lane)
        }
    }

    /// Sends the reads that wait and lets others wait instead. False if the run has failed.
    fn send_waiting(&mut self, next: ReadBatch, lane: &mut Lane) -> bool {
        let reads = std::mem::replace(&mut lane.waiting, next);
        self.send(reads, lane.model)
    }

    /// Sends a task when there is a token for it, unless it has been done. False if the run has failed.
    fn send(&mut self, reads: ReadBatch, model: Option<InsertModel>) -> bool {
        let number = self.number;
        self.number += 1;
        if let Some(resumed) = self.resumed.as_ref().filter(|resumed| number < resumed.covered.batches) {
            self.passed = self.passed.wrapping_add(reads.digest(number));
            let is_last = self.number == resumed.covered.batches;
            if is_last && self.passed != resumed.covered.reads_digest {
                self.fail(resumed.refusal("its reads were others"));
                return false;
            }
            return true;
        }
        let task = Task { number, paired: reads.is_paired(), reads, model };
        self.outlets.tokens.recv().is_ok() && self.outlets.tasks.send(task).is_ok()
    }

    /// Ends the run in the place of the next task.
    fn fail(&self, error: Error) {
        let covered = self.resumed.as_ref().map_or(0, |resumed| resumed.covered.batches);
        // A closed channel means that the run has failed already.
        let _ = self.outlets.failures.send(Encoded { number: self.number.max(covered), outcome: Err(error) });
    }
}
