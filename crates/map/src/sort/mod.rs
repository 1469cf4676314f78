//! Sorting encoded BAM records by coordinate, out of core.
//!
//! Records are gathered in one arena with an array of keys. When both hold half of the memory allowed (a growing array may
//! have twice its content), they are sorted and spilled as a compressed run; at the end all runs are merged. At most
//! [`MAX_RUNS`] runs are open: as many are merged into one before there are more. Each costs about 150 kB while merging.
//! The order is that of module [`order`]; memory, runs and the order of the input can't show in it.

mod merge;
mod order;

use std::io::{self, Write};
use std::path::PathBuf;

use svala_io::{AlignmentWriter, SpillReader, SpillWriter};

use crate::error::{Error, Result};
use crate::pipeline::RecordSink;

/// Most runs that are open at once.
const MAX_RUNS: usize = 64;

/// What a sort may use.
#[derive(Clone, Debug)]
pub struct SortOptions {
    /// Bytes of records and keys in memory; a single batch may exceed it by its size.
    pub max_memory_bytes: usize,
    /// Where runs go.
    pub folder: PathBuf,
}

/// A record in the arena.
struct Entry {
    key: u64,
    start: usize,
    end: usize,
}

/// Sorts what is written to it, and passes it on to a BAM writer at the end.
pub struct SortingWriter {
    writer: AlignmentWriter,
    options: SortOptions,
    arena: Vec<u8>,
    entries: Vec<Entry>,
    runs: Vec<SpillReader>,
}

impl SortingWriter {
    /// A sorter before `writer`, which must write BAM.
    #[must_use]
    pub fn new(writer: AlignmentWriter, options: SortOptions) -> Self {
        Self { writer, options, arena: Vec::new(), entries: Vec::new(), runs: Vec::new() }
    }

    fn push(&mut self, record: &[u8]) -> Result<()> {
        let used = self.arena.len() + self.entries.len() * size_of::<Entry>();
        if !self.entries.is_empty() && used + record.len() > self.options.max_memory_bytes / 2 {
            self.spill()?;
        }
        let start = self.arena.len();
        self.arena.extend_from_slice(record);
        self.entries.push(Entry { key: order::key(record), start, end: self.arena.len() });
        Ok(())
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        self.entries.sort_unstable_by(|a, b| {
            let tie = || order::compare_same_key(&arena[a.start..a.end], &arena[b.start..b.end]);
            a.key.cmp(&b.key).then_with(tie)
        });
    }

    fn spill(&mut self) -> Result<()> {
        if self.runs.len() == MAX_RUNS {
            let mut run = SpillWriter::create(&self.options.folder)?;
            let runs = std::mem::take(&mut self.runs);
            merge::merge(runs, |e| self.failed(e), |record| run.write_all(record).map_err(|e| self.failed(e)))?;
            self.runs.push(run.into_reader().map_err(|e| self.failed(e))?);
        }
        self.sort();
        let mut run = SpillWriter::create(&self.options.folder)?;
        for entry in &self.entries {
            run.write_all(&self.arena[entry.start..entry.end]).map_err(|e| self.failed(e))?;
        }
        self.runs.push(run.into_reader().map_err(|e| self.failed(e))?);
        self.arena.clear();
        self.entries.clear();
        Ok(())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::file(&self.options.folder, source)
    }
}

impl RecordSink for SortingWriter {
    fn write_encoded(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let size = order::record_bytes(bytes).ok_or(Error::BrokenRecord)?;
            let (record, rest) = bytes.split_at(size);
            self.push(record)?;
            bytes = rest;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        if self.runs.is_empty() {
            self.sort();
            for entry in &self.entries {
                self.writer.write_encoded(&self.arena[entry.start..entry.end])?;
            }
            return Ok(self.writer.finish()?);
        }
        self.spill()?;
        let (mut writer, folder) = (self.writer, self.options.folder);
        merge::merge(self.runs, |e| Error::file(&folder, e), |record| Ok(writer.write_encoded(record)?))?;
        Ok(writer.finish()?)
    }
}
