//! The seed table: a hash table of all reference seeds in two flat arrays.
//!
//! A seed's hash gives its bucket (top bits) and a tag (the next 13 bits). `buckets[b]..buckets[b + 1]` is the range of its
//! bucket's entries, which are sorted. An entry is, from its top bit down:
//!
//! ```text
//! tag 13 | hash of the flank behind 9 | hash of the flank before 9 | position 32 | strand 1
//! ```
//!
//! so the entries of one k-mer are neighbours, and those that also agree in the 12 bases behind it are neighbours among
//! them. About one entry in 8,000 looked at belongs to another k-mer; comparing bases weeds it out. 8 bytes a seed and 4 a
//! bucket, with no more buckets than seeds: at most 12 bytes a seed.

use std::ops::Range;

use crate::syncmer::{Flanks, Seed};

const TAG_BITS: u32 = 13;
const TAG_SHIFT: u32 = 64 - TAG_BITS;
const BEHIND_SHIFT: u32 = TAG_SHIFT - 9;
const BEFORE_SHIFT: u32 = BEHIND_SHIFT - 9;
/// Ranges up to this length are scanned, longer ones searched by halves.
const SCAN_LIMIT: usize = 16;

/// One occurrence of a seed in the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Padded position of the k-mer's first base.
    pub position: u32,
    /// Whether the canonical k-mer is the reverse complement of the reference's.
    pub reverse: bool,
}

/// Packs an entry. Flanks that are missing count as hash 0.
pub fn pack_entry(seed: &Seed, flanks: Flanks, position: u32, bucket_bits: u32) -> u64 {
    let flank = |i: usize| u64::from(flanks[i].unwrap_or(0));
    tag_of(seed.hash, bucket_bits) << TAG_SHIFT
        | flank(1) << BEHIND_SHIFT
        | flank(0) << BEFORE_SHIFT
        | u64::from(position) << 1
        | u64::from(seed.reverse)
}

/// Unpacks what an entry says of the reference.
#[inline]
pub fn unpack_entry(entry: u64) -> Occurrence {
    Occurrence { position: (entry >> 1) as u32, reverse: entry & 1 == 1 }
}

/// Bucket of a hash.
#[inline]
pub fn bucket_of(hash: u64, bucket_bits: u32) -> usize {
    (hash >> (64 - bucket_bits)) as usize
}

#[inline]
fn tag_of(hash: u64, bucket_bits: u32) -> u64 {
    (hash << bucket_bits) >> TAG_SHIFT
}

/// Buckets for a reference of so many bases: the largest power of two that is not above the number of seeds expected.
pub fn bucket_bits_for(bases: u64) -> u32 {
    (bases / 6).max(256).ilog2().min(30)
}

/// The table, borrowed from an index.
#[derive(Clone, Copy, Debug)]
pub struct SeedTable<'a> {
    /// First entry of each bucket, and one more.
    pub buckets: &'a [u32],
    /// Entries, sorted within their bucket.
    pub entries: &'a [u64],
    /// `buckets.len() - 1` is 2 to this power.
    pub bucket_bits: u32,
}

impl SeedTable<'_> {
    /// Entries of the bucket that a hash falls in: the first of a look-up's two memory accesses.
    #[inline]
    pub fn bucket(&self, hash: u64) -> Range<u32> {
        let bucket = bucket_of(hash, self.bucket_bits);
        self.buckets[bucket]..self.buckets[bucket + 1]
    }

    /// Entries in `bucket` of the seed with this hash: the second access.
    #[inline]
    pub fn find(&self, bucket: Range<u32>, hash: u64) -> Range<u32> {
        let tag = tag_of(hash, self.bucket_bits);
        self.subrange(bucket, tag << TAG_SHIFT, ((tag + 1) << TAG_SHIFT).wrapping_sub(1))
    }

    /// Of the entries that [`Self::find`] gave for a seed with this hash, those that agree in the flank behind as well, if it is
    /// known.
    pub fn find_with_flank(&self, found: Range<u32>, hash: u64, flanks: Flanks) -> Option<Range<u32>> {
        let behind = u64::from(flanks[1]?);
        let prefix = tag_of(hash, self.bucket_bits) << TAG_SHIFT | behind << BEHIND_SHIFT;
        Some(self.subrange(found, prefix, prefix | ((1 << BEHIND_SHIFT) - 1)))
    }

    /// The sorted entries of `range` between `low` and `high`, both included.
    #[inline]
    fn subrange(&self, range: Range<u32>, low: u64, high: u64) -> Range<u32> {
        let entries = &self.entries[range.start as usize..range.end as usize];
        let (first, last) = if entries.len() <= SCAN_LIMIT {
            let below = entries.iter().filter(|&&e| e < low).count();
            (below, below + entries.iter().filter(|&&e| e >= low && e <= high).count())
        } else {
            ends_within(entries, low, high)
        };
        range.start + first as u32..range.start + last as u32
    }
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

/// Whether an entry agrees with a seed's flank before the k-mer, where that is known.
#[inline]
pub fn agrees_before(entry: u64, flanks: Flanks) -> bool {
    flanks[0].is_none_or(|flank| (entry >> BEFORE_SHIFT) & 0x1FF == u64::from(flank))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(hash: u64) -> Seed {
        Seed { position: 0, hash, reverse: false }
    }

    #[test]
    fn entries_keep_position_and_strand() {
        let s = Seed { reverse: true, ..seed(0xABCD_EF01_2345_6789) };
        let got = unpack_entry(pack_entry(&s, [Some(511), Some(257)], u32::MAX, 8));
        assert_eq!(got, Occurrence { position: u32::MAX, reverse: true });
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
        for copies in [1u32, 5, 40] {
            let bits = 8;
            let hashes = [3u64 << 56, (3u64 << 56) | (1 << 44), (3u64 << 56) | (0x1FFF << 43)];
            let mut entries: Vec<u64> = Vec::new();
            for &hash in &hashes {
                for i in 0..copies {
                    let flanks = [Some((i % 3) as u16), Some((i % 2) as u16)];
                    entries.push(pack_entry(&seed(hash), flanks, 100 + i, bits));
                }
            }
            entries.sort_unstable();
            let total = entries.len() as u32;
            let buckets: Vec<u32> = (0..=256).map(|b| if b > 3 { total } else { 0 }).collect();
            let table = SeedTable { buckets: &buckets, entries: &entries, bucket_bits: bits };
            for &hash in &hashes {
                let found = table.find(table.bucket(hash), hash);
                assert_eq!(found.len() as u32, copies);
                let flanked = table.find_with_flank(found, hash, [Some(0), Some(1)]).unwrap();
                assert_eq!(flanked.len() as u32, copies / 2);
            }
            assert!(table.find(table.bucket(7 << 43 | 3 << 56), 7 << 43 | 3 << 56).is_empty());
        }
    }
}
