//! Reads out of BAM: unaligned ones, or aligned ones to be aligned again.
//!
//! Only primary records count. The old alignment is forgotten: bases, qualities and fields that have a character for each base turn
//! back to the strand that was read, and fields that describe the alignment are left out, as is `PG`, which names a line of the old header. All other fields stay with
//! the read, its read group among them; of a tag that is there twice, the first.

use std::{
    io::BufReader,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    CigarKind, EncodedRecord, Error, ReadBatch, ReadGroup, Result,
    bam_records::{BamRecords, malformed},
    batch::NO_QUALITY,
    flags,
    labels::{Labeller, NO_UMI, append_text_field, score},
    name_fields::append_umi,
    nucleotide::{complement_letter, normalise_into},
    per_base::turn_field,
    read_source::Opened,
    record::is_read_name,
    tag_bytes::TagField,
    tag_text::append_integer_field,
};

/// Compressed bytes come in blocks; records are smaller.
const BUFFER_BYTES: usize = 64 * 1024;
/// BAM's sign of qualities that are missing.
const MISSING: u8 = u8::MAX;
/// Largest quality that SAM can hold.
const MAX_QUALITY: u8 = b'~' - b'!';
/// Fields that records have as a rule.
const FEW_FIELDS: usize = 32;
const NOT_PRIMARY: u16 = flags::SECONDARY | flags::SUPPLEMENTARY;

/// Whether a field that comes with a read is left out: svala writes its own, or it means nothing in another file.
pub(crate) fn is_own_field(name: [u8; 2]) -> bool {
    [*b"NM", *b"MD", *b"MC", *b"MQ", *b"AS", *b"XS", *b"SA", *b"XA", *b"PG"].contains(&name)
}

/// Whether a field describes how a record was aligned before, beside those that comments can't have either: shares of ALT hits, and bwa's
/// fields of `-u` and `-V`; of a mapped record also what Picard's MarkDuplicates says of its duplicates.
fn is_of_old_alignment(field: &TagField<'_>, bits: u16) -> bool {
    let is_mapped = bits & flags::UNMAPPED == 0;
    match &field.name {
        b"pa" | b"XB" | b"XR" => true,
        b"DT" => is_mapped && field.kind == b'Z',
        // In BAM all integers are one type.
        b"DI" | b"DS" => is_mapped && b"cCsSiI".contains(&field.kind),
        _ => false,
    }
}

/// A BAM file of reads, all of them in pairs or none.
pub(crate) struct BamReads {
    records: BamRecords<BufReader<Opened>>,
    read_groups: Vec<ReadGroup>,
    /// The reads' own groups are left out.
    pub(crate) regrouped: bool,
    paired: bool,
    /// Reads handed out.
    pub(crate) reads: u64,
    hard_clipped: Arc<AtomicU64>,
    max_bases: usize,
    /// The next primary record, if there is one.
    next: Option<Vec<u8>>,
    mate: Vec<u8>,
    oriented: Oriented,
}

/// Bases and qualities as they were read.
#[derive(Default)]
struct Oriented {
    letters: Vec<u8>,
    bases: Vec<u8>,
    qualities: Vec<u8>,
}

impl BamReads {
    /// Reads the header and the first record.
    pub(crate) fn open(input: Opened, path: PathBuf, max_bases: usize) -> Result<Self> {
        let (records, header) = BamRecords::open(BufReader::with_capacity(BUFFER_BYTES, input), path)?;
        let groups = header.read_groups().iter().map(|(id, fields)| ReadGroup::from_fields(id, fields));
        let flaw = |why| malformed(records.path.clone(), 0, format!("@RG line of its header: {why}"));
        let read_groups = groups.collect::<std::result::Result<_, _>>().map_err(flaw)?;
        let mut reads = Self {
            records,
            read_groups,
            regrouped: false,
            paired: false,
            reads: 0,
            hard_clipped: Arc::default(),
            max_bases,
            next: Some(Vec::new()),
            mate: Vec::new(),
            oriented: Oriented::default(),
        };
        reads.advance()?;
        // A header alone is of no reads; records none of which is primary are not what was meant.
        if reads.next.is_none() && reads.records.records > 0 {
            return Err(Error::Empty { path: reads.records.path.clone() });
        }
        reads.paired = reads.next.as_deref().is_some_and(|first| flags_of(first) & flags::PAIRED != 0);
        Ok(reads)
    }

