//! Cutting sorted sequences into pieces of the sorted whole, which threads then put in order without each other.
//!
//! Samples at regular distances, sorted, give the cuts (H. Shi, J. Schaeffer 1992, Parallel sorting by regular sampling): a piece is what lies
//! between two of them in all sequences. The order of items decides alone, so threads can't show.

use std::cmp::Ordering;
use std::ops::Range;

use crate::error::Result;
use crate::in_order::in_order;

/// Bytes of a piece, about.
const PIECE_BYTES: usize = 1 << 20;
/// Samples for each piece.
const SAMPLES: usize = 16;

/// Sequences that are sorted each for itself.
pub(crate) trait Sequences: Sync {
    /// What they consist of.
    type Item: Send + Sync;

    /// How many there are.
    fn count(&self) -> usize;

    /// Items of one; below 2^32.
    fn length(&self, sequence: usize) -> usize;

    /// An item.
    fn item(&self, sequence: usize, index: usize) -> Self::Item;

    /// The order of all items.
    fn compare(&self, a: &Self::Item, b: &Self::Item) -> Ordering;
}

/// Where sequences are cut.
pub(crate) struct Pieces<'a, S> {
    sequences: &'a S,
    count: usize,
    /// For each sequence the starts of all pieces but the first.
    starts: Vec<Vec<u32>>,
}

impl<'a, S: Sequences> Pieces<'a, S> {
    /// Cuts sequences that hold so many bytes in all, on so many threads.
    ///
    /// # Errors
    ///
    /// A thread can't be had.
    pub(crate) fn cut(sequences: &'a S, bytes: usize, threads: usize) -> Result<Self> {
        let items: usize = (0..sequences.count()).map(|sequence| sequences.length(sequence)).sum();
        // So there are no more starts than items.
        let most = items / sequences.count().max(1);
        let cuts = cuts(sequences, items, (bytes / PIECE_BYTES).min(most).max(1));
        let mut starts = vec![Vec::new(); sequences.count()];
        if cuts.is_empty() {
            return Ok(Self { sequences, count: 1, starts });
        }
        starts.clear();
        let jobs = (0..sequences.count()).map(Ok);
        let find = |(): &mut (), sequence| Ok(starts_in(sequences, sequence, &cuts));
        let keep = |found| {
            starts.push(found);
            Ok(())
        };
        in_order(threads, jobs, || (), find, keep)?;
        Ok(Self { sequences, count: cuts.len() + 1, starts })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The items of a piece in order.
    pub(crate) fn sorted(&self, piece: usize) -> Vec<S::Item> {
        let ranges = || (0..self.sequences.count()).map(|sequence| (sequence, self.range(sequence, piece)));
        let mut items = Vec::with_capacity(ranges().map(|(_, range)| range.len()).sum());
        for (sequence, range) in ranges() {
            items.extend(range.map(|index| self.sequences.item(sequence, index)));
        }
        items.sort_unstable_by(|a, b| self.sequences.compare(a, b));
        items
    }

    fn range(&self, sequence: usize, piece: usize) -> Range<usize> {
        let starts = &self.starts[sequence];
        let start = piece.checked_sub(1).map_or(0, |before| starts[before] as usize);
        start..starts.get(piece).map_or(self.sequences.length(sequence), |&end| end as usize)
    }
}

/// The first items of all of about `count` pieces but the first.
fn cuts<S: Sequences>(sequences: &S, items: usize, count: usize) -> Vec<S::Item> {
    let step = (items / (count * SAMPLES)).max(1);
    let (mut samples, mut before) = (Vec::with_capacity(items / step + 1), step / 2);
    for sequence in 0..sequences.count() {
        let length = sequences.length(sequence);
        samples.extend((before..length).step_by(step).map(|index| sequences.item(sequence, index)));
        // As if all sequences were one.
        let taken = length.saturating_sub(before).div_ceil(step);
        before = before + taken * step - length;
    }
    samples.sort_unstable_by(|a, b| sequences.compare(a, b));
    let each = samples.len().div_ceil(count).max(1);
    samples.into_iter().step_by(each).skip(1).collect()
}

/// Where in a sequence the pieces start.
fn starts_in<S: Sequences>(sequences: &S, sequence: usize, cuts: &[S::Item]) -> Vec<u32> {
    let length = sequences.length(sequence);
    let mut start = 0;
    let mut start_of = |cut: &S::Item| {
        let mut end = length;
        while start < end {
            let middle = start.midpoint(end);
            if sequences.compare(&sequences.item(sequence, middle), cut).is_lt() {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start as u32
    };
    cuts.iter().map(&mut start_of).collect()
}

/// Sorted slices.
pub(crate) struct Slices<'a, T>(pub(crate) Vec<&'a [T]>);

impl<T: Copy + Ord + Send + Sync> Sequences for Slices<'_, T> {
    type Item = T;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn length(&self, sequence: usize) -> usize {
        self.0[sequence].len()
    }

    fn item(&self, sequence: usize, index: usize) -> T {
        self.0[sequence][index]
    }

    fn compare(&self, a: &T, b: &T) -> Ordering {
        a.cmp(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of sequences of such lengths, as if an item had so many bytes.
    fn pieces(lengths: &[usize], item_bytes: usize, value: impl Fn(usize) -> u64) -> Vec<Vec<u64>> {
        let mut number = 0;
        let mut next = || {
            number += 1;
            value(number)
        };
        let sorted = |length: &usize| {
            let mut sequence: Vec<u64> = (0..*length).map(|_| next()).collect();
            sequence.sort_unstable();
            sequence
        };
        let sequences: Vec<_> = lengths.iter().map(sorted).collect();
        let slices = Slices(sequences.iter().map(Vec::as_slice).collect());
        let bytes = item_bytes * lengths.iter().sum::<usize>();
        let pieces = Pieces::cut(&slices, bytes, 3).unwrap();
        let pieces: Vec<_> = (0..pieces.count()).map(|piece| pieces.sorted(piece)).collect();
        let mut expected = sequences.concat();
        expected.sort_unstable();
        assert!(pieces.concat() == expected, "{lengths:?}");
        pieces
    }

    #[test]
    fn pieces_one_after_the_other_are_the_sorted_whole() {
        let mixed = |number: usize| (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let sets: [&[usize]; 7] = [&[], &[0], &[1], &[0, 3, 0], &[1; 50], &[5000, 0, 1, 999], &[4096; 40]];
        for lengths in sets {
            for item_bytes in [1, 1000, PIECE_BYTES] {
                pieces(lengths, item_bytes, mixed);
                pieces(lengths, item_bytes, |number| number as u64);
                pieces(lengths, item_bytes, |_| 7);
            }
        }
    }

    #[test]
    fn pieces_are_about_as_large_as_they_shall_be() {
        let even = pieces(&[4096; 40], 1000, |number| (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let wanted = 4096 * 40 * 1000 / PIECE_BYTES;
        assert!((wanted / 10 * 9..=wanted).contains(&even.len()), "{} of {wanted}", even.len());
        let largest = even.iter().map(Vec::len).max();
        assert!(largest.is_some_and(|largest| largest < 2 * PIECE_BYTES / 1000), "{largest:?}");
    }
}
