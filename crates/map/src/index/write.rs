//! Writing sections one after the other, with their checksums; the header comes last, in the space left for it.

use std::io::{Seek, SeekFrom, Write};

use xxhash_rust::xxh3::Xxh3;

use super::format::{FileHeader, MAGIC, Section, SectionEntry, VERSION, align};

/// Writes an index file.
pub(super) struct SectionWriter<W> {
    output: W,
    offset: u64,
    entries: Vec<SectionEntry>,
}

impl<W: Write + Seek> SectionWriter<W> {
    /// Leaves room for the header.
    pub fn new(output: W) -> std::io::Result<Self> {
        let mut writer = Self { output, offset: 0, entries: Vec::new() };
        let head = size_of::<FileHeader>() + Section::ALL.len() * size_of::<SectionEntry>();
        writer.pad_to(align(head as u64))?;
        Ok(writer)
    }

    /// Writes a whole section.
    pub fn section(&mut self, section: Section, bytes: &[u8]) -> std::io::Result<()> {
        let mut part = self.begin(section)?;
        part.write_all(bytes)?;
        part.end()
    }

    /// Starts a section that is written piece by piece.
    pub fn begin(&mut self, section: Section) -> std::io::Result<OpenSection<'_, W>> {
        let start = self.offset;
        Ok(OpenSection { writer: self, section, start, digest: Xxh3::new() })
    }

    /// Writes the header and hands back the output with its length in bytes.
    pub fn finish(mut self) -> std::io::Result<(W, u64)> {
        let mut header = FileHeader {
            magic: MAGIC,
            version: VERSION,
            sections: self.entries.len() as u32,
            file_bytes: self.offset,
            checksum: 0,
        };
        header.checksum = header_checksum(&header, &self.entries);
        self.output.seek(SeekFrom::Start(0))?;
        self.output.write_all(bytemuck::bytes_of(&header))?;
        self.output.write_all(bytemuck::cast_slice(&self.entries))?;
        Ok((self.output, self.offset))
    }

    fn pad_to(&mut self, offset: u64) -> std::io::Result<()> {
        let zeros = vec![0u8; (offset - self.offset) as usize];
        self.output.write_all(&zeros)?;
        self.offset = offset;
        Ok(())
    }
}

/// A section being written.
pub(super) struct OpenSection<'a, W> {
    writer: &'a mut SectionWriter<W>,
    section: Section,
    start: u64,
    digest: Xxh3,
}

impl<W: Write + Seek> OpenSection<'_, W> {
    /// Appends bytes.
    pub fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.digest.update(bytes);
        self.writer.offset += bytes.len() as u64;
        self.writer.output.write_all(bytes)
    }

    /// Notes the section's place and checksum, and pads to the next one.
    pub fn end(self) -> std::io::Result<()> {
        self.writer.entries.push(SectionEntry {
            id: self.section as u32,
            reserved: 0,
            offset: self.start,
            bytes: self.writer.offset - self.start,
            checksum: self.digest.digest(),
        });
        self.writer.pad_to(align(self.writer.offset))
    }
}

/// Checksum of a header, its own field taken as zero, and the section table.
pub(super) fn header_checksum(header: &FileHeader, entries: &[SectionEntry]) -> u64 {
    let mut digest = Xxh3::new();
    digest.update(bytemuck::bytes_of(&FileHeader { checksum: 0, ..*header }));
    digest.update(bytemuck::cast_slice(entries));
    digest.digest()
}
