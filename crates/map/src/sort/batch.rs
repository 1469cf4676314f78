//! Encoded records in memory, sorted batch by batch.

use std::cmp::Ordering;
use std::marker::PhantomData;

use svala_io::{EncodedRecord, flags};

use super::order::Order;
use super::pieces::Sequences;
use crate::error::{Error, Result};

/// Flags that the first record of a template never has: it is the primary one of its only or first read.
const NEVER_FIRST: u16 = flags::LAST | flags::SECONDARY | flags::SUPPLEMENTARY;

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// A record of a batch.
#[derive(Debug)]
struct Entry {
    key: u64,
    start: u64,
    bytes: u32,
    /// Number of its template in the batch.
    template: u32,
}

/// The records of a batch of whole templates, in an order.
#[derive(Debug, Default)]
pub struct Sorted {
    entries: Vec<Entry>,
    /// Templates of the batch.
    pub(super) templates: u32,
}

/// A record among those of all batches.
pub(super) struct Placed {
    key: u64,
    start: u64,
    /// Number of its template in the input.
    pub(super) template: u64,
    bytes: u32,
    batch: u32,
}

impl Sorted {
    /// Sorts a batch.
    ///
    /// # Errors
    ///
    /// Something is no whole record, or the first is not the first of a template.
    pub(super) fn of<O: Order>(batch: &[u8]) -> Result<Self> {
        let (mut entries, mut start, mut templates) = (Vec::new(), 0, 0u32);
        for record in EncodedRecord::all(batch) {
            let record = record.map_err(|_| Error::BrokenRecord)?;
            templates += u32::from(record.flags() & NEVER_FIRST == 0);
            let (template, bytes) = (templates.checked_sub(1).ok_or(Error::BrokenRecord)?, record.bytes().len());
            entries.push(Entry { key: O::key(record), start, bytes: bytes as u32, template });
            start += bytes as u64;
        }
        let of = |entry: &Entry| &batch[entry.start as usize..][..entry.bytes as usize];
        entries.sort_unstable_by(|a, b| {
            let tie = || O::compare_same_key(of(a), of(b));
            a.key.cmp(&b.key).then_with(tie).then(a.template.cmp(&b.template))
        });
        // Many batches wait in memory.
        entries.shrink_to_fit();
        Ok(Self { entries, templates })
    }
}

/// A batch.
struct Batch {
    bytes: Vec<u8>,
    sorted: Sorted,
    /// Templates before it.
    before: u64,
}

impl Batch {
    /// Bytes that it takes, whether they are used or not.
    fn memory(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity() + self.sorted.entries.capacity() * size_of::<Entry>()
    }
}

/// Batches of records in the order of the input.
pub(super) struct Batches<O> {
    batches: Vec<Batch>,
    /// Bytes that all of them take.
    bytes: usize,
    order: PhantomData<fn() -> O>,
}

impl<O: Order> Batches<O> {
    pub(super) fn new() -> Self {
        Self { batches: Vec::new(), bytes: 0, order: PhantomData }
    }

    /// Takes the next batch, which comes behind so many templates.
    pub(super) fn push(&mut self, bytes: Vec<u8>, sorted: Sorted, before: u64) {
        let batch = Batch { bytes, sorted, before };
        self.bytes += batch.memory();
        self.batches.push(batch);
    }

    /// Touches all lines of some records, so that the CPU fetches many at a time.
    pub(super) fn fetch(&self, records: &[Placed]) {
        let lines = records.iter().flat_map(|placed| self.record(placed).iter().step_by(LINE_BYTES));
        std::hint::black_box(lines.fold(0, |all, byte| all ^ byte));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Bytes of memory for records and what is kept beside them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// All bytes of a record.
    pub(super) fn record(&self, placed: &Placed) -> &[u8] {
        &self.batches[placed.batch as usize].bytes[placed.start as usize..][..placed.bytes as usize]
    }
}

impl<O: Order> Sequences for Batches<O> {
    type Item = Placed;

    fn count(&self) -> usize {
        self.batches.len()
    }

    fn length(&self, sequence: usize) -> usize {
        self.batches[sequence].sorted.entries.len()
    }

    fn item(&self, sequence: usize, index: usize) -> Placed {
        let batch = &self.batches[sequence];
        let Entry { key, start, bytes, template } = batch.sorted.entries[index];
        Placed { key, start, template: batch.before + u64::from(template), bytes, batch: sequence as u32 }
    }

    fn compare(&self, a: &Placed, b: &Placed) -> Ordering {
        let tie = || O::compare_same_key(self.record(a), self.record(b));
        a.key.cmp(&b.key).then_with(tie).then_with(|| a.template.cmp(&b.template))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sort::order::ByPlace;

    #[test]
    fn memory_that_is_not_used_counts() {
        let mut batches = Batches::<ByPlace>::new();
        batches.push(Vec::with_capacity(1000), Sorted::default(), 0);
        assert!(batches.bytes() >= 1000 + size_of::<Batch>());
    }
}
