//! Sorting many small items of one size, out of core.

use std::path::PathBuf;

use super::merge::{Item, Merged, Runs};
use super::pieces::{Pieces, Slices};
use crate::error::{Error, Result};
use crate::in_order::in_order;

/// Items that a thread sorts by themselves, so that they fit its cache.
const SLICE_ITEMS: usize = 1 << 14;

/// Gathers items and hands them out in order.
pub(crate) struct ExternalSorter<T> {
    items: Vec<T>,
    most: usize,
    runs: Runs,
    threads: usize,
}

impl<T: Item + Copy + Send + Sync> ExternalSorter<T> {
    /// A sorter that holds items of at most `max_memory_bytes` (but one at least) and spills into `folder` on so many threads. Its array
    /// may have twice that size.
    pub(crate) fn new(max_memory_bytes: usize, folder: PathBuf, threads: usize) -> Self {
        Self { items: Vec::new(), most: (max_memory_bytes / size_of::<T>()).max(1), runs: Runs::new(folder), threads }
    }

    /// Takes one more.
    ///
    /// # Errors
    ///
    /// A run can't be written.
    pub(crate) fn push(&mut self, item: T) -> Result<()> {
        if self.items.len() >= self.most {
            self.spill()?;
        }
        self.items.push(item);
        Ok(())
    }

    /// Turns to handing them out.
    ///
    /// # Errors
    ///
    /// Runs can't be written or read.
    pub(crate) fn into_sorted(mut self) -> Result<Sorted<T>> {
        if self.runs.is_empty() {
            self.items.sort_unstable();
            return Ok(Sorted::InMemory(self.items.into_iter()));
        }
        self.spill()?;
        let (merged, folder) = self.runs.merge(self.threads)?;
        Ok(Sorted::Spilled(Box::new(merged), folder))
    }

    fn spill(&mut self) -> Result<()> {
        let sort = |(): &mut (), slice: &mut [T]| {
            slice.sort_unstable();
            Ok(())
        };
        in_order(self.threads, self.items.chunks_mut(SLICE_ITEMS).map(Ok), || (), sort, Ok)?;
        let slices = Slices(self.items.chunks(SLICE_ITEMS).collect());
        let pieces = Pieces::cut(&slices, size_of_val(&self.items[..]), self.threads)?;
        self.runs.add::<T, _>(&pieces, self.threads, |item, bytes| item.write(bytes))?;
        self.items.clear();
        Ok(())
    }
}

/// Items in order.
pub(crate) enum Sorted<T> {
    InMemory(std::vec::IntoIter<T>),
    /// With the folder of the runs.
    Spilled(Box<Merged<T>>, PathBuf),
}

impl<T: Item + Copy> Sorted<T> {
    /// The next item.
    ///
    /// # Errors
    ///
    /// A run can't be read.
    pub(crate) fn next(&mut self) -> Result<Option<T>> {
        match self {
            Self::InMemory(items) => Ok(items.next()),
            Self::Spilled(merged, folder) => match merged.next() {
                Ok(item) => Ok(item.copied()),
                Err(source) => Err(Error::file(folder, source)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_memory_gives_the_sorted_items() {
        let folder = tempfile::tempdir().unwrap();
        let numbers: Vec<[u64; 2]> = (0..1000).map(|i| [i * 7919 % 13, i * 104_729 % 101]).collect();
        let mut expected = numbers.clone();
        expected.sort_unstable();
        // 1,000 runs of one item, 100 of ten, one of all but one and one, all in memory.
        for (most, threads) in [(1, 4), (1, 1), (10, 2), (10, 5), (999, 4), (1000, 4)] {
            let mut sorter = ExternalSorter::new(16 * most, folder.path().to_owned(), threads);
            numbers.iter().for_each(|&number| sorter.push(number).unwrap());
            let mut sorted = sorter.into_sorted().unwrap();
            let items: Vec<[u64; 2]> = std::iter::from_fn(|| sorted.next().unwrap()).collect();
            assert!(items == expected, "{most}");
        }
    }
}
