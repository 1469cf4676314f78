//! `Local`: the best alignment of any part of the query to any part of the target, and the best one
//! elsewhere, for mate rescue.
//!
//! # Recurrence
//!
//! Smith and Waterman (1981) with affine gaps after Gotoh (1982). Names, units, s(i,j) and the rule that
//! a gap opens from M are those of [`crate::kernels::extend`]; there is no anchor, no band and no dead
//! cell, so an alignment may begin anywhere. On the borders i = 0 and j = 0 everything is 0, and
//!
//! ```text
//! M(i,j) = max(0, H(i-1,j-1) + s(i,j))
//! E(i,j) = max(0, E(i,j-1) - del_ext, M(i,j-1) - del_open - del_ext)    deletion, along the target
//! F(i,j) = max(0, F(i-1,j) - ins_ext, M(i-1,j) - ins_open - ins_ext)    insertion, along the query
//! H(i,j) = max(M(i,j), E(i,j), F(i,j))
//! ```
//!
//! # Best score, and where it is
//!
//! The column maximum c(j) is the maximum of H(i,j) over i. The score is the maximum of c; `target_end`
//! is the smallest j that has it and `query_end` the smallest i that has it in that column (as bwa's
//! local alignment, Li 2013). Of all alignments with this score that end there, the start is the one with
//! the largest `target_start`, then the largest `query_start`: the shortest one.
//!
//! The fast forms find it by the same recurrence on the reversed pieces before both ends. It is enough to
//! look for the first column, then the first row, that reach the score: an alignment of the pieces with
//! this score that ended elsewhere would have been the first choice going forward.
//!
//! A score below max(1, `min_score`) is no alignment: every field is 0, the second score too.
//!
//! # Second score
//!
//! Let w = ceil(score / match), the least target bases that an alignment without a gap needs for the
//! score (the distance that bwa uses). `second_score` is the maximum of c(j) over the columns with
//! |j - target_end| > w, and `second_target_end` the smallest such j that has it; both are 0 where it is
//! 0. The columns before it are not masked: it is a bound on what another place of the target can score,
//! and may be the tail of the best alignment where that has long insertions.
//!
//! # Overflow
//!
//! Jobs run in unsigned 8-bit lanes first. The one sum of the recurrence that grows is H + match, so as
//! long as no column maximum exceeds 255 - match no lane has overflowed, and a job with a larger one is
//! redone in 16-bit lanes, then in scalar 32-bit code; both are counted. Positions are not kept in lanes.
//! A device takes jobs whose bound match * min(m, n) fits 16 bits.

pub(crate) mod gpu;
pub(crate) mod layout;
pub(crate) mod reference;
pub(crate) mod simd;
mod simd_group;
mod simd_second;
mod wide;

pub use reference::local as reference;

use crate::{LocalBatch, Scoring};

/// The answer to one local job. Positions are 0-based and half-open; all 0 = no alignment.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct LocalResult {
    /// The best score.
    pub score: i32,
    /// The first query base of the best alignment.
    pub query_start: u32,
    /// The query base after its last one.
    pub query_end: u32,
    /// The first target base of the best alignment.
    pub target_start: u32,
    /// The target base after its last one.
    pub target_end: u32,
    /// The best score of the columns away from the best alignment's end.
    pub second_score: i32,
    /// The target base after the last one of an alignment with that score.
    pub second_target_end: u32,
}

/// Whether an answer to a job can be right, as far as its lengths tell.
pub(crate) fn is_possible(batch: &LocalBatch, job: usize, found: &LocalResult) -> bool {
    let (query_len, target_len) = (batch.query(job).len(), batch.target(job).len());
    found.query_start <= found.query_end
        && found.target_start <= found.target_end
        && found.query_end as usize <= query_len
        && found.target_end.max(found.second_target_end) as usize <= target_len
        && found.score >= found.second_score
        && found.second_score >= 0
}

/// The least score that is an alignment.
fn least_score(min_score: u16) -> usize {
    usize::from(min_score).max(1)
}

/// How far from the best end a second one has to be, in target bases.
fn exclusion(score: usize, scoring: &Scoring) -> usize {
    score.div_ceil(usize::from(scoring.match_score))
}

/// The most target bases that an alignment of `query_len` bases with this score can have: what all
/// matches bring beyond the score pays for deletions.
fn longest_span(query_len: usize, score: usize, scoring: &Scoring) -> usize {
    let spare = (usize::from(scoring.match_score) * query_len).saturating_sub(score);
    query_len + spare / usize::from(scoring.deletion_extend)
}
