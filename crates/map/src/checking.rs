//! Stage 3: the ungapped check of all candidates of a batch.

use std::ops::Range;

use crate::alignment::Alignment;
use crate::anchors::Anchors;
use crate::candidates::{Candidate, put_best_first, ranked};
use crate::choice::{Choice, Hints, ceiling};
use crate::error::Result;
use crate::extension::{Context, Extensions};
use crate::hidden::Searched;
use crate::index::Reference;
use crate::look::Look;
use crate::options::MapOptions;
use crate::reads::{PackedRead, PackedReads};
use crate::rescue::Found;
use crate::ungapped::{Segment, best_segment, block_similarity, part_similarity};

/// How far below the best value of a read an alignment's highest possible value may lie for it to be extended: where it would
/// still count for the mapping quality or for a pair.
pub const MARGIN: i32 = 20;
/// The same for a candidate without a mate in reach, where the best has one: the pair outweighs it.
const UNMATED_MARGIN: i32 = 9;
/// The same for candidates of a read without a mate in a thorough look, which finds many of them. Rivals farther below may go
/// unseen: a mapping quality that they would lower to 40 or more may stay higher, and `XA` may lack them.
const SINGLE_MARGIN: i32 = 9;

/// The best of a read's checked candidates.
#[derive(Clone, Copy, Debug)]
pub struct Best {
    /// The alignment.
    pub alignment: Alignment,
    /// Its value.
    pub value: i32,
    /// Whether the mate has a candidate in reach.
    pub is_mated: bool,
}

impl Best {
    /// Whether this is without doubt where a read of `length` bases belongs, up to the gaps of rivals: it matches from end to end,
    /// and loci that no seed named score less by `lead` or more.
    #[must_use]
    pub fn is_settled(&self, length: usize, searched: &Searched, lead: i32, options: &MapOptions) -> bool {
        let this = &self.alignment;
        let is_whole = this.query_bases() as usize == length;
        is_whole && searched.hidden(length, options).beside(this, length, options) + lead <= this.score
    }
}

/// Checked candidates of the reads of a batch: flat arrays that belong together, and where each read's are.
#[derive(Debug, Default)]
pub struct Checked {
    alignments: Vec<Alignment>,
    segments: Vec<Segment>,
    hints: Vec<Hints>,
    groups: Vec<Range<usize>>,
    chosen: Vec<usize>,
    anchors: Anchors,
}

impl Checked {
    /// Forgets all, for a batch of so many reads.
    pub fn clear(&mut self, reads: usize) {
        self.alignments.clear();
        self.segments.clear();
        self.hints.clear();
        self.groups.clear();
        self.groups.resize(reads, 0..0);
    }

    /// Alignments of read `i`, in the order they were checked.
    #[must_use]
    pub fn read(&self, i: usize) -> &[Alignment] {
        &self.alignments[self.groups[i].clone()]
    }

    /// Whether another checked place of read `i`, of `length` bases, equals its `best`, and no place can be better: its mapping quality
    /// is 0 then. All seeds of the read name such places, so that none of them is missing if one seed was looked up completely; lesser
    /// ones may be.
    #[must_use]
    pub fn is_perfect_tie(&self, i: usize, best: &Best, length: usize, options: &MapOptions) -> bool {
        let is_tied = |other: &Alignment| {
            other.value(length, options) == best.value
                && other.alternate == best.alignment.alternate
                && !other.is_same_placement(&best.alignment)
        };
        best.value == ceiling(length, 0, options) && self.read(i).iter().any(is_tied)
    }

    /// All alignments, to be improved in place.
    pub fn alignments_mut(&mut self) -> &mut [Alignment] {
        &mut self.alignments
    }

    /// Checks the candidates of a read, most promising first, until the rest can change neither its best placement nor how sure
    /// that is. They replace those that the read had before. Returns the best on the primary assembly.
    pub fn push_candidates(
        &mut self,
        number: usize,
        candidates: &mut [Candidate],
        read: NamedRead<'_>,
        context: Context<'_>,
    ) -> Option<Best> {
        let start = self.alignments.len();
        let best = context.instructions.run(
            #[inline(always)]
            || self.check_candidates(number, candidates, read, context),
        );
        self.groups[number] = start..self.alignments.len();
        best
    }

