//! Stage 4: seed extension of the alignments that clip or gap may improve, in one batch for all reads.
//!
//! An alignment that the ungapped check left with a clipped end is extended to both sides from its longest run of matches
//! (the anchor). Both sides start with the anchor's own score, so they don't wait for each other and all extensions of a batch
//! of reads are one batch of jobs.

use svala_compute::{Engine, ExtendBatch, ExtendParams, ExtendResult, Instructions};

use crate::alignment::Alignment;
use crate::error::Result;
use crate::index::Reference;
use crate::options::MapOptions;
use crate::reads::{PackedRead, PackedReads};
use crate::ungapped::longest_run;

/// Alignments waiting for their extensions.
#[derive(Debug, Default)]
pub struct Extensions {
    batch: ExtendBatch,
    results: Vec<ExtendResult>,
    target: Vec<u8>,
    pending: Vec<Pending>,
}

/// An anchor and the jobs on its two sides, `None` where the anchor reaches the end of the read.
#[derive(Debug)]
struct Pending {
    slot: usize,
    anchor: Anchor,
    left: Option<usize>,
    right: Option<usize>,
}

/// A run of matches.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    query_start: usize,
    query_end: usize,
    reference_start: u64,
    score: i32,
}

/// One side of an alignment, measured from the anchor.
#[derive(Clone, Copy, Default)]
struct Side {
    query: u32,
    reference: u32,
    gain: i32,
    offset: u32,
}

impl Extensions {
    /// Queues the extensions of an ungapped `alignment`, number `slot` of the list that [`Self::run`] will be given.
    ///
    /// # Errors
    ///
    /// If the engine refuses a job as too long.
    pub fn push(
        &mut self,
        slot: usize,
        alignment: &Alignment,
        read: PackedRead<'_>,
        context: Context<'_>,
    ) -> Result<()> {
        let diagonal = alignment.start_diagonal() as u64;
        let segment = alignment.query_start..alignment.query_end;
        let run = longest_run(read.strand(alignment.reverse), context.reference, diagonal, segment);
        let anchor = Anchor {
            query_start: run.start as usize,
            query_end: run.end as usize,
            reference_start: diagonal + u64::from(run.start),
            score: run.len() as i32 * context.options.match_score(),
        };
        let span = context.reference.contigs[alignment.contig as usize].span();
        let params = ExtendParams {
            initial_score: anchor.score as u16,
            band: context.options.band,
            z_drop: context.options.z_drop,
        };
        let reach = |bases: usize| (bases + context.options.longest_gap(bases)) as u64;
        let reverse = alignment.reverse;
        let mut pending = Pending { slot, anchor, left: None, right: None };
        if anchor.query_start > 0 {
            let from = span.start.max(anchor.reference_start.saturating_sub(reach(anchor.query_start)));
            let query = read.codes(reverse, 0, anchor.query_start).rev();
            self.target.clear();
            context.reference.decode_into(from..anchor.reference_start, &mut self.target);
            let window = context.reference.device_window(from..anchor.reference_start, true);
            let target = self.target.iter().rev().copied();
            pending.left = Some(self.batch.push_window(query, (target, window), params)?);
        }
        let rest = read.length() - anchor.query_end;
        if rest > 0 {
            let anchor_end = anchor.reference_start + run.len() as u64;
            let to = span.end.min(anchor_end + reach(rest));
            let query = read.codes(reverse, anchor.query_end, read.length());
            self.target.clear();
            context.reference.decode_into(anchor_end..to, &mut self.target);
            let window = context.reference.device_window(anchor_end..to, false);
            let target = self.target.iter().copied();
            pending.right = Some(self.batch.push_window(query, (target, window), params)?);
        }
        self.pending.push(pending);
        Ok(())
    }

    /// Runs all queued extensions and puts every alignment that became better into its slot.
    pub fn run(&mut self, engine: &Engine, reads: &PackedReads, alignments: &mut [Alignment], options: &MapOptions) {
        if !self.batch.is_empty() {
            engine.extend(&self.batch, &mut self.results);
        }
        for pending in &self.pending {
            let slot = &mut alignments[pending.slot];
            let length = reads.read(slot.read as usize).length();
            let extended = self.assemble(pending, slot, length, options);
            if extended.value(length, options) > slot.value(length, options) {
                *slot = extended;
            }
        }
        self.batch.clear();
        self.pending.clear();
    }

    fn assemble(&self, pending: &Pending, old: &Alignment, length: usize, options: &MapOptions) -> Alignment {
        let anchor = pending.anchor;
        let side = |job: Option<usize>, bases: u32| match job {
            Some(job) => choose_end(&self.results[job], bases, anchor.score, options),
            None => Side::default(),
        };
        let left = side(pending.left, anchor.query_start as u32);
        let right = side(pending.right, (length - anchor.query_end) as u32);
        let anchor_bases = (anchor.query_end - anchor.query_start) as u64;
        Alignment {
            reference_start: anchor.reference_start - u64::from(left.reference),
            reference_end: anchor.reference_start + anchor_bases + u64::from(right.reference),
            query_start: anchor.query_start as u32 - left.query,
            query_end: anchor.query_end as u32 + right.query,
            score: anchor.score + left.gain + right.gain,
            gapped_band: Some(band_for(left, right)),
            ..*old
        }
    }
}

/// What extensions are made of, besides the read.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The reference.
    pub reference: &'a Reference<'a>,
    /// Scores and limits.
    pub options: &'a MapOptions,
    /// What this CPU can do.
    pub instructions: Instructions,
}

/// To the end of the read, if that costs less than the end bonus; else where the score is best.
fn choose_end(result: &ExtendResult, bases: u32, initial_score: i32, options: &MapOptions) -> Side {
    if result.reaches_end(options.end_bonus) {
        Side {
            query: bases,
            reference: result.end_target,
            gain: result.end_score - initial_score,
            offset: result.max_offset.max(bases.abs_diff(result.end_target)),
        }
    } else {
        Side {
            query: result.query_end,
            reference: result.target_end,
            gain: result.score - initial_score,
            offset: result.max_offset,
        }
    }
}

/// A band, counted from the diagonal of the alignment's first base, that most probably holds the path of both sides. The
/// engine reports the offset at the best cells, not of the whole path, so that [`crate::cigar`] must check and may widen it.
fn band_for(left: Side, right: Side) -> u16 {
    const SLACK: u32 = 16;
    (2 * left.offset + right.offset + SLACK).min(u32::from(u16::MAX)) as u16
}
