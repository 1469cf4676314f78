//! Stage 5: mate rescue.
//!
//! Where one mate has a good placement and the other has none in reach of it, the window in which a proper mate would lie is
//! scanned for [`similarities`] on all its diagonals; the best diagonals become candidates like any other. Where none is
//! good, as for a mate most of which is adapter or noise, those with a short run of matches are looked at more closely.

use std::ops::RangeInclusive;

use crate::alignment::Alignment;
use crate::extension::Context;
use crate::hash::tie_break;
use crate::index::{LINE_BLOCKS, Reference};
use crate::insert_model::{InsertModel, SizeModel};
use crate::insert_size::{Insert, Orientation};
use crate::pairing::pair_value;
use crate::reads::{PackedReads, Strand};
use crate::scan::{Stretch, runs, similarities};
use crate::sequence::BLOCK;
use crate::ungapped::{Segment, best_segment};

/// Placements of a read from which its mate is looked for.
const MAX_ORIGINS: usize = 16;
/// Diagonals kept of a window.
const KEPT: usize = 2;
/// A diagonal below this similarity is not worth a look.
const MIN_SIMILARITY: u32 = 16;
/// Below this the best similarity may well be chance, and a short match elsewhere may be better.
const GOOD_SIMILARITY: u32 = 32;

/// Windows that are fetched at once.
const FETCHED_WINDOWS: usize = 32;
/// Bases of a cache line.
const LINE_BASES: usize = LINE_BLOCKS * BLOCK;

/// A diagonal found for a mate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Number of the read in its batch.
    pub read: u32,
    /// Strand.
    pub reverse: bool,
    /// Padded position of the strand's first base.
    pub diagonal: u64,
}

impl Found {
    /// The alignment that a segment here is.
    #[inline(always)]
    #[must_use]
    pub fn alignment(self, segment: &Segment, reference: &Reference<'_>) -> Alignment {
        let [reference_start, reference_end] = [segment.start, segment.end].map(|base| self.diagonal + u64::from(base));
        Alignment {
            read: self.read,
            reverse: self.reverse,
            contig: segment.contig,
            reference_start,
            reference_end,
            query_start: segment.start,
            query_end: segment.end,
            score: segment.score,
            alternate: reference.is_alternate(reference_start),
            gapped_band: None,
        }
    }
}

/// Where a mate may lie.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Number of the read in its batch.
    read: u32,
    /// Strand.
    reverse: bool,
    /// The first and the last diagonal.
    low: u64,
    high: u64,
}

/// What makes looking for a mate needless.
#[derive(Clone, Copy, Debug)]
pub struct Needless {
    /// The score from which a proper mate counts as found.
    pub found_score: i32,
    /// The score from which on an origin is looked around: below, no mate that is still unseen could make its pair matter.
    pub origin_score: i32,
}

/// Arrays of a rescue, reused from batch to batch.
#[derive(Debug, Default)]
pub struct Rescues {
    /// What was found.
    pub found: Vec<Found>,
    /// Where to look next.
    pub windows: Vec<Window>,
    /// Reads from which is looked afterwards.
    pub later: Vec<usize>,
    /// Where it looks now.
    pub stretch: Stretch,
}

/// What rescue looks at.
#[derive(Clone, Copy)]
pub struct Rescue<'a> {
    /// Packed reads of the batch.
    pub reads: &'a PackedReads,
    /// Hashes of their names.
    pub name_hashes: &'a [u64],
    /// The reference and the options.
    pub context: Context<'a>,
    /// Where mates lie.
    pub model: &'a InsertModel,
}

