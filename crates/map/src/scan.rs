//! A strand against 64 neighbouring diagonals at once, for rescue.
//!
//! Which base of a reference block a diagonal starts at is the shift of its windows, so that the 64 diagonals that start in one block need the
//! same few blocks: loops over shifts, without a branch, of which the compiler makes as many SIMD lanes as there are. The windows of a block
//! are the same for each part of the strand, so they are made once.

use std::ops::RangeInclusive;

use crate::index::Reference;
use crate::reads::Strand;
use crate::sequence::{BLOCK, Planes};

/// Bases in a row that [`runs`] looks for, a power of two.
const RUN: usize = 8;

/// One number for each diagonal.
pub type Diagonals<T> = [T; BLOCK];

/// The 64 windows of 64 bases that start in a block of the reference: low bits and high bits of their bases.
#[derive(Clone, Debug)]
struct Windows {
    low: Diagonals<u64>,
    high: Diagonals<u64>,
}

/// A stretch of the reference as [`Windows`] of its blocks, in arrays that are reused.
#[derive(Debug, Default)]
pub struct Stretch {
    first: usize,
    windows: Vec<Windows>,
}

impl Stretch {
    /// Takes what a strand needs of the reference on all diagonals that start in `blocks`.
    #[inline(always)]
    pub fn fill(&mut self, reference: &Reference<'_>, blocks: RangeInclusive<usize>, strand: Strand<'_>) {
        self.first = *blocks.start();
        let count = blocks.end() - blocks.start() + strand.blocks.len();
        if self.windows.len() < count {
            self.windows.resize(count, Windows { low: [0; BLOCK], high: [0; BLOCK] });
        }
        for (windows, pair) in self.windows.iter_mut().zip(reference.blocks[self.first..][..=count].windows(2)) {
            let pair = [pair[0], pair[1]];
            for (shift, (low, high)) in windows.low.iter_mut().zip(&mut windows.high).enumerate() {
                let planes = Planes::join(pair, shift);
                (*low, *high) = (planes.low, planes.high);
            }
        }
    }
}

/// The [`block_similarity`](crate::ungapped::block_similarity) of a strand on each of the diagonals that start in a block of the reference.
#[inline(always)]
#[must_use]
pub fn similarities(strand: Strand<'_>, stretch: &Stretch, block: usize) -> Diagonals<u64> {
    let mut totals = [0; BLOCK];
    for_each_block(strand, stretch, block, |bases, mismatches| {
        for (total, word) in totals.iter_mut().zip(mismatches) {
            *total += (bases as u64).saturating_sub(4 * u64::from(word.count_ones()));
        }
    });
    totals
}

/// On which of the diagonals that start in a block of the reference [`RUN`] or more bases in a row match, one bit each: another is not
/// worth [`best_segment`](crate::ungapped::best_segment).
#[inline(always)]
#[must_use]
pub fn runs(strand: Strand<'_>, stretch: &Stretch, block: usize) -> u64 {
    let mut before = [0; BLOCK];
    let mut found = [0; BLOCK];
    for_each_block(strand, stretch, block, |bases, mismatches| {
        let used = u64::MAX >> (BLOCK - bases);
        for ((before, found), word) in before.iter_mut().zip(&mut found).zip(mismatches) {
            let matches = !word & used;
            let (mut low, mut high) = (*before, matches);
            let mut length = 1;
            while length < RUN {
                // The first bases of runs twice as long.
                low &= low >> length | high << (BLOCK - length);
                high &= high >> length;
                length *= 2;
            }
            *found |= low | high;
            *before = matches;
        }
    });
    (0..BLOCK).fold(0, |bits, shift| bits | u64::from(found[shift] != 0) << shift)
}

/// Calls `visit` for each block of the strand with its number of bases and, for each diagonal, the bases that differ there, one bit each.
#[inline(always)]
fn for_each_block(strand: Strand<'_>, stretch: &Stretch, block: usize, mut visit: impl FnMut(usize, &Diagonals<u64>)) {
    let mut left = strand.length;
    let windows = &stretch.windows[block - stretch.first..];
    for ((planes, &ambiguous), windows) in strand.blocks.iter().zip(strand.ambiguous).zip(windows) {
        let bases = left.min(BLOCK);
        left -= bases;
        let used = u64::MAX >> (BLOCK - bases);
        let mut mismatches = [0; BLOCK];
        for ((word, &low), &high) in mismatches.iter_mut().zip(&windows.low).zip(&windows.high) {
            *word = (planes.differences(Planes { low, high }) | ambiguous) & used;
        }
        visit(bases, &mismatches);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reads::PackedReads;
    use crate::testing::{ReferenceData, random_letters};
    use crate::ungapped::block_similarity;

    fn packed(read: &[u8]) -> PackedReads {
        let mut batch = svala_io::ReadBatch::default();
        batch.push(b"r", read, &vec![b'I'; read.len()]);
        let mut packed = PackedReads::default();
        packed.pack(&batch).unwrap();
        packed
    }

    #[test]
    fn all_diagonals_get_what_each_gets_alone() {
        let reference = random_letters(1000, 3, 4);
        let data = ReferenceData::new(&[&reference]);
        let start = data.contigs[0].start;
        let (mut similar, mut stretch) = (0, Stretch::default());
        for (round, length) in [1, 40, 64, 65, 128, 150, 250].into_iter().enumerate() {
            let mut read = reference[300..300 + length].to_vec();
            (0..length).filter(|i| i % 29 == round).for_each(|i| read[i] = b'N');
            let read = packed(&read);
            for reverse in [false, true] {
                let strand = read.read(0).strand(reverse);
                let first = (start as usize + 200) / BLOCK;
                stretch.fill(&data.reference(), first..=first + 3, strand);
                for block in first..first + 4 {
                    let all = similarities(strand, &stretch, block);
                    for (shift, got) in all.into_iter().enumerate() {
                        let alone = block_similarity(strand, &data.reference(), (block * BLOCK + shift) as u64);
                        assert_eq!(got, u64::from(alone), "{length} bases, block {block} + {shift}");
                        similar += u32::from(got > 16);
                    }
                }
            }
        }
        assert!(similar >= 5, "{similar}");
    }

    #[test]
    fn runs_are_found_wherever_they_lie() {
        let reference = random_letters(400, 5, 4);
        let data = ReferenceData::new(&[&reference]);
        let start = data.contigs[0].start as usize + 100;
        let mut stretch = Stretch::default();
        let another = |letter: u8| if letter == b'A' { b'C' } else { b'A' };
        for length in [RUN, RUN + 1, 64, 65, 150] {
            for from in 0..=length - RUN {
                for run in [RUN - 1, RUN] {
                    let mut read: Vec<u8> = reference[100..100 + length].iter().map(|&l| another(l)).collect();
                    read[from..from + run].copy_from_slice(&reference[100 + from..100 + from + run]);
                    let packed = packed(&read);
                    let strand = packed.read(0).strand(false);
                    stretch.fill(&data.reference(), start / BLOCK..=start / BLOCK, strand);
                    let found = runs(strand, &stretch, start / BLOCK);
                    assert_eq!(found >> (start % BLOCK) & 1 == 1, run == RUN, "{run} bases from {from} of {length}");
                }
            }
        }
    }
}
