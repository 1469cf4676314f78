//! The index: a reference and its seeds in one file, mapped into memory.

mod alternates;
mod build;
mod format;
mod reference;
mod seeds;
mod source;
mod write;

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use build::{BuildReport, build};
pub use format::AmbiguousRun;
use format::{ContigRecord, FileHeader, MAGIC, PADDING, Parameters, Section, SectionEntry, VERSION};
use memmap2::Mmap;
pub use reference::{Contig, Reference};
pub use seeds::{Occurrence, SeedTable, agrees_before, unpack_entry};
use svala_io::{ReferenceBases, is_reference_name};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::mapped_file::map_file;
use crate::sequence::BLOCK;
use crate::syncmer::{FLANK, K, S};

/// A loaded index. Loading checks every checksum and bound once, so that look-ups need not.
#[derive(Debug)]
pub struct Index {
    map: Mmap,
    fingerprint: u64,
    parameters: Parameters,
    contigs: Vec<Contig>,
    ambiguous_blocks: Vec<u64>,
    alternates: Vec<Range<u64>>,
    ambiguous: Range<usize>,
    sequence: Range<usize>,
    buckets: Range<usize>,
    seeds: Range<usize>,
}

/// Where the index of a reference is kept: beside it, with `.svala` appended.
#[must_use]
pub fn index_path(reference: &Path) -> PathBuf {
    let mut path = reference.as_os_str().to_owned();
    path.push(".svala");
    PathBuf::from(path)
}

impl Index {
    /// Loads the index that lies beside `reference`; if the reference is there too, checks that it is the indexed one.
    ///
    /// # Errors
    ///
    /// If there is no index, it has another version, is damaged, or belongs to another reference.
    pub fn open_for(reference: &Path) -> Result<Self> {
        let path = index_path(reference);
        if !path.exists() {
            return Err(Error::NoIndex { path, reference: reference.to_owned() });
        }
        let index = Self::open(&path)?;
        if reference.exists() {
            let is_same = source::is_same(reference, &index.parameters).map_err(|e| Error::file(reference, e))?;
            if !is_same {
                return Err(Error::OtherReference { path, reference: reference.to_owned() });
            }
        }
        Ok(index)
    }

    /// Loads an index file.
    ///
    /// # Errors
    ///
    /// If it can't be mapped, has another version or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let map = map_file(path).map_err(|e| Error::file(path, e))?;
        let sections = check_header(path, &map)?;
        let section = |wanted: Section| find_section(path, &map, &sections, wanted);
        let parameters = check_parameters(path, &map[section(Section::Parameters)?])?;
        let names = section(Section::Names)?;
        let contigs = read_contigs(path, slice_of(path, &map, section(Section::Contigs)?)?, &map[names], &parameters)?;
        let (ambiguous, sequence) = (section(Section::Ambiguous)?, section(Section::Sequence)?);
        let mut index = Self {
            fingerprint: bytemuck::pod_read_unaligned::<FileHeader>(&map[..size_of::<FileHeader>()]).checksum,
            parameters,
            contigs,
            ambiguous_blocks: Vec::new(),
            alternates: Vec::new(),
            buckets: section(Section::Buckets)?,
            seeds: section(Section::Seeds)?,
            ambiguous,
            sequence,
            map,
        };
        index.check_arrays(path)?;
        let reference = index.reference();
        index.ambiguous_blocks = reference::ambiguous_blocks(reference.ambiguous, reference.blocks.len());
        Ok(index)
    }

    /// A checksum over all content of the file.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The reference.
    #[must_use]
    pub fn reference(&self) -> Reference<'_> {
        Reference {
            contigs: &self.contigs,
            ambiguous: bytemuck::cast_slice(&self.map[self.ambiguous.clone()]),
            ambiguous_blocks: &self.ambiguous_blocks,
            alternates: &self.alternates,
            blocks: bytemuck::cast_slice(&self.map[self.sequence.clone()]),
        }
    }

    /// Tells which contigs, by name, are alternate loci. Until then none is.
    pub fn mark_alternates(&mut self, is_alternate: impl Fn(&[u8]) -> bool) {
        self.alternates = alternates::runs(&self.contigs, |contig| is_alternate(&contig.name));
    }

    /// The seed table.
    #[must_use]
    pub fn seeds(&self) -> SeedTable<'_> {
        SeedTable {
            buckets: bytemuck::cast_slice(&self.map[self.buckets.clone()]),
            entries: bytemuck::cast_slice(&self.map[self.seeds.clone()]),
            bucket_bits: self.parameters.bucket_bits,
        }
    }

    /// Checks lengths and bounds of the big arrays.
    fn check_arrays(&self, path: &Path) -> Result<()> {
        let damaged = |what: &str| Err(Error::damaged(path, what));
        let bases = self.parameters.padded_bases;
        let runs: &[AmbiguousRun] = slice_of(path, &self.map, self.ambiguous.clone())?;
        let is_sound = |run: &AmbiguousRun| {
            let inside = run.start.checked_add(u64::from(run.length)).is_some_and(|end| end <= bases);
            inside && run.length > 0 && u8::try_from(run.letter).is_ok_and(|l| b"RYSWKMBDHVN".contains(&l))
        };
        let bounded = runs.iter().all(is_sound);
        let ordered = bounded && runs.windows(2).all(|w| w[0].start + u64::from(w[0].length) <= w[1].start);
        if !ordered || !bounded {
            return damaged("runs of ambiguous bases overlap or lie outside");
        }
        let blocks: &[crate::sequence::Planes] = slice_of(path, &self.map, self.sequence.clone())?;
        if blocks.len() as u64 != bases.div_ceil(BLOCK as u64) + 2 {
            return damaged("sequence length does not match");
        }
        let buckets: &[u32] = slice_of(path, &self.map, self.buckets.clone())?;
        let entries: &[u64] = slice_of(path, &self.map, self.seeds.clone())?;
        if buckets.len() != (1 << self.parameters.bucket_bits) + 1
            || buckets.last().copied().map(u64::from) != Some(self.parameters.seeds)
            || entries.len() as u64 != self.parameters.seeds
            || buckets.windows(2).any(|w| w[0] > w[1])
        {
            return damaged("seed buckets do not match");
        }
        let limit = bases - PADDING - K as u64;
        let inside = |entry: &u64| (PADDING..=limit).contains(&u64::from(unpack_entry(*entry).position));
        if !entries.iter().all(inside) {
            return damaged("a seed lies outside the reference");
        }
        Ok(())
    }
}