impl Rescue<'_> {
    /// Lists where to look for the mate `wanted` around the placements of `origin`, given the alignments of both, best first.
    pub fn list(
        &self,
        origin: (usize, &[Alignment]),
        wanted: (usize, &[Alignment]),
        needless: Needless,
        windows: &mut Vec<Window>,
    ) {
        let lengths = [self.reads.read(origin.0).length(), self.reads.read(wanted.0).length()];
        for (told, model) in self.model.orientations() {
            // Orientations are told from the first mate, the even read.
            let seen = if origin.0.is_multiple_of(2) { told } else { told.seen_from_second() };
            let is_proper = |insert: Insert| insert.orientation == seen && model.contains(insert.size);
            for alignment in self.origins(origin.1).take_while(|a| a.score >= needless.origin_score) {
                let mates = wanted.1.iter().take_while(|mate| mate.score >= needless.found_score);
                let mut inserts = mates.filter_map(|mate| Insert::between(alignment, mate, lengths));
                if !inserts.any(is_proper) {
                    windows.extend(self.window(alignment, lengths, wanted.0, (seen, model)));
                }
            }
        }
    }

    /// The placements of a read from which its mate is looked for, of its alignments, best first.
    pub fn origins<'l>(&self, alignments: &'l [Alignment]) -> impl Iterator<Item = &'l Alignment> {
        let best = alignments.first().map_or(0, |best| best.score);
        let enough = best - self.context.options.unpaired_penalty;
        alignments.iter().take(MAX_ORIGINS).take_while(move |a| a.score >= enough)
    }

    /// Where a mate of the given orientation, seen along `origin`, and of a proper size would lie.
    fn window(
        &self,
        origin: &Alignment,
        lengths: [usize; 2],
        wanted: usize,
        (orientation, model): (Orientation, &SizeModel),
    ) -> Option<Window> {
        let reverse = origin.reverse == orientation.is_same_strand();
        // The mate's 5' end is `size` bases from the origin's, both included.
        let five_prime = origin.five_prime(lengths[0]);
        let is_right = orientation.is_ahead() != origin.reverse;
        let (low, high) = if is_right {
            (five_prime + model.low - 1, five_prime + model.high - 1)
        } else {
            (five_prime - model.high + 1, five_prime - model.low + 1)
        };
        let before = if reverse { lengths[1] as i64 - 1 } else { 0 };
        let span = self.context.reference.contigs[origin.contig as usize].span();
        let (low, high) = ((low - before).max(span.start as i64), (high - before).min(span.end as i64 - 1));
        (low <= high).then_some(Window { read: wanted as u32, reverse, low: low as u64, high: high as u64 })
    }

    /// Scans windows. What they hold is fetched for some of them at once.
    pub fn scan(&self, windows: &[Window], stretch: &mut Stretch, found: &mut Vec<Found>) {
        for windows in windows.chunks(FETCHED_WINDOWS) {
            let starts = windows.iter().flat_map(|window| (window.low..=window.high).step_by(LINE_BASES));
            self.context.reference.fetch(starts);
            for window in windows {
                self.scan_one(window, stretch, found);
            }
        }
    }

    fn scan_one(&self, window: &Window, stretch: &mut Stretch, found: &mut Vec<Found>) {
        let &Window { read, reverse, low, high } = window;
        let strand = self.reads.read(read as usize).strand(reverse);
        let name_hash = self.name_hashes[read as usize];
        let best = self.context.instructions.run(
            #[inline(always)]
            || self.best_diagonals(strand, reverse, low..=high, name_hash, stretch),
        );
        let diagonals = best.iter().filter_map(|(_, _, diagonal)| *diagonal);
        found.extend(diagonals.map(|diagonal| Found { read, reverse, diagonal }));
    }

    /// The best value of a proper pair of a placement of `origin` and what was found of its mate, without gaps.
    #[must_use]
    pub fn best_value_found(&self, (origin, alignments): (usize, &[Alignment]), found: &[Found]) -> Option<i32> {
        let Context { reference, options, instructions } = self.context;
        let values = found.iter().filter(|found| found.read as usize == origin ^ 1).flat_map(|found| {
            let strand = self.reads.read(found.read as usize).strand(found.reverse);
            let segment = instructions.run(
                #[inline(always)]
                || best_segment(strand, reference, found.diagonal, options),
            );
            let mate = found.alignment(&segment?, reference);
            let values = self.origins(alignments).filter_map(move |a| {
                let [first, second] = if origin.is_multiple_of(2) { [a, &mate] } else { [&mate, a] };
                let lengths = [first, second].map(|a| self.reads.read(a.read as usize).length());
                pair_value(first, second, lengths, self.model, options)
            });
            values.max()
        });
        values.max()
    }

    /// The diagonals of `window` that suit a strand best.
    #[inline(always)]
    fn best_diagonals(
        &self,
        strand: Strand<'_>,
        reverse: bool,
        window: RangeInclusive<u64>,
        name_hash: u64,
        stretch: &mut Stretch,
    ) -> [Ranked; KEPT] {
        let Context { reference, options, .. } = self.context;
        let tie = |diagonal| tie_break(name_hash, reverse, diagonal);
        let block = |diagonal: &u64| *diagonal as usize / BLOCK;
        stretch.fill(reference, block(window.start())..=block(window.end()), strand);
        let mut best = Best { least: MIN_SIMILARITY, kept: [(0, 0, None); KEPT] };
        for (block, diagonals) in blocks(&window) {
            let all = similarities(strand, stretch, block);
            if all.iter().max().is_none_or(|&most| most < u64::from(best.least)) {
                continue;
            }
            let values = diagonals.map(|d| (all[d as usize % BLOCK] as u32, d));
            best.add(values, tie);
        }
        if best.kept[0].0 >= GOOD_SIMILARITY {
            return best.kept;
        }
        let mut best = Best { least: options.score_floor() as u32, kept: [(0, 0, None); KEPT] };
        for (block, diagonals) in blocks(&window) {
            let runs = runs(strand, stretch, block);
            let values = diagonals.filter(|d| runs >> (d % BLOCK as u64) & 1 == 1).map(|d| {
                let segment = best_segment(strand, reference, d, options);
                (segment.map_or(0, |segment| segment.score as u32), d)
            });
            best.add(values, tie);
        }
        best.kept
    }
}

