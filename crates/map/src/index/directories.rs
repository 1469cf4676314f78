//! Directories of frequent seeds: where among a seed's entries those with the same flank behind it lie.
//!
//! The entries of a seed are sorted by the hash of the flank behind it. To search for a flank among a hundred thousand entries takes a dozen
//! steps, each of which waits for memory far away; a seed with [`FREQUENT`] entries or more has a directory instead, in which one place
//! says where they are. It takes 2 bytes an entry at the most.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::seeds::EntryLayout;
use crate::syncmer::FLANK_BITS;

/// Entries from which on a seed has a directory.
pub const FREQUENT: usize = 1024;
/// Hashes that a flank may have.
const FLANKS: usize = 1 << FLANK_BITS;

/// The directory of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Directory {
    /// The seed's first entry.
    first: u64,
    /// For each hash, how many entries of the seed have that flank behind it or one with a lower hash.
    ends: [u32; FLANKS],
}

const _: () = assert!(size_of::<Directory>() == 8 + 4 * FLANKS);

impl Directory {
    /// Of a seed's entries, sorted, of which the first has this number. They are fewer than 2^32.
    fn new(first: u64, entries: &[u64], layout: EntryLayout) -> Self {
        let mut ends = [0; FLANKS];
        for &entry in entries {
            ends[usize::from(layout.behind_of(entry))] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        Self { first, ends }
    }

    /// Whether all entries that it tells of are among so many.
    fn is_within(&self, seeds: u64) -> bool {
        let is_rising = self.ends.is_sorted();
        is_rising && self.first.checked_add(u64::from(self.ends[FLANKS - 1])).is_some_and(|end| end <= seeds)
    }
}

/// The directories of the frequent seeds of a bucket, given its entries, sorted, of which the first has this number.
pub fn directories_of(bucket: &[u64], first: u64, layout: EntryLayout) -> impl Iterator<Item = Directory> {
    let mut next = first;
    let seeds = bucket.chunk_by(move |&a, &b| layout.tag(a) == layout.tag(b)).map(move |entries| {
        let first = next;
        next += entries.len() as u64;
        (first, entries)
    });
    let frequent = seeds.filter(|(_, entries)| entries.len() >= FREQUENT);
    frequent.map(move |(first, entries)| Directory::new(first, entries, layout))
}

/// Finds directories by the first entries of their seeds: a hash table with open addressing, at most half full.
#[derive(Debug, Default)]
pub struct Slots {
    /// Numbers of directories, each 1 higher; 0 is none.
    slots: Vec<u32>,
}

impl Slots {
    /// For these directories, of a table with so many seeds; none if one of them can't be right.
    pub fn new(directories: &[Directory], seeds: u64) -> Option<Self> {
        let count = u32::try_from(directories.len()).ok()?;
        if !directories.iter().all(|directory| directory.is_within(seeds)) {
            return None;
        }
        let mut slots = vec![0; (2 * directories.len()).next_power_of_two()];
        for (number, directory) in (1..=count).zip(directories) {
            let mut place = place(directory.first, slots.len());
            while slots[place] != 0 {
                place = (place + 1) % slots.len();
            }
            slots[place] = number;
        }
        Some(Self { slots })
    }
}

/// The place of a directory, unless others took it, among so many, a power of two.
#[inline]
fn place(first: u64, slots: usize) -> usize {
    (first.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % slots
}

/// The directories of an index, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Directories<'a> {
    /// All of them.
    pub directories: &'a [Directory],
    /// Where they are found.
    pub slots: &'a Slots,
}

impl Directories<'_> {
    /// The number of the directory of the seed with these entries, if it has one.
    #[inline]
    pub fn find(&self, found: &Range<usize>) -> Option<u32> {
        let slots = &self.slots.slots;
        if found.len() < FREQUENT || slots.is_empty() {
            return None;
        }
        let mut place = place(found.start as u64, slots.len());
        loop {
            let number = slots.get(place)?.checked_sub(1)?;
            if self.directories[number as usize].first == found.start as u64 {
                return Some(number);
            }
            place = (place + 1) % slots.len();
        }
    }

    /// The entries of a directory's seed with this hash of the flank behind it.
    #[inline]
    pub fn entries(&self, number: u32, behind: u16) -> Range<usize> {
        let directory = &self.directories[number as usize];
        let behind = usize::from(behind);
        let [start, end] = [behind.checked_sub(1).map_or(0, |before| directory.ends[before]), directory.ends[behind]];
        let first = directory.first as usize;
        first + start as usize..first + end as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syncmer::Seed;

    const LAYOUT: EntryLayout = EntryLayout { position_bits: 32, bucket_bits: 8 };

    /// Entries of seeds with these tags, each as often as told, with flanks 0, 3, 6 and so on behind them, and the last flank.
    fn bucket(seeds: &[(u64, usize)]) -> Vec<u64> {
        let mut entries = Vec::new();
        for &(tag, count) in seeds {
            let seed = Seed { position: 0, hash: tag << (56 - 13), reverse: false };
            let behind = |i: usize| if i.is_multiple_of(7) { FLANKS - 1 } else { i * 3 % FLANKS };
            entries.extend((0..count).map(|i| LAYOUT.pack(&seed, [Some(5), Some(behind(i) as u16)], i as u64)));
        }
        entries.sort_unstable();
        entries
    }

    #[test]
    fn frequent_seeds_have_directories_that_tell_where_their_flanks_are() {
        let counts = [(0, 40), (1, FREQUENT - 1), (2, FREQUENT), (4, 50_000), (8, 3), (8191, 2000)];
        let before = 12_345;
        let entries = bucket(&counts);
        let directories: Vec<Directory> = directories_of(&entries, before, LAYOUT).collect();
        assert_eq!(directories.len(), 3);
        let seeds = before + entries.len() as u64;
        let slots = Slots::new(&directories, seeds).unwrap();
        let all = Directories { directories: &directories, slots: &slots };
        let mut start = before as usize;
        for (tag, count) in counts {
            let found = start..start + count;
            start += count;
            let number = all.find(&found);
            assert_eq!(number.is_some(), count >= FREQUENT, "{tag}");
            assert_eq!(all.find(&(found.start + 1..found.end + 5000)), None);
            for behind in (0..FLANKS as u16).filter(|_| number.is_some()) {
                let got = all.entries(number.unwrap(), behind);
                let own = &entries[found.start - before as usize..][..count];
                let expected = [behind, behind + 1]
                    .map(|behind| found.start + own.partition_point(|&entry| LAYOUT.behind_of(entry) < behind));
                assert_eq!([got.start, got.end], expected, "{tag}, {behind}");
            }
        }
        let none = Directories { directories: &[], slots: &Slots::default() };
        assert_eq!(none.find(&(0..5000)), None);
    }

    #[test]
    fn directories_that_lead_outside_are_refused() {
        let sound = Directory::new(10, &bucket(&[(0, 2000)]), LAYOUT);
        assert!(Slots::new(&[sound], 2010).is_some());
        assert!(Slots::new(&[sound], 2009).is_none());
        assert!(Slots::new(&[Directory { first: u64::MAX, ..sound }], u64::MAX).is_none());
        let mut falling = sound;
        falling.ends[100] = falling.ends[99] - 1;
        assert!(Slots::new(&[sound, falling], 5000).is_none());
    }
}
