//! Stage 7: primary and supplementary alignments of each read, and their mapping qualities.
//!
//! As in bwa, alignments of one read that cover mostly the same bases are rivals, of which one is reported; those that cover
//! other bases are pieces of a split read and are reported as supplementary.

use std::ops::Range;

use crate::alignment::{Alignment, overlap, split_assemblies};
use crate::conventions::OtherHits;
use crate::hidden::{Hidden, Searched};
use crate::mapq::{self, Evidence};
use crate::options::MapOptions;

/// Supplementary alignments reported for a read, at the most: about as many as a read of the greatest length can have.
const MAX_SUPPLEMENTARY: usize = 32;

/// A reported alignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Where.
    pub alignment: Alignment,
    /// Mapping quality, 0 to 60.
    pub mapping_quality: u8,
    /// Score of its best rival, 0 if it has none (the XS tag).
    pub rival_score: i32,
    /// Score of the best alignment of the same bases to an alternate locus, if that is higher than its own, else 0.
    pub alternate_score: i32,
}

/// An alignment that is named in the XA tag of a record, or is a secondary record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Where.
    pub alignment: Alignment,
    /// Number of the placement that it is an alternative to.
    pub placement: usize,
}

/// What is known of a read besides its alignments.
#[derive(Clone, Copy, Debug)]
pub struct ReadContext<'a> {
    /// Bases.
    pub length: usize,
    /// What was looked up of it.
    pub searched: &'a Searched,
    /// What alignments not found could score.
    pub hidden: Hidden,
    /// Share of the read under repetitive seeds, in units of 1/65,536.
    pub repetitive_share: i64,
}

/// What the pair says of a mate.
#[derive(Clone, Copy, Debug)]
pub struct Chosen {
    /// Number of the primary alignment.
    pub primary: usize,
    /// Mapping quality that the pair gives it; `None` without a proper pair.
    pub pair_quality: Option<i32>,
}

impl Chosen {
    /// The best alignment of a read that is placed by itself; one to an alternate locus only if no other is good enough.
    #[must_use]
    pub fn alone(alignments: &[Alignment], options: &MapOptions) -> Self {
        let (primary, alternates) = split_assemblies(alignments);
        let is_good = |list: &[Alignment]| list.first().is_some_and(|a| a.score >= options.min_score);
        let is_alternate = !is_good(primary) && is_good(alternates);
        Self { primary: if is_alternate { primary.len() } else { 0 }, pair_quality: None }
    }
}

/// Appends the placements of one read, the primary first and those on alternate loci last, to `placements`. `alignments` are in
/// order. A read without an alignment that reaches the least score, and without a proper pair, gets none.
///
/// As in bwa, alignments to alternate loci are no rivals of others; they are reported beside these if they score more.
pub fn select(
    alignments: &[Alignment],
    chosen: Chosen,
    read: ReadContext<'_>,
    options: &MapOptions,
    placements: &mut Vec<Placement>,
) {
    // As in bwa, a pair that fits together may place a mate with a low score.
    let enough = |a: &&Alignment| a.score >= options.min_score || chosen.pair_quality.is_some();
    let Some(primary) = alignments.get(chosen.primary).filter(enough) else { return };
    let first = placements.len();
    let (assembly, alternates) = split_assemblies(alignments);
    let place = |alignment: &Alignment, hidden_score: i32, pair: Option<i32>| {
        let all = if alignment.alternate { alignments } else { assembly };
        let (rival_score, near_rivals) = rivals(alignment, all, read.length, options);
        let evidence = Evidence {
            score: alignment.score,
            rival_score: rival_score.max(hidden_score),
            near_rivals,
            span: alignment.query_bases().max((alignment.reference_end - alignment.reference_start) as u32),
            repetitive_share: read.repetitive_share,
        };
        let own = mapq::single(evidence, options);
        let quality = pair.map_or(own, |pair| mapq::with_mate(own, pair));
        Placement { alignment: *alignment, mapping_quality: quality as u8, rival_score, alternate_score: 0 }
    };
    placements.push(place(primary, read.hidden.beside(primary, read.length, options), chosen.pair_quality));
    for list in [assembly, alternates] {
        for alignment in list {
            if placements.len() - first > MAX_SUPPLEMENTARY || alignment.score < options.min_score {
                break;
            }
            let is_told = |p: &Placement| {
                p.alignment.alternate == alignment.alternate && are_rivals(&p.alignment, alignment, read.length)
            };
            let outscores_assembly = || rivals(alignment, assembly, read.length, options).0 < alignment.score;
            if !placements[first..].iter().any(is_told) && (!alignment.alternate || outscores_assembly()) {
                placements.push(place(alignment, hidden_from_piece(alignment, read, options), None));
            }
        }
    }
    if !alternates.is_empty() {
        compare_with_alternates(&mut placements[first..], read.length);
    }
}