    #[inline(always)]
    fn check_candidates(
        &mut self,
        number: usize,
        candidates: &mut [Candidate],
        read: NamedRead<'_>,
        context: Context<'_>,
    ) -> Option<Best> {
        let (primary, alternates) = split_assemblies(candidates, context.reference);
        let best = self.check_assembly(number, (primary, false), None, read, context);
        if !alternates.is_empty() {
            self.check_assembly(number, (alternates, true), best, read, context);
        }
        best
    }

    /// Checks the candidates on the primary assembly, or those on alternate loci, given the best there is besides.
    #[inline(always)]
    fn check_assembly(
        &mut self,
        number: usize,
        (candidates, alternate): (&mut [Candidate], bool),
        mut best: Option<Best>,
        NamedRead { read, name_hash, look }: NamedRead<'_>,
        context: Context<'_>,
    ) -> Option<Best> {
        put_best_first(candidates, name_hash);
        let (first, others) = candidates.split_first_mut()?;
        if may_matter(first, best.as_ref(), (read.length(), look), context.options) {
            best = better(best, self.check(number, first, read, context));
        }
        let similarity = |c: &Candidate| block_similarity(read.strand(c.reverse), context.reference, c.diagonal);
        let least = best
            .filter(|_| look == Look::Single)
            .map_or(0, |best| least_similarity(read.length(), best.alignment.score - SINGLE_MARGIN, context.options));
        // Only what may still matter is worth sorting, and a hash for each.
        let mut kept = 0;
        for i in 0..others.len() {
            let this = &mut others[i];
            if !may_matter(this, best.as_ref(), (read.length(), look), context.options) {
                continue;
            }
            if least > 0 {
                this.similarity = similarity(this);
            }
            if this.has_neighbour || this.similarity >= least {
                this.settle_tie(name_hash);
                others.swap(kept, i);
                kept += 1;
            }
        }
        let kept = &mut others[..kept];
        let most = look.max_candidates().max(context.options.conventions.other_hits.places_told(alternate));
        if kept.len() > most {
            for this in &mut *kept {
                let matching = if least > 0 { this.similarity } else { similarity(this) };
                this.weigh(matching, read.length());
            }
        }
        for candidate in ranked(kept, most) {
            if may_matter(candidate, best.as_ref(), (read.length(), look), context.options) {
                best = better(best, self.check(number, candidate, read, context));
            }
        }
        let left_out = kept.get_mut(most..).unwrap_or_default();
        if left_out.is_empty() {
            return best;
        }
        best.map(|best| self.check_other_pieces(number, left_out, (best, most), read, context))
    }

    /// Of a crowd's candidates that were left out, checks those that match where the best place leaves bases unaligned: the read may be split,
    /// and places of its shorter piece look poor beside copies of the longer one. Returns the best then.
    #[cold]
    #[inline(never)]
    fn check_other_pieces(
        &mut self,
        number: usize,
        left_out: &mut [Candidate],
        (mut best, most): (Best, usize),
        read: PackedRead<'_>,
        context: Context<'_>,
    ) -> Best {
        let (place, length) = (best.alignment, read.length() as u32);
        let least = context.options.min_score / context.options.match_score();
        for part in [0..place.query_start, place.query_end..length] {
            if (part.len() as i32) < least {
                continue;
            }
            let mirrored = length - part.end..length - part.start;
            for this in &mut *left_out {
                let part = if this.reverse == place.reverse { &part } else { &mirrored };
                let strand = read.strand(this.reverse);
                this.similarity = part_similarity(strand, context.reference, this.diagonal, part.clone());
            }
            for candidate in ranked(left_out, most) {
                if 2 * candidate.similarity as usize >= part.len() {
                    best = better(Some(best), self.check(number, candidate, read, context)).unwrap_or(best);
                }
            }
        }
        best
    }

