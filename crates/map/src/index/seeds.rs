//! The seed table: a hash table of all reference seeds in two flat arrays.
//!
//! A seed's hash gives its bucket (top bits) and a tag (the bits behind them). `buckets[b]..buckets[b + 1]` is the range of its
//! bucket's entries, which are sorted. An entry is, from its top bit down, with 32 to 40 bits for a position (as many as the
//! reference needs):
//!
//! ```text
//! tag 13 to 5 | hash of the flank behind 9 | hash of the flank before 9 | position 32 to 40 | strand 1
//! ```
//!
//! so the entries of one k-mer are neighbours, and those that also agree in the 12 bases behind it are neighbours among
//! them. About one entry in 8,000 looked at (with a tag of 13 bits) belongs to another k-mer; comparing bases weeds it out. 8 bytes
//! a seed and 4 a bucket, with no more buckets than seeds: at most 12 bytes a seed. Frequent seeds have directories besides
//! ([`super::directories`]).
//!
//! The numbers in `buckets` never fall, and have more than 32 bits where there are more than 2^32 seeds (references of more than
//! 23 billion bases). Their low 32 bits are stored; a number less than the one before it tells that the high bits went up by one
//! there. Such places are few, and are listed when the index is loaded.

use std::hint::select_unpredictable;
use std::ops::Range;

use super::directories::Directories;
use crate::syncmer::{FLANK_BITS, Flanks, Seed};

/// Bits of a position at the least, and of the tag that is then left.
const LEAST_POSITION_BITS: u32 = 32;
/// Bits of a position at the most.
const MOST_POSITION_BITS: u32 = 40;
/// Ranges up to this length are scanned, longer ones searched by halves.
const SCAN_LIMIT: usize = 16;
/// Searches that wait for memory together.
const SEARCHES: usize = 32;

/// One occurrence of a seed in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Padded position of the k-mer's first base.
    pub position: u64,
    /// Whether the canonical k-mer is the reverse complement of the reference's.
    pub reverse: bool,
}

/// Where the first of some sorted entries lies that is not below a key.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The first entry that it may be.
    pub first: usize,
    /// How many behind that one it may be.
    pub count: usize,
    /// The key.
    pub key: u64,
}

impl Bound {
    /// Passes over the next `step` of the entries that it may be if the last of them is below the key.
    #[inline(always)]
    fn step(&mut self, entries: &[u64], step: usize) {
        let last = entries.get(self.first + step.saturating_sub(1)).copied().unwrap_or(u64::MAX);
        // A conditional move, not a branch: other searches needn't wait for this entry.
        self.first += select_unpredictable(last < self.key, step, 0);
        self.count -= step;
    }
}

/// How hashes and entries are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryLayout {
    /// Bits of a position in an entry, 32 to 40.
    pub position_bits: u32,
    /// Buckets are 2 to this power.
    pub bucket_bits: u32,
}

impl EntryLayout {
    /// For a reference of so many bases, with and without padding.
    pub fn new(padded_bases: u64, bases: u64) -> Self {
        let position_bits = (u64::BITS - padded_bases.leading_zeros()).max(LEAST_POSITION_BITS);
        Self { position_bits, bucket_bits: bucket_bits_for(bases) }
    }

    /// Whether an index can have it.
    pub fn is_possible(self) -> bool {
        (LEAST_POSITION_BITS..=MOST_POSITION_BITS).contains(&self.position_bits)
            && (MIN_BUCKET_BITS..=MOST_POSITION_BITS).contains(&self.bucket_bits)
    }

    /// Packs an entry. Flanks that are missing count as hash 0.
    #[inline]
    pub fn pack(self, seed: &Seed, flanks: Flanks, position: u64) -> u64 {
        let flank = |i: usize| u64::from(flanks[i].unwrap_or(0));
        self.tag_of(seed.hash) << self.tag_shift()
            | flank(1) << self.behind_shift()
            | flank(0) << self.before_shift()
            | position << 1
            | u64::from(seed.reverse)
    }

