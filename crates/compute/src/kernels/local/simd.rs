//! `Local` on SIMD lanes: scores and ends first, in the narrowest lanes that hold them, then the starts
//! of the jobs that have an alignment.

use fearless_simd::{Level, Simd, SimdBase, SimdInt, SimdMask, dispatch};

use super::simd_group::{Costs, Matrix};
use super::simd_second::{Search, second};
use super::{LocalResult, exclusion, least_score, longest_span, wide};
use crate::LocalBatch;
use crate::kernels::lanes::{Lane, Task, WIDEST};

/// Answers the numbered `jobs` of a batch into `results`, indexed by job, which are all 0 before. Returns
/// how many did not fit the narrowest lanes.
pub(crate) fn local(
    level: Level,
    task: &Task<'_, LocalBatch>,
    jobs: impl Iterator<Item = usize>,
    results: &mut [LocalResult],
) -> usize {
    let batch = task.batch;
    let lengths = |job: u32| (batch.query(job as usize).len(), batch.target(job as usize).len());
    let mut jobs: Vec<u32> = jobs.map(|job| job as u32).collect();
    jobs.retain(|&job| lengths(job).0.min(lengths(job).1) > 0);
    // Equal lengths side by side keep a group out of the masked loop.
    jobs.sort_unstable_by_key(|&job| (lengths(job), job));
    let words = dispatch!(level, simd => ends_in_bytes(simd, task, &jobs, results));
    let alone = dispatch!(level, simd => ends_in_words(simd, task, &words, results));
    let in_lanes = |job: &u32| results[*job as usize].score > 0;
    let mut starts: Vec<u32> = jobs.iter().copied().filter(in_lanes).collect();
    starts.sort_unstable_by_key(|&job| (results[job as usize].query_end, results[job as usize].score, job));
    let room = <u8 as Lane>::LARGEST - usize::from(task.scoring.match_score);
    let (bytes, large): (Vec<u32>, Vec<u32>) =
        starts.iter().partition(|&&job| results[job as usize].score as usize <= room);
    dispatch!(level, simd => starts_in_bytes(simd, task, &bytes, results));
    dispatch!(level, simd => starts_in_words(simd, task, &large, results));
    for &job in &alone {
        let job = job as usize;
        results[job] = wide::local(batch.query(job), batch.target(job), batch.params(job), task.scoring);
    }
    words.len()
}

#[inline(always)]
fn ends_in_bytes<S: Simd>(simd: S, task: &Task<'_, LocalBatch>, jobs: &[u32], results: &mut [LocalResult]) -> Vec<u32> {
    ends::<S, S::u8s>(simd, task, jobs, results)
}

#[inline(always)]
fn ends_in_words<S: Simd>(simd: S, task: &Task<'_, LocalBatch>, jobs: &[u32], results: &mut [LocalResult]) -> Vec<u32> {
    ends::<S, S::u16s>(simd, task, jobs, results)
}

#[inline(always)]
fn starts_in_bytes<S: Simd>(simd: S, task: &Task<'_, LocalBatch>, jobs: &[u32], results: &mut [LocalResult]) {
    starts::<S, S::u8s>(simd, task, jobs, results);
}

#[inline(always)]
fn starts_in_words<S: Simd>(simd: S, task: &Task<'_, LocalBatch>, jobs: &[u32], results: &mut [LocalResult]) {
    starts::<S, S::u16s>(simd, task, jobs, results);
}

/// Finds scores, ends and second scores; returns the jobs that overflowed, which have no result.
#[inline(always)]
fn ends<S: Simd, V>(simd: S, task: &Task<'_, LocalBatch>, jobs: &[u32], results: &mut [LocalResult]) -> Vec<u32>
where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let (mut matrix, mut maxima) = (Matrix::<V>::default(), Vec::new());
    let mut overflowed = Vec::new();
    let usual = task.one_opening();
    for group in jobs.chunks(<V as SimdBase<S>>::LEN) {
        if usual {
            group_ends::<S, V, true>(simd, task, group, (&mut matrix, &mut maxima), (results, &mut overflowed));
        } else {
            group_ends::<S, V, false>(simd, task, group, (&mut matrix, &mut maxima), (results, &mut overflowed));
        }
    }
    overflowed
}

