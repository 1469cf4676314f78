//! Stage 6: the best placement of a pair, and how clear it is.
//!
//! A pair's value is the sum of its mates' scores, less the insert-size penalty if they lie properly, else less the penalty
//! for unpaired mates. Each mate's rival is the best value of a pair in which that mate lies elsewhere.

use crate::alignment::Alignment;
use crate::hash::tie_break;
use crate::hidden::Hidden;
use crate::insert_model::InsertModel;
use crate::insert_size::Insert;
use crate::mapq;
use crate::options::MapOptions;

/// Alignments of a mate that are tried in pairs.
const MAX_TRIED: usize = 256;
/// Pairs that are all tried without sorting.
const FEW_PAIRS: usize = 64;
/// Copies taken to be hidden where any may be.
const HIDDEN_COPIES: u32 = 20;

/// The two mates' alignments, best first, and what may be hidden from them.
#[derive(Clone, Copy, Debug)]
pub struct Mates<'a> {
    /// Alignments of each mate that may be paired.
    pub alignments: [&'a [Alignment]; 2],
    /// How many alignments of each mate come before these.
    pub skipped: [usize; 2],
    /// Read lengths in bases.
    pub lengths: [usize; 2],
    /// What alignments not found could score.
    pub hidden: [Hidden; 2],
    /// Share of each read under repetitive seeds, in units of 1/65,536.
    pub repetitive_shares: [i64; 2],
    /// Hash of the reads' name.
    pub name_hash: u64,
}

/// A chosen pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Which of all alignments of each mate.
    pub chosen: [usize; 2],
    /// Mapping quality of each mate as far as the pair decides it.
    pub quality: [i32; 2],
}

/// A proper pair under consideration.
#[derive(Clone, Copy, Debug)]
struct Proper {
    mates: [usize; 2],
    value: i32,
}

/// The proper pairs of two mates, reused from pair to pair.
#[derive(Debug, Default)]
pub struct ProperPairs {
    pairs: Vec<Proper>,
    /// The second mate's alignments by their 5' ends.
    order: Vec<(i64, usize)>,
}

/// The best proper pair, if it is worth more than the mates unpaired. `work` is for its work.
#[must_use]
pub fn best_proper_pair(
    mates: &Mates<'_>,
    model: &InsertModel,
    options: &MapOptions,
    work: &mut ProperPairs,
) -> Option<Pair> {
    let [first, second] = mates.alignments.map(<[Alignment]>::first);
    let unpaired = first?.score + second?.score - options.unpaired_penalty;
    work.find(mates, model, options);
    let pairs = &work.pairs;
    let tie = |p: &Proper| {
        let hash = |mate: usize| {
            let a = &mates.alignments[mate][p.mates[mate]];
            tie_break(mates.name_hash, a.reverse, a.reference_start)
        };
        hash(0).wrapping_add(hash(1).rotate_left(32))
    };
    let best = pairs.iter().min_by_key(|p| (-p.value, tie(p)))?;
    if best.value <= unpaired {
        return None;
    }
    let quality = [0, 1].map(|mate| {
        let (rival, near) = rival_value(mate, best, pairs, mates, options);
        mapq::from_lead(best.value - rival, near, mates.repetitive_shares.iter().sum::<i64>() / 2, options)
    });
    Some(Pair { chosen: [0, 1].map(|mate| mates.skipped[mate] + best.mates[mate]), quality })
}

/// The value of the best proper pair of two mates, if they have one. `work` is for its work.
#[must_use]
pub fn best_value(mates: &Mates<'_>, model: &InsertModel, options: &MapOptions, work: &mut ProperPairs) -> Option<i32> {
    work.find(mates, model, options);
    work.pairs.iter().map(|p| p.value).max()
}

/// The value of a pair so placed, if it is a proper one.
#[must_use]
pub fn pair_value(
    first: &Alignment,
    second: &Alignment,
    lengths: [usize; 2],
    model: &InsertModel,
    options: &MapOptions,
) -> Option<i32> {
    let penalty = model.penalty(Insert::between(first, second, lengths)?, options.match_score())?;
    Some(first.score + second.score - penalty)
}

