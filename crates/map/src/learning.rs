//! Learning the insert-size model of an input from its first pairs.
//!
//! How many these are depends on them alone, so threads, batches and shards can't show: as a rule one sample, and where few of its
//! pairs are clear, as many more as it takes, up to a limit. All that is read for it is kept until it is mapped.

use std::thread::{Builder, ScopedJoinHandle};

use svala_io::{ReadBatch, ReadSource};

use crate::error::{Error, Result};
use crate::insert_model::{InsertModel, MAX_LEARNT};
use crate::insert_size::{Insert, Orientation};
use crate::mapper::{BatchInput, Mapper, Workspace};
use crate::pipeline::{DEFAULT_BATCH_READS, Run};

/// Pairs looked at at a time; the first so many are enough as a rule.
const SAMPLE_PAIRS: usize = 4096;
/// Pairs looked at at the most.
const MOST_PAIRS: usize = 16 * SAMPLE_PAIRS;
/// Reads read at the most to look at pairs, single ones between them too: all are kept until they are mapped.
const MOST_READS: usize = 4 * MOST_PAIRS;
/// Their bases at the most, for the same reason.
const MOST_BASES: usize = 1 << 25;
/// No more pairs are looked at when the commonest orientation has so many sizes.
const ENOUGH_SIZES: usize = 100;

/// How many of the first reads of an input are looked at to learn its model. It depends on these reads alone.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    /// Pairs.
    pairs: usize,
    /// Reads, those in pairs among them.
    reads: usize,
    /// Bases of the reads.
    bases: usize,
}

impl Looked {
    /// Whether no more reads may be kept, or pairs looked at.
    fn is_at_limit(&self) -> bool {
        self.pairs >= MOST_PAIRS || self.reads >= MOST_READS || self.bases >= MOST_BASES
    }
}

/// Whether more inserts would hardly change the model.
fn are_enough(inserts: &[Insert]) -> bool {
    let is_learnt = |insert: &&Insert| insert.size <= MAX_LEARNT;
    let learnt = || inserts.iter().filter(is_learnt);
    let count = |orientation| learnt().filter(|insert| insert.orientation == orientation).count();
    Orientation::ALL.into_iter().any(|orientation| count(orientation) >= ENOUGH_SIZES)
}

impl Run<'_> {
    /// Reads the first pairs into `head`, with the single reads between them, until there are enough clear ones or a limit is
    /// reached, and learns the insert-size model from them; none if all reads are single ones.
    pub(crate) fn learn(&self, source: &mut ReadSource, head: &mut Vec<ReadBatch>) -> Result<Option<InsertModel>> {
        let (mut looked, mut inserts) = (Looked::default(), Vec::new());
        loop {
            let pairs = next_pairs(source, head, &mut looked)?;
            let is_all = pairs.len() < 2 * SAMPLE_PAIRS;
            inserts.extend(self.inserts(&pairs)?);
            if is_all && !looked.is_at_limit() && looked.pairs == 0 {
                return Ok(None);
            }
            if is_all || looked.is_at_limit() || are_enough(&inserts) {
                return Ok(Some(InsertModel::estimate(&inserts)));
            }
        }
    }

    /// How the mates lie whose places are clear, found by all threads.
    fn inserts(&self, pairs: &ReadBatch) -> Result<Vec<Insert>> {
        let mapper = Mapper::new(self.index, self.engine, self.options);
        let pairs_each = (pairs.len() / 2).div_ceil(self.threads.max(1)).max(1);
        let parts: Vec<Result<Vec<Insert>>> = std::thread::scope(|scope| {
            let spawn = |start: usize| {
                let end = (start + 2 * pairs_each).min(pairs.len());
                Builder::new().spawn_scoped(scope, move || inserts_of(&mapper, pairs, start, end))
            };
            let workers: Vec<_> = (0..pairs.len()).step_by(2 * pairs_each).map(spawn).collect();
            let join = |worker: ScopedJoinHandle<'_, _>| worker.join().unwrap_or(Err(Error::WorkerLost));
            workers.into_iter().map(|worker| worker.map_err(Error::Thread).and_then(join)).collect()
        });
        let mut inserts = Vec::new();
        for part in parts {
            inserts.extend(part?);
        }
        Ok(inserts)
    }
}

/// The next [`SAMPLE_PAIRS`] pairs, or fewer where the input ends or a limit is reached. All that is read goes into `head`.
fn next_pairs(source: &mut ReadSource, head: &mut Vec<ReadBatch>, looked: &mut Looked) -> Result<ReadBatch> {
    let mut pairs = ReadBatch::default();
    while pairs.len() < 2 * SAMPLE_PAIRS && !looked.is_at_limit() {
        let mut batch = ReadBatch::default();
        if !source.read_batch(&mut batch, 2 * SAMPLE_PAIRS - pairs.len())? {
            break;
        }
        if batch.is_paired() {
            looked.pairs += batch.len() / 2;
            pairs.append_range(&batch, 0..batch.len());
        }
        looked.reads += batch.len();
        looked.bases += batch.total_bases();
        head.push(batch);
    }
    Ok(pairs)
}

fn inserts_of(mapper: &Mapper<'_>, head: &ReadBatch, start: usize, end: usize) -> Result<Vec<Insert>> {
    let (mut work, mut inserts, mut reads) = (Workspace::default(), Vec::new(), ReadBatch::default());
    for from in (start..end).step_by(DEFAULT_BATCH_READS) {
        reads.clear();
        reads.append_range(head, from..(from + DEFAULT_BATCH_READS).min(end));
        let input = BatchInput { reads: &reads, paired: true };
        mapper.inserts(input, &mut work, &mut inserts)?;
    }
    Ok(inserts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Orientation::{ForwardReverse, ReverseForward};

    fn inserts(orientation: Orientation, count: usize) -> Vec<Insert> {
        vec![Insert { orientation, size: 300 }; count]
    }

    #[test]
    fn some_clear_pairs_are_enough_and_none_end_at_a_limit() {
        let mut all = inserts(ForwardReverse, ENOUGH_SIZES - 1);
        all.extend(inserts(ReverseForward, ENOUGH_SIZES - 1));
        all.push(Insert { orientation: ReverseForward, size: MAX_LEARNT + 1 });
        assert!(!are_enough(&all));
        all.extend(inserts(ReverseForward, 1));
        assert!(are_enough(&all));
        let is_at_limit = |pairs, reads, bases| Looked { pairs, reads, bases }.is_at_limit();
        assert!(!is_at_limit(MOST_PAIRS - 1, MOST_READS - 1, MOST_BASES - 1));
        assert!(is_at_limit(MOST_PAIRS, 0, 0) && is_at_limit(0, MOST_READS, 0) && is_at_limit(0, 0, MOST_BASES));
    }
}
