//! What the three kinds of batch have in common here.

use std::hash::{DefaultHasher, Hash, Hasher};

use svala_compute::kernels::{extend, global, local};
use svala_compute::{
    Engine, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults, LocalBatch, LocalResult, Scoring, Window,
};

#[cfg(any(feature = "peers", feature = "peers-parasail", feature = "peers-ssw"))]
use crate::random::Pair;

const FITS: &str = "the job was within the limits before";

/// A batch of one kernel's jobs.
pub trait Jobs: Default + 'static {
    type Results: Default + 'static;

    fn count(&self) -> usize;

    fn pair(&self, job: usize) -> (&[u8], &[u8]);

    /// How many diagonals to each side of the main one count; `usize::MAX` without a band.
    fn band(&self, job: usize) -> usize;

    /// Appends job `job` of another batch, whose target has a window in the reference.
    fn push_from(&mut self, other: &Self, job: usize, window: Option<Window>);

    fn answer(&self, engine: &Engine, results: &mut Self::Results);

    /// Whether the answer to a job is the scalar reference's.
    fn is_right(&self, job: usize, results: &Self::Results) -> bool;

    /// What the alignment gained: the score without the anchor's; `None` if there is no alignment.
    fn gain(&self, job: usize, results: &Self::Results) -> Option<i32>;

    /// A number that depends on every field of an answer.
    fn digest(&self, job: usize, results: &Self::Results) -> u64;

    /// Owned copies of all pairs, for peers.
    #[cfg(any(feature = "peers", feature = "peers-parasail", feature = "peers-ssw"))]
    fn pairs(&self) -> Vec<Pair> {
        let owned = |job| {
            let (query, target) = self.pair(job);
            (query.to_vec(), target.to_vec())
        };
        (0..self.count()).map(owned).collect()
    }
}

fn hashed(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Jobs for ExtendBatch {
    type Results = Vec<ExtendResult>;

    fn count(&self) -> usize {
        self.len()
    }

    fn pair(&self, job: usize) -> (&[u8], &[u8]) {
        (self.query(job), self.target(job))
    }

    fn band(&self, job: usize) -> usize {
        self.params(job).band.into()
    }

    fn push_from(&mut self, other: &Self, job: usize, window: Option<Window>) {
        let (query, target) = other.pair(job);
        let target = (target.iter().copied(), window);
        self.push_window(query.iter().copied(), target, other.params(job)).expect(FITS);
    }

    fn answer(&self, engine: &Engine, results: &mut Self::Results) {
        engine.extend(self, results);
    }

    fn is_right(&self, job: usize, results: &Self::Results) -> bool {
        let (query, target) = self.pair(job);
        results[job] == extend::reference(query, target, self.params(job), &Scoring::default())
    }

    fn gain(&self, job: usize, results: &Self::Results) -> Option<i32> {
        Some(results[job].score - i32::from(self.params(job).initial_score))
    }

    fn digest(&self, job: usize, results: &Self::Results) -> u64 {
        let ExtendResult { score, query_end, target_end, end_score, end_target, max_offset } = results[job];
        hashed((score, query_end, target_end, end_score, end_target, max_offset))
    }
}

impl Jobs for GlobalBatch {
    type Results = GlobalResults;

    fn count(&self) -> usize {
        self.len()
    }

    fn pair(&self, job: usize) -> (&[u8], &[u8]) {
        (self.query(job), self.target(job))
    }

    fn band(&self, job: usize) -> usize {
        usize::from(self.params(job).band).max(self.query(job).len().abs_diff(self.target(job).len()))
    }

    fn push_from(&mut self, other: &Self, job: usize, window: Option<Window>) {
        let (query, target) = other.pair(job);
        let target = (target.iter().copied(), window);
        self.push_window(query.iter().copied(), target, other.params(job)).expect(FITS);
    }

    fn answer(&self, engine: &Engine, results: &mut Self::Results) {
        engine.global(self, results);
    }

    fn is_right(&self, job: usize, results: &Self::Results) -> bool {
        let (query, target) = self.pair(job);
        let (score, cigar) = global::reference(query, target, self.params(job), &Scoring::default());
        results.score(job) == score && results.cigar(job) == cigar
    }

    fn gain(&self, job: usize, results: &Self::Results) -> Option<i32> {
        Some(results.score(job))
    }

    fn digest(&self, job: usize, results: &Self::Results) -> u64 {
        hashed((results.score(job), results.cigar(job)))
    }
}

impl Jobs for LocalBatch {
    type Results = Vec<LocalResult>;

    fn count(&self) -> usize {
        self.len()
    }

    fn pair(&self, job: usize) -> (&[u8], &[u8]) {
        (self.query(job), self.target(job))
    }

    fn band(&self, _job: usize) -> usize {
        usize::MAX
    }

    fn push_from(&mut self, other: &Self, job: usize, window: Option<Window>) {
        let (query, target) = other.pair(job);
        let target = (target.iter().copied(), window);
        self.push_window(query.iter().copied(), target, other.params(job)).expect(FITS);
    }

    fn answer(&self, engine: &Engine, results: &mut Self::Results) {
        engine.local(self, results);
    }

    fn is_right(&self, job: usize, results: &Self::Results) -> bool {
        let (query, target) = self.pair(job);
        results[job] == local::reference(query, target, self.params(job), &Scoring::default())
    }

    fn gain(&self, job: usize, results: &Self::Results) -> Option<i32> {
        Some(results[job].score).filter(|&score| score > 0)
    }

    fn digest(&self, job: usize, results: &Self::Results) -> u64 {
        let LocalResult { score, query_start, query_end, target_start, target_end, second_score, second_target_end } =
            results[job];
        hashed((score, query_start, query_end, target_start, target_end, second_score, second_target_end))
    }
}
