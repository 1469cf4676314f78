//! `Global`: the best alignment between two anchors, with its CIGAR.
//!
//! # Recurrence
//!
//! Query bases are i = 1..=m, target bases j = 1..=n; both (0,0) and (m,n) are fixed. Scores are
//! integers in units of the scoring scheme, s(i,j) as in [`crate::kernels::extend`]. Affine gaps after
//! Gotoh (1982), in the form of bwa's global alignment (Li 2013), where gaps open from M only, so an
//! insertion is never next to a deletion:
//!
//! ```text
//! H(0,0) = M(0,0) = 0
//! M(i,j) = H(i-1,j-1) + s(i,j)
//! E(i,j) = max(M(i,j-1) - del_open, E(i,j-1)) - del_ext    deletion, along the target
//! F(i,j) = max(M(i-1,j) - ins_open, F(i-1,j)) - ins_ext    insertion, along the query
//! H(i,j) = max(M(i,j), E(i,j), F(i,j))
//! ```
//!
//! Everything else is minus infinity: M on the borders but for (0,0), E where j = 0, F where i = 0, and
//! all of a cell with |i - j| > w, where w = max(`band`, |m - n|), so that both corners are inside and
//! an alignment always exists (a diagonal and one gap). The score is H(m,n).
//!
//! # Ties
//!
//! The path is read backwards from (m,n). At H: M first, then E, then F. Inside a gap: if it could have
//! been opened here or extended at the same score, it was opened (bwa's rules). Diagonal steps are
//! therefore taken as late as possible, and an indel comes out as far left as its score allows.
//!
//! # CIGAR
//!
//! Runs packed as in BAM, `length << 4 | op` with M = 0, I = 1, D = 2; equal neighbours are merged. An
//! empty query gives one deletion, an empty target one insertion, both empty no run.
//!
//! # Overflow
//!
//! Every finite value is between -B and match * min(m, n), where B = max(mismatch, ambiguous) *
//! min(m, n) plus the cost of the longest gap and of one more opening. Jobs for which both are at most
//! `LANE_LIMIT` (in `layout.rs`) run in saturating 16-bit lanes, with minus infinity well below; others in
//! scalar 32-bit code, as do jobs whose directions would take too much memory in lanes. Both are counted.

pub(crate) mod gpu;
pub(crate) mod layout;
pub(crate) mod reference;
pub(crate) mod results;
pub(crate) mod simd;
mod simd_group;
mod traceback;
mod wide;

pub use reference::global as reference;
pub use results::{CigarOp, GlobalResults};

use crate::Scoring;

/// Half the width of the band in effect.
fn effective_band(query_len: usize, target_len: usize, band: u16) -> usize {
    usize::from(band).max(query_len.abs_diff(target_len))
}

/// Whether every finite value of a job is within plus or minus `limit`; see *Overflow*.
pub(crate) fn fits(query_len: usize, target_len: usize, scoring: &Scoring, limit: usize) -> bool {
    let diagonal = query_len.min(target_len);
    let longest = query_len.max(target_len) + 1;
    let open = usize::from(scoring.deletion_open.max(scoring.insertion_open));
    let extend = usize::from(scoring.deletion_extend.max(scoring.insertion_extend));
    let pair = usize::from(scoring.mismatch.max(scoring.ambiguous));
    let loss = pair * diagonal + 2 * open + extend * longest;
    loss.max(usize::from(scoring.match_score) * diagonal) <= limit
}
