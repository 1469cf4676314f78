//! What is counted of each record.

use super::{
    SizeHistogram,
    cycles::{BaseCounts, CycleQuality, Cycles, Mate, combine_rows},
};
use crate::{CigarKind, CigarOp, EncodedRecord, flags};

/// Steps of GC content, as in `samtools stats`.
pub(super) const GC_STEPS: usize = 200;
/// Insert sizes from here on are counted as this, as in `samtools stats`.
pub(super) const MAX_INSERT: usize = 8000;
/// Values of FLAG.
const FLAGS: usize = 1 << 12;
const NOT_PRIMARY: u16 = flags::SECONDARY | flags::SUPPLEMENTARY;
/// What a pair needs for an insert size, and must not have.
const BOTH_MAPPED: (u16, u16) = (flags::PAIRED, flags::UNMAPPED | flags::MATE_UNMAPPED);

/// How many of two packed bases are C or G.
const GC_OF_PAIR: [u8; 256] = {
    let mut table = [0; 256];
    let mut pair = 0;
    while pair < table.len() {
        table[pair] = matches!(pair >> 4, 2 | 4) as u8 + matches!(pair & 15, 2 | 4) as u8;
        pair += 1;
    }
    table
};

/// What is counted of the records on a contig that are neither unmapped, nor secondary, nor of failed quality.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ContigTally {
    /// Records.
    pub records: u64,
    /// Sum of their MAPQ.
    pub mapping_quality: u64,
    /// Bases aligned to the contig's.
    pub bases: u64,
    /// Sum of the qualities of those bases.
    pub base_quality: u64,
}

/// Counts over a set of records, all of them sums.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tally {
    /// By the value of FLAG.
    pub(super) flags: Vec<u64>,
    /// By the value of FLAG: records without bases that aren't secondary, which are counted nowhere else.
    pub(super) without_bases: Vec<u64>,
    /// MAPQ of mapped primary records.
    pub(super) mapping_quality: Vec<u64>,
    /// Of those of failed quality.
    pub(super) failed_mapping_quality: Vec<u64>,
    /// By length before hard clips, of primary records, by [`Mate`].
    pub(super) lengths: [Vec<u64>; 2],
    /// Of primary records, by [`Mate`].
    pub(super) cycles: [Cycles; 2],
    /// Steps of GC content that a primary record's covers, by [`Mate`].
    pub(super) gc: [Vec<u64>; 2],
    /// By length: insertions, deletions; these and the next of mapped records that aren't secondary.
    pub(super) indels: Vec<[u64; 2]>,
    /// By cycle: insertions of first and last reads, deletions of first and last reads.
    pub(super) indel_cycles: Vec<[u64; 4]>,
    /// By insert size: primary records of pairs that face each other, that face away, and others.
    pub(super) inserts: Vec<[u64; 3]>,
    /// Sizes of pairs by the rules of Picard: FR, RF, TANDEM.
    pub(super) pair_sizes: [SizeHistogram; 3],
    pub(super) totals: Totals,
    /// By contig; those at the end without records may lack.
    pub(super) contigs: Vec<ContigTally>,
}

/// Plain sums.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Totals {
    /// Bases of mapped primary records.
    pub(super) mapped_bases: u64,
    /// Bases of all records that aren't secondary.
    pub(super) record_bases: u64,
    /// Matched and inserted bases.
    pub(super) cigar_bases: u64,
    /// Sum of NM.
    pub(super) mismatches: u64,
    /// Primary records whose mate is on another contig.
    pub(super) apart: u64,
    /// Those with MAPQ 5 or more.
    pub(super) apart_confident: u64,
    /// Primary mapped records with MAPQ 0.
    pub(super) ambiguous: u64,
}

impl Default for Tally {
    fn default() -> Self {
        let gc = || vec![0; GC_STEPS];
        Self {
            flags: vec![0; FLAGS],
            without_bases: vec![0; FLAGS],
            mapping_quality: vec![0; 256],
            failed_mapping_quality: vec![0; 256],
            lengths: Default::default(),
            cycles: Default::default(),
            gc: [gc(), gc()],
            indels: Vec::new(),
            indel_cycles: Vec::new(),
            inserts: vec![[0; 3]; MAX_INSERT + 1],
            pair_sizes: Default::default(),
            totals: Totals::default(),
            contigs: Vec::new(),
        }
    }
}

