//! Stage 3: the ungapped check of all candidates of a batch, and the choice of those that extension may improve.

use std::cmp::Reverse;

use crate::alignment::{Alignment, overlap};
use crate::error::Result;
use crate::extension::{Context, Extensions};
use crate::hash::tie_break;
use crate::index::Reference;
use crate::options::MapOptions;
use crate::reads::PackedReads;
use crate::ungapped::{Segment, best_segment};

/// Extensions of one read, at the most.
const MAX_EXTENSIONS: usize = 16;
/// How far below the best value of a read an alignment's highest possible value may lie for it to be extended: where it would
/// still count for the mapping quality or for a pair.
const MARGIN: i32 = 20;
/// Mismatches in a full-length segment that two gaps might explain better.
const MANY_MISMATCHES: u32 = 4;

/// Checked candidates, grouped by read: flat arrays that belong together.
#[derive(Debug, Default)]
pub struct Checked {
    alignments: Vec<Alignment>,
    segments: Vec<Segment>,
    chosen: Vec<usize>,
}

impl Checked {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.alignments.clear();
        self.segments.clear();
    }

    /// The alignments, in the order they were pushed.
    #[must_use]
    pub fn alignments(&self) -> &[Alignment] {
        &self.alignments
    }

    /// The alignments, to be improved in place.
    pub fn alignments_mut(&mut self) -> &mut [Alignment] {
        &mut self.alignments
    }

    /// Compares a read with a diagonal and keeps the best segment. Reads must come in ascending order.
    pub fn push(
        &mut self,
        read: usize,
        reverse: bool,
        diagonal: u64,
        reads: &PackedReads,
        reference: &Reference<'_>,
        options: &MapOptions,
    ) {
        let Some(segment) = best_segment(reads.read(read).strand(reverse), reference, diagonal, options) else {
            return;
        };
        self.alignments.push(Alignment {
            read: read as u32,
            reverse,
            contig: segment.contig,
            reference_start: diagonal + u64::from(segment.start),
            reference_end: diagonal + u64::from(segment.end),
            query_start: segment.start,
            query_end: segment.end,
            score: segment.score,
            gapped_band: None,
        });
        self.segments.push(segment);
    }

    /// Queues the extensions worth doing, read by read. `known` tells the best value that a read has already from elsewhere.
    ///
    /// # Errors
    ///
    /// If the engine refuses a job as too long.
    pub fn queue_extensions(
        &mut self,
        batch: Batch<'_>,
        context: Context<'_>,
        known: impl Fn(usize) -> i32,
        extensions: &mut Extensions,
    ) -> Result<()> {
        let mut start = 0;
        for group in self.alignments.chunk_by(|a, b| a.read == b.read) {
            let number = group[0].read as usize;
            let read = batch.reads.read(number);
            let choice = Choice {
                group,
                segments: &self.segments[start..start + group.len()],
                length: read.length(),
                name_hash: batch.name_hashes[number],
                options: context.options,
            };
            choice.choose(known(number), &mut self.chosen);
            for &i in &self.chosen {
                extensions.push(start + i, &group[i], &choice.segments[i], read, context)?;
            }
            start += group.len();
        }
        Ok(())
    }
}

/// The reads of a batch and the hashes of their names.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// The reads.
    pub reads: &'a PackedReads,
    /// One for each read.
    pub name_hashes: &'a [u64],
}

/// The checked candidates of one read, some of which are to be extended.
struct Choice<'a> {
    group: &'a [Alignment],
    segments: &'a [Segment],
    length: usize,
    name_hash: u64,
    options: &'a MapOptions,
}

impl Choice<'_> {
    /// Fills `chosen` with the numbers of the alignments to extend, given the best value known from elsewhere.
    fn choose(&self, known: i32, chosen: &mut Vec<usize>) {
        let value = |i: usize| self.group[i].value(self.length, self.options);
        let best = (0..self.group.len()).map(value).fold(known, i32::max);
        chosen.clear();
        chosen.extend((0..self.group.len()).filter(|&i| {
            let gain = self.possible_gain(i);
            gain > 0 && value(i) + gain + MARGIN >= best
        }));
        // What is there counts, not what may come: the shorter a segment, the more could still be added to it.
        chosen.sort_unstable_by_key(|&i| {
            let alignment = &self.group[i];
            (Reverse(value(i)), tie_break(self.name_hash, alignment.reverse, alignment.reference_start))
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

    /// What gaps could add to the value of an ungapped segment, at the most.
    fn possible_gain(&self, i: usize) -> i32 {
        let (alignment, segment, options) = (&self.group[i], &self.segments[i], self.options);
        let gap = options.cheapest_gap();
        let side = |clipped: usize| {
            let gain = clipped as i32 * options.match_score() + options.end_bonus - gap;
            if clipped > 0 { gain.max(0) } else { 0 }
        };
        let inside = if segment.mismatches >= MANY_MISMATCHES {
            segment.mismatches as i32 * (options.mismatch() + options.match_score()) - 2 * gap
        } else {
            0
        };
        side(alignment.query_start as usize) + side(self.length - alignment.query_end as usize) + inside.max(0)
    }
}
