//! `Extend` for one group of jobs, a job per lane, generic over lane width and instruction set.
//!
//! Target columns are outside, query rows inside. H and E of the last column stay in memory that fits
//! the first-level cache; F and the diagonal stay in registers. Lanes are unsigned and saturate at 0,
//! which is the floor of the recurrence for free (Farrar 2007). With d = H(i-1,j-1), the dead rule is
//! X = d + min(d, match) for a match score of 1, and the penalty of a pair of bases is looked up by a
//! byte shuffle from the XOR of their codes: M = X - penalty.
//!
//! Lanes differ in query length, target length and band. Rows that every lane has inside its band and
//! before its last row take the plain loop; the few others take the masked one, which also catches
//! the score at each query's end. A lane whose target is used up, or that z-drop stopped, is frozen:
//! its cells go on but nothing is taken from them.

use fearless_simd::{Select, Simd, SimdBase, SimdInt, SimdMask};

use super::{Bounds, ExtendResult};
use crate::kernels::lanes::{Lane, interleave, penalty_table};
use crate::{ExtendBatch, Scoring};

/// Memory reused from group to group. Every slot is one vector of lanes.
#[derive(Default)]
pub(super) struct Scratch<L> {
    query: Vec<L>,
    target: Vec<L>,
    h: Vec<L>,
    e: Vec<L>,
}

/// The scoring scheme in lanes.
#[derive(Clone, Copy)]
struct Costs<V> {
    table: V,
    gain: V,
    delete_first: V,
    delete: V,
    insert_first: V,
    insert: V,
}

impl<V> Costs<V> {
    #[inline(always)]
    fn new<S: Simd>(simd: S, scoring: &Scoring) -> Self
    where
        V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
    {
        let splat = |a: u8, b: u8| V::splat(simd, V::Element::clamp_from(usize::from(a) + usize::from(b)));
        let table = penalty_table(scoring);
        let table = S::u8s::from_fn(simd, |k| table[k % 16]);
        Costs {
            table: V::from_bytes(table),
            gain: splat(scoring.match_score, 0),
            delete_first: splat(scoring.deletion_open, scoring.deletion_extend),
            delete: splat(scoring.deletion_extend, 0),
            insert_first: splat(scoring.insertion_open, scoring.insertion_extend),
            insert: splat(scoring.insertion_extend, 0),
        }
    }
}

/// Per-lane limits of a group, and their extremes over its lanes.
struct Limits<V> {
    initial: V,
    query_len: V,
    band: V,
    z_drop: V,
    rows: usize,
    min_query_len: usize,
    max_band: usize,
    min_band: usize,
}

