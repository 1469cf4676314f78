//! Scores and CIGARs of a batch, as flat columns.

/// The operations that a global alignment is made of, with their BAM codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum CigarOp {
    /// A pair of bases, equal or not.
    Match = 0,
    /// A query base that is not in the target.
    Insertion = 1,
    /// A target base that is not in the query.
    Deletion = 2,
}

impl CigarOp {
    /// A run of `length` operations as BAM packs it; `length` is below 2^28.
    pub const fn run(self, length: u32) -> u32 {
        length << 4 | self as u32
    }

    /// The length and the operation of a packed run; `None` for other operations.
    pub const fn unpack(run: u32) -> Option<(u32, CigarOp)> {
        match run & 15 {
            0 => Some((run >> 4, CigarOp::Match)),
            1 => Some((run >> 4, CigarOp::Insertion)),
            2 => Some((run >> 4, CigarOp::Deletion)),
            _ => None,
        }
    }
}

/// Results of a [`crate::GlobalBatch`], one row a job, in the batch's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GlobalResults {
    scores: Vec<i32>,
    runs: Vec<u32>,
    ends: Vec<usize>,
}

impl GlobalResults {
    /// Empty results.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all rows and keeps the memory.
    pub fn clear(&mut self) {
        self.scores.clear();
        self.runs.clear();
        self.ends.clear();
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// The score of job `index`.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn score(&self, index: usize) -> i32 {
        self.scores[index]
    }

    /// The CIGAR of job `index`: packed runs, `length << 4 | op` (M = 0, I = 1, D = 2).
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn cigar(&self, index: usize) -> &[u32] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.runs[start..self.ends[index]]
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, score: i32, cigar: &[u32]) {
        self.scores.push(score);
        self.runs.extend_from_slice(cigar);
        self.ends.push(self.runs.len());
    }
}

/// Rows that are found out of order, before they are put in order.
#[derive(Debug, Default)]
pub(crate) struct Unordered {
    rows: Vec<(u32, i32, usize, usize)>,
    runs: Vec<u32>,
}

impl Unordered {
    /// Takes the row of `job`; the runs are given in reading order.
    pub(crate) fn push(&mut self, job: u32, score: i32, cigar: impl IntoIterator<Item = u32>) {
        let start = self.runs.len();
        self.runs.extend(cigar);
        self.rows.push((job, score, start, self.runs.len()));
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A row by its place: job, score and CIGAR.
    pub(crate) fn row(&self, place: usize) -> (u32, i32, &[u32]) {
        let (job, score, start, end) = self.rows[place];
        (job, score, &self.runs[start..end])
    }

    /// Takes all rows of another, whose jobs are others.
    pub(crate) fn absorb(&mut self, other: Unordered) {
        let offset = self.runs.len();
        self.runs.extend_from_slice(&other.runs);
        let moved = |(job, score, start, end)| (job, score, start + offset, end + offset);
        self.rows.extend(other.rows.into_iter().map(moved));
    }

    /// Appends all rows to `results` in the order of their jobs.
    pub(crate) fn finish(mut self, results: &mut GlobalResults) {
        self.rows.sort_unstable();
        for (_, score, start, end) in self.rows {
            results.push(score, &self.runs[start..end]);
        }
    }
}