impl ReferenceBases for Index {
    fn append_bases(&self, contig: usize, span: Range<u64>, letters: &mut Vec<u8>) {
        if let Some(contig) = self.contigs.get(contig) {
            let end = span.end.min(contig.length);
            let start = span.start.min(end);
            self.reference().letters_into(contig.start + start..contig.start + end, letters);
        }
    }
}

/// Checks magic, version, length and the header's checksum, and returns the section table.
fn check_header(path: &Path, map: &[u8]) -> Result<Vec<SectionEntry>> {
    let head = size_of::<FileHeader>();
    if map.len() < head || map[..8] != MAGIC {
        return Err(Error::NotAnIndex { path: path.to_owned() });
    }
    let header: FileHeader = bytemuck::pod_read_unaligned(&map[..head]);
    if header.version != VERSION {
        return Err(Error::IndexVersion { path: path.to_owned(), found: header.version, expected: VERSION });
    }
    if header.file_bytes != map.len() as u64 {
        return Err(Error::damaged(path, format!("{} bytes, expected {}", map.len(), header.file_bytes)));
    }
    let table_bytes = Section::ALL.len() * size_of::<SectionEntry>();
    if header.sections as usize != Section::ALL.len() || map.len() < head + table_bytes {
        return Err(Error::damaged(path, "wrong number of sections"));
    }
    let entries = map[head..head + table_bytes]
        .chunks_exact(size_of::<SectionEntry>())
        .map(bytemuck::pod_read_unaligned)
        .collect::<Vec<SectionEntry>>();
    if write::header_checksum(&header, &entries) != header.checksum {
        return Err(Error::damaged(path, "checksum of the header differs"));
    }
    Ok(entries)
}

/// Byte range of a section whose checksum holds.
fn find_section(path: &Path, map: &[u8], entries: &[SectionEntry], wanted: Section) -> Result<Range<usize>> {
    let damaged = |what: &str| Error::damaged(path, format!("section {wanted:?}: {what}"));
    let entry = entries.iter().find(|e| e.id == wanted as u32).ok_or_else(|| damaged("missing"))?;
    let end = entry.offset.checked_add(entry.bytes).filter(|&end| end <= map.len() as u64);
    let end = end.ok_or_else(|| damaged("lies outside the file"))?;
    let range = entry.offset as usize..end as usize;
    if xxh3_64(&map[range.clone()]) != entry.checksum {
        return Err(damaged("checksum differs"));
    }
    Ok(range)
}

/// A section as an array.
fn slice_of<'a, T: bytemuck::Pod>(path: &Path, map: &'a [u8], range: Range<usize>) -> Result<&'a [T]> {
    bytemuck::try_cast_slice(&map[range]).map_err(|_| Error::damaged(path, "a section has a wrong length or alignment"))
}

fn check_parameters(path: &Path, bytes: &[u8]) -> Result<Parameters> {
    let parameters: Parameters =
        bytemuck::try_pod_read_unaligned(bytes).map_err(|_| Error::damaged(path, "parameters have a wrong length"))?;
    let known = (parameters.k, parameters.s, parameters.flank) == (K as u32, S as u32, FLANK as u32);
    let sane = (8..=30).contains(&parameters.bucket_bits)
        && (2 * PADDING..=u64::from(u32::MAX)).contains(&parameters.padded_bases);
    if !known {
        return Err(Error::IndexSeeds { path: path.to_owned() });
    }
    if sane { Ok(parameters) } else { Err(Error::damaged(path, "impossible parameters")) }
}

fn read_contigs(path: &Path, records: &[ContigRecord], names: &[u8], parameters: &Parameters) -> Result<Vec<Contig>> {
    let damaged = || Error::damaged(path, "a contig lies outside the sequence or the names");
    let text = |offset: u32, bytes: u32| {
        names.get(offset as usize..).and_then(|rest| rest.get(..bytes as usize)).ok_or_else(damaged)
    };
    let mut contigs = Vec::new();
    let mut names_before = HashSet::new();
    let mut end = 0;
    for record in records {
        let name = text(record.name_offset, record.name_bytes)?;
        if !is_reference_name(name) || !names_before.insert(name) {
            return Err(Error::damaged(path, "a contig has no name, one that SAM can't hold, or another's"));
        }
        let description = text(record.description_offset, record.description_bytes)?;
        let next = record.start.checked_add(record.length).ok_or_else(damaged)?;
        if record.length == 0 || record.start < end + PADDING || next > parameters.padded_bases - PADDING {
            return Err(damaged());
        }
        end = next;
        contigs.push(Contig::from_record(record, name, description));
    }
    if contigs.is_empty() { Err(damaged()) } else { Ok(contigs) }
}
