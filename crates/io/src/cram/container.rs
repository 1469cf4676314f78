//! Containers: records in, bytes out (CRAM specification 3.0, sections 7 and 8).

use std::{cmp::max, io, sync::Arc};

use md5::{Digest, Md5};

use super::{
    IndexEntry, ReferenceBases,
    block::{Coding, ContentType, Packing, append_block, append_checksum},
    compression_header::compression_header,
    features::append_features,
    number::{put_count, put_itf8, put_ltf8},
    series::{Series, SeriesStreams},
    tags::TagStreams,
};
use crate::{EncodedRecord, flags};

/// Reference number of slices with records of any contig.
const MANY: i32 = -2;
/// Reference number of records without a contig.
const NONE: i32 = -1;

/// Bits of the CF series.
mod cram_flags {
    pub(super) const HAS_QUALITIES: i32 = 1;
    pub(super) const SAYS_MATE: i32 = 2;
    /// The bases are `*`; features are there for the CIGAR only.
    pub(super) const NO_BASES: i32 = 8;
}

/// Bits of the MF series.
mod mate_flags {
    pub(super) const REVERSE: i32 = 1;
    pub(super) const UNMAPPED: i32 = 2;
}

/// What all containers of a file share.
pub(super) struct Context {
    pub(super) reference: Arc<dyn ReferenceBases>,
    /// Identifiers of the read groups, in the header's order.
    pub(super) read_groups: Vec<Vec<u8>>,
    /// Whether the records come in the order of their places. A slice has then one contig, and positions are differences.
    pub(super) sorted: bool,
    pub(super) coding: Coding,
}

/// Encoded BAM records of one slice, one after the other.
#[derive(Default)]
pub(super) struct Group {
    pub(super) bytes: Vec<u8>,
    pub(super) records: usize,
    /// Records of the file before it.
    pub(super) records_before: u64,
}

/// A finished container.
pub(super) struct Container {
    pub(super) bytes: Vec<u8>,
    /// Its slice; the container's place in the file is still to come.
    pub(super) entry: IndexEntry,
}

/// The fields of a container's header that are not always the same.
#[derive(Default)]
pub(super) struct ContainerHeader {
    pub(super) reference: i32,
    pub(super) start: u32,
    pub(super) span: u32,
    pub(super) records: usize,
    pub(super) records_before: u64,
    pub(super) bases: u64,
    pub(super) blocks: usize,
    /// Bytes from the header to the slice, if there is one.
    pub(super) landmark: Option<usize>,
}

impl ContainerHeader {
    /// Appends the header of a container whose blocks take `content_bytes`.
    pub(super) fn append(&self, content_bytes: usize, output: &mut Vec<u8>) {
        let begin = output.len();
        // A container holds some megabytes.
        output.extend((content_bytes as i32).to_le_bytes());
        put_itf8(self.reference, output);
        put_itf8(self.start as i32, output);
        put_itf8(self.span as i32, output);
        put_count(self.records, output);
        put_ltf8(self.records_before, output);
        put_ltf8(self.bases, output);
        put_count(self.blocks, output);
        put_count(usize::from(self.landmark.is_some()), output);
        self.landmark.into_iter().for_each(|landmark| put_count(landmark, output));
        append_checksum(begin, output);
    }
}

impl Context {
    /// The container of a group.
    pub(super) fn container(&self, group: &Group) -> io::Result<Container> {
        let mut slice = Slice::new(self, group)?;
        let mut rest = &group.bytes[..];
        while let Some((record, behind)) = EncodedRecord::split_first(rest) {
            slice.add(record)?;
            rest = behind;
        }
        if rest.is_empty() { slice.finish(group) } else { Err(not_whole()) }
    }

    fn read_group(&self, id: &[u8]) -> Option<usize> {
        self.read_groups.iter().position(|own| own == id)
    }
}

/// Where the records of a slice lie; 1-based and closed.
#[derive(Clone, Copy)]
struct Place {
    reference: i32,
    start: u32,
    end: u32,
}

impl Place {
    fn of(group: &Group, sorted: bool) -> io::Result<Self> {
        let nowhere = |reference| Self { reference, start: 0, end: 0 };
        if !sorted {
            return Ok(nowhere(MANY));
        }
        let (first, mut rest) = EncodedRecord::split_first(&group.bytes).ok_or_else(not_whole)?;
        let (Some(reference), Some(position)) = (first.reference(), first.position()) else {
            return Ok(nowhere(NONE));
        };
        let mut end = end_of(first, position);
        while let Some((record, behind)) = EncodedRecord::split_first(rest) {
            end = max(end, record.position().map_or(0, |position| end_of(record, position)));
            rest = behind;
        }
        Ok(Self { reference: reference as i32, start: position + 1, end })
    }

