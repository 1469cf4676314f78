//! The index: a reference and its seeds in one file, mapped into memory.

mod alternates;
mod build;
mod checks;
mod checksum;
mod directories;
mod format;
mod packing;
mod partitions;
mod places;
mod reference;
mod seeds;
mod source;
mod write;

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use build::{BuildOptions, BuildReport, build};
use checks::Sections;
#[cfg(test)]
pub(crate) use directories::directories_of;
pub use directories::{Directories, Directory, Slots};
pub use format::AmbiguousRun;
use format::{ContigRecord, FileHeader, MAGIC, PADDING, Parameters, Section, SectionEntry, VERSION};
use memmap2::Mmap;
pub use places::Places;
pub(crate) use reference::LINE_BLOCKS;
pub use reference::{Contig, Reference};
pub use seeds::{Bound, EntryLayout, Occurrence, SeedTable};
use svala_io::{ReferenceBases, is_reference_name};

use crate::error::{Error, Result};
use crate::mapped_file::map_file;
use crate::sequence::{BLOCK, Planes};
use crate::syncmer::{FLANK, K, S};

/// A loaded index. Loading checks every checksum and bound once, so that look-ups need not.
#[derive(Debug)]
pub struct Index {
    map: Mmap,
    fingerprint: u64,
    parameters: Parameters,
    contigs: Vec<Contig>,
    places: Places,
    ambiguous_blocks: Vec<u64>,
    alternates: Vec<Range<u64>>,
    ambiguous: Range<usize>,
    sequence: Range<usize>,
    buckets: Range<usize>,
    carries: Vec<usize>,
    seeds: Range<usize>,
    directories: Range<usize>,
    directory_slots: Slots,
}

/// Where the index of a reference is kept: beside it, with `.svala` appended.
#[must_use]
pub fn index_path(reference: &Path) -> PathBuf {
    let mut path = reference.as_os_str().to_owned();
    path.push(".svala");
    PathBuf::from(path)
}

impl Index {
    /// Loads the index that lies beside `reference`, checked by so many threads; if there is a FASTA file of that name too, checks
    /// that it has what was indexed. Anything else of that name, such as a folder, is no reference and not looked at.
    ///
    /// # Errors
    ///
    /// If there is no index, it has another version, is damaged, or belongs to another reference.
    pub fn open_for(reference: &Path, threads: usize) -> Result<Self> {
        let path = index_path(reference);
        if !path.exists() {
            let prefix = reference.with_extension("");
            return Err(match index_path(&prefix) == reference && reference.exists() {
                true => Error::IndexForReference { path: reference.to_owned(), prefix },
                false => Error::NoIndex { path, reference: reference.to_owned() },
            });
        }
        let index = Self::open(&path, threads)?;
        if reference.is_file() && !source::is_same(reference, &index)? {
            return Err(Error::OtherReference { path, reference: reference.to_owned() });
        }
        Ok(index)
    }

    /// Loads an index file, checked by so many threads.
    ///
    /// # Errors
    ///
    /// If it can't be mapped, has another version or is damaged.
    pub fn open(path: &Path, threads: usize) -> Result<Self> {
        let map = map_file(path).map_err(|e| Error::file(path, e))?;
        let table = check_header(path, &map)?;
        let sections = Sections::find(path, &map, &table)?;
        let parameters = check_parameters(path, sections.checked_bytes(Section::Parameters)?)?;
        let carries = sections.check(&parameters, layout(&parameters), threads)?;
        let directory_slots = Slots::new(sections.array(Section::Directories)?, parameters.seeds).ok_or_else(|| {
            Error::damaged(path, "directories lead outside the seeds, are out of order or in each other's way")
        })?;
        let names = sections.bytes(Section::Names);
        let contigs = read_contigs(path, sections.array(Section::Contigs)?, names, &parameters)?;
        let ambiguous = sections.array(Section::Ambiguous)?;
        check_ambiguous(path, ambiguous, &parameters)?;
        let blocks: &[Planes] = sections.array(Section::Sequence)?;
        if blocks.len() as u64 != parameters.padded_bases.div_ceil(BLOCK as u64) + 2 {
            return Err(Error::damaged(path, "sequence length does not match"));
        }
        let ambiguous_blocks = reference::ambiguous_blocks(ambiguous, blocks.len());
        let [ambiguous, sequence, buckets, seeds, directories] =
            [Section::Ambiguous, Section::Sequence, Section::Buckets, Section::Seeds, Section::Directories]
                .map(|section| sections.range(section));
        let alternates = Vec::new();
        Ok(Self {
            fingerprint: bytemuck::pod_read_unaligned::<FileHeader>(&map[..size_of::<FileHeader>()]).checksum,
            map,
            parameters,
            places: Places::new(&contigs),
            contigs,
            ambiguous_blocks,
            alternates,
            ambiguous,
            sequence,
            buckets,
            carries,
            seeds,
            directories,
            directory_slots,
        })
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
            places: &self.places,
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
            carries: &self.carries,
            entries: bytemuck::cast_slice(&self.map[self.seeds.clone()]),
            layout: layout(&self.parameters),
            directories: Directories {
                directories: bytemuck::cast_slice(&self.map[self.directories.clone()]),
                slots: &self.directory_slots,
            },
        }
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

fn check_parameters(path: &Path, bytes: &[u8]) -> Result<Parameters> {
    let parameters: Parameters =
        bytemuck::try_pod_read_unaligned(bytes).map_err(|_| Error::damaged(path, "parameters have a wrong length"))?;
    let known = (parameters.k, parameters.s, parameters.flank) == (K as u32, S as u32, FLANK as u32);
    let layout = layout(&parameters);
    let sane = layout.is_possible() && (2 * PADDING..=layout.position_mask()).contains(&parameters.padded_bases);
    if !known {
        return Err(Error::IndexSeeds { path: path.to_owned() });
    }
    if sane { Ok(parameters) } else { Err(Error::damaged(path, "impossible parameters")) }
}

fn layout(parameters: &Parameters) -> EntryLayout {
    EntryLayout { position_bits: parameters.position_bits, bucket_bits: parameters.bucket_bits }
}

/// Checks that runs of ambiguous bases lie inside, in order.
fn check_ambiguous(path: &Path, runs: &[AmbiguousRun], parameters: &Parameters) -> Result<()> {
    let is_sound = |run: &AmbiguousRun| {
        let end = run.start.checked_add(u64::from(run.length));
        let inside = end.is_some_and(|end| end <= parameters.padded_bases);
        inside && run.length > 0 && u8::try_from(run.letter).is_ok_and(|l| b"RYSWKMBDHVN".contains(&l))
    };
    let bounded = runs.iter().all(is_sound);
    let ordered = bounded && runs.windows(2).all(|w| w[0].start + u64::from(w[0].length) <= w[1].start);
    if ordered { Ok(()) } else { Err(Error::damaged(path, "runs of ambiguous bases overlap or lie outside")) }
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
