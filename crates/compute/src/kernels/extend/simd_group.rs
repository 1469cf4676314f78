//! `Extend` for one group of jobs, a job per lane, generic over lane width and instruction set.
//!
//! Target columns are outside, query rows inside. H and E of the last column stay in memory that fits
//! the first-level cache; F and the diagonal stay in registers. Lanes are unsigned and saturate at 0,
//! which is the floor of the recurrence for free (Farrar 2007). With d = H(i-1,j-1), the dead rule is
//! X = d + min(d, match) for a match score of 1, and the penalty of a pair of bases is looked up by a
//! byte shuffle from the XOR of their codes: M = X - penalty.
//!
//! Which row has a column's maximum is asked for few columns, so the inner loop keeps the maximum of
//! each block of rows only, and [`locate`] reads the stored column again where the answer matters.
//! Lanes start at the same corner and go down the same diagonal, so it has few blocks to read.
//!
//! Lanes differ in query length, target length and band. Rows that every lane has inside its band and
//! before its last row take the plain loop; the few others take the masked one, which also catches
//! the score at each query's end. A lane whose target is used up, or that z-drop stopped, is frozen:
//! its cells go on but nothing is taken from them.

use fearless_simd::{Select, Simd, SimdInt, SimdMask};

use super::simd_setup::{Costs, Limits, Scratch};
use super::{Bounds, ExtendResult};
use crate::kernels::lanes::{Lane, Task};
use crate::{ExtendBatch, Scoring};

/// Rows whose maxima are told apart.
const BLOCK: usize = 8;

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
    /// The first row of the last block that has the maximum.
    max_block: V,
    /// H of the row of the query's end.
    end: V,
    /// Where the rows of the column end.
    rows_end: usize,
}

/// One column's state while its rows go by.
struct Column<V> {
    base: V,
    /// Column number, from 1.
    number: V,
    diagonal: V,
    f: V,
    max: V,
    max_block: V,
    end: V,
}

