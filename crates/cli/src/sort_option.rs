//! How sorted files are made and what is done about duplicates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use svala_io::{RecordOrder, WriterOptions, is_stream};
use svala_map::meter::Meter;
use svala_map::observer::Observe;
use svala_map::sort::{DuplicateAction, DuplicateOptions, SortOptions, Watch};

use crate::align::is_cram;
use crate::args::{AlignArgs, QualityArgs, Sort, SortedArgs, all_threads};
use crate::companions::CompanionPlan;
use crate::error::{Error, Result};
use crate::memory;
use crate::qc_files::{QcPlan, with_suffix};

/// What the sort of `align` may use, if there is to be one.
pub fn sort_options(args: &AlignArgs, observe: Observe, meter: &Arc<Meter>) -> Result<Option<SortOptions>> {
    if args.sort == Sort::None {
        let why = "duplicates are found while records are sorted; leave out --sort none";
        let asked = args.sorted.metrics.as_ref().or(args.sorted.rmdup.then_some(&args.output));
        return asked.map_or(Ok(None), |path| Err(Error::Usage { path: path.clone(), why }));
    }
    let threads = args.threads.unwrap_or_else(all_threads);
    let watch = Watch { observe, depth: args.sort == Sort::Coordinate, meter: Arc::clone(meter) };
    Ok(Some(SortOptions { watch, ..args.sorted.sort_options(&args.output, threads) }))
}

/// What the header calls an order.
pub fn record_order(sort: Sort) -> RecordOrder {
    match sort {
        Sort::Coordinate => RecordOrder::Coordinate,
        Sort::Name => RecordOrder::Name,
        Sort::None => RecordOrder::Input,
    }
}

impl QualityArgs {
    /// The files beside `output`, but for duplication metrics.
    pub fn plan<'a>(&'a self, output: &'a Path, sorted: bool) -> CompanionPlan<'a> {
        let qc = QcPlan { prefix: self.prefix.as_deref(), report: self.report.as_deref() };
        // A stream has no name beside which a record could stand.
        let record_of = Some(output).filter(|output| !self.no_record && !is_stream(output));
        CompanionPlan { metrics: [None; 2], qc, record_of, sorted }
    }

    /// Where duplication metrics go that `--qc` asks for, if duplicates are `found`.
    pub fn duplicate_metrics(&self, found: bool) -> Option<PathBuf> {
        self.prefix.as_deref().filter(|_| found).map(|prefix| with_suffix(prefix, ".duplicate_metrics"))
    }
}

impl SortedArgs {
    /// What a sort to `output` may use, threads among it. Runs go beside it unless told otherwise, or into the working folder if it
    /// is a stream.
    pub fn sort_options(&self, output: &Path, threads: usize) -> SortOptions {
        let folder = self.tmp_dir.clone().unwrap_or_else(|| match output.parent() {
            Some(folder) if !folder.as_os_str().is_empty() && !is_stream(output) => folder.to_owned(),
            _ => PathBuf::from("."),
        });
        let action = match (self.no_markdup, self.rmdup) {
            (true, _) => DuplicateAction::Ignore,
            (_, true) => DuplicateAction::Remove,
            _ => DuplicateAction::Mark,
        };
        let duplicates = DuplicateOptions { action, optical_distance: self.optical_distance };
        let max_memory_bytes = self.max_mem_bytes.unwrap_or_else(memory::default_bytes);
        SortOptions { max_memory_bytes, folder, threads, duplicates, watch: Watch::default(), resume: None }
    }

    /// How the file is written by so many threads.
    pub fn writer_options(&self, threads: usize) -> WriterOptions {
        WriterOptions {
            compression_level: self.level,
            cram_version: self.cram_version.unwrap_or_default(),
            index: !self.no_index,
            threads,
            digest: false,
            count: true,
        }
    }

    /// Refuses to be asked for an index where there is none: of records that are not `by_place`, and beside a stream.
    ///
    /// # Errors
    ///
    /// As said.
    pub fn check_index(&self, output: &Path, by_place: bool) -> Result<()> {
        let why = match (by_place, is_stream(output)) {
            _ if !self.write_index => return Ok(()),
            (false, _) => "only a file that is sorted by coordinate has an index",
            (true, true) => "a stream has no index beside it; expected a file for -o",
            (true, false) => return Ok(()),
        };
        Err(Error::Option { option: "--write-index", why })
    }

    /// Refuses a version of CRAM for another format.
    ///
    /// # Errors
    ///
    /// As said.
    pub fn check_format(&self, output: &Path) -> Result<()> {
        if self.cram_version.is_some() && !is_cram(output) {
            let why = "--cram-version is for an output whose name ends in .cram";
            return Err(Error::Usage { path: output.to_owned(), why });
        }
        Ok(())
    }
}
