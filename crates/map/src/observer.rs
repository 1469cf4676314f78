//! What is counted of records on their way: always how many and their digest, and all statistics if they are asked for.

use svala_io::qc::{DepthSummary, RecordSums, Tally};
use svala_io::{AlignmentWriter, CompleteOutput, EncodedRecord, FileDigest};

use crate::error::{Error, Result};

/// What is counted of records.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Observe {
    /// Nothing.
    #[default]
    Nothing,
    /// How many, and their digest.
    Sums,
    /// Everything.
    All,
}

/// Counts of a set of records.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    /// How many, and their digest.
    pub sums: Option<RecordSums>,
    /// Statistics.
    pub tally: Option<Tally>,
}

impl Observer {
    /// One that has seen nothing.
    #[must_use]
    pub fn new(what: Observe) -> Self {
        Self {
            sums: (what != Observe::Nothing).then(RecordSums::default),
            tally: (what == Observe::All).then(Tally::default),
        }
    }

    /// One that counts the same and has seen nothing.
    pub(crate) fn nothing(&self) -> Self {
        Self { sums: self.sums.map(|_| RecordSums::default()), tally: self.tally.as_ref().map(|_| Tally::default()) }
    }

    /// Counts a record.
    pub fn add(&mut self, record: EncodedRecord<'_>) {
        if let Some(sums) = &mut self.sums {
            sums.add(record);
        }
        if let Some(tally) = &mut self.tally {
            tally.add(record);
        }
    }

    /// Counts encoded records that stand one after the other.
    pub(crate) fn add_all(&mut self, records: &[u8]) -> Result<()> {
        if self.sums.is_none() && self.tally.is_none() {
            return Ok(());
        }
        EncodedRecord::all(records).try_for_each(|record| {
            self.add(record.map_err(|_| Error::BrokenRecord)?);
            Ok(())
        })
    }

    /// Counts what another has seen as well.
    pub(crate) fn merge(&mut self, other: &Self) {
        if let (Some(own), Some(other)) = (&mut self.sums, &other.sums) {
            own.merge(other);
        }
        if let (Some(own), Some(other)) = (&mut self.tally, &other.tally) {
            own.merge(other);
        }
    }
}

/// What a sink knows of the records once it has written them.
#[derive(Default)]
pub struct Written {
    /// Records of duplicates, as they were before they were flagged.
    pub duplicates: Observer,
    /// Those records as they were written; none if they were left out.
    pub flagged: RecordSums,
    /// Whether they were left out.
    pub removed: bool,
    /// Depth of coverage, of sorted records.
    pub depth: Option<DepthSummary>,
    /// The output, which lacks its name.
    pub output: Option<CompleteOutput>,
}

impl Written {
    /// What must have been written of the records that were made.
    fn expected(&self, made: RecordSums) -> RecordSums {
        let mut sums = made;
        if let Some(unflagged) = &self.duplicates.sums {
            sums.subtract(unflagged);
            sums.merge(&self.flagged);
        }
        sums
    }

    /// Completes the output but for its name, if it has what it must have of the records that were made.
    pub(crate) fn finish(&mut self, writer: AlignmentWriter, made: Option<RecordSums>) -> Result<()> {
        if let (Some(made), Some(written)) = (made, writer.written())
            && self.expected(made) != *written
        {
            return Err(Error::RecordsChanged { made: made.records, written: written.records });
        }
        self.output = Some(writer.complete()?);
        Ok(())
    }
}

/// Everything that was counted in a run, of the records as they are in the output.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// How many, and their digest.
    pub sums: RecordSums,
    /// The whole file, if its digest was asked for.
    pub file: Option<FileDigest>,
    /// Statistics, if they were asked for.
    pub statistics: Option<Statistics>,
}

/// Statistics of an output.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Of all records.
    pub all: Tally,
    /// Of those among them that are flagged as duplicates.
    pub duplicates: Tally,
    /// Depth of coverage, of sorted records.
    pub depth: Option<DepthSummary>,
}

impl Observation {
    /// From what mapping threads and the sink saw; and the output.
    pub(crate) fn new(mapped: Observer, written: Written) -> (Self, Option<CompleteOutput>) {
        let sums = mapped.sums.map_or_else(RecordSums::default, |made| written.expected(made));
        let Written { duplicates, removed, depth, output, .. } = written;
        let file = output.as_ref().and_then(CompleteOutput::digest);
        let duplicates = duplicates.tally.unwrap_or_default();
        let statistics = mapped.tally.map(|mut all| {
            if !removed {
                return Statistics { all, duplicates, depth };
            }
            all.subtract(&duplicates);
            Statistics { all, duplicates: Tally::default(), depth }
        });
        (Self { sums, file, statistics }, output)
    }
}

impl Statistics {
    /// Of the records that are no duplicates.
    #[must_use]
    pub fn unique(&self) -> Tally {
        let mut unique = self.all.clone();
        unique.subtract(&self.duplicates);
        unique
    }
}
