//! From a matrix of directions to a CIGAR.

use super::CigarOp;

/// H comes from M.
pub(super) const FROM_M: u8 = 0;
/// H comes from E.
pub(super) const FROM_E: u8 = 1;
/// H comes from F, whether or not the bit of E is set too.
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
    while i > 0 && j > 0 {
        // Most of a path is here.
        let start = i;
        let mut from = FROM_M;
        while i > 0 && j > 0 {
            from = direction(i, j) & (FROM_E | FROM_F);
            if from != FROM_M {
                break;
            }
            (i, j) = (i - 1, j - 1);
        }
        append(runs, CigarOp::Match, start - i);
        if from == FROM_M {
            break;
        }
        let deletion = from == FROM_E;
        let (op, extend) = if deletion { (CigarOp::Deletion, EXTEND_E) } else { (CigarOp::Insertion, EXTEND_F) };
        loop {
            append(runs, op, 1);
            (i, j) = if deletion { (i, j - 1) } else { (i - 1, j) };
            if i == 0 || j == 0 || direction(i, j) & extend == 0 {
                break;
            }
        }
        // The gap was opened from this cell's M, whatever its H comes from.
        if i > 0 && j > 0 {
            append(runs, CigarOp::Match, 1);
            (i, j) = (i - 1, j - 1);
        }
    }
    // On a border there is only the one gap to the corner.
    append(runs, CigarOp::Insertion, i);
    append(runs, CigarOp::Deletion, j);
    runs.reverse();
}
