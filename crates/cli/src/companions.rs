//! The files beside the records: duplication metrics, statistics, the record of the run.

use std::sync::Arc;

use svala_io::{InputWatch, RecordOrder};
use svala_map::read_groups::ReadGroups;

use crate::align::{Job, file_name};
use crate::error::Result;
use crate::metrics_file::MetricsFile;
use crate::qc_files::QcFiles;
use crate::run_facts::RunFacts;
use crate::run_record::RunRecord;

/// Files to be written at the end.
pub struct Companions {
    metrics: Option<MetricsFile>,
    qc: QcFiles,
    record: Option<RunRecord>,
}

impl Companions {
    /// Makes those that a job asks for now, so that what prevents them is seen before the work.
    pub fn create(job: &Job<'_>, watches: &[Arc<InputWatch>], paired: bool) -> Result<Self> {
        let inputs = job.inputs.files().map(file_name).zip(watches.iter().cloned());
        Ok(Self {
            metrics: job.metrics.map(MetricsFile::create).transpose()?,
            qc: QcFiles::create(job.qc, paired, job.order == RecordOrder::Coordinate)?,
            record: job.record_of().map(|output| RunRecord::create(output, inputs)).transpose()?,
        })
    }

    /// Writes them.
    pub fn write(self, job: &Job<'_>, facts: &RunFacts, read_groups: &ReadGroups) -> Result<()> {
        if let (Some(metrics), Some(counts)) = (self.metrics, &facts.duplicates) {
            metrics.write(counts, read_groups)?;
        }
        self.qc.write(facts)?;
        match (self.record, job.record_of()) {
            (Some(record), Some(output)) => record.write(output, job.reference, facts),
            _ => Ok(()),
        }
    }
}