#[inline(always)]
fn group_ends<S: Simd, V, const ONE_OPENING: bool>(
    simd: S,
    task: &Task<'_, LocalBatch>,
    jobs: &[u32],
    (matrix, maxima): (&mut Matrix<V>, &mut Vec<V>),
    (results, overflowed): (&mut [LocalResult], &mut Vec<u32>),
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let batch = task.batch;
    let (query, target) = (|&job: &u32| batch.query(job as usize), |&job: &u32| batch.target(job as usize));
    matrix.start(simd, jobs.iter().map(query), jobs.iter().map(target));
    let costs = Costs::<V>::new(simd, task);
    // Only what is an alignment counts as better than nothing; a lane without a job has none.
    let too_low = |job: &u32| least_score(batch.params(*job as usize).min_score) - 1;
    let mut best = V::from_fn(simd, |lane| V::Element::clamp_from(jobs.get(lane).map_or(usize::MAX, too_low)));
    let mut peak = V::splat(simd, V::Element::default());
    let mut block = peak;
    let mut grew = 0;
    let mut ends = [(0, 0); WIDEST];
    maxima.clear();
    let columns = matrix.target.vectors.len();
    for j in 1..=columns {
        let swept = matrix.sweep::<S, ONE_OPENING>(simd, &costs, j);
        let better = swept.max.simd_gt(best).to_bitmask();
        note(matrix, grew & !better, (j - 1, true), (block, best), &mut ends);
        best = best.max(swept.max);
        peak = peak.max(swept.max);
        (block, grew) = (swept.block, better);
        maxima.push(swept.max);
    }
    note(matrix, grew, (columns, false), (block, best), &mut ends);
    let room = V::Element::LARGEST - usize::from(task.scoring.match_score);
    let mut searches = [Search::default(); WIDEST];
    for (lane, (job, search)) in jobs.iter().zip(&mut searches).enumerate() {
        let distance = exclusion(best[lane].get(), task.scoring);
        let end = ends[lane].1;
        *search = Search { before: end.saturating_sub(distance), after: end + distance, last: target(job).len() };
    }
    let seconds = second(simd, maxima, &searches);
    for (lane, &job) in jobs.iter().enumerate() {
        let ((row, column), (second_score, second_column)) = (ends[lane], seconds[lane]);
        if peak[lane].get() > room {
            overflowed.push(job);
        } else if column > 0 {
            results[job as usize] = LocalResult {
                score: best[lane].get() as i32,
                query_end: row as u32,
                target_end: column as u32,
                second_score: second_score as i32,
                second_target_end: second_column as u32,
                ..Default::default()
            };
        }
    }
}

/// Notes row and column `j` of the best scores of `lanes`, a bit each.
#[inline(always)]
fn note<S: Simd, V: SimdInt<S, Element: Lane>>(
    matrix: &Matrix<V>,
    mut lanes: u64,
    (j, before): (usize, bool),
    (block, score): (V, V),
    ends: &mut [(usize, usize); WIDEST],
) {
    while lanes != 0 {
        let lane = lanes.trailing_zeros() as usize;
        lanes &= lanes - 1;
        ends[lane] = (matrix.row(lane, (block[lane].get(), score[lane].get()), before), j);
    }
}

/// Finds the starts of jobs whose scores and ends are known and fit the lanes.
#[inline(always)]
fn starts<S: Simd, V>(simd: S, task: &Task<'_, LocalBatch>, jobs: &[u32], results: &mut [LocalResult])
where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let mut matrix = Matrix::<V>::default();
    let mut reversed: [Pieces; WIDEST] = std::array::from_fn(|_| Pieces::default());
    let usual = task.one_opening();
    for group in jobs.chunks(<V as SimdBase<S>>::LEN) {
        if usual {
            group_starts::<S, V, true>(simd, task, group, (&mut matrix, &mut reversed), results);
        } else {
            group_starts::<S, V, false>(simd, task, group, (&mut matrix, &mut reversed), results);
        }
    }
}

#[inline(always)]
fn group_starts<S: Simd, V, const ONE_OPENING: bool>(
    simd: S,
    task: &Task<'_, LocalBatch>,
    jobs: &[u32],
    (matrix, reversed): (&mut Matrix<V>, &mut [Pieces; WIDEST]),
    results: &mut [LocalResult],
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    for (pieces, &job) in reversed.iter_mut().zip(jobs) {
        pieces.take(task, job as usize, &results[job as usize]);
    }
    let reversed = &reversed[..jobs.len()];
    matrix.start(simd, reversed.iter().map(|p| p.query.as_slice()), reversed.iter().map(|p| p.target.as_slice()));
    let costs = Costs::<V>::new(simd, task);
    let score = |job: &u32| results[*job as usize].score as usize;
    let goal = V::from_fn(simd, |lane| V::Element::clamp_from(jobs.get(lane).map_or(usize::MAX, score)));
    let mut waiting = u64::MAX >> (64 - jobs.len());
    let mut ends = [(0, 0); WIDEST];
    for j in 1..=matrix.target.vectors.len() {
        let swept = matrix.sweep::<S, ONE_OPENING>(simd, &costs, j);
        let there = swept.max.simd_ge(goal).to_bitmask() & waiting;
        note(matrix, there, (j, false), (swept.block, goal), &mut ends);
        waiting &= !there;
        if waiting == 0 {
            break;
        }
    }
    for (&job, (row, column)) in jobs.iter().zip(ends) {
        let result = &mut results[job as usize];
        result.query_start = result.query_end - row as u32;
        result.target_start = result.target_end - column as u32;
    }
}

/// Query and target before a job's ends, backwards, no longer than the alignment can be. Memory is reused
/// from group to group.
#[derive(Default)]
pub(super) struct Pieces {
    pub(super) query: Vec<u8>,
    pub(super) target: Vec<u8>,
}

impl Pieces {
    pub(super) fn take(&mut self, task: &Task<'_, LocalBatch>, job: usize, found: &LocalResult) {
        let (query_end, target_end) = (found.query_end as usize, found.target_end as usize);
        let first = target_end.saturating_sub(longest_span(query_end, found.score as usize, task.scoring));
        self.query.clear();
        self.query.extend(task.batch.query(job)[..query_end].iter().rev());
        self.target.clear();
        self.target.extend(task.batch.target(job)[first..target_end].iter().rev());
    }
}
