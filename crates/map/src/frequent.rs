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
