//! The files of `--qc PREFIX` and `--report FILE`: statistics in the formats that other tools read.

use std::io::Write;
use std::path::{Path, PathBuf};

use svala_io::qc::{InsertSizes, coverage_text, flagstat_text, stats_text};
use svala_io::{AtomicFile, flags};
use svala_map::observer::Statistics;

use crate::error::{Error, Result};
use crate::multiqc;
use crate::report;
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
    Report,
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
            (Self::Report, true),
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
            Self::Report => ".html",
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
            Self::Report => report::html(sample, facts, statistics).into(),
        }
    }
}

/// What is asked for, and what the run has.
#[derive(Clone, Copy, Debug, Default)]
pub struct QcPlan<'a> {
    /// How the names of all files start.
    pub prefix: Option<&'a Path>,
    /// Where the report goes, instead of beside the others.
    pub report: Option<&'a Path>,
}

impl QcPlan<'_> {
    /// Whether nothing is asked for.
    pub fn is_empty(self) -> bool {
        self.prefix.is_none() && self.report.is_none()
    }

    fn files(self, paired: bool, sorted: bool) -> impl Iterator<Item = (Kind, PathBuf)> {
        Kind::of_run(paired, sorted).filter_map(move |kind| {
            let beside = self.prefix.map(|prefix| with_suffix(prefix, kind.suffix()));
            let report = self.report.filter(|_| kind == Kind::Report).map(Path::to_owned);
            Some((kind, report.or(beside)?))
        })
    }

    /// The paths of all files that a run writes.
    pub fn paths(self, paired: bool, sorted: bool) -> impl Iterator<Item = PathBuf> {
        self.files(paired, sorted).map(|(_, path)| path)
    }

    /// What the sample is called in them.
    fn sample(self) -> String {
        let report = self.report.map(|path| path.with_extension(""));
        self.prefix.or(report.as_deref()).map_or_else(String::new, crate::output_header::file_name)
    }
}

/// A path with something behind its last part.
pub fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = prefix.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Files to be written at the end.
pub struct QcFiles {
    sample: String,
    files: Vec<(Kind, PathBuf, AtomicFile)>,
}

impl QcFiles {
    /// Makes them now, so that what prevents it is seen before the work.
    pub fn create(plan: QcPlan<'_>, paired: bool, sorted: bool) -> Result<Self> {
        let create = |(kind, path): (Kind, PathBuf)| {
            let file = AtomicFile::create(&path)?;
            Ok((kind, path, file))
        };
        let files = plan.files(paired, sorted).map(create).collect::<Result<_>>()?;
        Ok(Self { sample: plan.sample(), files })
    }

    /// Writes them but for their names.
    pub fn complete(self, facts: &RunFacts) -> Result<Vec<AtomicFile>> {
        let Some(statistics) = &facts.observation.statistics else {
            return Ok(Vec::new());
        };
        let complete = |(kind, path, mut file): (Kind, PathBuf, AtomicFile)| {
            let content = kind.content(&self.sample, facts, statistics);
            file.write_all(&content).map_err(|source| Error::File { path, source })?;
            file.complete()?;
            Ok(file)
        };
        // Where some reads may be mates, only their records tell whether any are; so shards and their whole have the same files.
        let has_pairs = statistics.all.with_flags(flags::PAIRED, 0) > 0;
        let files = self.files.into_iter().filter(|(kind, ..)| has_pairs || *kind != Kind::InsertSizes);
        files.map(complete).collect()
    }
}
