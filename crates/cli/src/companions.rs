//! The files beside the records: duplication metrics, statistics, the record of the run.

use std::path::{Path, PathBuf};

use svala_io::{AtomicFile, CompleteOutput};
use svala_map::observer::Observe;
use svala_map::read_groups::ReadGroups;

use crate::error::{Error, Result};
use crate::metrics_file::MetricsFile;
use crate::qc_files::{QcFiles, QcPlan};
use crate::run_facts::RunFacts;
use crate::run_record::{RunRecord, record_path};

/// Which files are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompanionPlan<'a> {
    /// Where duplication metrics go: the file that is named for them, and that beside the statistics.
    pub metrics: [Option<&'a Path>; 2],
    /// Files of statistics.
    pub qc: QcPlan<'a>,
    /// The output, if a record of the run stands beside it.
    pub record_of: Option<&'a Path>,
    /// Whether records are sorted by place, and so show what is covered.
    pub sorted: bool,
}

impl<'a> CompanionPlan<'a> {
    /// The files of duplication metrics, each once.
    fn metrics(&self) -> impl Iterator<Item = &'a Path> + use<'a> {
        let [named, beside] = self.metrics;
        named.into_iter().chain(beside.filter(|_| beside != named))
    }

    /// All files that are written, or may be.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.named().chain(self.record_of.map(record_path))
    }

    /// Those that options name: all but the record of the run.
    pub fn named(&self) -> impl Iterator<Item = PathBuf> {
        self.metrics().map(Path::to_owned).chain(self.qc.paths(true, self.sorted))
    }

    /// What must be counted for them, and to see that no record was lost.
    pub fn observe(&self) -> Observe {
        if self.qc.is_empty() { Observe::Sums } else { Observe::All }
    }
}

/// Files to be written at the end.
pub struct Companions {
    metrics: Vec<MetricsFile>,
    qc: QcFiles,
    record: Option<RunRecord>,
}

impl Companions {
    /// Makes those that are asked for now, so that what prevents them is seen before the work.
    pub fn create(plan: CompanionPlan<'_>, paired: bool) -> Result<Self> {
        Ok(Self {
            metrics: plan.metrics().map(MetricsFile::create).collect::<Result<_>>()?,
            qc: QcFiles::create(plan.qc, paired, plan.sorted)?,
            record: plan.record_of.map(RunRecord::create).transpose()?,
        })
    }

    /// Writes them and gives them and the output their names, once nothing but these is missing of any.
    pub fn finish(self, output: Option<CompleteOutput>, facts: &RunFacts, read_groups: &ReadGroups) -> Result<()> {
        let mut files = self.qc.complete(facts)?;
        if let Some(counts) = &facts.duplicates {
            let metrics = self.metrics.into_iter().map(|file| file.complete(counts, read_groups));
            files.extend(metrics.collect::<Result<Vec<_>>>()?);
        }
        if let (None, Some(path)) = (&self.record, output.as_ref().and_then(CompleteOutput::path)) {
            remove_stale_record(&record_path(path))?;
        }
        files.extend(self.record.map(|record| record.complete(facts)).transpose()?);
        output.map_or(Ok(()), CompleteOutput::commit)?;
        Ok(files.into_iter().try_for_each(AtomicFile::commit)?)
    }
}

/// Removes the record of a run that made what a file was before, where the new one has none.
fn remove_stale_record(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::File { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
