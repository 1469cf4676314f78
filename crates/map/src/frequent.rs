//! Frequent seeds: those that occur so often that the bases beside them are looked up with them.

use std::ops::Range;

use crate::index::{Bound, SeedTable};
use crate::syncmer::{Flanks, Seed, flanks};

/// The occurrences of a frequent seed that agree with the bases behind it.
#[derive(Clone, Debug)]
pub struct Narrowed {
    /// The bases beside it.
    pub flanks: Flanks,
    /// Entries of the table; none if those bases are not known.
    pub found: Option<Range<usize>>,
}

/// Frequent seeds of some reads, in their order.
#[derive(Debug, Default)]
pub struct FrequentSeeds {
    narrowed: Vec<Narrowed>,
    /// Those with a directory.
    listed: Vec<Listed>,
    /// Numbers of those to be searched for.
    wanted: Vec<u32>,
    /// Two for each of these.
    bounds: Vec<Bound>,
}

/// A frequent seed with a directory.
#[derive(Clone, Copy, Debug)]
struct Listed {
    number: u32,
    directory: u32,
    behind: u16,
}

impl FrequentSeeds {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.narrowed.clear();
        self.listed.clear();
        self.wanted.clear();
        self.bounds.clear();
    }

    /// Adds a seed of `codes` that was found in the table, perhaps with a directory, and returns its number.
    pub fn push(
        &mut self,
        codes: &[u8],
        seed: &Seed,
        (found, directory): (Range<usize>, Option<u32>),
        table: &SeedTable<'_>,
    ) -> u32 {
        let flanks = flanks(codes, seed);
        let number = self.narrowed.len() as u32;
        if let Some(behind) = flanks[1] {
            if let Some(directory) = directory {
                self.listed.push(Listed { number, directory, behind });
            } else {
                self.wanted.push(number);
                self.bounds.extend(table.flank_bounds(found, seed.hash, behind));
            }
        }
        self.narrowed.push(Narrowed { flanks, found: None });
        number
    }

    /// Narrows all.
    pub fn look_up(&mut self, table: &SeedTable<'_>) {
        for &Listed { number, directory, behind } in &self.listed {
            self.narrowed[number as usize].found = Some(table.directories.entries(directory, behind));
        }
        table.search(&mut self.bounds);
        for (&number, bounds) in self.wanted.iter().zip(self.bounds.chunks_exact(2)) {
            self.narrowed[number as usize].found = Some(bounds[0].first..bounds[1].first);
        }
    }

    /// Seed `i`.
    #[must_use]
    pub fn get(&self, i: u32) -> &Narrowed {
        &self.narrowed[i as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Directories, Directory, EntryLayout, Slots, directories_of};
    use crate::sequence::encode;
    use crate::syncmer::{Spacing, for_each_seed};
    use crate::testing::random_letters;

    #[test]
    fn what_is_found_agrees_with_the_bases_behind() {
        let codes: Vec<u8> = random_letters(500, 7, 4).into_iter().map(encode).collect();
        let mut seeds = Vec::new();
        for_each_seed(&codes, Spacing::Any, |seed| seeds.push(seed));
        let layout = EntryLayout { position_bits: 32, bucket_bits: 8 };
        let bucket = |seed: &Seed| (seed.hash >> 56) as usize;
        // As often as its number says, with those bases behind it in every third place.
        let occurrences = |number: usize| 30 * number;
        let mut entries = Vec::new();
        for (number, seed) in seeds.iter().enumerate() {
            let own = flanks(&codes, seed)[1].unwrap_or(0);
            let behind = |i: usize| [own, (own + 1) % 512, (own + 511) % 512][i % 3];
            let entry = |i: usize| (bucket(seed), layout.pack(seed, [None, Some(behind(i))], i as u64));
            entries.extend((0..occurrences(number)).map(entry));
        }
        entries.sort_unstable();
        let buckets: Vec<u32> = (0..=256).map(|b| entries.partition_point(|entry| entry.0 < b) as u32).collect();
        let entries: Vec<u64> = entries.into_iter().map(|(_, entry)| entry).collect();
        let of_bucket =
            |ends: &[u32]| directories_of(&entries[ends[0] as usize..ends[1] as usize], ends[0].into(), layout);
        let made: Vec<Directory> = buckets.windows(2).flat_map(of_bucket).collect();
        let slots = Slots::new(&made, entries.len() as u64).unwrap();
        let made = Directories { directories: &made, slots: &slots };
        let none = Directories { directories: &[], slots: &Slots::default() };
        let mut frequent = FrequentSeeds::default();
        for (directories, listed) in [(made, 30..), (none, 0..)] {
            let table = SeedTable { buckets: &buckets, carries: &[], entries: &entries, directories, layout };
            frequent.clear();
            for seed in &seeds {
                frequent.push(&codes, seed, table.find(table.bucket(seed.hash), seed.hash), &table);
            }
            assert!(listed.contains(&frequent.listed.len()) && frequent.wanted.len() > 20, "{}", frequent.listed.len());
            frequent.look_up(&table);
            for (number, seed) in seeds.iter().enumerate() {
                let Narrowed { flanks, found } = frequent.get(number as u32);
                assert_eq!(found.is_some(), flanks[1].is_some(), "{number}");
                let Some(found) = found.clone() else { continue };
                assert_eq!(found.len(), occurrences(number).div_ceil(3), "{number}");
                let positions = entries[found].iter().map(|&entry| layout.unpack(entry).position);
                assert!(positions.into_iter().all(|position| position % 3 == 0), "{seed:?}");
            }
        }
    }
}