    pub(crate) fn is_paired(&self) -> bool {
        self.paired
    }

    /// Whether no read is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    pub(crate) fn read_groups(&self) -> &[ReadGroup] {
        &self.read_groups
    }

    /// Counts primary records without some of their bases.
    pub(crate) fn hard_clipped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.hard_clipped)
    }

    /// Appends the next read or, of paired reads, the next two mates; false at the end.
    pub(crate) fn read_into(&mut self, labeller: &Labeller, batch: &mut ReadBatch) -> Result<bool> {
        let Some(first) = self.next.take() else { return Ok(false) };
        let number = self.records.records;
        if !self.paired {
            self.append(&first, None, number, labeller, batch)?;
        } else {
            let mut mate = std::mem::take(&mut self.mate);
            let is_there = self.read_primary(&mut mate)?;
            if !is_there || !are_mates(&first, &mate) {
                let reason = "expected its mate next to it; put mates together with samtools collate or sort -n";
                return Err(self.flaw(number, reason));
            }
            let is_swapped = flags_of(&first) & flags::LAST != 0;
            let (one, other) = if is_swapped { (&mate, &first) } else { (&first, &mate) };
            self.append(one, Some(other), number, labeller, batch)?;
            self.append(other, Some(one), self.records.records, labeller, batch)?;
            self.mate = mate;
        }
        self.next = Some(first);
        self.advance()?;
        Ok(true)
    }

    /// Replaces the next record by the one after it.
    fn advance(&mut self) -> Result<()> {
        let mut record = self.next.take().unwrap_or_default();
        self.next = self.read_primary(&mut record)?.then_some(record);
        Ok(())
    }

    fn read_primary(&mut self, record: &mut Vec<u8>) -> Result<bool> {
        while self.records.read(record)? {
            if flags_of(record) & NOT_PRIMARY == 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn append(
        &mut self,
        record: &[u8],
        mate: Option<&[u8]>,
        number: u64,
        labeller: &Labeller,
        batch: &mut ReadBatch,
    ) -> Result<()> {
        let not_whole = || self.flaw(number, "expected a well-formed record");
        let (record, _) = EncodedRecord::split_first(record).ok_or_else(not_whole)?;
        let name = record.name().strip_suffix(b"\0").ok_or_else(not_whole)?;
        if (record.flags() & flags::PAIRED != 0) != self.paired {
            return Err(self.flaw(number, "expected only paired reads or only single ones, as the first is"));
        }
        if !is_read_name(name) {
            return Err(self.flaw(number, "expected a name of 1 to 254 printable characters other than '@'"));
        }
        self.oriented.fill(record).map_err(|reason| self.flaw(number, reason))?;
        if self.oriented.bases.len() > self.max_bases {
            return Err(self.flaw(number, &format!("more than the {} bases that are supported", self.max_bases)));
        }
        if record.cigar().any(|op| op.kind() == CigarKind::HardClip) {
            self.hard_clipped.fetch_add(1, Ordering::Relaxed);
        }
        batch.push(name, &self.oriented.bases, &self.oriented.qualities);
        batch.push_failed(record.flags() & flags::QC_FAIL != 0);
        let mut kept = Ok(());
        batch.push_fields(|fields| {
            kept = self.append_fields(record, labeller, fields);
            if let Some(mate) = mate.filter(|_| labeller.labelling.mate_score) {
                append_integer_field(*b"ms", score_of(mate), fields);
            }
        });
        self.reads += 1;
        kept.map_err(|reason| self.flaw(number, reason))
    }

    fn append_fields(
        &self,
        record: EncodedRecord<'_>,
        labeller: &Labeller,
        fields: &mut Vec<u8>,
    ) -> std::result::Result<(), &'static str> {
        let barcode_tag = labeller.barcode_tag;
        let mut has_barcode = barcode_tag.is_none_or(|tag| labeller.is_made(tag));
        let mut names = Vec::with_capacity(FEW_FIELDS);
        for field in record.tags() {
            let field = field.ok().filter(|field| field.is_printable()).ok_or("expected fields that SAM can hold")?;
            has_barcode |= Some(field.name) == barcode_tag && field.kind == b'Z';
            let is_group = field.name == *b"RG";
            if is_group && !self.regrouped {
                let is_known = |group: &ReadGroup| field.value.strip_suffix(b"\0") == Some(group.id().as_bytes());
                if !self.read_groups.iter().any(is_known) {
                    return Err("its read group is not in the header");
                }
            }
            let is_left_out = is_own_field(field.name)
                || is_of_old_alignment(&field, record.flags())
                || labeller.is_made(field.name)
                || (is_group && self.regrouped);
            let is_repeated = names.contains(&field.name);
            names.push(field.name);
            if !is_left_out && !is_repeated {
                let start = fields.len();
                fields.extend_from_slice(field.bytes);
                if record.flags() & flags::REVERSE != 0 {
                    let value = &mut fields[start + field.bytes.len() - field.value.len()..];
                    turn_field(field.name, field.kind, value, record.sequence_length());
                }
            }
        }
        if labeller.labelling.umi_from_name {
            let (mut umi, name) = (Vec::new(), record.name());
            append_umi(name.strip_suffix(b"\0").unwrap_or(name), &mut umi).ok_or(NO_UMI)?;
            append_text_field(*b"RX", &umi, fields);
        }
        if has_barcode { Ok(()) } else { Err("expected a field with a barcode") }
    }

    fn flaw(&self, record: u64, reason: &str) -> Error {
        malformed(self.records.path.clone(), record, reason.into())
    }
}

