//! [block-aligner](https://github.com/Daniel-Liu-c0deb0t/block-aligner) (Liu and Steinegger 2023, *Block Aligner: an
//! adaptive SIMD-accelerated aligner for sequences and position-specific scoring matrices*), AVX2, 16-bit lanes along one
//! alignment.
//!
//! Gaps open from H; the extension returns the best score with its end under an X-drop, not the score at the query's end nor
//! the offset; a block shorter than the query follows the best scores greedily, so that it may miss the optimum, which ours
//! never does. It has no local alignment of this kind. Sequences are padded before.

use std::hint::black_box;

use block_aligner::cigar::Cigar;
use block_aligner::scan_block::{Block, PaddedBytes};
use block_aligner::scores::{Gaps, NucMatrix};

use super::{GAP_EXTEND, GAP_OPEN, Kernel, contender};
use crate::clock::Contender;
use crate::jobs::Jobs;
use crate::random::Pair;

const GAPS: Gaps = Gaps { open: -(GAP_OPEN as i8), extend: -(GAP_EXTEND as i8) };
const X_DROP: i32 = 100;

struct Padded {
    query: PaddedBytes,
    target: PaddedBytes,
}

/// The pairs as block-aligner keeps them, for blocks up to `size`, and the longest of both sequences.
fn padded(pairs: &[Pair], size: usize) -> (Vec<Padded>, usize, usize) {
    let bytes = |codes: &[u8]| {
        let letters: Vec<u8> = codes.iter().map(|&code| b"ACGTN"[usize::from(code)]).collect();
        PaddedBytes::from_bytes::<NucMatrix>(&letters, size)
    };
    let longest = |length: fn(&Pair) -> usize| pairs.iter().map(length).max().unwrap_or(0);
    let padded = pairs.iter().map(|(query, target)| Padded { query: bytes(query), target: bytes(target) }).collect();
    (padded, longest(|(query, _)| query.len()), longest(|(_, target)| target.len()))
}

/// As narrow a block as is recommended, and for extension without a band also the whole matrix.
pub fn on(kernel: Kernel, batch: &impl Jobs, gains: &[Option<i32>]) -> Vec<Contender> {
    let pairs = batch.pairs();
    let has_band = (0..batch.count()).any(|job| batch.band(job) < usize::from(u16::MAX));
    match kernel {
        Kernel::Extend if has_band => vec![extend(&pairs, 32, gains)],
        Kernel::Extend => vec![extend(&pairs, 32, gains), extend(&pairs, 256, gains)],
        Kernel::Global => vec![global(&pairs, 32, gains)],
        Kernel::Local => vec![],
    }
}

fn extend(pairs: &[Pair], size: usize, gains: &[Option<i32>]) -> Contender {
    let (pairs, m, n) = padded(pairs, size);
    let matrix = NucMatrix::new_simple(1, -4);
    let mut block = Block::<false, true>::new(m, n, size);
    contender(format!("block-aligner X-drop, block {size}"), gains, move |job| {
        block.align(&pairs[job].query, &pairs[job].target, &matrix, GAPS, size..=size, X_DROP);
        block.res().score
    })
}

/// With its CIGAR.
fn global(pairs: &[Pair], size: usize, gains: &[Option<i32>]) -> Contender {
    let (pairs, m, n) = padded(pairs, size);
    let matrix = NucMatrix::new_simple(1, -4);
    let mut block = Block::<true, false>::new(m, n, size);
    let mut cigar = Cigar::new(m, n);
    contender(format!("block-aligner CIGAR, block {size}"), gains, move |job| {
        block.align(&pairs[job].query, &pairs[job].target, &matrix, GAPS, size..=size, 0);
        let found = block.res();
        block.trace().cigar(found.query_idx, found.reference_idx, &mut cigar);
        black_box(&cigar);
        found.score
    })
}
