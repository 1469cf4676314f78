//! `Global` in scalar 32-bit integers, for jobs that no lane can hold.

use super::effective_band;
use super::traceback::{EXTEND_E, EXTEND_F, FROM_E, FROM_F, FROM_M, trace};
use crate::{GlobalParams, Scoring};

/// Minus infinity.
const NEVER: i32 = i32::MIN / 2;

/// State of a row between columns: H of the last column, E for the next one.
#[derive(Clone, Copy)]
struct Row {
    h: i32,
    e: i32,
}

/// Memory reused from job to job.
#[derive(Default)]
pub(super) struct Scratch {
    rows: Vec<Row>,
    directions: Vec<u8>,
    /// The CIGAR of the last job.
    pub(super) runs: Vec<u32>,
}

/// Aligns one job in a banded matrix of directions; returns the score, and the CIGAR in `scratch`.
pub(super) fn global(
    query: &[u8],
    target: &[u8],
    params: GlobalParams,
    scoring: &Scoring,
    scratch: &mut Scratch,
) -> i32 {
    let Scratch { rows, directions, runs } = scratch;
    let (m, n) = (query.len(), target.len());
    let band = effective_band(m, n, params.band);
    let width = m.min(2 * band + 1);
    let low = |j: usize| j.saturating_sub(band).max(1);
    directions.clear();
    directions.resize(n * width, 0);
    rows.clear();
    rows.extend((0..=m).map(|i| {
        let gap = gap_score(scoring.insertion_open, scoring.insertion_extend, i);
        Row { h: if i <= band { gap } else { NEVER }, e: NEVER }
    }));
    for j in 1..=n {
        let (first, last) = (low(j), m.min(j + band));
        if first <= last {
            let out = &mut directions[(j - 1) * width..j * width];
            sweep(&mut rows[first - 1..=last], &query[first - 1..last], target[j - 1], scoring, out);
        }
        let gap = gap_score(scoring.deletion_open, scoring.deletion_extend, j);
        rows[0].h = if j <= band { gap } else { NEVER };
    }
    trace(m, n, |i, j| directions[(j - 1) * width + i - low(j)], runs);
    rows[m].h
}

fn gap_score(open: u8, extend: u8, length: usize) -> i32 {
    if length == 0 { 0 } else { -i32::from(open) - i32::from(extend) * length as i32 }
}

/// One column over the rows of `query`; `rows[0]` is the row above them.
fn sweep(rows: &mut [Row], query: &[u8], base: u8, scoring: &Scoring, directions: &mut [u8]) {
    let (del_ext, ins_ext) = (i32::from(scoring.deletion_extend), i32::from(scoring.insertion_extend));
    let del_first = i32::from(scoring.deletion_open) + del_ext;
    let ins_first = i32::from(scoring.insertion_open) + ins_ext;
    let mut f = NEVER;
    let mut diagonal = rows[0].h;
    for ((state, &code), out) in rows[1..].iter_mut().zip(query).zip(directions) {
        let gain = match (code, base) {
            (4, _) | (_, 4) => -i32::from(scoring.ambiguous),
            (a, b) if a == b => i32::from(scoring.match_score),
            _ => -i32::from(scoring.mismatch),
        };
        let m = diagonal + gain;
        diagonal = state.h;
        let (mut h, mut direction) = (m, FROM_M);
        if state.e > h {
            (h, direction) = (state.e, FROM_E);
        }
        if f > h {
            (h, direction) = (f, FROM_F);
        }
        state.h = h;
        let (opened, extended) = (m - del_first, state.e - del_ext);
        direction |= if extended > opened { EXTEND_E } else { 0 };
        state.e = opened.max(extended);
        let (opened, extended) = (m - ins_first, f - ins_ext);
        direction |= if extended > opened { EXTEND_F } else { 0 };
        f = opened.max(extended);
        *out = direction;
    }
}