impl Oriented {
    fn fill(&mut self, record: EncodedRecord<'_>) -> std::result::Result<(), &'static str> {
        let (_, qualities) = record.bases_and_qualities();
        let reverse = record.flags() & flags::REVERSE != 0;
        self.letters.clear();
        record.append_bases(&mut self.letters);
        self.bases.clear();
        if !normalise_into(&self.letters, &mut self.bases) {
            return Err("expected bases that are IUPAC letters");
        }
        self.qualities.clear();
        if qualities.iter().all(|&quality| quality == MISSING) {
            self.qualities.resize(qualities.len(), NO_QUALITY);
        } else if qualities.iter().all(|&quality| quality <= MAX_QUALITY) {
            self.qualities.extend(qualities.iter().map(|quality| quality + b'!'));
        } else {
            return Err("expected qualities from 0 to 93");
        }
        if reverse {
            self.bases.reverse();
            self.bases.iter_mut().for_each(|base| *base = complement_letter(*base));
            self.qualities.reverse();
        }
        Ok(())
    }
}

/// The flags of a record that is whole.
fn flags_of(record: &[u8]) -> u16 {
    EncodedRecord::split_first(record).map_or(0, |(record, _)| record.flags())
}

/// What a record that is whole scores for its mate.
fn score_of(record: &[u8]) -> i64 {
    let qualities = EncodedRecord::split_first(record).map_or(&[][..], |(record, _)| record.bases_and_qualities().1);
    score(qualities.iter().copied().filter(|&quality| quality != MISSING))
}

/// Whether two records are the first and the last read of one template.
fn are_mates(one: &[u8], other: &[u8]) -> bool {
    let (Some((one, _)), Some((other, _))) = (EncodedRecord::split_first(one), EncodedRecord::split_first(other))
    else {
        return false;
    };
    let side = |record: EncodedRecord<'_>| record.flags() & (flags::FIRST | flags::LAST);
    one.name() == other.name()
        && [flags::FIRST, flags::LAST].contains(&side(one))
        && side(one) ^ side(other) == flags::FIRST | flags::LAST
}
