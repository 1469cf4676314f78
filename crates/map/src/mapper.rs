//! Mapping a batch of reads: the stages, one after the other, over the whole batch.

use std::ops::Range;

use svala_compute::Engine;
use svala_io::{AlignmentRecord, ReadBatch};

use crate::alignment::{Alignment, keep_distinct, split_assemblies};
use crate::checking::{Batch, Checked, MARGIN};
use crate::cigar::Cigars;
use crate::error::Result;
use crate::extension::{Context, Extensions};
use crate::grouped::Grouped;
use crate::hash::name_hash;
use crate::index::{Index, Reference, SeedTable};
use crate::insert_model::InsertModel;
use crate::insert_size::{Insert, Orientation};
use crate::options::{MAX_READ, MapOptions};
use crate::pairing::{Mates, Pair, ProperPairs, best_proper_pair, best_value, pair_value};
use crate::reads::PackedReads;
use crate::record::{RecordSource, Scratch, Template};
use crate::rescue::{Needless, Rescue, Rescues, Window};
use crate::search::{Search, Searches};
use crate::selection::{Alternative, Chosen, Placement, ReadContext, add_alternatives, five_prime_first, select};

/// Where and how far apart mates are looked for before there is an insert-size model, in bases.
const DEFAULT_REACH: (Orientation, u64) = (Orientation::ForwardReverse, 2000);
/// Stretches looked up completely below which a mate's neighbourhood is searched for further copies.
const FEW_STRETCHES: u32 = 2;

/// Pairs whose mates are looked for together.
const RESCUED_PAIRS: usize = 64;

/// Maps reads against one index with one set of options.
#[derive(Clone, Copy)]
pub struct Mapper<'a> {
    reference: Reference<'a>,
    table: SeedTable<'a>,
    engine: &'a Engine,
    options: &'a MapOptions,
}

/// Arrays of all stages, one set a thread, reused from batch to batch.
#[derive(Debug, Default)]
pub struct Workspace {
    reads: PackedReads,
    name_hashes: Vec<u64>,
    searches: Searches,
    checked: Checked,
    extensions: Extensions,
    alignments: Grouped,
    rescues: Rescues,
    pairs: ProperPairs,
    placements: Vec<Placement>,
    alternatives: Vec<Alternative>,
    traced: Vec<Alignment>,
    templates: Vec<Template>,
    cigars: Cigars,
    scratch: Scratch,
}

/// A batch and how its reads belong together.
#[derive(Clone, Copy, Debug)]
pub struct BatchInput<'a> {
    /// The reads; mates are neighbours.
    pub reads: &'a ReadBatch,
    /// Whether reads are mates.
    pub paired: bool,
}

impl<'a> Mapper<'a> {
    /// A mapper for an index. `options.scoring` must be the engine's.
    #[must_use]
    pub fn new(index: &'a Index, engine: &'a Engine, options: &'a MapOptions) -> Self {
        Self { reference: index.reference(), table: index.seeds(), engine, options }
    }

