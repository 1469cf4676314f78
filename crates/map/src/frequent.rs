//! Frequent seeds: those that occur so often that the bases beside them are looked up with them.

use std::ops::Range;

use crate::index::{Bound, SeedTable};
use crate::syncmer::{Flanks, Seed, flanks};

/// Seeds that are remembered, in bits: 24 bytes each.
const MEMORY_BITS: u32 = 12;

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
    /// Those to be searched for.
    wanted: Vec<Wanted>,
    /// Two for each of these.
    bounds: Vec<Bound>,
    memory: Memory,
}

/// A frequent seed that is to be searched for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    number: u32,
    hash: u64,
    behind: u16,
}

impl FrequentSeeds {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.narrowed.clear();
        self.wanted.clear();
        self.bounds.clear();
    }

    /// Adds a seed of `codes` that was found in the table, and returns its number.
    pub fn push(&mut self, codes: &[u8], seed: &Seed, found: Range<usize>, table: &SeedTable<'_>) -> u32 {
        let flanks = flanks(codes, seed);
        let number = self.narrowed.len() as u32;
        let known = flanks[1].and_then(|behind| self.memory.get(seed.hash, behind, table));
        if let Some(behind) = flanks[1].filter(|_| known.is_none()) {
            self.wanted.push(Wanted { number, hash: seed.hash, behind });
            self.bounds.extend(table.flank_bounds(found, seed.hash, behind));
        }
        self.narrowed.push(Narrowed { flanks, found: known });
        number
    }

    /// Narrows all.
    pub fn look_up(&mut self, table: &SeedTable<'_>) {
        table.search(&mut self.bounds);
        for (wanted, bounds) in self.wanted.iter().zip(self.bounds.chunks_exact(2)) {
            let found = bounds[0].first..bounds[1].first;
            self.memory.keep(wanted.hash, wanted.behind, found.clone());
            self.narrowed[wanted.number as usize].found = Some(found);
        }
    }

    /// Seed `i`.
    #[must_use]
    pub fn get(&self, i: u32) -> &Narrowed {
        &self.narrowed[i as usize]
    }
}

/// What was found of frequent seeds lately: those of large families of repeats come again and again.
#[derive(Debug, Default)]
struct Memory {
    /// Of the index that this was found in.
    fingerprint: u64,
    slots: Vec<Slot>,
}

/// A seed with the bases behind it and its entries.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u64,
    first: u64,
    count: u32,
    behind: u16,
    is_some: bool,
}

impl Memory {
    fn get(&mut self, hash: u64, behind: u16, table: &SeedTable<'_>) -> Option<Range<usize>> {
        if self.fingerprint != table.fingerprint || self.slots.is_empty() {
            self.fingerprint = table.fingerprint;
            self.slots.clear();
            self.slots.resize(1 << MEMORY_BITS, Slot::default());
        }
        let slot = self.slots[slot(hash, behind)];
        let is_known = slot.is_some && (slot.hash, slot.behind) == (hash, behind);
        let found = slot.first as usize..slot.first as usize + slot.count as usize;
        // Checksums can be forged: of a made-up index nothing may lead outside another.
        Some(found).filter(|found| is_known && found.end <= table.entries.len())
    }

    fn keep(&mut self, hash: u64, behind: u16, found: Range<usize>) {
        let Ok(count) = u32::try_from(found.len()) else { return };
        self.slots[slot(hash, behind)] = Slot { hash, first: found.start as u64, count, behind, is_some: true };
    }
}

/// The place in memory of a seed with the bases behind it.
fn slot(hash: u64, behind: u16) -> usize {
    ((hash ^ u64::from(behind)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - MEMORY_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::EntryLayout;
    use crate::sequence::encode;
    use crate::syncmer::{Spacing, for_each_seed};
    use crate::testing::random_letters;

    #[test]
    fn seeds_that_share_a_place_in_memory_are_told_apart() {
        let layout = EntryLayout { position_bits: 32, bucket_bits: 8 };
        let table = SeedTable { buckets: &[0; 257], carries: &[], entries: &[0; 100], layout, fingerprint: 0 };
        let is_shared = |a: (u64, u16), b: (u64, u16)| a != b && slot(a.0, a.1) == slot(b.0, b.1);
        // Another k-mer before the same bases, and one that gives the same number with its own. (The same k-mer before others has another
        // place: multiples of the factor lie far apart.)
        let another = (0..).find(|&hash| is_shared((77, 5), (hash, 5))).unwrap();
        for (a, b) in [((77, 5), (another, 5)), ((77, 5), (77 ^ 5 ^ 6, 6))] {
            assert!(is_shared(a, b));
            let mut memory = Memory::default();
            assert_eq!(memory.get(0, 0, &table), None, "nothing is known at first");
            memory.keep(a.0, a.1, 10..30);
            assert_eq!((memory.get(a.0, a.1, &table), memory.get(b.0, b.1, &table)), (Some(10..30), None));
            memory.keep(b.0, b.1, 90..101);
            assert_eq!(memory.get(a.0, a.1, &table), None);
            assert_eq!(memory.get(b.0, b.1, &table), None, "outside the table");
        }
    }

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
        let table = SeedTable { buckets: &buckets, carries: &[], entries: &entries, layout, fingerprint: 0 };
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

        // Once more, from memory; and in the table of another index, which has none of them.
        let first: Vec<Narrowed> = frequent.narrowed.clone();
        let other = SeedTable { buckets: &[0; 257], entries: &[], fingerprint: 1, ..table };
        for (table, remembered) in [(table, true), (other, false)] {
            frequent.clear();
            for seed in &seeds {
                frequent.push(&codes, seed, table.find(table.bucket(seed.hash), seed.hash), &table);
            }
            assert_eq!(frequent.wanted.len() * 2 < known, remembered, "{} of {known}", frequent.wanted.len());
            frequent.look_up(&table);
            for (narrowed, first) in frequent.narrowed.iter().zip(&first) {
                let expected = if remembered { first.found.clone() } else { first.found.as_ref().map(|_| 0..0) };
                assert_eq!(narrowed.found, expected);
            }
        }
    }
}
