//! Other libraries on the same pairs and scoring, on the same core.
//!
//! [block-aligner](https://github.com/Daniel-Liu-c0deb0t/block-aligner) (Liu and Steinegger 2023, *Block
//! Aligner: an adaptive SIMD-accelerated aligner for sequences and position-specific scoring matrices*),
//! AVX2, 16-bit lanes along one alignment. What it computes is near ours and not equal: gaps open from H;
//! the extension returns the best score with its end under an X-drop (not the score at the query's end,
//! nor the offset); and a block shorter than the query follows the best scores greedily, so that it may
//! miss the optimum, which ours never does. It has no local alignment of this kind. Its cells are counted
//! as ours are, nominally. Conversion of bases is outside its time, as it keeps padded sequences.

use std::hint::black_box;

use block_aligner::cigar::Cigar;
use block_aligner::scan_block::{Block, PaddedBytes};
use block_aligner::scores::{Gaps, NucMatrix};

use crate::contenders::{Contender, Pair};

/// A gap of length k costs open + (k - 1) * extend: 6 + k as in our default.
const GAPS: Gaps = Gaps { open: -7, extend: -1 };
const X_DROP: i32 = 100;

struct Padded {
    query: PaddedBytes,
    target: PaddedBytes,
}

/// The pairs as block-aligner keeps them, for blocks up to `size`.
fn padded(pairs: &[Pair], size: usize) -> Vec<Padded> {
    let bytes = |codes: &[u8]| {
        let letters: Vec<u8> = codes.iter().map(|&code| b"ACGTN"[usize::from(code)]).collect();
        PaddedBytes::from_bytes::<NucMatrix>(&letters, size)
    };
    pairs.iter().map(|(query, target)| Padded { query: bytes(query), target: bytes(target) }).collect()
}

fn longest(pairs: &[Pair]) -> (usize, usize) {
    let length = |(query, target): &Pair| (query.len(), target.len());
    pairs.iter().map(length).fold((0, 0), |(m, n), (query, target)| (m.max(query), n.max(target)))
}

fn contender(name: String, work: impl FnMut() + 'static) -> Contender {
    Contender { name, ours: false, work: Box::new(work) }
}

/// The block sizes to try: as narrow as recommended, and the whole matrix where there is no band.
fn sizes(band: u16) -> &'static [usize] {
    if band == u16::MAX { &[32, 256] } else { &[32] }
}

/// Extension with an X-drop.
pub fn extend(pairs: &[Pair], band: u16) -> Vec<Contender> {
    let build = |&size: &usize| {
        let (m, n) = longest(pairs);
        let (pairs, matrix) = (padded(pairs, size), NucMatrix::new_simple(1, -4));
        let mut block = Block::<false, true>::new(m, n, size);
        contender(format!("block-aligner avx2, X-drop, block {size}"), move || {
            for Padded { query, target } in &pairs {
                block.align(query, target, &matrix, GAPS, size..=size, X_DROP);
                black_box(block.res());
            }
        })
    };
    sizes(band).iter().map(build).collect()
}

/// Global alignment with its CIGAR.
pub fn global(pairs: &[Pair], _band: u16) -> Vec<Contender> {
    let size = 32;
    let (m, n) = longest(pairs);
    let (pairs, matrix) = (padded(pairs, size), NucMatrix::new_simple(1, -4));
    let mut block = Block::<true, false>::new(m, n, size);
    let mut cigar = Cigar::new(m, n);
    let work = move || {
        for Padded { query, target } in &pairs {
            block.align(query, target, &matrix, GAPS, size..=size, 0);
            let found = block.res();
            block.trace().cigar(found.query_idx, found.reference_idx, &mut cigar);
            black_box(&cigar);
        }
    };
    vec![contender(format!("block-aligner avx2, CIGAR, block {size}"), work)]
}
