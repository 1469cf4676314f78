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

/// What `samtools coverage` leaves out.
const NOT_UNIQUE: u16 = flags::DUPLICATE | flags::QC_FAIL;

/// Changes of depth at a position: by all records, and by those that are neither duplicates nor of failed quality.
type Change = [i32; 2];

/// Measures depth. Records must come sorted by contig and position.
///
/// Secondary records don't count.
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
    /// Positions of each contig that are covered, by `samtools coverage`: duplicates and records of failed quality don't count.
    /// Contigs at the end may lack.
    pub covered: Vec<u64>,
    /// Positions by depth, as in `samtools stats`: duplicates and records of failed quality count. From 0, which is left at 0, to
    /// 1000; the last for all that are deeper.
    pub positions: Vec<u64>,
}

impl DepthSummary {
    /// Counts a run of positions of one depth, and returns how many of them unique records cover.
    fn count(&mut self, [all, unique]: Change, positions: u64) -> u64 {
        let depth = usize::try_from(all).unwrap_or(0);
        if depth > 0 {
            self.positions[depth.min(MAX_DEPTH + 1)] += positions;
        }
        if unique > 0 { positions } else { 0 }
    }
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
        if flags & (flags::UNMAPPED | flags::SECONDARY) != 0 {
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
        let change = [1, i32::from(flags & NOT_UNIQUE == 0)];
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
        let (mut run, mut covered) = (0, 0);
        // At the end itself the last blocks are taken away; behind it there is nothing.
        for open in self.open..position.min(self.end.saturating_add(1)) {
            let change = &mut self.ring[open as usize & mask];
            if *change != [0; 2] {
                covered += self.summary.count(self.current, run);
                let [all, unique] = std::mem::take(change);
                self.current = [self.current[0] + all, self.current[1] + unique];
                run = 0;
            }
            run += 1;
        }
        covered += self.summary.count(self.current, run);
        self.open = self.open.max(position);
        let contigs = &mut self.summary.covered;
        if contigs.len() <= contig {
            contigs.resize(contig + 1, 0);
        }
        contigs[contig] += covered;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlignmentRecord, CigarKind, CigarOp, Format, Header, Program, RecordEncoder, ReferenceSequence};

    /// Depth by counting at every position, with lengths beyond the ring's size.
    #[test]
    fn depth_is_that_of_counting() {
        let text = |text: &str| text.to_string();
        let reference =
            |name: &str| ReferenceSequence { name: name.into(), length: 100_000, md5: [0; 16], alternate: false };
        let header = Header {
            references: vec![reference("a"), reference("b"), reference("c")],
            order: Default::default(),
            read_groups: Vec::new(),
            program: Program { id: text("p"), name: text("p"), version: text("1"), command_line: text("p") },
            lines: Default::default(),
        };
        let mut encoder = RecordEncoder::new(Format::Bam, &header).unwrap();
        let mut depth = Depth::default();
        let mut counted = vec![vec![[0u32; 2]; 100_000]; 3];
        for (contig, starts) in [(0, &[0, 0, 5, 6, 6000, 6001, 50_000][..]), (2, &[3, 3, 4, 9000])] {
            for (number, &position) in starts.iter().enumerate() {
                let lengths = [10, 1 + 37 * number as u32, 3000 * (number as u32 % 3) + 1, 7];
                let kinds = [CigarKind::Match, CigarKind::Insertion, CigarKind::Deletion, CigarKind::SequenceMatch];
                let cigar: Vec<_> = kinds.into_iter().zip(lengths).map(|(kind, len)| CigarOp::new(kind, len)).collect();
                let flags = [0, flags::DUPLICATE, 0, flags::QC_FAIL][number % 4];
                let bases = vec![b'A'; (lengths[0] + lengths[1] + lengths[3]) as usize];
                let record = AlignmentRecord {
                    name: b"r",
                    flags,
                    reference: Some(contig),
                    position: Some(position),
                    mapping_quality: 60,
                    cigar: &cigar,
                    mate_reference: None,
                    mate_position: None,
                    template_length: 0,
                    bases: &bases,
                    qualities: &bases,
                    tags: &[],
                };
                let mut bytes = Vec::new();
                encoder.encode(&record, &mut bytes).unwrap();
                depth.add(EncodedRecord::split_first(&bytes).unwrap().0);
                let second = position + lengths[0] + lengths[2];
                for at in (position..position + lengths[0]).chain(second..second + lengths[3]) {
                    let [all, unique] = &mut counted[contig][at as usize];
                    (*all, *unique) = (*all + 1, *unique + u32::from(flags == 0));
                }
            }
        }
        let found = depth.finish();
        let covered = |contig: &Vec<[u32; 2]>| contig.iter().filter(|[_, unique]| *unique > 0).count() as u64;
        assert_eq!(found.covered, counted.iter().map(covered).collect::<Vec<_>>());
        for (depth, &positions) in found.positions.iter().enumerate().skip(1) {
            let expected = counted.iter().flatten().filter(|[all, _]| *all as usize == depth).count() as u64;
            assert_eq!(positions, expected, "depth {depth}");
        }
    }
}