    #[inline(always)]
    fn check(
        &mut self,
        number: usize,
        candidate: &Candidate,
        read: PackedRead<'_>,
        context: Context<'_>,
    ) -> Option<Best> {
        let (reverse, diagonal) = (candidate.reverse, candidate.diagonal);
        let hints = Hints { edits: candidate.edits, has_neighbour: candidate.has_neighbour, is_rescue: false };
        let alignment = self.push(number, reverse, diagonal, hints, read, context)?;
        let value = alignment.value(read.length(), context.options);
        Some(Best { alignment, value, is_mated: candidate.mated })
    }

    /// Checks the places where a read was looked for near its mate.
    pub fn push_found(&mut self, number: usize, found: &[Found], read: PackedRead<'_>, context: Context<'_>) {
        let hints = Hints { is_rescue: true, ..Hints::default() };
        let start = self.alignments.len();
        for f in found {
            self.push(number, f.reverse, f.diagonal, hints, read, context);
        }
        self.groups[number] = start..self.alignments.len();
    }

    /// Compares a read with a diagonal, keeps the best segment as an alignment and returns it.
    #[inline(always)]
    fn push(
        &mut self,
        number: usize,
        reverse: bool,
        diagonal: u64,
        hints: Hints,
        read: PackedRead<'_>,
        context: Context<'_>,
    ) -> Option<Alignment> {
        let segment = best_segment(read.strand(reverse), context.reference, diagonal, context.options)?;
        let place = Found { read: number as u32, reverse, diagonal };
        let alignment = place.alignment(&segment, context.reference);
        self.alignments.push(alignment);
        self.segments.push(segment);
        self.hints.push(hints);
        Some(alignment)
    }

    /// Queues the extensions worth doing, read by read. `known` tells the best value that a read has already from elsewhere.
    ///
    /// # Errors
    ///
    /// If the engine refuses a job as too long.
    pub fn queue_extensions(
        &mut self,
        batch: Batch<'_>,
        context: Context<'_>,
        known: impl Fn(usize) -> i32,
        extensions: &mut Extensions,
    ) -> Result<()> {
        let (alignments, groups) = (&self.alignments, &self.groups);
        self.anchors.fill(groups.iter().map(|group| &alignments[group.clone()]), batch.reads, context.options);
        for (number, range) in groups.iter().enumerate().filter(|(_, range)| !range.is_empty()) {
            let read = batch.reads.read(number);
            let choice = Choice {
                group: &alignments[range.clone()],
                segments: &self.segments[range.clone()],
                hints: &self.hints[range.clone()],
                read,
                length: read.length(),
                reference: context.reference,
                mates: batch.mate_reach.map(|reach| (self.anchors.read(number ^ 1), reach)),
                margin: if batch.paired { MARGIN } else { SINGLE_MARGIN },
                name_hash: batch.name_hashes[number],
                options: context.options,
            };
            let has_alternates = context.reference.has_alternates() && choice.group.iter().any(|a| a.alternate);
            for alternate in [false, true].into_iter().take(1 + usize::from(has_alternates)) {
                choice.choose(alternate, known(number), &mut self.chosen);
                context.reference.fetch(self.chosen.iter().map(|&i| choice.group[i].reference_start));
                for &i in &self.chosen {
                    extensions.push(range.start + i, &choice.group[i], read, context)?;
                }
            }
        }
        Ok(())
    }
}

/// Those candidates that are on the primary assembly, and those on alternate loci: what is found on these doesn't make less of the
/// others.
#[inline(always)]
fn split_assemblies<'c>(
    candidates: &'c mut [Candidate],
    reference: &Reference<'_>,
) -> (&'c mut [Candidate], &'c mut [Candidate]) {
    let mut primary = candidates.len();
    if reference.has_alternates() {
        primary = 0;
        for i in 0..candidates.len() {
            if !reference.is_alternate(candidates[i].diagonal) {
                candidates.swap(primary, i);
                primary += 1;
            }
        }
    }
    candidates.split_at_mut(primary)
}

