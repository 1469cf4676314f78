//! The best alignments of each read of a batch, near which its mate may be found.

use crate::alignment::Alignment;
use crate::options::MapOptions;
use crate::reads::PackedReads;

/// Alignments kept of a read, at the most.
const MAX_ANCHORS: usize = 16;

/// Good alignments of the reads of a batch, back to back.
#[derive(Debug, Default)]
pub struct Anchors {
    alignments: Vec<Alignment>,
    ends: Vec<usize>,
}

impl Anchors {
    /// Takes, of the alignments of each read, those that an unpaired mate could not make worse than another. Alternate loci don't
    /// count against the primary assembly.
    pub fn fill<'a>(
        &mut self,
        groups: impl Iterator<Item = &'a [Alignment]>,
        reads: &PackedReads,
        options: &MapOptions,
    ) {
        self.alignments.clear();
        self.ends.clear();
        for (number, group) in groups.enumerate() {
            let length = reads.read(number).length();
            let value = |a: &Alignment| a.value(length, options);
            let mut best = [0; 2];
            for a in group {
                best[usize::from(a.alternate)] = best[usize::from(a.alternate)].max(value(a));
            }
            let good = group.iter().filter(|a| value(a) + options.unpaired_penalty >= best[usize::from(a.alternate)]);
            self.alignments.extend(good.take(MAX_ANCHORS));
            self.ends.push(self.alignments.len());
        }
    }

    /// The anchors of read `i`.
    #[must_use]
    pub fn read(&self, i: usize) -> &[Alignment] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.alignments[start..self.ends[i]]
    }
}
