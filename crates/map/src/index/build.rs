//! Building an index: read and pack the reference, gather its seeds, sort and write them.
//!
//! Peak memory is the packed reference, 12 bytes a seed and 4 a bucket, directories, and up to three of the largest contigs as text.

use std::path::Path;
use std::thread::Builder;

use svala_io::AtomicFile;

use super::directories::{Directory, FREQUENT, directories_of};
use super::format::{ContigRecord, Parameters, Section};
use super::packing::Packed;
use super::partitions::{Partition, Partitions, SortedPartition};
use super::places::Places;
use super::reference::{Contig, Reference, ambiguous_blocks};
use super::seeds::EntryLayout;
use super::write::{OpenSection, SectionWriter};
use super::{layout, source};
use crate::error::{Error, Result};
use crate::meter::{IndexMeter, IndexStage};
use crate::syncmer::{FLANK, K, S};

/// Partitions that a thread sorts while others are written.
const SORTED_AT_ONCE: usize = 4;

/// How to build an index.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions<'a> {
    /// Threads that gather and sort seeds.
    pub threads: usize,
    /// Shows how far it is.
    pub meter: &'a IndexMeter,
    /// Bits that positions have at the least, of 40: for tests of what large references need.
    pub position_bits: Option<u32>,
}

/// What was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildReport {
    /// Names of the contigs.
    pub contigs: Vec<Vec<u8>>,
    /// Bases of all contigs.
    pub bases: u64,
    /// Seeds in the table.
    pub seeds: u64,
    /// Size of the file in bytes.
    pub file_bytes: u64,
}

/// Reads the FASTA file `fasta` and writes its index to `output`, which appears only when it is complete.
///
/// # Errors
///
/// If the input is no FASTA file, is cut short, has a contig of more than 2^31 - 1 bases or 2^40 bases with padding, or a file
/// can't be read or written.
pub fn build(fasta: &Path, output: &Path, options: &BuildOptions<'_>) -> Result<BuildReport> {
    let packed = Packed::read(fasta, options.meter)?;
    let bits = ambiguous_blocks(&packed.bases.ambiguous, packed.bases.blocks.len());
    let reference = Reference {
        contigs: &packed.contigs,
        places: &Places::new(&packed.contigs),
        ambiguous: &packed.bases.ambiguous,
        ambiguous_blocks: &bits,
        alternates: &[],
        blocks: &packed.bases.blocks,
    };
    let bases = packed.contigs.iter().map(|c| c.length).sum();
    let mut layout = EntryLayout::new(packed.bases.length, bases);
    layout.position_bits = layout.position_bits.max(options.position_bits.unwrap_or(0));
    let partitions = Partitions::gather(&reference, layout, options.threads.max(1), options.meter);
    let mut parameters = Parameters {
        k: K as u32,
        s: S as u32,
        flank: FLANK as u32,
        bucket_bits: layout.bucket_bits,
        position_bits: layout.position_bits,
        reserved: 0,
        padded_bases: packed.bases.length,
        seeds: partitions.seeds(),
        source_bytes: 0,
        source_digest: 0,
        source_modified_ns: 0,
    };
    source::record(fasta, &mut parameters).map_err(|e| Error::file(fasta, e))?;
    let file = AtomicFile::create(output)?;
    let (file, file_bytes) =
        write(file, &parameters, &packed, partitions, options).map_err(|e| Error::file(output, e))?;
    file.commit()?;
    let contigs = packed.contigs.into_iter().map(|contig| contig.name).collect();
    Ok(BuildReport { contigs, bases, seeds: parameters.seeds, file_bytes })
}

fn write(
    file: AtomicFile,
    parameters: &Parameters,
    packed: &Packed,
    partitions: Partitions,
    options: &BuildOptions<'_>,
) -> std::io::Result<(AtomicFile, u64)> {
    let (contigs, names) = contig_records(&packed.contigs)?;
    let mut writer = SectionWriter::new(file)?;
    writer.section(Section::Parameters, bytemuck::bytes_of(parameters))?;
    writer.section(Section::Contigs, bytemuck::cast_slice(&contigs))?;
    writer.section(Section::Names, &names)?;
    writer.section(Section::Ambiguous, bytemuck::cast_slice(&packed.bases.ambiguous))?;
    writer.section(Section::Sequence, bytemuck::cast_slice(&packed.bases.blocks))?;
    let mut seeds = SeedsWriter::new(writer.begin(Section::Seeds)?, layout(parameters));
    seeds.write_all(partitions, options)?;
    let (buckets, directories) = seeds.end()?;
    writer.section(Section::Buckets, bytemuck::cast_slice(&buckets))?;
    writer.section(Section::Directories, bytemuck::cast_slice(&directories))?;
    writer.finish()
}