impl<V> Limits<V> {
    #[inline(always)]
    fn new<S: Simd>(simd: S, batch: &ExtendBatch, jobs: &[u32]) -> Self
    where
        V: SimdInt<S, Element: Lane>,
    {
        let vector = |value: &dyn Fn(usize) -> usize| {
            V::from_fn(simd, |lane| {
                V::Element::clamp_from(jobs.get(lane).map_or(0, |&job| value(job as usize)))
            })
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

/// What a group has found so far, per lane.
struct Found<V> {
    best: V,
    row: V,
    column: V,
    offset: V,
    end: V,
    end_column: V,
    /// The last column that counts: the target's length, or where z-drop stopped.
    last_column: V,
}

/// One column's state while its rows go by.
struct Column<V> {
    base: V,
    /// Column number, from 1.
    number: V,
    diagonal: V,
    f: V,
    row: V,
    max: V,
    max_row: V,
    end: V,
}

/// Answers `jobs` (at most one a lane) into `results`, indexed by job.
#[inline(always)]
pub(super) fn run<S: Simd, V, const UNIT_MATCH: bool>(
    simd: S,
    (batch, scoring): (&ExtendBatch, &Scoring),
    jobs: &[u32],
    scratch: &mut Scratch<V::Element>,
    results: &mut [ExtendResult],
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let costs = Costs::<V>::new(simd, scoring);
    let limits = Limits::<V>::new(simd, batch, jobs);
    let target_len = |job: u32| Bounds::of(batch, job as usize, scoring).target_len;
    let columns = jobs.iter().map(|&job| target_len(job)).max().unwrap_or(0);
    interleave(&mut scratch.query, V::LEN, limits.rows, jobs.iter().map(|&j| batch.query(j as usize)));
    interleave(&mut scratch.target, V::LEN, columns, jobs.iter().map(|&j| batch.target(j as usize)));
    let last = V::from_fn(simd, |k| V::Element::clamp_from(jobs.get(k).map_or(0, |&j| target_len(j))));
    let mut found = start(simd, &costs, &limits, scratch, last, scoring);

    let zero = V::splat(simd, V::Element::default());
    let mut border = limits.initial.saturating_sub(splat::<S, V>(simd, scoring.deletion_open.into()));
    for j in 1..=columns {
        let number = splat::<S, V>(simd, j);
        border = border.saturating_sub(costs.delete);
        let top = limits.band.simd_ge(number).select(border, zero);
        let base = V::from_slice(simd, &scratch.target[(j - 1) * V::LEN..j * V::LEN]);
        let (max, max_row, end) =
            column::<S, V, UNIT_MATCH>(simd, &costs, &limits, scratch, (j, base, number));
        top.store_slice(&mut scratch.h[..V::LEN]);
        let active = found.last_column.simd_ge(number);
        take(simd, &mut found, active, number, (max, max_row, end));
        let fallen = found.best.saturating_sub(max).saturating_sub(limits.z_drop);
        let fallen = fallen.simd_gt(zero) & max.simd_gt(zero) & active;
        if fallen.any_true() {
            let drop = (fallen.to_bitmask(), j, max.as_slice(), max_row.as_slice());
            stop_dropped::<S, V>(&mut found, drop, (batch, jobs, scoring));
        }
        // A lane whose column is dead, border included, can never live again.
        let going = found.last_column.simd_gt(number) & max.max(top).simd_gt(zero);
        if going.all_false() {
            break;
        }
    }
    store::<S, V>(&found, jobs, results);
}

#[inline(always)]
fn splat<S: Simd, V: SimdInt<S, Element: Lane>>(simd: S, value: usize) -> V {
    V::splat(simd, V::Element::clamp_from(value))
}

/// Fills column 0 and starts the findings from it.
#[inline(always)]
fn start<S: Simd, V: SimdInt<S, Element: Lane>>(
    simd: S,
    costs: &Costs<V>,
    limits: &Limits<V>,
    scratch: &mut Scratch<V::Element>,
    last_column: V,
    scoring: &Scoring,
) -> Found<V> {
    let zero = V::splat(simd, V::Element::default());
    scratch.h.clear();
    scratch.e.clear();
    scratch.e.resize((limits.rows + 1) * V::LEN, V::Element::default());
    scratch.h.extend_from_slice(limits.initial.as_slice());
    let mut border = limits.initial.saturating_sub(splat::<S, V>(simd, scoring.insertion_open.into()));
    let mut end = zero;
    for i in 1..=limits.rows {
        let row = splat::<S, V>(simd, i);
        border = border.saturating_sub(costs.insert);
        let cell = limits.band.simd_ge(row).select(border, zero);
        scratch.h.extend_from_slice(cell.as_slice());
        end = limits.query_len.simd_eq(row).select(cell, end);
    }
    Found {
        best: limits.initial,
        row: zero,
        column: zero,
        offset: zero,
        end,
        end_column: zero,
        last_column,
    }
}

/// Sweeps the rows of one column; returns its maximum, the last row that has it, and H of the row
/// of each lane's query end.
#[inline(always)]
fn column<S: Simd, V, const UNIT_MATCH: bool>(
    simd: S,
    costs: &Costs<V>,
    limits: &Limits<V>,
    scratch: &mut Scratch<V::Element>,
    (j, base, number): (usize, V, V),
) -> (V, V, V)
where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let low = j.saturating_sub(limits.max_band).max(1);
    let high = limits.rows.min(j + limits.max_band);
    let plain_low = j.saturating_sub(limits.min_band).max(1);
    let plain_high = (limits.min_query_len - 1).min(j + limits.min_band);
    let zero = V::splat(simd, V::Element::default());
    let mut state = Column {
        // The target's ambiguous code 4 becomes 8, so that XOR keeps the two sides apart.
        base: base + (base & V::splat(simd, V::Element::clamp_from(4))),
        number,
        diagonal: V::from_slice(simd, &scratch.h[(low - 1) * V::LEN..low * V::LEN]),
        f: zero,
        row: splat(simd, low - 1),
        max: zero,
        max_row: zero,
        end: zero,
    };
    // Masked rows, plain rows, masked rows; any of the three may be empty.
    let first = plain_low.min(high + 1).max(low);
    let second = (plain_high + 1).max(first);
    sweep::<S, V, UNIT_MATCH, true>(simd, costs, limits, scratch, &mut state, low..first);
    sweep::<S, V, UNIT_MATCH, false>(simd, costs, limits, scratch, &mut state, first..second);
    sweep::<S, V, UNIT_MATCH, true>(simd, costs, limits, scratch, &mut state, second..high + 1);
    (state.max, state.max_row, state.end)
}

/// The inner loop: `rows` of one column, top to bottom.
#[inline(always)]
fn sweep<S: Simd, V, const UNIT_MATCH: bool, const MASKED: bool>(
    simd: S,
    costs: &Costs<V>,
    limits: &Limits<V>,
    scratch: &mut Scratch<V::Element>,
    state: &mut Column<V>,
    rows: std::ops::Range<usize>,
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    if rows.is_empty() {
        return;
    }
    let zero = V::splat(simd, V::Element::default());
    let one = V::splat(simd, V::Element::clamp_from(1));
    let slots = rows.start * V::LEN..rows.end * V::LEN;
    // Query rows count from 0, matrix rows from 1.
    let query = &scratch.query[slots.start - V::LEN..slots.end - V::LEN];
    let h_slots = scratch.h[slots.clone()].chunks_exact_mut(V::LEN);
    let e_slots = scratch.e[slots].chunks_exact_mut(V::LEN);
    for ((code, h_slot), e_slot) in query.chunks_exact(V::LEN).zip(h_slots).zip(e_slots) {
        let pair = V::from_slice(simd, code) ^ state.base;
        let penalty = costs.table.swizzle_dyn_within_blocks(pair.to_bytes());
        let raised = if UNIT_MATCH {
            state.diagonal + state.diagonal.min(costs.gain)
        } else {
            state.diagonal.simd_eq(zero).select(zero, state.diagonal + costs.gain)
        };
        let mut m = raised.saturating_sub(penalty);
        let mut e = V::from_slice(simd, e_slot);
        state.diagonal = V::from_slice(simd, h_slot);
        state.row += one;
        let mut h = m.max(e).max(state.f);
        if MASKED {
            let distance =
                state.row.saturating_sub(state.number).max(state.number.saturating_sub(state.row));
            let valid = limits.band.simd_ge(distance) & limits.query_len.simd_ge(state.row);
            h = valid.select(h, zero);
            m = valid.select(m, zero);
            e = valid.select(e, zero);
            state.f = valid.select(state.f, zero);
            state.end = limits.query_len.simd_eq(state.row).select(h, state.end);
        }
        h.store_slice(h_slot);
        state.max = state.max.max(h);
        state.max_row = state.max.simd_eq(h).select(state.row, state.max_row);
        let opened = m.saturating_sub(costs.delete_first);
        e.saturating_sub(costs.delete).max(opened).store_slice(e_slot);
        let opened = m.saturating_sub(costs.insert_first);
        state.f = state.f.saturating_sub(costs.insert).max(opened);
    }
}

/// Takes a column into the findings of the active lanes.
#[inline(always)]
fn take<S: Simd, V: SimdInt<S, Element: Lane>>(
    _simd: S,
    found: &mut Found<V>,
    active: V::Mask,
    number: V,
    (max, max_row, end): (V, V, V),
) {
    let better = max.simd_gt(found.best) & active;
    let offset = max_row.saturating_sub(number).max(number.saturating_sub(max_row));
    found.best = better.select(max, found.best);
    found.row = better.select(max_row, found.row);
    found.column = better.select(number, found.column);
    found.offset = better.select(found.offset.max(offset), found.offset);
    let better = end.simd_gt(found.end) & active;
    found.end = better.select(end, found.end);
    found.end_column = better.select(number, found.end_column);
}

/// The exact z-drop test, for the few lanes that fell far enough to need it.
fn stop_dropped<S: Simd, V: SimdInt<S, Element: Lane>>(
    found: &mut Found<V>,
    (mut lanes, j, max, max_row): (u64, usize, &[V::Element], &[V::Element]),
    (batch, jobs, scoring): (&ExtendBatch, &[u32], &Scoring),
) {
    while lanes != 0 {
        let lane = lanes.trailing_zeros() as usize;
        lanes &= lanes - 1;
        let target_step = j as i64 - found.column[lane].get() as i64;
        let query_step = max_row[lane].get() as i64 - found.row[lane].get() as i64;
        let skew = target_step - query_step;
        let ext = if skew > 0 { scoring.deletion_extend } else { scoring.insertion_extend };
        let fall = found.best[lane].get() as i64 - max[lane].get() as i64;
        let z_drop = batch.params(jobs[lane] as usize).z_drop;
        if fall - skew.abs() * i64::from(ext) > i64::from(z_drop) {
            found.last_column[lane] = V::Element::clamp_from(j);
        }
    }
}

#[inline(always)]
fn store<S: Simd, V: SimdInt<S, Element: Lane>>(
    found: &Found<V>,
    jobs: &[u32],
    results: &mut [ExtendResult],
) {
    for (lane, &job) in jobs.iter().enumerate() {
        let end = found.end[lane].get() as i32;
        results[job as usize] = ExtendResult {
            score: found.best[lane].get() as i32,
            query_end: found.row[lane].get() as u32,
            target_end: found.column[lane].get() as u32,
            end_score: if end > 0 { end } else { -1 },
            end_target: found.end_column[lane].get() as u32,
            max_offset: found.offset[lane].get() as u32,
        };
    }
}