    /// Unpacks what an entry says of the reference.
    #[inline]
    pub fn unpack(self, entry: u64) -> Occurrence {
        Occurrence { position: (entry >> 1) & self.position_mask(), reverse: entry & 1 == 1 }
    }

    /// The bits of a position.
    #[inline]
    pub fn position_mask(self) -> u64 {
        (1 << self.position_bits) - 1
    }

    #[inline]
    fn before_shift(self) -> u32 {
        self.position_bits + 1
    }

    #[inline]
    fn behind_shift(self) -> u32 {
        self.before_shift() + FLANK_BITS
    }

    #[inline]
    fn tag_shift(self) -> u32 {
        self.behind_shift() + FLANK_BITS
    }

    /// The hash of the flank before a seed, of an entry.
    #[inline]
    fn before(self, entry: u64) -> u16 {
        ((entry >> self.before_shift()) & ((1 << FLANK_BITS) - 1)) as u16
    }

    /// The hash of the flank behind a seed, of an entry.
    #[inline]
    pub fn behind(self, entry: u64) -> u16 {
        ((entry >> self.behind_shift()) & ((1 << FLANK_BITS) - 1)) as u16
    }

    /// The tag of an entry: in its bucket, another seed has another.
    #[inline]
    pub fn tag(self, entry: u64) -> u64 {
        entry >> self.tag_shift()
    }

    /// The bits of a hash that tell seeds apart: bucket and tag.
    #[inline]
    pub fn seed_of(self, hash: u64) -> u64 {
        hash >> (self.tag_shift() - self.bucket_bits)
    }

    /// The same, of a bucket and an entry.
    #[inline]
    pub fn seed(self, bucket: usize, entry: u64) -> u64 {
        (bucket as u64) << (u64::BITS - self.tag_shift()) | self.tag(entry)
    }

    #[inline]
    fn tag_of(self, hash: u64) -> u64 {
        (hash << self.bucket_bits) >> self.tag_shift()
    }
}

/// Bucket of a hash.
#[inline]
pub fn bucket_of(hash: u64, bucket_bits: u32) -> usize {
    (hash >> (64 - bucket_bits)) as usize
}

/// Buckets, in bits, that the smallest table has.
const MIN_BUCKET_BITS: u32 = 8;

/// Buckets for a reference of so many bases: the largest power of two that is not above the number of seeds expected.
fn bucket_bits_for(bases: u64) -> u32 {
    (bases / 6).max(1 << MIN_BUCKET_BITS).ilog2()
}

/// The table, borrowed from an index.
#[derive(Clone, Copy, Debug)]
pub struct SeedTable<'a> {
    /// First entry of each bucket, and one more: the low 32 bits of each.
    pub buckets: &'a [u32],
    /// The buckets at which the high bits go up by one, in order.
    pub carries: &'a [usize],
    /// Entries, sorted within their bucket.
    pub entries: &'a [u64],
    /// How entries are divided.
    pub layout: EntryLayout,
    /// Directories of the frequent seeds.
    pub directories: Directories<'a>,
}

