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
