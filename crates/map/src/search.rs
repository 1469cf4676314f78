//! Stages 1 to 3, block by block: seeds, candidates, ungapped check.
//!
//! A quick look with few seeds settles most reads; the others get a thorough one, with their mates as they are. Each look fetches what it needs of the index for
//! all reads of the block at once.

use std::cmp::Reverse;
use std::ops::Range;

use crate::candidates::{Candidates, Source};
use crate::checking::{Checked, NamedRead, rival_edits};
use crate::extension::Context;
use crate::hidden::Searched;
use crate::index::SeedTable;
use crate::insert_size::Orientation;
use crate::look::Look;
use crate::lookup::{Key, Known, Lookup};
use crate::reads::PackedReads;
use crate::seeding::SeedHits;
use crate::simple::is_simple;
use crate::syncmer::Spacing;

/// Reads of a block, an even number.
const BLOCK_READS: usize = 64;
/// More candidates than most reads have after a quick look.
const CROWD: usize = 32;
/// How far above all that no seed named a read is settled by a quick look, if it has no mate: its mapping quality is at its
/// highest then.
const SINGLE_LEAD: i32 = 15;
/// The same for each mate of a pair, whose leads count together.
const MATE_LEAD: i32 = 10;

/// What is searched for, and where.
#[derive(Clone, Copy)]
pub struct Search<'a> {
    /// The reference and the options.
    pub context: Context<'a>,
    /// Its seeds.
    pub table: &'a SeedTable<'a>,
    /// The reads; mates are neighbours.
    pub reads: &'a PackedReads,
    /// Hashes of their names.
    pub name_hashes: &'a [u64],
    /// Whether reads are mates.
    pub paired: bool,
    /// Whether mates that seeds don't find are looked for afterwards.
    pub rescues: bool,
    /// Where and how far apart mates lie.
    pub reaches: &'a [(Orientation, u64)],
}

/// Arrays of a search, reused from batch to batch.
#[derive(Debug, Default)]
pub struct Searches {
    hits: SeedHits,
    candidates: Candidates,
    unsettled: Vec<usize>,
    settled: Vec<bool>,
    looks: Vec<Look>,
    searched: Vec<Searched>,
}

impl Searches {
    /// What was looked up of read `i`.
    #[must_use]
    pub fn searched(&self, i: usize) -> &Searched {
        &self.searched[i]
    }

    /// Whether read `i` is a short repeat from end to end, so that its places say little of its mate's.
    #[must_use]
    pub fn is_simple(&self, i: usize) -> bool {
        self.looks[i] == Look::Simple
    }
}