impl Tally {
    /// Counts a record.
    pub fn add(&mut self, record: EncodedRecord<'_>) {
        let flags = record.flags();
        self.flags[usize::from(flags) % FLAGS] += 1;
        if flags & flags::SECONDARY != 0 {
            return;
        }
        if record.sequence_length() == 0 {
            self.without_bases[usize::from(flags) % FLAGS] += 1;
            return;
        }
        let is_primary = flags & NOT_PRIMARY == 0;
        if is_primary {
            self.add_read(record);
        }
        self.totals.record_bases += record.sequence_length() as u64;
        if flags & flags::UNMAPPED != 0 {
            return;
        }
        if is_primary {
            self.add_primary_alignment(record);
        }
        self.totals.mismatches += record.integer_tag(*b"NM").map_or(0, |nm| nm.max(0) as u64);
        self.add_cigar(record);
    }

    /// Counts other records as well.
    pub fn merge(&mut self, other: &Self) {
        self.combine(other, |own, other| *own += other);
    }

    /// Takes back records that were counted.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, |own, other| *own = own.saturating_sub(other));
    }

    /// Records that have all flags of `set` and none of `unset`.
    #[must_use]
    pub fn with_flags(&self, set: u16, unset: u16) -> u64 {
        sum_of(&self.flags, set, unset)
    }

    /// As [`with_flags`](Self::with_flags), of records that aren't secondary and have bases.
    pub(super) fn with_flags_and_bases(&self, set: u16, unset: u16) -> u64 {
        let unset = unset | flags::SECONDARY;
        sum_of(&self.flags, set, unset).saturating_sub(sum_of(&self.without_bases, set, unset))
    }

    /// The longest read of a mate number, in bases; 0 without one.
    #[must_use]
    pub fn longest(&self, mate: Mate) -> usize {
        self.lengths[mate as usize].iter().rposition(|&count| count > 0).unwrap_or(0)
    }

    /// Mapped primary records by mapping quality, from 0 to the highest of 60 and what occurs.
    pub fn mapping_qualities(&self) -> impl Iterator<Item = (usize, u64)> {
        let highest = self.mapping_quality.iter().rposition(|&count| count > 0).unwrap_or(0).max(60);
        self.mapping_quality.iter().copied().enumerate().take(highest + 1)
    }

    /// Qualities of the reads of a mate number by cycle.
    pub fn quality_by_cycle(&self, mate: Mate) -> impl Iterator<Item = CycleQuality> {
        self.cycles[mate as usize].qualities.iter().take(self.longest(mate)).map(CycleQuality::of)
    }

    /// Bases of all reads by cycle, as they were read.
    pub fn bases_by_cycle(&self) -> impl Iterator<Item = BaseCounts> {
        let longest = Mate::ALL.iter().map(|&mate| self.longest(mate)).max().unwrap_or(0);
        let sum = |cycle| self.cycles.iter().map(move |cycles: &Cycles| cycles.bases_as_read(cycle));
        (0..longest).map(move |cycle| sum(cycle).fold(BaseCounts::default(), BaseCounts::plus))
    }

    /// Reads of a mate number by GC content, in steps from 0 to 1; a read counts for all steps that its length can't tell
    /// apart.
    #[must_use]
    pub fn gc(&self, mate: Mate) -> &[u64] {
        &self.gc[mate as usize]
    }

    /// Counts by contig; those at the end without records may lack.
    #[must_use]
    pub fn contigs(&self) -> &[ContigTally] {
        &self.contigs
    }

    /// The highest base quality of a read.
    pub(super) fn highest_quality(&self) -> usize {
        let rows = self.cycles.iter().flat_map(|cycles| &cycles.qualities);
        rows.filter_map(|row| row.iter().rposition(|&count| count > 0)).max().unwrap_or(0)
    }

    /// The bases and qualities of a read.
    fn add_read(&mut self, record: EncodedRecord<'_>) {
        let mate = Mate::of(record.flags()) as usize;
        let reverse = record.flags() & flags::REVERSE != 0;
        let (packed, qualities) = record.bases_and_qualities();
        *at(&mut self.lengths[mate], unclipped_length(record)) += 1;
        if qualities.is_empty() {
            return;
        }
        self.cycles[mate].add(packed, qualities, reverse);
        let gc: usize = packed.iter().map(|&pair| usize::from(GC_OF_PAIR[usize::from(pair)])).sum();
        // The read stands for all steps between its content and that of a read with one G or C more.
        let step = |gc: usize| (gc * (GC_STEPS - 1) / qualities.len()).min(GC_STEPS - 1);
        self.gc[mate][step(gc)..step(gc + 1)].iter_mut().for_each(|count| *count += 1);
    }

    fn add_primary_alignment(&mut self, record: EncodedRecord<'_>) {
        let quality = record.mapping_quality();
        self.mapping_quality[usize::from(quality)] += 1;
        self.failed_mapping_quality[usize::from(quality)] += u64::from(record.flags() & flags::QC_FAIL != 0);
        self.totals.mapped_bases += record.sequence_length() as u64;
        self.totals.ambiguous += u64::from(quality == 0);
        if record.flags() & (BOTH_MAPPED.0 | BOTH_MAPPED.1) == BOTH_MAPPED.0 {
            if record.reference() != record.mate_reference() {
                self.totals.apart += 1;
                self.totals.apart_confident += u64::from(quality >= 5);
            }
            self.add_insert(record);
        }
    }

    /// Indels, and what lies on the contig.
    fn add_cigar(&mut self, record: EncodedRecord<'_>) {
        let ((_, qualities), length) = (record.bases_and_qualities(), record.sequence_length());
        let other = Mate::of(record.flags()) as usize;
        let reverse = record.flags() & flags::REVERSE != 0;
        let mut contig =
            ContigTally { records: 1, mapping_quality: record.mapping_quality().into(), ..ContigTally::default() };
        let mut cycle = 0;
        for op in record.cigar() {
            let bases = op.len() as usize;
            match op.kind() {
                CigarKind::Insertion => {
                    let at_cycle = if reverse { length.saturating_sub(cycle + bases) } else { cycle };
                    at_or_resize(&mut self.indels, bases)[0] += 1;
                    at_or_resize(&mut self.indel_cycles, at_cycle)[other] += 1;
                }
                CigarKind::Deletion => {
                    let before = if reverse { length.checked_sub(cycle + 1) } else { cycle.checked_sub(1) };
                    if let Some(before) = before {
                        at_or_resize(&mut self.indels, bases)[1] += 1;
                        at_or_resize(&mut self.indel_cycles, before)[2 + other] += 1;
                    }
                }
                _ if op.consumes_query() && op.consumes_reference() => {
                    contig.bases += bases as u64;
                    let aligned = qualities.get(cycle..cycle + bases).unwrap_or_default();
                    contig.base_quality += u64::from(aligned.iter().map(|&quality| u32::from(quality)).sum::<u32>());
                }
                _ => {}
            }
            if op.consumes_query() {
                cycle += bases;
                if op.kind() != CigarKind::SoftClip {
                    self.totals.cigar_bases += bases as u64;
                }
            }
        }
        if let Some(reference) = record.reference().filter(|_| record.flags() & flags::QC_FAIL == 0) {
            if self.contigs.len() <= reference {
                self.contigs.resize(reference + 1, ContigTally::default());
            }
            self.contigs[reference].combine(&contig, |own, other| *own += other);
        }
    }

    fn add_insert(&mut self, record: EncodedRecord<'_>) {
        let (flags, length) = (record.flags(), record.template_length());
        let size = length.unsigned_abs();
        let same_contig = record.reference() == record.mate_reference();
        let [forward, mate_forward] = [flags::REVERSE, flags::MATE_REVERSE].map(|flag| flags & flag == 0);
        let first = flags & flags::FIRST != 0;
        let position = record.position().map_or(-1, i64::from);
        let mate_follows = i64::from(record.mate_position()) - position;
        if size > 0 || same_contig {
            let from_first = if first { mate_follows >= 0 } else { mate_follows <= 0 };
            let group = match (forward == mate_forward, from_first == (first == forward)) {
                (true, _) => 2,
                (_, true) => 0,
                _ => 1,
            };
            self.inserts[(size as usize).min(MAX_INSERT)][group] += 1;
        }
        if flags & flags::FIRST == 0 && size > 0 {
            let orientation = if forward == mate_forward {
                2
            } else {
                // The 5' ends: of the mate on the forward strand, and behind the one on the reverse strand.
                let (forward_end, reverse_end) = if forward {
                    (position, position + i64::from(length))
                } else {
                    (i64::from(record.mate_position()), position + i64::from(record.reference_bases()) - 1)
                };
                usize::from(forward_end >= reverse_end)
            };
            self.pair_sizes[orientation].add(size);
        }
    }

    fn combine(&mut self, other: &Self, apply: impl Fn(&mut u64, u64) + Copy) {
        combine(&mut self.flags, &other.flags, apply);
        combine(&mut self.without_bases, &other.without_bases, apply);
        combine(&mut self.mapping_quality, &other.mapping_quality, apply);
        combine(&mut self.failed_mapping_quality, &other.failed_mapping_quality, apply);
        for mate in 0..Mate::ALL.len() {
            combine(&mut self.lengths[mate], &other.lengths[mate], apply);
            self.cycles[mate].combine(&other.cycles[mate], apply);
            combine(&mut self.gc[mate], &other.gc[mate], apply);
        }
        combine_rows(&mut self.indels, &other.indels, apply);
        combine_rows(&mut self.indel_cycles, &other.indel_cycles, apply);
        combine_rows(&mut self.inserts, &other.inserts, apply);
        for (own, other) in self.pair_sizes.iter_mut().zip(&other.pair_sizes) {
            own.combine(other, apply);
        }
        self.totals.combine(&other.totals, apply);
        if self.contigs.len() < other.contigs.len() {
            self.contigs.resize(other.contigs.len(), ContigTally::default());
        }
        for (own, other) in self.contigs.iter_mut().zip(&other.contigs) {
            own.combine(other, apply);
        }
    }
}

