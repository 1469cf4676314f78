//! What a run may choose about mapping.

use svala_compute::Scoring;

use crate::conventions::Conventions;
use crate::read_groups::ReadGroups;

/// Longest read of the short-read path, in bases.
pub const MAX_READ: usize = svala_compute::MAX_QUERY;

/// Options that change results. Defaults are those of `bwa mem`.
#[derive(Clone, Debug)]
pub struct MapOptions {
    /// Scores and penalties of alignments.
    pub scoring: Scoring,
    /// Score that an alignment gains for each end of the read it reaches, when it is decided whether to clip.
    pub end_bonus: i32,
    /// Penalty for a pair whose mates are not placed as a proper pair.
    pub unpaired_penalty: i32,
    /// Alignments below this score are not reported.
    pub min_score: i32,
    /// Widest gap that an extension can bridge, in bases.
    pub band: u16,
    /// Score drop at which an extension gives up.
    pub z_drop: u16,
    /// Whether mates are looked for beside each other where seeds did not find them.
    pub rescue: bool,
    /// Whether mates are placed as pairs; else each by itself, and none is flagged as properly paired.
    pub pairing: bool,
    /// How alignments are written.
    pub conventions: Conventions,
    /// Tag of the reads' barcodes (unique molecular identifiers), if they have any.
    pub barcode_tag: Option<[u8; 2]>,
    /// Read groups: values of the tag RG, and libraries.
    pub read_groups: ReadGroups,
}

impl Default for MapOptions {
    fn default() -> Self {
        Self {
            scoring: Scoring::default(),
            end_bonus: 5,
            unpaired_penalty: 17,
            min_score: 30,
            band: 100,
            z_drop: 100,
            rescue: true,
            pairing: true,
            conventions: Conventions::default(),
            barcode_tag: None,
            read_groups: ReadGroups::default(),
        }
    }
}

impl MapOptions {
    /// Score of a match.
    pub(crate) fn match_score(&self) -> i32 {
        i32::from(self.scoring.match_score)
    }

    /// Penalty of a mismatch.
    pub(crate) fn mismatch(&self) -> i32 {
        i32::from(self.scoring.mismatch)
    }

    /// Penalty of the cheapest gap.
    pub(crate) fn cheapest_gap(&self) -> i32 {
        let s = &self.scoring;
        let deletion = i32::from(s.deletion_open) + i32::from(s.deletion_extend);
        deletion.min(i32::from(s.insertion_open) + i32::from(s.insertion_extend))
    }

    /// Penalty of a gap of so many bases, of the dearer kind.
    pub(crate) fn gap_cost(&self, bases: i32) -> i32 {
        let s = &self.scoring;
        let deletion = i32::from(s.deletion_open) + bases * i32::from(s.deletion_extend);
        deletion.max(i32::from(s.insertion_open) + bases * i32::from(s.insertion_extend))
    }

    /// The least score that an alignment is kept with, for pairs and as a rival: that of bwa's shortest seed.
    pub(crate) fn score_floor(&self) -> i32 {
        19 * self.match_score()
    }

    /// What an ambiguous base takes away, lost match included.
    pub(crate) fn ambiguous_cost(&self) -> i32 {
        self.match_score() + i32::from(self.scoring.ambiguous)
    }

    /// The least that one edit costs: what a mismatch or an inserted base takes away, lost match included.
    pub(crate) fn cheapest_edit(&self) -> i32 {
        (self.mismatch() + self.match_score()).min(self.cheapest_gap())
    }

    /// Longest deletion that `bases` more bases of a read could pay for, within the band.
    pub(crate) fn longest_gap(&self, bases: usize) -> usize {
        let s = &self.scoring;
        let budget = bases as i32 * self.match_score() + self.end_bonus - i32::from(s.deletion_open);
        let affordable = budget / i32::from(s.deletion_extend.max(1)) + 1;
        (affordable.max(1) as usize).min(usize::from(self.band))
    }
}
