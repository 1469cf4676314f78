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
//! Lanes hold what a path loses against a match for every query base, a sum of costs that are never
//! negative, so its size is that of the differences and not of the sequences. Jobs run in saturating
//! 8-bit lanes first, which find the least loss if it is below 255; a job that reaches 255 is redone in
//! 16-bit lanes, and in scalar 32-bit code if it reaches 65535, or if its directions would take too much
//! memory in lanes. Jobs that did not fit the narrowest lanes are counted. `simd_group.rs` says why a
//! loss below the limit proves the whole path.

pub(crate) mod gpu;
pub(crate) mod layout;
pub(crate) mod reference;
pub(crate) mod results;
mod shape;
pub(crate) mod simd;
mod simd_group;
mod traceback;
mod wide;

pub use reference::global as reference;
pub use results::{CigarOp, GlobalResults};

use crate::GlobalBatch;

/// Whether a CIGAR can be a job's: it consumes both sequences.
pub(crate) fn is_possible(batch: &GlobalBatch, job: usize, cigar: &[u32]) -> bool {
    let (mut query, mut target) = (0u64, 0u64);
    for &run in cigar {
        match CigarOp::unpack(run) {
            Some((length, CigarOp::Match)) => (query, target) = (query + u64::from(length), target + u64::from(length)),
            Some((length, CigarOp::Insertion)) => query += u64::from(length),
            Some((length, CigarOp::Deletion)) => target += u64::from(length),
            None => return false,
        }
    }
    (query, target) == (batch.query(job).len() as u64, batch.target(job).len() as u64)
}

/// Half the width of the band in effect.
fn effective_band(query_len: usize, target_len: usize, band: u16) -> usize {
    usize::from(band).max(query_len.abs_diff(target_len))
}
