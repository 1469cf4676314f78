//! `Global` for one group of jobs, a job per signed 16-bit lane.
//!
//! The loops are those of `Extend`: target columns outside, query rows inside, plain rows where every
//! lane is inside its band and above its last row, masked rows elsewhere. Each cell stores one vector
//! of directions, from which each lane's path is read back afterwards.

use fearless_simd::{Select, Simd, SimdInt};

use super::effective_band;
use super::layout::LANE_NEVER;
use super::results::Unordered;
use super::traceback::{EXTEND_E, EXTEND_F, FROM_E, FROM_F, trace};
use crate::kernels::lanes::{Columns, Task};
use crate::{GlobalBatch, Scoring};

/// Memory reused from group to group. Every slot is one vector of lanes.
pub(super) struct Scratch<V> {
    query: Columns<V>,
    target: Columns<V>,
    h: Vec<V>,
    e: Vec<V>,
    directions: Vec<V>,
    runs: Vec<u32>,
}

impl<V> Default for Scratch<V> {
    fn default() -> Self {
        let (query, target) = (Columns::default(), Columns::default());
        Scratch { query, target, h: Vec::new(), e: Vec::new(), directions: Vec::new(), runs: Vec::new() }
    }
}

/// The outline of a group: extremes over its jobs.
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    min_rows: usize,
    max_band: usize,
    min_band: usize,
}

impl Shape {
    pub(super) fn of(batch: &GlobalBatch, jobs: &[u32]) -> Self {
        let mut shape = Shape { rows: 0, columns: 0, min_rows: usize::MAX, max_band: 0, min_band: usize::MAX };
        for &job in jobs {
            let (m, n, band) = dimensions(batch, job);
            shape.rows = shape.rows.max(m);
            shape.columns = shape.columns.max(n);
            shape.min_rows = shape.min_rows.min(m);
            shape.max_band = shape.max_band.max(band);
            shape.min_band = shape.min_band.min(band);
        }
        shape
    }

    /// Rows stored per column.
    pub(super) fn width(&self) -> usize {
        self.rows.min(2 * self.max_band + 1)
    }

    /// The first row of column `j`.
    fn low(&self, j: usize) -> usize {
        j.saturating_sub(self.max_band).max(1)
    }
}

/// Query length, target length, and the band in effect.
pub(super) fn dimensions(batch: &GlobalBatch, job: u32) -> (usize, usize, usize) {
    let job = job as usize;
    let (m, n) = (batch.query(job).len(), batch.target(job).len());
    // A band wider than the matrix is as good as one of its size, and fits a lane.
    (m, n, effective_band(m, n, batch.params(job).band).min(m.max(n)))
}

/// Everything that stays the same over a group.
struct Group<V> {
    table: V,
    gain: V,
    delete_first: V,
    delete: V,
    insert_first: V,
    insert: V,
    never: V,
    zero: V,
    query_len: V,
    target_len: V,
    band: V,
}

