//! The file of `--metrics`.

use std::io::Write;
use std::path::{Path, PathBuf};

use svala_io::{AtomicFile, DuplicationMetrics};
use svala_map::duplicates::{DuplicateCounts, LibraryCounts};
use svala_map::read_groups::ReadGroups;

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

    /// Writes it, with a row a library, but for its name.
    pub fn complete(mut self, counts: &LibraryCounts, groups: &ReadGroups) -> Result<AtomicFile> {
        let rows = counts.rows(groups.libraries()).map(|(number, counts)| (groups.library(number), metrics(counts)));
        let text = DuplicationMetrics::to_text(rows, concat!("svala ", env!("CARGO_PKG_VERSION")));
        self.file.write_all(text.as_bytes()).map_err(|source| Error::File { path: self.path.clone(), source })?;
        self.file.complete()?;
        Ok(self.file)
    }
}

fn metrics(counts: DuplicateCounts) -> DuplicationMetrics {
    DuplicationMetrics {
        unpaired_reads_examined: counts.unpaired_reads,
        read_pairs_examined: counts.pairs,
        secondary_or_supplementary_records: counts.secondary_or_supplementary,
        unmapped_reads: counts.unmapped_reads,
        unpaired_read_duplicates: counts.unpaired_duplicates,
        read_pair_duplicates: counts.pair_duplicates,
        read_pair_optical_duplicates: counts.optical_duplicates,
    }
}
