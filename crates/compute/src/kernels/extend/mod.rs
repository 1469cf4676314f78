//! `Extend`: how far does an alignment run from a seed?
//!
//! # Recurrence
//!
//! Query bases are i = 1..=m, target bases j = 1..=n; the anchor is (0, 0). A *gap* of length k costs
//! open + k * extend; a deletion skips target bases, an insertion skips query bases. All values are
//! integers in units of the scoring scheme and never negative. Affine gaps after Gotoh (1982), in the
//! form of bwa-mem's seed extension (Li 2013), where a gap opens from M and not from H:
//!
//! ```text
//! H(0,0) = h0
//! H(i,0) = max(0, h0 - ins_open - ins_ext * i)     M = E = F = 0 on both borders
//! H(0,j) = max(0, h0 - del_open - del_ext * j)
//!
//! s(i,j) = -ambiguous if either base has code 4, match if the bases are equal, else -mismatch
//! M(i,j) = max(0, H(i-1,j-1) + s(i,j)) if H(i-1,j-1) > 0, else 0
//! E(i,j) = max(0, E(i,j-1) - del_ext, M(i,j-1) - del_open - del_ext)    deletion, along the target
//! F(i,j) = max(0, F(i-1,j) - ins_ext, M(i-1,j) - ins_open - ins_ext)    insertion, along the query
//! H(i,j) = max(M(i,j), E(i,j), F(i,j))
//! ```
//!
//! A cell with H = 0 is *dead*: nothing continues from it. Cells with |i - j| > `band` are dead, borders
//! included (H = M = E = F = 0).
//!
//! # Columns, best score and z-drop
//!
//! Target positions are taken in order. The *column maximum* c of j is the maximum of H(i,j) over
//! i = 1..=m (borders do not count, as in bwa), and its row is the largest i that has it. The best
//! score starts as h0 at (0,0). After column j:
//!
//! - if c > best: best, `query_end` and `target_end` become c, its row and j, and
//!   `max_offset = max(max_offset, |row - j|)`;
//! - else if c > 0 and z_drop > 0: with a = j - target_end and b = row - query_end, stop after this
//!   column if best - c - |a - b| * ext > z_drop, where ext is del_ext if a > b and ins_ext otherwise.
//!
//! So on equal scores the smallest `target_end` wins, then the largest `query_end`. A column without a
//! live cell (c = 0) is never tested, so it may end the work only when its border cell is dead too,
//! which cannot change a result. (bwa stops at any column with c = 0.)
//!
//! `end_score` is the maximum of H(m,j) over all live cells of row m in the columns taken, the border
//! cell j = 0 included, and `end_target` the smallest such j (bwa takes the largest). Without a live
//! cell they are -1 and 0. If m = 0 the answer is score = end_score = h0 and 0 elsewhere. The end bonus
//! is no part of the recurrence: see [`ExtendResult::reaches_end`].
//!
//! # Overflow
//!
//! Every H, M, E, F and best score is at most h0 + match * min(m, n), and rows and columns are at most
//! m and min(n, m + band). A job for which these bounds fit in 255 runs in 8-bit lanes, else one for
//! which they fit in 65535 in 16-bit lanes or on the GPU, else in scalar 32-bit code. Bounds are
//! checked before, so no lane can overflow; jobs that did not fit the narrowest form are counted. On the GPU the scoring
//! scheme decides between two shaders with the same results, see `strips::takes`; a third, see `cooperative`, takes the
//! long jobs of a batch where they are few; and where a device has 16-bit numbers a fourth takes jobs two by two, see
//! `packed`, and leaves to the others those whose scores could outgrow its lanes or which z-drop may decide.

mod cooperative;
pub(crate) mod gpu;
pub(crate) mod layout;
mod packed;
pub(crate) mod reference;
mod run;
pub(crate) mod simd;
mod simd_group;
mod simd_setup;
pub(crate) mod strips;
mod wide;

pub use reference::extend as reference;

use crate::{ExtendBatch, Scoring};

/// The answer to one extension job. Ends are numbers of bases consumed (half-open), so 0 means that
/// nothing beyond the anchor was worth it, and then `score` is the initial score.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct ExtendResult {
    /// The best score.
    pub score: i32,
    /// Query bases consumed at the best score.
    pub query_end: u32,
    /// Target bases consumed at the best score.
    pub target_end: u32,
    /// The best score that consumes the whole query, -1 if none is above 0.
    pub end_score: i32,
    /// Target bases consumed at `end_score`.
    pub end_target: u32,
    /// How far off the anchor's diagonal the best cell ever was, in diagonals.
    pub max_offset: u32,
}

impl ExtendResult {
    /// Whether to align the query to its end rather than clip it (bwa's choice, Li 2013): some
    /// alignment reaches the end, and it scores less than `end_bonus` below the best one.
    pub fn reaches_end(&self, end_bonus: i32) -> bool {
        self.end_score > 0 && self.end_score > self.score - end_bonus
    }
}

/// Whether an answer to a job can be right, as far as its lengths and scores tell.
pub(crate) fn is_possible(batch: &ExtendBatch, job: usize, scoring: &Scoring, found: &ExtendResult) -> bool {
    Bounds::of(batch, job, scoring).allow(found)
}

/// The bounds that decide which lanes a job fits in; see the module's *Overflow*.
struct Bounds {
    query_len: usize,
    /// Target bases that the band can reach.
    target_len: usize,
    score: usize,
}

impl Bounds {
    fn of(batch: &ExtendBatch, job: usize, scoring: &Scoring) -> Self {
        let params = batch.params(job);
        let query_len = batch.query(job).len();
        let target_len = batch.target(job).len().min(query_len + usize::from(params.band));
        let gain = usize::from(scoring.match_score) * query_len.min(target_len);
        Bounds { query_len, target_len, score: usize::from(params.initial_score) + gain }
    }

    /// Whether an answer can be one to a job with these bounds.
    fn allow(&self, found: &ExtendResult) -> bool {
        let ExtendResult { score, query_end, target_end, end_score, end_target, max_offset } = *found;
        let scores = 0..=self.score as i64;
        let ends = [(query_end, self.query_len), (target_end, self.target_len), (end_target, self.target_len)];
        let offset = (max_offset, self.query_len.max(self.target_len));
        scores.contains(&score.into())
            && (end_score == -1 || scores.contains(&end_score.into()))
            && ends.into_iter().chain([offset]).all(|(value, most)| value as usize <= most)
    }

    fn fits(&self, lane_max: usize) -> bool {
        self.score.max(self.query_len).max(self.target_len) <= lane_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_bonus_decides_as_bwa_does() {
        let result = ExtendResult { score: 100, end_score: 95, ..Default::default() };
        assert!(!result.reaches_end(5));
        assert!(result.reaches_end(6));
        let dead = ExtendResult { score: 0, end_score: 0, ..Default::default() };
        assert!(!dead.reaches_end(5));
    }
}
