//! `svala selftest`: whether this installation does what its version does elsewhere, as a report for a laboratory's files.

mod checks;
mod expected;
mod facts;
mod render;

use std::io::Write;
use std::path::Path;

use svala_compute::usable_adapters;
use svala_io::AtomicFile;

use crate::args::{SelftestArgs, all_threads};
use crate::error::{Error, Result};
use checks::Check;

/// What is found.
struct Report {
    /// The program and the machine: what, and its value.
    facts: Vec<(&'static str, String)>,
    checks: Vec<Check>,
}

impl Report {
    fn failed(&self) -> usize {
        self.checks.iter().filter(|check| !check.passed).count()
    }
}

/// Checks everything and reports.
pub fn run(args: &SelftestArgs) -> Result<()> {
    let adapters = usable_adapters();
    let threads = args.threads.unwrap_or_else(all_threads).max(1);
    let facts = facts::gather(&adapters)?;
    let report = Report { facts, checks: checks::all(&adapters, args.jobs as usize, threads)? };
    if let Some(path) = &args.report {
        write(path, &report)?;
    }
    std::io::stdout().write_all(render::text(&report).as_bytes()).map_err(Error::Output)?;
    match report.failed() {
        0 => Ok(()),
        failed => Err(Error::SelftestFailed(failed)),
    }
}

fn write(path: &Path, report: &Report) -> Result<()> {
    let is_html = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    let content = if is_html { render::html(report) } else { render::json(report) };
    let mut file = AtomicFile::create(path)?;
    file.write_all(content.as_bytes()).map_err(|source| Error::File { path: path.to_owned(), source })?;
    Ok(file.commit()?)
}
