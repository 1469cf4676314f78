//! Stage 9: from finished alignments to SAM records with flags, mate fields and tags.

use std::ops::Range;

use smallvec::SmallVec;
use svala_io::{AlignmentRecord, CigarKind, CigarOp, ReadBatch, Tag, TagValue, complement_letter, flags};

use crate::alignment::Alignment;
use crate::cigar::{Cigars, Traced, push_number};
use crate::conventions::OtherHits;
use crate::index::Reference;
use crate::options::MapOptions;
use crate::selection::{Alternative, Placement};

/// Tags of a record; more than so many are rare.
type Tags<'t> = SmallVec<[Tag<'t>; 12]>;

/// Placements of one template: one read, or two mates.
#[derive(Clone, Debug)]
pub struct Template {
    /// Number of its first read in the batch.
    pub first_read: usize,
    /// Which placements belong to each of its reads; the first of each is primary.
    pub placements: [Range<usize>; 2],
    /// Which alternatives belong to each of its reads.
    pub alternatives: [Range<usize>; 2],
    /// Whether it has two reads.
    pub paired: bool,
    /// Whether its mates lie properly.
    pub proper: bool,
}

/// What records are made from, for a whole batch.
#[derive(Clone, Copy)]
pub struct RecordSource<'a> {
    /// The reads.
    pub batch: &'a ReadBatch,
    /// All placements of the batch.
    pub placements: &'a [Placement],
    /// All their alternatives.
    pub alternatives: &'a [Alternative],
    /// CIGARs of the placements, then of the alternatives.
    pub cigars: &'a Cigars,
    /// The reference.
    pub reference: &'a Reference<'a>,
    /// Tags and clipping.
    pub options: &'a MapOptions,
}

/// Buffers that are reused from record to record.
#[derive(Debug, Default)]
pub struct Scratch {
    cigar: Vec<CigarOp>,
    bases: Vec<u8>,
    qualities: Vec<u8>,
    mate_cigar: Vec<u8>,
    other_alignments: Vec<u8>,
    alternatives: Vec<u8>,
    description: Vec<u8>,
}

impl Scratch {
    fn clear_read(&mut self) {
        self.bases.clear();
        self.qualities.clear();
    }
}

/// Where a placement lies in the terms of SAM.
#[derive(Clone, Copy)]
struct Locus {
    contig: usize,
    /// 0-based.
    position: u32,
    /// One past the last base.
    end: u32,
    reverse: bool,
}

impl Locus {
    /// The 5' end of the read, 0-based.
    fn five_prime(&self) -> i64 {
        if self.reverse { i64::from(self.end) - 1 } else { i64::from(self.position) }
    }
}

/// An alignment as its record shows it.
struct Shown<'a> {
    traced: Traced<'a>,
    locus: Locus,
    /// Bits that primary records don't have.
    flags: u16,
    mapping_quality: u8,
    /// XS, if it is known.
    rival_score: Option<i32>,
    /// Whether it is on an alternate locus.
    alternate: bool,
    /// The tag pa, if there is a better alignment to an alternate locus.
    share_of_alternate: Option<[u8; 4]>,
    has_bases: bool,
}

/// A read of a template with its mate's and its own primary place.
struct Side {
    read: usize,
    /// Number of the primary placement, if there is one.
    primary: usize,
    flags: u16,
    own: Option<Locus>,
    mate: Option<Locus>,
    mate_quality: Option<u8>,
    template_length: i32,
}

