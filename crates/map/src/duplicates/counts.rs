//! What Picard's metrics count.

use std::ops::AddAssign;

/// What Picard's metrics count of a library. Pairs have both mates mapped; unpaired reads are mapped and have no mapped mate.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct DuplicateCounts {
    /// Unpaired reads.
    pub unpaired_reads: u64,
    /// Pairs.
    pub pairs: u64,
    /// Secondary and supplementary records.
    pub secondary_or_supplementary: u64,
    /// Unmapped reads.
    pub unmapped_reads: u64,
    /// Unpaired reads that are duplicates.
    pub unpaired_duplicates: u64,
    /// Pairs that are duplicates.
    pub pair_duplicates: u64,
    /// Pairs that are optical duplicates.
    pub optical_duplicates: u64,
}

impl DuplicateCounts {
    /// The counts in the order of the fields.
    pub(crate) fn to_array(self) -> [u64; 7] {
        [
            self.unpaired_reads,
            self.pairs,
            self.secondary_or_supplementary,
            self.unmapped_reads,
            self.unpaired_duplicates,
            self.pair_duplicates,
            self.optical_duplicates,
        ]
    }

    /// From counts in the order of the fields.
    pub(crate) fn from_array(counts: [u64; 7]) -> Self {
        let [
            unpaired_reads,
            pairs,
            secondary_or_supplementary,
            unmapped_reads,
            unpaired_duplicates,
            pair_duplicates,
            optical_duplicates,
        ] = counts;
        Self {
            unpaired_reads,
            pairs,
            secondary_or_supplementary,
            unmapped_reads,
            unpaired_duplicates,
            pair_duplicates,
            optical_duplicates,
        }
    }
}

impl AddAssign for DuplicateCounts {
    fn add_assign(&mut self, other: Self) {
        self.unpaired_reads += other.unpaired_reads;
        self.pairs += other.pairs;
        self.secondary_or_supplementary += other.secondary_or_supplementary;
        self.unmapped_reads += other.unmapped_reads;
        self.unpaired_duplicates += other.unpaired_duplicates;
        self.pair_duplicates += other.pair_duplicates;
        self.optical_duplicates += other.optical_duplicates;
    }
}

/// Counts of all libraries, by the numbers that [`ReadGroups`](crate::read_groups::ReadGroups) gives them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LibraryCounts {
    libraries: Vec<DuplicateCounts>,
}

impl LibraryCounts {
    /// The counts of a library, to be added to.
    pub(crate) fn of(&mut self, library: u16) -> &mut DuplicateCounts {
        let library = usize::from(library);
        if self.libraries.len() <= library {
            self.libraries.resize(library + 1, DuplicateCounts::default());
        }
        &mut self.libraries[library]
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[DuplicateCounts] {
        &self.libraries
    }

    /// Those of libraries in their order.
    pub(crate) fn from_all(libraries: Vec<DuplicateCounts>) -> Self {
        Self { libraries }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (library, counts) in (0..).zip(&other.libraries) {
            *self.of(library) += *counts;
        }
    }

    /// The counts of `most` libraries, and of those beyond that have any records.
    pub fn rows(&self, most: usize) -> impl Iterator<Item = (usize, DuplicateCounts)> {
        let counts = |number: usize| self.libraries.get(number).copied().unwrap_or_default();
        let rows = (0..most.max(self.libraries.len())).map(move |number| (number, counts(number)));
        rows.filter(move |(number, counts)| *number < most || *counts != DuplicateCounts::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_are_named_have_a_row_and_others_if_they_have_records() {
        let mut counts = LibraryCounts::default();
        counts.of(3).pairs = 7;
        let mut more = LibraryCounts::default();
        more.of(3).pairs = 1;
        more.of(0).unmapped_reads = 2;
        counts.add(&more);
        let rows =
            |most| counts.rows(most).map(|(number, row)| (number, row.pairs, row.unmapped_reads)).collect::<Vec<_>>();
        assert_eq!(rows(2), [(0, 0, 2), (1, 0, 0), (3, 8, 0)]);
        assert_eq!(rows(5).len(), 5);
    }
}
