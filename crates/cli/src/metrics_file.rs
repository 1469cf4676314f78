//! The file of `--metrics`.

use std::io::Write;
use std::path::{Path, PathBuf};

use svala_io::{AtomicFile, DuplicationMetrics, ReadGroup};
use svala_map::duplicates::DuplicateCounts;
use svala_map::pipeline::Summary;

use crate::error::{Error, Result};

/// A file of duplication metrics to be written at the end.
pub struct MetricsFile {
    file: AtomicFile,
    path: PathBuf,
}

impl MetricsFile {
    /// Makes it now, so that what prevents it is seen before the work.
    pub fn create(path: &Path) -> Result<Self> {
        Ok(Self { file: AtomicFile::create(path)?, path: path.to_owned() })
    }

    /// Writes it.
    pub fn write(mut self, reads: &Summary, found: &DuplicateCounts, read_group: Option<&ReadGroup>) -> Result<()> {
        let metrics = DuplicationMetrics {
            unpaired_reads_examined: found.unpaired_reads,
            read_pairs_examined: found.pairs,
            secondary_or_supplementary_records: reads.records - reads.reads,
            unmapped_reads: reads.reads - reads.mapped,
            unpaired_read_duplicates: found.unpaired_duplicates,
            read_pair_duplicates: found.pair_duplicates,
            read_pair_optical_duplicates: found.optical_duplicates,
        };
        let library = read_group.and_then(ReadGroup::library);
        let text = metrics.to_text(library.as_deref(), concat!("svala ", env!("CARGO_PKG_VERSION")));
        self.file.write_all(text.as_bytes()).map_err(|source| Error::File { path: self.path.clone(), source })?;
        Ok(self.file.commit()?)
    }
}
