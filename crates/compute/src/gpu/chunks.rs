//! Cutting a batch into dispatches that fit a device, and packing their bases.

use super::program::MAX_JOBS;

/// The most cells of a dispatch: tens of milliseconds on a GPU, so that no watchdog resets it.
const MAX_CELLS: u64 = 1 << 30;

/// The most loop iterations of an invocation in one pass. It keeps a pass short where jobs are large, and
/// llvmpipe silently ends all loops of an invocation after 65,535 iterations in total.
pub(crate) const MAX_ITERATIONS: usize = 60_000;

/// Query length, target length and band of a job.
pub(crate) type Size = (usize, usize, usize);

/// Cells that a job of this size takes.
pub(crate) fn cells_of((rows, columns, band): Size) -> u64 {
    (columns * rows.min(2 * band + 1)) as u64
}

/// The extremes over the jobs of a dispatch.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extremes {
    /// Query bases.
    pub(crate) rows: usize,
    /// Target bases.
    pub(crate) columns: usize,
    /// Rows of a column that are inside the band.
    pub(crate) height: usize,
    /// Half the width of the band.
    pub(crate) band: usize,
}

impl Extremes {
    /// Widens the extremes to one more job.
    pub(crate) fn include(&mut self, rows: usize, columns: usize, band: usize) {
        self.rows = self.rows.max(rows);
        self.columns = self.columns.max(columns);
        self.height = self.height.max(rows.min(2 * band + 1));
        self.band = self.band.max(band);
    }

    /// The column ranges of the passes, from 1, both ends included; at least one pass.
    pub(crate) fn passes(&self) -> Vec<(u32, u32)> {
        // Beside its cells a pass may fill the first column or trace a path.
        let spent = 2 * self.rows + self.columns;
        let step = (MAX_ITERATIONS.saturating_sub(spent) / (self.height + 1)).max(1);
        let starts = (0..self.columns.max(1)).step_by(step);
        starts.map(|start| (start as u32 + 1, (start + step) as u32)).collect()
    }
}

/// The number of jobs from the front that fit one dispatch; at least 1 where there is one. Interleaved buffers are padded to the extremes of their
/// dispatch: `padded_bytes` is what each job then takes in the largest of them.
pub(crate) fn first_dispatch(
    jobs: impl Iterator<Item = Size>,
    padded_bytes: impl Fn(&Extremes) -> u64,
    max_binding_bytes: u64,
) -> usize {
    let mut extremes = Extremes::default();
    let (mut count, mut cells, mut base_bytes) = (0, 0, 0);
    for (rows, columns, band) in jobs.take(MAX_JOBS) {
        extremes.include(rows, columns, band);
        cells += cells_of((rows, columns, band));
        base_bytes += 4 * (words(rows) + words(columns)) as u64;
        let padded = padded_bytes(&extremes) * (count as u64 + 1);
        if count > 0 && (cells > MAX_CELLS || padded.max(base_bytes) > max_binding_bytes) {
            break;
        }
        count += 1;
    }
    count
}

/// Words that hold a sequence of `length` bases.
pub(crate) fn words(length: usize) -> usize {
    length.div_ceil(8)
}

/// Appends a sequence to `bases`, eight codes a word, lowest bits first; returns its first word.
pub(crate) fn pack(bases: &mut Vec<u32>, sequence: &[u8]) -> u32 {
    let start = bases.len() as u32;
    let (whole, rest) = sequence.as_chunks::<8>();
    bases.extend(whole.iter().map(nibbles));
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        bases.push(nibbles(&last));
    }
    start
}

/// The low halves of eight bytes, the first lowest: pairs, then fours, then all eight move together.
fn nibbles(codes: &[u8; 8]) -> u32 {
    let bytes = u64::from_le_bytes(*codes);
    let pairs = (bytes | bytes >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    (fours | fours >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dispatches_respect_every_limit() {
        let area = |extremes: &Extremes| (extremes.rows * extremes.columns) as u64;
        let take = |jobs: &[(usize, usize, usize)], max| first_dispatch(jobs.iter().copied(), area, max);
        assert_eq!(take(&[], 100), 0);
        assert_eq!(take(&[(50, 50, 9)], 100), 1);
        assert_eq!(take(&[(5, 8, 9); 5], 100), 2);
        // Two of these have as many cells as a dispatch may have.
        let huge = (1 << 14, 1 << 15, 1 << 14);
        assert_eq!(take(&[huge; 3], u64::MAX), 2);
        // The second job is no larger than the first, but the padding to both is.
        assert_eq!(take(&[(2, 20, 9), (20, 2, 9)], 100), 1);
        assert_eq!(take(&[(2, 20, 9), (2, 20, 9)], 100), 2);
    }

    #[test]
    fn passes_cover_every_column_once() {
        let mut short = Extremes::default();
        short.include(150, 200, 1000);
        assert_eq!(short.passes().len(), 1);
        assert_eq!(Extremes { columns: 0, ..short }.passes().len(), 1);
        let mut long = Extremes::default();
        long.include(1024, 4096, 65_535);
        let mut next = 1;
        for (first, last) in long.passes() {
            assert_eq!(first, next);
            let iterations = (last + 1 - first) as usize * (1024 + 1) + 2 * 1024 + 4096;
            assert!(iterations <= MAX_ITERATIONS);
            next = last + 1;
        }
        assert!(next > 4096);
    }

    #[test]
    fn packing() {
        let mut bases = vec![7];
        assert_eq!(pack(&mut bases, &[1, 2, 3, 4, 0, 0, 0, 1, 2]), 1);
        assert_eq!(bases, [7, 0x1000_4321, 2]);
        assert_eq!(words(9), 2);
    }
}
