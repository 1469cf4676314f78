//! What decides whether a template is a duplicate.

use std::cmp::Reverse;

use svala_io::{AlignmentRecord, CigarKind, CigarOp, TagValue, flags};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::optical::Location;
use crate::hash::name_hash;

/// Least base quality that counts.
const MIN_QUALITY: u8 = 15;
/// Most that the qualities of a read count, as in Picard, which adds two in 16 bits.
const MAX_READ_SCORE: u16 = i16::MAX as u16 / 2;
/// Added to positions, so that those before a contig's start are numbers, too.
const POSITION_BIAS: i64 = 1 << 16;
/// No end: behind all others.
const NONE: u64 = u64::MAX;

/// A template's barcode and ends, its rank among its copies, and where it was on the flow cell. The order puts copies together, the best
/// first, and templates with one end behind those with two whose first is the same.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Signature {
    /// Hash of the barcode of its first mapped read; 0 without barcodes.
    pub(super) barcode: u64,
    /// Contig (31 bits), position of the unclipped 5' base (32 bits) and strand of both ends, the lesser first. All bits are set
    /// where there is none.
    pub(super) ends: [u64; 2],
    pub(super) score: Reverse<u16>,
    /// Hashes of the name, and of bases and qualities.
    pub(super) tie: [u64; 2],
    pub(super) location: Location,
}

impl Signature {
    /// Of a template without a mapped read.
    pub(super) const UNMAPPED: Self =
        Self { barcode: 0, ends: [NONE; 2], score: Reverse(0), tie: [0; 2], location: Location::UNKNOWN };

    pub(super) fn is_pair(&self) -> bool {
        self.ends[1] != NONE
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.ends[0] != NONE
    }

    fn add_read(&mut self, contig: usize, record: &AlignmentRecord<'_>, barcode_tag: Option<[u8; 2]>) {
        let end = end(contig, record);
        self.ends = [self.ends[0].min(end), self.ends[0].max(end)];
        self.score.0 += score(record.qualities);
        self.tie[1] = xxh3_64_with_seed(record.qualities, xxh3_64_with_seed(record.bases, self.tie[1]));
        if !self.is_pair() {
            self.tie[0] = name_hash(record.name);
            self.barcode = barcode_tag.map_or(0, |tag| barcode_hash(record, tag));
        } else {
            self.location.read_from(record.name);
        }
        // Of the first read of the pair, whichever end it is.
        if record.flags & flags::FIRST != 0 {
            self.location.first_is_reverse = record.flags & flags::REVERSE != 0;
        }
    }
}

/// Makes signatures out of records that come template by template.
#[derive(Debug, Default)]
pub struct Signer {
    signatures: Vec<Signature>,
    barcode_tag: Option<[u8; 2]>,
}

impl Signer {
    /// A signer that reads barcodes from this tag.
    #[must_use]
    pub fn new(barcode_tag: Option<[u8; 2]>) -> Self {
        Self { signatures: Vec::new(), barcode_tag }
    }

    /// Takes the next record. Those of a template follow each other, the primary one of its first read first.
    pub fn add(&mut self, record: &AlignmentRecord<'_>) {
        if record.flags & (flags::SECONDARY | flags::SUPPLEMENTARY) != 0 {
            return;
        }
        if record.flags & flags::LAST == 0 {
            self.signatures.push(Signature::UNMAPPED);
        }
        if let Some(signature) = self.signatures.last_mut()
            && let Some(contig) = record.reference.filter(|_| record.flags & flags::UNMAPPED == 0)
        {
            signature.add_read(contig, record, self.barcode_tag);
        }
    }

    /// The signatures of all templates so far, in their order.
    #[must_use]
    pub fn into_signatures(self) -> Vec<Signature> {
        self.signatures
    }
}

fn barcode_hash(record: &AlignmentRecord<'_>, tag: [u8; 2]) -> u64 {
    let value = record.tags.iter().find(|own| own.name == tag).map(|own| own.value);
    if let Some(TagValue::Text(barcode)) = value { xxh3_64(barcode) } else { 0 }
}