    /// Maps a batch and hands its records to `sink`, in the order of the reads.
    ///
    /// # Errors
    ///
    /// If a read is too long, or `sink` fails.
    pub fn map_batch<E: From<crate::Error>>(
        &self,
        input: BatchInput<'_>,
        model: Option<&InsertModel>,
        work: &mut Workspace,
        mut sink: impl FnMut(&AlignmentRecord<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let model = model.filter(|model| input.paired && !model.is_empty());
        self.align(input, model, work)?;
        if let Some(model) = model.filter(|_| self.options.rescue) {
            self.rescue(model, work)?;
        }
        self.choose(input, model, work);
        work.traced.clear();
        work.traced.extend(work.placements.iter().map(|placement| placement.alignment));
        work.traced.extend(work.alternatives.iter().map(|alternative| alternative.alignment));
        work.cigars.trace(&work.traced, &work.reads, &self.reference, self.engine, self.options)?;
        let source = RecordSource {
            batch: input.reads,
            placements: &work.placements,
            alternatives: &work.alternatives,
            cigars: &work.cigars,
            reference: &self.reference,
            options: self.options,
        };
        for template in &work.templates {
            source.emit(template, &mut work.scratch, &mut sink)?;
        }
        Ok(())
    }

    /// How the mates of a batch lie whose places are beyond doubt, in the order of the pairs.
    ///
    /// # Errors
    ///
    /// If a read is too long.
    pub fn inserts(&self, input: BatchInput<'_>, work: &mut Workspace, inserts: &mut Vec<Insert>) -> Result<()> {
        self.align(input, None, work)?;
        for pair in 0..work.reads.len() / 2 {
            let mates = [2 * pair, 2 * pair + 1];
            let lengths = mates.map(|i| work.reads.read(i).length());
            let [Some(first), Some(second)] = mates.map(|i| clear_best(work.alignments.read(i), self.options)) else {
                continue;
            };
            inserts.extend(Insert::between(first, second, lengths));
        }
        Ok(())
    }

    /// Stages 1 to 4: seeds, candidates, ungapped check, extension.
    fn align(&self, input: BatchInput<'_>, model: Option<&InsertModel>, work: &mut Workspace) -> Result<()> {
        let batch = input.reads;
        work.reads.pack(batch)?;
        work.name_hashes.clear();
        work.name_hashes.extend((0..batch.len()).map(|i| name_hash(batch.name(i))));
        let search = Search {
            context: self.context(),
            table: &self.table,
            reads: &work.reads,
            name_hashes: &work.name_hashes,
            paired: input.paired,
            rescues: model.is_some() && self.options.rescue,
            reaches: &reaches(model),
        };
        search.run(&mut work.searches, &mut work.checked);
        work.alignments.clear(work.reads.len());
        self.extend(input.paired, model.and_then(longest_reach), work)
    }

    fn context(&self) -> Context<'_> {
        Context { reference: &self.reference, options: self.options, instructions: self.engine.instructions() }
    }

    /// Extends what needs it among the alignments just checked and files all of them by read.
    fn extend(&self, paired: bool, mate_reach: Option<u64>, work: &mut Workspace) -> Result<()> {
        let batch = Batch { reads: &work.reads, name_hashes: &work.name_hashes, paired, mate_reach };
        let known = |read: usize| {
            let best = split_assemblies(work.alignments.read(read)).0.first();
            best.map_or(0, |a| a.value(work.reads.read(read).length(), self.options))
        };
        work.checked.queue_extensions(batch, self.context(), known, &mut work.extensions)?;
        work.extensions.run(self.engine, &work.reads, work.checked.alignments_mut(), self.options);
        for (read, &name) in work.name_hashes.iter().enumerate() {
            let arrange = |list: &mut Vec<_>| keep_distinct(list, self.options.score_floor(), name);
            work.alignments.add(read, work.checked.read(read), arrange);
        }
        Ok(())
    }

    /// Stage 5: looks for mates that seeds did not find.
    fn rescue(&self, model: &InsertModel, work: &mut Workspace) -> Result<()> {
        let rescue = Rescue { reads: &work.reads, name_hashes: &work.name_hashes, context: self.context(), model };
        let (mut rescues, mut pairs) = (std::mem::take(&mut work.rescues), std::mem::take(&mut work.pairs));
        rescues.found.clear();
        let count = work.reads.len() / 2;
        for start in (0..count).step_by(RESCUED_PAIRS) {
            self.look_for_mates(start..count.min(start + RESCUED_PAIRS), rescue, work, &mut rescues, &mut pairs);
        }
        (work.rescues, work.pairs) = (rescues, pairs);
        if work.rescues.found.is_empty() {
            return Ok(());
        }
        work.rescues.found.sort_unstable_by_key(|f| (f.read, f.reverse, f.diagonal));
        work.rescues.found.dedup();
        work.checked.clear(work.reads.len());
        for found in work.rescues.found.chunk_by(|a, b| a.read == b.read) {
            let read = found[0].read as usize;
            work.checked.push_found(read, found, work.reads.read(read), self.context());
        }
        self.extend(true, None, work)
    }