/// Answers `jobs` (at most one a lane) into `results`, indexed by job.
#[inline(always)]
pub(super) fn run<S: Simd, V, const USUAL: bool>(
    simd: S,
    task: &Task<'_, ExtendBatch>,
    jobs: &[u32],
    scratch: &mut Scratch<V>,
    results: &mut [ExtendResult],
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let (batch, scoring) = (task.batch, task.scoring);
    let costs = Costs::<V>::new(simd, task);
    let limits = Limits::<V>::new(simd, batch, jobs);
    let target_len = |job: u32| Bounds::of(batch, job as usize, scoring).target_len;
    let columns = jobs.iter().map(|&job| target_len(job)).max().unwrap_or(0);
    // Cells beyond a lane's lengths are masked, so any padding will do.
    let query = |&job: &u32| batch.query(job as usize);
    let target = |&job: &u32| batch.target(job as usize);
    scratch.query.fill(simd, limits.rows, jobs.iter().map(query), 0);
    scratch.target.fill(simd, columns, jobs.iter().map(target), 0);
    let last = V::from_fn(simd, |k| V::Element::clamp_from(jobs.get(k).map_or(0, |&j| target_len(j))));
    let mut found = start(simd, &costs, &limits, scratch, last, scoring);

    let zero = V::splat(simd, V::Element::default());
    let mut border = limits.initial.saturating_sub(splat::<S, V>(simd, scoring.deletion_open.into()));
    for j in 1..=columns {
        let number = splat::<S, V>(simd, j);
        border = border.saturating_sub(costs.delete);
        let top = limits.band.simd_ge(number).select(border, zero);
        let base = scratch.target.vectors[j - 1];
        let swept = column::<S, V, USUAL>(simd, &costs, &limits, scratch, (j, base, number));
        scratch.h[0] = top;
        let active = found.last_column.simd_ge(number);
        let better = swept.max.simd_gt(found.best) & active;
        let fallen = found.best.saturating_sub(swept.max).saturating_sub(limits.z_drop);
        let fallen = fallen.simd_gt(zero) & swept.max.simd_gt(zero) & active;
        take_end::<S, V>(&mut found, active, &swept);
        if (better | fallen).any_true() {
            let row = locate::<S, V>(simd, &scratch.h, better | fallen, &swept);
            take::<S, V>(&mut found, better, row, &swept);
            if fallen.any_true() {
                stop_dropped::<S, V>(&mut found, (row, &swept), fallen.to_bitmask(), task, jobs);
            }
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
    scratch: &mut Scratch<V>,
    last_column: V,
    scoring: &Scoring,
) -> Found<V> {
    let zero = V::splat(simd, V::Element::default());
    scratch.h.clear();
    scratch.e.clear();
    scratch.e.resize(limits.rows + 1, zero);
    scratch.h.push(limits.initial);
    let mut border = limits.initial.saturating_sub(splat::<S, V>(simd, scoring.insertion_open.into()));
    let mut end = zero;
    for i in 1..=limits.rows {
        let row = splat::<S, V>(simd, i);
        border = border.saturating_sub(costs.insert);
        let cell = limits.band.simd_ge(row).select(border, zero);
        scratch.h.push(cell);
        end = limits.query_len.simd_eq(row).select(cell, end);
    }
    Found { best: limits.initial, row: zero, column: zero, offset: zero, end, end_column: zero, last_column }
}

/// Sweeps the rows of column `j`, whose number is also given in lanes, with its bases.
#[inline(always)]
fn column<S: Simd, V, const USUAL: bool>(
    simd: S,
    costs: &Costs<V>,
    limits: &Limits<V>,
    scratch: &mut Scratch<V>,
    (j, base, number): (usize, V, V),
) -> Swept<V>
where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let low = j.saturating_sub(limits.max_band).max(1);
    let high = limits.rows.min(j + limits.max_band);
    let plain_low = j.saturating_sub(limits.min_band).max(1);
    // Where all queries end in one row, it needs no mask to be caught.
    let one_end = limits.min_query_len == limits.rows;
    let plain_high = (limits.min_query_len - usize::from(!one_end)).min(j + limits.min_band);
    let zero = V::splat(simd, V::Element::default());
    let mut state = Column {
        // The target's ambiguous code 4 becomes 8, so that XOR keeps the two sides apart.
        base: base + (base & V::splat(simd, V::Element::clamp_from(4))),
        number,
        diagonal: scratch.h[low - 1],
        f: zero,
        max: zero,
        max_block: zero,
        end: zero,
    };
    // Masked rows, plain rows, masked rows; any of the three may be empty.
    let first = plain_low.min(high + 1).max(low);
    let second = (plain_high + 1).max(first);
    sweep::<S, V, USUAL, true>(simd, costs, limits, scratch, &mut state, low..first);
    sweep::<S, V, USUAL, false>(simd, costs, limits, scratch, &mut state, first..second);
    sweep::<S, V, USUAL, true>(simd, costs, limits, scratch, &mut state, second..high + 1);
    let end = if one_end && plain_high == limits.rows { scratch.h[limits.rows] } else { state.end };
    Swept { number, max: state.max, max_block: state.max_block, end, rows_end: high + 1 }
}

/// Sweeps `rows` of one column, top to bottom.
#[inline(always)]
fn sweep<S: Simd, V, const USUAL: bool, const MASKED: bool>(
    simd: S,
    costs: &Costs<V>,
    limits: &Limits<V>,
    scratch: &mut Scratch<V>,
    state: &mut Column<V>,
    rows: std::ops::Range<usize>,
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    if rows.is_empty() {
        return;
    }
    // Query rows count from 0, matrix rows from 1.
    let (query, last_query) = scratch.query.vectors[rows.start - 1..rows.end - 1].as_chunks::<BLOCK>();
    let (h, last_h) = scratch.h[rows.clone()].as_chunks_mut::<BLOCK>();
    let (e, last_e) = scratch.e[rows.clone()].as_chunks_mut::<BLOCK>();
    let mut row = rows.start;
    for (query, (h, e)) in query.iter().zip(h.iter_mut().zip(e)) {
        block::<S, V, USUAL, MASKED>(simd, costs, limits, state, (row, query, h, e));
        row += BLOCK;
    }
    if !last_query.is_empty() {
        block::<S, V, USUAL, MASKED>(simd, costs, limits, state, (row, last_query, last_h, last_e));
    }
}

/// The inner loop: at most [`BLOCK`] rows from `first_row` on, with their queries' bases, H and E.
#[inline(always)]
fn block<S: Simd, V, const USUAL: bool, const MASKED: bool>(
    simd: S,
    costs: &Costs<V>,
    limits: &Limits<V>,
    state: &mut Column<V>,
    (first_row, query, h, e): (usize, &[V], &mut [V], &mut [V]),
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let zero = V::splat(simd, V::Element::default());
    let one = splat::<S, V>(simd, 1);
    let mut row = splat::<S, V>(simd, first_row);
    let mut block_max = zero;
    for (code, (h_slot, e_slot)) in query.iter().zip(h.iter_mut().zip(e)) {
        let pair = *code ^ state.base;
        let penalty = costs.table.swizzle_dyn_within_blocks(pair.to_bytes());
        let raised = if USUAL {
            state.diagonal + state.diagonal.min(costs.gain)
        } else {
            state.diagonal.simd_eq(zero).select(zero, state.diagonal + costs.gain)
        };
        let mut m = raised.saturating_sub(penalty);
        let mut e = *e_slot;
        state.diagonal = *h_slot;
        let mut h = m.max(e).max(state.f);
        if MASKED {
            let distance = row.saturating_sub(state.number).max(state.number.saturating_sub(row));
            let valid = limits.band.simd_ge(distance) & limits.query_len.simd_ge(row);
            h = valid.select(h, zero);
            m = valid.select(m, zero);
            e = valid.select(e, zero);
            state.f = valid.select(state.f, zero);
            state.end = limits.query_len.simd_eq(row).select(h, state.end);
            row += one;
        }
        *h_slot = h;
        block_max = block_max.max(h);
        let opened = m.saturating_sub(costs.delete_first);
        *e_slot = e.saturating_sub(costs.delete).max(opened);
        let opened = if USUAL { opened } else { m.saturating_sub(costs.insert_first) };
        state.f = state.f.saturating_sub(costs.insert).max(opened);
    }
    state.max = state.max.max(block_max);
    let has_max = state.max.simd_eq(block_max);
    state.max_block = has_max.select(splat(simd, first_row), state.max_block);
}

/// The last row that has the column's maximum, for the lanes of `wanted`; `h` holds the column.
#[inline(always)]
fn locate<S: Simd, V: SimdInt<S, Element: Lane>>(simd: S, h: &[V], wanted: V::Mask, swept: &Swept<V>) -> V {
    let largest = splat::<S, V>(simd, V::Element::LARGEST);
    let mut row = V::splat(simd, V::Element::default());
    let first = wanted.select(swept.max_block, largest).reduce_min().get();
    let end = (wanted.select(swept.max_block, row).reduce_max().get() + BLOCK).min(swept.rows_end);
    for (number, slot) in (first..end).zip(&h[first..end]) {
        let has_max = slot.simd_eq(swept.max);
        row = has_max.select(splat(simd, number), row);
    }
    row
}

/// Takes the scores at the queries' ends into the findings of the active lanes.
#[inline(always)]
fn take_end<S: Simd, V: SimdInt<S, Element: Lane>>(found: &mut Found<V>, active: V::Mask, swept: &Swept<V>) {
    let better = swept.end.simd_gt(found.end) & active;
    found.end = better.select(swept.end, found.end);
    found.end_column = better.select(swept.number, found.end_column);
}

/// Takes a column whose maxima are in `row` into the findings of the lanes where it is `better`.
#[inline(always)]
fn take<S: Simd, V: SimdInt<S, Element: Lane>>(found: &mut Found<V>, better: V::Mask, row: V, swept: &Swept<V>) {
    let number = swept.number;
    let offset = row.saturating_sub(number).max(number.saturating_sub(row));
    found.best = better.select(swept.max, found.best);
    found.row = better.select(row, found.row);
    found.column = better.select(number, found.column);
    found.offset = better.select(found.offset.max(offset), found.offset);
}

/// The exact z-drop test, for the few lanes (a bit each) that fell far enough to need it.
fn stop_dropped<S: Simd, V: SimdInt<S, Element: Lane>>(
    found: &mut Found<V>,
    (row, swept): (V, &Swept<V>),
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
        let skew = target_step - (value(&row) - value(&found.row));
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
