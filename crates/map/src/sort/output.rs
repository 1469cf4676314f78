//! Where sorted records go: threads decide what becomes of duplicates and count, one more hands out what they made, in order.

use std::sync::Arc;

use svala_io::qc::{Depth, RecordSums};
use svala_io::{AlignmentWriter, EncodedRecord};

use super::{DuplicateAction, Watch};
use crate::duplicates::Duplicates;
use crate::error::{Error, Result};
use crate::in_order::in_order;
use crate::meter::Meter;
use crate::observer::{Observe, Observer, Written};

/// Bytes of a full chunk, about.
const CHUNK_BYTES: usize = 1 << 18;

/// Records one after the other, with the numbers of their templates.
#[derive(Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    templates: Vec<u64>,
}

impl Chunk {
    /// Appends a record.
    pub(crate) fn push(&mut self, template: u64, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.templates.push(template);
    }

    /// What `next` appends until the chunk is full or it says that there is no more; none of nothing.
    pub(crate) fn fill(mut next: impl FnMut(&mut Self) -> Result<bool>) -> Result<Option<Self>> {
        let mut chunk = Self::default();
        while chunk.bytes.len() < CHUNK_BYTES && next(&mut chunk)? {}
        Ok(Some(chunk).filter(|chunk| !chunk.templates.is_empty()))
    }
}

/// A chunk as it is to be written.
struct Marked {
    bytes: Vec<u8>,
    /// Of these bytes, if they are counted.
    sums: Option<RecordSums>,
    /// Records of the chunk, with those that were left out.
    records: u64,
}

/// What a thread makes of chunks, and what it saw.
struct Marker<'a> {
    duplicates: &'a Duplicates,
    removes: bool,
    counts: bool,
    /// Duplicates as they were.
    seen: Observer,
    /// Duplicates as they were written.
    flagged: RecordSums,
}

impl Marker<'_> {
    fn mark(&mut self, chunk: Chunk) -> Result<Marked> {
        let Chunk { mut bytes, templates } = chunk;
        let (mut start, mut end_of_kept) = (0, 0);
        let mut sums = self.counts.then(RecordSums::default);
        for &template in &templates {
            let (record, _) = EncodedRecord::split_first(&bytes[start..]).ok_or(Error::BrokenRecord)?;
            let length = record.bytes().len();
            let is_duplicate = self.duplicates.has(template);
            if is_duplicate {
                self.seen.add(record);
                EncodedRecord::mark_duplicate(&mut bytes[start..start + length], true);
            }
            if !(is_duplicate && self.removes) {
                let (record, _) = EncodedRecord::split_first(&bytes[start..]).ok_or(Error::BrokenRecord)?;
                if is_duplicate && self.seen.sums.is_some() {
                    self.flagged.add(record);
                }
                if let Some(sums) = &mut sums {
                    sums.add(record);
                }
                if end_of_kept < start {
                    bytes.copy_within(start..start + length, end_of_kept);
                }
                end_of_kept += length;
            }
            start += length;
        }
        bytes.truncate(end_of_kept);
        Ok(Marked { bytes, sums, records: templates.len() as u64 })
    }
}

/// Where sorted records go.
pub(crate) struct Output {
    writer: AlignmentWriter,
    threads: usize,
    written: Written,
    depth: Option<Depth>,
    meter: Arc<Meter>,
    /// Records so far, with those that are left out.
    records: u64,
}

impl Output {
    /// An output that marks and counts on so many threads.
    pub(crate) fn new(writer: AlignmentWriter, threads: usize, action: DuplicateAction, watch: &Watch) -> Self {
        let written = Written {
            duplicates: Observer::new(watch.observe),
            removed: action == DuplicateAction::Remove,
            ..Written::default()
        };
        let depth = (watch.observe == Observe::All && watch.depth).then(Depth::default);
        Self { writer, threads, written, depth, meter: Arc::clone(&watch.meter), records: 0 }
    }

    /// Writes the records of chunks that `make` makes out of jobs, as they must be if their templates are among `duplicates`.
    pub(crate) fn write<J: Send>(
        &mut self,
        duplicates: &Duplicates,
        jobs: impl Iterator<Item = Result<J>> + Send,
        make: impl Fn(J) -> Result<Chunk> + Sync,
    ) -> Result<()> {
        let (removes, counts) = (self.written.removed, self.writer.written().is_some());
        let nothing = self.written.duplicates.nothing();
        let marker = || Marker { duplicates, removes, counts, seen: nothing.clone(), flagged: RecordSums::default() };
        let mark = |marker: &mut Marker<'_>, job| marker.mark(make(job)?);
        let markers = in_order(self.threads, jobs, marker, mark, |marked| self.take(&marked))?;
        for Marker { seen, flagged, .. } in &markers {
            self.written.duplicates.merge(seen);
            self.written.flagged.merge(flagged);
        }
        Ok(())
    }

    fn take(&mut self, marked: &Marked) -> Result<()> {
        self.records += marked.records;
        self.meter.set_sorted(self.records);
        if let Some(depth) = &mut self.depth {
            for record in EncodedRecord::all(&marked.bytes) {
                depth.add(record.map_err(|_| Error::BrokenRecord)?);
            }
        }
        match &marked.sums {
            Some(sums) => self.writer.write_counted(&marked.bytes, sums)?,
            None => self.writer.write_encoded(&marked.bytes)?,
        }
        Ok(())
    }

    /// Completes the file, if it has the records that were made, and says what was seen.
    pub(crate) fn finish(self, made: Option<RecordSums>) -> Result<Written> {
        let mut written = Written { depth: self.depth.map(Depth::finish), ..self.written };
        written.finish(self.writer, made)?;
        Ok(written)
    }
}