impl ProperPairs {
    /// Collects the proper pairs of two mates. Of long lists only those are compared that lie near each other.
    fn find(&mut self, mates: &Mates<'_>, model: &InsertModel, options: &MapOptions) {
        let [first, second] = mates.alignments.map(|list| &list[..list.len().min(MAX_TRIED)]);
        let Self { pairs, order } = self;
        pairs.clear();
        let mut add = |i: usize, j: usize| {
            let value = pair_value(&first[i], &second[j], mates.lengths, model, options);
            pairs.extend(value.map(|value| Proper { mates: [i, j], value }));
        };
        if first.len() * second.len() <= FEW_PAIRS {
            (0..first.len()).for_each(|i| (0..second.len()).for_each(|j| add(i, j)));
            return;
        }
        order.clear();
        order.extend(second.iter().enumerate().map(|(j, alignment)| (alignment.five_prime(mates.lengths[1]), j)));
        order.sort_unstable();
        let reach = model.largest();
        for (i, alignment) in first.iter().enumerate() {
            let end = alignment.five_prime(mates.lengths[0]);
            let near = order.partition_point(|&(other, _)| other < end - reach);
            order[near..].iter().take_while(|&&(other, _)| other <= end + reach).for_each(|&(_, j)| add(i, j));
        }
    }
}

/// The best value with `mate` placed elsewhere than in `best`, and how many placements come near it.
fn rival_value(mate: usize, best: &Proper, pairs: &[Proper], mates: &Mates<'_>, options: &MapOptions) -> (i32, u32) {
    let other = 1 - mate;
    let chosen = best.mates[mate];
    let elsewhere = |p: &&Proper| p.mates[mate] != chosen;
    let paired = pairs.iter().filter(elsewhere).map(|p| p.value).max();
    let other_best = mates.alignments[other][0].score;
    let own_next = mates.alignments[mate].iter().enumerate().find(|(i, _)| *i != chosen).map(|(_, a)| a.score);
    let unpaired = own_next.map(|score| score + other_best - options.unpaired_penalty);
    let hidden_score = |mate: usize| {
        let alignment = &mates.alignments[mate][best.mates[mate]];
        mates.hidden[mate].beside(alignment, mates.lengths[mate], options)
    };
    let alone = hidden_score(mate) + other_best - options.unpaired_penalty;
    let hidden = alone.max(hidden_score(mate) + hidden_score(other));
    let seen = paired.max(unpaired).unwrap_or(0);
    let rival = seen.max(hidden);
    let near = options.cheapest_edit().max(options.cheapest_gap());
    let count = pairs.iter().filter(elsewhere).filter(|p| p.value >= rival - near).count() as u32;
    let count = if hidden >= seen { count + HIDDEN_COPIES } else { count };
    (rival, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::insert_model::SizeModel;
    use crate::insert_size::Orientation;
    use crate::testing::alignment;

    fn at(reference_start: u64, reverse: bool, score: i32) -> Alignment {
        Alignment { score, ..alignment(reference_start, reverse, 0..100) }
    }

    fn choose(first: &[Alignment], second: &[Alignment], hidden_scores: [i32; 2]) -> Option<Pair> {
        let hidden = hidden_scores.map(Hidden::up_to);
        let (alignments, repetitive_shares) = ([first, second], [0, 0]);
        let mates = Mates { alignments, skipped: [0, 0], lengths: [100, 100], hidden, repetitive_shares, name_hash: 3 };
        let model = InsertModel::of(Orientation::ForwardReverse, SizeModel::around(400_000, 50_000));
        best_proper_pair(&mates, &model, &MapOptions::default(), &mut ProperPairs::default())
    }

    #[test]
    fn the_mate_chooses_among_copies() {
        let copies = [at(50_000, false, 100), at(1_000, false, 100), at(90_000, false, 100)];
        let pair = choose(&copies, &[at(1_300, true, 100)], [0, 0]).unwrap();
        assert_eq!(pair.chosen, [1, 0]);
        assert!(pair.quality.iter().all(|&q| q > 50), "{pair:?}");
    }

    #[test]
    fn two_equal_pairs_have_quality_zero() {
        let first = [at(1_000, false, 100), at(50_000, false, 100)];
        let second = [at(1_300, true, 100), at(50_300, true, 100)];
        assert_eq!(choose(&first, &second, [0, 0]).unwrap().quality, [0, 0]);
    }

    #[test]
    fn copies_that_may_be_hidden_lower_the_quality() {
        let (first, second) = ([at(1_000, false, 100)], [at(1_300, true, 100)]);
        assert_eq!(choose(&first, &second, [100, 100]).unwrap().quality, [0, 0]);
        assert!(choose(&first, &second, [100, 0]).unwrap().quality[0] >= 60);
    }

    #[test]
    fn a_poor_proper_pair_loses_to_good_unpaired_mates() {
        let first = [at(1_000, false, 100), at(70_000, false, 70)];
        let second = [at(70_300, true, 100)];
        assert_eq!(choose(&first, &second, [0, 0]), None);
    }
}
