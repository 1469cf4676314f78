//! An alignment of one read, before it has a CIGAR.

use std::cmp::Ordering;
use std::ops::Range;

use smallvec::SmallVec;

use crate::hash::tie_break;
use crate::options::MapOptions;

/// Where and how well a read aligns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// Number of the read in its batch.
    pub read: u32,
    /// Whether the read's reverse complement is aligned.
    pub reverse: bool,
    /// Number of the contig.
    pub contig: u32,
    /// Padded position of the first aligned reference base.
    pub reference_start: u64,
    /// One past the last.
    pub reference_end: u64,
    /// First aligned base of the strand.
    pub query_start: u32,
    /// One past the last.
    pub query_end: u32,
    /// Score without end bonuses.
    pub score: i32,
    /// Whether the contig is an alternate locus.
    pub alternate: bool,
    /// Band that a global alignment of the two intervals needs; `None` if the alignment has no gap.
    pub gapped_band: Option<u16>,
}

impl Alignment {
    /// Diagonal of its first base.
    #[must_use]
    pub fn start_diagonal(&self) -> i64 {
        self.reference_start as i64 - i64::from(self.query_start)
    }

    /// Diagonal of its last base.
    #[must_use]
    pub fn end_diagonal(&self) -> i64 {
        self.reference_end as i64 - i64::from(self.query_end)
    }

    /// Padded position of the 5' end of a read of `length` bases, as if it were not clipped.
    #[must_use]
    pub fn five_prime(&self, length: usize) -> i64 {
        if self.reverse { self.end_diagonal() + length as i64 - 1 } else { self.start_diagonal() }
    }

    /// What it is worth when it is decided whether to clip: its score and a bonus for each end of a read of `length` bases
    /// that it reaches.
    #[must_use]
    pub fn value(&self, length: usize, options: &MapOptions) -> i32 {
        let ends = i32::from(self.query_start == 0) + i32::from(self.query_end as usize == length);
        self.score + ends * options.end_bonus
    }

    /// What its net gap and its clips cost more than one edit each. They may well come from the read, and then the read has
    /// them wherever it is placed.
    #[inline]
    #[must_use]
    pub fn structural_excess(&self, length: usize, options: &MapOptions) -> i32 {
        let (scoring, a) = (&options.scoring, options.match_score());
        let deleted = (self.end_diagonal() - self.start_diagonal()) as i32;
        let gap = match deleted {
            0 => 0,
            1.. => i32::from(scoring.deletion_open) + deleted * i32::from(scoring.deletion_extend),
            _ => i32::from(scoring.insertion_open) - deleted * (i32::from(scoring.insertion_extend) + a),
        };
        let clips = [self.query_start, length as u32 - self.query_end].map(|bases| bases as i32 * a);
        [gap, clips[0], clips[1]].into_iter().map(|cost| (cost - options.cheapest_edit()).max(0)).sum()
    }

    /// Aligned bases of the read.
    #[must_use]
    pub fn query_bases(&self) -> u32 {
        self.query_end - self.query_start
    }

    /// Aligned bases in the order of the FASTQ file.
    #[must_use]
    pub fn read_interval(&self, length: usize) -> Range<u32> {
        if self.reverse {
            length as u32 - self.query_end..length as u32 - self.query_start
        } else {
            self.query_start..self.query_end
        }
    }

    /// Whether both are the same placement of the same bases: they share a diagonal at an end, or nearly all of both intervals.
    #[must_use]
    pub fn is_same_placement(&self, other: &Self) -> bool {
        if (self.reverse, self.contig) != (other.reverse, other.contig) {
            return false;
        }
        let query = overlap(&(self.query_start..self.query_end), &(other.query_start..other.query_end));
        let shared_diagonal =
            self.start_diagonal() == other.start_diagonal() || self.end_diagonal() == other.end_diagonal();
        if shared_diagonal && query > 0 {
            return true;
        }
        let reference =
            self.reference_end.min(other.reference_end) as i64 - self.reference_start.max(other.reference_start) as i64;
        let shorter = self.query_bases().min(other.query_bases());
        let shorter_reference =
            (self.reference_end - self.reference_start).min(other.reference_end - other.reference_start);
        query * 20 > shorter * 19 && reference * 20 > shorter_reference as i64 * 19
    }

    /// Orders alignments of one read from best to worst, ties by the read's name; those on the primary assembly come before those on
    /// alternate loci.
    #[must_use]
    pub fn compare(&self, other: &Self, name_hash: u64) -> Ordering {
        let tie = |a: &Self| (tie_break(name_hash, a.reverse, a.reference_start), a.reference_start);
        let rank = |a: &Self| (a.alternate, -a.score);
        rank(self).cmp(&rank(other)).then_with(|| tie(self).cmp(&tie(other)))
    }
}

