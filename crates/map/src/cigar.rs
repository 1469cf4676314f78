//! Stage 8: CIGAR, edit distance and MD of the reported alignments.
//!
//! Alignments without a gap need no dynamic programming. The others go to the engine's global kernel in one batch for all
//! reads, between the ends that extension found. Extension promised a score; where the band was too narrow to reach it, the
//! job is done again with twice the band.

use svala_compute::{Engine, GlobalBatch, GlobalParams, GlobalResults};
use svala_io::{CigarKind, CigarOp};

use crate::alignment::Alignment;
use crate::error::Result;
use crate::index::Reference;
use crate::options::MapOptions;
use crate::reads::{PackedRead, PackedReads};
use crate::sequence::BLOCK;

/// A finished alignment. Clips are not part of its operations.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'a> {
    /// Padded position of the first aligned base.
    pub reference_start: u64,
    /// Reference bases covered.
    pub reference_bases: u32,
    /// Bases of the strand before the alignment.
    pub clip_before: u32,
    /// Bases of the strand behind it.
    pub clip_behind: u32,
    /// Matches, insertions and deletions.
    pub operations: &'a [CigarOp],
    /// Mismatches plus inserted and deleted bases (NM).
    pub edit_distance: u32,
    /// Mismatching positions in the form of the SAM specification's MD.
    pub md: &'a [u8],
    /// Score of exactly these operations (AS).
    pub score: i32,
}

/// Finished alignments of a batch in flat arrays.
#[derive(Debug, Default)]
pub struct Cigars {
    batch: GlobalBatch,
    /// Results of the first bands, and of each time that some had to be widened.
    rounds: Vec<GlobalResults>,
    /// Where the result of each alignment is; `None` for those without a gap.
    sources: Vec<Option<Source>>,
    target: Vec<u8>,
    /// Alignments to trace, and their bands.
    todo: Vec<(usize, u16)>,
    operations: Vec<CigarOp>,
    md: Vec<u8>,
    rows: Vec<Row>,
}

/// A job of a round.
#[derive(Clone, Copy, Debug)]
struct Source {
    round: usize,
    job: usize,
}

/// Alignments whose bases are fetched together.
const FETCHED: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Row {
    reference_start: u64,
    reference_bases: u32,
    clip_before: u32,
    clip_behind: u32,
    edit_distance: u32,
    score: i32,
    operations_end: usize,
    md_end: usize,
}

impl Cigars {
    /// Traces all alignments, in order.
    ///
    /// # Errors
    ///
    /// If the engine refuses a job as too long.
    pub fn trace(
        &mut self,
        alignments: &[Alignment],
        reads: &PackedReads,
        reference: &Reference<'_>,
        engine: &Engine,
        options: &MapOptions,
    ) -> Result<()> {
        self.sources.clear();
        self.sources.resize(alignments.len(), None);
        self.todo.clear();
        let bands = alignments.iter().enumerate().filter_map(|(i, a)| Some((i, a.gapped_band?)));
        self.todo.extend(bands);
        let mut round = 0;
        while !self.todo.is_empty() {
            self.trace_round(round, alignments, reads, reference, engine)?;
            round += 1;
        }
        self.finish(alignments, reads, reference, options);
        Ok(())
    }

    /// Traces what is to do with the bands given, and leaves to do, with a wider band, what did not reach its score: its best
    /// path runs outside.
    fn trace_round(
        &mut self,
        round: usize,
        alignments: &[Alignment],
        reads: &PackedReads,
        reference: &Reference<'_>,
        engine: &Engine,
    ) -> Result<()> {
        self.batch.clear();
        for &(i, band) in &self.todo {
            let alignment = &alignments[i];
            let read = reads.read(alignment.read as usize);
            let (start, end) = (alignment.query_start as usize, alignment.query_end as usize);
            let query = read.codes(alignment.reverse, start, end);
            self.target.clear();
            let span = alignment.reference_start..alignment.reference_end;
            reference.decode_into(span.clone(), &mut self.target);
            let window = reference.device_window(span, false);
            self.batch.push_window(query, (self.target.iter().copied(), window), GlobalParams { band })?;
        }
        if self.rounds.len() <= round {
            self.rounds.push(GlobalResults::default());
        }
        engine.global(&self.batch, &mut self.rounds[round]);
        let mut job = 0;
        let (sources, results) = (&mut self.sources, &self.rounds[round]);
        self.todo.retain_mut(|(i, band)| {
            let alignment = &alignments[*i];
            let widest = u64::from(alignment.query_bases()).max(alignment.reference_end - alignment.reference_start);
            let again = results.score(job) < alignment.score && u64::from(*band) < widest;
            sources[*i] = Some(Source { round, job });
            *band = band.saturating_mul(2).max(1);
            job += 1;
            again
        });
        Ok(())
    }

