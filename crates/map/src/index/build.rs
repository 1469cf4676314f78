//! Building an index: read, pack, count seeds per bucket, place them, sort each bucket, write.
//!
//! Threads count and place seeds of pieces of contigs in any order; sorting each bucket afterwards makes the result the same
//! whatever they did. Peak memory is the finished index plus the largest contig as text.

use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use md5::{Digest, Md5};
use svala_io::{AtomicFile, Contig as FastaContig, FastaReader};

use super::format::{ContigRecord, PADDING, Parameters, Section};
use super::reference::{Contig, Reference, ReferenceBuilder, ambiguous_blocks};
use super::seeds::{bucket_bits_for, bucket_of, pack_entry};
use super::source;
use super::write::SectionWriter;
use crate::error::{Error, Result};
use crate::sequence::Planes;
use crate::syncmer::{FLANK, Flanks, K, S, Seed, Spacing, flanks, for_each_seed};

/// Longest contig that SAM and BAM can describe, in bases.
const MAX_CONTIG: u64 = (1 << 31) - 1;
/// Bases of a contig that a thread takes at a time.
const PIECE: u64 = 1 << 20;

/// What was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildReport {
    /// Contigs.
    pub contigs: usize,
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
/// If the input is no FASTA file, is cut short or has more than 2^32 - 1 bases with padding, or a file can't be read or written.
pub fn build(fasta: &Path, output: &Path, threads: usize) -> Result<BuildReport> {
    let loaded = load_fasta(fasta)?;
    let bits = ambiguous_blocks(&loaded.packed.ambiguous, loaded.packed.blocks.len());
    let reference = Reference {
        contigs: &loaded.contigs,
        ambiguous: &loaded.packed.ambiguous,
        ambiguous_blocks: &bits,
        alternates: &[],
        blocks: &loaded.packed.blocks,
    };
    let bases = loaded.contigs.iter().map(|c| c.length).sum();
    let table = build_table(&reference, bucket_bits_for(bases), threads.max(1));
    let mut parameters = Parameters {
        k: K as u32,
        s: S as u32,
        flank: FLANK as u32,
        bucket_bits: table.bucket_bits,
        padded_bases: loaded.packed.length,
        seeds: table.entries.len() as u64,
        source_bytes: 0,
        source_digest: 0,
        source_modified_ns: 0,
    };
    source::record(fasta, &mut parameters).map_err(|e| Error::file(fasta, e))?;
    let file_bytes = write(output, &parameters, &loaded, table)?;
    Ok(BuildReport { contigs: loaded.contigs.len(), bases, seeds: parameters.seeds, file_bytes })
}

/// A FASTA file in memory.
struct Loaded {
    contigs: Vec<Contig>,
    packed: ReferenceBuilder,
}

fn load_fasta(path: &Path) -> Result<Loaded> {
    let mut reader = FastaReader::open(path)?;
    let mut packed = ReferenceBuilder::default();
    packed.pad(PADDING);
    let mut contigs = Vec::new();
    let mut contig = FastaContig::default();
    while reader.read_contig(&mut contig)? {
        let bases = contig.sequence.len() as u64;
        if bases > MAX_CONTIG {
            let name = String::from_utf8_lossy(&contig.name).into_owned();
            return Err(Error::ContigTooLong { path: path.to_owned(), name, bases, limit: MAX_CONTIG });
        }
        contig.sequence.make_ascii_uppercase();
        let start = packed.push(&contig.sequence);
        packed.pad(PADDING);
        if packed.length > u64::from(u32::MAX) {
            return Err(Error::ReferenceTooLong {
                path: path.to_owned(),
                bases: packed.length,
                limit: u64::from(u32::MAX),
            });
        }
        contigs.push(Contig {
            name: contig.name.clone(),
            description: contig.description.clone(),
            start,
            length: contig.sequence.len() as u64,
            md5: Md5::digest(&contig.sequence).into(),
        });
    }
    // `window` reads the block behind the one it starts in.
    packed.blocks.extend([Planes::default(); 2]);
    Ok(Loaded { contigs, packed })
}

/// The seed table under construction: filled by threads, sorted when written.
struct Table {
    bucket_bits: u32,
    buckets: Vec<u32>,
    entries: Vec<AtomicU64>,
}

