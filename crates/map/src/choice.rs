//! The choice, among the checked candidates of a read, of those that extension may improve.

use std::cmp::Reverse;

use crate::alignment::{Alignment, overlap};
use crate::hash::tie_break;
use crate::index::Reference;
use crate::options::MapOptions;
use crate::reads::PackedRead;
use crate::ungapped::{DENSE_MISMATCHES, Segment, has_dense_mismatches};

/// Extensions of one read, at the most.
const MAX_EXTENSIONS: usize = 16;
/// How far below the best an alignment is extended only on a sign of a gap.
const FAR: i32 = 40;
/// Clipped bases that may well hold no seed: shorter than twice what an error-free stretch needs.
const SEEDLESS_CLIP: u32 = 40;
/// What seeds say of a diagonal before bases are compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    /// Edits that an alignment there has at the least.
    pub edits: u32,
    /// Whether seeds name another diagonal near it.
    pub has_neighbour: bool,
    /// Whether it was looked for near a mate, not named by seeds.
    pub is_rescue: bool,
}

/// The checked candidates of one read, some of which are to be extended.
pub struct Choice<'a> {
    /// Its alignments on one diagonal each.
    pub group: &'a [Alignment],
    /// What the check found of each.
    pub segments: &'a [Segment],
    /// What seeds say of each.
    pub hints: &'a [Hints],
    /// The read.
    pub read: PackedRead<'a>,
    /// Its bases.
    pub length: usize,
    /// The reference.
    pub reference: &'a Reference<'a>,
    /// The best alignments of the mate, and how far from one this read may lie.
    pub mates: Option<(&'a [Alignment], u64)>,
    /// How far below the best an alignment still counts.
    pub margin: i32,
    /// Hash of its name.
    pub name_hash: u64,
    /// Scores and limits.
    pub options: &'a MapOptions,
}

impl Choice<'_> {
    /// Fills `chosen` with the numbers of the alignments to extend, those on the primary assembly or those on alternate loci, given
    /// the best value on the former that is known from elsewhere. Alternate loci don't count against the primary assembly.
    pub fn choose(&self, alternate: bool, known: i32, chosen: &mut Vec<usize>) {
        let value = |i: usize| self.group[i].value(self.length, self.options);
        let rivals = (0..self.group.len()).filter(|&i| alternate || !self.group[i].alternate);
        let best = rivals.map(value).fold(known, i32::max);
        chosen.clear();
        let wanted = (0..self.group.len()).filter(|&i| self.group[i].alternate == alternate);
        chosen.extend(wanted.filter(|&i| {
            let may_matter = |gain: i32| {
                let reachable = (value(i) + gain).min(ceiling(self.length, self.hints[i].edits, self.options));
                let may_rival = || reachable + self.margin >= best && (value(i) + FAR >= best || self.may_have_gap(i));
                reachable > value(i) && (may_rival() || self.is_anchored(i))
            };
            let (ends, inside) = (self.possible_gain_at_ends(i), self.possible_gain_inside(i));
            may_matter(ends) || inside > 0 && may_matter(ends + inside) && self.may_have_gaps_inside(i)
        }));
        // Where the mate is comes first: the pair may outweigh a better place elsewhere. Else what is there counts, not what
        // may come: the shorter a segment, the more could still be added to it.
        chosen.sort_unstable_by_key(|&i| {
            let alignment = &self.group[i];
            (
                !self.is_anchored(i),
                Reverse(value(i)),
                tie_break(self.name_hash, alignment.reverse, alignment.reference_start),
            )
        });
        let mut kept = 0;
        for next in 0..chosen.len() {
            let is_covered = chosen[..kept].iter().any(|&better| self.covers(better, chosen[next]));
            if !is_covered && kept < MAX_EXTENSIONS {
                chosen[kept] = chosen[next];
                kept += 1;
            }
        }
        chosen.truncate(kept);
    }

    /// Whether an alignment lies where a good one of the mate wants it.
    fn is_anchored(&self, i: usize) -> bool {
        let this = &self.group[i];
        let is_near = |mate: &Alignment, reach: u64| {
            mate.contig == this.contig && mate.start_diagonal().abs_diff(this.start_diagonal()) <= reach
        };
        let near_mate = || self.mates.is_some_and(|(mates, reach)| mates.iter().any(|mate| is_near(mate, reach)));
        self.hints[i].is_rescue || near_mate()
    }

    /// Whether there is a sign of a gap in an alignment far below the best: seeds on a diagonal near it, or clips too short to
    /// have seeds of their own. Most rivals that are clipped have neither; they are old copies of a repeat.
    fn may_have_gap(&self, i: usize) -> bool {
        let alignment = &self.group[i];
        let clip = alignment.query_start.max(self.length as u32 - alignment.query_end);
        self.hints[i].has_neighbour || clip < SEEDLESS_CLIP
    }

    /// Whether the extension of one segment will find another: the other holds other bases of the read, as the two sides of a
    /// gap do, and the first is worth more than that gap costs, so that its extension lives to open it.
    fn covers(&self, better: usize, other: usize) -> bool {
        let (a, b) = (&self.group[better], &self.group[other]);
        let distance = (a.start_diagonal() - b.start_diagonal()).unsigned_abs();
        if (a.reverse, a.contig) != (b.reverse, b.contig) || distance > u64::from(self.options.band) {
            return false;
        }
        let shared = overlap(&(a.query_start..a.query_end), &(b.query_start..b.query_end));
        let paid = a.score > self.options.gap_cost(distance as i32);
        paid && 2 * shared < a.query_bases().min(b.query_bases())
    }

    /// Whether there is a sign of gaps within an alignment: seeds on a diagonal near it, or mismatches in a cluster. Most that have many
    /// mismatches have neither.
    fn may_have_gaps_inside(&self, i: usize) -> bool {
        let alignment = &self.group[i];
        let (strand, diagonal) = (self.read.strand(alignment.reverse), alignment.start_diagonal() as u64);
        let segment = alignment.query_start..alignment.query_end;
        self.hints[i].has_neighbour || has_dense_mismatches(strand, self.reference, diagonal, segment)
    }

    /// What gaps beyond the ends of an ungapped segment could add to its value, at the most.
    fn possible_gain_at_ends(&self, i: usize) -> i32 {
        let (alignment, options) = (&self.group[i], self.options);
        let side = |clipped: usize| {
            let gain = clipped as i32 * options.match_score() + options.end_bonus - options.cheapest_gap();
            if clipped > 0 { gain.max(0) } else { 0 }
        };
        side(alignment.query_start as usize) + side(self.length - alignment.query_end as usize)
    }

    /// The same for two gaps within it.
    fn possible_gain_inside(&self, i: usize) -> i32 {
        let (mismatches, options) = (self.segments[i].mismatches, self.options);
        if (mismatches as usize) < DENSE_MISMATCHES {
            return 0;
        }
        let gain = mismatches as i32 * (options.mismatch() + options.match_score()) - 2 * options.cheapest_gap();
        gain.max(0)
    }
}

/// The highest value of an alignment of a read of `length` bases with so many edits.
#[must_use]
pub fn ceiling(length: usize, edits: u32, options: &MapOptions) -> i32 {
    let full = length as i32 * options.match_score() + 2 * options.end_bonus;
    full - edits as i32 * options.cheapest_edit()
}
