//! `Global` on SIMD lanes: jobs are sorted by length and cut into groups.

use fearless_simd::{Level, Simd, SimdBase, dispatch};

use super::layout::{LANE_DIRECTIONS_MAX_BYTES, LANE_LIMIT};
use super::results::Unordered;
use super::simd_group::{Scratch, Shape, dimensions, run};
use super::{fits, wide};
use crate::GlobalBatch;
use crate::kernels::lanes::Task;

/// Answers the numbered `jobs` of a batch into `found`. Returns how many did not fit the lanes.
pub(crate) fn global(
    level: Level,
    task: &Task<'_, GlobalBatch>,
    jobs: impl Iterator<Item = usize>,
    found: &mut Unordered,
) -> usize {
    let (batch, scoring) = (task.batch, task.scoring);
    let mut lanes = Vec::new();
    let mut alone = Vec::new();
    let mut widened = 0;
    for job in jobs.map(|job| job as u32) {
        let (m, n, _) = dimensions(batch, job);
        let empty = m == 0 || n == 0;
        if empty || !fits(m, n, scoring, LANE_LIMIT) {
            widened += usize::from(!empty);
            alone.push(job);
        } else {
            lanes.push(job);
        }
    }
    lanes.sort_unstable_by_key(|&job| (dimensions(batch, job), job));
    if !lanes.is_empty() {
        widened += dispatch!(level, simd => groups(simd, task, &lanes, found));
    }
    scalar(task, &alone, found);
    widened
}

fn scalar(task: &Task<'_, GlobalBatch>, jobs: &[u32], found: &mut Unordered) {
    let (batch, scoring) = (task.batch, task.scoring);
    let mut runs = Vec::new();
    for &job in jobs {
        let k = job as usize;
        let score = wide::global(batch.query(k), batch.target(k), batch.params(k), scoring, &mut runs);
        found.push(job, score, runs.iter().copied());
    }
}

/// Runs all groups; returns how many jobs were too large for their directions to be kept in lanes.
#[inline(always)]
fn groups<S: Simd>(simd: S, task: &Task<'_, GlobalBatch>, jobs: &[u32], found: &mut Unordered) -> usize {
    let lanes = <S::i16s as SimdBase<S>>::LEN;
    let mut scratch = Scratch::<S::i16s>::default();
    let mut widened = 0;
    for group in jobs.chunks(lanes) {
        let shape = Shape::of(task.batch, group);
        if shape.width() * shape.columns * lanes * size_of::<i16>() > LANE_DIRECTIONS_MAX_BYTES {
            scalar(task, group, found);
            widened += group.len();
        } else if task.one_opening() {
            run::<S, S::i16s, true>(simd, task, group, &mut scratch, found);
        } else {
            run::<S, S::i16s, false>(simd, task, group, &mut scratch, found);
        }
    }
    widened
}
