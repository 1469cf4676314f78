//! Stage 5: mate rescue.
//!
//! Where one mate has a good placement and the other has none in reach of it, the window in which a proper mate would lie is
//! scanned for [`similarities`] on all its diagonals; the best diagonals become candidates like any other. Where none is
//! good, as for a mate most of which is adapter or noise, those with a short run of matches are looked at more closely.

use std::ops::RangeInclusive;

use crate::alignment::Alignment;
use crate::extension::Context;
use crate::hash::tie_break;
use crate::insert_model::{InsertModel, SizeModel};
use crate::insert_size::{Insert, Orientation};
use crate::reads::{PackedReads, Strand};
use crate::scan::{runs, similarities};
use crate::sequence::BLOCK;
use crate::ungapped::best_segment;

/// Placements of a read from which its mate is looked for.
const MAX_ORIGINS: usize = 16;
/// Diagonals kept of a window.
const KEPT: usize = 2;
/// A diagonal below this similarity is not worth a look.
const MIN_SIMILARITY: u32 = 16;
/// Below this the best similarity may well be chance, and a short match elsewhere may be better.
const GOOD_SIMILARITY: u32 = 32;

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

/// What makes looking for a mate needless.
#[derive(Clone, Copy, Debug)]
pub struct Needless {
    /// The score from which a proper mate counts as found.
    pub found_score: i32,
    /// The score from which on an origin is looked around: below, no mate that is still unseen could make its pair matter.
    pub origin_score: i32,
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
    /// Looks for the mate `wanted` around the placements of `origin`, given the alignments of both, best first.
    pub fn search(
        &self,
        origin: (usize, &[Alignment]),
        wanted: (usize, &[Alignment]),
        needless: Needless,
        found: &mut Vec<Found>,
    ) {
        let Some(best) = origin.1.first() else { return };
        let lengths = [self.reads.read(origin.0).length(), self.reads.read(wanted.0).length()];
        let enough = (best.score - self.context.options.unpaired_penalty).max(needless.origin_score);
        for (told, model) in self.model.orientations() {
            // Orientations are told from the first mate, the even read.
            let seen = if origin.0.is_multiple_of(2) { told } else { told.seen_from_second() };
            let is_proper = |insert: Insert| insert.orientation == seen && model.contains(insert.size);
            for alignment in origin.1.iter().take(MAX_ORIGINS).take_while(|a| a.score >= enough) {
                let mates = wanted.1.iter().take_while(|mate| mate.score >= needless.found_score);
                let mut inserts = mates.filter_map(|mate| Insert::between(alignment, mate, lengths));
                if !inserts.any(is_proper) {
                    self.scan(alignment, lengths, wanted.0, (seen, model), found);
                }
            }
        }
    }

    /// Scans where a mate of the given orientation, seen along `origin`, and of a proper size would lie.
    fn scan(
        &self,
        origin: &Alignment,
        lengths: [usize; 2],
        wanted: usize,
        (orientation, model): (Orientation, &SizeModel),
        found: &mut Vec<Found>,
    ) {
        let name_hash = self.name_hashes[wanted];
        let mate = self.reads.read(wanted);
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
        if low > high {
            return;
        }
        let window = low as u64..=high as u64;
        let strand = mate.strand(reverse);
        let best = self.context.instructions.run(
            #[inline(always)]
            || self.best_diagonals(strand, reverse, window, name_hash),
        );
        let diagonals = best.iter().filter_map(|(_, _, diagonal)| *diagonal);
        found.extend(diagonals.map(|diagonal| Found { read: wanted as u32, reverse, diagonal }));
    }

    /// The diagonals of `window` that suit a strand best.
    #[inline(always)]
    fn best_diagonals(
        &self,
        strand: Strand<'_>,
        reverse: bool,
        window: RangeInclusive<u64>,
        name_hash: u64,
    ) -> [Ranked; KEPT] {
        let Context { reference, options, .. } = self.context;
        let tie = |diagonal| tie_break(name_hash, reverse, diagonal);
        let mut best = Best { least: MIN_SIMILARITY, kept: [(0, 0, None); KEPT] };
        for (block, diagonals) in blocks(&window) {
            let all = similarities(strand, reference, block);
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
            let runs = runs(strand, reference, block);
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