impl Search<'_> {
    /// Finds and checks the candidates of all reads.
    pub fn run(&self, work: &mut Searches, checked: &mut Checked) {
        work.searched.clear();
        work.searched.resize(self.reads.len(), Searched::default());
        work.settled.clear();
        work.settled.resize(self.reads.len(), false);
        work.looks.clear();
        work.looks.resize(self.reads.len(), Look::Quick);
        checked.clear(self.reads.len());
        for start in (0..self.reads.len()).step_by(BLOCK_READS) {
            let block = start..self.reads.len().min(start + BLOCK_READS);
            self.look_quickly(block, work, checked);
            self.look_thoroughly(work, checked);
        }
    }

    /// Reads that belong together.
    fn mates(&self) -> usize {
        if self.paired { 2 } else { 1 }
    }

    fn push_seeds(&self, read: usize, spacing: Spacing, hits: &mut SeedHits) {
        hits.push(self.reads.read(read).codes, spacing, self.context.instructions);
    }

    fn list_frequent(&self, slot: usize, read: usize, look: Look, hits: &mut SeedHits) {
        hits.list_frequent(slot, self.reads.read(read).codes, look.rounds()[0], self.table);
    }

    fn lookup(&self, read: usize, look: Look) -> Lookup<'_> {
        let this = self.reads.read(read);
        let ambiguous_bases = this.strand(false).ambiguous.iter().map(|word| word.count_ones()).sum();
        let Context { reference, options, .. } = self.context;
        let (table, name_hash, band) = (self.table, self.name_hashes[read], options.band);
        Lookup { table, reference, codes: this.codes, ambiguous_bases, name_hash, band, look, known: None }
    }

    /// The best place on the primary assembly that a quick look found of a read without a mate.
    fn known(&self, read: usize, checked: &Checked) -> Option<Known> {
        let (length, options) = (self.reads.read(read).length(), self.context.options);
        if self.paired {
            return None;
        }
        let places = checked.read(read).iter().filter(|a| !a.alternate);
        let best = places.max_by_key(|a| (a.value(length, options), Reverse(a.reference_start)))?;
        Some(Known {
            key: Key::new(best.reverse, best.start_diagonal() as u64),
            rival_edits: rival_edits(length, best.value(length, options), options),
        })
    }

    /// How to look at a read that a quick look didn't settle.
    fn closer_look(&self, read: usize, settled: &[bool]) -> Look {
        match self.paired {
            _ if is_simple(self.reads.read(read).codes) => Look::Simple,
            // Rescue looks near the mate for what one round misses.
            true if self.rescues && settled[read ^ 1] => Look::Led,
            true => Look::Mate,
            false => Look::Single,
        }
    }

    /// Searches a block with few seeds, and lists the reads whose places are not beyond doubt, and their mates.
    fn look_quickly(&self, block: Range<usize>, work: &mut Searches, checked: &mut Checked) {
        work.hits.clear();
        for read in block.clone() {
            self.push_seeds(read, Spacing::Disjoint, &mut work.hits);
        }
        work.hits.look_up(self.table);
        for (slot, read) in block.clone().enumerate() {
            self.list_frequent(slot, read, Look::Quick, &mut work.hits);
        }
        work.hits.look_up_frequent(self.table);
        work.candidates.clear();
        for read in block.clone() {
            work.candidates.collect(&work.hits, &[Source::Seeds(self.lookup(read, Look::Quick))]);
        }
        work.candidates.fetch(self.context.reference);
        work.unsettled.clear();
        for first in block.clone().step_by(self.mates()) {
            let mates = first..first + self.mates();
            self.check(first - block.start, mates.clone(), work, checked);
            if mates.clone().any(|read| !work.settled[read]) {
                work.unsettled.extend(mates);
            }
        }
    }

    /// Searches the reads left over with all their seeds. Mates that are settled only show where they are.
    fn look_thoroughly(&self, work: &mut Searches, checked: &mut Checked) {
        work.hits.clear();
        for &read in &work.unsettled {
            if work.settled[read] {
                work.hits.push_none();
            } else {
                work.looks[read] = self.closer_look(read, &work.settled);
                self.push_seeds(read, work.looks[read].spacing(), &mut work.hits);
            }
        }
        work.hits.look_up(self.table);
        for (slot, &read) in work.unsettled.iter().enumerate() {
            self.list_frequent(slot, read, work.looks[read], &mut work.hits);
        }
        work.hits.look_up_frequent(self.table);
        work.candidates.clear();
        // One mate with seeds enough is enough, if rescue can find the other from there.
        let together = if self.rescues { self.mates() } else { 1 };
        for reads in work.unsettled.chunks(together) {
            let source = |read: usize| match work.settled[read] {
                true => Source::Settled(checked.read(read), work.searched[read]),
                false => {
                    Source::Seeds(Lookup { known: self.known(read, checked), ..self.lookup(read, work.looks[read]) })
                }
            };
            match *reads {
                [first, second] => work.candidates.collect(&work.hits, &[source(first), source(second)]),
                _ => work.candidates.collect(&work.hits, &[source(reads[0])]),
            }
        }
        work.candidates.fetch(self.context.reference);
        for slot in (0..work.unsettled.len()).step_by(self.mates()) {
            let first = work.unsettled[slot];
            self.check(slot, first..first + self.mates(), work, checked);
        }
    }

    /// Checks the candidates of one read or two mates, which are in the block's list from `slot` on, unless its place is beyond
    /// doubt already; and tells where it is now.
    fn check(&self, slot: usize, reads: Range<usize>, work: &mut Searches, checked: &mut Checked) {
        if self.paired {
            self.reaches.iter().for_each(|&reach| work.candidates.mark_mates(slot, reach));
        }
        for (slot, i) in (slot..).zip(reads) {
            if work.settled[i] {
                continue;
            }
            let read = self.reads.read(i);
            let candidates = work.candidates.read_mut(slot);
            if candidates.len() > CROWD && is_simple(read.codes) {
                work.looks[i] = Look::Simple;
            }
            let named = NamedRead { read, name_hash: self.name_hashes[i], look: work.looks[i] };
            let best = checked.push_candidates(i, candidates, named, self.context);
            let searched = *work.candidates.searched(slot);
            work.settled[i] = best.is_some_and(|best| {
                let lead = if self.paired { MATE_LEAD } else { SINGLE_LEAD };
                let options = self.context.options;
                (best.is_mated || !self.paired) && best.is_settled(read.length(), &searched, lead, options)
                    || !self.paired && checked.is_perfect_tie(i, &best, read.length(), options)
            });
            work.searched[i] = searched;
        }
    }
}
