//! The ungapped check: a read against one diagonal of the reference, 64 bases a step.
//!
//! A *diagonal* is the padded reference position that the strand's first base would lie on. Two XORs and an OR give the
//! mismatches of 64 bases; the best-scoring segment between them is found by Kadane's scan (Bentley 1984, "Programming
//! pearls: algorithm design techniques") over mismatches instead of bases, with the end bonus for segments that reach an end
//! of the read. Most reads are placed by this alone.

use std::ops::Range;

use crate::index::Reference;
use crate::options::{MAX_READ, MapOptions};
use crate::reads::Strand;
use crate::sequence::BLOCK;

const MAX_BLOCKS: usize = MAX_READ.div_ceil(BLOCK);

/// Mismatches that two gaps around them might explain better.
pub const DENSE_MISMATCHES: usize = 4;
/// Bases that these lie in. Of bases beside a gap that isn't made a quarter match by chance.
const DENSE_BASES: u32 = 12;

/// Matches in a row that a scan may pass over between mismatches: they don't outweigh one.
const PASSED_OVER: u32 = 4;
/// Mismatches from which on that is worth while.
const MANY_MISMATCHES: u32 = 12;

/// The best segment of a read on a diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Number of the contig.
    pub contig: u32,
    /// First base of the strand.
    pub start: u32,
    /// One past the last base.
    pub end: u32,
    /// Score without end bonuses.
    pub score: i32,
    /// Mismatches inside, ambiguous bases included.
    pub mismatches: u32,
}

/// Mismatching and ambiguous bases of a read on a diagonal, one bit a base.
struct Mismatches {
    words: [u64; MAX_BLOCKS],
    ambiguous: [u64; MAX_BLOCKS],
    has_ambiguous: bool,
}

/// Finds the best segment of `strand` on `diagonal`, within the contig that the strand overlaps there; `None` if it overlaps
/// none or has no match.
#[inline(always)]
#[must_use]
pub fn best_segment(
    strand: Strand<'_>,
    reference: &Reference<'_>,
    diagonal: u64,
    options: &MapOptions,
) -> Option<Segment> {
    let end = diagonal + strand.length as u64;
    let contig = reference.contig_overlapping(diagonal, end)?;
    let span = reference.contigs[contig].span();
    let valid = (span.start.max(diagonal) - diagonal) as u32..(span.end.min(end) - diagonal) as u32;
    let bits = compare(strand, reference, diagonal);
    let segment = scan(&bits, valid, strand.length as u32, options)?;
    Some(Segment { contig: contig as u32, ..segment })
}

#[inline(always)]
fn compare(strand: Strand<'_>, reference: &Reference<'_>, diagonal: u64) -> Mismatches {
    let mut bits = Mismatches { words: [0; MAX_BLOCKS], ambiguous: [0; MAX_BLOCKS], has_ambiguous: false };
    for (i, (planes, read_ambiguous)) in strand.blocks.iter().zip(strand.ambiguous).enumerate() {
        let start = diagonal + (i * BLOCK) as u64;
        let ambiguous = read_ambiguous | reference.ambiguous_window(start);
        bits.ambiguous[i] = ambiguous;
        bits.has_ambiguous |= ambiguous != 0;
        bits.words[i] = planes.differences(reference.window(start)) | ambiguous;
    }
    bits
}

impl Mismatches {
    /// Calls `visit` with the positions of the set bits in `from..to`, ascending.
    #[inline(always)]
    fn for_each(&self, from: u32, to: u32, mut visit: impl FnMut(u32)) {
        let block = BLOCK as u32;
        for w in from / block..to.div_ceil(block) {
            let mut word = self.words[w as usize];
            if w == from / block {
                word &= u64::MAX << (from % block);
            }
            if w == to / block {
                word &= (1u64 << (to % block)) - 1;
            }
            while word != 0 {
                visit(w * block + word.trailing_zeros());
                word &= word - 1;
            }
        }
    }