/// The better of two; the first of equals.
fn better(best: Option<Best>, this: Option<Best>) -> Option<Best> {
    this.filter(|this| best.is_none_or(|best| this.value > best.value)).or(best)
}

/// Whether a candidate of a read of `length` bases may turn out as good as the best so far, or nearly so.
fn may_matter(candidate: &Candidate, best: Option<&Best>, (length, look): (usize, Look), options: &MapOptions) -> bool {
    let Some(best) = best else { return true };
    let margin = match look {
        Look::Single => SINGLE_MARGIN,
        _ if best.is_mated && !candidate.mated => UNMATED_MARGIN,
        _ => MARGIN,
    };
    ceiling(length, candidate.edits, options) + margin >= best.value
}

/// Edits that a candidate of a read of `length` bases without a mate has at the most if it may turn out nearly as good as a place of
/// that value.
#[must_use]
pub fn rival_edits(length: usize, value: i32, options: &MapOptions) -> u32 {
    let spare = ceiling(length, 0, options) + SINGLE_MARGIN - value;
    (spare / options.cheapest_edit()).max(0) as u32
}

/// The [`block_similarity`] that a diagonal has at the least where a read of `length` bases has an alignment without a gap that
/// scores `score`: what is missing of the highest score pays for the mismatches, of which one outside the alignment costs
/// as little as a match is worth.
fn least_similarity(length: usize, score: i32, options: &MapOptions) -> u32 {
    let bases = length as i32;
    let mismatches = (bases * options.match_score() - score) / options.match_score();
    (bases - 4 * mismatches).max(0) as u32
}

/// A read by itself.
#[derive(Clone, Copy)]
pub struct NamedRead<'a> {
    /// The read.
    pub read: PackedRead<'a>,
    /// The hash of its name.
    pub name_hash: u64,
    /// How closely it is looked at.
    pub look: Look,
}

