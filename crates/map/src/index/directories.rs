//! Directories of frequent seeds: where their entries are, and where among these those with the same flank behind them.
//!
//! The entries of a seed are sorted by the hash of the flank behind it. To search for a flank among a hundred thousand entries takes a dozen
//! steps, each of which waits for memory far away; a seed with [`FREQUENT`] entries or more has a directory instead, in which one place
//! says where they are. Directories take little more than 2 bytes an entry at the most, and are few: the table that finds them is small enough to stay near.

use std::ops::Range;

use bytemuck::{Pod, Zeroable};

use super::seeds::EntryLayout;
use crate::syncmer::FLANK_BITS;

/// Entries from which on a seed has a directory.
pub const FREQUENT: usize = 1024;
/// Steps that finding room for a seed may take on average: there are one or two, unless seeds were chosen to be in each other's way.
const MOST_STEPS: usize = 16;
/// Hashes that a flank may have.
const FLANKS: usize = 1 << FLANK_BITS;

/// The directory of one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Directory {
    /// The bits of the seed's hash that tell it from others: its bucket and its tag.
    seed: u64,
    /// Its first entry.
    first: u64,
    /// For each hash, how many entries of the seed have that flank behind it or one with a lower hash.
    ends: [u32; FLANKS],
}

const _: () = assert!(size_of::<Directory>() == 16 + 4 * FLANKS);

impl Directory {
    /// Of a seed's entries, sorted, of which the first has this number. They are fewer than 2^32.
    fn new(seed: u64, first: u64, entries: &[u64], layout: EntryLayout) -> Self {
        let mut ends = [0; FLANKS];
        for &entry in entries {
            ends[usize::from(layout.behind(entry))] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            total += *end;
            *end = total;
        }
        Self { seed, first, ends }
    }

    /// The seed's entries, if they are among so many.
    fn entries(&self, seeds: u64) -> Option<Range<u64>> {
        let end = self.first.checked_add(u64::from(self.ends[FLANKS - 1])).filter(|&end| end <= seeds)?;
        self.ends.is_sorted().then_some(self.first..end)
    }
}

/// The directories of the frequent seeds of a bucket, given its number and its entries, sorted, of which the first has this number.
pub fn directories_of(
    bucket: usize,
    entries: &[u64],
    first: u64,
    layout: EntryLayout,
) -> impl Iterator<Item = Directory> {
    let mut next = first;
    let seeds = entries.chunk_by(move |&a, &b| layout.tag(a) == layout.tag(b)).map(move |entries| {
        let first = next;
        next += entries.len() as u64;
        (first, entries)
    });
    let frequent = seeds.filter(|(_, entries)| entries.len() >= FREQUENT);
    frequent.map(move |(first, entries)| Directory::new(layout.seed(bucket, entries[0]), first, entries, layout))
}

/// Finds directories by their seeds: a hash table with open addressing, at most half full, and a bit for each of many more hashes, because
/// most seeds have none.
#[derive(Debug)]
pub struct Slots {
    /// One bit for each low part of a seed, set where a directory's has it.
    bits: Vec<u64>,
    /// Seeds and the numbers of their directories, each 1 higher; 0 is none.
    slots: Vec<(u64, u32)>,
    /// Entries of each directory's seed, near each other.
    entries: Vec<Range<u64>>,
}

impl Slots {
    /// For these directories, of a table with so many seeds; none if one of them can't be right.
    pub fn new(directories: &[Directory], seeds: u64) -> Option<Self> {
        let count = u32::try_from(directories.len()).ok()?;
        let entries: Vec<_> = directories.iter().map(|directory| directory.entries(seeds)).collect::<Option<_>>()?;
        if !directories.is_sorted_by(|a, b| a.seed < b.seed) {
            return None;
        }
        let size = (2 * directories.len()).next_power_of_two();
        let (mut bits, mut slots) = (vec![0; (size / 4).max(1)], vec![(0, 0); size]);
        let mut steps_left = MOST_STEPS * (directories.len() + 1);
        for (number, directory) in (1..=count).zip(directories) {
            let (word, bit) = bit(directory.seed, bits.len());
            bits[word] |= 1 << bit;
            let mut place = directory.seed as usize % size;
            while slots[place].1 != 0 {
                place = (place + 1) % size;
                steps_left = steps_left.checked_sub(1)?;
            }
            slots[place] = (directory.seed, number);
        }
        Some(Self { bits, slots, entries })
    }

    #[inline]
    fn find(&self, seed: u64) -> Option<u32> {
        let (word, bit) = bit(seed, self.bits.len());
        let may_be = self.bits[word] >> bit & 1 == 1;
        if may_be { self.find_slot(seed) } else { None }
    }

    fn find_slot(&self, seed: u64) -> Option<u32> {
        let mut place = seed as usize % self.slots.len();
        loop {
            let (other, number) = self.slots[place];
            let number = number.checked_sub(1)?;
            if other == seed {
                return Some(number);
            }
            place = (place + 1) % self.slots.len();
        }
    }
}

