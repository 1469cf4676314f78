//! How far a run is, for whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that a run advances and others may look at. They order nothing, so they are relaxed.
#[derive(Debug, Default)]
pub struct Meter {
    reads: AtomicU64,
    records: AtomicU64,
    sorted: AtomicU64,
}

impl Meter {
    /// Reads whose records are written, or handed to the sort.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Records of those reads.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records.load(Ordering::Relaxed)
    }

    /// Records that are written after sorting; 0 before that begins.
    #[must_use]
    pub fn sorted(&self) -> u64 {
        self.sorted.load(Ordering::Relaxed)
    }

    /// Sets the first two; for one thread only.
    pub(crate) fn set_reads(&self, reads: u64, records: u64) {
        self.reads.store(reads, Ordering::Relaxed);
        self.records.store(records, Ordering::Relaxed);
    }

    /// Sets the last; for one thread only.
    pub(crate) fn set_sorted(&self, records: u64) {
        self.sorted.store(records, Ordering::Relaxed);
    }
}

/// What the making of an index is at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IndexStage {
    /// Reading the reference; counted in bases, whose number is not known before.
    Reading,
    /// Gathering its seeds; counted in pieces of contigs.
    Seeding,
    /// Sorting and writing them; counted in parts of the table.
    Writing,
}

/// How far an index is.
#[derive(Debug, Default)]
pub struct IndexMeter {
    /// A counter and its goal for each stage, in their order. A stage has begun if its counter is not 0.
    stages: [[AtomicU64; 2]; 3],
}

impl IndexMeter {
    /// The last stage that has begun, how much of it is done, and how much there is to do, 0 if that is not known.
    #[must_use]
    pub fn state(&self) -> (IndexStage, u64, u64) {
        let of = |stage: IndexStage| {
            let [done, all] = &self.stages[stage as usize];
            (stage, done.load(Ordering::Relaxed), all.load(Ordering::Relaxed))
        };
        let begun = [IndexStage::Writing, IndexStage::Seeding].into_iter().map(of).find(|&(_, done, _)| done > 0);
        begun.unwrap_or_else(|| of(IndexStage::Reading))
    }

    /// Sets how much of a stage is done; for one thread only.
    pub(crate) fn set(&self, stage: IndexStage, done: u64, all: u64) {
        self.advance(stage, 0, all);
        self.stages[stage as usize][0].store(done, Ordering::Relaxed);
    }

    /// Counts more that is done.
    pub(crate) fn advance(&self, stage: IndexStage, by: u64, all: u64) {
        let [done, goal] = &self.stages[stage as usize];
        goal.store(all, Ordering::Relaxed);
        done.fetch_add(by, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_at_the_last_stage_that_has_begun() {
        let meter = IndexMeter::default();
        assert_eq!(meter.state(), (IndexStage::Reading, 0, 0));
        meter.set(IndexStage::Reading, 500, 0);
        assert_eq!(meter.state(), (IndexStage::Reading, 500, 0));
        meter.advance(IndexStage::Seeding, 1, 4);
        meter.advance(IndexStage::Seeding, 2, 4);
        assert_eq!(meter.state(), (IndexStage::Seeding, 3, 4));
        meter.set(IndexStage::Writing, 1, 9);
        assert_eq!(meter.state(), (IndexStage::Writing, 1, 9));
    }
}
