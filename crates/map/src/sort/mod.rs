//! Sorting encoded BAM records, out of core.
//!
//! Batches of records stay where they were encoded, with an array of keys beside them. When both hold three eighths of the memory
//! allowed (growing arrays may have twice their content, and an eighth is for [`duplicates`](crate::duplicates)), the keys are sorted
//! and the records spilled as a compressed run; at the end all runs are merged, and duplicates marked or left out on the way. The orders are those of module
//! [`order`]; memory, runs and the order of the input can't show in it.
//!
//! A sort that can be resumed keeps its runs in a folder (module `journal`), with the signatures of their templates; each covers whole
//! batches of the input. A later process checks them, counts their records again, passes over the reads they cover, and goes on.

pub(crate) mod external;
mod journal;
mod manifest;
pub(crate) mod merge;
pub mod order;
pub(crate) mod record;
mod shelf;

use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use svala_io::qc::{Depth, RecordSums};
use svala_io::{AlignmentWriter, EncodedRecord, SpillWriter, flags};

use crate::covered::{Covered, Resumed};
use crate::duplicates::{Duplicates, Finder, LibraryCounts, Signed};
use crate::error::{Error, Result};
use crate::meter::Meter;
use crate::observer::{Observe, Observer, Written};
use crate::pipeline::{EncodedBatch, RecordSink};
use journal::{Journal, State};
pub use journal::{ResumeOptions, resume_folder};
use merge::Runs;
use order::{ByPlace, Order};
use record::{Record, write_record};

/// Flags that the first record of a template never has: it is the primary one of its only or first read.
const NEVER_FIRST: u16 = flags::LAST | flags::SECONDARY | flags::SUPPLEMENTARY;

/// Sorted records that are fetched from memory before the first is written. They lie anywhere, and waiting for each takes longer.
const FETCHED_AT_ONCE: usize = 32;
/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// What a sort may use.
#[derive(Clone, Debug)]
pub struct SortOptions {
    /// Bytes of records, keys and signatures in memory; it may be exceeded by the size of a batch.
    pub max_memory_bytes: usize,
    /// Where runs go.
    pub folder: PathBuf,
    /// What becomes of duplicates.
    pub duplicates: DuplicateOptions,
    /// What is seen of records on their way.
    pub watch: Watch,
    /// Where runs are kept for a later process, if this one is interrupted.
    pub resume: Option<ResumeOptions>,
}

/// What is seen of records while they are written.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// What is counted of them.
    pub observe: Observe,
    /// Whether they are sorted by place and so show depth.
    pub depth: bool,
    /// Advanced while they are written.
    pub meter: Arc<Meter>,
}

/// What becomes of duplicates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DuplicateOptions {
    /// Flag them, leave them out, or don't look.
    pub action: DuplicateAction,
    /// Most pixels that optical duplicates lie apart in x and in y.
    pub optical_distance: u32,
}

/// What is done about duplicates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DuplicateAction {
    /// Their flag is set.
    Mark,
    /// They are left out.
    Remove,
    /// They are not looked for.
    Ignore,
}

/// A record in one of the batches.
struct Entry {
    key: u64,
    template: u64,
    start: usize,
    batch: u32,
    bytes: u32,
}

impl Entry {
    fn of<'a>(&self, batches: &'a [Vec<u8>]) -> &'a [u8] {
        &batches[self.batch as usize][self.start..self.start + self.bytes as usize]
    }
}

/// Touches all lines of some records, so that the CPU fetches many at a time.
fn fetch(entries: &[Entry], batches: &[Vec<u8>]) {
    let lines = entries.iter().flat_map(|entry| entry.of(batches).iter().step_by(LINE_BYTES));
    std::hint::black_box(lines.fold(0, |all, byte| all ^ byte));
}

/// Sorts what is written to it, and passes it on to a BAM writer at the end.
pub struct SortingWriter<O = ByPlace> {
    output: Output,
    options: SortOptions,
    /// Encoded records as they came.
    batches: Vec<Vec<u8>>,
    /// Bytes of all of them.
    batch_bytes: usize,
    entries: Vec<Entry>,
    runs: Runs,
    /// Templates so far.
    templates: u64,
    finder: Option<Finder>,
    /// Of records that the finder doesn't count.
    counts: LibraryCounts,
    /// The input up to here has been taken.
    covered: Covered,
    journal: Option<Journal>,
    order: PhantomData<O>,
}

