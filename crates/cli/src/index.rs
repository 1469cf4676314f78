//! `svala index`.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use svala_io::{Contig, FastaReader, ReferenceCompanions, is_stream};
use svala_map::index::{BuildOptions, build, index_path};
use svala_map::meter::IndexMeter;

use crate::alt_contigs::{self, AltContigs};
use crate::args::{IndexArgs, all_threads};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::progress::Progress;
use crate::run_files::RunFiles;
use crate::say;

/// Builds the index of a reference beside it.
pub fn run(args: &IndexArgs) -> Result<()> {
    let start = Instant::now();
    if is_stream(&args.reference) {
        let why = "a reference must be a file: it is read more than once, and its index is written beside it";
        return Err(Error::Usage { path: args.reference.clone(), why });
    }
    let prefix = args.prefix.as_ref().or(args.prefix_option.as_ref()).unwrap_or(&args.reference);
    let output = index_path(prefix);
    let companions = ReferenceCompanions::paths(prefix);
    let companions = if args.companions { &companions[..] } else { &[] };
    let outputs = [std::slice::from_ref(&output), companions].concat();
    let files = RunFiles::default().reads(&args.reference).reads_all(alt_contigs::paths(prefix).iter().map(|p| &**p));
    files.writes_all(outputs.clone()).check()?;
    interrupt::remove_on_signal(outputs)?;
    if args.companions {
        write_companions(&args.reference, prefix)?;
    }
    let meter = Arc::new(IndexMeter::default());
    let progress = Progress::of_index(&meter);
    let threads = args.threads.unwrap_or_else(all_threads);
    let report = build(&args.reference, &output, &BuildOptions { threads, meter: &meter, position_bits: None })?;
    drop(progress);
    say::line(format_args!(
        "svala: indexed {} contigs, {} bases, {} seeds in {:.1} s: {} ({:.1} MB)",
        report.contigs.len(),
        report.bases,
        report.seeds,
        start.elapsed().as_secs_f64(),
        output.display(),
        report.file_bytes as f64 / 1e6,
    ));
    warn_of_alternates(prefix, &report.contigs);
    Ok(())
}

/// Says what aligners will say of alternate loci: now, when it costs nothing yet. The index is the same with and without their file.
fn warn_of_alternates(prefix: &Path, contigs: &[Vec<u8>]) {
    let names = || contigs.iter().map(|name| &name[..]);
    let warning = match AltContigs::read(prefix, names()) {
        Ok(alternates) => alternates.warning(names()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(warning) = warning {
        say::line(format_args!("svala: warning: {warning}"));
    }
}

/// Writes what pipelines look for beside a reference.
fn write_companions(reference: &Path, prefix: &Path) -> Result<()> {
    let mut companions = ReferenceCompanions::create(prefix)?;
    let mut reader = FastaReader::open(reference)?;
    let mut contig = Contig::default();
    while reader.read_contig(&mut contig)? {
        companions.add(&contig)?;
    }
    Ok(companions.finish()?)
}