fn build_table(reference: &Reference<'_>, bucket_bits: u32, threads: usize) -> Table {
    let next: Vec<AtomicU32> = (0..1usize << bucket_bits).map(|_| AtomicU32::new(0)).collect();
    for_all_seeds(reference, threads, |seed, _, _| {
        next[bucket_of(seed.hash, bucket_bits)].fetch_add(1, Ordering::Relaxed);
    });
    let mut total = 0;
    let mut buckets = Vec::with_capacity(next.len() + 1);
    for count in &next {
        buckets.push(total);
        total += count.swap(total, Ordering::Relaxed);
    }
    buckets.push(total);
    let entries: Vec<AtomicU64> = (0..total).map(|_| AtomicU64::new(0)).collect();
    for_all_seeds(reference, threads, |seed, flanks, position| {
        let slot = next[bucket_of(seed.hash, bucket_bits)].fetch_add(1, Ordering::Relaxed);
        entries[slot as usize].store(pack_entry(seed, flanks(), position, bucket_bits), Ordering::Relaxed);
    });
    Table { bucket_bits, buckets, entries }
}

/// Calls `found` with every seed of the reference, what gives its flanks, and its padded position, from several threads, in no order.
fn for_all_seeds(reference: &Reference<'_>, threads: usize, found: impl Fn(&Seed, &dyn Fn() -> Flanks, u32) + Sync) {
    let pieces: Vec<(usize, u64)> = reference
        .contigs
        .iter()
        .enumerate()
        .flat_map(|(i, contig)| (0..contig.length).step_by(PIECE as usize).map(move |start| (i, start)))
        .collect();
    let taken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut codes = Vec::new();
                while let Some(&(contig, start)) = pieces.get(taken.fetch_add(1, Ordering::Relaxed)) {
                    seeds_of_piece(reference, &reference.contigs[contig], start, &mut codes, &found);
                }
            });
        }
    });
}

/// The seeds of one contig that start at `start..start + PIECE`, with the context they need on either side.
fn seeds_of_piece(
    reference: &Reference<'_>,
    contig: &Contig,
    start: u64,
    codes: &mut Vec<u8>,
    found: &(impl Fn(&Seed, &dyn Fn() -> Flanks, u32) + Sync),
) {
    let end = (start + PIECE).min(contig.length);
    let from = start.saturating_sub(FLANK as u64);
    let to = (end + (K - 1 + FLANK) as u64).min(contig.length);
    codes.clear();
    reference.decode_into(contig.start + from..contig.start + to, codes);
    for_each_seed(codes, Spacing::Any, |seed| {
        let position = from + u64::from(seed.position);
        if (start..end).contains(&position) {
            found(&seed, &|| flanks(codes, &seed), (contig.start + position) as u32);
        }
    });
}

fn write(output: &Path, parameters: &Parameters, loaded: &Loaded, table: Table) -> Result<u64> {
    let mut names = Vec::new();
    let mut append = |text: &[u8]| {
        let offset = names.len() as u32;
        names.extend_from_slice(text);
        (offset, text.len() as u32)
    };
    let contigs: Vec<ContigRecord> = loaded
        .contigs
        .iter()
        .map(|contig| {
            let (name_offset, name_bytes) = append(&contig.name);
            let (description_offset, description_bytes) = append(&contig.description);
            ContigRecord {
                start: contig.start,
                length: contig.length,
                md5: contig.md5,
                name_offset,
                name_bytes,
                description_offset,
                description_bytes,
            }
        })
        .collect();
    let file = AtomicFile::create(output)?;
    let mut writer = SectionWriter::new(file).map_err(|e| Error::file(output, e))?;
    let mut sections = || -> std::io::Result<()> {
        writer.section(Section::Parameters, bytemuck::bytes_of(parameters))?;
        writer.section(Section::Contigs, bytemuck::cast_slice(&contigs))?;
        writer.section(Section::Names, &names)?;
        writer.section(Section::Ambiguous, bytemuck::cast_slice(&loaded.packed.ambiguous))?;
        writer.section(Section::Sequence, bytemuck::cast_slice(&loaded.packed.blocks))?;
        writer.section(Section::Buckets, bytemuck::cast_slice(&table.buckets))?;
        write_entries(&mut writer, &table)
    };
    sections().map_err(|e| Error::file(output, e))?;
    let (file, bytes) = writer.finish().map_err(|e| Error::file(output, e))?;
    file.commit()?;
    Ok(bytes)
}

/// Sorts each bucket on its way out.
fn write_entries(writer: &mut SectionWriter<AtomicFile>, table: &Table) -> std::io::Result<()> {
    let mut section = writer.begin(Section::Seeds)?;
    let mut buffer: Vec<u64> = Vec::with_capacity(1 << 16);
    for range in table.buckets.windows(2) {
        let first = buffer.len();
        let bucket = &table.entries[range[0] as usize..range[1] as usize];
        buffer.extend(bucket.iter().map(|entry| entry.load(Ordering::Relaxed)));
        buffer[first..].sort_unstable();
        if buffer.len() >= 1 << 15 {
            section.write_all(bytemuck::cast_slice(&buffer))?;
            buffer.clear();
        }
    }
    section.write_all(bytemuck::cast_slice(&buffer))?;
    section.end()
}