    /// Whether there are so many in a strand of `length` bases, none of them ambiguous, that most lie between short runs of matches.
    #[inline(always)]
    fn are_many(&self, length: u32) -> bool {
        let (whole, rest) = (length as usize / BLOCK, length % BLOCK as u32);
        let last = self.words.get(whole).map_or(0, |word| (word & ((1 << rest) - 1)).count_ones());
        let count = self.words[..whole].iter().map(|word| word.count_ones()).sum::<u32>() + last;
        count > MANY_MISMATCHES && !self.has_ambiguous
    }

    /// One bit for each base from which on more than [`PASSED_OVER`] match; those behind `end` count as matches.
    #[inline(always)]
    fn long_runs(&self, end: u32) -> [u64; MAX_BLOCKS] {
        const { assert!(PASSED_OVER == 4, "pairs, fours and one more") };
        let mut runs = [0; MAX_BLOCKS];
        // Of the block behind: where one base matches, two in a row, four.
        let (mut one, mut two) = (u64::MAX, u64::MAX);
        for w in (0..(end as usize).div_ceil(BLOCK)).rev() {
            let behind = (end as usize).saturating_sub(w * BLOCK);
            let matches = !self.words[w] | if behind < BLOCK { u64::MAX << behind } else { 0 };
            let pairs = matches & (matches >> 1 | one << 63);
            let fours = pairs & (pairs >> 2 | two << 62);
            runs[w] = fours & (matches >> PASSED_OVER | one << (BLOCK as u32 - PASSED_OVER));
            (one, two) = (matches, pairs);
        }
        runs
    }

    #[inline(always)]
    fn is_ambiguous(&self, position: u32) -> bool {
        self.has_ambiguous && (self.ambiguous[position as usize / BLOCK] >> (position as usize % BLOCK)) & 1 == 1
    }
}

/// Kadane's scan over mismatches. Of equal scores the first found stays, so a longer one must be better.
#[inline(always)]
fn scan(bits: &Mismatches, valid: Range<u32>, length: u32, options: &MapOptions) -> Option<Segment> {
    if bits.are_many(length) && options.mismatch() >= PASSED_OVER as i32 * options.match_score() {
        let mut scan = Scan::new(&valid, options);
        scan.visit_long_runs(bits, &valid, options);
        scan.finish(&valid, length, options);
        if scan.best.score > PASSED_OVER as i32 * options.match_score() {
            return scan.best.segment(length, options);
        }
    }
    let mut scan = Scan::new(&valid, options);
    bits.for_each(valid.start, valid.end, |position| scan.mismatch(position, bits.is_ambiguous(position), options));
    scan.finish(&valid, length, options);
    scan.best.segment(length, options)
}

/// A stretch of a strand and its score, end bonuses included.
#[derive(Clone, Copy, Default)]
struct Stretch {
    score: i32,
    start: u32,
    end: u32,
    mismatches: u32,
}

impl Stretch {
    #[inline(always)]
    fn segment(self, length: u32, options: &MapOptions) -> Option<Segment> {
        let Self { score, start, end, mismatches } = self;
        let bonuses = i32::from(start == 0) + i32::from(end == length);
        let segment = Segment { contig: 0, start, end, score: score - bonuses * options.end_bonus, mismatches };
        (end > start && segment.score > 0).then_some(segment)
    }
}

/// A scan under way.
struct Scan {
    best: Stretch,
    /// The best stretch that ends where the scan is. Its score is never below 0; at 0 it starts anew.
    running: Stretch,
}

impl Scan {
    #[inline(always)]
    fn new(valid: &Range<u32>, options: &MapOptions) -> Self {
        let score = if valid.start == 0 { options.end_bonus } else { 0 };
        Self {
            best: Stretch::default(),
            running: Stretch { score, start: valid.start, end: valid.start, mismatches: 0 },
        }
    }

    /// Goes on over matches to `end`.
    #[inline(always)]
    fn matches(&mut self, end: u32, options: &MapOptions) {
        self.running.score += (end - self.running.end) as i32 * options.match_score();
        self.running.end = end;
    }

    #[inline(always)]
    fn consider(&mut self) {
        if self.running.score > self.best.score && self.running.end > self.running.start {
            self.best = self.running;
        }
    }

