//! Alignments of a batch in one flat array, grouped by read.

use crate::alignment::Alignment;

/// A flat array of alignments with the end of each read's group.
#[derive(Debug, Default)]
pub struct Grouped {
    items: Vec<Alignment>,
    ends: Vec<usize>,
    merged: Vec<Alignment>,
    group: Vec<Alignment>,
}

impl Grouped {
    /// Forgets the last batch.
    pub fn clear(&mut self) {
        self.items.clear();
        self.ends.clear();
    }

    /// Alignments of read `i`.
    #[must_use]
    pub fn read(&self, i: usize) -> &[Alignment] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.items[start..self.ends[i]]
    }

    /// The best alignment of read `i`, if it has been given any yet.
    #[must_use]
    pub fn best(&self, i: usize) -> Option<&Alignment> {
        if i < self.ends.len() { self.read(i).first() } else { None }
    }

    /// Adds alignments to the groups of all `reads`; `new` gives those of a read. `arrange` orders and thins each group that
    /// received any.
    pub fn add<'a>(
        &mut self,
        new: impl Fn(usize) -> &'a [Alignment],
        reads: usize,
        arrange: impl Fn(usize, &mut Vec<Alignment>),
    ) {
        self.merged.clear();
        let mut start = 0;
        for read in 0..reads {
            let end = self.ends.get(read).copied().unwrap_or(start);
            let (old, new) = (&self.items[start..end], new(read));
            if new.is_empty() {
                self.merged.extend_from_slice(old);
            } else {
                self.group.clear();
                self.group.extend_from_slice(old);
                self.group.extend_from_slice(new);
                arrange(read, &mut self.group);
                self.merged.extend_from_slice(&self.group);
            }
            start = end;
            // The old end of this read has been used; its place takes the new one.
            match self.ends.get_mut(read) {
                Some(end) => *end = self.merged.len(),
                None => self.ends.push(self.merged.len()),
            }
        }
        std::mem::swap(&mut self.items, &mut self.merged);
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
            gapped_band: None,
        }
    }

    #[test]
    fn groups_grow_and_stay_with_their_read() {
        let mut grouped = Grouped::default();
        let sort = |_: usize, list: &mut Vec<Alignment>| list.sort_by_key(|a| -a.score);
        let (none, one, two) = (vec![], vec![alignment(0, 1)], vec![alignment(2, 5), alignment(2, 9)]);
        grouped.add(|i| [&one, &none, &two, &none][i], 4, sort);
        let (one, two) = (vec![alignment(1, 3)], vec![alignment(2, 7)]);
        grouped.add(|i| [&none, &one, &two, &none][i], 4, sort);
        let scores = |i| grouped.read(i).iter().map(|a| a.score).collect::<Vec<_>>();
        assert_eq!([scores(0), scores(1), scores(2), scores(3)], [vec![1], vec![3], vec![9, 7, 5], vec![]]);
    }
}
