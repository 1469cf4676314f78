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
    /// Two for each seed.
    bounds: Vec<Bound>,
}

impl FrequentSeeds {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.narrowed.clear();
        self.bounds.clear();
    }

    /// Adds a seed of `codes` that was found in the table, and returns its number.
    pub fn push(&mut self, codes: &[u8], seed: &Seed, found: Range<usize>, table: &SeedTable<'_>) -> u32 {
        let flanks = flanks(codes, seed);
        self.narrowed.push(Narrowed { flanks, found: flanks[1].map(|_| found.clone()) });
        self.bounds.extend(table.flank_bounds(found, seed.hash, flanks[1].unwrap_or(0)));
        self.narrowed.len() as u32 - 1
    }

    /// Narrows all.
    pub fn look_up(&mut self, table: &SeedTable<'_>) {
        table.search(&mut self.bounds);
        for (narrowed, bounds) in self.narrowed.iter_mut().zip(self.bounds.chunks_exact(2)) {
            narrowed.found = narrowed.found.take().map(|_| bounds[0].first..bounds[1].first);
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
    use crate::index::EntryLayout;
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
        let mut entries = Vec::new();
        for (number, seed) in seeds.iter().enumerate() {
            let own = flanks(&codes, seed)[1].unwrap_or(0);
            let behind = |i: usize| [own, (own + 1) % 512, (own + 511) % 512][i % 3];
            entries
                .extend((0..7 * number).map(|i| (bucket(seed), layout.pack(seed, [None, Some(behind(i))], i as u64))));
        }
        entries.sort_unstable();
        let buckets: Vec<u32> = (0..=256).map(|b| entries.partition_point(|entry| entry.0 < b) as u32).collect();
        let entries: Vec<u64> = entries.into_iter().map(|(_, entry)| entry).collect();
        let table = SeedTable { buckets: &buckets, carries: &[], entries: &entries, layout };
        let mut frequent = FrequentSeeds::default();
        for seed in &seeds {
            frequent.push(&codes, seed, table.find(table.bucket(seed.hash), seed.hash), &table);
        }
        frequent.look_up(&table);
        let mut known = 0;
        for (number, seed) in seeds.iter().enumerate() {
            let Narrowed { flanks, found } = frequent.get(number as u32);
            assert_eq!(found.is_some(), flanks[1].is_some(), "{number}");
            let Some(found) = found.clone() else { continue };
            known += 1;
            assert_eq!(found.len(), (7 * number).div_ceil(3), "{number}");
            let positions = entries[found].iter().map(|&entry| layout.unpack(entry).position);
            assert!(positions.into_iter().all(|position| position % 3 == 0), "{seed:?}");
        }
        assert!(known > 50, "{known}");
    }
}