/// Splits the alignments of one read, which are in order, into those on the primary assembly and those on alternate loci.
#[must_use]
pub fn split_assemblies(alignments: &[Alignment]) -> (&[Alignment], &[Alignment]) {
    let has_alternates = alignments.last().is_some_and(|last| last.alternate);
    let primary = if has_alternates { alignments.partition_point(|a| !a.alternate) } else { alignments.len() };
    alignments.split_at(primary)
}

/// Bases that two intervals share.
#[must_use]
pub fn overlap(a: &Range<u32>, b: &Range<u32>) -> u32 {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

/// Sorts the alignments of one read from best to worst and drops those below `least` and those that repeat a better one.
pub fn keep_distinct(alignments: &mut Vec<Alignment>, least: i32, name_hash: u64) {
    alignments.retain(|alignment| alignment.score >= least);
    if alignments.len() < 2 {
        return;
    }
    alignments.sort_by(|a, b| a.compare(b, name_hash));
    let longest = alignments.iter().map(|a| (a.reference_end - a.reference_start).max(u64::from(a.query_end))).max();
    // The same placements share an end or most of their bases, so they begin no farther apart.
    let reach = 2 * longest.unwrap_or(0);
    let mut starts: SmallVec<[u64; 64]> = SmallVec::new();
    let mut kept = 0;
    for i in 0..alignments.len() {
        let candidate = alignments[i];
        let start = candidate.reference_start;
        let is_near = starts.iter().fold(false, |any, &other| any | (other.abs_diff(start) <= reach));
        if !is_near || !alignments[..kept].iter().any(|better| better.is_same_placement(&candidate)) {
            alignments[kept] = candidate;
            starts.push(start);
            kept += 1;
        }
    }
    alignments.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alignment(reference_start: u64, query: Range<u32>, score: i32) -> Alignment {
        Alignment {
            read: 0,
            reverse: false,
            contig: 0,
            reference_start,
            reference_end: reference_start + u64::from(query.end - query.start),
            query_start: query.start,
            query_end: query.end,
            score,
            alternate: false,
            gapped_band: None,
        }
    }

    #[test]
    fn repeats_of_a_better_alignment_are_dropped_and_rivals_are_kept() {
        let bridged = Alignment { reference_end: 1155, ..alignment(1000, 0..150, 139) };
        let mut all = vec![
            alignment(1000, 0..80, 80),
            alignment(1085, 80..150, 70),
            bridged,
            alignment(5000, 0..150, 130),
            alignment(1003, 0..150, 60),
        ];
        keep_distinct(&mut all, 19, 7);
        let starts: Vec<u64> = all.iter().map(|a| a.reference_start).collect();
        assert_eq!(starts, [1000, 5000]);
        assert_eq!(all[0].score, 139);
    }

    #[test]
    fn alternate_loci_come_last() {
        let alternate = |start, score| Alignment { alternate: true, ..alignment(start, 0..150, score) };
        let mut all =
            vec![alternate(9000, 150), alignment(1000, 0..150, 100), alternate(7000, 90), alignment(3000, 0..150, 120)];
        keep_distinct(&mut all, 19, 7);
        let (primary, alternates) = split_assemblies(&all);
        let scores = |list: &[Alignment]| list.iter().map(|a| a.score).collect::<Vec<_>>();
        assert_eq!((scores(primary), scores(alternates)), (vec![120, 100], vec![150, 90]));
        assert_eq!(split_assemblies(primary), (primary, &[][..]));
        assert_eq!(split_assemblies(alternates), (&[][..], alternates));
    }

    #[test]
    fn gaps_and_clips_cost_more_than_an_edit() {
        let excess = |alignment: Alignment| alignment.structural_excess(150, &MapOptions::default());
        let whole = alignment(1000, 0..150, 150);
        assert_eq!(excess(whole), 0);
        assert_eq!(excess(Alignment { reference_end: 1160, ..whole }), 6 + 10 - 5);
        assert_eq!(excess(Alignment { reference_end: 1140, ..whole }), 6 + 10 + 10 - 5);
        assert_eq!(excess(alignment(1000, 4..120, 116)), 30 - 5);
    }

    #[test]
    fn read_intervals_are_mirrored_on_the_reverse_strand() {
        let forward = alignment(0, 10..60, 50);
        let reverse = Alignment { reverse: true, ..forward };
        assert_eq!(forward.read_interval(100), 10..60);
        assert_eq!(reverse.read_interval(100), 40..90);
    }
}
