//! [parasail](https://github.com/jeffdaily/parasail) (Daily 2016, *Parasail: SIMD C library for global, semi-global, and
//! local pairwise sequence alignments*), Debian's `libparasail-dev`: striped (Farrar 2007), the widest
//! instruction set it has for this CPU, 16-bit lanes: its 8-bit ones are signed, and most 150 bp reads would be done twice.
//!
//! Whole matrices without a band, whatever the mix's is. *Extend* is its semi-global alignment from the start of both to the
//! end of either, the nearest thing it has: one score with its end, no z-drop. *Local* is a score and its end, neither a start
//! nor a second score. Gaps open from H.
#![allow(unsafe_code, reason = "calls into a C library are unsafe")]

use std::ffi::{c_char, c_int};
use std::ptr::NonNull;

use super::{GAP_EXTEND, GAP_OPEN, Kernel, contender};
use crate::clock::Contender;
use crate::random::Pair;

#[repr(C)]
struct RawMatrix([u8; 0]);
#[repr(C)]
struct RawResult([u8; 0]);
#[repr(C)]
struct RawCigar([u8; 0]);

/// Query, target, cost of a gap's first base and of each further one, matrix.
type Align =
    unsafe extern "C" fn(*const c_char, c_int, *const c_char, c_int, c_int, c_int, *const RawMatrix) -> *mut RawResult;

#[link(name = "parasail")]
unsafe extern "C" {
    fn parasail_matrix_create(alphabet: *const c_char, score: c_int, mismatch: c_int) -> *mut RawMatrix;
    fn parasail_matrix_free(matrix: *mut RawMatrix);
    fn parasail_result_free(result: *mut RawResult);
    fn parasail_result_get_score(result: *const RawResult) -> c_int;
    fn parasail_result_get_cigar(
        result: *mut RawResult,
        query: *const c_char,
        query_length: c_int,
        target: *const c_char,
        target_length: c_int,
        matrix: *const RawMatrix,
    ) -> *mut RawCigar;
    fn parasail_cigar_free(cigar: *mut RawCigar);
    fn parasail_lookup_function(name: *const c_char) -> Option<Align>;
}

struct Matrix(NonNull<RawMatrix>);

impl Matrix {
    fn new() -> Self {
        // SAFETY: the alphabet is a C string that outlives the call.
        let raw = unsafe { parasail_matrix_create(c"ACGT".as_ptr(), 1, -4) };
        Matrix(NonNull::new(raw).expect("parasail has memory for a matrix"))
    }
}

impl Drop for Matrix {
    fn drop(&mut self) {
        // SAFETY: the matrix came from `parasail_matrix_create` and is freed once.
        unsafe { parasail_matrix_free(self.0.as_ptr()) }
    }
}

/// The score of a pair of letters, which are not empty.
fn score(align: Align, with_cigar: bool, (query, target): &Pair, matrix: &Matrix) -> i32 {
    let (q, m) = (query.as_ptr().cast::<c_char>(), query.len() as c_int);
    let (t, n) = (target.as_ptr().cast::<c_char>(), target.len() as c_int);
    let matrix = matrix.0.as_ptr();
    // SAFETY: both sequences are valid for their lengths and the matrix is alive, so the result is a valid one or null, which
    // is checked; result and CIGAR are freed once and not used afterwards.
    unsafe {
        let result = align(q, m, t, n, GAP_OPEN.into(), GAP_EXTEND.into(), matrix);
        assert!(!result.is_null(), "parasail refuses a pair");
        let score = parasail_result_get_score(result);
        if with_cigar {
            parasail_cigar_free(parasail_result_get_cigar(result, q, m, t, n, matrix));
        }
        parasail_result_free(result);
        score
    }
}

/// The one way that it can do `kernel`.
pub fn on(kernel: Kernel, pairs: Vec<Pair>, gains: &[Option<i32>]) -> Vec<Contender> {
    let (name, function, with_cigar) = match kernel {
        Kernel::Extend => ("parasail sg_qe_de, no band", c"parasail_sg_qe_de_striped_16", false),
        Kernel::Global => ("parasail nw, CIGAR, no band", c"parasail_nw_trace_striped_16", true),
        Kernel::Local => ("parasail sw, score and end", c"parasail_sw_striped_16", false),
    };
    // SAFETY: the name is a C string; a function of this name has the type `Align`, as all that this table holds.
    let align = unsafe { parasail_lookup_function(function.as_ptr()) }.expect("parasail has the function");
    let letters = |codes: Vec<u8>| codes.into_iter().map(|code| b"ACGTN"[usize::from(code)]).collect();
    let pairs: Vec<Pair> = pairs.into_iter().map(|(query, target)| (letters(query), letters(target))).collect();
    let is_whole = |(query, target): &Pair| !query.is_empty() && !target.is_empty();
    assert!(pairs.iter().all(is_whole), "parasail takes no empty sequence");
    let matrix = Matrix::new();
    vec![contender(name.to_owned(), gains, move |job| score(align, with_cigar, &pairs[job], &matrix))]
}
