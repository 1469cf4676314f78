//! `Global` for one group of jobs, a job per unsigned lane, generic over lane width and instruction set.
//!
//! # Losses
//!
//! Lanes hold no scores but *losses*, L(i,j) = match * i - H(i,j), and likewise for M, E and F. In this
//! form a match costs 0, any other pair its penalty plus match, a gap its opening once, and a base
//! deletion_extend if it is deleted or insertion_extend + match if it is inserted. Nothing is negative,
//! so a loss never falls along a path, whatever the path's length, and the recurrence's maxima become
//! minima.
//!
//! Sums saturate at the lane's largest value, which is also minus infinity. Every loss below it is exact:
//! it is the least of sums of which none saturated. So if the loss of (m,n) is below it, all losses on
//! the best path are exact too, and so is every comparison on the path, because what it is compared
//! with is exact or rightly larger. If it is not, the job has to be done in wider lanes.
//!
//! # Loops
//!
//! Target columns are outside, query rows inside. Cells beyond a lane's lengths are of no consequence,
//! as no path goes back; cells beyond a lane's band, where the group has a wider one, are set to minus
//! infinity. Each cell stores one vector of directions, from which each lane's path is read back.

use fearless_simd::{Select, Simd, SimdInt};

use super::results::Unordered;
use super::shape::{Shape, dimensions};
use super::traceback::{EXTEND_E, EXTEND_F, FROM_E, FROM_F, trace};
use crate::GlobalBatch;
use crate::kernels::lanes::{Columns, Lane, Task};

/// What a cell's comparisons add up to if all of them come out in favour of M: each lane stores which
/// do, and the bits are those of the directions turned over.
const ALL_FROM_M: u8 = FROM_E | FROM_F | EXTEND_E | EXTEND_F;

/// Memory reused from group to group. Every slot is one vector of lanes.
pub(super) struct Scratch<V> {
    query: Columns<V>,
    target: Columns<V>,
    h: Vec<V>,
    e: Vec<V>,
    directions: Vec<V>,
    /// Minus infinity in the lanes whose band is narrower than the index, 0 in the others.
    outside: Vec<V>,
    losses: Vec<usize>,
    runs: Vec<u32>,
}

impl<V> Default for Scratch<V> {
    fn default() -> Self {
        Scratch {
            query: Columns::default(),
            target: Columns::default(),
            h: Vec::new(),
            e: Vec::new(),
            directions: Vec::new(),
            outside: Vec::new(),
            losses: Vec::new(),
            runs: Vec::new(),
        }
    }
}

/// The scoring scheme as losses.
#[derive(Clone, Copy)]
struct Costs<V> {
    table: V,
    delete_open: V,
    delete: V,
    insert_open: V,
    insert: V,
    never: V,
}

