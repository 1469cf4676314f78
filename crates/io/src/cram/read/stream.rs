//! A CRAM file as the bytes of the BAM file with its records.

use std::io::{self, Read};

use noodles::sam;

use super::{
    block::Block,
    bytes::Bytes,
    codecs::Room,
    compression_header::CompressionHeader,
    container::{Container, read_definition},
    flaw::{Decoded, Flaw, damaged},
    records::{FileContext, SliceRecords},
    reference::{Contigs, CramReference},
    slice::{SliceBlocks, SliceHeader},
};
use crate::{bam_header, cram::block::ContentType};

/// Bytes that the blocks of a container may hold.
const MOST_CONTENT_BYTES: usize = 256 << 20;

/// Bytes that the records of a container may take; far above what reads of any length here need.
const MOST_RECORDS_BYTES: usize = 256 << 20;

/// Whether a file that starts so is CRAM.
pub(crate) fn is_cram(head: &[u8]) -> bool {
    head == b"CRAM"
}

/// Decodes a CRAM file, a container at a time, to uncompressed BAM: header and records.
pub(crate) struct CramStream<R> {
    input: R,
    reference: Option<CramReference>,
    /// Known once the header has been read.
    context: Option<FileContext>,
    decoded: Vec<u8>,
    /// Bytes of `decoded` that have been handed out.
    taken: usize,
    at_end: bool,
    has_failed: bool,
}

impl<R: Read> CramStream<R> {
    /// Of a file from its first byte on. Without a reference only records that need none can be read.
    pub(crate) fn new(input: R, reference: Option<CramReference>) -> Self {
        Self { input, reference, context: None, decoded: Vec::new(), taken: 0, at_end: false, has_failed: false }
    }

    /// Decodes the next container, or the header.
    fn advance(&mut self) -> io::Result<()> {
        self.decoded.clear();
        self.taken = 0;
        let Some(context) = &self.context else {
            self.context = Some(self.read_header()?);
            return Ok(());
        };
        let container = Container::read(&mut self.input)?;
        if container.is_end {
            self.at_end = true;
            if self.input.read(&mut [0])? > 0 {
                return Err(Flaw::Damaged("bytes follow the end of a CRAM file").into());
            }
            return Ok(());
        }
        append_records(&container, context, &mut self.decoded)?;
        Ok(())
    }

    fn read_header(&mut self) -> io::Result<FileContext> {
        read_definition(&mut self.input)?;
        let container = Container::read(&mut self.input)?;
        // Room to change the header may follow.
        let block = Block::read_as(&mut Bytes(&container.body), ContentType::FileHeader)?;
        let content = block.content(&mut Room(MOST_CONTENT_BYTES))?;
        let mut content = Bytes(&content);
        let text_bytes = content.u32()? as usize;
        let text = content.take(text_bytes)?;
        let header = bam_header::parse(text)?;
        append_bam_header(text, &header, &mut self.decoded);
        let read_groups = header.read_groups().keys().map(|id| id.to_vec()).collect();
        Ok(FileContext { contigs: Contigs::new(&header, self.reference.take()), read_groups })
    }
}

impl<R: Read> Read for CramStream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.decoded.len() && !self.at_end && !buffer.is_empty() {
            if self.has_failed {
                return Err(io::Error::other("an earlier read has failed"));
            }
            self.advance().inspect_err(|_| self.has_failed = true)?;
        }
        let count = (&self.decoded[self.taken..]).read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

fn append_bam_header(text: &[u8], header: &sam::Header, output: &mut Vec<u8>) {
    let put = |number: usize, output: &mut Vec<u8>| output.extend((number as u32).to_le_bytes());
    output.extend_from_slice(bam_header::MAGIC);
    put(text.len(), output);
    output.extend_from_slice(text);
    put(header.reference_sequences().len(), output);
    for (name, fields) in header.reference_sequences() {
        put(name.len() + 1, output);
        output.extend_from_slice(name);
        output.push(0);
        put(usize::from(fields.length()), output);
    }
}

/// Appends the records of a container.
fn append_records(container: &Container, file: &FileContext, output: &mut Vec<u8>) -> Decoded<()> {
    if container.records == 0 {
        return Ok(());
    }
    let mut room = Room(MOST_CONTENT_BYTES);
    let mut input = Bytes(&container.body);
    let block = Block::read_as(&mut input, ContentType::CompressionHeader)?;
    let header = CompressionHeader::read(&block.content(&mut room)?)?;
    let (mut records, mut records_room) = (0, Room(MOST_RECORDS_BYTES));
    while !input.is_empty() {
        let block = Block::read_as(&mut input, ContentType::SliceHeader)?;
        let slice = SliceHeader::read(&block.content(&mut room)?)?;
        let mut blocks = SliceBlocks::read(&mut input, &slice, &header, &mut room)?;
        let reference = blocks.reference(&slice, &header, &file.contigs)?;
        let sources = blocks.sources();
        let records_of = SliceRecords::new(file, &header, &slice, sources, reference.as_deref(), &mut records_room);
        records_of.append_to(output)?;
        records += slice.records;
    }
    if records == container.records {
        Ok(())
    } else {
        damaged("a container has another number of records than it says")
    }
}