    /// Looks for mates of some pairs. Where no proper pair is known, first around the read that has fewer placements: what is found may
    /// make it needless to look around the other's.
    fn look_for_mates(
        &self,
        pairs: Range<usize>,
        rescue: Rescue<'_>,
        work: &Workspace,
        rescues: &mut Rescues,
        proper: &mut ProperPairs,
    ) {
        let Rescues { found, windows, later, stretch } = rescues;
        windows.clear();
        later.clear();
        for first in pairs.map(|pair| 2 * pair) {
            let mates = self.mates(first, first + 1, work);
            let best = best_value(&mates, rescue.model, self.options, proper);
            let order = fewer_first(first, mates.alignments.map(|list| rescue.origins(list).count()));
            self.list_windows(order[0], &mates, best, (rescue, work), windows);
            match best {
                Some(_) => self.list_windows(order[1], &mates, best, (rescue, work), windows),
                None => later.push(order[1]),
            }
        }
        let before = found.len();
        rescue.scan(windows, stretch, found);
        windows.clear();
        for &origin in &*later {
            let mates = self.mates(origin & !1, origin | 1, work);
            let best = rescue.best_value_found((origin ^ 1, mates.alignments[(origin ^ 1) % 2]), &found[before..]);
            self.list_windows(origin, &mates, best, (rescue, work), windows);
        }
        rescue.scan(windows, stretch, found);
    }

    /// Lists where to look for the mate of `origin`, given the value of the best pair known.
    fn list_windows(
        &self,
        origin: usize,
        mates: &Mates<'_>,
        best: Option<i32>,
        (rescue, work): (Rescue<'_>, &Workspace),
        windows: &mut Vec<Window>,
    ) {
        if !work.searches.is_simple(origin) {
            let side = |read: usize| (read, mates.alignments[read % 2]);
            let needless = self.needless(origin ^ 1, mates, best, work);
            rescue.list(side(origin), side(origin ^ 1), needless, windows);
        }
    }

    /// When looking for `read` around its mate's placements is needless, given the value of the best pair known.
    fn needless(&self, read: usize, mates: &Mates<'_>, best_pair: Option<i32>, work: &Workspace) -> Needless {
        let mate = read % 2;
        let Some(best) = mates.alignments[mate].first() else {
            return Needless { found_score: 0, origin_score: 0 };
        };
        // Where few of its seeds were looked up, there may be copies close by.
        let may_hide_copies = work.searches.searched(read).may_hide_copies(FEW_STRETCHES);
        let found_score = if may_hide_copies { i32::MAX } else { best.score - self.options.unpaired_penalty };
        // What seeds named and was passed over is at least as far below the best.
        let unseen = mates.hidden[mate].beside(best, mates.lengths[mate], self.options).max(best.score - MARGIN);
        let origin_score = best_pair.map_or(0, |value| value - MARGIN - unseen);
        Needless { found_score, origin_score }
    }

    /// Stages 6 and 7: pairs, primaries, supplementaries, mapping qualities.
    fn choose(&self, input: BatchInput<'_>, model: Option<&InsertModel>, work: &mut Workspace) {
        work.placements.clear();
        work.alternatives.clear();
        work.templates.clear();
        let mut pairs = std::mem::take(&mut work.pairs);
        let mates = if input.paired { 2 } else { 1 };
        for first_read in (0..work.reads.len()).step_by(mates) {
            let second_read = first_read + mates - 1;
            let pair = model.filter(|_| self.options.pairing).and_then(|model| {
                let mates = self.mates(first_read, second_read, work);
                best_proper_pair(&mates, model, self.options, &mut pairs)
            });
            let (mut placements, mut alternatives) = ([0..0, 0..0], [0..0, 0..0]);
            let mut moved = false;
            for (mate, read) in (first_read..=second_read).enumerate() {
                let context = self.read_context(read, &work.reads, &work.searches);
                let start = work.placements.len();
                let list = work.alignments.read(read);
                let of_pair = |p: Pair| Chosen { primary: p.chosen[mate], pair_quality: Some(p.quality[mate]) };
                let chosen = pair.map_or_else(|| Chosen::alone(list, self.options), of_pair);
                select(list, chosen, context, self.options, &mut work.placements);
                if self.options.conventions.five_prime_primary {
                    moved |= five_prime_first(&mut work.placements[start..], context.length);
                }
                placements[mate] = start..work.placements.len();
                let reported = (&work.placements[..], placements[mate].clone());
                let start = work.alternatives.len();
                let lies = (context.length, pair.is_some());
                add_alternatives(list, reported, lies, self.options, &mut work.alternatives);
                alternatives[mate] = start..work.alternatives.len();
            }
            let paired = input.paired;
            let proper = pair.is_some() && (!moved || self.are_proper(&placements, first_read, model, work));
            work.templates.push(Template { first_read, placements, alternatives, paired, proper });
        }
        work.pairs = pairs;
    }

    /// Whether the primary placements of two mates lie properly.
    fn are_proper(
        &self,
        placements: &[Range<usize>; 2],
        first_read: usize,
        model: Option<&InsertModel>,
        work: &Workspace,
    ) -> bool {
        let [Some(first), Some(second)] = [0, 1].map(|mate| work.placements.get(placements[mate].start)) else {
            return false;
        };
        let lengths = [0, 1].map(|mate| work.reads.read(first_read + mate).length());
        let value = |model| pair_value(&first.alignment, &second.alignment, lengths, model, self.options);
        model.and_then(value).is_some()
    }

    fn mates<'w>(&self, first: usize, second: usize, work: &'w Workspace) -> Mates<'w> {
        let contexts = [first, second].map(|i| self.read_context(i, &work.reads, &work.searches));
        let (alignments, skipped) = placeable([first, second].map(|i| work.alignments.read(i)), self.options);
        Mates {
            alignments,
            skipped,
            lengths: contexts.map(|c| c.length),
            hidden: contexts.map(|c| c.hidden),
            repetitive_shares: contexts.map(|c| c.repetitive_share),
            name_hash: work.name_hashes[first],
        }
    }

    fn read_context<'w>(&self, read: usize, reads: &PackedReads, searches: &'w Searches) -> ReadContext<'w> {
        let length = reads.read(read).length();
        let searched = searches.searched(read);
        let (hidden, repetitive_share) = (searched.hidden(length, self.options), searched.repetitive_share(length));
        ReadContext { length, searched, hidden, repetitive_share }
    }
}

