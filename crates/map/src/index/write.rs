//! Writing sections one after the other, with their checksums; the header comes last, in the space left for it.
//!
//! Bytes go to the file in large pieces that start at multiples of their size: where Linux's page cache can hold a file in huge pages
//! (ext4 since 6.16, XFS since 5.18), it then does, and runs that map the fresh index share them.

use std::io::{Seek, SeekFrom, Write};

use xxhash_rust::xxh3::Xxh3;

use super::checksum::SectionDigest;
use super::format::{FileHeader, MAGIC, Section, SectionEntry, VERSION, align};

/// Bytes that are written at once: two huge pages of x86-64.
const WRITE_BYTES: usize = 4 << 20;

/// Writes an index file.
pub(super) struct SectionWriter<W> {
    output: W,
    /// Bytes so far, those that wait among them.
    offset: u64,
    /// Bytes that wait to be written, fewer than [`WRITE_BYTES`].
    waiting: Vec<u8>,
    entries: Vec<SectionEntry>,
}

impl<W: Write + Seek> SectionWriter<W> {
    /// Leaves room for the header.
    pub fn new(output: W) -> std::io::Result<Self> {
        let mut writer = Self { output, offset: 0, waiting: Vec::with_capacity(WRITE_BYTES), entries: Vec::new() };
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
        Ok(OpenSection { writer: self, section, start, digest: SectionDigest::default() })
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
        self.output.write_all(&self.waiting)?;
        self.output.seek(SeekFrom::Start(0))?;
        self.output.write_all(bytemuck::bytes_of(&header))?;
        self.output.write_all(bytemuck::cast_slice(&self.entries))?;
        Ok((self.output, self.offset))
    }

    fn pad_to(&mut self, offset: u64) -> std::io::Result<()> {
        let zeros = vec![0u8; (offset - self.offset) as usize];
        self.put(&zeros)
    }

    fn put(&mut self, mut bytes: &[u8]) -> std::io::Result<()> {
        self.offset += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(WRITE_BYTES - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            if self.waiting.len() == WRITE_BYTES {
                self.output.write_all(&self.waiting)?;
                self.waiting.clear();
            }
            bytes = later;
        }
        Ok(())
    }
}

/// A section being written.
pub(super) struct OpenSection<'a, W> {
    writer: &'a mut SectionWriter<W>,
    section: Section,
    start: u64,
    digest: SectionDigest,
}

impl<W: Write + Seek> OpenSection<'_, W> {
    /// Appends bytes.
    pub fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.digest.update(bytes);
        self.writer.put(bytes)
    }

    /// Notes the section's place and checksum, and pads to the next one.
    pub fn end(self) -> std::io::Result<()> {
        self.writer.entries.push(SectionEntry {
            id: self.section as u32,
            reserved: 0,
            offset: self.start,
            bytes: self.writer.offset - self.start,
            checksum: self.digest.finish(),
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

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn sections_start_on_pages_and_hold_what_was_written() {
        let large: Vec<u8> = (0..2 * WRITE_BYTES + 77).map(|i| (i * i / 5) as u8).collect();
        let mut writer = SectionWriter::new(Cursor::new(Vec::new())).unwrap();
        writer.section(Section::Parameters, b"small").unwrap();
        writer.section(Section::Names, b"").unwrap();
        let mut section = writer.begin(Section::Seeds).unwrap();
        large.chunks(1_000_003).for_each(|part| section.write_all(part).unwrap());
        section.end().unwrap();
        writer.section(Section::Buckets, &large[..9000]).unwrap();
        let (file, bytes) = writer.finish().unwrap();
        let file = file.into_inner();
        assert_eq!(file.len() as u64, bytes);
        for (number, content) in [&b"small"[..], b"", &large, &large[..9000]].into_iter().enumerate() {
            let at = size_of::<FileHeader>() + number * size_of::<SectionEntry>();
            let entry: SectionEntry = bytemuck::pod_read_unaligned(&file[at..at + size_of::<SectionEntry>()]);
            assert_eq!((entry.offset % 4096, entry.bytes), (0, content.len() as u64));
            assert!(&file[entry.offset as usize..][..content.len()] == content, "section {number}");
        }
    }
}
