//! What the look-ups of a read say of loci that none of its seeds named.
//!
//! Seeds that occur too often are left out, so a copy of a repeat may stay unseen. But with `D` disjoint stretches of the read
//! looked up completely, an unseen locus differs from the read in each of them: it has at least `D` edits. That bounds its
//! score. The bound is far too careful for a read that differs from every locus: where the read has errors of its own, an
//! unseen locus would pay for them too. So once the stretches cover enough of the read, an unseen locus is taken to trail the
//! placement by one edit for each stretch that does occur somewhere.

use crate::alignment::Alignment;
use crate::mapq::ONE;
use crate::options::MapOptions;

/// Stretches that make the careful bound needless.
const ENOUGH_STRETCHES: u32 = 4;
/// Bases of a read for one of these, at the most.
const BASES_A_STRETCH: usize = 40;
/// Edits that an unseen locus is granted less where no seed was left out: chance alone hides it, not copies.
const UNLIKELY_EDITS: u32 = 1;

/// What was looked up of one read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// Disjoint stretches looked up completely.
    pub stretches: u32,
    /// Those of them that the reference has nowhere.
    pub novel: u32,
    /// Whether a seed was left out, because it occurs too often.
    pub left_out: bool,
    /// Bases under repetitive seeds.
    pub repetitive_bases: u32,
}

/// Scores that unseen alignments of a read may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    ceiling: i32,
    lead: Option<i32>,
}

impl Searched {
    /// Whether fewer than `stretches` were looked up completely and seeds were left out, so that copies may well be unseen.
    #[must_use]
    pub fn may_hide_copies(&self, stretches: u32) -> bool {
        self.left_out && self.stretches < stretches
    }

    /// The bound on unseen alignments of a read of `length` bases.
    #[must_use]
    pub fn hidden(&self, length: usize, options: &MapOptions) -> Hidden {
        let full = length as i32 * options.match_score();
        let edits = self.stretches + if self.left_out { 0 } else { UNLIKELY_EDITS };
        let covered = self.stretches >= ENOUGH_STRETCHES && self.stretches as usize * BASES_A_STRETCH >= length;
        let cost = |edits: u32| edits as i32 * options.cheapest_edit();
        Hidden { ceiling: full - cost(edits), lead: covered.then(|| cost(self.stretches - self.novel)) }
    }

    /// Share of a read of `length` bases under repetitive seeds, in units of 1/65,536.
    #[must_use]
    pub fn repetitive_share(&self, length: usize) -> i64 {
        i64::from(self.repetitive_bases) * ONE / length.max(1) as i64
    }
}

impl Hidden {
    /// Test support: unseen alignments score up to `ceiling`.
    #[cfg(test)]
    pub(crate) fn up_to(ceiling: i32) -> Self {
        Self { ceiling, lead: None }
    }

    /// The highest score that an unseen alignment may have beside `alignment`, of a read of `length` bases. What the read itself
    /// has of gaps and clips an unseen alignment has too.
    #[must_use]
    pub fn beside(&self, alignment: &Alignment, length: usize, options: &MapOptions) -> i32 {
        let ceiling = self.ceiling - alignment.structural_excess(length, options);
        self.lead.map_or(ceiling, |lead| ceiling.min(alignment.score - lead))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::testing::alignment;

    /// What may be hidden beside a full-length ungapped alignment.
    fn beside(searched: Searched, length: u32, score: i32) -> i32 {
        let options = MapOptions::default();
        let full = Alignment { score, ..alignment(1000, false, 0..length) };
        searched.hidden(length as usize, &options).beside(&full, length as usize, &options)
    }

    const SEARCHED: Searched = Searched { stretches: 2, novel: 0, left_out: true, repetitive_bases: 50 };

    #[test]
    fn each_stretch_costs_an_unseen_locus_an_edit() {
        assert_eq!(beside(SEARCHED, 150, 130), 140);
        let complete = Searched { left_out: false, ..SEARCHED };
        assert_eq!(beside(complete, 150, 130), 135);
        assert!(SEARCHED.may_hide_copies(3) && !SEARCHED.may_hide_copies(2) && !complete.may_hide_copies(3));
    }

    #[test]
    fn errors_of_the_read_are_not_held_against_a_placement_that_stretches_cover() {
        let covered = Searched { stretches: 6, novel: 3, ..SEARCHED };
        // Four errors, in three stretches of their own and one elsewhere: the bound alone would lead by two edits.
        assert_eq!(beside(covered, 150, 130), 115);
        assert_eq!(beside(covered, 150, 150), 120);
        // Six stretches are little of a read of 250 bases.
        assert_eq!(beside(covered, 250, 230), 220);
    }

    #[test]
    fn gaps_and_clips_of_the_read_are_in_unseen_copies_too() {
        let options = MapOptions::default();
        let gapped = Alignment { reference_end: 1160, score: 134, ..alignment(1000, false, 0..150) };
        assert_eq!(SEARCHED.hidden(150, &options).beside(&gapped, 150, &options), 140 - (6 + 10 - 5));
    }

    #[test]
    fn shares_are_of_the_read() {
        assert_eq!(SEARCHED.repetitive_share(100), ONE / 2);
        assert_eq!(Searched::default().repetitive_share(0), 0);
    }
}