/// The stored form of contigs, and their names and descriptions.
fn contig_records(contigs: &[Contig]) -> std::io::Result<(Vec<ContigRecord>, Vec<u8>)> {
    let mut names = Vec::new();
    let mut append = |text: &[u8]| {
        let place = u32::try_from(names.len()).ok().zip(u32::try_from(text.len()).ok());
        names.extend_from_slice(text);
        place.ok_or_else(|| std::io::Error::other("names and descriptions of contigs have more than 4 GiB"))
    };
    let mut records = Vec::with_capacity(contigs.len());
    for contig in contigs {
        let (name_offset, name_bytes) = append(&contig.name)?;
        let (description_offset, description_bytes) = append(&contig.description)?;
        records.push(ContigRecord {
            start: contig.start,
            length: contig.length,
            md5: contig.md5,
            name_offset,
            name_bytes,
            description_offset,
            description_bytes,
        });
    }
    Ok((records, names))
}

/// Writes partitions one after the other, notes where their buckets start, and makes the directories of frequent seeds.
struct SeedsWriter<'a> {
    section: OpenSection<'a, AtomicFile>,
    layout: EntryLayout,
    buckets: Vec<u32>,
    directories: Vec<Directory>,
    seeds: u64,
}

impl<'a> SeedsWriter<'a> {
    fn new(section: OpenSection<'a, AtomicFile>, layout: EntryLayout) -> Self {
        let buckets = Vec::with_capacity((1 << layout.bucket_bits) + 1);
        Self { section, layout, buckets, directories: Vec::new(), seeds: 0 }
    }

    /// Threads sort some partitions while this one writes those before.
    fn write_all(&mut self, partitions: Partitions, options: &BuildOptions<'_>) -> std::io::Result<()> {
        let (threads, bits) = (options.threads.max(1), partitions.bucket_bits);
        let all = partitions.partitions.len() as u64;
        let mut waiting = partitions.partitions.into_iter();
        let mut sorted: Vec<SortedPartition> = Vec::new();
        loop {
            let groups: Vec<Vec<Partition>> =
                (0..threads).map(|_| waiting.by_ref().take(SORTED_AT_ONCE).collect()).collect();
            let is_last = groups[0].is_empty();
            sorted = std::thread::scope(|scope| {
                let sort = |group: Vec<Partition>| group.into_iter().map(|p| p.sorted(bits)).collect::<Vec<_>>();
                let groups = groups.into_iter().filter(|group| !group.is_empty());
                let start = |group| Builder::new().spawn_scoped(scope, move || sort(group));
                let sorting = groups.map(start).collect::<std::io::Result<Vec<_>>>()?;
                for partition in std::mem::take(&mut sorted) {
                    self.write(&partition)?;
                    options.meter.advance(IndexStage::Writing, 1, all);
                }
                let joined = sorting.into_iter().map(|thread| thread.join());
                let joined = joined.map(|group| group.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
                Ok::<_, std::io::Error>(joined.flatten().collect())
            })?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn write(&mut self, partition: &SortedPartition) -> std::io::Result<()> {
        let mut rest = &partition.entries[..];
        for &size in &partition.sizes {
            if u32::try_from(size).is_err() {
                return Err(std::io::Error::other("a seed occurs more than 2^32 times"));
            }
            let bucket;
            (bucket, rest) = rest.split_at(size);
            if size >= FREQUENT {
                self.directories.extend(directories_of(self.buckets.len(), bucket, self.seeds, self.layout));
            }
            self.buckets.push(self.seeds as u32);
            self.seeds += size as u64;
        }
        self.section.write_all(bytemuck::cast_slice(&partition.entries))
    }

    /// Ends the section and returns the first seed of each bucket, and one more, and the directories.
    fn end(mut self) -> std::io::Result<(Vec<u32>, Vec<Directory>)> {
        self.buckets.push(self.seeds as u32);
        self.section.end()?;
        Ok((self.buckets, self.directories))
    }
}