/// The blocks of the reference that diagonals start in, with those that start there.
#[inline(always)]
fn blocks(window: &RangeInclusive<u64>) -> impl Iterator<Item = (usize, RangeInclusive<u64>)> {
    let (low, high) = (*window.start(), *window.end());
    let size = BLOCK as u64;
    (low / size..=high / size).map(move |b| (b as usize, low.max(b * size)..=high.min(b * size + size - 1)))
}

/// How good a diagonal is, what decides between equals, and which it is.
type Ranked = (u32, u64, Option<u64>);

/// The diagonals with the highest values, best first.
struct Best {
    /// The lowest value that counts.
    least: u32,
    kept: [Ranked; KEPT],
}

impl Best {
    /// Adds diagonals with their values; `tie` decides between equals.
    #[inline(always)]
    fn add(&mut self, values: impl Iterator<Item = (u32, u64)>, tie: impl Fn(u64) -> u64) {
        for (value, diagonal) in values {
            if value < self.least.max(self.kept[KEPT - 1].0) {
                continue;
            }
            let this = (value, tie(diagonal), Some(diagonal));
            let place = self.kept.partition_point(|other| *other > this);
            if place < KEPT {
                self.kept[place..].rotate_right(1);
                self.kept[place] = this;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use svala_compute::Instructions;

    use super::*;
    use crate::options::MapOptions;
    use crate::testing::{ReferenceData, alignment, random_letters};

    /// Looks for the mate of a read with two placements, of which only the second has it near.
    #[test]
    fn what_is_found_of_a_mate_tells_what_its_pair_is_worth() {
        let letters = random_letters(20_000, 5, 4);
        let data = ReferenceData::new(&[&letters]);
        let (reference, options) = (data.reference(), MapOptions::default());
        let start = data.contigs[0].start;
        let mut batch = svala_io::ReadBatch::default();
        batch.push(b"r", &letters[9000..9100], &[b'I'; 100]);
        let complement = |letter: &u8| b"TGCA"[b"ACGT".iter().position(|other| other == letter).unwrap()];
        let mate: Vec<u8> = letters[9300..9400].iter().rev().map(complement).collect();
        batch.push(b"r", &mate, &[b'I'; 100]);
        let mut reads = PackedReads::default();
        reads.pack(&batch).unwrap();
        let model = InsertModel::of(Orientation::ForwardReverse, SizeModel::around(400_000, 50_000));
        let context = Context { reference: &reference, options: &options, instructions: Instructions::detect() };
        let rescue = Rescue { reads: &reads, name_hashes: &[7, 7], context, model: &model };

        let placements = [start + 2000, start + 9000].map(|at| alignment(at, false, 0..100));
        let none = Needless { found_score: 0, origin_score: 0 };
        let (mut windows, mut found) = (Vec::new(), Vec::new());
        rescue.list((0, &placements), (1, &[]), none, &mut windows);
        assert_eq!(windows.len(), 2);
        rescue.scan(&windows, &mut Stretch::default(), &mut found);
        let place = Found { read: 1, reverse: true, diagonal: start + 9300 };
        assert!(found.contains(&place), "{found:?}");
        assert_eq!(rescue.best_value_found((0, &placements), &found), Some(200));
        assert_eq!(rescue.best_value_found((0, &placements[..1]), &[place]), None, "it isn't near");
        assert_eq!(rescue.best_value_found((1, &placements), &found), None, "it is the other's");

        // Placements whose pair can't matter are not looked around, nor those that have a good mate.
        windows.clear();
        rescue.list((0, &placements), (1, &[]), Needless { origin_score: 101, ..none }, &mut windows);
        let mate = place.alignment(
            &best_segment(reads.read(1).strand(true), &reference, place.diagonal, &options).unwrap(),
            &reference,
        );
        rescue.list((0, &placements[1..]), (1, &[mate]), Needless { found_score: 100, ..none }, &mut windows);
        assert!(windows.is_empty(), "{windows:?}");
    }
}