/// The highest score that an unseen alignment of the same bases may have as a piece of a split read.
fn hidden_from_piece(piece: &Alignment, read: ReadContext<'_>, options: &MapOptions) -> i32 {
    let interval = piece.read_interval(read.length);
    let bases = interval.end - interval.start;
    let alone = Alignment { query_start: 0, query_end: bases, ..*piece };
    read.searched.within(interval).hidden(bases as usize, options).beside(&alone, bases as usize, options)
}

/// Tells the placements of a read on the primary assembly by how much those on alternate loci, which follow them, are better.
fn compare_with_alternates(placements: &mut [Placement], length: usize) {
    let (pieces, alternates) = placements.split_at_mut(placements.partition_point(|p| !p.alignment.alternate));
    for piece in pieces {
        let own = piece.alignment;
        let rivals = alternates.iter().map(|p| &p.alignment).filter(|a| are_rivals(&own, a, length));
        piece.alternate_score = rivals.map(|a| a.score).filter(|&score| score > own.score).max().unwrap_or(0);
    }
}

/// Makes the piece of a read primary that has its 5' end, of those on the primary assembly. Returns whether that is another than before.
pub fn five_prime_first(pieces: &mut [Placement], length: usize) -> bool {
    let start = |i: &usize| pieces[*i].alignment.read_interval(length).start;
    match (0..pieces.len()).filter(|&i| !pieces[i].alignment.alternate).min_by_key(start) {
        None | Some(0) => false,
        Some(piece) => {
            pieces.swap(0, piece);
            true
        }
    }
}

/// Appends the alternatives of the placements `reported` of one read to `alternatives`, best first. As in bwa, an alignment is
/// one to the first placement that it rivals, where those on alternate loci come first; in a tag only if it scores more than four
/// fifths of it, and a placement with too many has none. `proper` is whether the read is in a proper pair.
pub fn add_alternatives(
    alignments: &[Alignment],
    (placements, reported): (&[Placement], Range<usize>),
    (length, proper): (usize, bool),
    options: &MapOptions,
    alternatives: &mut Vec<Alternative>,
) {
    let first_alternate = reported.start + placements[reported.clone()].partition_point(|p| !p.alignment.alternate);
    let rivals_first = |alignment: &Alignment, placement: usize| {
        let rivals = |&i: &usize| are_rivals(&placements[i].alignment, alignment, length);
        let mut by_rank = (first_alternate..reported.end).chain(reported.start..first_alternate);
        by_rank.find(rivals) == Some(placement)
    };
    for placement in reported.clone() {
        let start = alternatives.len();
        let own = &placements[placement].alignment;
        let others = alignments.iter().filter(|a| *a != own && rivals_first(a, placement));
        let others = others.map(|&alignment| Alternative { alignment, placement });
        match options.conventions.other_hits {
            tag @ OtherHits::Tag { most, most_alternate, share_milli, .. } => {
                let least = i64::from(share_milli) * i64::from(own.score);
                let good = others.filter(|other| 1000 * i64::from(other.alignment.score) > least);
                let has_alternates = alignments.last().is_some_and(|last| last.alternate);
                alternatives
                    .extend(good.take(if has_alternates { most.max(most_alternate) } else { most }.saturating_add(1)));
                let named = &alternatives[start..];
                let on_alternates = named.iter().filter(|other| other.alignment.alternate).count();
                if tag.are_too_many(named.len() - on_alternates, on_alternates) {
                    alternatives.truncate(start);
                }
            }
            records => {
                let is_reported = |a: &Alignment| placements[reported.clone()].iter().any(|p| p.alignment == *a);
                let is_apart = |a: &Alignment| !a.alternate && !is_reported(a);
                let good = others.filter(|o| o.alignment.score >= options.min_score && is_apart(&o.alignment));
                alternatives.extend(good.take(records.most_records(proper)));
            }
        }
    }
}

