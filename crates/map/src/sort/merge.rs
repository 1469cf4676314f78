//! Merging sorted runs of items.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use svala_io::{SpillReader, SpillWriter};

use crate::error::{Error, Result};

/// Most runs that are open at once. Each costs about 150 kB while merging.
const MAX_RUNS: usize = 64;

/// What can be sorted out of core.
pub(crate) trait Item: Default + Ord {
    /// Appends it to a run.
    fn write(&self, run: &mut SpillWriter) -> io::Result<()>;

    /// Replaces it by the next of a run; false at the end.
    fn read(&mut self, run: &mut SpillReader) -> io::Result<bool>;
}

/// Sorted runs in temporary files of a folder; as many as may be open are merged into one before there are more.
pub(crate) struct Runs {
    folder: PathBuf,
    runs: Vec<SpillReader>,
}

impl Runs {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, runs: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Spills a run that `write` writes, sorted as `T`s.
    pub(crate) fn add<T: Item>(&mut self, write: impl FnOnce(&mut SpillWriter) -> io::Result<()>) -> Result<()> {
        if self.runs.len() == MAX_RUNS {
            let mut merged = self.take().merge::<T>()?;
            self.spill(|run| {
                while let Some(item) = merged.next()? {
                    item.write(run)?;
                }
                Ok(())
            })?;
        }
        self.spill(write)
    }

    fn spill(&mut self, write: impl FnOnce(&mut SpillWriter) -> io::Result<()>) -> Result<()> {
        let mut run = SpillWriter::create(&self.folder)?;
        let reader = write(&mut run).and_then(|()| run.into_reader());
        self.runs.push(reader.map_err(|source| Error::file(&self.folder, source))?);
        Ok(())
    }

    fn take(&mut self) -> Self {
        Self { folder: self.folder.clone(), runs: std::mem::take(&mut self.runs) }
    }

    /// All items in order.
    pub(crate) fn merge<T: Item>(self) -> Result<Merged<T>> {
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        let mut sources = self.runs;
        for (source, run) in sources.iter_mut().enumerate() {
            let mut item = T::default();
            if item.read(run).map_err(|e| Error::file(&self.folder, e))? {
                heads.push(Reverse((item, source)));
            }
        }
        Ok(Merged { folder: self.folder, heads, sources, taken: T::default() })
    }
}

/// Items of several runs, in order.
pub(crate) struct Merged<T> {
    folder: PathBuf,
    /// The next item of each run, with the run's number.
    heads: BinaryHeap<Reverse<(T, usize)>>,
    sources: Vec<SpillReader>,
    taken: T,
}

impl<T: Item> Merged<T> {
    /// The next item.
    pub(crate) fn next(&mut self) -> io::Result<Option<&mut T>> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(None);
        };
        let Reverse((item, source)) = &mut *head;
        // The buffers of the item before are used again.
        std::mem::swap(item, &mut self.taken);
        if !item.read(&mut self.sources[*source])? {
            PeekMut::pop(head);
        }
        Ok(Some(&mut self.taken))
    }

    /// Where the runs are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
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
    fn write(&self, run: &mut SpillWriter) -> io::Result<()> {
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
