//! Stage 2: candidate diagonals of each read.
//!
//! Each occurrence of a seed names a diagonal on a strand (`lookup.rs`). Where all mates keep too few seeds, there is a second, deeper
//! round. The disjoint stretches of a read that were looked up completely and were not found at a candidate bound its edits from below.

use std::cmp::{Ordering, Reverse};
use std::ops::Range;

use crate::alignment::Alignment;
use crate::hash::tie_break;
use crate::hidden::Searched;
use crate::index::Reference;
use crate::insert_size::Orientation;
use crate::look::Round;
use crate::lookup::{Key, Lookup, MAX_STRETCHES};
use crate::neighbourhoods::Neighbourhoods;
use crate::seeding::SeedHits;

/// Disjoint stretches looked up completely that make the deeper round needless.
const ENOUGH_STRETCHES: u32 = 3;
/// Edits that a mate in reach outweighs when candidates are ranked: about what an unpaired mate costs.
const MATE_EDITS: u32 = 3;
/// A diagonal with seeds on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// Padded position of the strand's first base.
    pub diagonal: u64,
    /// Whether it is the read's reverse complement that matches.
    pub reverse: bool,
    /// Edits that an alignment here has at the least, gaps within reach included: disjoint stretches of the read that were
    /// looked up completely and were found neither on this diagonal nor on one near it.
    pub edits: u32,
    /// Whether seeds name another diagonal near this one: a gap may join them.
    pub has_neighbour: bool,
    /// Seeds on the diagonal.
    seeds: u32,
    /// Whether the mate has a candidate in reach.
    pub mated: bool,
    /// How much of the read matches here (`block_similarity`), where that is known; more than any read has where a crowd is thinned and the
    /// mate has a candidate in reach.
    pub similarity: u32,
    /// What decides between equals, since they were ordered.
    tie: u64,
    /// One bit for each of those stretches that was found on the diagonal.
    found: u64,
}

impl Candidate {
    /// A place without anything known of it.
    pub fn at(reverse: bool, diagonal: u64) -> Self {
        Self { diagonal, reverse, ..Self::default() }
    }

    /// The smaller, the earlier it is looked at.
    fn rank(&self) -> (u32, Reverse<u32>) {
        (self.edits + if self.mated { 0 } else { MATE_EDITS }, Reverse(self.seeds))
    }

    /// Notes what decides between equals. Needed before they are [`ranked`].
    pub fn settle_tie(&mut self, name_hash: u64) {
        self.tie = tie_break(name_hash, self.reverse, self.diagonal);
    }

    /// Notes what a crowd of candidates of a read of `length` bases is thinned by: first whether the mate has a candidate in reach, then how
    /// much matches.
    pub fn weigh(&mut self, matching: u32, length: usize) {
        self.similarity = matching + if self.mated { length as u32 + 1 } else { 0 };
    }

    fn compare(&self, other: &Self) -> Ordering {
        (self.rank(), self.tie).cmp(&(other.rank(), other.tie))
    }
}