    fn span(&self) -> u32 {
        if self.start == 0 { 0 } else { self.end + 1 - self.start }
    }
}

/// 1-based place of the last base that a record covers; a record without a CIGAR counts as one base.
fn end_of(record: EncodedRecord<'_>, position: u32) -> u32 {
    position + record.reference_bases().max(1)
}

struct Slice<'a> {
    context: &'a Context,
    place: Place,
    /// Letters of the reference that the slice covers; of a record's only where records are not sorted.
    reference: Vec<u8>,
    streams: SeriesStreams,
    tags: TagStreams,
    /// 1-based position of the record before.
    position: u32,
    bases: u64,
    read: Vec<u8>,
    /// As much of a reference that nothing is known of as was wanted last.
    unknown: Vec<u8>,
}

impl<'a> Slice<'a> {
    fn new(context: &'a Context, group: &Group) -> io::Result<Self> {
        let place = Place::of(group, context.sorted)?;
        let mut reference = Vec::new();
        if let Ok(contig) = usize::try_from(place.reference) {
            let span = u64::from(place.start - 1)..u64::from(place.end);
            context.reference.append_bases(contig, span, &mut reference);
        }
        Ok(Self {
            context,
            reference,
            streams: SeriesStreams::default(),
            tags: TagStreams::default(),
            position: place.start,
            bases: 0,
            read: Vec::new(),
            unknown: Vec::new(),
            place,
        })
    }

    fn add(&mut self, record: EncodedRecord<'_>) -> io::Result<()> {
        let (_, qualities) = record.bases_and_qualities();
        let has_qualities = qualities.first().is_some_and(|&quality| quality != u8::MAX);
        // Secondary records of a read have its CIGAR, but not its bases.
        let query_bases = record.cigar().filter(|op| op.consumes_query()).map(|op| op.len() as usize).sum();
        let is_bare = qualities.is_empty() && query_bases > 0;
        let has = |what: bool, flag: i32| if what { flag } else { 0 };
        let cram_flags =
            cram_flags::SAYS_MATE | has(has_qualities, cram_flags::HAS_QUALITIES) | has(is_bare, cram_flags::NO_BASES);
        self.bases += qualities.len() as u64;
        self.streams.put_number(Series::Flags, i32::from(record.flags()));
        self.streams.put_number(Series::CramFlags, cram_flags);
        self.add_place(record, if is_bare { query_bases } else { qualities.len() });
        let group = record.text_tag(*b"RG").and_then(|id| self.context.read_group(id));
        self.streams.put_number(Series::ReadGroup, group.map_or(-1, |group| group as i32));
        let name = record.name();
        self.streams.put_string(Series::Name, name.strip_suffix(b"\0").unwrap_or(name));
        self.add_mate(record);
        self.add_tags(record, group.is_some())?;
        self.read.clear();
        if is_bare {
            self.read.resize(query_bases, b'N');
        } else {
            record.append_bases(&mut self.read);
        }
        if record.flags() & flags::UNMAPPED == 0 {
            self.add_alignment(record, is_bare)?;
        } else {
            self.streams.bytes(Series::Bases).extend_from_slice(&self.read);
        }
        if has_qualities {
            self.streams.bytes(Series::Quality).extend_from_slice(qualities);
        }
        Ok(())
    }

    fn add_place(&mut self, record: EncodedRecord<'_>, length: usize) {
        let position = record.position().map_or(0, |position| position + 1);
        if self.place.reference == MANY {
            self.streams.put_number(Series::Reference, record.reference().map_or(NONE, |contig| contig as i32));
        }
        self.streams.put_number(Series::ReadLength, length as i32);
        let before = if self.context.sorted { self.position } else { 0 };
        self.streams.put_number(Series::Position, (position as i32).wrapping_sub(before as i32));
        self.position = position;
    }

    fn add_mate(&mut self, record: EncodedRecord<'_>) {
        let has = |flag: u16, bit: i32| if record.flags() & flag == 0 { 0 } else { bit };
        let mate = has(flags::MATE_REVERSE, mate_flags::REVERSE) | has(flags::MATE_UNMAPPED, mate_flags::UNMAPPED);
        self.streams.put_number(Series::MateFlags, mate);
        let mate_reference = record.mate_reference().map_or(-1, |number| number as i32);
        self.streams.put_number(Series::MateReference, mate_reference);
        self.streams.put_number(Series::MatePosition, record.mate_position() + 1);
        self.streams.put_number(Series::TemplateLength, record.template_length());
    }

