//! Records out of the streams of a slice (section 10).

use std::collections::HashMap;

use super::{
    codecs::Room,
    compression_header::{CompressionHeader, TagKey},
    encoding::{Sources, Strings},
    flaw::{Decoded, Flaw, damaged},
    mates,
    record::Draft,
    reference::Contigs,
    slice::{MANY, SliceHeader},
};
use crate::{CigarKind, flags, tag_bytes::number_size};

/// Bytes that a record may take; far above what reads of any length here need.
const MOST_RECORD_BYTES: usize = 16 << 20;

/// Quality that is missing.
const MISSING: u8 = u8::MAX;

/// Bits of the CF series.
mod cram_flags {
    pub(super) const HAS_QUALITIES: i32 = 1;
    pub(super) const SAYS_MATE: i32 = 2;
    pub(super) const MATE_FOLLOWS: i32 = 4;
    pub(super) const NO_BASES: i32 = 8;
}

/// Bits of the MF series.
mod mate_flags {
    pub(super) const REVERSE: i32 = 1;
    pub(super) const UNMAPPED: i32 = 2;
}

/// Fields of an alignment, behind which svala writes the read group.
const BEFORE_GROUP: [[u8; 2]; 6] = [*b"NM", *b"MD", *b"MC", *b"MQ", *b"AS", *b"XS"];

/// What all records of a file share.
pub(super) struct FileContext {
    pub(super) contigs: Contigs,
    /// Identifiers of the read groups, in the header's order.
    pub(super) read_groups: Vec<Vec<u8>>,
}

/// Decodes the records of a slice.
pub(super) struct SliceRecords<'a> {
    pub(super) file: &'a FileContext,
    pub(super) header: &'a CompressionHeader,
    pub(super) slice: &'a SliceHeader,
    pub(super) sources: Sources<'a>,
    /// The bases that records are told by, from the slice's start on, if all are of one contig.
    pub(super) reference: Option<&'a [u8]>,
    draft: Draft,
    /// Letters of the reference under a record of any contig.
    letters: Vec<u8>,
    /// 1-based position of the record before.
    position: i32,
    /// By number of a record, that of an earlier one whose mate it is.
    mates: HashMap<usize, usize>,
    /// Where each record starts in the output.
    starts: Vec<usize>,
    /// Bytes and steps that the records may still take, so that values that take no bits are no endless work.
    room: &'a mut Room,
}

impl<'a> SliceRecords<'a> {
    pub(super) fn new(
        file: &'a FileContext,
        header: &'a CompressionHeader,
        slice: &'a SliceHeader,
        sources: Sources<'a>,
        reference: Option<&'a [u8]>,
        room: &'a mut Room,
    ) -> Self {
        Self {
            file,
            header,
            slice,
            sources,
            reference,
            draft: Draft::default(),
            letters: Vec::new(),
            position: slice.start,
            mates: HashMap::new(),
            starts: Vec::new(),
            room,
        }
    }

    /// Appends all records, as BAM encodes them.
    pub(super) fn append_to(mut self, output: &mut Vec<u8>) -> Decoded<()> {
        for number in 0..self.slice.records {
            let start = output.len();
            self.starts.push(start);
            self.read(number, output)?;
            self.draft.append_to(output)?;
            self.room.take(output.len() - start)?;
        }
        if self.mates.keys().any(|&mate| mate >= self.slice.records) {
            return damaged("a mate lies behind its slice");
        }
        mates::resolve(&self.mates, &self.starts, output)
    }

    /// Reads record `number` of the slice into the draft.
    fn read(&mut self, number: usize, output: &[u8]) -> Decoded<()> {
        let series = &self.header.series;
        let flags = series.flags.number(&mut self.sources)?;
        self.draft.flags = u16::try_from(flags).map_err(|_| Flaw::Damaged("a record has impossible flags"))?;
        let cram_flags = series.cram_flags.number(&mut self.sources)?;
        let has = |flag: i32| cram_flags & flag != 0;
        self.read_place()?;
        let length = series.read_length.number(&mut self.sources);
        const LENGTH: Flaw = Flaw::Damaged("a record has an impossible number of bases");
        let length = usize::try_from(length?).ok().filter(|&length| length <= MOST_RECORD_BYTES).ok_or(LENGTH)?;
        self.room.take(length)?;
        self.read_position()?;
        let group = series.read_group.number(&mut self.sources)?;
        self.read_name_and_mate(number, has(cram_flags::SAYS_MATE), has(cram_flags::MATE_FOLLOWS), output)?;
        self.read_tags(group)?;
        let Draft { cigar, bases, qualities, mapping_quality, .. } = &mut self.draft;
        cigar.clear();
        bases.clear();
        qualities.clear();
        qualities.resize(length, MISSING);
        *mapping_quality = 0;
        if self.draft.flags & flags::UNMAPPED == 0 {
            self.read_alignment(length, has(cram_flags::NO_BASES))?;
            let quality = series.mapping_quality.number(&mut self.sources)?;
            self.draft.mapping_quality = quality as u8;
        } else if !has(cram_flags::NO_BASES) {
            series.bases.bytes(length, &mut self.sources, &mut self.draft.bases)?;
        }
        if has(cram_flags::HAS_QUALITIES) {
            self.draft.qualities.clear();
            series.qualities.bytes(length, &mut self.sources, &mut self.draft.qualities)?;
        }
        if has(cram_flags::NO_BASES) {
            self.draft.bases.clear();
            self.draft.qualities.clear();
        }
        Ok(())
    }

