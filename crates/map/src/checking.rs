//! Stage 3: the ungapped check of all candidates of a batch, and the choice of those that extension may improve.

use crate::alignment::Alignment;
use crate::error::Result;
use crate::extension::{Context, Extensions, end_bonuses};
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
    order: Vec<(i32, usize)>,
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
            reference_start: diagonal + u64::from(segment.start),
            reference_end: diagonal + u64::from(segment.end),
            query_start: segment.start,
            query_end: segment.end,
            score: segment.score,
            gapped_band: None,
        });
        self.segments.push(segment);
    }

    /// Queues the extensions worth doing, read by read.
    ///
    /// # Errors
    ///
    /// If the engine refuses a job as too long.
    pub fn queue_extensions(
        &mut self,
        reads: &PackedReads,
        reference: &Reference<'_>,
        options: &MapOptions,
        extensions: &mut Extensions,
    ) -> Result<()> {
        let context = Context { reference, options };
        let mut start = 0;
        for group in self.alignments.chunk_by(|a, b| a.read == b.read) {
            let read = reads.read(group[0].read as usize);
            let segments = &self.segments[start..start + group.len()];
            choose_extensions(group, segments, read.length() as u32, options, &mut self.order);
            for &(_, i) in &self.order {
                extensions.push(start + i, &group[i], &segments[i], read, context)?;
            }
            start += group.len();
        }
        Ok(())
    }
}

/// Fills `chosen` with the alignments of one read to extend, most promising first.
fn choose_extensions(
    group: &[Alignment],
    segments: &[Segment],
    length: u32,
    options: &MapOptions,
    chosen: &mut Vec<(i32, usize)>,
) {
    let value = |a: &Alignment| a.score + end_bonuses(a, length, options);
    let best = group.iter().map(value).max().unwrap_or(0);
    chosen.clear();
    for (i, (alignment, segment)) in group.iter().zip(segments).enumerate() {
        let gain = possible_gain(alignment, segment, length, options);
        if gain > 0 && value(alignment) + gain + MARGIN >= best {
            chosen.push((value(alignment), i));
        }
    }
    // What is there counts, not what may come: the shorter a segment, the higher its ceiling.
    chosen.sort_unstable_by_key(|&(value, i)| (std::cmp::Reverse(value), i));
    // Diagonals within the band of a better one are the other side of its gap: its extension will find them.
    let mut kept = 0;
    for next in 0..chosen.len() {
        let alignment = &group[chosen[next].1];
        let is_covered = chosen[..kept].iter().any(|&(_, i)| {
            let distance = (group[i].start_diagonal() - alignment.start_diagonal()).abs();
            group[i].reverse == alignment.reverse && distance <= i64::from(options.band)
        });
        if !is_covered && kept < MAX_EXTENSIONS {
            chosen[kept] = chosen[next];
            kept += 1;
        }
    }
    chosen.truncate(kept);
}

/// What gaps could add to the value of an ungapped segment, at the most.
fn possible_gain(alignment: &Alignment, segment: &Segment, length: u32, options: &MapOptions) -> i32 {
    let gap = options.cheapest_gap();
    let side = |clipped: u32| {
        let gain = clipped as i32 * options.match_score() + options.end_bonus - gap;
        if clipped > 0 { gain.max(0) } else { 0 }
    };
    let inside = if segment.mismatches >= MANY_MISMATCHES {
        segment.mismatches as i32 * (options.mismatch() + options.match_score()) - 2 * gap
    } else {
        0
    };
    side(alignment.query_start) + side(length - alignment.query_end) + inside.max(0)
}