    /// Finished alignment `i`.
    #[must_use]
    pub fn get(&self, i: usize) -> Traced<'_> {
        let row = self.rows[i];
        let (operations_start, md_start) =
            if i == 0 { (0, 0) } else { (self.rows[i - 1].operations_end, self.rows[i - 1].md_end) };
        Traced {
            reference_start: row.reference_start,
            reference_bases: row.reference_bases,
            clip_before: row.clip_before,
            clip_behind: row.clip_behind,
            operations: &self.operations[operations_start..row.operations_end],
            edit_distance: row.edit_distance,
            md: &self.md[md_start..row.md_end],
            score: row.score,
        }
    }

    fn finish(
        &mut self,
        alignments: &[Alignment],
        reads: &PackedReads,
        reference: &Reference<'_>,
        options: &MapOptions,
    ) {
        self.operations.clear();
        self.md.clear();
        self.rows.clear();
        for (i, (alignment, source)) in alignments.iter().zip(&self.sources).enumerate() {
            if i.is_multiple_of(FETCHED) {
                reference.fetch(alignments[i..].iter().take(FETCHED).map(|alignment| alignment.reference_start));
            }
            let read = reads.read(alignment.read as usize);
            let first = self.operations.len();
            match source {
                None => self.operations.push(CigarOp::new(CigarKind::Match, alignment.query_bases())),
                Some(source) => {
                    let packed = self.rounds[source.round].cigar(source.job);
                    self.operations.extend(packed.iter().map(|&op| CigarOp(op)));
                }
            }
            let trimmed = trim_gaps(alignment, &mut self.operations, first);
            let replay = Replay { read, reverse: alignment.reverse, reference, options };
            let row = replay.run(trimmed, &self.operations[first..], &mut self.md);
            if options.conventions.explicit_matches {
                let told = replay.tell_matches(trimmed, &self.operations[first..]);
                self.operations.truncate(first);
                self.operations.extend(told);
            }
            self.rows.push(Row { operations_end: self.operations.len(), md_end: self.md.len(), ..row });
        }
    }
}

/// Start of an alignment after its outer gaps are gone.
#[derive(Clone, Copy)]
struct Start {
    query: u32,
    reference: u64,
}

/// Removes gaps at the ends: an inserted base there is a clipped one, a deleted one is no part of the alignment.
fn trim_gaps(alignment: &Alignment, operations: &mut Vec<CigarOp>, first: usize) -> Start {
    let mut start = Start { query: alignment.query_start, reference: alignment.reference_start };
    while operations.len() > first && operations[first].kind() != CigarKind::Match {
        let op = operations.remove(first);
        match op.kind() {
            CigarKind::Insertion => start.query += op.len(),
            _ => start.reference += u64::from(op.len()),
        }
    }
    while operations.len() > first && operations[operations.len() - 1].kind() != CigarKind::Match {
        operations.pop();
    }
    start
}

/// Walks over an alignment, base by base.
struct Replay<'a> {
    read: PackedRead<'a>,
    reverse: bool,
    reference: &'a Reference<'a>,
    options: &'a MapOptions,
}