    fn read_place(&mut self) -> Decoded<()> {
        let reference = match self.slice.reference {
            MANY => self.header.series.reference.number(&mut self.sources)?,
            reference => reference,
        };
        let is_known = usize::try_from(reference).is_ok_and(|reference| reference < self.file.contigs.len());
        if reference != -1 && !is_known {
            return damaged("a record has a contig that the header has not");
        }
        self.draft.reference = reference;
        Ok(())
    }

    fn read_position(&mut self) -> Decoded<()> {
        let position = self.header.series.position.number(&mut self.sources)?;
        let before = if self.header.are_deltas { self.position } else { 0 };
        self.position = position.wrapping_add(before);
        if self.position < 0 {
            return damaged("a record has an impossible position");
        }
        self.draft.position = self.position - 1;
        Ok(())
    }

    fn read_name_and_mate(&mut self, number: usize, says_mate: bool, mate_follows: bool, output: &[u8]) -> Decoded<()> {
        const MOST_NAME_BYTES: usize = 254;
        let Self { header, sources, draft, .. } = self;
        let series = &header.series;
        draft.name.clear();
        (draft.mate_reference, draft.mate_position, draft.template_length) = (-1, -1, 0);
        if header.has_names {
            series.name.string(MOST_NAME_BYTES, sources, &mut draft.name)?;
        }
        if says_mate {
            let mate = series.mate_flags.number(sources)?;
            let has = |bit: i32, flag: u16| if mate & bit == 0 { 0 } else { flag };
            draft.flags |=
                has(mate_flags::REVERSE, flags::MATE_REVERSE) | has(mate_flags::UNMAPPED, flags::MATE_UNMAPPED);
            if !header.has_names {
                series.name.string(MOST_NAME_BYTES, sources, &mut draft.name)?;
            }
            draft.mate_reference = series.mate_reference.number(sources)?;
            draft.mate_position = series.mate_position.number(sources)?.wrapping_sub(1);
            draft.template_length = series.template_length.number(sources)?;
        } else if mate_follows {
            let distance = series.mate_distance.number(sources)?;
            let distance = usize::try_from(distance).map_err(|_| Flaw::Damaged("a mate comes before its read"))?;
            self.mates.insert(number + distance + 1, number);
        }
        if draft.name.is_empty() && !header.has_names {
            self.make_name(number, output);
        }
        Ok(())
    }

    /// Names a record by its number in the file, or as the earlier record whose mate it is.
    fn make_name(&mut self, number: usize, output: &[u8]) {
        let earlier = self.mates.get(&number).map(|&earlier| self.starts[earlier]);
        let earlier = earlier.and_then(|start| crate::EncodedRecord::split_first(&output[start..]));
        match earlier {
            Some((record, _)) => {
                let name = record.name();
                self.draft.name.extend_from_slice(name.strip_suffix(b"\0").unwrap_or(name));
            }
            None => {
                let number = self.slice.records_before.wrapping_add(number as u64);
                self.draft.name.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
            }
        }
    }

