//! How two mates lie to each other: orientation and insert size.
//!
//! The *insert size* is the distance between the 5' ends of the mates, both bases included, as if neither were clipped: the
//! fragment's length in the usual FR orientation. Orientations are bwa's (Li 2013, "Aligning sequence reads, clone sequences
//! and assembly contigs with BWA-MEM"), told from the first mate: they don't depend on the strand that the fragment came from.

use crate::alignment::Alignment;

/// Largest insert size that counts, in bases. What is learnt is far below, but a model can be given.
pub const MAX_INSERT: i64 = 100_000;

/// On which strand and on which side the second mate lies, seen along the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// FF: same strand, ahead.
    ForwardForward,
    /// FR: other strand, ahead: the mates face each other.
    ForwardReverse,
    /// RF: other strand, behind: they face away, as in mate-pair libraries.
    ReverseForward,
    /// RR: same strand, behind.
    ReverseReverse,
}

impl Orientation {
    /// All, in the order of their [`index`](Self::index).
    pub const ALL: [Self; 4] = [Self::ForwardForward, Self::ForwardReverse, Self::ReverseForward, Self::ReverseReverse];

    /// Its place in arrays by orientation.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// The usual two letters.
    #[must_use]
    pub fn letters(self) -> &'static str {
        ["FF", "FR", "RF", "RR"][self.index()]
    }

    /// Whether the mates lie on one strand.
    #[must_use]
    pub fn is_same_strand(self) -> bool {
        matches!(self, Self::ForwardForward | Self::ReverseReverse)
    }

    /// Whether the second mate lies ahead of the first.
    #[must_use]
    pub fn is_ahead(self) -> bool {
        matches!(self, Self::ForwardForward | Self::ForwardReverse)
    }

    /// The same pair seen along the second mate.
    #[must_use]
    pub fn seen_from_second(self) -> Self {
        match self {
            Self::ForwardForward => Self::ReverseReverse,
            Self::ReverseReverse => Self::ForwardForward,
            facing => facing,
        }
    }
}

/// How two mates on one contig lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insert {
    /// Their orientation.
    pub orientation: Orientation,
    /// Bases from 5' end to 5' end, 2 to [`MAX_INSERT`].
    pub size: i64,
}

impl Insert {
    /// How alignments of the first and the second mate lie; `None` on different contigs, farther apart than [`MAX_INSERT`], or, as in
    /// bwa, with their 5' ends on one base, as the same read twice has. `lengths` are those of the reads, in bases.
    #[must_use]
    pub fn between(first: &Alignment, second: &Alignment, lengths: [usize; 2]) -> Option<Self> {
        if first.contig != second.contig {
            return None;
        }
        let distance = second.five_prime(lengths[1]) - first.five_prime(lengths[0]);
        let ahead = if first.reverse { -distance } else { distance };
        let orientation = match (first.reverse == second.reverse, ahead > 0) {
            (true, true) => Orientation::ForwardForward,
            (false, true) => Orientation::ForwardReverse,
            (false, false) => Orientation::ReverseForward,
            (true, false) => Orientation::ReverseReverse,
        };
        let size = distance.abs() + 1;
        (distance != 0 && size <= MAX_INSERT).then_some(Self { orientation, size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alignment;

    #[test]
    fn orientations_are_told_from_the_first_mate() {
        use Orientation::{ForwardForward, ForwardReverse, ReverseForward, ReverseReverse};
        let insert = |first: (u64, bool), second: (u64, bool)| {
            let [a, b] = [first, second].map(|(start, reverse)| alignment(start, reverse, 0..100));
            let insert = Insert::between(&a, &b, [100, 100]).unwrap();
            let back = Insert::between(&b, &a, [100, 100]).unwrap();
            assert_eq!((back.orientation, back.size), (insert.orientation.seen_from_second(), insert.size));
            (insert.orientation, insert.size)
        };
        let (low, high) = (1000, 1300);
        assert_eq!(insert((low, false), (high, true)), (ForwardReverse, 400));
        assert_eq!(insert((high, true), (low, false)), (ForwardReverse, 400));
        assert_eq!(insert((high, false), (low, true)), (ReverseForward, 202));
        assert_eq!(insert((low, true), (high, false)), (ReverseForward, 202));
        assert_eq!(insert((low, false), (high, false)), (ForwardForward, 301));
        assert_eq!(insert((high, true), (low, true)), (ForwardForward, 301));
        assert_eq!(insert((high, false), (low, false)), (ReverseReverse, 301));
        assert_eq!(insert((low, true), (high, true)), (ReverseReverse, 301));
    }

    #[test]
    fn clips_count_and_distant_or_foreign_mates_have_no_insert() {
        let first = alignment(1000, false, 5..100);
        let second = alignment(1300, true, 0..90);
        let size = |first: &Alignment, second: &Alignment| Insert::between(first, second, [100, 100]).map(|i| i.size);
        assert_eq!(size(&first, &second), Some(405));
        assert_eq!(size(&first, &Alignment { contig: 1, ..second }), None);
        assert_eq!(size(&first, &alignment(100_895, true, 0..100)), Some(100_000));
        assert_eq!(size(&first, &alignment(100_896, true, 0..100)), None);
    }

    #[test]
    fn the_same_read_twice_has_no_insert() {
        let size = |second: &Alignment| {
            Insert::between(&alignment(1000, false, 0..100), second, [100, 100]).map(|insert| insert.size)
        };
        assert_eq!(size(&alignment(1000, false, 0..100)), None);
        assert_eq!(size(&alignment(901, true, 0..100)), None);
        assert_eq!(size(&alignment(1001, false, 0..100)), Some(2));
        assert_eq!(size(&alignment(999, false, 0..100)), Some(2));
        assert_eq!(size(&alignment(902, true, 0..100)), Some(2));
    }
}
