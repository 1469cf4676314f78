//! [SSW](https://github.com/mengyao/Complete-Striped-Smith-Waterman-Library) (Zhao and others 2013, *SSW library: an SIMD
//! Smith-Waterman C/C++ library for use in genomic applications*), Debian's `libssw-dev`: striped, 8-bit lanes of SSE2.
//!
//! Local alignment only: best score with its start and end, and the best score more than half a query from that end, where ours
//! looks further than the alignment's own length. Scores below the least one are not cut short. Gaps open from H.
#![allow(unsafe_code, reason = "calls into a C library are unsafe")]

use std::ffi::c_void;
use std::ptr::NonNull;

use super::{GAP_EXTEND, GAP_OPEN, Kernel, contender};
use crate::clock::Contender;
use crate::random::Pair;

/// The head of its `s_align`; more fields follow, which are not read.
#[repr(C)]
struct Alignment {
    score: u16,
    second_score: u16,
}

#[link(name = "ssw")]
unsafe extern "C" {
    fn ssw_init(read: *const i8, length: i32, matrix: *const i8, letters: i32, score_size: i8) -> *mut c_void;
    fn init_destroy(profile: *mut c_void);
    fn ssw_align(
        profile: *const c_void,
        target: *const i8,
        length: i32,
        open: u8,
        extend: u8,
        flag: u8,
        least_score: u16,
        longest: i32,
        mask: i32,
    ) -> *mut Alignment;
    fn align_destroy(alignment: *mut Alignment);
}

/// Match 1, mismatch -4, ambiguous -1.
const MATRIX: [i8; 25] = {
    let mut matrix = [-4; 25];
    let mut k = 0;
    while k < 5 {
        matrix[6 * k] = 1;
        matrix[5 * k + 4] = -1;
        matrix[20 + k] = -1;
        k += 1;
    }
    matrix
};
/// Where the alignment starts is wanted too, a CIGAR is not.
const WITH_START: u8 = 0x08;
/// The best score is surely below 255.
const NARROW: i8 = 0;

fn score((query, target): &Pair) -> i32 {
    assert!(query.len() < 255);
    let (m, n) = (query.len() as i32, target.len() as i32);
    // SAFETY: codes are below 5, so as bytes they are the same signed; both sequences are valid for their lengths and the
    // matrix for 5 x 5 scores. The profile refers to the query and the matrix, which outlive it. Both results are checked for
    // null and freed once, and only the head of `s_align` is read.
    unsafe {
        let profile = NonNull::new(ssw_init(query.as_ptr().cast(), m, MATRIX.as_ptr(), 5, NARROW)).expect("a profile");
        let target = target.as_ptr().cast();
        let found = ssw_align(profile.as_ptr(), target, n, GAP_OPEN, GAP_EXTEND, WITH_START, 0, 0, m / 2);
        let found = NonNull::new(found).expect("an alignment");
        let Alignment { score, second_score } = found.read();
        std::hint::black_box(second_score);
        align_destroy(found.as_ptr());
        init_destroy(profile.as_ptr());
        score.into()
    }
}

/// Local alignment is all it does.
pub fn on(kernel: Kernel, pairs: Vec<Pair>, gains: &[Option<i32>]) -> Vec<Contender> {
    if kernel != Kernel::Local {
        return vec![];
    }
    vec![contender("SSW, start and end".to_owned(), gains, move |job| score(&pairs[job]))]
}
