//! Depth of coverage, while records go by in the order of the reference.
//!
//! A record adds one where each aligned block starts and takes one away where it ends, in a ring of positions that reaches as
//! far as a record does. A running sum over positions that no later record can change is their depth. So a record costs a few
//! steps whatever its length, and a position of the reference one.

use crate::{EncodedRecord, flags};

/// Depths beyond this are counted together, as in `samtools stats`.
pub(super) const MAX_DEPTH: usize = 1000;
/// First size of the ring, a power of two.
const RING: usize = 1 << 12;

/// Changes of depth at a position: by all records, and by those that aren't duplicates.
type Change = [i32; 2];

/// Measures depth. Records must come sorted by contig and position.
///
/// Secondary records and those of failed quality don't count.
#[derive(Clone, Debug)]
pub struct Depth {
    summary: DepthSummary,
    contig: Option<usize>,
    /// The first position whose depth is still open.
    open: u32,
    /// Behind the last aligned base so far.
    end: u32,
    current: Change,
    /// The change at a position is at the remainder of its division by the size, which is a power of two.
    ring: Vec<Change>,
}

/// What [`Depth`] finds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DepthSummary {
    /// Positions of each contig that are covered, duplicates not counted; contigs at the end may lack.
    pub covered: Vec<u64>,
    /// Positions by depth, duplicates counted, from 0, which is left at 0, to 1000; the last for all that are deeper.
    pub positions: Vec<u64>,
}

impl Default for Depth {
    fn default() -> Self {
        let summary = DepthSummary { covered: Vec::new(), positions: vec![0; MAX_DEPTH + 2] };
        Self { summary, contig: None, open: 0, end: 0, current: [0; 2], ring: vec![[0; 2]; RING] }
    }
}

impl Depth {
    /// Takes the next record.
    pub fn add(&mut self, record: EncodedRecord<'_>) {
        let flags = record.flags();
        if flags & (flags::UNMAPPED | flags::SECONDARY | flags::QC_FAIL) != 0 {
            return;
        }
        let (Some(contig), Some(position)) = (record.reference(), record.position()) else {
            return;
        };
        if self.contig != Some(contig) {
            self.close_contig();
            self.contig = Some(contig);
        }
        self.close_until(position);
        let change = [1, i32::from(flags & flags::DUPLICATE == 0)];
        let mut start = position;
        for op in record.cigar().filter(|op| op.consumes_reference()) {
            let end = start.saturating_add(op.len());
            if op.consumes_query() && op.len() > 0 {
                self.change(start, change);
                self.change(end, change.map(|by| -by));
                self.end = self.end.max(end);
            }
            start = end;
        }
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> DepthSummary {
        self.close_contig();
        self.summary
    }

    fn change(&mut self, position: u32, by: Change) {
        while (position - self.open) as usize >= self.ring.len() {
            self.grow();
        }
        let mask = self.ring.len() - 1;
        let at = &mut self.ring[position as usize & mask];
        *at = [at[0] + by[0], at[1] + by[1]];
    }

    fn grow(&mut self) {
        let (old, size) = (&self.ring, 2 * self.ring.len());
        let mut ring = vec![[0; 2]; size];
        for position in (self.open as usize..).take(old.len()) {
            ring[position & (size - 1)] = old[position & (old.len() - 1)];
        }
        self.ring = ring;
    }

    fn close_contig(&mut self) {
        self.close_until(u32::MAX);
        (self.contig, self.open, self.end) = (None, 0, 0);
    }

    /// Counts the positions before `position`.
    fn close_until(&mut self, position: u32) {
        let Some(contig) = self.contig else {
            return;
        };
        let mask = self.ring.len() - 1;
        let mut covered = 0;
        // At the end itself the last blocks are taken away; behind it there is nothing.
        for open in self.open..position.min(self.end.saturating_add(1)) {
            let [all, unique] = std::mem::take(&mut self.ring[open as usize & mask]);
            self.current = [self.current[0] + all, self.current[1] + unique];
            let depth = self.current[0] as usize;
            self.summary.positions[depth.min(MAX_DEPTH + 1)] += u64::from(depth > 0);
            covered += u64::from(self.current[1] > 0);
        }
        self.open = self.open.max(position);
        let contigs = &mut self.summary.covered;
        if contigs.len() <= contig {
            contigs.resize(contig + 1, 0);
        }
        contigs[contig] += covered;
    }
}