impl<V> Costs<V> {
    #[inline(always)]
    fn new<S: Simd>(simd: S, task: &Task<'_, GlobalBatch>) -> Self
    where
        V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
    {
        let scoring = task.scoring;
        // A cost that no lane holds is as good as minus infinity.
        let splat = |a: u8, b: u8| V::splat(simd, V::Element::clamp_from(usize::from(a) + usize::from(b)));
        Costs {
            table: task.penalties(simd),
            delete_open: splat(scoring.deletion_open, 0),
            delete: splat(scoring.deletion_extend, 0),
            insert_open: splat(scoring.insertion_open, 0),
            insert: splat(scoring.insertion_extend, scoring.match_score),
            never: V::splat(simd, V::Element::clamp_from(usize::MAX)),
        }
    }
}

/// One column's state while its rows go by.
struct Column<V> {
    number: usize,
    base: V,
    diagonal: V,
    f: V,
}

/// Answers `jobs` (at most one a lane, none with an empty sequence) into `found`; those that the lanes are
/// too narrow for are added to `overflowed`. `ONE_OPENING`: both kinds of gap open at one cost.
#[inline(always)]
pub(super) fn run<S: Simd, V, const ONE_OPENING: bool>(
    simd: S,
    task: &Task<'_, GlobalBatch>,
    jobs: &[u32],
    scratch: &mut Scratch<V>,
    (found, overflowed): (&mut Unordered, &mut Vec<u32>),
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let batch = task.batch;
    let shape = Shape::of(batch, jobs);
    let costs = Costs::<V>::new(simd, task);
    start(simd, batch, &costs, (&shape, jobs), scratch);
    let mut border = costs.delete_open;
    for j in 1..=shape.columns {
        column::<S, V, ONE_OPENING>(simd, &costs, &shape, scratch, j);
        border = border.saturating_add(costs.delete);
        scratch.h[0] = border | scratch.outside[j.min(shape.max_band + 1)];
        if j >= shape.min_columns {
            for (lane, (&job, loss)) in jobs.iter().zip(&mut scratch.losses).enumerate() {
                let (m, n, _) = dimensions(batch, job);
                if n == j {
                    *loss = scratch.h[m].as_slice()[lane].get();
                }
            }
        }
    }
    for (lane, &job) in jobs.iter().enumerate() {
        let loss = scratch.losses[lane];
        if loss == V::Element::LARGEST {
            overflowed.push(job);
            continue;
        }
        let (m, n, _) = dimensions(batch, job);
        let direction = |i, j| scratch.directions[shape.slot(i, j)].as_slice()[lane].get() as u8 ^ ALL_FROM_M;
        trace(m, n, direction, &mut scratch.runs);
        let score = (m * usize::from(task.scoring.match_score)) as i32 - loss as i32;
        found.push(job, score, scratch.runs.iter().copied());
    }
}

/// Takes the group's sequences and bands, and fills column 0.
#[inline(always)]
fn start<S: Simd, V: SimdInt<S, Element: Lane>>(
    simd: S,
    batch: &GlobalBatch,
    costs: &Costs<V>,
    (shape, jobs): (&Shape, &[u32]),
    scratch: &mut Scratch<V>,
) {
    // Any padding will do.
    let query = |&job: &u32| batch.query(job as usize);
    let target = |&job: &u32| batch.target(job as usize);
    scratch.query.fill(simd, shape.rows, jobs.iter().map(query), 0);
    scratch.target.fill(simd, shape.columns, jobs.iter().map(target), 0);
    let zero = V::splat(simd, V::Element::default());
    if scratch.directions.len() < shape.slots() {
        scratch.directions.resize(shape.slots(), zero);
    }
    scratch.losses.clear();
    scratch.losses.resize(jobs.len(), 0);
    scratch.outside.clear();
    scratch.outside.resize(shape.min_band + 1, zero);
    for distance in shape.min_band + 1..=shape.max_band + 1 {
        let band = |&job: &u32| dimensions(batch, job).2;
        let never = |lane: usize| if jobs.get(lane).map_or(0, band) < distance { usize::MAX } else { 0 };
        scratch.outside.push(V::from_fn(simd, |lane| V::Element::clamp_from(never(lane))));
    }
    scratch.h.clear();
    scratch.e.clear();
    scratch.e.resize(shape.rows + 1, costs.never);
    scratch.h.push(zero);
    let mut border = costs.insert_open;
    for i in 1..=shape.rows {
        border = border.saturating_add(costs.insert);
        scratch.h.push(border | scratch.outside[i.min(shape.max_band + 1)]);
    }
}

/// Sweeps the rows of column `j`.
#[inline(always)]
fn column<S: Simd, V, const ONE_OPENING: bool>(
    simd: S,
    costs: &Costs<V>,
    shape: &Shape,
    scratch: &mut Scratch<V>,
    j: usize,
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let low = j.saturating_sub(shape.max_band).max(1);
    let high = shape.rows.min(j + shape.max_band);
    let plain_low = j.saturating_sub(shape.min_band).max(1);
    let plain_high = shape.rows.min(j + shape.min_band);
    let base = scratch.target.vectors[j - 1];
    let mut state = Column {
        number: j,
        // The target's ambiguous code 4 becomes 8, so that XOR keeps the two sides apart.
        base: base + (base & V::splat(simd, V::Element::clamp_from(4))),
        diagonal: scratch.h[low - 1],
        f: costs.never,
    };
    // Masked rows, plain rows, masked rows; any of the three may be empty.
    let first = plain_low.min(high + 1).max(low);
    let second = (plain_high + 1).max(first);
    let at = shape.slot(low, j);
    sweep::<S, V, ONE_OPENING, true>(simd, costs, scratch, &mut state, (low..first, at));
    sweep::<S, V, ONE_OPENING, false>(simd, costs, scratch, &mut state, (first..second, at + first - low));
    sweep::<S, V, ONE_OPENING, true>(simd, costs, scratch, &mut state, (second..high + 1, at + second - low));
}

/// The inner loop: `rows` of one column, top to bottom, whose directions are stored from slot `at` on.
#[inline(always)]
fn sweep<S: Simd, V, const ONE_OPENING: bool, const MASKED: bool>(
    simd: S,
    costs: &Costs<V>,
    scratch: &mut Scratch<V>,
    state: &mut Column<V>,
    (rows, at): (std::ops::Range<usize>, usize),
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    if rows.is_empty() {
        return;
    }
    let flag = |bits: u8| V::splat(simd, V::Element::widen(bits));
    let zero = flag(0);
    let (from_e, from_f, extend_e, extend_f) = (flag(FROM_E), flag(FROM_F), flag(EXTEND_E), flag(EXTEND_F));
    // Query rows count from 0, matrix rows from 1.
    let query = &scratch.query.vectors[rows.start - 1..rows.end - 1];
    let outs = &mut scratch.directions[at..at + rows.len()];
    let slots = scratch.h[rows.clone()].iter_mut().zip(&mut scratch.e[rows.clone()]);
    for (((code, out), (h_slot, e_slot)), row) in query.iter().zip(outs).zip(slots).zip(rows) {
        let penalty = costs.table.swizzle_dyn_within_blocks((*code ^ state.base).to_bytes());
        let m = state.diagonal.saturating_add(penalty);
        let e = *e_slot;
        state.diagonal = *h_slot;
        // Equal to the minimum means in favour of the first of the two, as the ties want it.
        let no_insertion = m.min(e);
        let mut h = no_insertion.min(state.f);
        let mut direction = m.simd_eq(no_insertion).select(from_e, zero);
        direction |= no_insertion.simd_eq(h).select(from_f, zero);
        let opened = m.saturating_add(costs.delete_open);
        let least = opened.min(e);
        direction |= opened.simd_eq(least).select(extend_e, zero);
        let mut e = least.saturating_add(costs.delete);
        let opened = if ONE_OPENING { opened } else { m.saturating_add(costs.insert_open) };
        let least = opened.min(state.f);
        direction |= opened.simd_eq(least).select(extend_f, zero);
        state.f = least.saturating_add(costs.insert);
        if MASKED {
            let outside = scratch.outside[row.abs_diff(state.number)];
            h |= outside;
            e |= outside;
            state.f |= outside;
        }
        *h_slot = h;
        *e_slot = e;
        *out = direction;
    }
}
