//! The oracle of `Extend`: the recurrence of the module's documentation, cell by cell.

use crate::{ExtendParams, ExtendResult, Scoring};

/// One cell of the matrix.
#[derive(Clone, Copy, Default)]
struct Cell {
    h: i32,
    m: i32,
    e: i32,
    f: i32,
}

/// Extends one job. Bases are codes 0 to 4; any lengths.
///
/// Recurrence and tie rules: [`crate::kernels::extend`] (Gotoh 1982, Li 2013). Time and memory grow
/// with the query's length times the target's.
pub fn extend(query: &[u8], target: &[u8], params: ExtendParams, scoring: &Scoring) -> ExtendResult {
    let h0 = i32::from(params.initial_score);
    if query.is_empty() {
        return ExtendResult { score: h0, end_score: h0, ..Default::default() };
    }
    let mut best = ExtendResult { score: h0, end_score: -1, ..Default::default() };
    let mut column: Vec<Cell> = (0..=query.len()).map(|i| border(params, i, 0, scoring)).collect();
    take_end(&mut best, column[query.len()].h, 0);
    for j in 1..=target.len() {
        column = next_column(&column, query, (j, target[j - 1]), params, scoring);
        take_end(&mut best, column[query.len()].h, j);
        if take_column(&mut best, &column, j, params, scoring) {
            break;
        }
    }
    best
}

/// A cell of the first row or column.
fn border(params: ExtendParams, i: usize, j: usize, scoring: &Scoring) -> Cell {
    let h0 = i32::from(params.initial_score);
    let cost = match (i as i32, j as i32) {
        (0, 0) => 0,
        (i, 0) => i32::from(scoring.insertion_open) + i32::from(scoring.insertion_extend) * i,
        (_, j) => i32::from(scoring.deletion_open) + i32::from(scoring.deletion_extend) * j,
    };
    let inside = i.abs_diff(j) <= usize::from(params.band);
    Cell { h: if inside { (h0 - cost).max(0) } else { 0 }, ..Cell::default() }
}

fn next_column(
    left: &[Cell],
    query: &[u8],
    (j, base): (usize, u8),
    params: ExtendParams,
    scoring: &Scoring,
) -> Vec<Cell> {
    let delete = i32::from(scoring.deletion_extend);
    let insert = i32::from(scoring.insertion_extend);
    let delete_first = delete + i32::from(scoring.deletion_open);
    let insert_first = insert + i32::from(scoring.insertion_open);
    let mut column = vec![border(params, 0, j, scoring)];
    for i in 1..=query.len() {
        if i.abs_diff(j) > usize::from(params.band) {
            column.push(Cell::default());
            continue;
        }
        let (diagonal, above) = (left[i - 1], column[i - 1]);
        let m = match diagonal.h {
            0 => 0,
            h => (h + substitution(query[i - 1], base, scoring)).max(0),
        };
        let e = (left[i].e - delete).max(left[i].m - delete_first).max(0);
        let f = (above.f - insert).max(above.m - insert_first).max(0);
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

/// Takes a cell of the last row into the end score.
fn take_end(best: &mut ExtendResult, h: i32, j: usize) {
    if h > 0 && h > best.end_score {
        best.end_score = h;
        best.end_target = j as u32;
    }
}

/// Takes column `j` into the best score; true if z-drop stops the extension after it.
fn take_column(best: &mut ExtendResult, column: &[Cell], j: usize, params: ExtendParams, scoring: &Scoring) -> bool {
    let (mut row, mut c) = (0, 0);
    for (i, cell) in column.iter().enumerate().skip(1) {
        if cell.h >= c {
            (row, c) = (i, cell.h);
        }
    }
    if c > best.score {
        best.score = c;
        best.query_end = row as u32;
        best.target_end = j as u32;
        best.max_offset = best.max_offset.max(row.abs_diff(j) as u32);
        return false;
    }
    if c == 0 || params.z_drop == 0 {
        return false;
    }
    let a = j as i32 - best.target_end as i32;
    let b = row as i32 - best.query_end as i32;
    let gap = if a > b { scoring.deletion_extend } else { scoring.insertion_extend };
    best.score - c - (a - b).abs() * i32::from(gap) > i32::from(params.z_drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMS: ExtendParams = ExtendParams { initial_score: 10, band: 100, z_drop: 0 };

    fn codes(text: &str) -> Vec<u8> {
        text.bytes().map(|b| b"ACGTN".iter().position(|&c| c == b).unwrap() as u8).collect()
    }

    fn run(query: &str, target: &str, params: ExtendParams) -> ExtendResult {
        extend(&codes(query), &codes(target), params, &Scoring::default())
    }

    #[test]
    fn worked_by_hand() {
        let perfect = run("ACGT", "ACGTT", PARAMS);
        let expected =
            ExtendResult { score: 14, query_end: 4, target_end: 4, end_score: 14, end_target: 4, max_offset: 0 };
        assert_eq!(perfect, expected);
        // The mismatch costs 4 and three matches bring back 3: clip before it.
        let clipped = run("ACATTT", "ACGTTT", PARAMS);
        assert_eq!((clipped.score, clipped.query_end, clipped.end_score), (12, 2, 11));
        // One deleted base costs 7, nine matches after it pay for that.
        let deleted = run("AACCCGGGTTT", "AACTCCGGGTTT", PARAMS);
        assert_eq!((deleted.score, deleted.end_score, deleted.end_target), (14, 14, 12));
        assert_eq!(deleted.max_offset, 1);
    }

    #[test]
    fn the_anchor_alone() {
        let nothing = run("AAAA", "CCCC", ExtendParams { initial_score: 3, ..PARAMS });
        assert_eq!((nothing.score, nothing.query_end, nothing.end_score), (3, 0, -1));
        let no_target = run("AA", "", PARAMS);
        assert_eq!((no_target.score, no_target.end_score, no_target.end_target), (10, 2, 0));
        let no_query = run("", "ACGT", PARAMS);
        assert_eq!((no_query.score, no_query.end_score), (10, 10));
    }

    #[test]
    fn z_drop_stops_before_the_second_island() {
        let query = format!("{}{}{}", "ACGT".repeat(5), "A".repeat(12), "ACGT".repeat(40));
        let target = format!("{}{}{}", "ACGT".repeat(5), "C".repeat(12), "ACGT".repeat(40));
        let params = ExtendParams { initial_score: 100, ..PARAMS };
        assert_eq!(run(&query, &target, params).target_end, 192);
        let dropped = run(&query, &target, ExtendParams { z_drop: 20, ..params });
        assert_eq!((dropped.target_end, dropped.end_score), (20, -1));
    }
}
