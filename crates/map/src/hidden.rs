//! What the look-ups of a read say of loci that none of its seeds named.
//!
//! Seeds that occur too often are left out, so a copy of a repeat may stay unseen. But with `D` disjoint stretches of the read
//! looked up completely, an unseen locus differs from the read in each of them: it has at least `D` edits. That bounds its
//! score. The bound is far too careful for a read that differs from every locus: where the read has errors of its own, an
//! unseen locus would pay for them too. So once the stretches cover enough of the read, an unseen locus is taken to trail the
//! placement by one edit for each stretch that does occur somewhere.

use std::ops::Range;

use crate::alignment::Alignment;
use crate::mapq::ONE;
use crate::options::{MAX_READ, MapOptions};
use crate::syncmer::K;

/// Stretches that make the careful bound needless.
const ENOUGH_STRETCHES: u32 = 4;
/// Bases of a read for one of these, at the most.
const BASES_A_STRETCH: usize = 40;
/// Edits that an unseen locus is granted less where no seed was left out: chance alone hides it, not copies.
const UNLIKELY_EDITS: u32 = 1;

/// Bases by which it is told where stretches lie: fewer than any stretch has, so that no two begin or end in one cell.
const CELL: usize = 8;
const _: () = assert!(MAX_READ <= 2 * u64::BITS as usize * CELL && CELL < K);

/// One bit for each cell of a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells([u64; 2]);

impl Cells {
    /// Sets that of a base of the read.
    #[inline]
    fn set(&mut self, base: usize) {
        let cell = base / CELL;
        self.0[cell / 64 % 2] |= 1 << (cell % 64);
    }

    /// How many are set of the first `cells`.
    fn count_below(self, cells: u32) -> u32 {
        let bits = u128::from(self.0[0]) | u128::from(self.0[1]) << 64;
        (bits & 1u128.checked_shl(cells).map_or(u128::MAX, |bit| bit - 1)).count_ones()
    }
}

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
    /// Ambiguous bases of the read, which match nowhere.
    pub ambiguous_bases: u32,
    /// Where the stretches begin.
    pub begins: Cells,
    /// Where they end, their last bases.
    pub ends: Cells,
}

/// Scores that unseen alignments of a read may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden {
    ceiling: i32,
    /// What the read's ambiguous bases cost wherever it is placed.
    ambiguous: i32,
    lead: Option<i32>,
}

impl Searched {
    /// Notes a stretch of the read that was looked up completely, behind those before, and whether the reference has it nowhere.
    #[inline]
    pub fn add_stretch(&mut self, stretch: Range<usize>, is_novel: bool) {
        self.stretches += 1;
        self.novel += u32::from(is_novel);
        self.begins.set(stretch.start);
        self.ends.set(stretch.end - 1);
    }

    /// What was looked up of a part of the read: no more than this.
    #[must_use]
    pub fn within(&self, part: Range<u32>) -> Self {
        let begun_before = self.begins.count_below(part.start.div_ceil(CELL as u32));
        let stretches = self.ends.count_below(part.end / CELL as u32).saturating_sub(begun_before);
        Self { stretches, novel: self.novel.min(stretches), ambiguous_bases: 0, ..*self }
    }

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
        let ambiguous = self.ambiguous_bases as i32 * options.ambiguous_cost();
        Hidden { ceiling: full - cost(edits), ambiguous, lead: covered.then(|| cost(self.stretches - self.novel)) }
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
        Self { ceiling, ambiguous: 0, lead: None }
    }

    /// The highest score that an unseen alignment may have beside `alignment`, of a read of `length` bases. What the read itself
    /// has of gaps and clips, or of ambiguous bases, an unseen alignment has too.
    #[inline]
    #[must_use]
    pub fn beside(&self, alignment: &Alignment, length: usize, options: &MapOptions) -> i32 {
        // Clips may be of ambiguous bases.
        let ceiling = self.ceiling - alignment.structural_excess(length, options).max(self.ambiguous);
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

    const SEARCHED: Searched = Searched {
        stretches: 2,
        novel: 0,
        left_out: true,
        repetitive_bases: 50,
        ambiguous_bases: 0,
        begins: Cells([0; 2]),
        ends: Cells([0; 2]),
    };

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
    fn ambiguous_bases_match_nowhere() {
        let ambiguous = Searched { ambiguous_bases: 10, ..SEARCHED };
        assert_eq!(beside(ambiguous, 150, 130), 140 - 20);
        // A clip of ten bases may be theirs.
        let options = MapOptions::default();
        let clipped = Alignment { score: 138, ..alignment(1000, false, 0..138) };
        let [without, with] = [SEARCHED, ambiguous].map(|s| s.hidden(150, &options).beside(&clipped, 150, &options));
        assert_eq!([without, with], [140 - 7, 140 - 20]);
    }

    #[test]
    fn a_part_of_a_read_has_the_stretches_inside_it() {
        let mut searched = Searched::default();
        for start in [3, 21, 60, 100, 1006] {
            searched.add_stretch(start..start + 18, start == 60);
        }
        assert_eq!((searched.stretches, searched.novel), (5, 1));
        let within = |part: Range<u32>| searched.within(part).stretches;
        assert_eq!(within(0..1024), 5);
        assert_eq!([within(0..80), within(0..79), within(24..200), within(21..200)], [3, 2, 2, 2]);
        assert_eq!([within(16..120), within(25..60), within(64..70), within(1000..1024)], [3, 0, 0, 1]);
        assert_eq!(searched.within(16..120).novel, 1);
    }

    #[test]
    fn shares_are_of_the_read() {
        assert_eq!(SEARCHED.repetitive_share(100), ONE / 2);
        assert_eq!(Searched::default().repetitive_share(0), 0);
    }
}
