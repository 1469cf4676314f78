//! `Local` for one group of jobs, a job per lane, generic over lane width and instruction set.
//!
//! Target columns are outside, query rows inside, in unsigned lanes that saturate at the recurrence's
//! floor (Farrar 2007); a pair of bases is looked up as in `Extend`. The inner loop keeps nothing but the
//! maximum of each block of rows. A column is written beside the one before it, so that when a lane's
//! score stops growing its last column is still there to be asked for the row: most columns of a good
//! alignment only lead to the next one and are never asked.
//!
//! Rows and columns beyond a lane's lengths are padding, at which M is 0. E and F may run on into them,
//! but are below the M they came from, so no maximum of a padded row or first cell of a score is there.

use fearless_simd::{Select, Simd, SimdInt};

use crate::LocalBatch;
use crate::kernels::lanes::{Columns, Lane, Task};

/// Rows whose maxima are told apart; a block's number fits every lane.
pub(super) const BLOCK: usize = 8;

/// What a sequence has beyond its end. It has a bit that no base code has.
pub(super) const PADDING: u8 = 128;

/// The scoring scheme in lanes.
#[derive(Clone, Copy)]
pub(super) struct Costs<V> {
    table: V,
    gain: V,
    delete_first: V,
    delete: V,
    insert_first: V,
    insert: V,
}

