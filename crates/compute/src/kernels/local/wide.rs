//! `Local` in scalar 32-bit integers, for jobs that no lane can hold.

use super::{exclusion, least_score, longest_span};
use crate::{LocalParams, LocalResult, Scoring};

/// The first cell with the highest score, and all column maxima up to where the search ended.
struct Scan {
    score: i32,
    row: usize,
    column: usize,
    maxima: Vec<i32>,
}

/// Aligns one job in linear memory; the same result as every other form.
pub(super) fn local(query: &[u8], target: &[u8], params: LocalParams, scoring: &Scoring) -> LocalResult {
    let found = scan(query, target, i32::MAX, scoring);
    if (found.score as usize) < least_score(params.min_score) {
        return LocalResult::default();
    }
    let (score, query_end, target_end) = (found.score as usize, found.row, found.column);
    let reversed = |piece: &[u8]| -> Vec<u8> { piece.iter().rev().copied().collect() };
    let first = target_end.saturating_sub(longest_span(query_end, score, scoring));
    let back = scan(&reversed(&query[..query_end]), &reversed(&target[first..target_end]), found.score, scoring);
    let distance = exclusion(score, scoring);
    let (mut second_score, mut second_target_end) = (0, 0);
    for (j, &c) in (1..).zip(&found.maxima) {
        if target_end.abs_diff(j) > distance && c > second_score {
            (second_score, second_target_end) = (c, j as u32);
        }
    }
    LocalResult {
        score: found.score,
        query_start: (query_end - back.row) as u32,
        query_end: query_end as u32,
        target_start: (target_end - back.column) as u32,
        target_end: target_end as u32,
        second_score,
        second_target_end,
    }
}

/// Sweeps the matrix column by column until one reaches `goal`.
fn scan(query: &[u8], target: &[u8], goal: i32, scoring: &Scoring) -> Scan {
    let mut rows = vec![(0, 0); query.len()];
    let mut scan = Scan { score: 0, row: 0, column: 0, maxima: Vec::with_capacity(target.len()) };
    for (j, &base) in (1..).zip(target) {
        let (c, row) = sweep(&mut rows, query, base, scoring);
        scan.maxima.push(c);
        if c > scan.score {
            (scan.score, scan.row, scan.column) = (c, row, j);
        }
        if c >= goal {
            break;
        }
    }
    scan
}

/// One column over rows of H of the last column and E for the next one. Returns the column maximum and
/// the first row, from 1, that has it.
fn sweep(rows: &mut [(i32, i32)], query: &[u8], base: u8, scoring: &Scoring) -> (i32, usize) {
    let (del_ext, ins_ext) = (i32::from(scoring.deletion_extend), i32::from(scoring.insertion_extend));
    let del_first = i32::from(scoring.deletion_open) + del_ext;
    let ins_first = i32::from(scoring.insertion_open) + ins_ext;
    let (mut diagonal, mut f, mut c, mut c_row) = (0, 0, 0, 0);
    for (row, ((h, e), &code)) in (1..).zip(rows.iter_mut().zip(query)) {
        let gain = match (code, base) {
            (4, _) | (_, 4) => -i32::from(scoring.ambiguous),
            (a, b) if a == b => i32::from(scoring.match_score),
            _ => -i32::from(scoring.mismatch),
        };
        let m = (diagonal + gain).max(0);
        diagonal = *h;
        *h = m.max(*e).max(f);
        if *h > c {
            (c, c_row) = (*h, row);
        }
        *e = (*e - del_ext).max(m - del_first).max(0);
        f = (f - ins_ext).max(m - ins_first).max(0);
    }
    (c, c_row)
}