    /// Reads the tags, and puts the read group where svala does: behind what it says of the alignment.
    fn read_tags(&mut self, group: i32) -> Decoded<()> {
        let line = self.header.series.tag_line.number(&mut self.sources)?;
        let line = usize::try_from(line).ok().and_then(|line| self.header.tag_lines.get(line));
        let line = line.ok_or(Flaw::Damaged("a record has an unknown list of tags"))?;
        let group = match usize::try_from(group) {
            Err(_) => None,
            Ok(group) => {
                let id = self.file.read_groups.get(group);
                Some(id.ok_or(Flaw::Damaged("a record has a read group that the header has not"))?)
            }
        };
        let tags = &mut self.draft.tags;
        tags.clear();
        let append_group = |tags: &mut Vec<u8>| {
            if let Some(id) = group {
                tags.extend_from_slice(b"RGZ");
                tags.extend_from_slice(id);
                tags.push(0);
            }
        };
        let first_behind = line.iter().position(|key| !BEFORE_GROUP.contains(&[key[0], key[1]]));
        for (number, key) in line.iter().enumerate() {
            if Some(number) == first_behind {
                append_group(tags);
            }
            // A mark that the field can be worked out.
            if key[2] == b'*' {
                continue;
            }
            tags.extend_from_slice(key);
            let strings = self.header.tags.get(key).unwrap_or(&Strings::Absent);
            let at = tags.len();
            strings.string(MOST_RECORD_BYTES.saturating_sub(at), &mut self.sources, tags)?;
            check_tag(*key, &tags[at..])?;
        }
        if first_behind.is_none() {
            append_group(tags);
        }
        Ok(())
    }

    /// Reads the features of a mapped record: its CIGAR, and its bases unless there are none.
    fn read_alignment(&mut self, length: usize, no_bases: bool) -> Decoded<()> {
        let mut at = ReadAt { bases: length, ..ReadAt::default() };
        let features = self.header.series.feature_count.number(&mut self.sources)?;
        let features = u32::try_from(features).map_err(|_| Flaw::Damaged("a record has less than no features"))?;
        self.room.take(features as usize)?;
        let mut place = 0_i32;
        for _ in 0..features {
            let code = self.header.series.feature_code.byte(&mut self.sources)?;
            let step = self.header.series.feature_position.number(&mut self.sources)?;
            place = place.wrapping_add(step);
            const PLACE: Flaw = Flaw::Damaged("a feature lies beyond its read");
            let before = usize::try_from(place).ok().and_then(|place| place.checked_sub(1)).ok_or(PLACE)?;
            if before > length {
                return Err(PLACE);
            }
            // Features of qualities may be told behind others of their place.
            if let Some(same) = before.checked_sub(at.read).filter(|&same| same > 0) {
                self.copy_reference(&mut at, same, no_bases)?;
            }
            self.read_feature(code, before, &mut at, no_bases)?;
        }
        let same = length - at.read;
        self.copy_reference(&mut at, same, no_bases)
    }

    /// Appends bases that are those of the reference.
    fn copy_reference(&mut self, at: &mut ReadAt, count: usize, no_bases: bool) -> Decoded<()> {
        if !no_bases && count > 0 {
            let (from, to) = self.reference_letters(at.reference, count)?;
            let reference = self.reference.unwrap_or(&self.letters);
            self.draft.bases.extend_from_slice(&reference[from..to]);
        }
        self.advance(at, CigarKind::Match, count)
    }

    /// Where `count` letters of the reference are, so many behind the record's position: in the slice's, or in those of the record,
    /// which are read.
    fn reference_letters(&mut self, behind: usize, count: usize) -> Decoded<(usize, usize)> {
        const BEYOND: Flaw = Flaw::Damaged("an alignment leads beyond the bases of its slice");
        let position =
            usize::try_from(self.draft.position).map_err(|_| Flaw::Damaged("a mapped record has no place"))?;
        let first = position + behind;
        if let Some(reference) = self.reference {
            let from = usize::try_from(i64::from(self.slice.start) - 1).ok().and_then(|start| first.checked_sub(start));
            let from = from.filter(|from| from + count <= reference.len());
            return from.map(|from| (from, from + count)).ok_or(BEYOND);
        }
        let contig =
            usize::try_from(self.draft.reference).map_err(|_| Flaw::Damaged("a mapped record has no place"))?;
        if !self.header.needs_reference {
            return Err(BEYOND);
        }
        self.file.contigs.read(contig, first as u64..(first + count) as u64, &mut self.letters)?;
        Ok((0, count))
    }

    fn advance(&mut self, at: &mut ReadAt, kind: CigarKind, count: usize) -> Decoded<()> {
        self.draft.push(kind, count)?;
        let op = crate::CigarOp::new(kind, 1);
        at.read += if op.consumes_query() { count } else { 0 };
        at.reference += if op.consumes_reference() { count } else { 0 };
        // The next step must not overflow, nor lead beyond the read.
        if at.read > at.bases || at.reference > 1 << 32 {
            return damaged("features are longer than their read");
        }
        Ok(())
    }