impl Replay<'_> {
    /// Counts edits, scores the operations and appends the MD string.
    fn run(&self, start: Start, operations: &[CigarOp], md: &mut Vec<u8>) -> Row {
        let scoring = &self.options.scoring;
        let gap = |open: u8, extend: u8, bases: u32| i32::from(open) + i32::from(extend) * bases as i32;
        let (mut query, mut reference) = (start.query, start.reference);
        let (mut edit_distance, mut score, mut matches) = (0, 0, 0u32);
        for op in operations {
            let bases = op.len();
            match op.kind() {
                CigarKind::Insertion => {
                    edit_distance += bases;
                    score -= gap(scoring.insertion_open, scoring.insertion_extend, bases);
                    query += bases;
                }
                CigarKind::Deletion => {
                    edit_distance += bases;
                    score -= gap(scoring.deletion_open, scoring.deletion_extend, bases);
                    push_number(md, std::mem::take(&mut matches));
                    md.push(b'^');
                    md.extend((reference..reference + u64::from(bases)).map(|p| self.reference.letter(p)));
                    reference += u64::from(bases);
                }
                _ => {
                    let mut visit = |position: u64, is_ambiguous: bool, run: u32| {
                        matches += run;
                        edit_distance += 1;
                        score -= if is_ambiguous { i32::from(scoring.ambiguous) } else { self.options.mismatch() };
                        push_number(md, std::mem::take(&mut matches));
                        md.push(self.reference.letter(position));
                    };
                    let (matched, rest) = self.for_each_mismatch(query, reference, bases, &mut visit);
                    score += matched as i32 * self.options.match_score();
                    matches += rest;
                    query += bases;
                    reference += u64::from(bases);
                }
            }
        }
        push_number(md, matches);
        Row {
            reference_start: start.reference,
            reference_bases: (reference - start.reference) as u32,
            clip_before: start.query,
            clip_behind: self.read.length() as u32 - query,
            edit_distance,
            score,
            operations_end: 0,
            md_end: 0,
        }
    }

    /// The operations with `=` and `X` instead of `M`. As in NM and MD, ambiguous bases never match.
    fn tell_matches(&self, start: Start, operations: &[CigarOp]) -> Vec<CigarOp> {
        let mut told: Vec<CigarOp> = Vec::with_capacity(operations.len());
        let (mut query, mut reference) = (start.query, start.reference);
        for &op in operations {
            if op.kind() != CigarKind::Match {
                told.push(op);
            } else {
                let mut push = |kind, bases: u32| match told.last_mut() {
                    _ if bases == 0 => {}
                    Some(run) if run.kind() == kind => *run = CigarOp::new(kind, run.len() + bases),
                    _ => told.push(CigarOp::new(kind, bases)),
                };
                let (_, rest) = self.for_each_mismatch(query, reference, op.len(), |_, _, run| {
                    push(CigarKind::SequenceMatch, run);
                    push(CigarKind::SequenceMismatch, 1);
                });
                push(CigarKind::SequenceMatch, rest);
            }
            query += if op.consumes_query() { op.len() } else { 0 };
            reference += if op.consumes_reference() { u64::from(op.len()) } else { 0 };
        }
        told
    }

    /// Calls `visit` with the reference position of each mismatch among `bases` base pairs from `query` and `reference`, with
    /// whether it is ambiguous and how many matches lie between it and the mismatch before. Returns all matches, and those behind the
    /// last mismatch.
    fn for_each_mismatch(
        &self,
        query: u32,
        reference: u64,
        bases: u32,
        mut visit: impl FnMut(u64, bool, u32),
    ) -> (u32, u32) {
        let strand = self.read.strand(self.reverse);
        let (mut mismatches, mut next) = (0, 0);
        for start in (0..bases).step_by(BLOCK) {
            let at = reference + u64::from(start);
            let window = (self.reference.window(at), self.reference.ambiguous_window(at));
            let (differing, ambiguous) = strand.mismatches((query + start) as usize, window.0, window.1);
            let used = u64::MAX >> (BLOCK as u32 - (bases - start).min(BLOCK as u32));
            let mut left = differing & used;
            while left != 0 {
                let bit = left.trailing_zeros();
                visit(at + u64::from(bit), (ambiguous >> bit) & 1 == 1, start + bit - next);
                next = start + bit + 1;
                mismatches += 1;
                left &= left - 1;
            }
        }
        (bases - mismatches, bases - next)
    }
}