impl<O: Order> SortingWriter<O> {
    /// A sorter before `writer`, which must write BAM.
    ///
    /// # Errors
    ///
    /// No run can be made in the folder, or another run's are there.
    pub fn new(writer: AlignmentWriter, options: SortOptions) -> Result<Self> {
        // Better now than when memory is full.
        SpillWriter::create(&options.folder)?;
        let journal = options.resume.as_ref().map(Journal::open).transpose()?;
        let DuplicateOptions { action, optical_distance } = options.duplicates;
        let finder = (action != DuplicateAction::Ignore)
            .then(|| Finder::new(options.max_memory_bytes / 8, options.folder.clone(), optical_distance));
        Ok(Self {
            output: Output::new(writer, action, &options.watch),
            runs: journal
                .as_ref()
                .map_or_else(|| Runs::new(options.folder.clone()), |journal| Runs::on(journal.run_shelf())),
            options,
            batches: Vec::new(),
            batch_bytes: 0,
            entries: Vec::new(),
            templates: 0,
            finder,
            counts: LibraryCounts::default(),
            covered: Covered::default(),
            journal,
            order: PhantomData,
        })
    }

    /// Whether so many bytes of records are too many for what is left of the memory.
    fn is_full(&self, bytes: usize) -> bool {
        let used = self.batch_bytes + self.entries.len() * size_of::<Entry>();
        !self.entries.is_empty() && used + bytes > self.options.max_memory_bytes / 8 * 3
    }

    /// Takes a batch of whole templates.
    fn push(&mut self, batch: Vec<u8>) -> Result<()> {
        let (number, before, mut start) = (self.batches.len() as u32, self.templates, 0);
        for record in EncodedRecord::all(&batch) {
            let record = record.map_err(|_| Error::BrokenRecord)?;
            let is_first = record.flags() & NEVER_FIRST == 0;
            if self.templates == before && !is_first {
                return Err(Error::BrokenRecord);
            }
            self.templates += u64::from(is_first);
            let (template, bytes) = (self.templates - 1, record.bytes().len());
            self.entries.push(Entry { key: O::key(record), template, start, batch: number, bytes: bytes as u32 });
            start += bytes;
        }
        self.batch_bytes += batch.len();
        self.batches.push(batch);
        Ok(())
    }

    fn sort(&mut self) {
        let batches = &self.batches;
        self.entries.sort_unstable_by(|a, b| {
            let tie = || O::compare_same_key(a.of(batches), b.of(batches));
            a.key.cmp(&b.key).then_with(tie).then(a.template.cmp(&b.template))
        });
    }

    fn spill(&mut self) -> Result<()> {
        self.sort();
        let (batches, entries) = (&self.batches, &self.entries);
        let write = |entry: &Entry, run: &mut _| write_record(entry.template, entry.of(batches), run);
        self.runs.add::<Record<O>>(|run| entries.iter().try_for_each(|entry| write(entry, run)))?;
        self.batches.clear();
        self.batch_bytes = 0;
        self.entries.clear();
        let Self { covered, templates, counts, runs, .. } = self;
        let state = State { covered, templates: *templates, counts, runs };
        self.journal.as_mut().map_or(Ok(()), |journal| journal.save(&state))
    }
}

impl<O: Order> RecordSink for SortingWriter<O> {
    type Outcome = Option<LibraryCounts>;

    fn wants_signatures(&self) -> bool {
        self.finder.is_some()
    }

    fn is_resumable(&self) -> bool {
        self.journal.is_some()
    }

    fn resume(&mut self, observer: &mut Observer, threads: usize) -> Result<Option<Resumed>> {
        let left = self.journal.as_mut().and_then(Journal::take_left);
        let (Some(left), Some(journal)) = (left, &self.journal) else {
            return Ok(None);
        };
        observer.merge(&journal.recount::<O>(&left.runs, self.options.watch.observe, threads)?);
        if let Some(finder) = &mut self.finder {
            journal.restore_signatures(finder)?;
        }
        self.runs.restore(journal.open_runs(&left.runs)?);
        (self.templates, self.counts) = (left.templates, left.counts);
        self.covered.clone_from(&left.covered);
        Ok(Some(Resumed { covered: left.covered, folder: journal.folder().to_owned() }))
    }

