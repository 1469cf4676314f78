//! The oracle of `Local`: the recurrence of the module's documentation, cell by cell, every value with the
//! start of its alignment.

use crate::{LocalParams, LocalResult, Scoring};

/// A value and where its alignment starts. The order is the rule of the module: the higher score, then
/// the later start.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Value {
    score: i32,
    target_start: usize,
    query_start: usize,
}

impl Value {
    fn plus(self, change: i32) -> Value {
        match self.score + change {
            score if score > 0 => Value { score, ..self },
            _ => Value::default(),
        }
    }
}

/// One cell of the matrix.
#[derive(Clone, Copy, Default)]
struct Cell {
    h: Value,
    m: Value,
    e: Value,
    f: Value,
}

/// Aligns one job. Bases are codes 0 to 4; any lengths.
///
/// Recurrence and tie rules: [`crate::kernels::local`] (Smith and Waterman 1981, Gotoh 1982, Li 2013).
/// Time grows with the query's length times the target's.
pub fn local(query: &[u8], target: &[u8], params: LocalParams, scoring: &Scoring) -> LocalResult {
    let mut column = vec![Cell::default(); query.len() + 1];
    let mut maxima = Vec::new();
    let (mut best, mut query_end, mut target_end) = (Value::default(), 0, 0);
    for (j, &base) in (1..).zip(target) {
        column = next_column(&column, query, (j, base), scoring);
        maxima.push(column.iter().map(|cell| cell.h.score).max().unwrap_or(0));
        for (i, cell) in column.iter().enumerate() {
            if cell.h.score > best.score {
                (best, query_end, target_end) = (cell.h, i, j);
            }
        }
    }
    if best.score < i32::from(params.min_score).max(1) {
        return LocalResult::default();
    }
    let (second_score, second_target_end) = second(&maxima, best.score, target_end, scoring);
    LocalResult {
        score: best.score,
        query_start: best.query_start as u32,
        query_end: query_end as u32,
        target_start: best.target_start as u32,
        target_end: target_end as u32,
        second_score,
        second_target_end,
    }
}

fn next_column(left: &[Cell], query: &[u8], (j, base): (usize, u8), scoring: &Scoring) -> Vec<Cell> {
    let delete = -i32::from(scoring.deletion_extend);
    let insert = -i32::from(scoring.insertion_extend);
    let delete_first = delete - i32::from(scoring.deletion_open);
    let insert_first = insert - i32::from(scoring.insertion_open);
    let mut column = vec![Cell::default()];
    for i in 1..=query.len() {
        let (diagonal, above) = (left[i - 1], column[i - 1]);
        let before = match diagonal.h.score {
            0 => Value { score: 0, target_start: j - 1, query_start: i - 1 },
            _ => diagonal.h,
        };
        let m = before.plus(substitution(query[i - 1], base, scoring));
        let e = left[i].e.plus(delete).max(left[i].m.plus(delete_first));
        let f = above.f.plus(insert).max(above.m.plus(insert_first));
        column.push(Cell { h: m.max(e).max(f), m, e, f });
    }
    column
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

/// The best column maximum further from the end than the score is long, with its column.
fn second(maxima: &[i32], score: i32, target_end: usize, scoring: &Scoring) -> (i32, u32) {
    let mut best = (0, 0);
    for (j, &c) in (1..).zip(maxima) {
        let away = target_end.abs_diff(j) as i32 * i32::from(scoring.match_score);
        // |j - end| > ceil(score / match), without a division.
        if away >= score + i32::from(scoring.match_score) && c > best.0 {
            best = (c, j as u32);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(query: &str, target: &str, min_score: u16) -> LocalResult {
        let codes = |text: &str| -> Vec<u8> {
            text.bytes().map(|b| b"ACGTN".iter().position(|&c| c == b).unwrap() as u8).collect()
        };
        local(&codes(query), &codes(target), LocalParams { min_score }, &Scoring::default())
    }

    #[test]
    fn worked_by_hand() {
        let found = run("TTACGTACGGTT", "GGGACGTACGGCCC", 0);
        assert_eq!((found.score, found.query_start, found.query_end), (8, 2, 10));
        assert_eq!((found.target_start, found.target_end), (3, 11));
        // Of the 14 columns only 1 and 2 are further than 8 from the end; they match the GG of the query.
        assert_eq!((found.second_score, found.second_target_end), (2, 2));
    }

    #[test]
    fn ties_take_the_first_end_and_the_last_start() {
        // Two equal hits: the first is best, the other second.
        let found = run("ACGTAC", "ACGTACNNNNNNACGTACNN", 0);
        assert_eq!((found.target_end, found.second_score, found.second_target_end), (6, 6, 18));
        // One N costs what the A before it brings: the alignment starts after it.
        let found = run("ANCGTCG", "ANCGTCG", 0);
        assert_eq!((found.score, found.query_start, found.target_start), (5, 2, 2));
    }

    #[test]
    fn the_exclusion_ends_after_the_score_in_bases() {
        // The second copy ends 6 after the first, which is as far as the score is long; then 7.
        assert_eq!(run("ACGTAC", "ACGTACACGTAC", 0).second_score, 0);
        assert_eq!(run("ACGTAC", "ACGTACNACGTAC", 0).second_target_end, 13);
    }

    #[test]
    fn too_low_a_score_is_no_alignment() {
        assert_eq!(run("ACGTAC", "TTACGTACTT", 6).score, 6);
        assert_eq!(run("ACGTAC", "TTACGTACTT", 7), LocalResult::default());
        assert_eq!(run("AAAA", "CCCC", 0), LocalResult::default());
        assert_eq!(run("", "ACGT", 0), LocalResult::default());
        assert_eq!(run("NNNN", "NNNN", 0), LocalResult::default());
    }
}