impl SeedTable<'_> {
    /// Entries of the bucket that a hash falls in: the first of a look-up's two memory accesses.
    #[inline]
    pub fn bucket(&self, hash: u64) -> Range<usize> {
        let bucket = bucket_of(hash, self.layout.bucket_bits);
        let [first, end] = [bucket, bucket + 1].map(|bucket| self.buckets[bucket] as usize);
        if self.carries.is_empty() {
            return first..end;
        }
        let high = |bucket: usize| self.carries.partition_point(|&carry| carry <= bucket) << 32;
        first + high(bucket)..end + high(bucket + 1)
    }

    /// Entries in `bucket` of the seed with this hash: the second access.
    #[inline]
    pub fn find(&self, bucket: Range<usize>, hash: u64) -> Range<usize> {
        let (tag, shift) = (self.layout.tag_of(hash), self.layout.tag_shift());
        self.subrange(bucket, tag << shift, ((tag + 1) << shift).wrapping_sub(1))
    }

    /// Of the entries that [`Self::find`] gave for a seed with this hash, the bounds of those that agree in the flank behind as well: to
    /// be searched for with [`Self::search`].
    pub fn flank_bounds(&self, found: Range<usize>, hash: u64, behind: u16) -> [Bound; 2] {
        let shift = self.layout.behind_shift();
        let prefix = self.layout.tag_of(hash) << self.layout.tag_shift() | u64::from(behind) << shift;
        // No entry has all bits set: no reference has a base at the last position.
        let keys = [prefix, (prefix | ((1 << shift) - 1)).saturating_add(1)];
        keys.map(|key| Bound { first: found.start, count: found.len(), key })
    }

    /// Finds bounds by halves, a step of many of them at a time: each step waits for memory far away, and in none does a search depend on
    /// another. Afterwards `first` is the first entry not below the key.
    pub fn search(&self, bounds: &mut [Bound]) {
        for bounds in bounds.chunks_mut(SEARCHES) {
            let mut most = bounds.iter().map(|bound| bound.count).max().unwrap_or(0);
            while most > 1 {
                bounds.iter_mut().for_each(|bound| bound.step(self.entries, bound.count / 2));
                most -= most / 2;
            }
            bounds.iter_mut().for_each(|bound| bound.step(self.entries, bound.count));
        }
    }

    /// Whether an entry agrees with a seed's flank before the k-mer, where that is known.
    #[inline]
    pub fn agrees_before(&self, entry: u64, flanks: Flanks) -> bool {
        flanks[0].is_none_or(|flank| self.layout.before(entry) == flank)
    }

    /// The sorted entries of `range` between `low` and `high`, both included.
    #[inline]
    fn subrange(&self, range: Range<usize>, low: u64, high: u64) -> Range<usize> {
        let entries = &self.entries[range.clone()];
        let (first, last) = if entries.len() <= SCAN_LIMIT {
            let below = entries.iter().filter(|&&e| e < low).count();
            (below, below + entries.iter().filter(|&&e| e >= low && e <= high).count())
        } else {
            ends_within(entries, low, high)
        };
        range.start + first..range.start + last
    }
}

/// The buckets at which high bits go up, of `buckets` whose first has this number.
pub fn carries(buckets: &[u32], number: usize) -> impl Iterator<Item = usize> {
    let is_carry = |(_, pair): &(usize, &[u32])| pair[1] < pair[0];
    (number + 1..).zip(buckets.windows(2)).filter(is_carry).map(|(number, _)| number)
}

/// First and end of the sorted `entries` between `low` and `high`, both included, looked for from both ends: most long buckets
/// hold little else than the one k-mer that made them long. Branches guess ahead what conditional moves would wait for.
fn ends_within(entries: &[u64], low: u64, high: u64) -> (usize, usize) {
    let first = gallop(entries.len(), |i| entries[i] < low);
    let behind = gallop(entries.len() - first, |i| entries[entries.len() - 1 - i] > high);
    (first, entries.len() - behind)
}

