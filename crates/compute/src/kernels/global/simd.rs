//! `Global` on SIMD lanes: jobs are sorted by length and cut into groups, in the narrowest lanes first.

use fearless_simd::{Level, Simd, SimdBase, SimdInt, dispatch};

use super::layout::LANE_DIRECTIONS_MAX_BYTES;
use super::results::Unordered;
use super::shape::{Shape, dimensions};
use super::simd_group::{Scratch, run};
use super::wide;
use crate::kernels::lanes::{Lane, Task};
use crate::{GlobalBatch, Scoring};

/// Answers the numbered `jobs` of a batch into `found`. Returns how many did not fit the narrowest lanes.
pub(crate) fn global(
    level: Level,
    task: &Task<'_, GlobalBatch>,
    jobs: impl Iterator<Item = usize>,
    found: &mut Unordered,
) -> usize {
    let batch = task.batch;
    let mut lanes = Vec::new();
    let mut alone = Vec::new();
    for job in jobs.map(|job| job as u32) {
        let (m, n, _) = dimensions(batch, job);
        if m == 0 || n == 0 { alone.push(job) } else { lanes.push(job) }
    }
    lanes.sort_unstable_by_key(|&job| (dimensions(batch, job), job));
    let mut words = Vec::new();
    dispatch!(level, simd => bytes(simd, task, &lanes, found, &mut words));
    dispatch!(level, simd => in_words(simd, task, &words, found, &mut alone));
    let mut scratch = wide::Scratch::default();
    for &job in &alone {
        let k = job as usize;
        let score = wide::global(batch.query(k), batch.target(k), batch.params(k), task.scoring, &mut scratch);
        found.push(job, score, scratch.runs.iter().copied());
    }
    words.len()
}

#[inline(always)]
fn bytes<S: Simd>(simd: S, task: &Task<'_, GlobalBatch>, jobs: &[u32], found: &mut Unordered, wider: &mut Vec<u32>) {
    groups::<S, S::u8s>(simd, task, jobs, (found, wider));
}

#[inline(always)]
fn in_words<S: Simd>(simd: S, task: &Task<'_, GlobalBatch>, jobs: &[u32], found: &mut Unordered, wider: &mut Vec<u32>) {
    groups::<S, S::u16s>(simd, task, jobs, (found, wider));
}

/// The least loss (see [`super::simd_group`]) that a job can have: the gap that its lengths call for.
fn least_loss((m, n, _): (usize, usize, usize), scoring: &Scoring) -> usize {
    let (open, base) = if m > n {
        (scoring.insertion_open, usize::from(scoring.insertion_extend) + usize::from(scoring.match_score))
    } else {
        (scoring.deletion_open, usize::from(scoring.deletion_extend))
    };
    if m == n { 0 } else { usize::from(open) + base * m.abs_diff(n) }
}

/// Runs all groups. The jobs that need `wider` lanes, or more memory than lanes may have, are left.
#[inline(always)]
fn groups<S: Simd, V>(
    simd: S,
    task: &Task<'_, GlobalBatch>,
    mut jobs: &[u32],
    (found, wider): (&mut Unordered, &mut Vec<u32>),
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let (batch, scoring) = (task.batch, task.scoring);
    let too_lossy = |job: u32| least_loss(dimensions(batch, job), scoring) >= V::Element::LARGEST;
    let mut scratch = Scratch::<V>::default();
    while let Some(&first) = jobs.first() {
        if too_lossy(first) {
            wider.push(first);
            jobs = &jobs[1..];
            continue;
        }
        let most = jobs.len().min(<V as SimdBase<S>>::LEN);
        let fitting = jobs[..most].iter().position(|&job| too_lossy(job)).unwrap_or(most);
        let group;
        (group, jobs) = jobs.split_at(fitting);
        if Shape::of(batch, group).slots() * size_of::<V>() > LANE_DIRECTIONS_MAX_BYTES {
            wider.extend(group);
        } else if scoring.deletion_open == scoring.insertion_open {
            run::<S, V, true>(simd, task, group, &mut scratch, (found, wider));
        } else {
            run::<S, V, false>(simd, task, group, &mut scratch, (found, wider));
        }
    }
}