    /// Goes on to the next mismatch and over it.
    #[inline(always)]
    fn mismatch(&mut self, position: u32, ambiguous: bool, options: &MapOptions) {
        self.matches(position, options);
        self.consider();
        let Stretch { score, end, mismatches, .. } = &mut self.running;
        *score -= if ambiguous { i32::from(options.scoring.ambiguous) } else { options.mismatch() };
        *mismatches += 1;
        *end = position + 1;
        if *score <= 0 {
            self.start_at(position + 1);
        }
    }

    #[inline(always)]
    fn start_at(&mut self, position: u32) {
        self.running = Stretch { score: 0, start: position, end: position, mismatches: 0 };
    }

    /// Visits mismatches, none of which is ambiguous, but for those between runs of matches that are too short to outweigh one.
    #[inline(always)]
    fn visit_long_runs(&mut self, bits: &Mismatches, valid: &Range<u32>, options: &MapOptions) {
        let runs = bits.long_runs(valid.end);
        loop {
            if self.running.score == 0 {
                self.start_at(next_bit(&runs, self.running.end).min(valid.end));
            }
            let position = next_bit(&bits.words, self.running.end);
            if position >= valid.end {
                return;
            }
            self.mismatch(position, false, options);
        }
    }

    /// Goes on to the end.
    #[inline(always)]
    fn finish(&mut self, valid: &Range<u32>, length: u32, options: &MapOptions) {
        self.matches(valid.end, options);
        self.running.score += if valid.end == length { options.end_bonus } else { 0 };
        self.consider();
    }
}

/// Number of the first bit that is set, from bit `from` on; behind all of them if none is.
#[inline(always)]
fn next_bit(words: &[u64], from: u32) -> u32 {
    let mut w = from as usize / BLOCK;
    let Some(mut word) = words.get(w).map(|word| word & u64::MAX << (from as usize % BLOCK)) else { return u32::MAX };
    while word == 0 {
        w += 1;
        match words.get(w) {
            Some(&next) => word = next,
            None => return u32::MAX,
        }
    }
    (w * BLOCK) as u32 + word.trailing_zeros()
}

/// The longest run of matches of a strand on a diagonal within the given bases, the first of equals.
#[must_use]
pub fn longest_run(strand: Strand<'_>, reference: &Reference<'_>, diagonal: u64, within: Range<u32>) -> Range<u32> {
    let bits = compare(strand, reference, diagonal);
    let mut run_start = within.start;
    let mut longest = run_start..run_start;
    let mut end_run = |position: u32| {
        if position - run_start > longest.end - longest.start {
            longest = run_start..position;
        }
        run_start = position + 1;
    };
    bits.for_each(within.start, within.end, &mut end_run);
    end_run(within.end);
    longest
}

/// Whether mismatches of a strand on a diagonal lie so close to each other within the given bases as they do between two gaps.
#[must_use]
pub fn has_dense_mismatches(strand: Strand<'_>, reference: &Reference<'_>, diagonal: u64, within: Range<u32>) -> bool {
    let bits = compare(strand, reference, diagonal);
    let mut last = [None; DENSE_MISMATCHES - 1];
    let mut is_dense = false;
    bits.for_each(within.start, within.end, |position| {
        is_dense |= last[0].is_some_and(|first: u32| position - first < DENSE_BASES);
        last.rotate_left(1);
        last[DENSE_MISMATCHES - 2] = Some(position);
    });
    is_dense
}

/// How much of a strand matches on a diagonal, for ranking many diagonals quickly: per 64 bases, matches less three times the
/// mismatches, negative blocks counted as none. A read split by a gap still shows on both of its diagonals; a random diagonal
/// gives 0.
#[inline(always)]
#[must_use]
pub fn block_similarity(strand: Strand<'_>, reference: &Reference<'_>, diagonal: u64) -> u32 {
    let mut total = 0;
    let mut left = strand.length;
    for (i, planes) in strand.blocks.iter().enumerate() {
        let bases = left.min(BLOCK);
        left -= bases;
        let used = u64::MAX >> (BLOCK - bases);
        let window = reference.window(diagonal + (i * BLOCK) as u64);
        let mismatches = ((planes.differences(window) | strand.ambiguous[i]) & used).count_ones();
        total += (bases as u32).saturating_sub(4 * mismatches);
    }
    total
}

