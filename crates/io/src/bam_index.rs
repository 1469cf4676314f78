//! The index of a BAM file, made while the file is written.
//!
//! An index names records by the place of their BGZF block in the file, which is known only after other threads have compressed
//! it. So the writer notes where each record lies in the uncompressed stream, is told where blocks start once they are written,
//! and a record is indexed when the blocks it lies in are known. Neither threads nor timing can show in the index. It is a BAI
//! file, or a CSI file if a contig is longer than the 2^29 bases that BAI can address.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use noodles::{bam, bam::bai, bgzf::VirtualPosition, core::Position, csi};

use crate::{AtomicFile, EncodedRecord, Header, bgzf_output::BlockStart};

/// Longest contig of a BAI file, in bases.
const MAX_BAI_LENGTH: u64 = 1 << 29;

/// The path of the index of a BAM file under `header`: `.bai` or `.csi` is appended.
#[must_use]
pub fn bam_index_path(bam: &Path, header: &Header) -> PathBuf {
    let mut path = bam.as_os_str().to_owned();
    path.push(if needs_csi(header) { ".csi" } else { ".bai" });
    path.into()
}

fn needs_csi(header: &Header) -> bool {
    longest_contig(header) > MAX_BAI_LENGTH
}

fn longest_contig(header: &Header) -> u64 {
    header.references.iter().map(|reference| reference.length).max().unwrap_or(1)
}

/// A record whose blocks are not all known yet. Its place is in the uncompressed stream.
struct Pending {
    start: u64,
    end: u64,
    context: Option<(usize, Position, Position, bool)>,
}

/// Makes the index.
pub(crate) struct BamIndexer {
    indexer: bam::index::Indexer,
    starts: Receiver<BlockStart>,
    known: VecDeque<BlockStart>,
    pending: VecDeque<Pending>,
    /// Bytes of the uncompressed stream so far.
    written: u64,
    references: usize,
}

impl BamIndexer {
    /// An indexer, and where it must be told of the blocks of the file.
    pub(crate) fn new(header: &Header, header_bytes: u64) -> io::Result<(Self, Sender<BlockStart>)> {
        let longest = Position::new(longest_contig(header) as usize).unwrap_or(Position::MIN);
        let indexer = bam::index::Indexer::builder().set_max_position_hint(longest).build();
        let indexer = indexer.map_err(io::Error::other)?;
        let (told, starts) = unbounded();
        let known = VecDeque::from([BlockStart::default()]);
        let references = header.references.len();
        Ok((Self { indexer, starts, known, pending: VecDeque::new(), written: header_bytes, references }, told))
    }

    /// Takes note of whole records that are being written.
    pub(crate) fn add(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let not_whole = || io::Error::other("a record is not whole");
            let (record, rest) = EncodedRecord::split_first(bytes).ok_or_else(not_whole)?;
            let end = self.written + record.bytes().len() as u64;
            self.pending.push_back(Pending { start: self.written, end, context: context(record) });
            self.written = end;
            bytes = rest;
        }
        self.index_known()
    }

    /// Indexes the records whose blocks are known.
    fn index_known(&mut self) -> io::Result<()> {
        self.known.extend(self.starts.try_iter());
        let known_to = self.known.back().map_or(0, |start| start.uncompressed);
        while self.pending.front().is_some_and(|record| record.end <= known_to)
            && let Some(record) = self.pending.pop_front()
        {
            while self.known.get(1).is_some_and(|next| next.uncompressed <= record.start) {
                self.known.pop_front();
            }
            let [start, end] = [record.start, record.end].map(|at| virtual_position(&self.known, at));
            let chunk = csi::binning_index::index::reference_sequence::bin::Chunk::new(start?, end?);
            self.indexer.add_record(record.context, chunk).map_err(io::Error::other)?;
        }
        Ok(())
    }

    /// Writes the index of a file of which all blocks are known; the index's own `file` then awaits its commit.
    pub(crate) fn write(mut self, file: &mut AtomicFile) -> io::Result<()> {
        self.index_known()?;
        if !self.pending.is_empty() {
            return Err(io::Error::other("the blocks of some records are not known"));
        }
        match self.indexer.build(self.references) {
            bam::Index::Bai(index) => bai::io::Writer::new(file).write_index(&index),
            bam::Index::Csi(index) => {
                let mut writer = csi::io::Writer::new(file);
                writer.write_index(&index)?;
                writer.into_inner().finish().map(|_| ())
            }
        }
    }
}

/// Contig, first and last base, and whether the read is mapped; none for a record without a place.
fn context(record: EncodedRecord<'_>) -> Option<(usize, Position, Position, bool)> {
    let (reference, first) = (record.reference()?, record.position()? as usize);
    let last = first + (record.reference_bases() as usize).saturating_sub(1);
    let is_mapped = record.flags() & crate::flags::UNMAPPED == 0;
    Some((reference, Position::new(first + 1)?, Position::new(last + 1)?, is_mapped))
}

/// The virtual position of a place in the uncompressed stream that the known blocks reach.
fn virtual_position(known: &VecDeque<BlockStart>, at: u64) -> io::Result<VirtualPosition> {
    let next = known.partition_point(|start| start.uncompressed <= at);
    let block = known.get(next.wrapping_sub(1)).copied();
    let position = block.and_then(|block| {
        let within = u16::try_from(at - block.uncompressed).ok()?;
        VirtualPosition::try_from((block.compressed, within)).ok()
    });
    position.ok_or_else(|| io::Error::other("a block is out of an index's reach"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_their_block() {
        let start = |compressed, uncompressed| BlockStart { compressed, uncompressed };
        let known = VecDeque::from([start(0, 0), start(39, 100), start(70, 300)]);
        let position = |at| {
            let position = virtual_position(&known, at).unwrap();
            (position.compressed(), position.uncompressed())
        };
        assert_eq!([0, 99, 100, 299, 300].map(position), [(0, 0), (0, 99), (39, 0), (39, 199), (70, 0)]);
        assert!(virtual_position(&known, 300 + 70_000).is_err());
    }
}