/// The mates `first` and `first + 1`, the one with fewer placements first; one that has none comes last.
fn fewer_first(first: usize, placements: [usize; 2]) -> [usize; 2] {
    let [of_first, of_second] = placements.map(|count| count.wrapping_sub(1));
    if of_second < of_first { [first + 1, first] } else { [first, first + 1] }
}

/// Which alignments of two mates may be paired, and how many come before them: those on the primary assembly; or, as no alternate
/// locus takes a mate from there, those on alternate loci only if neither has a good one.
fn placeable<'l>(mates: [&'l [Alignment]; 2], options: &MapOptions) -> ([&'l [Alignment]; 2], [usize; 2]) {
    let lists = mates.map(split_assemblies);
    let is_good = |list: &[Alignment]| list.first().is_some_and(|a| a.score >= options.min_score);
    if lists.iter().any(|(primary, _)| is_good(primary)) || !lists.iter().any(|(_, alternates)| is_good(alternates)) {
        return (lists.map(|(primary, _)| primary), [0, 0]);
    }
    (lists.map(|(_, alternates)| alternates), lists.map(|(primary, _)| primary.len()))
}

/// How far apart the left ends of proper mates lie at the most, by orientation.
fn reaches(model: Option<&InsertModel>) -> Vec<(Orientation, u64)> {
    let Some(model) = model else { return vec![DEFAULT_REACH] };
    // Between mates that don't face each other the insert size leaves out a read.
    let beyond = |orientation| if orientation == Orientation::ForwardReverse { 0 } else { MAX_READ as u64 };
    model.orientations().map(|(orientation, sizes)| (orientation, sizes.high as u64 + beyond(orientation))).collect()
}

/// The farthest that mates of any orientation lie apart.
fn longest_reach(model: &InsertModel) -> Option<u64> {
    reaches(Some(model)).into_iter().map(|(_, reach)| reach).max()
}

/// The best alignment, if no other comes near it: bwa's rule for pairs that teach the insert size. Alternate loci count where there is
/// nothing else.
fn clear_best<'l>(alignments: &'l [Alignment], options: &MapOptions) -> Option<&'l Alignment> {
    let (primary, alternates) = split_assemblies(alignments);
    let alignments = if primary.is_empty() { alternates } else { primary };
    let best = alignments.first().filter(|a| a.score >= options.min_score)?;
    let next = alignments.get(1).map_or(0, |a| a.score);
    (next * 5 <= best.score * 4).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mate_with_fewer_placements_is_first_and_one_with_none_last() {
        let order = |placements| fewer_first(6, placements);
        assert_eq!([[1, 5], [2, 2], [3, 0], [0, 0]].map(order), [[6, 7]; 4]);
        assert_eq!([[5, 1], [0, 1]].map(order), [[7, 6]; 2]);
    }
}
