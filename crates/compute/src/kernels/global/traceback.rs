//! From a matrix of directions to a CIGAR.

use super::CigarOp;

/// H comes from M.
pub(super) const FROM_M: u8 = 0;
/// H comes from E.
pub(super) const FROM_E: u8 = 1;
/// H comes from F.
pub(super) const FROM_F: u8 = 2;
/// E of the next column extends this cell's E; else it opens from this cell's M.
pub(super) const EXTEND_E: u8 = 4;
/// F of the next row extends this cell's F; else it opens from this cell's M.
pub(super) const EXTEND_F: u8 = 8;

/// Appends one operation to runs that are built back to front.
fn append(runs: &mut Vec<u32>, op: CigarOp, length: usize) {
    if length == 0 {
        return;
    }
    match runs.last_mut() {
        Some(run) if *run & 15 == op as u32 => *run += CigarOp::Match.run(length as u32),
        _ => runs.push(op.run(length as u32)),
    }
}

/// Reads the path back from (`i`, `j`) to (0, 0). `direction(i, j)` is asked for inner cells only.
/// `runs` is overwritten with the CIGAR in reading order.
pub(super) fn trace(mut i: usize, mut j: usize, direction: impl Fn(usize, usize) -> u8, runs: &mut Vec<u32>) {
    runs.clear();
    // What the current cell was entered through: FROM_M also when a gap was opened from its M.
    let mut state = None;
    while i > 0 && j > 0 {
        match state.unwrap_or_else(|| direction(i, j) & 3) {
            FROM_E => {
                append(runs, CigarOp::Deletion, 1);
                j -= 1;
                let extends = j > 0 && direction(i, j) & EXTEND_E != 0;
                state = Some(if extends { FROM_E } else { FROM_M });
            }
            FROM_F => {
                append(runs, CigarOp::Insertion, 1);
                i -= 1;
                let extends = i > 0 && direction(i, j) & EXTEND_F != 0;
                state = Some(if extends { FROM_F } else { FROM_M });
            }
            _ => {
                append(runs, CigarOp::Match, 1);
                (i, j, state) = (i - 1, j - 1, None);
            }
        }
    }
    // On a border there is only the one gap to the corner.
    append(runs, CigarOp::Insertion, i);
    append(runs, CigarOp::Deletion, j);
    runs.reverse();
}