impl<V> Group<V> {
    #[inline(always)]
    fn new<S: Simd>(simd: S, task: &Task<'_, GlobalBatch>, jobs: &[u32]) -> Self
    where
        V: SimdInt<S, ByteVector = S::u8s, Element = i16>,
    {
        let (batch, scoring) = (task.batch, task.scoring);
        let splat = |a: u8, b: u8| V::splat(simd, i16::from(a) + i16::from(b));
        let vector = |value: &dyn Fn((usize, usize, usize)) -> usize| {
            V::from_fn(simd, |k| jobs.get(k).map_or(0, |&job| value(dimensions(batch, job)) as i16))
        };
        Group {
            table: task.penalties(simd),
            gain: splat(scoring.match_score, 0),
            delete_first: splat(scoring.deletion_open, scoring.deletion_extend),
            delete: splat(scoring.deletion_extend, 0),
            insert_first: splat(scoring.insertion_open, scoring.insertion_extend),
            insert: splat(scoring.insertion_extend, 0),
            never: V::splat(simd, LANE_NEVER),
            zero: V::splat(simd, 0),
            query_len: vector(&|(m, _, _)| m),
            target_len: vector(&|(_, n, _)| n),
            band: vector(&|(_, _, band)| band),
        }
    }
}

/// One column's state while its rows go by.
struct Column<V> {
    base: V,
    number: V,
    diagonal: V,
    f: V,
    end: V,
}

/// Answers `jobs` (at most one a lane, none with an empty sequence) into `found`.
#[inline(always)]
pub(super) fn run<S: Simd, V, const ONE_OPENING: bool>(
    simd: S,
    task: &Task<'_, GlobalBatch>,
    jobs: &[u32],
    scratch: &mut Scratch<V>,
    found: &mut Unordered,
) where
    V: SimdInt<S, ByteVector = S::u8s, Element = i16>,
{
    let (batch, scoring) = (task.batch, task.scoring);
    let shape = Shape::of(batch, jobs);
    let group = Group::<V>::new(simd, task, jobs);
    // Cells beyond a lane's lengths are masked, so any padding will do.
    let query = |&job: &u32| batch.query(job as usize);
    let target = |&job: &u32| batch.target(job as usize);
    scratch.query.fill(simd, shape.rows, jobs.iter().map(query), 0);
    scratch.target.fill(simd, shape.columns, jobs.iter().map(target), 0);
    scratch.directions.resize(shape.width() * shape.columns, group.zero);
    start(simd, &group, &shape, scratch, scoring);
    let mut score = group.zero;
    let mut border = V::splat(simd, -i16::from(scoring.deletion_open));
    for j in 1..=shape.columns {
        let number = V::splat(simd, j as i16);
        border = border.saturating_sub(group.delete);
        let end = column::<S, V, ONE_OPENING>(simd, &group, &shape, scratch, j);
        score = group.target_len.simd_eq(number).select(end, score);
        let top = group.band.simd_ge(number).select(border, group.never);
        scratch.h[0] = top;
    }
    for (lane, &job) in jobs.iter().enumerate() {
        let (m, n, _) = dimensions(batch, job);
        let slot = |i: usize, j: usize| (j - 1) * shape.width() + i - shape.low(j);
        trace(m, n, |i, j| scratch.directions[slot(i, j)][lane] as u8, &mut scratch.runs);
        found.push(job, i32::from(score[lane]), scratch.runs.iter().copied());
    }
}

/// Fills column 0.
#[inline(always)]
fn start<S: Simd, V: SimdInt<S, Element = i16>>(
    simd: S,
    group: &Group<V>,
    shape: &Shape,
    scratch: &mut Scratch<V>,
    scoring: &Scoring,
) {
    scratch.h.clear();
    scratch.e.clear();
    scratch.e.resize(shape.rows + 1, group.never);
    scratch.h.push(group.zero);
    let mut border = V::splat(simd, -i16::from(scoring.insertion_open));
    for i in 1..=shape.rows {
        border = border.saturating_sub(group.insert);
        let inside = group.band.simd_ge(V::splat(simd, i as i16));
        scratch.h.push(inside.select(border, group.never));
    }
}

/// Sweeps the rows of one column; returns H of the row of each lane's query end.
#[inline(always)]
fn column<S: Simd, V, const ONE_OPENING: bool>(
    simd: S,
    group: &Group<V>,
    shape: &Shape,
    scratch: &mut Scratch<V>,
    j: usize,
) -> V
where
    V: SimdInt<S, ByteVector = S::u8s, Element = i16>,
{
    let low = shape.low(j);
    let high = shape.rows.min(j + shape.max_band);
    let plain_low = j.saturating_sub(shape.min_band).max(1);
    let plain_high = (shape.min_rows - 1).min(j + shape.min_band);
    let base = scratch.target.vectors[j - 1];
    let mut state = Column {
        // The target's ambiguous code 4 becomes 8, so that XOR keeps the two sides apart.
        base: base + (base & V::splat(simd, 4)),
        number: V::splat(simd, j as i16),
        diagonal: scratch.h[low - 1],
        f: group.never,
        end: group.never,
    };
    // Masked rows, plain rows, masked rows; any of the three may be empty.
    let first = plain_low.min(high + 1).max(low);
    let second = (plain_high + 1).max(first);
    let out = ((j - 1) * shape.width(), low);
    sweep::<S, V, ONE_OPENING, true>(simd, group, scratch, &mut state, (low..first, out));
    sweep::<S, V, ONE_OPENING, false>(simd, group, scratch, &mut state, (first..second, out));
    sweep::<S, V, ONE_OPENING, true>(simd, group, scratch, &mut state, (second..high + 1, out));
    state.end
}

/// The inner loop: `rows` of one column, top to bottom. Row `low` stores its directions at slot `at`.
#[inline(always)]
fn sweep<S: Simd, V, const ONE_OPENING: bool, const MASKED: bool>(
    simd: S,
    group: &Group<V>,
    scratch: &mut Scratch<V>,
    state: &mut Column<V>,
    (rows, (at, low)): (std::ops::Range<usize>, (usize, usize)),
) where
    V: SimdInt<S, ByteVector = S::u8s, Element = i16>,
{
    if rows.is_empty() {
        return;
    }
    let flag = |bits: u8| V::splat(simd, i16::from(bits));
    let (from_e, from_f) = (flag(FROM_E), flag(FROM_F));
    let (extend_e, extend_f) = (flag(EXTEND_E), flag(EXTEND_F));
    let mut row = V::splat(simd, rows.start as i16);
    let outs = at + rows.start - low..at + rows.end - low;
    // Query rows count from 0, matrix rows from 1.
    let query = &scratch.query.vectors[rows.start - 1..rows.end - 1];
    let slots = scratch.h[rows.clone()].iter_mut().zip(&mut scratch.e[rows]);
    for ((code, out), (h_slot, e_slot)) in query.iter().zip(&mut scratch.directions[outs]).zip(slots) {
        let pair = *code ^ state.base;
        let penalty = group.table.swizzle_dyn_within_blocks(pair.to_bytes());
        let m = state.diagonal.saturating_add(group.gain).saturating_sub(penalty);
        let e = *e_slot;
        state.diagonal = *h_slot;
        let mut direction = e.simd_gt(m).select(from_e, group.zero);
        let mut h = m.max(e);
        direction = state.f.simd_gt(h).select(from_f, direction);
        h = h.max(state.f);

        let (opened, extended) = (m.saturating_sub(group.delete_first), e.saturating_sub(group.delete));
        direction |= extended.simd_gt(opened).select(extend_e, group.zero);
        let mut e = extended.max(opened);
        let opened = if ONE_OPENING { opened } else { m.saturating_sub(group.insert_first) };
        let extended = state.f.saturating_sub(group.insert);
        direction |= extended.simd_gt(opened).select(extend_f, group.zero);
        state.f = extended.max(opened);

        if MASKED {
            let distance = (row - state.number).max(state.number - row);
            let valid = group.band.simd_ge(distance) & group.query_len.simd_ge(row);
            h = valid.select(h, group.never);
            e = valid.select(e, group.never);
            state.f = valid.select(state.f, group.never);
            state.end = group.query_len.simd_eq(row).select(h, state.end);
            row += V::splat(simd, 1);
        }
        *h_slot = h;
        *e_slot = e;
        *out = direction;
    }
}