impl RecordSource<'_> {
    /// Hands all records of a template to `sink`, in order.
    ///
    /// # Errors
    ///
    /// Whatever `sink` returns.
    pub fn emit<E>(
        &self,
        template: &Template,
        scratch: &mut Scratch,
        sink: &mut impl FnMut(&AlignmentRecord<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for mate in 0..=usize::from(template.paired) {
            let side = self.side(template, mate);
            scratch.mate_cigar.clear();
            if template.paired && side.mate.is_some() {
                push_cigar_text(&self.cigars.get(template.placements[1 - mate].start), &mut scratch.mate_cigar);
            }
            let range = template.placements[mate].clone();
            if range.is_empty() {
                self.emit_unmapped(&side, scratch, sink)?;
            }
            for placement in range.clone() {
                self.fill_other_places(&range, &template.alternatives[mate], placement, scratch);
                self.emit_alignment(&side, self.reported(&side, placement), scratch, sink)?;
                if !self.names_others() {
                    let of_it = |&i: &usize| self.alternatives[i].placement == placement;
                    for i in template.alternatives[mate].clone().filter(of_it) {
                        self.emit_alignment(&side, self.secondary(i), scratch, sink)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn side(&self, template: &Template, mate: usize) -> Side {
        let primary = |mate: usize| {
            let range = &template.placements[mate];
            (!range.is_empty()).then_some(range.start)
        };
        let own = primary(mate).map(|i| self.locus(i));
        let mut side = Side {
            read: template.first_read + mate,
            primary: template.placements[mate].start,
            flags: if self.batch.has_failed(template.first_read + mate) { flags::QC_FAIL } else { 0 },
            own,
            mate: None,
            mate_quality: None,
            template_length: 0,
        };
        if template.paired {
            let other = primary(1 - mate);
            side.mate = other.map(|i| self.locus(i));
            side.mate_quality = other.map(|i| self.placements[i].mapping_quality);
            side.flags |= flags::PAIRED | if mate == 0 { flags::FIRST } else { flags::LAST };
            match side.mate {
                None => side.flags |= flags::MATE_UNMAPPED,
                Some(locus) if locus.reverse => side.flags |= flags::MATE_REVERSE,
                Some(_) => {}
            }
            if template.proper && own.is_some() && side.mate.is_some() {
                side.flags |= flags::PROPER_PAIR;
            }
            side.template_length = template_length(own, side.mate);
        }
        side
    }

    fn locus(&self, placement: usize) -> Locus {
        self.place(&self.placements[placement].alignment, &self.cigars.get(placement))
    }

    fn place(&self, alignment: &Alignment, traced: &Traced<'_>) -> Locus {
        let (contig, reverse) = (alignment.contig as usize, alignment.reverse);
        let position = (traced.reference_start - self.reference.contigs[contig].start) as u32;
        Locus { contig, position, end: position + traced.reference_bases, reverse }
    }

    fn emit_unmapped<E>(
        &self,
        side: &Side,
        scratch: &mut Scratch,
        sink: &mut impl FnMut(&AlignmentRecord<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut tags = Tags::new();
        push_mate_tags(&mut tags, side, &scratch.mate_cigar);
        self.push_read_tags(side.read, &mut tags);
        tags.extend(self.carried_tags(side.read));
        sink(&AlignmentRecord {
            name: self.batch.name(side.read),
            flags: side.flags | flags::UNMAPPED,
            reference: side.mate.map(|m| m.contig),
            position: side.mate.map(|m| m.position),
            mapping_quality: 0,
            cigar: &[],
            mate_reference: side.mate.map(|m| m.contig),
            mate_position: side.mate.map(|m| m.position),
            template_length: 0,
            bases: self.batch.bases(side.read),
            qualities: if self.batch.has_qualities(side.read) { self.batch.qualities(side.read) } else { b"" },
            tags: &tags,
        })
    }

    /// What the record of a placement says.
    fn reported(&self, side: &Side, placement: usize) -> Shown<'_> {
        let Placement { ref alignment, mapping_quality, rival_score, alternate_score } = self.placements[placement];
        let traced = self.cigars.get(placement);
        let piece = if self.options.conventions.split_as_secondary { flags::SECONDARY } else { flags::SUPPLEMENTARY };
        let flags = if placement == side.primary { 0 } else { piece };
        Shown {
            traced,
            locus: self.place(alignment, &traced),
            flags,
            mapping_quality,
            rival_score: Some(rival_score),
            alternate: alignment.alternate,
            share_of_alternate: share_of_alternate(alignment.score, alternate_score),
            has_bases: true,
        }
    }

    /// What the record of an alternative says. As in bwa, it has no bases, which the primary record has.
    fn secondary(&self, i: usize) -> Shown<'_> {
        let traced = self.cigars.get(self.placements.len() + i);
        Shown {
            traced,
            locus: self.place(&self.alternatives[i].alignment, &traced),
            flags: flags::SECONDARY,
            mapping_quality: 0,
            rival_score: None,
            alternate: false,
            share_of_alternate: None,
            has_bases: false,
        }
    }

    fn emit_alignment<E>(
        &self,
        side: &Side,
        shown: Shown<'_>,
        scratch: &mut Scratch,
        sink: &mut impl FnMut(&AlignmentRecord<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Shown { traced, locus, .. } = shown;
        let primary = shown.flags == 0;
        // As in bwa, alternate loci get the whole read.
        let hard = !primary && !self.options.conventions.soft_clip_supplementary && !shown.alternate;
        let clip = if hard { CigarKind::HardClip } else { CigarKind::SoftClip };
        scratch.cigar.clear();
        push_clipped(&traced, clip, &mut scratch.cigar);
        if shown.has_bases {
            self.orient(side.read, locus.reverse, hard.then_some(&traced), scratch);
        } else {
            scratch.clear_read();
        }
        self.describe(locus.contig, &mut scratch.description);
        let mut tags = Tags::new();
        tags.push(integer(*b"NM", i64::from(traced.edit_distance)));
        tags.push(Tag { name: *b"MD", value: TagValue::Text(traced.md) });
        push_mate_tags(&mut tags, side, &scratch.mate_cigar);
        tags.push(integer(*b"AS", i64::from(traced.score)));
        tags.extend(shown.rival_score.map(|score| integer(*b"XS", i64::from(score))));
        self.push_read_tags(side.read, &mut tags);
        // A secondary alignment is no piece of the split read.
        if shown.has_bases && !scratch.other_alignments.is_empty() {
            tags.push(Tag { name: *b"SA", value: TagValue::Text(&scratch.other_alignments) });
        }
        if !scratch.alternatives.is_empty() {
            let name = if self.scores_others() { *b"XB" } else { *b"XA" };
            tags.push(Tag { name, value: TagValue::Text(&scratch.alternatives) });
        }
        let share = shown.share_of_alternate.as_ref();
        tags.extend(share.map(|value| Tag { name: *b"pa", value: TagValue::Encoded { kind: b'f', value } }));
        tags.extend(self.carried_tags(side.read));
        let description = Tag { name: *b"XR", value: TagValue::Text(&scratch.description) };
        tags.extend((!scratch.description.is_empty()).then_some(description));
        // An unmapped mate is filed where this read's primary alignment lies.
        let paired = side.flags & flags::PAIRED != 0;
        let mate = if paired { side.mate.or(side.own) } else { None };
        sink(&AlignmentRecord {
            name: self.batch.name(side.read),
            flags: side.flags | shown.flags | if locus.reverse { flags::REVERSE } else { 0 },
            reference: Some(locus.contig),
            position: Some(locus.position),
            mapping_quality: shown.mapping_quality,
            cigar: &scratch.cigar,
            mate_reference: mate.map(|m| m.contig),
            mate_position: mate.map(|m| m.position),
            template_length: if primary { side.template_length } else { template_length(Some(locus), side.mate) },
            bases: &scratch.bases,
            qualities: &scratch.qualities,
            tags: &tags,
        })
    }

    /// Fills in what is said of a contig, if that is wanted.
    fn describe(&self, contig: usize, description: &mut Vec<u8>) {
        description.clear();
        if self.options.conventions.contig_descriptions {
            let letter = |&byte: &u8| if byte == b' ' || byte.is_ascii_graphic() { byte } else { b' ' };
            description.extend(self.reference.contigs[contig].description.iter().map(letter));
        }
    }

    /// What all records of a read have: read group and barcode. What came with the read stands last.
    fn push_read_tags<'t>(&'t self, read: usize, tags: &mut Tags<'t>) {
        if let Some(id) = self.batch.read_group().and_then(|number| self.options.read_groups.id(number)) {
            tags.push(Tag { name: *b"RG", value: TagValue::Text(id) });
        }
        let barcode = self.batch.barcode(read);
        if let Some(name) = self.options.barcode_tag.filter(|_| !barcode.is_empty()) {
            tags.push(Tag { name, value: TagValue::Text(barcode) });
        }
    }

    /// What came with the read, but for tags that the run writes itself: SAM allows each once, and one of another meaning misleads. Those
    /// that every run writes aren't even read.
    fn carried_tags(&self, read: usize) -> impl Iterator<Item = Tag<'_>> {
        self.batch.carried_tags(read).filter(|tag| match &tag.name {
            b"XB" => !self.scores_others(),
            b"pa" => !self.reference.has_alternates(),
            b"XR" => !self.options.conventions.contig_descriptions,
            _ => true,
        })
    }

    /// Fills in bases and qualities on the reference strand, without the clipped ones if `hard` names them.
    fn orient(&self, read: usize, reverse: bool, hard: Option<&Traced<'_>>, scratch: &mut Scratch) {
        let (bases, qualities) = (self.batch.bases(read), self.batch.qualities(read));
        scratch.clear_read();
        if reverse {
            scratch.bases.extend(bases.iter().rev().map(|&base| complement_letter(base)));
            scratch.qualities.extend(qualities.iter().rev());
        } else {
            scratch.bases.extend_from_slice(bases);
            scratch.qualities.extend_from_slice(qualities);
        }
        if !self.batch.has_qualities(read) {
            scratch.qualities.clear();
        }
        if let Some(traced) = hard {
            let texts = [&mut scratch.bases, &mut scratch.qualities];
            for text in texts.into_iter().filter(|text| !text.is_empty()) {
                text.truncate(text.len() - traced.clip_behind as usize);
                text.drain(..traced.clip_before as usize);
            }
        }
    }

    /// Fills in the texts of the SA and XA tags of `placement`, one of the reported ones `all`.
    fn fill_other_places(
        &self,
        all: &Range<usize>,
        alternatives: &Range<usize>,
        placement: usize,
        scratch: &mut Scratch,
    ) {
        scratch.other_alignments.clear();
        for other in all.clone().filter(|&other| other != placement) {
            self.push_other_alignment(other, &mut scratch.other_alignments);
        }
        scratch.alternatives.clear();
        if !self.names_others() {
            return;
        }
        for i in alternatives.clone().filter(|&i| self.alternatives[i].placement == placement) {
            self.push_alternative(i, &mut scratch.alternatives);
        }
    }

    /// One entry of an SA tag: `rname,pos,strand,CIGAR,mapQ,NM;`.
    fn push_other_alignment(&self, placement: usize, text: &mut Vec<u8>) {
        let (locus, traced) = (self.locus(placement), self.cigars.get(placement));
        text.extend_from_slice(&self.reference.contigs[locus.contig].name);
        text.push(b',');
        push_number(text, locus.position + 1);
        text.extend_from_slice(if locus.reverse { b",-," } else { b",+," });
        push_cigar_text(&traced, text);
        text.push(b',');
        push_number(text, u32::from(self.placements[placement].mapping_quality));
        text.push(b',');
        push_number(text, traced.edit_distance);
        text.push(b';');
    }

    /// Whether alternatives are named in a tag, instead of being records.
    fn names_others(&self) -> bool {
        matches!(self.options.conventions.other_hits, OtherHits::Tag { .. })
    }

    /// Whether that tag tells scores and mapping qualities too.
    fn scores_others(&self) -> bool {
        matches!(self.options.conventions.other_hits, OtherHits::Tag { scored: true, .. })
    }

    /// One entry of bwa's XA tag, `rname,±pos,CIGAR,NM;`, or of its XB tag, `rname,±pos,CIGAR,NM,AS,mapQ;`.
    fn push_alternative(&self, i: usize, text: &mut Vec<u8>) {
        let traced = self.cigars.get(self.placements.len() + i);
        let locus = self.place(&self.alternatives[i].alignment, &traced);
        text.extend_from_slice(&self.reference.contigs[locus.contig].name);
        text.extend_from_slice(if locus.reverse { b",-" } else { b",+" });
        push_number(text, locus.position + 1);
        text.push(b',');
        push_cigar_text(&traced, text);
        text.push(b',');
        push_number(text, traced.edit_distance);
        if self.scores_others() {
            text.push(b',');
            push_number(text, traced.score.max(0) as u32);
            // An alternative isn't the place of the read.
            text.extend_from_slice(b",0");
        }
        text.push(b';');
    }
}

/// The value of bwa's tag pa, rounded to thousandths as bwa does: the share of the score that an alternate locus gives.
fn share_of_alternate(score: i32, alternate_score: i32) -> Option<[u8; 4]> {
    let milli = (2000 * i64::from(score) + i64::from(alternate_score)) / (2 * i64::from(alternate_score.max(1)));
    (alternate_score > 0).then(|| (milli as f32 / 1000.0).to_le_bytes())
}

/// A CIGAR with soft clips, as text.
fn push_cigar_text(traced: &Traced<'_>, text: &mut Vec<u8>) {
    let mut push = |bases: u32, letter: u8| {
        if bases > 0 {
            push_number(text, bases);
            text.push(letter);
        }
    };
    push(traced.clip_before, b'S');
    for op in traced.operations {
        push(op.len(), op.kind().letter());
    }
    push(traced.clip_behind, b'S');
}

fn push_clipped(traced: &Traced<'_>, clip: CigarKind, cigar: &mut Vec<CigarOp>) {
    if traced.clip_before > 0 {
        cigar.push(CigarOp::new(clip, traced.clip_before));
    }
    cigar.extend_from_slice(traced.operations);
    if traced.clip_behind > 0 {
        cigar.push(CigarOp::new(clip, traced.clip_behind));
    }
}

fn integer(name: [u8; 2], value: i64) -> Tag<'static> {
    Tag { name, value: TagValue::Int(value) }
}

fn push_mate_tags<'t>(tags: &mut Tags<'t>, side: &Side, mate_cigar: &'t [u8]) {
    if let Some(quality) = side.mate_quality {
        tags.push(Tag { name: *b"MC", value: TagValue::Text(mate_cigar) });
        tags.push(integer(*b"MQ", i64::from(quality)));
    }
}

/// TLEN as bwa counts it: from 5' end to 5' end, both included, positive for the leftmost.
fn template_length(own: Option<Locus>, mate: Option<Locus>) -> i32 {
    let (Some(own), Some(mate)) = (own, mate) else { return 0 };
    if own.contig != mate.contig {
        return 0;
    }
    let distance = mate.five_prime() - own.five_prime();
    (distance + distance.signum()) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_alternate_loci_are_rounded() {
        assert_eq!(share_of_alternate(140, 0), None);
        let shares =
            [(148, 150), (100, 150), (1, 2000), (0, 7)].map(|(score, alternate)| share_of_alternate(score, alternate));
        assert_eq!(shares, [0.987_f32, 0.667, 0.001, 0.0].map(|share| Some(share.to_le_bytes())));
    }

    #[test]
    fn template_length_is_signed_and_symmetric() {
        let forward = Locus { contig: 0, position: 100, end: 200, reverse: false };
        let reverse = Locus { contig: 0, position: 350, end: 450, reverse: true };
        assert_eq!(template_length(Some(forward), Some(reverse)), 350);
        assert_eq!(template_length(Some(reverse), Some(forward)), -350);
        let elsewhere = Locus { contig: 1, ..reverse };
        assert_eq!(template_length(Some(forward), Some(elsewhere)), 0);
        assert_eq!(template_length(Some(forward), None), 0);
    }
}