/// The reads of a batch and the hashes of their names.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// The reads.
    pub reads: &'a PackedReads,
    /// One for each read.
    pub name_hashes: &'a [u64],
    /// Whether reads are mates.
    pub paired: bool,
    /// How far apart mates may lie, in bases, where that is known.
    pub mate_reach: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alignment;

    #[test]
    fn no_alignment_without_a_gap_is_on_a_diagonal_less_similar_than_its_score_asks() {
        use crate::reads::PackedReads;
        use crate::testing::{ReferenceData, random_letters};

        let options = MapOptions::default();
        let mut close = 0;
        for round in 0..400u64 {
            let length = [30, 64, 75, 100, 150][round as usize % 5];
            let reference = random_letters(length, round, 4);
            let noise = random_letters(length, round + 1000, 4);
            let mut read = reference.clone();
            // Scattered mismatches, and a tail of noise.
            let tail = length - round as usize % length.min(29);
            for i in (0..length).filter(|&i| i >= tail || (i * 7 + round as usize) % 23 < round as usize % 3) {
                read[i] = noise[i];
            }
            let data = ReferenceData::new(&[&reference]);
            let mut batch = svala_io::ReadBatch::default();
            batch.push(b"r", &read, &vec![b'I'; length]);
            let mut packed = PackedReads::default();
            packed.pack(&batch).unwrap();
            let (strand, diagonal) = (packed.read(0).strand(false), data.contigs[0].start);
            let Some(segment) = best_segment(strand, &data.reference(), diagonal, &options) else { continue };
            let similarity = block_similarity(strand, &data.reference(), diagonal);
            let least = least_similarity(length, segment.score, &options);
            assert!(similarity >= least, "round {round}: {similarity} < {least}, score {}", segment.score);
            close += u32::from(least > 0 && similarity < least + 16);
        }
        assert!(close > 20, "the bound is hardly ever near: {close}");
    }

    /// A read of 90 bases that have forty copies, and of 60 that have one place.
    #[test]
    fn a_crowd_of_one_piece_leaves_room_for_the_other() {
        use crate::reads::PackedReads;
        use crate::testing::{ReferenceData, random_letters};
        use svala_compute::Instructions;

        let [copies, place, noise] = [(90, 1), (60, 2), (90, 3)].map(|(length, seed)| random_letters(length, seed, 4));
        let copied = [&copies[..], &noise[..60]].concat();
        let other = [&noise[..], &place].concat();
        let contigs: Vec<&[u8]> = std::iter::repeat_n(&copied[..], 40).chain([&other[..]]).collect();
        let data = ReferenceData::new(&contigs);
        let mut batch = svala_io::ReadBatch::default();
        batch.push(b"r", &[copies, place].concat(), &[b'I'; 150]);
        let mut packed = PackedReads::default();
        packed.pack(&batch).unwrap();
        let (reference, options) = (data.reference(), MapOptions::default());
        let context = Context { reference: &reference, options: &options, instructions: Instructions::detect() };
        let mut candidates: Vec<Candidate> = data.contigs.iter().map(|c| Candidate::at(false, c.start)).collect();
        let read = NamedRead { read: packed.read(0), name_hash: 7, look: Look::Mate };
        let mut checked = Checked::default();
        checked.clear(1);
        let best = checked.push_candidates(0, &mut candidates, read, context).unwrap();
        assert_eq!((best.alignment.query_start, best.alignment.query_end), (0, 90));
        let pieces = checked.read(0).iter().filter(|a| a.query_start >= 80).count();
        assert_eq!((checked.read(0).len(), pieces), (1 + Look::Mate.max_candidates() + 1, 1));
    }

    #[test]
    fn only_two_perfect_places_are_a_perfect_tie() {
        use crate::testing::{ReferenceData, random_letters};
        use svala_compute::Instructions;

        let options = MapOptions::default();
        let copy = random_letters(75, 3, 4);
        let mut altered = copy.clone();
        altered[30] = if copy[30] == b'A' { b'C' } else { b'A' };
        let ties = |contigs: &[&[u8]], read: &[u8]| {
            let data = ReferenceData::new(contigs);
            let mut batch = svala_io::ReadBatch::default();
            batch.push(b"r", read, &[b'I'; 75]);
            let mut packed = PackedReads::default();
            packed.pack(&batch).unwrap();
            let places = data.contigs.iter().map(|c| Found { read: 0, reverse: false, diagonal: c.start });
            let places: Vec<Found> = places.collect();
            let reference = data.reference();
            let context = Context { reference: &reference, options: &options, instructions: Instructions::detect() };
            let mut checked = Checked::default();
            checked.clear(1);
            checked.push_found(0, &places, packed.read(0), context);
            let alignment = checked.read(0)[0];
            let best = Best { alignment, value: alignment.value(75, &options), is_mated: false };
            checked.is_perfect_tie(0, &best, 75, &options)
        };
        assert!(ties(&[&copy, &copy], &copy));
        assert!(!ties(&[&copy, &altered], &copy), "the other is worse");
        assert!(!ties(&[&copy, &copy], &altered), "a better place may exist");
        assert!(!ties(&[&copy], &copy), "there is one place only");
    }

    #[test]
    fn a_place_is_settled_only_from_end_to_end_and_far_above_what_may_be_hidden() {
        let options = MapOptions::default();
        // Five stretches: a hidden locus scores 125 at the most.
        let searched = Searched { stretches: 5, left_out: true, ..Searched::default() };
        let is_settled = |bases, score| {
            let alignment = Alignment { score, ..alignment(1000, false, 0..bases) };
            Best { alignment, value: score, is_mated: true }.is_settled(150, &searched, MARGIN, &options)
        };
        assert!(is_settled(150, 150) && is_settled(150, 145));
        assert!(!is_settled(149, 149), "a clipped base");
        let few = Searched { stretches: 3, ..searched };
        let best =
            Best { alignment: Alignment { score: 150, ..alignment(1000, false, 0..150) }, value: 160, is_mated: true };
        assert!(!best.is_settled(150, &few, MARGIN, &options) && best.is_settled(150, &few, 15, &options));
    }
}