/// The end of a mapped read as a number that sorts by contig, position and strand.
fn end(contig: usize, record: &AlignmentRecord<'_>) -> u64 {
    let is_clip = |op: &&CigarOp| matches!(op.kind(), CigarKind::SoftClip | CigarKind::HardClip);
    let bases = |op: &CigarOp| i64::from(op.len());
    let start = record.position.map_or(0, i64::from);
    let reverse = record.flags & flags::REVERSE != 0;
    let position = if reverse {
        let covered: i64 = record.cigar.iter().filter(|op| op.consumes_reference()).map(bases).sum();
        start + covered - 1 + record.cigar.iter().rev().take_while(is_clip).map(bases).sum::<i64>()
    } else {
        start - record.cigar.iter().take_while(is_clip).map(bases).sum::<i64>()
    };
    (contig as u64) << 33 | ((position + POSITION_BIAS) as u64) << 1 | u64::from(reverse)
}

/// Sum of the qualities that count, of Phred + 33 characters.
fn score(qualities: &[u8]) -> u16 {
    let phred = qualities.iter().map(|&letter| letter.saturating_sub(b'!'));
    let sum: u32 = phred.filter(|&quality| quality >= MIN_QUALITY).map(u32::from).sum();
    sum.min(u32::from(MAX_READ_SCORE)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASES: &[u8] = b"ACGTACGTAC";

    fn record<'a>(record_flags: u16, position: u32, cigar: &'a [CigarOp]) -> AlignmentRecord<'a> {
        AlignmentRecord {
            name: b"m:1:c:1:1101:20:30",
            flags: record_flags,
            reference: Some(2),
            position: Some(position),
            mapping_quality: 60,
            cigar,
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: BASES,
            qualities: b"IIIIIIIII/",
            tags: &[],
        }
    }

    fn at(position: i64, reverse: bool) -> u64 {
        2 << 33 | ((position + POSITION_BIAS) as u64) << 1 | u64::from(reverse)
    }

    #[test]
    fn ends_are_those_of_the_whole_read() {
        use CigarKind::{Deletion, HardClip, Insertion, Match, SoftClip};
        let cigar =
            [(HardClip, 1), (SoftClip, 2), (Match, 3), (Deletion, 7), (Match, 2), (Insertion, 1), (SoftClip, 3)];
        let cigar = cigar.map(|(kind, len)| CigarOp::new(kind, len));
        assert_eq!(end(2, &record(0, 100, &cigar)), at(97, false));
        assert_eq!(end(2, &record(flags::REVERSE, 100, &cigar)), at(114, true));
        assert_eq!(end(2, &record(0, 1, &cigar)), at(-2, false));
        assert!(at(-2, false) < at(-1, false) && at(-1, true) < at(0, false));
    }

    #[test]
    fn low_qualities_do_not_count_and_high_sums_are_cut() {
        assert_eq!(score(b"/0/I"), 15 + 40);
        assert_eq!(score(&[b'I'; 1000]), 16_383);
        assert_eq!(score(b""), 0);
    }

    #[test]
    fn a_template_has_one_signature_whatever_its_records() {
        let cigar = [CigarOp::new(CigarKind::Match, 10)];
        let (first, last) = (flags::PAIRED | flags::FIRST, flags::PAIRED | flags::LAST);
        let mut signer = Signer::default();
        signer.add(&record(first | flags::REVERSE, 50, &cigar));
        signer.add(&record(first | flags::SUPPLEMENTARY, 900, &cigar));
        signer.add(&record(last, 20, &cigar));
        signer.add(&record(first | flags::UNMAPPED, 20, &[]));
        signer.add(&record(last, 20, &cigar));
        signer.add(&AlignmentRecord { reference: None, position: None, ..record(flags::UNMAPPED, 0, &[]) });
        let signatures = signer.into_signatures();
        let kinds: Vec<_> = signatures.iter().map(|s| (s.is_mapped(), s.is_pair())).collect();
        assert_eq!(kinds, [(true, true), (true, false), (false, false)]);
        assert_eq!(signatures[0].ends, [at(20, false), at(59, true)]);
        assert_eq!(signatures[0].score, Reverse(720));
        let location = signatures[0].location;
        assert!(location.is_known() && location.first_is_reverse);
        assert!(!signatures[1].location.is_known());
        // Pairs stand before single reads with the same end.
        assert!(signatures[0] < signatures[1]);
    }
}
