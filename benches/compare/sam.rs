//! Judges an aligner's SAM text by the truth in dwgsim's read names.
//!
//! **Counted** is every primary record (flags 0x100 and 0x800 both unset); all shares are of these. A record is
//! **correct** if it lies on the true contig and its start is within [`TOLERANCE_BP`] of the true start, where "start" is
//! POS, or POS minus the leading clip (soft or hard): a read clipped for errors at its start is where it came from all the
//! same. The strand is not asked for. **Wrong at MAPQ ≥ q** is a mapped record with that MAPQ that is not correct.
//!
//! Names are `contig_start1_start2_strand1_strand2_random1_random2_edits1_edits2_id`, the contig with any number of
//! underscores, starts 1-based and leftmost on the forward strand (Homer, *DWGSIM: whole genome simulator for
//! next-generation sequencing*, 2010, <https://github.com/nh13/DWGSIM>).

use std::io::BufRead;

/// How far from the truth a start may be, in bases.
pub const TOLERANCE_BP: i64 = 20;

const PROPER: u16 = 0x2;
const UNMAPPED: u16 = 0x4;
const SECOND: u16 = 0x80;
const SECONDARY_OR_SUPPLEMENTARY: u16 = 0x900;

/// What is wrong with SAM text. Records are counted from 1; names are never shown, as they may be a patient's.
#[derive(Debug, thiserror::Error)]
pub enum SamError {
    /// It can't be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// A record breaks the format.
    #[error("record {0} is not valid SAM")]
    Record(u64),
    /// A read's name is not one of dwgsim's.
    #[error("the read name of record {0} is not one of dwgsim's: leave out --truth names")]
    Name(u64),
}

/// What was counted in an aligner's output. The counts of correct and wrong records stay 0 if the truth isn't known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Primary records.
    pub records: u64,
    /// Those that are mapped.
    pub mapped: u64,
    /// Those flagged as one of a proper pair.
    pub proper: u64,
    /// Those with MAPQ ≥ 20.
    pub mapq_20: u64,
    /// Those with MAPQ ≥ 30.
    pub mapq_30: u64,
    /// Those placed where they came from.
    pub correct: u64,
    /// Those with MAPQ ≥ 20 that are not correct.
    pub wrong_20: u64,
    /// Those with MAPQ ≥ 30 that are not correct.
    pub wrong_30: u64,
}

impl Tally {
    /// Counts all records of SAM text; `with_truth` says whether names hold the truth.
    ///
    /// # Errors
    ///
    /// The text can't be read, is no SAM, or a name holds no truth.
    pub fn of(mut sam: impl BufRead, with_truth: bool) -> Result<Self, SamError> {
        let mut tally = Self::default();
        let mut line = Vec::new();
        let mut number = 0;
        loop {
            line.clear();
            if sam.read_until(b'\n', &mut line)? == 0 {
                return Ok(tally);
            }
            if line.starts_with(b"@") {
                continue;
            }
            number += 1;
            let record = Record::parse(&line).ok_or(SamError::Record(number))?;
            if record.flags & SECONDARY_OR_SUPPLEMENTARY == 0 {
                let correct = with_truth.then(|| record.is_correct().ok_or(SamError::Name(number))).transpose()?;
                tally.count(&record, correct);
            }
        }
    }

    /// Counts a primary record, and whether it is correct if that is known.
    fn count(&mut self, record: &Record, correct: Option<bool>) {
        let mapped = record.flags & UNMAPPED == 0;
        let wrong = correct == Some(false);
        let (mapq_20, mapq_30) = (mapped && record.mapq >= 20, mapped && record.mapq >= 30);
        self.records += 1;
        self.mapped += u64::from(mapped);
        self.proper += u64::from(record.flags & PROPER != 0);
        self.mapq_20 += u64::from(mapq_20);
        self.mapq_30 += u64::from(mapq_30);
        self.correct += u64::from(correct == Some(true));
        self.wrong_20 += u64::from(mapq_20 && wrong);
        self.wrong_30 += u64::from(mapq_30 && wrong);
    }

    /// `count` in percent of all primary records; 0 if there are none.
    pub fn percent(&self, count: u64) -> f64 {
        100.0 * count as f64 / self.records.max(1) as f64
    }

    /// `count` per million primary records; 0 if there are none.
    pub fn per_million(&self, count: u64) -> f64 {
        1e6 * count as f64 / self.records.max(1) as f64
    }
}

/// The fields of a record that are judged. `start` is POS, 1-based.
struct Record<'a> {
    name: &'a [u8],
    flags: u16,
    contig: &'a [u8],
    start: i64,
    mapq: u8,
    cigar: &'a [u8],
}

impl<'a> Record<'a> {
    /// None if `line` is no record.
    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.split(|&byte| byte == b'\t');
        Some(Self {
            name: fields.next()?,
            flags: number(fields.next()?)?,
            contig: fields.next()?,
            start: number(fields.next()?)?,
            mapq: number(fields.next()?)?,
            cigar: fields.next()?,
        })
    }

    /// Whether the record lies where its read came from; none if its name doesn't say.
    fn is_correct(&self) -> Option<bool> {
        let (contig, start) = origin(self.name, self.flags & SECOND != 0)?;
        if self.flags & UNMAPPED != 0 || self.contig != contig {
            return Some(false);
        }
        let near = |position: i64| (position - start).abs() <= TOLERANCE_BP;
        Some(near(self.start) || near(self.start - self.leading_clip()))
    }

    /// Length of the first CIGAR operation if it is a clip, else 0, in bases.
    fn leading_clip(&self) -> i64 {
        let digits = self.cigar.iter().take_while(|byte| byte.is_ascii_digit()).count();
        match self.cigar.get(digits) {
            Some(b'S' | b'H') => number(&self.cigar[..digits]).unwrap_or(0),
            _ => 0,
        }
    }
}

/// The contig and the 1-based start that a read was simulated from.
fn origin(name: &[u8], second: bool) -> Option<(&[u8], i64)> {
    // From the right: id, edits 2, 1, random 2, 1, strand 2, 1, start 2, start 1, contig.
    let mut fields = name.rsplitn(10, |&byte| byte == b'_').skip(7);
    let (start_2, start_1, contig) = (fields.next()?, fields.next()?, fields.next()?);
    Some((contig, number(if second { start_2 } else { start_1 })?))
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
