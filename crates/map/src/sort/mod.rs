//! Sorting encoded BAM records, out of core.
//!
//! Threads that map sort their batches, which stay where they were encoded with an array of sorted entries beside them. When both hold five
//! eighths of the memory allowed (two more are for [`duplicates`](crate::duplicates), whose growing arrays may have twice their content),
//! all threads spill them as a compressed run: the sorted whole is cut into pieces (module `pieces`), each of which is put in order and
//! compressed by itself. At the end all runs are merged, and duplicates marked or left out on the way (module `output`). The orders are
//! those of module [`order`]; memory, runs, threads and the order of the input can't show in it.
//!
//! A sort that can be resumed keeps its runs in a folder (module `journal`), with the signatures of their templates; each covers whole
//! batches of the input. A later process checks them, counts their records again, passes over the reads they cover, and goes on.

mod batch;
pub(crate) mod external;
mod journal;
mod manifest;
pub(crate) mod merge;
pub mod order;
pub(crate) mod output;
mod pieces;
pub(crate) mod record;
mod shelf;

use std::path::PathBuf;
use std::sync::Arc;

use svala_io::qc::RecordSums;
use svala_io::{AlignmentWriter, SpillWriter};

use crate::covered::{Covered, Resumed};
use crate::duplicates::{Finder, LibraryCounts, Signed};
use crate::error::{Error, Result};
use crate::meter::Meter;
use crate::observer::{Observe, Observer, Written};
use crate::pipeline::{EncodedBatch, RecordSink};
pub use batch::Sorted;
use batch::{Batches, Placed};
use journal::{Journal, State};
pub use journal::{ResumeOptions, resume_folder};
use merge::Runs;
use order::{ByPlace, Order};
use output::{Chunk, Output};
use pieces::Pieces;
use record::{Record, write_record};

/// Sorted records that are fetched from memory before the first is used. They lie anywhere, and waiting for each takes longer.
const FETCHED_AT_ONCE: usize = 32;

/// What a sort may use.
#[derive(Clone, Debug)]
pub struct SortOptions {
    /// Bytes of records, keys and signatures in memory; it may be exceeded by the size of a batch.
    pub max_memory_bytes: usize,
    /// Where runs go.
    pub folder: PathBuf,
    /// Threads that sort, compress and mark; 0 counts as 1.
    pub threads: usize,
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

/// Sorts what is written to it, and passes it on to a BAM writer at the end.
pub struct SortingWriter<O = ByPlace> {
    output: Output,
    options: SortOptions,
    /// Records that are in no run.
    batches: Batches<O>,
    runs: Runs,
    /// Templates so far.
    templates: u64,
    finder: Option<Finder>,
    /// Of records that the finder doesn't count.
    counts: LibraryCounts,
    /// The input up to here has been taken.
    covered: Covered,
    journal: Option<Journal>,
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
        let finder = (action != DuplicateAction::Ignore).then(|| {
            Finder::new(options.max_memory_bytes / 8, options.folder.clone(), options.threads, optical_distance)
        });
        Ok(Self {
            output: Output::new(writer, options.threads, action, &options.watch),
            runs: journal
                .as_ref()
                .map_or_else(|| Runs::new(options.folder.clone()), |journal| Runs::on(journal.run_shelf())),
            options,
            batches: Batches::new(),
            templates: 0,
            finder,
            counts: LibraryCounts::default(),
            covered: Covered::default(),
            journal,
        })
    }

    /// Whether a batch of so many bytes is too much for what is left of the memory.
    fn is_full(&self, bytes: usize) -> bool {
        !self.batches.is_empty() && self.batches.bytes() + bytes > self.options.max_memory_bytes / 8 * 5
    }

    fn spill(&mut self) -> Result<()> {
        let pieces = Pieces::cut(&self.batches, self.batches.bytes(), self.options.threads)?;
        let write =
            |placed: &Placed, run: &mut Vec<u8>| write_record(placed.template, self.batches.record(placed), run);
        self.runs.add::<Record<O>, _>(&pieces, self.options.threads, write)?;
        self.batches = Batches::new();
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

    fn prepare(batch: &mut EncodedBatch) -> Result<()> {
        batch.sorted = Sorted::of::<O>(&batch.bytes)?;
        Ok(())
    }

    fn write_batch(&mut self, batch: EncodedBatch, covered: &Covered) -> Result<()> {
        let EncodedBatch { bytes, signed: Signed { signatures, counts }, sorted } = batch;
        if self.is_full(bytes.capacity()) {
            self.spill()?;
        }
        let (before, templates) = (self.templates, u64::from(sorted.templates));
        self.templates += templates;
        self.batches.push(bytes, sorted, before);
        self.covered.clone_from(covered);
        let Some(finder) = &mut self.finder else {
            return Ok(());
        };
        if signatures.len() as u64 != templates {
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
        if !self.runs.is_empty() && !self.batches.is_empty() {
            self.spill()?;
        }
        let (duplicates, mut counts) = self.finder.take().map(Finder::finish).transpose()?.unzip();
        let duplicates = duplicates.unwrap_or_default();
        if let Some(counts) = &mut counts {
            counts.add(&self.counts);
        }
        let Self { mut output, batches, runs, journal, options, .. } = self;
        if runs.is_empty() {
            let pieces = Pieces::cut(&batches, batches.bytes(), options.threads)?;
            let jobs = (0..pieces.count()).map(Ok);
            output.write(&duplicates, jobs, |piece| Ok(gather(&batches, &pieces.sorted(piece))))?;
        } else {
            let (mut merged, folder) = runs.merge::<Record<O>>(options.threads)?;
            let mut next = |chunk: &mut Chunk| {
                let record = merged.next().map_err(|source| Error::file(&folder, source))?;
                let record = record.map(|record| chunk.push(record.template, &record.bytes));
                Ok(record.is_some())
            };
            output.write(&duplicates, std::iter::from_fn(|| Chunk::fill(&mut next).transpose()), Ok)?;
        }
        drop(batches);
        let written = output.finish(made)?;
        if let Some(journal) = journal {
            journal.remove();
        }
        Ok((counts, written))
    }
}

/// Records in memory, one after the other.
fn gather<O: Order>(batches: &Batches<O>, sorted: &[Placed]) -> Chunk {
    let mut chunk = Chunk::default();
    for block in sorted.chunks(FETCHED_AT_ONCE) {
        batches.fetch(block);
        block.iter().for_each(|placed| chunk.push(placed.template, batches.record(placed)));
    }
    chunk
}
