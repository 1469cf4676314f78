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
    with_directory: Vec<WithDirectory>,
    /// Numbers of those to be searched for.
    wanted: Vec<u32>,
    /// Two for each of these.
    bounds: Vec<Bound>,
}

/// A frequent seed with a directory.
#[derive(Clone, Copy, Debug)]
struct WithDirectory {
    number: u32,
    directory: u32,
    behind: u16,
}

impl FrequentSeeds {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.narrowed.clear();
        self.with_directory.clear();
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
                self.with_directory.push(WithDirectory { number, directory, behind });
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
        for &WithDirectory { number, directory, behind } in &self.with_directory {
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
    use crate::testing::RepeatedSeeds;

    #[test]
    fn what_is_found_agrees_with_the_bases_behind() {
        let repeated = RepeatedSeeds::new();
        let mut frequent = FrequentSeeds::default();
        for has_directories in [true, false] {
            let table = repeated.table(has_directories);
            frequent.clear();
            for seed in &repeated.seeds {
                let found = table.find(table.bucket(seed.hash), seed.hash);
                let directory = table.directories.find(seed.hash, table.layout);
                frequent.push(&repeated.codes, seed, (found, directory), &table);
            }
            assert_eq!(frequent.with_directory.len() > 30, has_directories);
            assert!(frequent.wanted.len() > 20);
            frequent.look_up(&table);
            for (number, seed) in repeated.seeds.iter().enumerate() {
                let Narrowed { flanks, found } = frequent.get(number as u32);
                assert_eq!(found.is_some(), flanks[1].is_some(), "{number}");
                let Some(found) = found.clone() else { continue };
                assert_eq!(found.len(), RepeatedSeeds::occurrences(number).div_ceil(3), "{number}");
                let positions = table.entries[found].iter().map(|&entry| table.layout.unpack(entry).position);
                assert!(positions.into_iter().all(|position| position % 3 == 0), "{seed:?}");
            }
        }
    }
}
