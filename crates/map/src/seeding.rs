//! Stage 1: the seeds of a block of reads, looked up in the index.
//!
//! A look-up is two accesses to memory far away. They are made for all seeds of a block in turn, one kind after the other, so that
//! those of many seeds are under way at once; the block is small enough that what they fetch is still near when it is used.

use std::hint::black_box;
use std::ops::Range;

use svala_compute::Instructions;

use crate::index::SeedTable;
use crate::syncmer::{K, Seed, for_each_seed};

/// All seeds of some reads.
#[derive(Debug, Default)]
pub struct Sketch {
    seeds: Vec<Seed>,
    read_ends: Vec<usize>,
}

impl Sketch {
    /// Forgets all reads.
    pub fn clear(&mut self) {
        self.seeds.clear();
        self.read_ends.clear();
    }

    /// Adds the next read.
    pub fn push(&mut self, codes: &[u8], instructions: Instructions) {
        instructions.run(
            #[inline(always)]
            || for_each_seed(codes, |seed| self.seeds.push(seed)),
        );
        self.read_ends.push(self.seeds.len());
    }

    /// Seeds of read `i`, by position.
    #[must_use]
    pub fn read(&self, i: usize) -> &[Seed] {
        let start = if i == 0 { 0 } else { self.read_ends[i - 1] };
        &self.seeds[start..self.read_ends[i]]
    }
}

/// Seeds of some reads and where the index has them.
#[derive(Debug, Default)]
pub struct SeedHits {
    seeds: Vec<Seed>,
    found: Vec<Range<u32>>,
    read_ends: Vec<usize>,
}

impl SeedHits {
    /// Forgets all reads.
    pub fn clear(&mut self) {
        self.seeds.clear();
        self.found.clear();
        self.read_ends.clear();
    }

    /// Adds the next read, with these of its seeds.
    pub fn push(&mut self, seeds: impl IntoIterator<Item = Seed>) {
        self.seeds.extend(seeds);
        self.read_ends.push(self.seeds.len());
    }

    /// Looks up the seeds of all reads.
    pub fn look_up(&mut self, table: &SeedTable<'_>) {
        self.found.clear();
        self.found.extend(self.seeds.iter().map(|seed| table.bucket(seed.hash)));
        // The search below branches on what it loads, so that few loads would be under way at once. These don't.
        let entry = |i: u32| table.entries.get(i as usize).copied().unwrap_or(0);
        black_box(self.found.iter().fold(0, |all, bucket| all ^ entry(bucket.start) ^ entry(bucket.end)));
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

/// Of seeds by position, the first, and each that shares no base with the one taken before it.
pub fn disjoint(seeds: &[Seed]) -> impl Iterator<Item = Seed> {
    let mut end = 0;
    seeds.iter().copied().filter(move |seed| {
        let is_apart = seed.position >= end;
        if is_apart {
            end = seed.position + K as u32;
        }
        is_apart
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disjoint_seeds_share_no_base() {
        let at = |position| Seed { position, hash: 0, reverse: false };
        let all = [2, 5, 19, 20, 37, 38, 39].map(at);
        let positions: Vec<u32> = disjoint(&all).map(|seed| seed.position).collect();
        assert_eq!(positions, [2, 20, 38]);
        assert_eq!(disjoint(&[]).count(), 0);
    }
}
