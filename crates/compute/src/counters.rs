//! What an engine has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// A snapshot of an engine's counters, for the run report. No counter affects a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Extension jobs answered.
    pub extend_jobs: u64,
    /// Global jobs answered.
    pub global_jobs: u64,
    /// Local jobs answered.
    pub local_jobs: u64,
    /// Jobs that did not fit the narrowest form of their kernel and ran in a wider one.
    pub widened_jobs: u64,
    /// Extension jobs that GPUs answered in the halves of a word.
    pub packed_jobs: u64,
    /// Batches that a GPU answered a part of, or all.
    pub gpu_batches: u64,
    /// Jobs that GPUs answered.
    pub gpu_jobs: u64,
    /// GPUs that failed and were retired.
    pub gpu_failures: u64,
    /// Jobs that a GPU failed and the CPU redid.
    pub redone_jobs: u64,
    /// Answers of GPUs that the CPU checked.
    pub checked_jobs: u64,
    /// Answers of GPUs that were found to be wrong.
    pub wrong_jobs: u64,
}

/// The live counters. Relaxed order is enough: they are sums, and nothing is published by them.
#[derive(Debug, Default)]
pub(crate) struct LiveCounters {
    pub(crate) extend_jobs: AtomicU64,
    pub(crate) global_jobs: AtomicU64,
    pub(crate) local_jobs: AtomicU64,
    pub(crate) widened_jobs: AtomicU64,
    pub(crate) packed_jobs: AtomicU64,
    pub(crate) gpu_batches: AtomicU64,
    pub(crate) gpu_jobs: AtomicU64,
    pub(crate) gpu_failures: AtomicU64,
    pub(crate) redone_jobs: AtomicU64,
    pub(crate) checked_jobs: AtomicU64,
    pub(crate) wrong_jobs: AtomicU64,
}

pub(crate) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}

impl LiveCounters {
    pub(crate) fn snapshot(&self) -> Counters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            extend_jobs: read(&self.extend_jobs),
            global_jobs: read(&self.global_jobs),
            local_jobs: read(&self.local_jobs),
            widened_jobs: read(&self.widened_jobs),
            packed_jobs: read(&self.packed_jobs),
            gpu_batches: read(&self.gpu_batches),
            gpu_jobs: read(&self.gpu_jobs),
            gpu_failures: read(&self.gpu_failures),
            redone_jobs: read(&self.redone_jobs),
            checked_jobs: read(&self.checked_jobs),
            wrong_jobs: read(&self.wrong_jobs),
        }
    }
}
