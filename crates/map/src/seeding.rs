//! Stage 1: the seeds of all reads of a batch, looked up in the index.
//!
//! Seeds lie in flat arrays over the whole batch. The two memory accesses of a look-up are two passes over them, so that the
//! accesses of many seeds are under way at once.

use std::ops::Range;

use crate::index::SeedTable;
use crate::reads::PackedReads;
use crate::syncmer::{Seed, for_each_seed};

/// Seeds of a batch and where the index has them.
#[derive(Debug, Default)]
pub struct SeedHits {
    seeds: Vec<Seed>,
    found: Vec<Range<u32>>,
    read_ends: Vec<usize>,
}

impl SeedHits {
    /// Sketches all reads and looks up their seeds.
    pub fn collect(&mut self, reads: &PackedReads, table: &SeedTable<'_>) {
        self.seeds.clear();
        self.found.clear();
        self.read_ends.clear();
        for i in 0..reads.len() {
            for_each_seed(reads.read(i).codes, |seed| self.seeds.push(seed));
            self.read_ends.push(self.seeds.len());
        }
        self.found.extend(self.seeds.iter().map(|seed| table.bucket(seed.hash)));
        for (found, seed) in self.found.iter_mut().zip(&self.seeds) {
            *found = table.find(found.clone(), seed.hash);
        }
    }

    /// Seeds of read `i` with the ranges of their entries in the table.
    pub fn read(&self, i: usize) -> impl Iterator<Item = (&Seed, Range<u32>)> + Clone {
        let start = if i == 0 { 0 } else { self.read_ends[i - 1] };
        let range = start..self.read_ends[i];
        self.seeds[range.clone()].iter().zip(self.found[range].iter().cloned())
    }
}
