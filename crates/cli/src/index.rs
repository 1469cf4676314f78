//! `svala index`.

use std::path::Path;
use std::time::Instant;

use svala_map::index::{build, index_path};

use crate::args::{IndexArgs, all_threads};
use crate::error::{Error, Result};
use crate::interrupt;

/// Builds the index of a reference beside it.
pub fn run(args: &IndexArgs) -> Result<()> {
    let start = Instant::now();
    if args.reference == Path::new("-") {
        let why = "a reference must be a file: its index is written beside it";
        return Err(Error::Usage { path: args.reference.clone(), why });
    }
    let output = index_path(&args.reference);
    interrupt::remove_on_signal(vec![output.clone()])?;
    let report = build(&args.reference, &output, args.threads.unwrap_or_else(all_threads))?;
    eprintln!(
        "svala: indexed {} contigs, {} bases, {} seeds in {:.1} s: {} ({:.1} MB)",
        report.contigs,
        report.bases,
        report.seeds,
        start.elapsed().as_secs_f64(),
        output.display(),
        report.file_bytes as f64 / 1e6,
    );
    Ok(())
}
