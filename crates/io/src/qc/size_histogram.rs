//! Counts of sizes, most of them small.

use std::collections::BTreeMap;

/// Sizes below this have an array.
const DENSE: usize = 1 << 12;

/// How often each size occurs. Any size of 32 bits costs a few bytes, so wild ones do no harm.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SizeHistogram {
    dense: Vec<u64>,
    sparse: BTreeMap<u32, u64>,
}

impl SizeHistogram {
    pub(super) fn add(&mut self, size: u32) {
        *self.at(size) += 1;
    }

    pub(super) fn combine(&mut self, other: &Self, apply: impl Fn(&mut u64, u64)) {
        for (size, count) in other.iter() {
            apply(self.at(size), count);
        }
    }

    fn at(&mut self, size: u32) -> &mut u64 {
        if size as usize >= DENSE {
            return self.sparse.entry(size).or_default();
        }
        if self.dense.is_empty() {
            self.dense.resize(DENSE, 0);
        }
        &mut self.dense[size as usize]
    }

    /// Sizes that occur, from the smallest, each with its count.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        let dense = (0..).zip(self.dense.iter().copied());
        dense.chain(self.sparse.iter().map(|(&size, &count)| (size, count))).filter(|&(_, count)| count > 0)
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().map(|(_, count)| count).sum()
    }
}
