//! Bases and qualities by sequencing cycle.

use crate::flags;

/// Codes of a base in four bits.
const BASES: usize = 16;
/// Qualities are below this; the highest of SAM is 93.
pub(super) const QUALITIES: usize = 128;

/// Which read of a template.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mate {
    /// The first, or the only one.
    First,
    /// The last of several.
    Last,
}

impl Mate {
    /// Both.
    pub const ALL: [Self; 2] = [Self::First, Self::Last];

    /// By the value of FLAG.
    pub(super) fn of(flags: u16) -> Self {
        if flags & flags::LAST != 0 { Self::Last } else { Self::First }
    }
}

/// How often each base occurs in a cycle.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BaseCounts {
    /// A, C, G and T.
    pub acgt: [u64; 4],
    /// N.
    pub n: u64,
    /// Other codes.
    pub other: u64,
}

impl BaseCounts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.acgt.iter().sum::<u64>() + self.n + self.other
    }

    fn of(row: &[u64; BASES]) -> Self {
        let acgt = [row[1], row[2], row[4], row[8]];
        let other = row.iter().sum::<u64>() - acgt.iter().sum::<u64>() - row[15];
        Self { acgt, n: row[15], other }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        let acgt = std::array::from_fn(|i| self.acgt[i] + other.acgt[i]);
        Self { acgt, n: self.n + other.n, other: self.other + other.other }
    }

    fn complement(self) -> Self {
        let [a, c, g, t] = self.acgt;
        Self { acgt: [t, g, c, a], ..self }
    }
}

/// Qualities of a cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CycleQuality {
    /// Their mean.
    pub mean: f64,
    /// A tenth are below this.
    pub low: u8,
    /// A tenth are above this.
    pub high: u8,
}

impl CycleQuality {
    pub(super) fn of(row: &[u64; QUALITIES]) -> Self {
        let total: u64 = row.iter().sum();
        let sum: u64 = (0..).zip(row).map(|(quality, count)| quality * count).sum();
        let at = |rank: u64| {
            let mut seen = 0;
            let place = row.iter().position(|count| {
                seen += count;
                seen > rank
            });
            place.unwrap_or(0) as u8
        };
        Self {
            mean: sum as f64 / total.max(1) as f64,
            low: at(total / 10),
            high: at(total - total.min(total / 10 + 1)),
        }
    }
}

/// Bases and qualities of the reads of one mate number. Rows are cycles; they grow with the longest read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Cycles {
    /// As they stand in the record, of reads on the forward and on the reverse strand.
    bases: [Vec<[u64; BASES]>; 2],
    pub(super) qualities: Vec<[u64; QUALITIES]>,
}

impl Cycles {
    /// Counts a read, whose record has `packed` bases.
    pub(super) fn add(&mut self, packed: &[u8], qualities: &[u8], reverse: bool) {
        let length = qualities.len();
        let bases = &mut self.bases[usize::from(reverse)];
        if bases.len() < length {
            bases.resize(length, [0; BASES]);
        }
        if self.qualities.len() < length {
            self.qualities.resize(length, [0; QUALITIES]);
        }
        // The last cycle stands first in the record of a reverse read.
        let (rows, quality_rows) = (&mut bases[..length], &mut self.qualities[..length]);
        if reverse {
            let (rest, pairs) = rows.as_rchunks_mut();
            count_pairs(pairs.iter_mut().rev().map(|[second, first]| [first, second]), packed);
            count_last(rest, packed);
            count_qualities(quality_rows.iter_mut().rev(), qualities);
        } else {
            let (pairs, rest) = rows.as_chunks_mut();
            count_pairs(pairs.iter_mut().map(|[first, second]| [first, second]), packed);
            count_last(rest, packed);
            count_qualities(quality_rows.iter_mut(), qualities);
        }
    }

    pub(super) fn combine(&mut self, other: &Self, apply: impl Fn(&mut u64, u64) + Copy) {
        for (own, other) in self.bases.iter_mut().zip(&other.bases) {
            combine_rows(own, other, apply);
        }
        combine_rows(&mut self.qualities, &other.qualities, apply);
    }

    /// Bases by cycle as they stand in the records, so complemented for reads on the reverse strand.
    pub(super) fn bases(&self, cycle: usize) -> BaseCounts {
        self.strand(0, cycle).plus(self.strand(1, cycle))
    }

    /// Bases by cycle as they were read.
    pub(super) fn bases_as_read(&self, cycle: usize) -> BaseCounts {
        self.strand(0, cycle).plus(self.strand(1, cycle).complement())
    }

    fn strand(&self, reverse: usize, cycle: usize) -> BaseCounts {
        self.bases[reverse].get(cycle).map_or_else(BaseCounts::default, BaseCounts::of)
    }
}

fn count_pairs<'a>(rows: impl Iterator<Item = [&'a mut [u64; BASES]; 2]>, packed: &[u8]) {
    for ([first, second], &pair) in rows.zip(packed) {
        first[usize::from(pair >> 4)] += 1;
        second[usize::from(pair & 15)] += 1;
    }
}

/// The last base of an odd number of them.
fn count_last(rows: &mut [[u64; BASES]], packed: &[u8]) {
    if let ([row], Some(&last)) = (rows, packed.last()) {
        row[usize::from(last >> 4)] += 1;
    }
}

fn count_qualities<'a>(rows: impl Iterator<Item = &'a mut [u64; QUALITIES]>, qualities: &[u8]) {
    for (row, &quality) in rows.zip(qualities) {
        row[usize::from(quality) % QUALITIES] += 1;
    }
}

pub(super) fn combine_rows<const N: usize>(
    own: &mut Vec<[u64; N]>,
    other: &[[u64; N]],
    apply: impl Fn(&mut u64, u64) + Copy,
) {
    if own.len() < other.len() {
        own.resize(other.len(), [0; N]);
    }
    for (own, other) in own.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
        apply(own, *other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ACGTN in the order of the record, for both strands, with even and odd lengths.
    #[test]
    fn a_cycle_is_counted_in_the_order_of_sequencing() {
        let mut cycles = Cycles::default();
        cycles.add(&[0x12, 0x48, 0xf0], &[1, 2, 3, 4, 5], false);
        cycles.add(&[0x12, 0x48, 0xf0], &[1, 2, 3, 4, 5], true);
        cycles.add(&[0x12, 0x48], &[1, 2, 3, 4], true);
        let acgt = |cycle| cycles.bases(cycle).acgt;
        assert_eq!((acgt(0), cycles.bases(0).n), ([1, 0, 0, 1], 1));
        assert_eq!([acgt(1), acgt(2), acgt(3)], [[0, 1, 1, 1], [0, 1, 2, 0], [1, 1, 0, 1]]);
        assert_eq!((acgt(4), cycles.bases(4).n), ([1, 0, 0, 0], 1));
        assert_eq!(cycles.bases_as_read(0).acgt, [2, 0, 0, 0]);
        assert_eq!([1, 4, 5].map(|quality| cycles.qualities[0][quality]), [1, 1, 1]);
        let quality = CycleQuality::of(&cycles.qualities[3]);
        assert_eq!((quality.mean, quality.low, quality.high), (7.0 / 3.0, 1, 4));
        assert_eq!([1, 5].map(|quality| cycles.qualities[4][quality]), [1, 1]);
    }
}