/// What the candidates of a read come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Its seeds.
    Seeds(Lookup<'a>),
    /// It is settled: its places, which show where its mate may be, and what was looked up of it.
    Settled(&'a [Alignment], Searched),
}

/// Candidates of a batch, by read, sorted by strand and diagonal.
#[derive(Debug, Default)]
pub struct Candidates {
    candidates: Vec<Candidate>,
    read_ends: Vec<usize>,
    searched: Vec<Searched>,
    keys: Vec<Key>,
    neighbourhoods: Neighbourhoods,
}

impl Candidates {
    /// Forgets the last batch.
    pub fn clear(&mut self) {
        self.candidates.clear();
        self.read_ends.clear();
        self.searched.clear();
    }

    /// Adds the candidates of the next reads, which are one read or two mates. The deeper round is for reads none of which has
    /// enough stretches, nor is settled: one that has or is anchors its mate, which rescue will find.
    pub fn collect(&mut self, hits: &SeedHits, sources: &[Source<'_>]) {
        let first = self.read_ends.len();
        for round in 0..2 {
            self.truncate(first);
            for source in sources {
                match source {
                    Source::Seeds(lookup) => self.collect_read(hits, *lookup, lookup.look.rounds()[round]),
                    Source::Settled(places, searched) => self.add_settled(places, searched),
                }
            }
            let is_enough = |searched: &Searched| !searched.may_hide_copies(ENOUGH_STRETCHES);
            let is_last = |source: &Source<'_>| !matches!(source, Source::Seeds(lookup) if lookup.look.is_thorough());
            if sources.iter().all(is_last) || self.searched[first..].iter().any(is_enough) {
                break;
            }
        }
    }

    /// Adds the places of a read that is settled.
    fn add_settled(&mut self, places: &[Alignment], searched: &Searched) {
        let first = self.candidates.len();
        let shown = places.iter().map(|place| Candidate::at(place.reverse, place.start_diagonal() as u64));
        self.candidates.extend(shown);
        self.candidates[first..].sort_unstable_by_key(|candidate| (candidate.reverse, candidate.diagonal));
        self.read_ends.push(self.candidates.len());
        self.searched.push(*searched);
    }

    /// Forgets the candidates of reads from number `read` on.
    fn truncate(&mut self, read: usize) {
        self.candidates.truncate(self.start(read));
        self.read_ends.truncate(read);
        self.searched.truncate(read);
    }

    /// Adds the candidates of the next read.
    fn collect_read(&mut self, hits: &SeedHits, lookup: Lookup<'_>, round: Round) {
        let searched = lookup.collect(hits.read(self.read_ends.len()), round, &mut self.keys);
        let stretches = searched.stretches.min(MAX_STRETCHES);
        if let Some(known) = lookup.known {
            let least = stretches.saturating_sub(known.rival_edits);
            self.neighbourhoods.keep_supported(&mut self.keys, (least, stretches), lookup.band);
        }
        self.keys.sort_unstable();
        let first = self.candidates.len();
        for run in self.keys.chunk_by(|a, b| a.place() == b.place()) {
            self.candidates.push(Candidate {
                diagonal: run[0].diagonal(),
                reverse: run[0].reverse(),
                seeds: run.len() as u32,
                found: run.iter().filter_map(|key| key.stretch()).fold(0, |bits, stretch| bits | 1 << stretch),
                ..Candidate::default()
            });
        }
        count_edits(&mut self.candidates[first..], stretches, u64::from(lookup.band));
        self.read_ends.push(self.candidates.len());
        self.searched.push(searched);
    }

    /// Fetches the bases that candidates are about to be compared with: all but those of settled reads.
    pub fn fetch(&self, reference: &Reference<'_>) {
        let with_seeds = self.candidates.iter().filter(|candidate| candidate.seeds > 0);
        reference.fetch(with_seeds.map(|candidate| candidate.diagonal));
    }

    /// What was looked up of read `i`.
    #[must_use]
    pub fn searched(&self, i: usize) -> &Searched {
        &self.searched[i]
    }

    fn range(&self, i: usize) -> Range<usize> {
        self.start(i)..self.read_ends[i]
    }

    fn start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.read_ends[i - 1] }
    }

    /// Marks candidates of the mates `first` and `first + 1` that lie in the given orientation, their left ends within reach (bases).
    pub fn mark_mates(&mut self, first: usize, (orientation, reach): (Orientation, u64)) {
        let (first, second) = (self.range(first), self.range(first + 1));
        let (left, right) = self.candidates.split_at_mut(second.start);
        let first: [_; 2] = split_strands(&mut left[first]).into();
        let second: [_; 2] = split_strands(&mut right[..second.len()]).into();
        for strand in [0, 1] {
            let mate_strand = if orientation.is_same_strand() { strand } else { 1 - strand };
            let (one, other) = (&mut *first[strand], &mut *second[mate_strand]);
            if orientation.is_ahead() == (strand == 0) {
                mark_within(one, other, reach);
            } else {
                mark_within(other, one, reach);
            }
        }
    }

    /// Candidates of read `i`, to be ordered.
    pub fn read_mut(&mut self, i: usize) -> &mut [Candidate] {
        let range = self.range(i);
        &mut self.candidates[range]
    }
}

