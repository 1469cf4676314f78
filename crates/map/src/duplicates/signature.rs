//! What decides whether a template is a duplicate.

use std::cmp::Reverse;

use svala_io::{CigarKind, CigarOp, EncodedRecord, flags};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::counts::LibraryCounts;
use super::optical::{Location, Spot};
use crate::hash::name_hash;
use crate::read_groups::{Membership, ReadGroups};
use crate::syncmer::mix64;

/// Least base quality that counts.
const MIN_QUALITY: u8 = 15;
/// BAM's sign of qualities that are missing.
const NO_QUALITY: u8 = 255;
/// Most that the qualities of a read count, as in Picard, which adds two in 16 bits.
const MAX_READ_SCORE: u16 = i16::MAX as u16 / 2;
/// What a read counts beside that, unless its sequencer failed it. Picard takes as much from those that failed.
const PASSED: u16 = i16::MAX as u16 / 2 + 1;
/// Added to positions, so that those before a contig's start are numbers, too.
const POSITION_BIAS: i64 = 1 << 16;
/// Bits of a barcode's hash.
const BARCODE_BITS: u32 = 48;
/// No end: behind all others.
const NONE: u64 = u64::MAX;

/// A template's library, barcode and ends, its rank among its copies, and where it was on the flow cell. The order puts copies together,
/// the best first, and templates with one end behind those with two whose first is the same.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Signature {
    /// What copies share beside their ends: the library (16 bits) and a hash of the barcode of the first mapped read (48 bits; 0
    /// without barcodes).
    pub(super) group: u64,
    /// Contig (31 bits), position of the unclipped 5' base (32 bits) and strand of both ends, the lesser first. All bits are set
    /// where there is none.
    pub(super) ends: [u64; 2],
    pub(super) score: Reverse<u16>,
    /// Of the name.
    pub(super) spot: Spot,
    /// Hashes of the name, and of bases and qualities.
    pub(super) tie: [u64; 2],
    /// Whether the first read is on the reverse strand.
    pub(super) first_is_reverse: bool,
    /// Number of the read group.
    pub(super) read_group: u16,
}

impl Signature {
    /// Of a template without a mapped read.
    pub(super) const UNMAPPED: Self = Self {
        group: 0,
        ends: [NONE; 2],
        score: Reverse(0),
        spot: Spot::UNKNOWN,
        tie: [0; 2],
        first_is_reverse: false,
        read_group: 0,
    };

    /// Of a primary record, as if it had no mate.
    pub(crate) fn of_read(record: EncodedRecord<'_>, member: Membership, barcode_tag: Option<[u8; 2]>) -> Self {
        let unmapped = Self { group: u64::from(member.library) << BARCODE_BITS, ..Self::UNMAPPED };
        let Some(contig) = record.reference().filter(|_| record.flags() & flags::UNMAPPED == 0) else {
            return unmapped;
        };
        let barcode = barcode_tag.and_then(|tag| record.text_tag(tag)).map_or(0, xxh3_64);
        let (bases, qualities) = record.bases_and_qualities();
        let name = record.name().strip_suffix(&[0]).unwrap_or_default();
        Self {
            group: unmapped.group | barcode >> (u64::BITS - BARCODE_BITS),
            ends: [end(contig, record), NONE],
            score: Reverse(score(qualities, record.flags() & flags::QC_FAIL != 0)),
            spot: Spot::of_name(name),
            tie: [name_hash(name), xxh3_64_with_seed(qualities, xxh3_64(bases))],
            first_is_reverse: is_reverse(record),
            read_group: member.group,
        }
    }

    /// Of a template whose first read has this signature, and its last read that one.
    pub(crate) fn join(self, last: Self) -> Self {
        match (self.is_mapped(), last.is_mapped()) {
            (_, false) => self,
            (false, true) => last,
            (true, true) => Self {
                ends: [self.ends[0].min(last.ends[0]), self.ends[0].max(last.ends[0])],
                score: Reverse(self.score.0 + last.score.0),
                tie: [self.tie[0], mix64(self.tie[1]) ^ last.tie[1]],
                ..self
            },
        }
    }

