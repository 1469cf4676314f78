//! `Extend` in scalar 32-bit integers, for jobs that no lane can hold.

use crate::{ExtendParams, ExtendResult, Scoring};

/// State of a row between columns: H of the last column, E for the next one.
#[derive(Clone, Copy)]
pub(super) struct Row {
    h: i32,
    e: i32,
}

/// Extends one job in linear memory, `rows`, which is overwritten; the same result as every other form.
pub(super) fn extend(
    query: &[u8],
    target: &[u8],
    params: ExtendParams,
    scoring: &Scoring,
    rows: &mut Vec<Row>,
) -> ExtendResult {
    let h0 = i32::from(params.initial_score);
    let mut result = ExtendResult { score: h0, end_score: h0, ..Default::default() };
    if query.is_empty() {
        return result;
    }
    let band = usize::from(params.band);
    rows.clear();
    rows.extend((0..=query.len()).map(|i| {
        let gap = gap_cost(scoring.insertion_open, scoring.insertion_extend, i);
        Row { h: if i <= band { (h0 - gap).max(0) } else { 0 }, e: 0 }
    }));
    let at_end = rows[query.len()].h;
    result.end_score = if at_end > 0 { at_end } else { -1 };
    for j in 1..=target.len().min(query.len() + band) {
        let gap = gap_cost(scoring.deletion_open, scoring.deletion_extend, j);
        let border = if j <= band { (h0 - gap).max(0) } else { 0 };
        let low = j.saturating_sub(band).max(1);
        let high = query.len().min(j + band);
        let (c, row) = sweep(&mut rows[low - 1..=high], &query[low - 1..high], target[j - 1], scoring);
        rows[0].h = border;
        if high == query.len() && rows[high].h > 0 && rows[high].h > result.end_score {
            result.end_score = rows[high].h;
            result.end_target = j as u32;
        }
        let best = Best { c, row: low + row, j };
        if best.take(&mut result, params, scoring) || (c == 0 && border == 0) {
            break;
        }
    }
    result
}

fn gap_cost(open: u8, extend: u8, length: usize) -> i32 {
    if length == 0 { 0 } else { i32::from(open) + i32::from(extend) * length as i32 }
}

/// One column over the rows of `query`; `rows[0]` is the row above them. Returns the column maximum
/// and the last row (0-based in `query`) that has it.
fn sweep(rows: &mut [Row], query: &[u8], base: u8, scoring: &Scoring) -> (i32, usize) {
    let (del_ext, ins_ext) = (i32::from(scoring.deletion_extend), i32::from(scoring.insertion_extend));
    let del_first = i32::from(scoring.deletion_open) + del_ext;
    let ins_first = i32::from(scoring.insertion_open) + ins_ext;
    let (mut f, mut c, mut c_row) = (0, 0, 0);
    let mut diagonal = rows[0].h;
    for (row, (state, &code)) in rows[1..].iter_mut().zip(query).enumerate() {
        let gain = match (code, base) {
            (4, _) | (_, 4) => -i32::from(scoring.ambiguous),
            (a, b) if a == b => i32::from(scoring.match_score),
            _ => -i32::from(scoring.mismatch),
        };
        let m = if diagonal > 0 { (diagonal + gain).max(0) } else { 0 };
        diagonal = state.h;
        state.h = m.max(state.e).max(f);
        if state.h >= c {
            (c, c_row) = (state.h, row);
        }
        state.e = (state.e - del_ext).max(m - del_first).max(0);
        f = (f - ins_ext).max(m - ins_first).max(0);
    }
    (c, c_row)
}

/// A column's maximum and where it is.
struct Best {
    c: i32,
    row: usize,
    j: usize,
}

impl Best {
    /// Updates the result; true if z-drop stops here.
    fn take(&self, result: &mut ExtendResult, params: ExtendParams, scoring: &Scoring) -> bool {
        if self.c > result.score {
            result.score = self.c;
            result.query_end = self.row as u32;
            result.target_end = self.j as u32;
            result.max_offset = result.max_offset.max(self.row.abs_diff(self.j) as u32);
            return false;
        }
        if self.c == 0 || params.z_drop == 0 {
            return false;
        }
        let target_step = self.j as i32 - result.target_end as i32;
        let skew = target_step - (self.row as i32 - result.query_end as i32);
        let ext = if skew > 0 { scoring.deletion_extend } else { scoring.insertion_extend };
        let drop = result.score - self.c - skew.abs() * i32::from(ext);
        drop > i32::from(params.z_drop)
    }
}