/// How much of a part of a strand matches on a diagonal: matches less three times the mismatches.
#[inline(always)]
#[must_use]
pub fn part_similarity(strand: Strand<'_>, reference: &Reference<'_>, diagonal: u64, part: Range<u32>) -> u32 {
    let mut mismatches = 0;
    for start in part.clone().step_by(BLOCK) {
        let bases = (part.end - start).min(BLOCK as u32);
        let window = reference.window(diagonal + u64::from(start));
        let (words, _) = strand.mismatches(start as usize, window, 0);
        mismatches += (words & u64::MAX >> (BLOCK as u32 - bases)).count_ones();
    }
    (part.end - part.start).saturating_sub(4 * mismatches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reads::PackedReads;
    use crate::testing::{ReferenceData, random_letters};

    fn segment(read: &[u8], data: &ReferenceData, diagonal: u64) -> Option<Segment> {
        let mut batch = svala_io::ReadBatch::default();
        batch.push(b"r", read, &vec![b'I'; read.len()]);
        let mut packed = PackedReads::default();
        packed.pack(&batch).unwrap();
        best_segment(packed.read(0).strand(false), &data.reference(), diagonal, &MapOptions::default())
    }

    /// All segments, one by one.
    fn brute_force(read: &[u8], reference: &[u8], options: &MapOptions) -> i32 {
        let mut best = 0;
        for start in 0..read.len() {
            let mut score = if start == 0 { options.end_bonus } else { 0 };
            for end in start..read.len() {
                let ambiguous = read[end] == b'N' || reference[end] == b'N';
                score += match (ambiguous, read[end] == reference[end]) {
                    (true, _) => -1,
                    (false, true) => 1,
                    (false, false) => -4,
                };
                best = best.max(score + if end + 1 == read.len() { options.end_bonus } else { 0 });
            }
        }
        best
    }

    #[test]
    fn the_segment_is_the_best_of_all_segments() {
        let options = MapOptions::default();
        for round in 0..300u64 {
            let length = [1, 2, 30, 63, 64, 65, 127, 128, 150, 250][round as usize % 10];
            let reference = random_letters(length, round, 4);
            let mut read = reference.clone();
            let edits = random_letters(length, round + 1000, 4);
            for i in 0..length {
                if crate::syncmer::mix64(round * 1000 + i as u64) % 100 < 5 * (round % 5) {
                    read[i] = edits[i];
                }
                if crate::syncmer::mix64(round * 7000 + i as u64) % 100 < round % 4 {
                    read[i] = b'N';
                }
            }
            let data = ReferenceData::new(&[&reference]);
            let got = segment(&read, &data, data.contigs[0].start);
            let expected = brute_force(&read, &reference, &options);
            let score = got.map_or(0, |s| {
                let bonuses = i32::from(s.start == 0) + i32::from(s.end as usize == length);
                s.score + bonuses * options.end_bonus
            });
            assert!(
                score == expected || got.is_none_or(|s| s.score <= 0) && expected <= 10,
                "round {round}: {got:?}, {expected}"
            );
        }
    }

    /// Diagonals that hardly match, some with a stretch that does, under several scores: what is passed over changes nothing.
    #[test]
    fn short_runs_of_matches_don_t_count() {
        let (mut passed_over, mut poor) = (0, 0);
        for round in 0..4000u64 {
            let mut options = MapOptions::default();
            (options.scoring.match_score, options.scoring.mismatch) =
                [(1, 4), (1, 2), (2, 4), (1, 9)][round as usize % 4];
            options.end_bonus = [5, 0][round as usize / 4 % 2];
            let length = [40, 64, 75, 128, 150, 250, 512, 1000, 1024][round as usize % 9];
            let valid = (round as u32 % 3) * 7..length - (round as u32 / 3 % 3) * 9;
            let random = |i: u64| crate::syncmer::mix64(round * 9773 + i);
            let mut bits = Mismatches { words: [0; MAX_BLOCKS], ambiguous: [0; MAX_BLOCKS], has_ambiguous: false };
            let (from, run) = (random(5000) % u64::from(length), round % 40);
            for i in 0..u64::from(length).next_multiple_of(64) {
                let matches = random(i) % 5 == 0 || (from..from + run).contains(&i) && random(i) % 16 != 1;
                let is_ambiguous = round % 10 == 0 && random(i) % 31 == 2;
                bits.words[i as usize / BLOCK] |= u64::from(!matches || is_ambiguous) << (i % 64);
                bits.ambiguous[i as usize / BLOCK] |= u64::from(is_ambiguous) << (i % 64);
                bits.has_ambiguous |= is_ambiguous;
            }
            let mut all = Scan::new(&valid, &options);
            bits.for_each(valid.start, valid.end, |i| all.mismatch(i, bits.is_ambiguous(i), &options));
            all.finish(&valid, length, &options);
            let expected = all.best.segment(length, &options);
            assert_eq!(scan(&bits, valid, length, &options), expected, "round {round}");
            let is_long = all.best.score > PASSED_OVER as i32 * options.match_score();
            // Under other scores nothing is passed over.
            let may_pass = bits.are_many(length) && options.mismatch() >= PASSED_OVER as i32 * options.match_score();
            passed_over += u32::from(may_pass && is_long);
            poor += u32::from(may_pass && !is_long);
        }
        assert!(passed_over > 500 && poor > 10, "{passed_over}, {poor}");
    }

    #[test]
    fn segments_stay_inside_the_contig() {
        let reference = random_letters(100, 5, 4);
        let data = ReferenceData::new(&[&reference]);
        let start = data.contigs[0].start;
        let mut read = b"A".to_vec();
        read.extend_from_slice(&reference[..99]);
        let found = segment(&read, &data, start - 1).unwrap();
        assert_eq!((found.start, found.end), (1, 100));
        let mut read = reference[1..].to_vec();
        read.push(b'C');
        let found = segment(&read, &data, start + 1).unwrap();
        assert_eq!((found.start, found.end, found.score), (0, 99, 99));
        assert_eq!(segment(&read, &data, start + 500), None);
    }

    #[test]
    fn mismatches_are_dense_if_four_lie_within_twelve_bases() {
        let reference = random_letters(150, 9, 4);
        let data = ReferenceData::new(&[&reference]);
        let is_dense = |mismatches: &[usize], within| {
            let mut read = reference.clone();
            for &i in mismatches {
                read[i] = if read[i] == b'A' { b'C' } else { b'A' };
            }
            let mut batch = svala_io::ReadBatch::default();
            batch.push(b"r", &read, &[b'I'; 150]);
            let mut packed = PackedReads::default();
            packed.pack(&batch).unwrap();
            has_dense_mismatches(packed.read(0).strand(false), &data.reference(), data.contigs[0].start, within)
        };
        // Across two blocks, with others before and behind.
        assert!(is_dense(&[3, 20, 56, 60, 66, 67, 120], 0..150));
        assert!(!is_dense(&[3, 20, 56, 60, 66, 68, 120], 0..150));
        assert!(!is_dense(&[3, 20, 56, 60, 66, 67, 120], 57..150));
        assert!(!is_dense(&[56, 60, 66], 0..150));
    }

    #[test]
    fn the_longest_run_of_matches_is_found_within_bounds() {
        let reference = random_letters(150, 9, 4);
        let data = ReferenceData::new(&[&reference]);
        let mut read = reference.clone();
        for i in [10, 40, 110] {
            read[i] = if read[i] == b'A' { b'C' } else { b'A' };
        }
        let start = data.contigs[0].start;
        let found = segment(&read, &data, start).unwrap();
        assert_eq!((found.start, found.end, found.mismatches), (0, 150, 3));
        let mut batch = svala_io::ReadBatch::default();
        batch.push(b"r", &read, &[b'I'; 150]);
        let mut packed = PackedReads::default();
        packed.pack(&batch).unwrap();
        let longest = |within| longest_run(packed.read(0).strand(false), &data.reference(), start, within);
        assert_eq!(longest(0..150), 41..110);
        assert_eq!(longest(0..60), 11..40);
        assert_eq!(longest(112..150), 112..150);
    }
}