/// Puts the most promising candidate first, the others behind it in any order; the read's name decides between equals.
pub fn put_best_first(candidates: &mut [Candidate], name_hash: u64) {
    let Some(rank) = candidates.iter().map(Candidate::rank).min() else { return };
    let equals = (0..candidates.len()).filter(|&i| candidates[i].rank() == rank);
    let tie = |i: &usize| tie_break(name_hash, candidates[*i].reverse, candidates[*i].diagonal);
    if let Some(best) = equals.min_by_key(tie) {
        candidates.swap(0, best);
    }
}

/// The `most` best, most promising first, of candidates whose ties are settled. Of a crowd those stay that are the most similar,
/// where that is known.
pub fn ranked(mut candidates: &mut [Candidate], most: usize) -> &[Candidate] {
    if candidates.len() > most {
        let by_similarity = |a: &Candidate, b: &Candidate| b.similarity.cmp(&a.similarity).then_with(|| a.compare(b));
        candidates.select_nth_unstable_by(most, by_similarity);
        candidates = &mut candidates[..most];
    }
    candidates.sort_unstable_by(Candidate::compare);
    candidates
}

/// Looks, for each candidate of one read, at all diagonals within `band` of it: which stretches are found on none of them, and
/// whether there are any others. The list is sorted.
fn count_edits(candidates: &mut [Candidate], stretches: u32, band: u64) {
    let (mut first, mut end) = (0, 0);
    for i in 0..candidates.len() {
        let this = candidates[i];
        let is_before = |c: &Candidate| (c.reverse, c.diagonal + band) < (this.reverse, this.diagonal);
        let is_within = |c: &Candidate| (c.reverse, c.diagonal) <= (this.reverse, this.diagonal + band);
        while is_before(&candidates[first]) {
            first += 1;
        }
        while end < candidates.len() && is_within(&candidates[end]) {
            end += 1;
        }
        let near = candidates[first..end].iter().fold(0, |bits, c| bits | c.found);
        candidates[i].edits = stretches - near.count_ones();
        candidates[i].has_neighbour = end - first > 1;
    }
}

/// Forward candidates and reverse candidates of a sorted list.
fn split_strands(candidates: &mut [Candidate]) -> (&mut [Candidate], &mut [Candidate]) {
    let forward = candidates.partition_point(|c| !c.reverse);
    candidates.split_at_mut(forward)
}

