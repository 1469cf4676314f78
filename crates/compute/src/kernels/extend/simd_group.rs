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

use fearless_simd::{Select, Simd, SimdInt, SimdMask};

use super::simd_setup::{Costs, Limits};
use super::{Bounds, ExtendResult};
use crate::kernels::lanes::{Lane, Task, interleave};
use crate::{ExtendBatch, Scoring};

/// Memory reused from group to group. Every slot is one vector of lanes.
#[derive(Default)]
pub(super) struct Scratch<L> {
    query: Vec<L>,
    target: Vec<L>,
    h: Vec<L>,
    e: Vec<L>,
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

/// What one swept column has to say, per lane.
struct Swept<V> {
    /// Column number, from 1.
    number: V,
    max: V,
    /// The last row that has the maximum.
    max_row: V,
    /// H of the row of the query's end.
    end: V,
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
    task: &Task<'_, ExtendBatch>,
    jobs: &[u32],
    scratch: &mut Scratch<V::Element>,
    results: &mut [ExtendResult],
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let (batch, scoring) = (task.batch, task.scoring);
    let costs = Costs::<V>::new(simd, task);
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
        let swept = column::<S, V, UNIT_MATCH>(simd, &costs, &limits, scratch, (j, base, number));
        top.store_slice(&mut scratch.h[..V::LEN]);
        let active = found.last_column.simd_ge(number);
        take::<S, V>(&mut found, active, &swept);
        let fallen = found.best.saturating_sub(swept.max).saturating_sub(limits.z_drop);
        let fallen = fallen.simd_gt(zero) & swept.max.simd_gt(zero) & active;
        if fallen.any_true() {
            stop_dropped::<S, V>(&mut found, &swept, fallen.to_bitmask(), task, jobs);
        }
        // A lane whose column is dead, border included, can never live again.
        let going = found.last_column.simd_gt(number) & swept.max.max(top).simd_gt(zero);
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
    Found { best: limits.initial, row: zero, column: zero, offset: zero, end, end_column: zero, last_column }
}

/// Sweeps the rows of column `j`, whose number is also given in lanes, with its bases.
#[inline(always)]
fn column<S: Simd, V, const UNIT_MATCH: bool>(
    simd: S,
    costs: &Costs<V>,
    limits: &Limits<V>,
    scratch: &mut Scratch<V::Element>,
    (j, base, number): (usize, V, V),
) -> Swept<V>
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
    Swept { number, max: state.max, max_row: state.max_row, end: state.end }
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
            let distance = state.row.saturating_sub(state.number).max(state.number.saturating_sub(state.row));
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
fn take<S: Simd, V: SimdInt<S, Element: Lane>>(found: &mut Found<V>, active: V::Mask, swept: &Swept<V>) {
    let (number, row) = (swept.number, swept.max_row);
    let better = swept.max.simd_gt(found.best) & active;
    let offset = row.saturating_sub(number).max(number.saturating_sub(row));
    found.best = better.select(swept.max, found.best);
    found.row = better.select(row, found.row);
    found.column = better.select(number, found.column);
    found.offset = better.select(found.offset.max(offset), found.offset);
    let better = swept.end.simd_gt(found.end) & active;
    found.end = better.select(swept.end, found.end);
    found.end_column = better.select(number, found.end_column);
}

/// The exact z-drop test, for the few lanes (a bit each) that fell far enough to need it.
fn stop_dropped<S: Simd, V: SimdInt<S, Element: Lane>>(
    found: &mut Found<V>,
    swept: &Swept<V>,
    mut lanes: u64,
    task: &Task<'_, ExtendBatch>,
    jobs: &[u32],
) {
    let scoring = task.scoring;
    while lanes != 0 {
        let lane = lanes.trailing_zeros() as usize;
        lanes &= lanes - 1;
        let value = |vector: &V| vector[lane].get() as i64;
        let target_step = value(&swept.number) - value(&found.column);
        let skew = target_step - (value(&swept.max_row) - value(&found.row));
        let ext = if skew > 0 { scoring.deletion_extend } else { scoring.insertion_extend };
        let drop = value(&found.best) - value(&swept.max) - skew.abs() * i64::from(ext);
        if drop > i64::from(task.batch.params(jobs[lane] as usize).z_drop) {
            found.last_column[lane] = swept.number[lane];
        }
    }
}

#[inline(always)]
fn store<S: Simd, V: SimdInt<S, Element: Lane>>(found: &Found<V>, jobs: &[u32], results: &mut [ExtendResult]) {
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
