//! The oracle of `Global`: the recurrence of the module's documentation, cell by cell.

use crate::{GlobalParams, Scoring};

/// Minus infinity: far below any score, far from overflow.
const NEVER: i32 = i32::MIN / 2;

#[derive(Clone, Copy)]
struct Cell {
    m: i32,
    e: i32,
    f: i32,
}

const OUTSIDE: Cell = Cell { m: NEVER, e: NEVER, f: NEVER };

impl Cell {
    fn h(self) -> i32 {
        self.m.max(self.e).max(self.f)
    }
}

/// Aligns one job; returns the score and the CIGAR as packed runs in reading order.
///
/// Recurrence and tie rules: [`crate::kernels::global`] (Gotoh 1982, Li 2013). Bases are codes 0 to 4;
/// time and memory grow with the query's length times the target's.
pub fn global(query: &[u8], target: &[u8], params: GlobalParams, scoring: &Scoring) -> (i32, Vec<u32>) {
    let matrix = fill(query, target, params, scoring);
    let score = matrix[query.len()][target.len()].h();
    (score, path(&matrix, query.len(), target.len(), scoring))
}

fn fill(query: &[u8], target: &[u8], params: GlobalParams, scoring: &Scoring) -> Vec<Vec<Cell>> {
    let (m, n) = (query.len(), target.len());
    let band = usize::from(params.band).max(m.abs_diff(n));
    let mut matrix = vec![vec![OUTSIDE; n + 1]; m + 1];
    for i in 0..=m {
        for j in 0..=n {
            if i.abs_diff(j) > band {
                continue;
            }
            let mut cell = OUTSIDE;
            if i == 0 && j == 0 {
                cell.m = 0;
            }
            if i > 0 && j > 0 {
                cell.m = matrix[i - 1][j - 1].h() + substitution(query[i - 1], target[j - 1], scoring);
            }
            if j > 0 {
                let left = matrix[i][j - 1];
                cell.e = (left.m - i32::from(scoring.deletion_open)).max(left.e) - i32::from(scoring.deletion_extend);
            }
            if i > 0 {
                let above = matrix[i - 1][j];
                cell.f =
                    (above.m - i32::from(scoring.insertion_open)).max(above.f) - i32::from(scoring.insertion_extend);
            }
            matrix[i][j] = cell;
        }
    }
    matrix
}

fn substitution(a: u8, b: u8, scoring: &Scoring) -> i32 {
    if a == 4 || b == 4 {
        -i32::from(scoring.ambiguous)
    } else if a == b {
        i32::from(scoring.match_score)
    } else {
        -i32::from(scoring.mismatch)
    }
}

/// Which of a cell's values the path goes through, seen from behind.
#[derive(Clone, Copy, PartialEq)]
enum State {
    Any,
    M,
    E,
    F,
}

fn path(matrix: &[Vec<Cell>], m: usize, n: usize, scoring: &Scoring) -> Vec<u32> {
    let mut ops: Vec<u32> = Vec::new();
    let (mut i, mut j, mut state) = (m, n, State::Any);
    while (i, j) != (0, 0) {
        let cell = matrix[i][j];
        if state == State::Any {
            state = match cell.h() {
                h if h == cell.m => State::M,
                h if h == cell.e => State::E,
                _ => State::F,
            };
        }
        match state {
            State::E => {
                ops.push(2);
                j -= 1;
                let left = matrix[i][j];
                let opened = left.m - i32::from(scoring.deletion_open) >= left.e;
                state = if opened { State::M } else { State::E };
            }
            State::F => {
                ops.push(1);
                i -= 1;
                let above = matrix[i][j];
                let opened = above.m - i32::from(scoring.insertion_open) >= above.f;
                state = if opened { State::M } else { State::F };
            }
            _ => {
                ops.push(0);
                (i, j, state) = (i - 1, j - 1, State::Any);
            }
        }
    }
    ops.reverse();
    ops.chunk_by(|a, b| a == b).map(|run| (run.len() as u32) << 4 | run[0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(query: &str, target: &str, band: u16) -> (i32, String) {
        let codes = |text: &str| -> Vec<u8> {
            text.bytes().map(|b| b"ACGTN".iter().position(|&c| c == b).unwrap() as u8).collect()
        };
        let (score, cigar) = global(&codes(query), &codes(target), GlobalParams { band }, &Scoring::default());
        let text = |run: &u32| format!("{}{}", run >> 4, ["M", "I", "D"][(run & 15) as usize]);
        (score, cigar.iter().map(text).collect())
    }

    #[test]
    fn worked_by_hand() {
        assert_eq!(run("ACGT", "ACGT", 0), (4, "4M".into()));
        assert_eq!(run("ACGT", "AGGT", 10), (-1, "4M".into()));
        assert_eq!(run("", "ACG", 0), (-9, "3D".into()));
        assert_eq!(run("ACG", "", 0), (-9, "3I".into()));
        assert_eq!(run("", "", 0), (0, String::new()));
        assert_eq!(run("ANGT", "ACGN", 0), (0, "4M".into()));
    }

    #[test]
    fn indels_are_left_aligned() {
        assert_eq!(run("GGGGAAAATTTT", "GGGGAAAAAATTTT", 10), (4, "4M2D8M".into()));
        assert_eq!(run("GGGGAAAAAATTTT", "GGGGAAAATTTT", 10), (4, "4M2I8M".into()));
        assert_eq!(run("TTTTACACACGGGG", "TTTTACACACACGGGG", 10), (6, "4M2D10M".into()));
    }

    #[test]
    fn the_band_is_widened_to_both_corners() {
        assert_eq!(run("ACGT", "ACGTTTTT", 0).0, 4 - 10);
    }
}