impl<V> Costs<V> {
    #[inline(always)]
    pub(super) fn new<S: Simd>(simd: S, task: &Task<'_, LocalBatch>) -> Self
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

/// The matrix of a group: its sequences, its last two columns, and its column maxima. Memory is reused
/// from group to group.
pub(super) struct Matrix<V> {
    pub(super) query: Columns<V>,
    pub(super) target: Columns<V>,
    /// The shortest query and target, in bases.
    pub(super) shortest: (usize, usize),
    /// H of the column that was swept last, a vector a row; row 1 first.
    h: Vec<V>,
    /// H of the column before.
    previous: Vec<V>,
    e: Vec<V>,
}

impl<V> Default for Matrix<V> {
    fn default() -> Self {
        Matrix {
            query: Columns::default(),
            target: Columns::default(),
            shortest: (0, 0),
            h: Vec::new(),
            previous: Vec::new(),
            e: Vec::new(),
        }
    }
}

/// What a swept column has to say, per lane.
#[derive(Clone, Copy)]
pub(super) struct Swept<V> {
    pub(super) max: V,
    /// The first block that has the maximum.
    pub(super) block: V,
}

/// One column's state while its rows go by.
struct Column<V> {
    base: V,
    diagonal: V,
    f: V,
    swept: Swept<V>,
}

impl<V> Matrix<V> {
    /// Takes the jobs' sequences, shortest query and target given, and sets the matrix back to column 0.
    #[inline(always)]
    pub(super) fn start<'a, S: Simd>(
        &mut self,
        simd: S,
        queries: impl Iterator<Item = &'a [u8]> + Clone,
        targets: impl Iterator<Item = &'a [u8]> + Clone,
    ) where
        V: SimdInt<S, Element: Lane>,
    {
        let extremes = |(low, high): (usize, usize), s: &[u8]| (low.min(s.len()), high.max(s.len()));
        let (shortest_query, rows) = queries.clone().fold((usize::MAX, 0), extremes);
        let (shortest_target, columns) = targets.clone().fold((usize::MAX, 0), extremes);
        self.shortest = (shortest_query, shortest_target);
        self.query.fill(simd, rows, queries, PADDING);
        self.target.fill(simd, columns, targets, PADDING);
        let zero = V::splat(simd, V::Element::default());
        for column in [&mut self.h, &mut self.previous, &mut self.e] {
            column.clear();
            column.resize(rows, zero);
        }
    }

    /// Sweeps column `j`, from 1.
    #[inline(always)]
    pub(super) fn sweep<S: Simd, const ONE_OPENING: bool>(&mut self, simd: S, costs: &Costs<V>, j: usize) -> Swept<V>
    where
        V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
    {
        std::mem::swap(&mut self.h, &mut self.previous);
        let zero = V::splat(simd, V::Element::default());
        let base = self.target.vectors[j - 1];
        // The target's ambiguous code 4 becomes 8, so that XOR keeps the two sides apart.
        let base = base + (base & V::splat(simd, V::Element::clamp_from(4)));
        let mut column = Column { base, diagonal: zero, f: zero, swept: Swept { max: zero, block: zero } };
        let rows = self.query.vectors.len();
        // Whole blocks in which no lane has padding, or all rows.
        let plain = match self.shortest {
            (_, columns) if j > columns => 0,
            (plain, _) if plain == rows => rows,
            (plain, _) => plain / BLOCK * BLOCK,
        };
        self.blocks::<S, ONE_OPENING, false>(simd, costs, &mut column, 0..plain);
        self.blocks::<S, ONE_OPENING, true>(simd, costs, &mut column, plain..rows);
        column.swept
    }

    /// Sweeps `rows` of a column, from 0, which start with a block.
    #[inline(always)]
    fn blocks<S: Simd, const ONE_OPENING: bool, const MASKED: bool>(
        &mut self,
        simd: S,
        costs: &Costs<V>,
        column: &mut Column<V>,
        rows: std::ops::Range<usize>,
    ) where
        V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
    {
        if rows.is_empty() {
            return;
        }
        let mut number = rows.start / BLOCK;
        let (query, last_query) = self.query.vectors[rows.clone()].as_chunks::<BLOCK>();
        let (previous, last_previous) = self.previous[rows.clone()].as_chunks::<BLOCK>();
        let (h, last_h) = self.h[rows.clone()].as_chunks_mut::<BLOCK>();
        let (e, last_e) = self.e[rows].as_chunks_mut::<BLOCK>();
        for ((query, previous), (h, e)) in query.iter().zip(previous).zip(h.iter_mut().zip(e)) {
            block::<S, V, ONE_OPENING, MASKED>(simd, costs, (column, number), (query, previous, h, e));
            number += 1;
        }
        if !last_query.is_empty() {
            let last = (last_query, last_previous, last_h, last_e);
            block::<S, V, ONE_OPENING, MASKED>(simd, costs, (column, number), last);
        }
    }

    /// The first row, from 1, of `block` with this score in the column that was swept last, or in the one
    /// before it.
    pub(super) fn row<S: Simd>(&self, lane: usize, (block, score): (usize, usize), before: bool) -> usize
    where
        V: SimdInt<S, Element: Lane>,
    {
        let column = if before { &self.previous } else { &self.h };
        let first = block * BLOCK;
        let found = column[first..].iter().position(|slot| slot[lane].get() == score);
        first + found.unwrap_or(0) + 1
    }
}

/// The inner loop: the rows of block `number`: query bases, H of the column before, H and E.
#[inline(always)]
fn block<S: Simd, V, const ONE_OPENING: bool, const MASKED: bool>(
    simd: S,
    costs: &Costs<V>,
    (column, number): (&mut Column<V>, usize),
    (query, previous, h, e): (&[V], &[V], &mut [V], &mut [V]),
) where
    V: SimdInt<S, ByteVector = S::u8s, Element: Lane>,
{
    let zero = V::splat(simd, V::Element::default());
    let padding = V::splat(simd, V::Element::widen(PADDING));
    let mut max = zero;
    for ((code, before), (h_slot, e_slot)) in query.iter().zip(previous).zip(h.iter_mut().zip(e)) {
        let penalty = costs.table.swizzle_dyn_within_blocks((*code ^ column.base).to_bytes());
        // The sum cannot wrap in a lane that counts: see the module's *Overflow*.
        let mut m = (column.diagonal + costs.gain).saturating_sub(penalty);
        if MASKED {
            m = (*code | column.base).simd_lt(padding).select(m, zero);
        }
        column.diagonal = *before;
        let e = *e_slot;
        let cell = m.max(e.max(column.f));
        *h_slot = cell;
        max = max.max(cell);
        let opened = m.saturating_sub(costs.delete_first);
        *e_slot = e.saturating_sub(costs.delete).max(opened);
        let opened = if ONE_OPENING { opened } else { m.saturating_sub(costs.insert_first) };
        column.f = column.f.saturating_sub(costs.insert).max(opened);
    }
    let swept = &mut column.swept;
    let number = V::splat(simd, V::Element::clamp_from(number));
    swept.block = max.simd_gt(swept.max).select(number, swept.block);
    swept.max = swept.max.max(max);
}
