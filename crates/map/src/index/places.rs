//! Which contig a place of the reference is in, without a search through all of them: that would cost more than to compare a read there.

use std::ops::Range;

use super::Contig;

/// Bins for each contig, and the fewest bins of a reference.
const BINS_A_CONTIG: usize = 4;
const FEWEST_BINS: usize = 1024;

/// For each bin, a stretch of the padded reference, the first contig that ends behind the bin's first base.
#[derive(Debug, Default)]
pub struct Places {
    /// Bases of a bin, in bits.
    shift: u32,
    first: Vec<u32>,
}

impl Places {
    /// Places of contigs, which are in order.
    #[must_use]
    pub fn new(contigs: &[Contig]) -> Self {
        let end = contigs.last().map_or(0, |contig| contig.span().end);
        let bins = (BINS_A_CONTIG * contigs.len()).max(FEWEST_BINS) as u64;
        let shift = (end / bins).max(1).ilog2();
        let first = |bin: u64| contigs.partition_point(|contig| contig.span().end <= bin << shift) as u32;
        Self { shift, first: (0..=(end >> shift) + 1).map(first).collect() }
    }

    /// Of the contigs that these places were made of, the number of the first that ends behind a position.
    #[inline]
    #[must_use]
    pub fn first_behind(&self, contigs: &[Contig], position: u64) -> Option<usize> {
        let bin = (position >> self.shift) as usize;
        let Range { start, end } = *self.first.get(bin)? as usize..*self.first.get(bin + 1)? as usize;
        // Behind the bin's end it is that contig or an earlier one; most bins have none that ends there.
        Some(start + contigs.get(start..end)?.partition_point(|contig| contig.span().end <= position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_contig_behind_a_position_is_that_of_a_search() {
        let contig = |start, length| Contig { name: vec![], description: vec![], start, length, md5: [0; 16] };
        let long = vec![contig(1024, 5_000_000), contig(5_002_048, 1), contig(5_003_073, 700), contig(9_000_000, 3)];
        let short = (0..3000).map(|i| contig(1024 + i * 1500, 1 + i % 400)).collect();
        for contigs in [long, short, vec![contig(10, 5), contig(25, 5)], vec![]] {
            let places = Places::new(&contigs);
            let ends = contigs.iter().flat_map(|c| [c.start, c.span().end]).flat_map(|at| at - 1..at + 2);
            for position in ends.chain((0..9_100_000).step_by(1009)) {
                let expected = contigs.partition_point(|contig| contig.span().end <= position);
                let found = places.first_behind(&contigs, position).and_then(|first| contigs.get(first));
                assert_eq!(found, contigs.get(expected), "{position}");
            }
        }
    }
}
