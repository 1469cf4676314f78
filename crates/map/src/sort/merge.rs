//! Merging sorted runs of items.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use svala_io::{SpillFrame, SpillReader};

use super::pieces::{Pieces, Sequences};
use super::shelf::{KeptFile, Run, Shelf};
use crate::error::Error;
use crate::in_order::in_order;

/// Most runs that are open at once. Each costs up to 600 kB while merging, and a thread that decompresses it.
const MAX_RUNS: usize = 64;
/// Threads from which on runs are decompressed by others than the one that merges; with fewer that only costs.
const AHEAD_FROM_THREADS: usize = 4;
/// Bytes of merged items that are compressed at once.
const MERGED_BYTES: usize = 1 << 20;

/// What can be sorted out of core.
pub(crate) trait Item: Default + Ord + Send {
    /// Appends it to what is to be a run.
    fn write(&self, run: &mut dyn Write) -> io::Result<()>;

    /// Replaces it by the next of a run; false at the end.
    fn read(&mut self, run: &mut SpillReader) -> io::Result<bool>;
}

/// Sorted runs in files of a folder; as many as may be open are merged into one before there are more.
pub(crate) struct Runs {
    shelf: Shelf,
    runs: Vec<Run>,
}

impl Runs {
    /// Runs without names.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self::on(Shelf::Unnamed(folder))
    }

    /// Runs on a shelf.
    pub(crate) fn on(shelf: Shelf) -> Self {
        Self { shelf, runs: Vec::new() }
    }

    /// Takes up runs that an earlier process kept.
    pub(crate) fn restore(&mut self, runs: Vec<Run>) {
        self.runs.extend(runs);
    }

    /// The files of runs that are kept.
    pub(crate) fn files(&self) -> impl Iterator<Item = &KeptFile> {
        self.runs.iter().filter_map(|run| run.file.as_ref())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Spills the sorted whole of some sequences, of which `write` appends an item as `T` reads it, on so many threads.
    pub(crate) fn add<T: Item, S: Sequences>(
        &mut self,
        pieces: &Pieces<'_, S>,
        threads: usize,
        write: impl Fn(&S::Item, &mut Vec<u8>) -> io::Result<()> + Sync,
    ) -> Result<(), Error> {
        if self.runs.len() == MAX_RUNS {
            self.merge_all::<T>(threads)?;
        }
        let jobs = (0..pieces.count()).map(Ok);
        self.store(threads, jobs, |bytes, piece| pieces.sorted(piece).iter().try_for_each(|item| write(item, bytes)))
    }

    /// Merges all runs into one.
    fn merge_all<T: Item>(&mut self, threads: usize) -> Result<(), Error> {
        let folder = self.shelf.folder().to_owned();
        let failed = |source| Error::file(&folder, source);
        let mut merged = readers(std::mem::take(&mut self.runs), threads).and_then(Merged::<T>::new).map_err(failed)?;
        let mut gather = || {
            let mut bytes = Vec::new();
            while bytes.len() < MERGED_BYTES
                && let Some(item) = merged.next()?
            {
                item.write(&mut bytes)?;
            }
            Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
        };
        let jobs = std::iter::from_fn(|| gather().map_err(failed).transpose());
        self.store(threads, jobs, |bytes, mut merged| {
            bytes.append(&mut merged);
            Ok(())
        })
    }

    /// Stores a run whose parts `make` appends to what it is given, job by job.
    fn store<J: Send>(
        &mut self,
        threads: usize,
        jobs: impl Iterator<Item = Result<J, Error>> + Send,
        make: impl Fn(&mut Vec<u8>, J) -> io::Result<()> + Sync,
    ) -> Result<(), Error> {
        let mut run = self.shelf.create()?;
        let failed = |source| Error::file(self.shelf.folder(), source);
        let frame = |bytes: &mut Vec<u8>, job| {
            bytes.clear();
            make(bytes, job).and_then(|()| SpillFrame::of(bytes)).map_err(failed)
        };
        in_order(threads, jobs, Vec::new, frame, |frame| run.append(&frame).map_err(failed))?;
        self.runs.push(self.shelf.end(run)?);
        Ok(())
    }

    /// All items in order, for which there are so many threads, and the folder to name if that fails.
    pub(crate) fn merge<T: Item>(self, threads: usize) -> Result<(Merged<T>, PathBuf), Error> {
        let folder = self.shelf.folder().to_owned();
        match readers(self.runs, threads).and_then(Merged::new) {
            Ok(merged) => Ok((merged, folder)),
            Err(source) => Err(Error::file(&folder, source)),
        }
    }
}

fn readers(runs: Vec<Run>, threads: usize) -> io::Result<Vec<SpillReader>> {
    let is_ahead = threads >= AHEAD_FROM_THREADS;
    runs.into_iter().map(|run| if is_ahead { run.reader.ahead() } else { Ok(run.reader) }).collect()
}

/// What hands out items in order.
pub(crate) trait Source<T> {
    /// Why it can't.
    type Error;

    /// Replaces `item` by the next one; false at the end.
    fn next(&mut self, item: &mut T) -> Result<bool, Self::Error>;
}

impl<T: Item> Source<T> for SpillReader {
    type Error = io::Error;

    fn next(&mut self, item: &mut T) -> io::Result<bool> {
        item.read(self)
    }
}

/// Items of several sources, in order.
pub(crate) struct Merged<T, S = SpillReader> {
    /// The next item of each source, with the source's number.
    heads: BinaryHeap<Reverse<(T, usize)>>,
    sources: Vec<S>,
    taken: T,
}

impl<T: Default + Ord, S: Source<T>> Merged<T, S> {
    pub(crate) fn new(mut sources: Vec<S>) -> Result<Self, S::Error> {
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (number, source) in sources.iter_mut().enumerate() {
            let mut item = T::default();
            if source.next(&mut item)? {
                heads.push(Reverse((item, number)));
            }
        }
        Ok(Self { heads, sources, taken: T::default() })
    }

    /// The next item.
    pub(crate) fn next(&mut self) -> Result<Option<&mut T>, S::Error> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(None);
        };
        let Reverse((item, source)) = &mut *head;
        // The buffers of the item before are used again.
        std::mem::swap(item, &mut self.taken);
        if !self.sources[*source].next(item)? {
            PeekMut::pop(head);
        }
        Ok(Some(&mut self.taken))
    }
}

/// Fills `buffer`, or returns false if the run has ended.
pub(crate) fn read_whole(run: &mut SpillReader, buffer: &mut [u8]) -> io::Result<bool> {
    if run.read(&mut buffer[..1])? == 0 {
        return Ok(false);
    }
    run.read_exact(&mut buffer[1..]).map(|()| true)
}

impl Item for [u64; 2] {
    fn write(&self, run: &mut dyn Write) -> io::Result<()> {
        self.iter().try_for_each(|number| run.write_all(&number.to_le_bytes()))
    }

    fn read(&mut self, run: &mut SpillReader) -> io::Result<bool> {
        let mut bytes = [0; 16];
        let is_there = read_whole(run, &mut bytes)?;
        let number = u128::from_le_bytes(bytes);
        *self = [number as u64, (number >> 64) as u64];
        Ok(is_there)
    }
}