/// How many of `0..len` have the property, which none has behind one that does not have it; in steps of the logarithm of the answer.
fn gallop(len: usize, has: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut step) = (0, 1);
    while low + step <= len && has(low + step - 1) {
        low += step;
        step *= 2;
    }
    // The answer is in low..low + step.
    let mut high = (low + step - 1).min(len);
    while low < high {
        let middle = low + (high - low) / 2;
        if has(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::super::directories::Slots;
    use super::*;

    fn seed(hash: u64) -> Seed {
        Seed { position: 0, hash, reverse: false }
    }

    /// The narrowest and the widest.
    const LAYOUTS: [EntryLayout; 2] =
        [EntryLayout { position_bits: 32, bucket_bits: 8 }, EntryLayout { position_bits: 40, bucket_bits: 8 }];

    #[test]
    fn entries_keep_position_and_strand() {
        for layout in LAYOUTS {
            let last = layout.position_mask();
            for (position, reverse) in [(last, true), (last - 1, false), (0, true)] {
                let s = Seed { reverse, ..seed(0xABCD_EF01_2345_6789) };
                let got = layout.unpack(layout.pack(&s, [Some(511), Some(257)], position));
                assert_eq!(got, Occurrence { position, reverse });
            }
        }
    }

    #[test]
    fn a_seed_is_told_by_its_bucket_and_its_entries_as_by_its_hash() {
        for layout in LAYOUTS {
            for hash in [0xABCD_EF01_2345_6789, 0x0123_4567_89AB_CDEF, u64::MAX] {
                let entry = layout.pack(&seed(hash), [Some(511), Some(257)], 77);
                assert_eq!(layout.seed(bucket_of(hash, layout.bucket_bits), entry), layout.seed_of(hash));
                assert_ne!(layout.seed_of(hash), layout.seed_of(hash ^ 1 << 63));
                assert_ne!(layout.seed_of(hash), layout.seed_of(hash ^ 1 << (63 - layout.bucket_bits)));
                assert_eq!(layout.behind(entry), 257);
            }
        }
    }

    #[test]
    fn positions_have_the_bits_they_need() {
        let bits = |padded| EntryLayout::new(padded, padded).position_bits;
        assert_eq!([3000, (1 << 32) - 1, 1 << 32, 31 << 30, 1 << 39].map(bits), [32, 32, 33, 35, 40]);
        assert_eq!(EntryLayout::new(3_100_000_000, 3_000_000_000).bucket_bits, 28);
        assert!(EntryLayout::new((1 << 40) - 1, 1 << 39).is_possible());
        assert!(!EntryLayout::new(1 << 40, 1 << 39).is_possible());
    }

    /// Numbers of seeds beyond 32 bits, without the seeds.
    #[test]
    fn high_bits_go_up_where_low_bits_fall() {
        let starts: [u64; 257] = std::array::from_fn(|b| match b as u64 {
            b @ ..100 => b,
            b @ 100..200 => (1 << 32) - 150 + b,
            b => (2 << 32) - 250 + b,
        });
        let buckets = starts.map(|start| start as u32);
        let carries: Vec<usize> = carries(&buckets, 0).collect();
        assert_eq!(carries, [150, 250]);
        let none = Directories { directories: &[], slots: &Slots::new(&[], 0).unwrap() };
        let table =
            SeedTable { buckets: &buckets, carries: &carries, entries: &[], directories: none, layout: LAYOUTS[1] };
        for (bucket, bounds) in starts.windows(2).enumerate() {
            assert_eq!(table.bucket((bucket as u64) << 56), bounds[0] as usize..bounds[1] as usize, "{bucket}");
        }
    }

    #[test]
    fn galloping_counts_what_partition_point_counts() {
        for len in 0..40 {
            for count in 0..=len {
                assert_eq!(gallop(len, |i| i < count), count, "{len}");
            }
        }
    }

    #[test]
    fn look_up_finds_exactly_the_seed_and_its_flanks() {
        for (copies, layout) in [1u64, 5, 40].into_iter().flat_map(|n| LAYOUTS.map(|layout| (n, layout))) {
            // Tags of the bucket: none set, two, all.
            let tag_bit = 1 << (56 - 4);
            let hashes = [3u64 << 56, (3u64 << 56) | tag_bit, (3u64 << 56) | (0x1FFF << 43)];
            let mut entries: Vec<u64> = Vec::new();
            for &hash in &hashes {
                for i in 0..copies {
                    let flanks = [Some((i % 3) as u16), Some((i % 2) as u16)];
                    entries.push(layout.pack(&seed(hash), flanks, 100 + i));
                }
            }
            entries.sort_unstable();
            let total = entries.len() as u32;
            let buckets: Vec<u32> = (0..=256).map(|b| if b > 3 { total } else { 0 }).collect();
            let none = Directories { directories: &[], slots: &Slots::new(&[], 0).unwrap() };
            let table = SeedTable { buckets: &buckets, carries: &[], entries: &entries, directories: none, layout };
            for &hash in &hashes {
                let found = table.find(table.bucket(hash), hash);
                assert_eq!(found.len() as u64, copies);
                let mut bounds = table.flank_bounds(found, hash, 1);
                table.search(&mut bounds);
                assert_eq!((bounds[1].first - bounds[0].first) as u64, copies / 2);
            }
            let other = 3 << 56 | 5 << 51;
            assert!(table.find(table.bucket(other), other).is_empty());
        }
    }
}
