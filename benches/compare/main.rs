//! svala beside its peers: the run that a sequencing centre does before it decides.
//!
//! ```sh
//! cargo bench --bench compare -- --ref ref.fa --reads R1.fq.gz R2.fq.gz --truth names --json out.json --svg out.svg
//! ```
//!
//! maps the same reads to the same reference with svala and every aligner on PATH that has an adapter in `aligners.rs`, and
//! prints one table. What makes it fair:
//!
//! - Indexes are built before and not counted. They and all logs stay in `--cache`.
//! - One pass of each aligner is judged and not timed; it also warms the page cache. The timed rounds after it are
//!   interleaved (A B C A B C …) with output thrown away, so that what else the machine does hits all alike.
//! - CPU time is user and system time of the whole process as the operating system counts it, so start-up, index loading,
//!   decompression and output are in it. Ratios are taken round by round; tables show medians.
//! - Correct is what `sam.rs` defines, from the read names of dwgsim.
//!
//! With `--sorted` the rounds time the way to a sorted, marked and indexed BAM file: `svala align` beside each other aligner with
//! samtools behind it, and `svala mem` alone for what the file costs. The first passes, and so the shares, are of mapping alone.
//!
//! Cargo builds svala's executable with this bench; `--svala PATH` takes another. svala uses a hardware GPU if there is one:
//! CPU time then leaves out what the GPU did, so compare wall time too.

mod aligner;
mod aligners;
mod args;
mod axis;
mod cache;
mod error;
mod json;
mod label;
mod machine;
mod measure;
mod number;
mod report;
mod run;
mod sam;
mod sorted;
mod stats;
mod svg;
mod table;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use crate::aligners::SVALA;
use crate::args::Args;
use crate::error::Error;
use crate::number::thousands;
use crate::report::Report;

fn main() -> ExitCode {
    let args = Args::parse();
    let Some(reference) = &args.reference else {
        // `cargo bench` and `cargo test --benches` start every bench without arguments.
        println!("compare: nothing to do without --ref and --reads; --help tells more");
        return ExitCode::SUCCESS;
    };
    match run(&args, reference) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compare: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args, reference: &Path) -> Result<(), Error> {
    let report = run::compare(args, reference)?;
    print!("{}", table::render(&report));
    if let Some(path) = &args.json {
        fs::write(path, format!("{:#}\n", json::render(&report))).map_err(Error::file(path))?;
    }
    if let Some(path) = &args.svg {
        fs::write(path, svg::render(&plot(&report))).map_err(Error::file(path))?;
    }
    Ok(())
}

/// Accuracy against speed.
fn plot(report: &Report) -> svg::Plot {
    let points = report.entries.iter().map(|entry| svg::Point {
        x: report.reads_per_cpu_s(entry),
        y: entry.tally.percent(entry.tally.correct),
        name: entry.name.clone(),
        note: format!("{} wrong per million", thousands(entry.tally.per_million(entry.tally.wrong_20))),
        stands_out: entry.name == SVALA,
    });
    svg::Plot {
        title: "Accuracy against speed; “wrong” counts reads with MAPQ ≥ 20".to_owned(),
        subtitle: format!("{}; {}", report.title(), report.machine.cpu),
        x_name: "reads per CPU second (more is faster)".to_owned(),
        y_name: "reads placed where they came from (%)".to_owned(),
        points: points.collect(),
    }
}
