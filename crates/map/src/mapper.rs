//! Mapping a batch of reads: the stages, one after the other, over the whole batch.

use svala_compute::Engine;
use svala_io::{AlignmentRecord, ReadBatch};

use crate::alignment::{Alignment, keep_distinct};
use crate::candidates::{Candidates, Lookup};
use crate::checking::{Batch, Checked, Hints};
use crate::cigar::Cigars;
use crate::error::Result;
use crate::extension::{Context, Extensions};
use crate::grouped::Grouped;
use crate::hash::name_hash;
use crate::index::{Index, Reference, SeedTable};
use crate::insert_size::{InsertModel, insert_size};
use crate::options::MapOptions;
use crate::pairing::{Mates, best_proper_pair};
use crate::reads::PackedReads;
use crate::record::{RecordSource, Scratch, Template};
use crate::rescue::{Found, Rescue};
use crate::seeding::SeedHits;
use crate::selection::{Chosen, Placement, ReadContext, select};

/// How far apart mates are looked for before there is an insert-size model, in bases.
const DEFAULT_REACH: u64 = 2000;
/// Stretches looked up completely below which a mate's neighbourhood is searched for further copies.
const FEW_STRETCHES: u32 = 2;

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
    seeds: SeedHits,
    candidates: Candidates,
    checked: Checked,
    extensions: Extensions,
    alignments: Grouped,
    found: Vec<Found>,
    placements: Vec<Placement>,
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
        let model = model.filter(|_| input.paired);
        self.align(input, model, work)?;
        if let Some(model) = model {
            self.rescue(model, work)?;
        }
        self.choose(input, model, work);
        work.cigars.trace(&work.placements, &work.reads, &self.reference, self.engine, self.options)?;
        let source = RecordSource {
            batch: input.reads,
            placements: &work.placements,
            cigars: &work.cigars,
            reference: &self.reference,
            options: self.options,
        };
        for template in &work.templates {
            source.emit(template, &mut work.scratch, &mut sink)?;
        }
        Ok(())
    }

    /// Insert sizes of the pairs of a batch that are placed beyond doubt, in the order of the pairs.
    ///
    /// # Errors
    ///
    /// If a read is too long.
    pub fn insert_sizes(&self, input: BatchInput<'_>, work: &mut Workspace, sizes: &mut Vec<i64>) -> Result<()> {
        self.align(input, None, work)?;
        for pair in 0..work.reads.len() / 2 {
            let mates = [2 * pair, 2 * pair + 1];
            let lengths = mates.map(|i| work.reads.read(i).length());
            let [Some(first), Some(second)] = mates.map(|i| clear_best(work.alignments.read(i), self.options)) else {
                continue;
            };
            sizes.extend(insert_size(first, second, lengths));
        }
        Ok(())
    }

    /// Stages 1 to 4: seeds, candidates, ungapped check, extension.
    fn align(&self, input: BatchInput<'_>, model: Option<&InsertModel>, work: &mut Workspace) -> Result<()> {
        let batch = input.reads;
        work.reads.pack(batch)?;
        work.name_hashes.clear();
        work.name_hashes.extend((0..batch.len()).map(|i| name_hash(batch.name(i))));
        work.seeds.collect(&work.reads, &self.table);
        work.candidates.clear();
        let (reads, names) = (&work.reads, &work.name_hashes);
        let lookup = |i: usize| Lookup { table: &self.table, codes: reads.read(i).codes, name_hash: names[i] };
        let mates = if model.is_some() { 2 } else { 1 };
        for first in (0..reads.len()).step_by(mates) {
            work.candidates.collect(&work.seeds, first..first + mates, lookup, self.options.band);
        }
        if input.paired {
            let reach = model.map_or(DEFAULT_REACH, |m| m.high as u64);
            for pair in 0..work.reads.len() / 2 {
                work.candidates.mark_mates(pair, reach);
            }
        }
        work.checked.clear();
        let context = Context { reference: &self.reference, options: self.options };
        for (i, &name_hash) in work.name_hashes.iter().enumerate() {
            work.checked.push_ranked(i, work.candidates.ranked(i, name_hash), work.reads.read(i), context);
        }
        work.alignments.clear();
        self.extend(work)
    }

    /// Extends what needs it among the alignments just checked and files all of them by read.
    fn extend(&self, work: &mut Workspace) -> Result<()> {
        let batch = Batch { reads: &work.reads, name_hashes: &work.name_hashes };
        let context = Context { reference: &self.reference, options: self.options };
        let known = |read: usize| {
            let best = work.alignments.best(read);
            best.map_or(0, |a| a.value(work.reads.read(read).length(), self.options))
        };
        work.checked.queue_extensions(batch, context, known, &mut work.extensions)?;
        work.extensions.run(self.engine, &work.reads, work.checked.alignments_mut(), self.options);
        let (names, least) = (&work.name_hashes, self.options.score_floor());
        work.alignments
            .add(work.checked.alignments(), work.reads.len(), |read, list| keep_distinct(list, least, names[read]));
        Ok(())
    }

    /// Stage 5: looks for mates that seeds did not find.
    fn rescue(&self, model: &InsertModel, work: &mut Workspace) -> Result<()> {
        let rescue = Rescue {
            reads: &work.reads,
            name_hashes: &work.name_hashes,
            reference: &self.reference,
            model,
            options: self.options,
        };
        work.found.clear();
        for pair in 0..work.reads.len() / 2 {
            for (origin, wanted) in [(2 * pair + 1, 2 * pair), (2 * pair, 2 * pair + 1)] {
                let thorough = work.candidates.hidden_edits(wanted).is_some_and(|edits| edits < FEW_STRETCHES);
                let side = |i: usize| (i, work.alignments.read(i));
                rescue.search(side(origin), side(wanted), thorough, &mut work.found);
            }
        }
        if work.found.is_empty() {
            return Ok(());
        }
        work.found.sort_unstable_by_key(|f| (f.read, f.reverse, f.diagonal));
        work.found.dedup();
        work.checked.clear();
        let context = Context { reference: &self.reference, options: self.options };
        for f in &work.found {
            let read = work.reads.read(f.read as usize);
            work.checked.push(f.read as usize, f.reverse, f.diagonal, Hints::default(), read, context);
        }
        self.extend(work)
    }

    /// Stages 6 and 7: pairs, primaries, supplementaries, mapping qualities.
    fn choose(&self, input: BatchInput<'_>, model: Option<&InsertModel>, work: &mut Workspace) {
        work.placements.clear();
        work.templates.clear();
        let mates = if input.paired { 2 } else { 1 };
        for first_read in (0..work.reads.len()).step_by(mates) {
            let second_read = first_read + mates - 1;
            let pair = model.and_then(|model| self.pair(first_read, second_read, model, work));
            let mut placements = [0..0, 0..0];
            for (mate, read) in (first_read..=second_read).enumerate() {
                let chosen =
                    Chosen { primary: pair.map_or(0, |p| p.chosen[mate]), pair_quality: pair.map(|p| p.quality[mate]) };
                let context = self.read_context(read, work);
                let start = work.placements.len();
                select(work.alignments.read(read), chosen, context, self.options, &mut work.placements);
                placements[mate] = start..work.placements.len();
            }
            work.templates.push(Template { first_read, placements, paired: input.paired, proper: pair.is_some() });
        }
    }

    fn pair(&self, first: usize, second: usize, model: &InsertModel, work: &Workspace) -> Option<crate::pairing::Pair> {
        let contexts = [first, second].map(|i| self.read_context(i, work));
        let mates = Mates {
            alignments: [first, second].map(|i| work.alignments.read(i)),
            lengths: contexts.map(|c| c.length),
            hidden_scores: contexts.map(|c| c.hidden_score),
            name_hash: work.name_hashes[first],
        };
        best_proper_pair(&mates, model, self.options)
    }

    fn read_context(&self, read: usize, work: &Workspace) -> ReadContext {
        let length = work.reads.read(read).length();
        let full = length as i32 * self.options.match_score();
        let hidden_score =
            work.candidates.hidden_edits(read).map(|edits| full - edits as i32 * self.options.cheapest_edit());
        ReadContext { length, hidden_score }
    }
}

/// The best alignment, if no other comes near it: bwa's rule for pairs that teach the insert size.
fn clear_best<'l>(alignments: &'l [Alignment], options: &MapOptions) -> Option<&'l Alignment> {
    let best = alignments.first().filter(|a| a.score >= options.min_score)?;
    let next = alignments.get(1).map_or(0, |a| a.score);
    (next * 5 <= best.score * 4).then_some(best)
}
