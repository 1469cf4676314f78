//! `Extend` on SIMD lanes: jobs are binned by lane width, sorted by length and cut into groups.

use fearless_simd::{Level, Simd, SimdBase, SimdInt, dispatch};

use super::simd_group::run;
use super::simd_setup::Scratch;
use super::{Bounds, ExtendResult, wide};
use crate::kernels::lanes::{Lane, Task};
use crate::{ExtendBatch, Scoring};

/// Jobs by the narrowest lanes that hold them.
#[derive(Default)]
struct Bins {
    bytes: Vec<u32>,
    words: Vec<u32>,
    wide: Vec<u32>,
}

impl Bins {
    fn new(batch: &ExtendBatch, jobs: impl Iterator<Item = usize>, scoring: &Scoring) -> Self {
        let mut bins = Bins::default();
        for job in jobs {
            let bounds = Bounds::of(batch, job, scoring);
            // The scalar path also takes what has no cell, so that lanes always have a row.
            let bin = if bounds.query_len == 0 || !bounds.fits(<u16 as Lane>::LARGEST) {
                &mut bins.wide
            } else if bounds.fits(<u8 as Lane>::LARGEST) {
                &mut bins.bytes
            } else {
                &mut bins.words
            };
            bin.push(job as u32);
        }
        for bin in [&mut bins.bytes, &mut bins.words] {
            // Equal lengths and bands side by side keep a group's rows in the plain loop.
            bin.sort_unstable_by_key(|&job| {
                let job = job as usize;
                (batch.query(job).len(), batch.params(job).band, batch.target(job).len(), job)
            });
        }
        bins
    }
}

/// Answers the numbered `jobs` of a batch into `results`, indexed by job. Returns how many did not
/// fit the narrowest lanes.
pub(crate) fn extend(
    level: Level,
    task: &Task<'_, ExtendBatch>,
    jobs: impl Iterator<Item = usize>,
    results: &mut [ExtendResult],
) -> usize {
    let (batch, scoring) = (task.batch, task.scoring);
    let bins = Bins::new(batch, jobs, scoring);
    if !bins.bytes.is_empty() {
        dispatch!(level, simd => bytes(simd, task, &bins.bytes, results));
    }
    if !bins.words.is_empty() {
        dispatch!(level, simd => words(simd, task, &bins.words, results));
    }
    let (mut widened, mut rows) = (bins.words.len(), Vec::new());
    for &job in &bins.wide {
        let job = job as usize;
        let (query, target) = (batch.query(job), batch.target(job));
        results[job] = wide::extend(query, target, batch.params(job), scoring, &mut rows);
        widened += usize::from(!query.is_empty());
    }
    widened
}

#[inline(always)]
fn bytes<S: Simd>(simd: S, task: &Task<'_, ExtendBatch>, jobs: &[u32], results: &mut [ExtendResult]) {
    groups::<S, S::u8s>(simd, task, jobs, results);
}

#[inline(always)]
fn words<S: Simd>(simd: S, task: &Task<'_, ExtendBatch>, jobs: &[u32], results: &mut [ExtendResult]) {
    groups::<S, S::u16s>(simd, task, jobs, results);
}

/// Runs the groups of one bin. The usual scoring has a shorter loop: the dead rule of a match score of 1,
/// and one opening for both kinds of gap.
#[inline(always)]
fn groups<S: Simd, V>(simd: S, task: &Task<'_, ExtendBatch>, jobs: &[u32], results: &mut [ExtendResult])
where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let mut scratch = Scratch::<V>::default();
    let usual = task.scoring.match_score == 1 && task.one_opening();
    for group in jobs.chunks(<V as SimdBase<S>>::LEN) {
        if usual {
            run::<S, V, true>(simd, task, group, &mut scratch, results);
        } else {
            run::<S, V, false>(simd, task, group, &mut scratch, results);
        }
    }
}