    pub(super) fn is_pair(&self) -> bool {
        self.ends[1] != NONE
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.ends[0] != NONE
    }

    pub(super) fn location(&self) -> Location {
        Location { first_is_reverse: self.first_is_reverse, read_group: self.read_group, spot: self.spot }
    }

    pub(super) fn library(&self) -> u16 {
        (self.group >> BARCODE_BITS) as u16
    }
}

/// What a [`Signer`] makes of some templates.
#[derive(Debug, Default)]
pub struct Signed {
    /// A signature of each template, in their order.
    pub signatures: Vec<Signature>,
    /// The records that signatures don't count: unmapped, secondary and supplementary ones.
    pub counts: LibraryCounts,
}

/// Makes signatures out of encoded records that come template by template.
#[derive(Debug)]
pub struct Signer<'a> {
    groups: &'a ReadGroups,
    barcode_tag: Option<[u8; 2]>,
    signed: Signed,
}

impl<'a> Signer<'a> {
    /// A signer that knows these read groups and reads barcodes from this tag.
    #[must_use]
    pub fn new(groups: &'a ReadGroups, barcode_tag: Option<[u8; 2]>) -> Self {
        Self { groups, barcode_tag, signed: Signed::default() }
    }

    /// Takes the next record. Those of a template follow each other, the primary one of its first read first.
    pub fn add(&mut self, record: EncodedRecord<'_>) {
        let member = self.groups.membership(record.text_tag(*b"RG"));
        if !count(record, self.signed.counts.of(member.library)) {
            return;
        }
        let signature = Signature::of_read(record, member, self.barcode_tag);
        let signatures = &mut self.signed.signatures;
        match signatures.last_mut().filter(|_| record.flags() & flags::LAST != 0) {
            Some(first) => *first = first.join(signature),
            None => signatures.push(signature),
        }
    }

    /// What was made of all templates so far.
    #[must_use]
    pub fn finish(self) -> Signed {
        self.signed
    }
}

/// Counts a record if its signature won't, and tells whether it is primary.
pub(super) fn count(record: EncodedRecord<'_>, counts: &mut super::DuplicateCounts) -> bool {
    let is_primary = record.flags() & (flags::SECONDARY | flags::SUPPLEMENTARY) == 0;
    counts.secondary_or_supplementary += u64::from(!is_primary);
    counts.unmapped_reads += u64::from(is_primary && record.flags() & flags::UNMAPPED != 0);
    is_primary
}

fn is_reverse(record: EncodedRecord<'_>) -> bool {
    record.flags() & flags::REVERSE != 0
}

/// The end of a mapped read as a number that sorts by contig, position and strand.
fn end(contig: usize, record: EncodedRecord<'_>) -> u64 {
    let is_clip = |op: &CigarOp| matches!(op.kind(), CigarKind::SoftClip | CigarKind::HardClip);
    let bases = |op: CigarOp| i64::from(op.len());
    let start = record.position().map_or(0, i64::from);
    let reverse = is_reverse(record);
    let position = if reverse {
        let clipped: i64 = record.cigar().rev().take_while(is_clip).map(bases).sum();
        start + i64::from(record.reference_bases()) - 1 + clipped
    } else {
        start - record.cigar().take_while(is_clip).map(bases).sum::<i64>()
    };
    (contig as u64) << 33 | ((position + POSITION_BIAS) as u64) << 1 | u64::from(reverse)
}

/// Sum of the qualities that count; any read that its sequencer failed is less than any other.
fn score(qualities: &[u8], failed: bool) -> u16 {
    // Without a branch, so that the compiler makes vector code of it.
    let counting = |quality: u8| if (MIN_QUALITY..NO_QUALITY).contains(&quality) { quality } else { 0 };
    let sum: u32 = qualities.iter().map(|&quality| u32::from(counting(quality))).sum();
    sum.min(u32::from(MAX_READ_SCORE)) as u16 + if failed { 0 } else { PASSED }
}

#[cfg(test)]
mod tests {
    use svala_io::{AlignmentRecord, Format, Header, Program, RecordEncoder, ReferenceSequence};

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