/// Marks each candidate on the left and each on the right that starts at most `reach` bases behind it.
fn mark_within(left: &mut [Candidate], right: &mut [Candidate], reach: u64) {
    let mut from = 0;
    for candidate in left {
        // The right mate may start a little before the left one where the insert is shorter than the reads.
        let low = candidate.diagonal.saturating_sub(reach / 4);
        while from < right.len() && right[from].diagonal < low {
            from += 1;
        }
        for mate in right[from..].iter_mut().take_while(|m| m.diagonal <= candidate.diagonal + reach) {
            mate.mated = true;
            candidate.mated = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::MAX_CANDIDATES;

    fn candidate(diagonal: u64, reverse: bool) -> Candidate {
        Candidate {
            diagonal,
            reverse,
            edits: 0,
            has_neighbour: false,
            seeds: 1,
            mated: false,
            similarity: 0,
            tie: 0,
            found: 0,
        }
    }

    #[test]
    fn only_candidates_with_a_mate_in_reach_are_marked() {
        let mut candidates = Candidates {
            candidates: vec![
                candidate(1000, false),
                candidate(9000, false),
                candidate(1300, true),
                candidate(5000, true),
                candidate(8000, false),
                candidate(1200, true),
                candidate(9400, true),
            ],
            read_ends: vec![4, 7],
            ..Candidates::default()
        };
        candidates.mark_mates(0, (Orientation::ForwardReverse, 600));
        let marked: Vec<bool> = candidates.candidates.iter().map(|c| c.mated).collect();
        assert_eq!(marked, [true, true, false, false, false, true, true]);
    }

    #[test]
    fn edits_are_the_stretches_missing_within_reach() {
        let with = |diagonal, reverse, found| Candidate { found, ..candidate(diagonal, reverse) };
        let mut list = [
            with(1000, false, 0b0011),
            with(1090, false, 0b0100),
            with(1180, false, 0b1000),
            with(5000, false, 0b0001),
            with(5000, true, 0b1111),
        ];
        count_edits(&mut list, 4, 100);
        assert_eq!(list.map(|c| c.edits), [1, 0, 2, 3, 0]);
        assert_eq!(list.map(|c| c.has_neighbour), [true, true, true, false, false]);
    }

    #[test]
    fn the_best_are_kept_in_order_and_ties_depend_on_the_name_only() {
        let chosen = |name: u64| {
            let mut all: Vec<Candidate> =
                (0..200).map(|i| Candidate { edits: 5, ..candidate(1000 + i * 7, false) }).collect();
            all[150].edits = 4;
            all[160].mated = true;
            put_best_first(&mut all, name);
            assert_eq!(all[0].diagonal, 1000 + 160 * 7);
            all.iter_mut().for_each(|candidate| candidate.settle_tie(name));
            ranked(&mut all, MAX_CANDIDATES).iter().map(|c| c.diagonal).collect::<Vec<u64>>()
        };
        let first = chosen(1);
        assert_eq!(first.len(), MAX_CANDIDATES);
        assert_eq!(first[..2], [1000 + 160 * 7, 1000 + 150 * 7]);
        assert_eq!(first, chosen(1));
        assert_ne!(first, chosen(2));
    }

    #[test]
    fn of_a_crowd_the_most_similar_stay() {
        let mut all: Vec<Candidate> = (0..200).map(|i| candidate(1000 + i * 7, false)).collect();
        all[180..].iter_mut().for_each(|c| c.mated = c.diagonal >= 1000 + 195 * 7);
        all.iter_mut()
            .for_each(|c| c.weigh(if (1000 + 150 * 7..1000 + 165 * 7).contains(&c.diagonal) { 150 } else { 0 }, 150));
        let kept = ranked(&mut all, MAX_CANDIDATES);
        assert_eq!(kept.len(), MAX_CANDIDATES);
        let count = |of: &dyn Fn(&Candidate) -> bool| kept.iter().filter(|&c| of(c)).count();
        assert_eq!(count(&|c| c.mated), 5, "those in reach of the mate, though nothing matches");
        assert_eq!(count(&|c| c.similarity == 150), 15, "then the most similar");
    }

    #[test]
    fn places_of_a_settled_read_show_where_its_mate_is() {
        use crate::testing::alignment;

        let places = [alignment(9000, true, 20..100), alignment(3000, true, 0..100), alignment(5000, false, 5..100)];
        let searched = Searched { stretches: 4, ..Searched::default() };
        let mut candidates = Candidates::default();
        candidates.collect(&SeedHits::default(), &[Source::Settled(&places, searched)]);
        let got: Vec<(bool, u64)> = candidates.read_mut(0).iter().map(|c| (c.reverse, c.diagonal)).collect();
        assert_eq!(got, [(false, 4995), (true, 3000), (true, 8980)]);
        assert_eq!(*candidates.searched(0), searched);
    }
}
