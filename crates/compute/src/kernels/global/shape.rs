//! The outline of a group of jobs, and where the directions of its cells are.

use super::effective_band;
use crate::GlobalBatch;

/// Query length, target length, and the band in effect.
pub(super) fn dimensions(batch: &GlobalBatch, job: u32) -> (usize, usize, usize) {
    let job = job as usize;
    let (m, n) = (batch.query(job).len(), batch.target(job).len());
    // A band wider than the matrix is as good as one of its size.
    (m, n, effective_band(m, n, batch.params(job).band).min(m.max(n)))
}

/// Extremes over a group's jobs.
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) min_columns: usize,
    pub(super) max_band: usize,
    pub(super) min_band: usize,
    /// Slots from a cell to the next one in its row.
    step: usize,
    /// The slot of cell (0,0) would be this far before the first.
    back: usize,
}

impl Shape {
    pub(super) fn of(batch: &GlobalBatch, jobs: &[u32]) -> Self {
        let (mut rows, mut columns, mut min_columns) = (0, 0, usize::MAX);
        let (mut max_band, mut min_band) = (0, usize::MAX);
        for &job in jobs {
            let (m, n, band) = dimensions(batch, job);
            (rows, columns, min_columns) = (rows.max(m), columns.max(n), min_columns.min(n));
            (max_band, min_band) = (max_band.max(band), min_band.min(band));
        }
        // Columns hold all rows, or those of the band if they are fewer. Either way the distance between
        // two cells' slots depends on the distance of the cells alone.
        let (step, back) = if rows <= 2 * max_band + 1 { (rows, rows + 1) } else { (2 * max_band, max_band + 1) };
        Shape { rows, columns, min_columns, max_band, min_band, step, back }
    }

    /// How many slots a group needs.
    pub(super) fn slots(&self) -> usize {
        self.rows.min(2 * self.max_band + 1) * self.columns
    }

    /// The slot of a cell inside the band, both counted from 1.
    #[inline(always)]
    pub(super) fn slot(&self, i: usize, j: usize) -> usize {
        j * self.step + i - self.back
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GlobalParams;

    /// Every cell of the band has a slot of its own.
    #[test]
    fn slots_are_distinct() -> Result<(), crate::JobError> {
        for (m, n, band) in [(1, 1, 0), (9, 9, 0), (9, 12, 1), (30, 24, 7), (20, 20, 9), (20, 20, 10), (5, 5, 50)] {
            let mut batch = GlobalBatch::new();
            batch.push(vec![0; m], vec![0; n], GlobalParams { band })?;
            let shape = Shape::of(&batch, &[0]);
            let mut taken = vec![false; shape.slots()];
            for (i, j) in (1..=m).flat_map(|i| (1..=n).map(move |j| (i, j))) {
                if i.abs_diff(j) <= shape.max_band {
                    let slot = &mut taken[shape.slot(i, j)];
                    assert!(!*slot, "({i},{j}) of {m} x {n} in band {band}");
                    *slot = true;
                }
            }
        }
        Ok(())
    }
}
