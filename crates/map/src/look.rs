//! How closely a read is looked at: which of its seeds are used, and how many of its candidates are compared with the reference.

use crate::syncmer::Spacing;

/// Occurrences above which a seed is repetitive: bwa's `-c`.
pub const REPETITIVE_OCCURRENCES: usize = 500;
/// Candidates that are checked besides the first, at the most, in a quick look or a mate's.
pub const MAX_CANDIDATES: usize = 20;
/// The same for a mate that the other shows the way to: enough to see how far its best rival is behind.
const MAX_LED_CANDIDATES: usize = 10;
/// The same in a closer look at a read without a mate, which nothing else places.
const MAX_SINGLE_CANDIDATES: usize = 64;
/// The same for a simple read: enough to see that there is more than one.
const MAX_SIMPLE_CANDIDATES: usize = 2;

/// The quick look. Its seeds are disjoint; four that the reference has, and not often, decide well enough.
const QUICK: Round = Round { cap: 16, enough: 4, overlapping: usize::MAX };
/// The only round for a simple read: its few seeds with an odd base tell its copies apart.
const SIMPLE: Round = Round { cap: 16, enough: 0, overlapping: 4 };
/// The first round of a thorough look at a mate, and its deeper one.
const MATE: [Round; 2] = [thorough(64), thorough(512)];
/// The same for a read without a mate, which nothing else places.
const SINGLE: [Round; 2] = [thorough(128), thorough(1024)];

/// Which seeds of a read are used.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// Occurrences up to which a seed is used.
    pub cap: usize,
    /// Seeds within the cap that make it needless to narrow others by their flanks.
    pub enough: usize,
    /// Occurrences up to which a seed is used though it overlaps a stretch that was looked up and does occur: it rarely names
    /// another diagonal. (Over a stretch that occurs nowhere, so has an error, the next seed tells more.)
    pub overlapping: usize,
}

impl Round {
    /// How often a seed may occur to be used alone, without the bases beside it, given how often each seed of a read does; none if no
    /// seeds are used with those.
    #[must_use]
    pub fn most_alone(&self, occurrences: impl Iterator<Item = usize>) -> Option<usize> {
        let used = occurrences.filter(|n| (1..=self.cap).contains(n)).count();
        (used < self.enough).then_some(self.cap.min(REPETITIVE_OCCURRENCES))
    }
}

const fn thorough(cap: usize) -> Round {
    Round { cap, enough: usize::MAX, overlapping: 16 }
}

/// How closely a read is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// With disjoint seeds that occur rarely.
    Quick,
    /// With all seeds; the mate may tell copies apart.
    Mate,
    /// With all seeds, in one round; the mate is settled.
    Led,
    /// With all seeds; there is no mate.
    Single,
    /// With rare seeds, and any place rather than none: the read is [simple](crate::simple).
    Simple,
}

impl Look {
    /// A round, and the one that follows it where it did not find enough.
    #[must_use]
    pub fn rounds(self) -> [Round; 2] {
        match self {
            Self::Quick => [QUICK; 2],
            Self::Simple => [SIMPLE; 2],
            Self::Mate => MATE,
            Self::Led => [MATE[0]; 2],
            Self::Single => SINGLE,
        }
    }

    /// Whether there is a deeper round.
    #[must_use]
    pub fn is_thorough(self) -> bool {
        matches!(self, Self::Mate | Self::Single)
    }

    /// Which seeds are made.
    #[must_use]
    pub fn spacing(self) -> Spacing {
        if self == Self::Quick { Spacing::Disjoint } else { Spacing::Any }
    }

    /// Candidates that are checked besides the first on each assembly, at the most, unless more are to be told
    /// ([`OtherHits`](crate::conventions::OtherHits)). A crowd of more is thinned by how much of the read matches there.
    #[must_use]
    pub fn max_candidates(self) -> usize {
        match self {
            Self::Simple => MAX_SIMPLE_CANDIDATES,
            Self::Led => MAX_LED_CANDIDATES,
            Self::Single => MAX_SINGLE_CANDIDATES,
            _ => MAX_CANDIDATES,
        }
    }
}
