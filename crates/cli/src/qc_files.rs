//! The files of `--qc PREFIX`: statistics in the formats that other tools read.

use std::io::Write;
use std::path::{Path, PathBuf};

use svala_io::AtomicFile;
use svala_io::qc::{InsertSizes, coverage_text, flagstat_text, stats_text};
use svala_map::observer::Statistics;

use crate::error::{Error, Result};
use crate::multiqc;
use crate::run_facts::RunFacts;

/// Who made a file, for its first line.
const PROGRAM: &str = concat!("svala ", env!("CARGO_PKG_VERSION"));

/// A kind of file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Stats,
    Flagstat,
    InsertSizes,
    Coverage,
    RunTable,
    MappingQualities,
}

impl Kind {
    /// What a run has: pairs have insert sizes, and only a sorted file shows what is covered.
    fn of_run(paired: bool, sorted: bool) -> impl Iterator<Item = Self> {
        let all = [
            (Self::Stats, true),
            (Self::Flagstat, true),
            (Self::InsertSizes, paired),
            (Self::Coverage, sorted),
            (Self::RunTable, true),
            (Self::MappingQualities, true),
        ];
        all.into_iter().filter(|&(_, is_had)| is_had).map(|(kind, _)| kind)
    }

    /// What follows the prefix.
    fn suffix(self) -> &'static str {
        match self {
            Self::Stats => ".stats",
            Self::Flagstat => ".flagstat",
            Self::InsertSizes => ".insert_size_metrics",
            Self::Coverage => ".coverage",
            Self::RunTable => ".svala_mqc.json",
            Self::MappingQualities => ".svala_mapq_mqc.json",
        }
    }

    fn content(self, sample: &str, facts: &RunFacts, statistics: &Statistics) -> Vec<u8> {
        let Statistics { all, duplicates, depth } = statistics;
        match self {
            Self::Stats => stats_text(all, duplicates, depth.as_ref(), PROGRAM).into(),
            Self::Flagstat => flagstat_text(all, duplicates).into(),
            Self::InsertSizes => InsertSizes::to_text(&InsertSizes::of(&statistics.unique()), PROGRAM).into(),
            Self::Coverage => {
                depth.as_ref().map_or_else(Vec::new, |depth| coverage_text(&facts.header, &statistics.unique(), depth))
            }
            Self::RunTable => multiqc::run_table(sample, facts).into(),
            Self::MappingQualities => multiqc::mapping_qualities(sample, all).into(),
        }
    }
}

/// The path of a file of `--qc`.
pub fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// The paths of all files that a run writes.
pub fn paths(prefix: &Path, paired: bool, sorted: bool) -> impl Iterator<Item = PathBuf> {
    Kind::of_run(paired, sorted).map(|kind| with_suffix(prefix, kind.suffix()))
}

/// Files to be written at the end.
pub struct QcFiles {
    sample: String,
    files: Vec<(Kind, PathBuf, AtomicFile)>,
}

impl QcFiles {
    /// Makes them now, so that what prevents it is seen before the work.
    pub fn create(prefix: &Path, paired: bool, sorted: bool) -> Result<Self> {
        let create = |kind: Kind| {
            let path = with_suffix(prefix, kind.suffix());
            let file = AtomicFile::create(&path)?;
            Ok((kind, path, file))
        };
        let files = Kind::of_run(paired, sorted).map(create).collect::<Result<_>>()?;
        Ok(Self { sample: crate::align::file_name(prefix), files })
    }

    /// Writes them.
    pub fn write(self, facts: &RunFacts) -> Result<()> {
        let Some(statistics) = &facts.observation.statistics else {
            return Ok(());
        };
        for (kind, path, mut file) in self.files {
            let content = kind.content(&self.sample, facts, statistics);
            file.write_all(&content).map_err(|source| Error::File { path, source })?;
            file.commit()?;
        }
        Ok(())
    }
}
