//! What a group of lanes starts with: memory, costs and limits.

use fearless_simd::{Simd, SimdInt};

use crate::ExtendBatch;
use crate::kernels::lanes::{Columns, Lane, Task};

/// Memory reused from group to group. Every slot is one vector of lanes.
pub(super) struct Scratch<V> {
    pub(super) query: Columns<V>,
    pub(super) target: Columns<V>,
    pub(super) h: Vec<V>,
    pub(super) e: Vec<V>,
}

impl<V> Default for Scratch<V> {
    fn default() -> Self {
        Scratch { query: Columns::default(), target: Columns::default(), h: Vec::new(), e: Vec::new() }
    }
}

/// The scoring scheme in lanes.
#[derive(Clone, Copy)]
pub(super) struct Costs<V> {
    pub(super) table: V,
    pub(super) gain: V,
    pub(super) delete_first: V,
    pub(super) delete: V,
    pub(super) insert_first: V,
    pub(super) insert: V,
}

impl<V> Costs<V> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(simd: S, task: &Task<'_, ExtendBatch>) -> Self
    where
        V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
    {
        let splat = |a: u8, b: u8| V::splat(simd, V::Element::clamp_from(usize::from(a) + usize::from(b)));
        let scoring = task.scoring;
        Costs {
            table: task.penalties(simd),
            gain: splat(scoring.match_score, 0),
            delete_first: splat(scoring.deletion_open, scoring.deletion_extend),
            delete: splat(scoring.deletion_extend, 0),
            insert_first: splat(scoring.insertion_open, scoring.insertion_extend),
            insert: splat(scoring.insertion_extend, 0),
        }
    }
}

/// Per-lane limits of a group, and their extremes over its lanes.
pub(super) struct Limits<V> {
    pub(super) initial: V,
    pub(super) query_len: V,
    pub(super) band: V,
    pub(super) z_drop: V,
    pub(super) rows: usize,
    pub(super) min_query_len: usize,
    pub(super) max_band: usize,
    pub(super) min_band: usize,
}

impl<V> Limits<V> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(simd: S, batch: &ExtendBatch, jobs: &[u32]) -> Self
    where
        V: SimdInt<S, Element: Lane>,
    {
        let vector = |value: &dyn Fn(usize) -> usize| {
            V::from_fn(simd, |lane| V::Element::clamp_from(jobs.get(lane).map_or(0, |&job| value(job as usize))))
        };
        let lens = || jobs.iter().map(|&job| batch.query(job as usize).len());
        let bands = || jobs.iter().map(|&job| usize::from(batch.params(job as usize).band));
        Limits {
            initial: vector(&|job| batch.params(job).initial_score.into()),
            query_len: vector(&|job| batch.query(job).len()),
            band: vector(&|job| batch.params(job).band.into()),
            // Off, or more than a lane can fall: the lane's maximum, which no drop exceeds.
            z_drop: vector(&|job| match batch.params(job).z_drop {
                0 => usize::MAX,
                z_drop => z_drop.into(),
            }),
            rows: lens().max().unwrap_or(0),
            min_query_len: lens().min().unwrap_or(0),
            max_band: bands().max().unwrap_or(0),
            min_band: bands().min().unwrap_or(0),
        }
    }
}
