//! Duplicates among records that come in any order, as those of sorted files do.
//!
//! A part is what one record tells of its template: a key, its number, and for a primary record the signature of its read. Sorted
//! by key, out of core, the parts of a template stand together. So templates are put together one by one and handed to the
//! [`Finder`], which numbers them in that order; their records' numbers are kept in a run of the same order, for the answer.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use svala_io::{EncodedRecord, SpillReader, SpillWriter, flags};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::counts::LibraryCounts;
use super::finder::{Candidate, Duplicates, Finder};
use super::signature::{Signature, count};
use crate::error::{Error, Result};
use crate::read_groups::ReadGroups;
use crate::sort::external::ExternalSorter;
use crate::sort::merge::{Item, read_whole};
use crate::syncmer::mix64;

/// A record's role in its template. The first or only read comes first.
const FIRST: u8 = 0;
const LAST: u8 = 1;
const OTHER: u8 = 2;

/// What a record tells of its template.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Part {
    /// Hash of the file, the read group and the name.
    key: [u64; 2],
    role: u8,
    /// Whether the template has two reads.
    paired: bool,
    /// The read's signature, and the record's number in place of a template's.
    read: Candidate,
}

/// Gathers records of several files.
pub(crate) struct Gatherer<'a> {
    parts: ExternalSorter<Part>,
    folder: PathBuf,
    groups: &'a ReadGroups,
    barcode_tag: Option<[u8; 2]>,
    counts: LibraryCounts,
    /// Numbers of the first records of files, and the files.
    files: Vec<(u64, PathBuf)>,
    records: u64,
}

impl<'a> Gatherer<'a> {
    /// A gatherer that keeps at most about `max_memory_bytes`, twice that while its array grows, and spills into `folder` on so many threads.
    pub(crate) fn new(
        max_memory_bytes: usize,
        folder: PathBuf,
        threads: usize,
        groups: &'a ReadGroups,
        barcode_tag: Option<[u8; 2]>,
    ) -> Self {
        let parts = ExternalSorter::new(max_memory_bytes, folder.clone(), threads);
        Self { parts, folder, groups, barcode_tag, counts: LibraryCounts::default(), files: Vec::new(), records: 0 }
    }

    /// Starts a file and returns the number of its first record. Records with one name in different files are different templates.
    pub(crate) fn start_file(&mut self, path: &Path) -> u64 {
        self.files.push((self.records, path.to_owned()));
        self.records
    }

    /// Takes the next record.
    pub(crate) fn add(&mut self, record: EncodedRecord<'_>) -> Result<()> {
        let group = record.text_tag(*b"RG");
        let member = self.groups.membership(group);
        let seed = mix64(self.files.len() as u64) ^ group.map_or(0, xxh3_64);
        let hash = xxh3_128_with_seed(record.name(), seed);
        let is_primary = count(record, self.counts.of(member.library));
        let role = match (is_primary, record.flags() & flags::LAST) {
            (false, _) => OTHER,
            (true, 0) => FIRST,
            (true, _) => LAST,
        };
        let signature =
            if is_primary { Signature::of_read(record, member, self.barcode_tag) } else { Signature::UNMAPPED };
        let read = Candidate { signature, template: self.records };
        let paired = record.flags() & flags::PAIRED != 0;
        self.records += 1;
        self.parts.push(Part { key: [(hash >> 64) as u64, hash as u64], role, paired, read })
    }

    /// Which records, by their numbers from the first file's first on, are duplicates.
    ///
    /// # Errors
    ///
    /// A template is not there with each of its reads once, or runs can't be written or read.
    pub(crate) fn finish(self, mut finder: Finder) -> Result<(Duplicates, LibraryCounts)> {
        let Self { parts, folder, mut counts, files, .. } = self;
        let mut parts = parts.into_sorted()?;
        let mut members = SpillWriter::create(&folder)?;
        let failed = |source: io::Error| Error::file(&folder, source);
        let (mut templates, mut template) = (0, Vec::new());
        let mut next = parts.next()?;
        while let Some(part) = next {
            template.clear();
            template.push(part);
            next = parts.next()?;
            while let Some(other) = next.filter(|other| other.key == part.key) {
                template.push(other);
                next = parts.next()?;
            }
            finder.push(templates, signature(&template).ok_or_else(|| broken(&files, part.read.template))?)?;
            write_numbers(&template, &mut members).map_err(failed)?;
            templates += 1;
        }
        drop(parts);
        let (found, pairs) = finder.finish()?;
        counts.add(&pairs);
        let mut members = members.into_reader().map_err(failed)?;
        let duplicates = duplicate_records(templates, &found, &mut members).map_err(failed)?;
        Ok((duplicates, counts))
    }
}

/// The signature of a template from all its parts in order; none if a primary record is missing or there twice.
fn signature(parts: &[Part]) -> Option<Signature> {
    let roles = [parts.first()?.role, parts.get(1).map_or(OTHER, |part| part.role)];
    let third = parts.get(2).map_or(OTHER, |part| part.role);
    match (parts[0].paired, roles, third) {
        (true, [FIRST, LAST], OTHER) => Some(parts[0].read.signature.join(parts[1].read.signature)),
        (false, [FIRST, OTHER], OTHER) => Some(parts[0].read.signature),
        _ => None,
    }
}

fn broken(files: &[(u64, PathBuf)], record: u64) -> Error {
    let after = files.partition_point(|(first, _)| *first <= record);
    let path = files.get(after.wrapping_sub(1)).map(|(_, path)| path.clone()).unwrap_or_default();
    Error::Shard { path, why: "expected every read once, and mates together; some are missing, or reads share a name" }
}

/// Keeps the numbers of a template's records.
fn write_numbers(parts: &[Part], run: &mut SpillWriter) -> io::Result<()> {
    run.write_all(&(parts.len() as u32).to_le_bytes())?;
    parts.iter().try_for_each(|part| run.write_all(&part.read.template.to_le_bytes()))
}

/// From duplicates among templates to those among their records.
fn duplicate_records(templates: u64, found: &Duplicates, run: &mut SpillReader) -> io::Result<Duplicates> {
    let mut duplicates = Duplicates::default();
    for template in 0..templates {
        let mut size = [0; 4];
        run.read_exact(&mut size)?;
        for _ in 0..u32::from_le_bytes(size) {
            let mut number = [0; 8];
            run.read_exact(&mut number)?;
            if found.has(template) {
                duplicates.add(u64::from_le_bytes(number));
            }
        }
    }
    Ok(duplicates)
}

impl Item for Part {
    fn write(&self, run: &mut dyn Write) -> io::Result<()> {
        self.key.write(run)?;
        run.write_all(&[self.role, u8::from(self.paired)])?;
        self.read.write(run)
    }

    fn read(&mut self, run: &mut SpillReader) -> io::Result<bool> {
        if !self.key.read(run)? {
            return Ok(false);
        }
        let mut bytes = [0; 2];
        if !read_whole(run, &mut bytes)? || !self.read.read(run)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.role, self.paired) = (bytes[0], bytes[1] != 0);
        Ok(true)
    }
}
