//! Stage 1: the seeds of a block of reads, looked up in the index.
//!
//! A look-up is two accesses to memory far away. They are made for all seeds of a block in turn, one kind after the other, so that
//! those of many seeds are under way at once; the block is small enough that what they fetch is still near when it is used.

use std::hint::{black_box, select_unpredictable};
use std::ops::Range;

use svala_compute::Instructions;

use crate::frequent::{FrequentSeeds, Narrowed};
use crate::index::SeedTable;
use crate::look::Round;
use crate::syncmer::{Seed, Spacing, for_each_seed};

/// A seed of a read that was looked up.
#[derive(Clone, Debug)]
pub struct Hit<'a> {
    /// The seed.
    pub seed: &'a Seed,
    /// Its entries in the table.
    pub found: Range<usize>,
    /// Those that agree with the bases beside it, if it is a frequent one.
    pub narrowed: Option<&'a Narrowed>,
}

/// Seeds of some reads and where the index has them.
#[derive(Debug, Default)]
pub struct SeedHits {
    seeds: Vec<Seed>,
    found: Vec<Range<usize>>,
    /// Directories of those that have one.
    directories: Vec<Option<u32>>,
    read_ends: Vec<usize>,
    frequent: FrequentSeeds,
    /// Of each seed: its number among the frequent ones, if it is one.
    frequent_numbers: Vec<Option<u32>>,
}

impl SeedHits {
    /// Forgets all reads.
    pub fn clear(&mut self) {
        self.seeds.clear();
        self.found.clear();
        self.read_ends.clear();
        self.frequent.clear();
    }

    /// Adds the seeds of the next read.
    pub fn push(&mut self, codes: &[u8], spacing: Spacing, instructions: Instructions) {
        instructions.run(
            #[inline(always)]
            || for_each_seed(codes, spacing, |seed| self.seeds.push(seed)),
        );
        self.read_ends.push(self.seeds.len());
    }

    /// Adds the next read without seeds.
    pub fn push_none(&mut self) {
        self.read_ends.push(self.seeds.len());
    }

    /// Looks up the seeds of all reads.
    pub fn look_up(&mut self, table: &SeedTable<'_>) {
        let directories = self.seeds.iter().map(|seed| table.directories.find(seed.hash, table.layout));
        self.directories.clear();
        self.directories.extend(directories);
        let have = self.directories.iter().map(Option::is_some);
        // Seeds with a directory take any bucket, the same each time.
        let buckets = self
            .seeds
            .iter()
            .zip(have)
            .map(|(seed, has_directory)| table.bucket(select_unpredictable(has_directory, 0, seed.hash)));
        self.found.clear();
        self.found.extend(buckets);
        // The search below branches on what it loads, so that few loads would be under way at once. These don't.
        let entry = |i: usize| table.entries.get(i).copied().unwrap_or(0);
        black_box(self.found.iter().fold(0, |all, bucket| all ^ entry(bucket.start) ^ entry(bucket.end)));
        for ((found, seed), &directory) in self.found.iter_mut().zip(&self.seeds).zip(&self.directories) {
            *found = match directory {
                Some(number) => table.directories.all_entries(number),
                None => table.find(found.clone(), seed.hash),
            };
        }
        self.frequent_numbers.clear();
        self.frequent_numbers.resize(self.seeds.len(), None);
    }

    /// Lists the seeds of read `i` that are to be looked up with the bases beside them in this round or a deeper one.
    pub fn list_frequent(&mut self, i: usize, codes: &[u8], round: Round, table: &SeedTable<'_>) {
        let range = self.range(i);
        let Some(most) = round.most_alone(self.found[range.clone()].iter().map(Range::len)) else { return };
        for i in range.filter(|&i| self.found[i].len() > most) {
            let directory = self.directories[i];
            let number = self.frequent.push(codes, &self.seeds[i], (self.found[i].clone(), directory), table);
            self.frequent_numbers[i] = Some(number);
        }
    }

    /// Looks up all that were listed.
    pub fn look_up_frequent(&mut self, table: &SeedTable<'_>) {
        self.frequent.look_up(table);
    }

    /// Seeds of read `i`.
    pub fn read(&self, i: usize) -> impl Iterator<Item = Hit<'_>> + Clone {
        let hit = |i: usize| Hit {
            seed: &self.seeds[i],
            found: self.found[i].clone(),
            narrowed: self.frequent_numbers[i].map(|number| self.frequent.get(number)),
        };
        self.range(i).map(hit)
    }

    fn range(&self, i: usize) -> Range<usize> {
        let start = if i == 0 { 0 } else { self.read_ends[i - 1] };
        start..self.read_ends[i]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::RepeatedSeeds;

    #[test]
    fn seeds_are_found_with_directories_and_without() {
        let repeated = RepeatedSeeds::new();
        let mut hits = SeedHits::default();
        for has_directories in [true, false] {
            let table = repeated.table(has_directories);
            hits.clear();
            hits.push(&repeated.codes, Spacing::Any, Instructions::detect());
            hits.look_up(&table);
            assert_eq!(hits.directories.iter().flatten().count() > 30, has_directories);
            assert_eq!(hits.read(0).count(), repeated.seeds.len());
            for (number, hit) in hits.read(0).enumerate() {
                assert_eq!(hit.seed, &repeated.seeds[number]);
                assert_eq!(hit.found.len(), RepeatedSeeds::occurrences(number), "{number}");
                let tag = |i: usize| table.layout.tag(table.entries[i]);
                assert!(hit.found.clone().all(|i| tag(i) == tag(hit.found.start)));
                let bucket = table.bucket(hit.seed.hash);
                assert!(bucket.start <= hit.found.start && hit.found.end <= bucket.end);
            }
        }
    }
}
