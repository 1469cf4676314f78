//! How alignments are written that are found all the same: what else a read's records say, and which of them there are.

/// Habits of the records that follow. The defaults are those of `bwa mem`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conventions {
    /// Whether supplementary records keep the whole read, soft-clipped, instead of being hard-clipped (bwa's `-Y`).
    pub soft_clip_supplementary: bool,
    /// Whether the further pieces of a split read are flagged as secondary instead of supplementary (bwa's `-M`), for programs older
    /// than that flag.
    pub split_as_secondary: bool,
    /// Whether that piece of a split read is primary which has the read's 5' end, instead of the best (bwa's `-5`).
    pub five_prime_primary: bool,
    /// How alignments to other places of the same bases are told.
    pub other_hits: OtherHits,
    /// Whether aligned bases are `=` and `X` in the CIGAR instead of `M`.
    pub explicit_matches: bool,
    /// Whether a template of which no read is mapped is left out.
    pub drop_unmapped: bool,
    /// Whether the tag XR says what followed the contig's name in the FASTA file (bwa's `-V`).
    pub contig_descriptions: bool,
}

/// Others on the primary assembly that are named at the most beside some on alternate loci, unless more are asked for. (In bwa only how many
/// there are together counts; but no more places are compared there than where there are no alternate loci, for the same mapping quality.)
const BESIDE_ALTERNATES: usize = 9;

/// How alignments are told that rival a reported one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherHits {
    /// In its XA tag.
    Tag {
        /// Others that are named at the most; where there are more, none is.
        most: usize,
        /// The same where one of them is on an alternate locus.
        most_alternate: usize,
        /// Thousandths of its score that the other's must exceed.
        share_milli: i32,
        /// Whether the tag is XB, which says scores and mapping qualities too (bwa's `-u`).
        scored: bool,
    },
    /// As secondary records of reads that are not in a proper pair (bwa's `-a`).
    UnpairedRecords,
    /// As secondary records.
    Records {
        /// So many of the best to a reported one.
        most: usize,
    },
}

impl OtherHits {
    /// Places on the primary assembly, or on alternate loci, that have to be compared besides the best to tell which of them are named, or
    /// that there are too many.
    pub(crate) fn places_told(self, alternate: bool) -> usize {
        match self {
            Self::Tag { most_alternate, .. } if alternate => most_alternate.saturating_add(1),
            Self::Tag { most, .. } => most.max(BESIDE_ALTERNATES).saturating_add(1),
            Self::Records { most } => most,
            Self::UnpairedRecords => 0,
        }
    }

    /// Whether the tag would name so many, on the primary assembly and on alternate loci, that it names none.
    pub(crate) fn are_too_many(self, primary: usize, alternate: usize) -> bool {
        match self {
            Self::Tag { most, .. } if alternate == 0 => primary > most,
            Self::Tag { most, most_alternate, .. } => {
                primary + alternate > most_alternate || primary > most.max(BESIDE_ALTERNATES)
            }
            Self::UnpairedRecords | Self::Records { .. } => false,
        }
    }

    /// How many at the most are records beside one reported alignment, which is in a proper pair or not.
    pub(crate) fn most_records(self, proper: bool) -> usize {
        match self {
            Self::UnpairedRecords if !proper => usize::MAX,
            Self::Records { most } => most,
            Self::Tag { .. } | Self::UnpairedRecords => 0,
        }
    }
}

impl Default for Conventions {
    fn default() -> Self {
        Self {
            soft_clip_supplementary: false,
            split_as_secondary: false,
            five_prime_primary: false,
            other_hits: OtherHits::Tag { most: 5, most_alternate: 200, share_milli: 800, scored: false },
            explicit_matches: false,
            drop_unmapped: false,
            contig_descriptions: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_less_than_what_is_compared_so_that_no_crowd_is_told_in_part() {
        for (most, most_alternate) in [(5, 200), (0, 0), (9, 9), (10, 3), (70, 200), (usize::MAX, usize::MAX)] {
            let tag = OtherHits::Tag { most, most_alternate, share_milli: 800, scored: false };
            let [on_primary, on_alternates] = [false, true].map(|alternate| tag.places_told(alternate));
            for other in [0, 1, 5] {
                assert!(tag.are_too_many(on_primary, other) || on_primary == usize::MAX, "{tag:?}, {other}");
                assert!(tag.are_too_many(other, on_alternates) || on_alternates == usize::MAX, "{tag:?}, {other}");
            }
        }
        let default = Conventions::default().other_hits;
        let are_too_many =
            [(5, 0), (6, 0), (9, 1), (10, 1), (0, 200), (1, 200)].map(|(p, a)| default.are_too_many(p, a));
        assert_eq!(are_too_many, [false, true, false, true, false, true]);
    }
}