    fn read_feature(&mut self, code: u8, before: usize, at: &mut ReadAt, no_bases: bool) -> Decoded<()> {
        let header = self.header;
        let series = &header.series;
        if before != at.read && !b"Qq".contains(&code) {
            return damaged("a feature lies within another");
        }
        match code {
            b'X' => {
                let code = series.substitution.byte(&mut self.sources)?;
                let base = if no_bases { b'N' } else { self.substituted(code, at)? };
                self.put_bases(&[base], CigarKind::Match, at)
            }
            b'B' => {
                let base = series.bases.byte(&mut self.sources)?;
                let quality = series.qualities.byte(&mut self.sources)?;
                self.put_qualities(before, &[quality])?;
                self.put_bases(&[base], CigarKind::Match, at)
            }
            b'i' => {
                let base = series.bases.byte(&mut self.sources)?;
                self.put_bases(&[base], CigarKind::Insertion, at)
            }
            b'b' => self.put_string(&series.base_stretch, CigarKind::Match, at),
            b'I' => self.put_string(&series.insertion, CigarKind::Insertion, at),
            b'S' => self.put_string(&series.soft_clip, CigarKind::SoftClip, at),
            b'Q' => {
                let quality = series.qualities.byte(&mut self.sources)?;
                self.put_qualities(before, &[quality])
            }
            b'q' => {
                let mut qualities = Vec::new();
                series.quality_stretch.string(at.bases, &mut self.sources, &mut qualities)?;
                self.room.take(qualities.len())?;
                self.put_qualities(before, &qualities)
            }
            b'D' | b'N' | b'P' | b'H' => {
                let (values, kind) = match code {
                    b'D' => (&series.deletion, CigarKind::Deletion),
                    b'N' => (&series.skip, CigarKind::Skip),
                    b'P' => (&series.padding, CigarKind::Pad),
                    _ => (&series.hard_clip, CigarKind::HardClip),
                };
                let count = usize::try_from(values.number(&mut self.sources)?);
                self.advance(at, kind, count.map_err(|_| Flaw::Damaged("a feature is shorter than nothing"))?)
            }
            _ => damaged("a record has an unknown feature"),
        }
    }

    /// The base that a substitution's code means where the record is.
    fn substituted(&mut self, code: u8, at: &ReadAt) -> Decoded<u8> {
        let (from, _) = self.reference_letters(at.reference, 1)?;
        let reference = self.reference.unwrap_or(&self.letters)[from];
        let row = b"ACGT".iter().position(|&base| base == reference.to_ascii_uppercase()).unwrap_or(4);
        let bases = self.header.substitutions[row];
        bases.get(usize::from(code)).copied().ok_or(Flaw::Damaged("a substitution has an unknown code"))
    }

    fn put_string(&mut self, strings: &Strings, kind: CigarKind, at: &mut ReadAt) -> Decoded<()> {
        let start = self.draft.bases.len();
        strings.string(at.bases, &mut self.sources, &mut self.draft.bases)?;
        let count = self.draft.bases.len() - start;
        self.advance(at, kind, count)
    }

    fn put_bases(&mut self, bases: &[u8], kind: CigarKind, at: &mut ReadAt) -> Decoded<()> {
        self.draft.bases.extend_from_slice(bases);
        self.advance(at, kind, bases.len())
    }

    fn put_qualities(&mut self, at: usize, qualities: &[u8]) -> Decoded<()> {
        let own = self.draft.qualities.get_mut(at..at + qualities.len());
        own.ok_or(Flaw::Damaged("a feature lies beyond its read"))?.copy_from_slice(qualities);
        Ok(())
    }
}

/// How far the features of a record are.
#[derive(Default)]
struct ReadAt {
    /// Bases of the read that are done.
    read: usize,
    /// Bases of the reference from the record's position on that are done.
    reference: usize,
    /// Bases that the read has.
    bases: usize,
}

/// Whether the bytes are a value of a tag's type, so that the record is one.
fn check_tag([first, second, kind]: TagKey, value: &[u8]) -> Decoded<()> {
    let size = match kind {
        b'A' => Some(1),
        b'Z' | b'H' => memchr::memchr(0, value).map(|end| end + 1),
        b'B' => value.split_first_chunk::<5>().and_then(|(&[subtype, count @ ..], _)| {
            number_size(subtype)?.checked_mul(u32::from_le_bytes(count) as usize)?.checked_add(5)
        }),
        kind => number_size(kind),
    };
    let is_name = first.is_ascii_graphic() && second.is_ascii_graphic();
    if is_name && size == Some(value.len()) { Ok(()) } else { damaged("a tag's value is none of its type") }
}