    fn encoded(record: &AlignmentRecord<'_>) -> Vec<u8> {
        let reference = |name: u8| ReferenceSequence { name: vec![name], length: 1000, md5: [0; 16], alternate: false };
        let [id, name, version, command_line] = ["p"; 4].map(String::from);
        let header = Header {
            references: b"abc".iter().map(|&name| reference(name)).collect(),
            order: Default::default(),
            read_groups: Vec::new(),
            program: Program { id, name, version, command_line },
            lines: Default::default(),
        };
        let mut bytes = Vec::new();
        RecordEncoder::new(Format::Bam, &header).unwrap().encode(record, &mut bytes).unwrap();
        bytes
    }

    fn with<T>(record: &AlignmentRecord<'_>, look: impl FnOnce(EncodedRecord<'_>) -> T) -> T {
        look(EncodedRecord::split_first(&encoded(record)).unwrap().0)
    }

    fn at(position: i64, reverse: bool) -> u64 {
        2 << 33 | ((position + POSITION_BIAS) as u64) << 1 | u64::from(reverse)
    }

    #[test]
    fn ends_are_those_of_the_whole_read() {
        use CigarKind::{Deletion, HardClip, Insertion, Match, SoftClip};
        let cigar =
            [(HardClip, 1), (SoftClip, 2), (Match, 3), (Deletion, 7), (Match, 1), (Insertion, 1), (SoftClip, 3)];
        let cigar = cigar.map(|(kind, len)| CigarOp::new(kind, len));
        assert_eq!(with(&record(0, 100, &cigar), |r| end(2, r)), at(97, false));
        assert_eq!(with(&record(flags::REVERSE, 100, &cigar), |r| end(2, r)), at(113, true));
        assert_eq!(with(&record(0, 1, &cigar), |r| end(2, r)), at(-2, false));
        assert!(at(-2, false) < at(-1, false) && at(-1, true) < at(0, false));
    }

    #[test]
    fn low_qualities_do_not_count_and_high_sums_are_cut() {
        assert_eq!(score(&[14, 15, 14, 40, NO_QUALITY], true), 15 + 40);
        assert_eq!(score(&[40; 1000], true), 16_383);
        assert_eq!(score(b"", true), 0);
        assert_eq!([score(b"", false), score(&[40; 1000], false)], [16_384, 32_767]);
    }

    #[test]
    fn a_template_has_one_signature_whatever_its_records() {
        let cigar = [CigarOp::new(CigarKind::Match, 10)];
        let (first, last) = (flags::PAIRED | flags::FIRST, flags::PAIRED | flags::LAST);
        let groups = ReadGroups::default();
        let mut signer = Signer::new(&groups, None);
        let mut add = |record: &AlignmentRecord<'_>| with(record, |record| signer.add(record));
        add(&record(first | flags::REVERSE, 50, &cigar));
        add(&record(first | flags::SUPPLEMENTARY, 900, &cigar));
        add(&record(last, 20, &cigar));
        add(&record(first | flags::UNMAPPED, 20, &[]));
        add(&record(last, 20, &cigar));
        add(&AlignmentRecord { reference: None, position: None, ..record(flags::UNMAPPED, 0, &[]) });
        let Signed { signatures, mut counts } = signer.finish();
        assert_eq!((counts.of(0).secondary_or_supplementary, counts.of(0).unmapped_reads), (1, 2));
        let kinds: Vec<_> = signatures.iter().map(|s| (s.is_mapped(), s.is_pair())).collect();
        assert_eq!(kinds, [(true, true), (true, false), (false, false)]);
        assert_eq!(signatures[0].ends, [at(20, false), at(59, true)]);
        assert_eq!(signatures[0].score, Reverse(720 + 2 * PASSED));
        assert!(signatures[0].first_is_reverse);
        assert!(signatures[..2].iter().all(|signature| signature.spot == Spot { tile: 1101, x: 20, y: 30 }));
        // Pairs stand before single reads with the same end.
        assert!(signatures[0] < signatures[1]);
    }
}