/// Best score among the rivals of an alignment, and how many come near both it and the best of them.
fn rivals(alignment: &Alignment, all: &[Alignment], length: usize, options: &MapOptions) -> (i32, u32) {
    let rivals = || all.iter().filter(|other| *other != alignment && are_rivals(alignment, other, length));
    let best = rivals().map(|a| a.score).max().unwrap_or(0);
    let near = alignment.score.max(best) - options.cheapest_edit().max(options.cheapest_gap());
    (best, rivals().filter(|a| a.score >= near).count() as u32)
}

/// Whether two alignments share at least half of the shorter one's bases of the read.
fn are_rivals(a: &Alignment, b: &Alignment, length: usize) -> bool {
    2 * overlap(&a.read_interval(length), &b.read_interval(length)) >= a.query_bases().min(b.query_bases())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conventions::Conventions;

    fn alignment(reference_start: u64, reverse: bool, query: Range<u32>, score: i32) -> Alignment {
        Alignment { score, ..crate::testing::alignment(reference_start, reverse, query) }
    }

    fn selected(alignments: &[Alignment], hidden_score: i32) -> Vec<Placement> {
        let mut placements = Vec::new();
        let read = ReadContext {
            length: 150,
            searched: &Searched::default(),
            hidden: Hidden::up_to(hidden_score),
            repetitive_share: 0,
        };
        let chosen = Chosen { primary: 0, pair_quality: None };
        select(alignments, chosen, read, &MapOptions::default(), &mut placements);
        placements
    }

    #[test]
    fn a_split_read_has_both_pieces_and_rivals_count_for_their_own_piece() {
        let pieces = [
            alignment(1_000, false, 0..90, 90),
            // The other strand: bases 90..150 of the read.
            alignment(9_000, true, 0..60, 60),
            alignment(20_000, true, 0..60, 58),
        ];
        let got = selected(&pieces, 0);
        assert_eq!(got.len(), 2);
        assert_eq!(got.iter().map(|p| p.rival_score).collect::<Vec<_>>(), [0, 58]);
        assert_eq!(got[0].mapping_quality, 60);
        assert!(got[1].mapping_quality < 15);
    }

    fn alternate(reference_start: u64, query: Range<u32>, score: i32) -> Alignment {
        Alignment { alternate: true, contig: 1, ..alignment(reference_start, false, query, score) }
    }

    #[test]
    fn alternate_loci_lower_no_quality_and_better_ones_are_told_too() {
        let own = alignment(1_000, false, 0..150, 140);
        let alone = selected(&[own], 0)[0];
        assert_eq!(selected(&[own, alternate(9_000, 0..150, 140)], 0), [alone]);
        let better = [own, alternate(9_000, 0..150, 150), alternate(19_000, 0..150, 145)];
        let got = selected(&better, 0);
        assert_eq!(got[0], Placement { alternate_score: 150, ..alone });
        assert_eq!((got[1].alignment, got[1].rival_score, got.len()), (better[1], 145, 2));
        assert!(got[1].mapping_quality < 40);
        let mut alternatives = Vec::new();
        add_alternatives(&better, (&got, 0..2), (150, true), &MapOptions::default(), &mut alternatives);
        let told: Vec<_> = alternatives.iter().map(|a| (a.alignment.reference_start, a.placement)).collect();
        assert_eq!(told, [(1_000, 1), (19_000, 1)]);
    }

    #[test]
    fn an_alternate_locus_is_the_place_where_nothing_else_is_good() {
        let options = MapOptions::default();
        let list = [alignment(1_000, false, 0..25, 25), alternate(9_000, 0..150, 150)];
        let chosen = Chosen::alone(&list, &options);
        assert_eq!(chosen.primary, 1);
        assert_eq!(Chosen::alone(&list[..1], &options).primary, 0);
        let mut placements = Vec::new();
        let read =
            ReadContext { length: 150, searched: &Searched::default(), hidden: Hidden::up_to(0), repetitive_share: 0 };
        select(&list, chosen, read, &options, &mut placements);
        assert_eq!(placements.iter().map(|p| p.alignment).collect::<Vec<_>>(), [list[1]]);
        assert_eq!((placements[0].mapping_quality, placements[0].alternate_score), (60, 0));
    }

    #[test]
    fn the_piece_with_the_five_prime_end_can_be_first() {
        let reverse_first = [alignment(1_000, false, 60..150, 90), alignment(9_000, true, 90..150, 60)];
        let mut pieces = selected(&reverse_first, 0);
        assert!(five_prime_first(&mut pieces, 150));
        assert_eq!(pieces.iter().map(|p| p.alignment.reference_start).collect::<Vec<_>>(), [9_000, 1_000]);
        assert!(!five_prime_first(&mut pieces, 150));
        assert!(!five_prime_first(&mut [], 150));
    }

    #[test]
    fn low_scores_are_not_reported() {
        assert!(selected(&[alignment(1_000, false, 0..29, 29)], 0).is_empty());
        assert!(selected(&[], 0).is_empty());
    }

    #[test]
    fn copies_that_may_be_hidden_lower_the_quality() {
        let one = [alignment(1_000, false, 0..150, 150)];
        assert_eq!(selected(&one, 0)[0].mapping_quality, 60);
        assert_eq!(selected(&one, 150)[0].mapping_quality, 0);
        let between = selected(&one, 145)[0].mapping_quality;
        assert!((1..30).contains(&between));
    }

    #[test]
    fn a_long_gap_does_not_make_a_hidden_copy_likelier() {
        let gapped = Alignment { reference_end: 1_135, ..alignment(1_000, false, 0..150, 114) };
        let hidden = |alignment| selected(&[alignment], 120)[0].mapping_quality;
        assert!(hidden(gapped) > 40);
        assert_eq!(hidden(alignment(1_000, false, 0..150, 114)), 0);
    }

    #[test]
    fn alternatives_score_more_than_four_fifths_and_are_few() {
        let at = |start, score| alignment(start, false, 0..150, score);
        let list =
            [at(1_000, 150), at(2_000, 140), at(3_000, 121), at(4_000, 120), alignment(9_000, false, 100..150, 50)];
        let named = |max_alternatives| {
            let other_hits =
                OtherHits::Tag { most: max_alternatives, most_alternate: 200, share_milli: 800, scored: false };
            let conventions = Conventions { other_hits, ..Conventions::default() };
            let options = MapOptions { conventions, ..MapOptions::default() };
            let (mut placements, mut alternatives) = (Vec::new(), Vec::new());
            let read = ReadContext {
                length: 150,
                searched: &Searched::default(),
                hidden: Hidden::up_to(0),
                repetitive_share: 0,
            };
            select(&list, Chosen { primary: 0, pair_quality: None }, read, &options, &mut placements);
            let reported = (&placements[..], 0..placements.len());
            add_alternatives(&list, reported, (150, true), &options, &mut alternatives);
            alternatives.iter().map(|a| a.alignment.reference_start).collect::<Vec<_>>()
        };
        assert_eq!(named(5), [2_000, 3_000]);
        assert_eq!(named(2), [2_000, 3_000]);
        assert!(named(1).is_empty());
    }
}