/// Appends a number in decimal.
pub fn push_number(text: &mut Vec<u8>, number: u32) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(b'0' + (number % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ReferenceData;

    /// Replays a CIGAR of a read against a reference of one contig; reference positions count from the contig's start.
    fn replay(read: &[u8], reference: &[u8], operations: &[(CigarKind, u32)]) -> (String, u32, i32) {
        let (md, row, _) = traced(read, reference, operations);
        (md, row.edit_distance, row.score)
    }

    /// As [`replay`], with the row and the operations that tell matches from mismatches.
    fn traced(read: &[u8], reference: &[u8], operations: &[(CigarKind, u32)]) -> (String, Row, String) {
        let data = ReferenceData::new(&[reference]);
        let mut batch = svala_io::ReadBatch::default();
        batch.push(b"r", read, &vec![b'I'; read.len()]);
        let mut packed = PackedReads::default();
        packed.pack(&batch).unwrap();
        let operations: Vec<CigarOp> = operations.iter().map(|&(kind, length)| CigarOp::new(kind, length)).collect();
        let options = MapOptions::default();
        let replay = Replay { read: packed.read(0), reverse: false, reference: &data.reference(), options: &options };
        let mut md = Vec::new();
        let start = Start { query: 0, reference: data.contigs[0].start };
        let row = replay.run(start, &operations, &mut md);
        let told = replay.tell_matches(start, &operations).into_iter();
        let told = told.map(|op| format!("{}{}", op.len(), char::from(op.kind().letter()))).collect();
        (String::from_utf8(md).unwrap(), row, told)
    }

    #[test]
    fn matches_can_be_told_from_mismatches() {
        use CigarKind::{Deletion, Insertion, Match};
        let told = |read: &[u8], reference: &[u8], operations: &[_]| traced(read, reference, operations).2;
        assert_eq!(told(b"ACGT", b"ACGT", &[(Match, 4)]), "4=");
        assert_eq!(told(b"TTGA", b"ACGT", &[(Match, 4)]), "2X1=1X");
        assert_eq!(told(b"ACNT", b"ARNT", &[(Match, 4)]), "1=2X1=");
        let gaps = [(Match, 3), (Deletion, 2), (Match, 2), (Insertion, 1), (Match, 2)];
        assert_eq!(told(b"ACCTACAT", b"ACGTTTAAA", &gaps), "2=1X2D2=1I1=1X");
        let long = [b'A'; 200];
        assert_eq!(told(&long, &long, &[(Match, 200)]), "200=");
    }

    #[test]
    fn md_follows_the_specification() {
        use CigarKind::{Deletion, Insertion, Match};
        assert_eq!(replay(b"ACGT", b"ACGT", &[(Match, 4)]), ("4".into(), 0, 4));
        assert_eq!(replay(b"TCGA", b"ACGT", &[(Match, 4)]), ("0A2T0".into(), 2, 2 - 8));
        let deleted = replay(b"ACGTACGT", b"ACGTGGACGT", &[(Match, 4), (Deletion, 2), (Match, 4)]);
        assert_eq!(deleted, ("4^GG4".into(), 2, 8 - 8));
        let after = replay(b"ACGTTCGT", b"ACGTGGACGT", &[(Match, 4), (Deletion, 2), (Match, 4)]);
        assert_eq!(after.0, "4^GG0A3");
        let inserted = replay(b"ACGGGGT", b"ACGT", &[(Match, 3), (Insertion, 3), (Match, 1)]);
        assert_eq!(inserted, ("4".into(), 3, 4 - 9));
        assert_eq!(replay(b"ACNT", b"ACGT", &[(Match, 4)]), ("2G1".into(), 1, 2));
        assert_eq!(replay(b"ACGT", b"ARGT", &[(Match, 4)]), ("1R2".into(), 1, 2));
    }

    #[test]
    fn outer_gaps_become_clips() {
        let alignment = Alignment {
            read: 0,
            reverse: false,
            contig: 0,
            reference_start: 2000,
            reference_end: 2050,
            query_start: 3,
            query_end: 53,
            score: 0,
            alternate: false,
            gapped_band: Some(10),
        };
        let kinds =
            [(CigarKind::Deletion, 2), (CigarKind::Insertion, 1), (CigarKind::Match, 40), (CigarKind::Insertion, 9)];
        let mut operations: Vec<CigarOp> = kinds.iter().map(|&(kind, length)| CigarOp::new(kind, length)).collect();
        let start = trim_gaps(&alignment, &mut operations, 0);
        assert_eq!((start.query, start.reference), (4, 2002));
        assert_eq!(operations, [CigarOp::new(CigarKind::Match, 40)]);
    }

    #[test]
    fn numbers_are_decimal() {
        let mut text = Vec::new();
        for number in [0, 9, 10, 12_045] {
            push_number(&mut text, number);
            text.push(b' ');
        }
        assert_eq!(text, b"0 9 10 12045 ");
    }
}