    fn write_batch(&mut self, batch: EncodedBatch, covered: &Covered) -> Result<()> {
        if self.is_full(batch.bytes.len()) {
            self.spill()?;
        }
        let before = self.templates;
        self.push(batch.bytes)?;
        self.covered.clone_from(covered);
        let Some(finder) = &mut self.finder else {
            return Ok(());
        };
        let Signed { signatures, counts } = batch.signed;
        if self.templates - before != signatures.len() as u64 {
            return Err(Error::BrokenRecord);
        }
        self.counts.add(&counts);
        for (template, signature) in (before..).zip(signatures) {
            finder.push(template, signature)?;
            if let Some(journal) = &mut self.journal {
                journal.add(template, signature)?;
            }
        }
        Ok(())
    }

    fn finish(mut self, made: Option<RecordSums>) -> Result<(Option<LibraryCounts>, Written)> {
        if self.runs.is_empty() {
            self.sort();
        } else if !self.entries.is_empty() {
            self.spill()?;
        }
        let (duplicates, mut counts) = self.finder.take().map(Finder::finish).transpose()?.unzip();
        let duplicates = duplicates.unwrap_or_default();
        if let Some(counts) = &mut counts {
            counts.add(&self.counts);
        }
        let Self { mut output, batches, entries, runs, journal, .. } = self;
        for block in entries.chunks(FETCHED_AT_ONCE) {
            fetch(block, &batches);
            for entry in block {
                output.write(entry.template, entry.of(&batches), &duplicates)?;
            }
        }
        drop((batches, entries));
        let (mut merged, folder) = runs.merge::<Record<O>>()?;
        let failed = |source: io::Error| Error::file(&folder, source);
        while let Some(record) = merged.next().map_err(failed)? {
            output.write(record.template, &record.bytes, &duplicates)?;
        }
        let written = output.finish(made)?;
        if let Some(journal) = journal {
            journal.remove();
        }
        Ok((counts, written))
    }
}

/// Where sorted records go.
pub(crate) struct Output {
    writer: AlignmentWriter,
    buffer: Vec<u8>,
    written: Written,
    depth: Option<Depth>,
    meter: Arc<Meter>,
    /// Records so far, with those that are left out.
    records: u64,
}

impl Output {
    pub(crate) fn new(writer: AlignmentWriter, action: DuplicateAction, watch: &Watch) -> Self {
        let written = Written {
            duplicates: Observer::new(watch.observe),
            removed: action == DuplicateAction::Remove,
            ..Written::default()
        };
        let depth = (watch.observe == Observe::All && watch.depth).then(Depth::default);
        Self { writer, buffer: Vec::new(), written, depth, meter: Arc::clone(&watch.meter), records: 0 }
    }

    /// Completes the file, if it has the records that were made, and says what was seen.
    pub(crate) fn finish(self, made: Option<RecordSums>) -> Result<Written> {
        let mut written = Written { depth: self.depth.map(Depth::finish), ..self.written };
        written.finish(self.writer, made)?;
        Ok(written)
    }

    /// Writes a record of a template as it must be if that is among `duplicates`.
    pub(crate) fn write(&mut self, template: u64, record: &[u8], duplicates: &Duplicates) -> Result<()> {
        self.records += 1;
        self.meter.set_sorted(self.records);
        if !duplicates.has(template) {
            return self.write_final(record);
        }
        self.written.duplicates.add_all(record)?;
        if self.written.removed {
            return Ok(());
        }
        let mut flagged = std::mem::take(&mut self.buffer);
        flagged.clear();
        flagged.extend_from_slice(record);
        EncodedRecord::mark_duplicate(&mut flagged, true);
        if self.written.duplicates.sums.is_some() {
            let (record, _) = EncodedRecord::split_first(&flagged).ok_or(Error::BrokenRecord)?;
            self.written.flagged.add(record);
        }
        self.write_final(&flagged)?;
        self.buffer = flagged;
        Ok(())
    }

    fn write_final(&mut self, record: &[u8]) -> Result<()> {
        if let Some(depth) = &mut self.depth {
            let (record, _) = EncodedRecord::split_first(record).ok_or(Error::BrokenRecord)?;
            depth.add(record);
        }
        Ok(self.writer.write_encoded(record)?)
    }
}
