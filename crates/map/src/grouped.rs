//! Alignments of a batch in one flat array, grouped by read.

use std::ops::Range;

use crate::alignment::Alignment;

/// A flat array of alignments, and where each read's are in it.
#[derive(Debug, Default)]
pub struct Grouped {
    items: Vec<Alignment>,
    groups: Vec<Range<usize>>,
    group: Vec<Alignment>,
}

impl Grouped {
    /// Forgets the last batch, for one of so many reads.
    pub fn clear(&mut self, reads: usize) {
        self.items.clear();
        self.groups.clear();
        self.groups.resize(reads, 0..0);
    }

    /// Alignments of read `i`.
    #[must_use]
    pub fn read(&self, i: usize) -> &[Alignment] {
        &self.items[self.groups[i].clone()]
    }

    /// Adds `new` alignments of read `i`, if there are any. `arrange` orders and thins its group then, which moves to the end of
    /// the array.
    pub fn add(&mut self, i: usize, new: &[Alignment], arrange: impl FnOnce(&mut Vec<Alignment>)) {
        if new.is_empty() {
            return;
        }
        self.group.clear();
        self.group.extend_from_slice(&self.items[self.groups[i].clone()]);
        self.group.extend_from_slice(new);
        arrange(&mut self.group);
        let start = self.items.len();
        self.items.extend_from_slice(&self.group);
        self.groups[i] = start..self.items.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alignment(read: u32, score: i32) -> Alignment {
        Alignment {
            read,
            reverse: false,
            contig: 0,
            reference_start: 0,
            reference_end: 1,
            query_start: 0,
            query_end: 1,
            score,
            alternate: false,
            gapped_band: None,
        }
    }

    #[test]
    fn groups_grow_and_stay_with_their_read() {
        let mut grouped = Grouped::default();
        grouped.clear(4);
        let sort = |list: &mut Vec<Alignment>| list.sort_by_key(|a| -a.score);
        grouped.add(0, &[alignment(0, 1)], sort);
        grouped.add(2, &[alignment(2, 5), alignment(2, 9)], sort);
        grouped.add(1, &[alignment(1, 3)], sort);
        grouped.add(2, &[alignment(2, 7)], sort);
        grouped.add(3, &[], |_| unreachable!("nothing to arrange"));
        let scores = |i| grouped.read(i).iter().map(|a| a.score).collect::<Vec<_>>();
        assert_eq!([scores(0), scores(1), scores(2), scores(3)], [vec![1], vec![3], vec![9, 7, 5], vec![]]);
    }
}