impl ContigTally {
    fn combine(&mut self, other: &Self, apply: impl Fn(&mut u64, u64)) {
        apply(&mut self.records, other.records);
        apply(&mut self.mapping_quality, other.mapping_quality);
        apply(&mut self.bases, other.bases);
        apply(&mut self.base_quality, other.base_quality);
    }
}

impl Totals {
    fn combine(&mut self, other: &Self, apply: impl Fn(&mut u64, u64)) {
        apply(&mut self.mapped_bases, other.mapped_bases);
        apply(&mut self.record_bases, other.record_bases);
        apply(&mut self.cigar_bases, other.cigar_bases);
        apply(&mut self.mismatches, other.mismatches);
        apply(&mut self.apart, other.apart);
        apply(&mut self.apart_confident, other.apart_confident);
        apply(&mut self.ambiguous, other.ambiguous);
    }
}

/// The sum of counts by FLAG whose flags have all of `set` and none of `unset`.
fn sum_of(counts: &[u64], set: u16, unset: u16) -> u64 {
    let counts = (0..).zip(counts).filter(|&(flags, _)| flags & set == set && flags & unset == 0);
    counts.map(|(_, count)| count).sum()
}

/// Bases of the read, those that were hard-clipped too.
fn unclipped_length(record: EncodedRecord<'_>) -> usize {
    let hard = record.cigar().filter(|op| op.kind() == CigarKind::HardClip).map(CigarOp::len);
    record.sequence_length() + hard.sum::<u32>() as usize
}

fn at(counts: &mut Vec<u64>, index: usize) -> &mut u64 {
    if counts.len() <= index {
        counts.resize(index + 1, 0);
    }
    &mut counts[index]
}

fn at_or_resize<const N: usize>(rows: &mut Vec<[u64; N]>, index: usize) -> &mut [u64; N] {
    if rows.len() <= index {
        rows.resize(index + 1, [0; N]);
    }
    &mut rows[index]
}

fn combine(own: &mut Vec<u64>, other: &[u64], apply: impl Fn(&mut u64, u64)) {
    if own.len() < other.len() {
        own.resize(other.len(), 0);
    }
    for (own, other) in own.iter_mut().zip(other) {
        apply(own, *other);
    }
}