/// Which bit of so many words, a power of two, a seed has.
#[inline]
fn bit(seed: u64, words: usize) -> (usize, u32) {
    ((seed / 64) as usize & (words - 1), (seed % 64) as u32)
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
    /// The number of the directory of the seed with this hash, if it has one.
    #[inline]
    pub fn find(&self, hash: u64, layout: EntryLayout) -> Option<u32> {
        self.slots.find(layout.seed_of(hash))
    }

    /// The entries of a directory's seed.
    #[inline]
    pub fn all_entries(&self, number: u32) -> Range<usize> {
        let entries = &self.slots.entries[number as usize];
        entries.start as usize..entries.end as usize
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
    use crate::index::{BuildOptions, Index, build};
    use crate::meter::IndexMeter;
    use crate::sequence::encode;
    use crate::syncmer::{Seed, Spacing, for_each_seed};
    use crate::testing::random_letters;

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
        let directories: Vec<Directory> = directories_of(77, &entries, before, LAYOUT).collect();
        assert_eq!(directories.len(), 3);
        let seeds = before + entries.len() as u64;
        let slots = Slots::new(&directories, seeds).unwrap();
        let all = Directories { directories: &directories, slots: &slots };
        let mut start = before as usize;
        for (tag, count) in counts {
            let found = start..start + count;
            start += count;
            let hash = 77 << 56 | tag << (56 - 13) | 0x3_1234_5678;
            let directory = all.find(hash, LAYOUT);
            assert_eq!(directory.is_some(), count >= FREQUENT, "{tag}");
            assert_eq!(all.find(hash ^ 1 << 56, LAYOUT), None, "another bucket");
            let Some(number) = directory else { continue };
            assert_eq!(all.all_entries(number), found);
            for behind in 0..FLANKS as u16 {
                let got = all.entries(number, behind);
                let own = &entries[found.start - before as usize..][..count];
                let expected = [behind, behind + 1]
                    .map(|behind| found.start + own.partition_point(|&entry| LAYOUT.behind(entry) < behind));
                assert_eq!([got.start, got.end], expected, "{tag}, {behind}");
            }
        }
        let none = Directories { directories: &[], slots: &Slots::new(&[], 0).unwrap() };
        assert_eq!(none.find(0, LAYOUT), None);
    }

    /// Of a file, made by so many threads, whose last contig repeats 9 bases: what directories say is what searching says.
    #[test]
    fn directories_of_a_file_say_what_its_seeds_do() {
        let folder = tempfile::tempdir().unwrap();
        let [fasta, path] = ["ref.fa", "ref.fa.svala"].map(|name| folder.path().join(name));
        let random = random_letters(50_000, 4, 4);
        let often = random[..9].repeat(FREQUENT + 100);
        let text = [b">a\n", &random[..], b"\n>b\n", &often, b"\n>c\n", &often[..9 * (FREQUENT - 100)], b"\n"].concat();
        std::fs::write(&fasta, text).unwrap();
        let made = [1, 3].map(|threads| {
            let options = BuildOptions { threads, meter: &IndexMeter::default(), position_bits: None };
            build(&fasta, &path, &options).unwrap();
            std::fs::read(&path).unwrap()
        });
        assert!(made[0] == made[1]);
        let index = Index::open(&path, 2).unwrap();
        let table = index.seeds();
        let codes: Vec<u8> = [&random[..], &often].concat().into_iter().map(encode).collect();
        let mut seen = std::collections::BTreeSet::new();
        for_each_seed(&codes, Spacing::Any, |seed| {
            let found = table.find(table.bucket(seed.hash), seed.hash);
            let directory = table.directories.find(seed.hash, table.layout);
            assert_eq!(directory.is_some(), found.len() >= FREQUENT);
            let Some(number) = directory.filter(|&number| seen.insert(number)) else { return };
            assert_eq!(table.directories.all_entries(number), found);
            for behind in 0..FLANKS as u16 {
                let mut bounds = table.flank_bounds(found.clone(), seed.hash, behind);
                table.search(&mut bounds);
                assert_eq!(table.directories.entries(number, behind), bounds[0].first..bounds[1].first);
            }
        });
        assert!(!seen.is_empty() && seen.len() == table.directories.directories.len());
    }

    #[test]
    fn seeds_that_share_a_place_are_told_apart() {
        let entries = bucket(&[(0, 2000)]);
        let seeds = [5, 6, 5 + 1024, 5 + 2048, 5 + (1 << 20)];
        let directories = seeds.map(|seed| Directory::new(seed, 0, &entries, LAYOUT));
        let slots = Slots::new(&directories, 2000).unwrap();
        assert_eq!(seeds.map(|seed| slots.find(seed)), [0, 1, 2, 3, 4].map(Some));
        assert_eq!([4, 7, 5 + 4096, 6 + 1024, 5 + (1 << 21)].map(|seed| slots.find(seed)), [None; 5]);
    }

    #[test]
    fn directories_that_cannot_be_right_are_refused() {
        let sound = Directory::new(1, 10, &bucket(&[(0, 2000)]), LAYOUT);
        assert!(Slots::new(&[sound], 2010).is_some() && Slots::new(&[], 0).is_some());
        assert!(Slots::new(&[sound], 2009).is_none());
        assert!(Slots::new(&[Directory { first: u64::MAX, ..sound }], u64::MAX).is_none());
        let mut falling = sound;
        falling.ends[100] = falling.ends[99] - 1;
        assert!(Slots::new(&[falling], 5000).is_none());
        let in_the_way = |shift: u32| {
            let mut directories = vec![sound; 4000];
            (0..).zip(&mut directories).for_each(|(i, directory)| directory.seed = i << shift);
            directories
        };
        assert!(Slots::new(&in_the_way(0), 5000).is_some() && Slots::new(&in_the_way(20), 5000).is_none());
        let next = Directory { seed: 2, ..sound };
        assert!(Slots::new(&[sound, next], 5000).is_some());
        assert!(Slots::new(&[next, sound], 5000).is_none() && Slots::new(&[sound, sound], 5000).is_none());
    }
}
