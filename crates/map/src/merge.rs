//! Merging sorted shards of a sample, with duplicates found anew over all of them.
//!
//! The outcome has the bytes of one run over all reads. Shards are read twice: once for what decides about duplicates (module
//! [`duplicates`](crate::duplicates), out of core), once for their records, which are merged in the order they were sorted in. Flags of duplicates in
//! the shards don't count. What stays in memory is a bit a record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use svala_io::{AlignmentWriter, CramReference, EncodedRecord, FileDigest, ShardReader};

use crate::duplicates::{Duplicates, Finder, Gatherer, LibraryCounts};
use crate::error::{Error, Result};
use crate::observer::{Observation, Observer};
use crate::pipeline::{Done, Summary};
use crate::read_groups::ReadGroups;
use crate::sort::merge::{Merged, Source};
use crate::sort::order::ByPlace;
use crate::sort::output::{Chunk, Output};
use crate::sort::record::Record;
use crate::sort::{DuplicateAction, SortOptions};

/// What a merge works with.
pub struct Merge<'a> {
    /// Sorted files.
    pub shards: &'a [PathBuf],
    /// The read groups of all of them.
    pub read_groups: &'a ReadGroups,
    /// The tag of barcodes that tell copies apart.
    pub barcode_tag: Option<[u8; 2]>,
    /// Memory, folder, and what becomes of duplicates.
    pub options: SortOptions,
    /// Whether the digests of the shards are wanted.
    pub digest: bool,
    /// What records of CRAM are told by.
    pub reference: Option<CramReference>,
}

/// What is known at the end of a merge.
#[derive(Clone, Debug)]
pub struct MergeOutcome {
    /// Duplicates by library, if they were looked for.
    pub counts: Option<LibraryCounts>,
    /// The shards as they were read, if their digests were wanted.
    pub shards: Vec<Option<FileDigest>>,
}

impl Merge<'_> {
    /// Merges the shards to `writer`, which must write BAM records, and finishes it but for its name. The summary has no insert-size models.
    ///
    /// # Errors
    ///
    /// A shard can't be read, isn't sorted or lacks reads, or the output or a run can't be written.
    pub fn execute(&self, writer: AlignmentWriter) -> Result<Done<MergeOutcome>> {
        let action = self.options.duplicates.action;
        let found = if action == DuplicateAction::Ignore { Found::default() } else { self.find_duplicates()? };
        let starts = found.starts.iter().copied().chain(std::iter::repeat(0));
        let streams = self.shards.iter().zip(starts).map(|(path, start)| self.stream(path, start));
        let streams = streams.collect::<Result<Vec<_>>>()?;
        let watches: Vec<_> = streams.iter().map(|stream| Arc::clone(stream.shard.watch())).collect();
        let mut merged = Merged::new(streams)?;
        let mut output = Output::new(writer, self.options.threads, action, &self.options.watch);
        let (mut summary, mut observer) = (Summary::default(), Observer::new(self.options.watch.observe));
        let mut next = |chunk: &mut Chunk| {
            let Some(record) = merged.next()? else { return Ok(false) };
            let (encoded, _) = EncodedRecord::split_first(&record.bytes).ok_or(Error::BrokenRecord)?;
            summary.count_encoded(encoded);
            observer.add(encoded);
            chunk.push(record.template, &record.bytes);
            Ok(true)
        };
        output.write(&found.duplicates, std::iter::from_fn(|| Chunk::fill(&mut next).transpose()), Ok)?;
        let written = output.finish(observer.sums)?;
        let shards = watches.iter().map(|watch| watch.file_digest()).collect();
        let outcome = MergeOutcome { counts: found.counts, shards };
        let (observation, output) = Observation::new(observer, written);
        Ok(Done { summary, observation, outcome, resumed_after: None, output })
    }

    fn stream(&self, path: &Path, next: u64) -> Result<ShardStream> {
        let open = if self.digest { ShardReader::open_with_digest } else { ShardReader::open };
        let (shard, _) = open(path, self.reference.clone())?;
        Ok(ShardStream { shard, next, last_key: 0 })
    }

    /// The first reading.
    fn find_duplicates(&self) -> Result<Found> {
        let SortOptions { max_memory_bytes, folder, duplicates, threads, .. } = &self.options;
        let mut gatherer =
            Gatherer::new(max_memory_bytes / 4, folder.clone(), *threads, self.read_groups, self.barcode_tag);
        let (mut starts, mut bytes) = (Vec::new(), Vec::new());
        for path in self.shards {
            starts.push(gatherer.start_file(path));
            let (mut shard, _) = ShardReader::open(path, self.reference.clone())?;
            while shard.read(&mut bytes)? {
                let (record, _) = EncodedRecord::split_first(&bytes).ok_or(Error::BrokenRecord)?;
                gatherer.add(record)?;
            }
        }
        let finder = Finder::new(max_memory_bytes / 8, folder.clone(), *threads, duplicates.optical_distance);
        let (duplicates, counts) = gatherer.finish(finder)?;
        Ok(Found { duplicates, counts: Some(counts), starts })
    }
}

/// What the first reading finds.
#[derive(Default)]
struct Found {
    /// Of records, by their numbers.
    duplicates: Duplicates,
    counts: Option<LibraryCounts>,
    /// The number of each shard's first record.
    starts: Vec<u64>,
}

/// A shard's records with their numbers, without flags of duplicates.
struct ShardStream {
    shard: ShardReader,
    next: u64,
    last_key: u64,
}

impl Source<Record<ByPlace>> for ShardStream {
    type Error = Error;

    fn next(&mut self, record: &mut Record<ByPlace>) -> Result<bool> {
        if !self.shard.read(&mut record.bytes)? {
            return Ok(false);
        }
        EncodedRecord::mark_duplicate(&mut record.bytes, false);
        record.set_key().map_err(|source| Error::file(self.shard.path(), source))?;
        if record.key < self.last_key {
            return Err(Error::Shard { path: self.shard.path().to_owned(), why: "expected sorted records" });
        }
        (record.template, self.last_key) = (self.next, record.key);
        self.next += 1;
        Ok(true)
    }
}
