//! Stage 1: the seeds of a block of reads, looked up in the index.
//!
//! A look-up is two accesses to memory far away. They are made for all seeds of a block in turn, one kind after the other, so that
//! those of many seeds are under way at once; the block is small enough that what they fetch is still near when it is used.

use std::hint::black_box;
use std::ops::Range;

use svala_compute::Instructions;

use crate::index::SeedTable;
use crate::syncmer::{Seed, Spacing, for_each_seed};

/// Seeds of some reads and where the index has them.
#[derive(Debug, Default)]
pub struct SeedHits {
    seeds: Vec<Seed>,
    found: Vec<Range<usize>>,
    read_ends: Vec<usize>,
}

impl SeedHits {
    /// Forgets all reads.
    pub fn clear(&mut self) {
        self.seeds.clear();
        self.found.clear();
        self.read_ends.clear();
    }

    /// Adds the seeds of the next read.
    pub fn push(&mut self, codes: &[u8], spacing: Spacing, instructions: Instructions) {
        instructions.run(
            #[inline(always)]
            || for_each_seed(codes, spacing, |seed| self.seeds.push(seed)),
        );
        self.read_ends.push(self.seeds.len());
    }

    /// Looks up the seeds of all reads.
    pub fn look_up(&mut self, table: &SeedTable<'_>) {
        self.found.clear();
        self.found.extend(self.seeds.iter().map(|seed| table.bucket(seed.hash)));
        // The search below branches on what it loads, so that few loads would be under way at once. These don't.
        let entry = |i: usize| table.entries.get(i).copied().unwrap_or(0);
        black_box(self.found.iter().fold(0, |all, bucket| all ^ entry(bucket.start) ^ entry(bucket.end)));
        for (found, seed) in self.found.iter_mut().zip(&self.seeds) {
            *found = table.find(found.clone(), seed.hash);
        }
    }

    /// Seeds of read `i` with the ranges of their entries in the table.
    pub fn read(&self, i: usize) -> impl Iterator<Item = (&Seed, Range<usize>)> + Clone {
        let start = if i == 0 { 0 } else { self.read_ends[i - 1] };
        let range = start..self.read_ends[i];
        self.seeds[range.clone()].iter().zip(self.found[range].iter().cloned())
    }
}