    /// All tags but the read group, if that is said by its number.
    fn add_tags(&mut self, record: EncodedRecord<'_>, says_group: bool) -> io::Result<()> {
        for field in record.tags() {
            let field = field.map_err(|_| not_whole())?;
            if !(says_group && field.name == *b"RG") {
                self.tags.put(&field);
            }
        }
        let line = self.tags.end_record();
        self.streams.put_number(Series::TagLine, line);
        Ok(())
    }

    fn add_alignment(&mut self, record: EncodedRecord<'_>, is_bare: bool) -> io::Result<()> {
        let (Some(contig), Some(position)) = (record.reference(), record.position()) else {
            return Err(io::Error::other("a mapped record has no place"));
        };
        let span = u64::from(position)..u64::from(end_of(record, position));
        let reference = if is_bare {
            // No base differs.
            self.unknown.resize((span.end - span.start) as usize, b'N');
            Some(&self.unknown[..])
        } else if self.context.sorted {
            let before = u64::from(self.place.start - 1);
            self.reference.get((span.start - before) as usize..(span.end - before) as usize)
        } else {
            self.reference.clear();
            self.context.reference.append_bases(contig, span, &mut self.reference);
            Some(&self.reference[..])
        };
        let covered = reference
            .is_some_and(|reference| append_features(record.cigar(), &self.read, reference, &mut self.streams));
        if !covered {
            return Err(io::Error::other("an alignment leads beyond its contig or its read"));
        }
        self.streams.put_number(Series::MappingQuality, i32::from(record.mapping_quality()));
        Ok(())
    }

    fn finish(self, group: &Group) -> io::Result<Container> {
        let coding = self.context.coding;
        let mut content = Vec::new();
        let header = compression_header(&self.tags, self.context.sorted);
        append_block(ContentType::CompressionHeader, 0, &header, Packing::Raw, coding, &mut content)?;
        let landmark = content.len();
        let (blocks, ids) = self.blocks()?;
        append_block(ContentType::SliceHeader, 0, &self.header(group, &ids), Packing::Raw, coding, &mut content)?;
        content.extend(blocks);
        let Place { reference, start, .. } = self.place;
        let span = self.place.span();
        let container = ContainerHeader {
            reference,
            start,
            span,
            records: group.records,
            records_before: group.records_before,
            bases: self.bases,
            // Those of the slice, its header and the compression header.
            blocks: ids.len() + 2,
            landmark: Some(landmark),
        };
        let mut bytes = Vec::new();
        container.append(content.len(), &mut bytes);
        let entry = IndexEntry { reference, start, span, container: 0, landmark, bytes: content.len() - landmark };
        bytes.append(&mut content);
        Ok(Container { bytes, entry })
    }

    /// The blocks of the slice and their content ids. The core block, for values in bits, is always empty.
    fn blocks(&self) -> io::Result<(Vec<u8>, Vec<i32>)> {
        let coding = self.context.coding;
        let (mut blocks, mut ids) = (Vec::new(), vec![0]);
        append_block(ContentType::Core, 0, b"", Packing::Raw, coding, &mut blocks)?;
        let series = Series::ALL.iter().map(|&(s, _)| (s.content_id(), self.streams.get(s), s.packing()));
        let tags = self.tags.streams().map(|(id, stream)| (id, stream, Packing::Shortest));
        for (id, stream, packing) in series.chain(tags).filter(|(_, stream, _)| !stream.is_empty()) {
            append_block(ContentType::External, id, stream, packing, coding, &mut blocks)?;
            ids.push(id);
        }
        Ok((blocks, ids))
    }

    fn header(&self, group: &Group, ids: &[i32]) -> Vec<u8> {
        /// Content id of the block with reference bases: there is none.
        const NO_EMBEDDED_REFERENCE: i32 = -1;
        let mut header = Vec::new();
        put_itf8(self.place.reference, &mut header);
        put_itf8(self.place.start as i32, &mut header);
        put_itf8(self.place.span() as i32, &mut header);
        put_count(group.records, &mut header);
        put_ltf8(group.records_before, &mut header);
        put_count(ids.len(), &mut header);
        put_count(ids.len(), &mut header);
        ids.iter().for_each(|&id| put_itf8(id, &mut header));
        put_itf8(NO_EMBEDDED_REFERENCE, &mut header);
        let digest: [u8; 16] = if self.place.reference >= 0 { Md5::digest(&self.reference).into() } else { [0; 16] };
        header.extend(digest);
        header
    }
}

fn not_whole() -> io::Error {
    io::Error::other("an encoded record is not whole")
}
