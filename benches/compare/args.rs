//! Command-line arguments, as the user gives them.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Runs svala and every other short-read aligner found on PATH side by side: same reads, same reference, same machine,
/// interleaved rounds, accuracy beside every speed.
#[derive(Debug, Parser)]
#[command(name = "compare")]
pub struct Args {
    /// Reference in FASTA format, not compressed (not every aligner inflates it)
    #[arg(long = "ref", value_name = "REF.fa", requires = "reads")]
    pub reference: Option<PathBuf>,
    /// Reads: one file, or two files of mates
    #[arg(long, num_args = 1..=2, value_name = "FASTQ", requires = "reference")]
    pub reads: Vec<PathBuf>,
    /// Where the truth about each read is; without it accuracy is not judged
    #[arg(long, value_name = "WHERE")]
    pub truth: Option<TruthArg>,
    /// Mapping threads of every aligner
    #[arg(short = 't', long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: u32,
    /// Timed rounds
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Only these aligners, in this order, instead of all that are found
    #[arg(long, value_delimiter = ',', value_name = "NAME,NAME")]
    pub only: Vec<String>,
    /// Time the way to a sorted, marked, indexed BAM file, with samtools behind the others, and `svala mem` alone beside it
    #[arg(long)]
    pub sorted: bool,
    /// svala's executable, instead of the one built with this bench
    #[arg(long, value_name = "PATH")]
    pub svala: Option<PathBuf>,
    /// Where indexes and logs are kept
    #[arg(long, default_value = "target/compare", value_name = "DIR")]
    pub cache: PathBuf,
    /// Write every round, version and command, and the machine, to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Plot accuracy against speed into this file
    #[arg(long, value_name = "FILE", requires = "truth")]
    pub svg: Option<PathBuf>,
    /// What `cargo bench` adds to every bench's arguments
    #[arg(long, hide = true)]
    pub bench: bool,
}

/// Where the truth about each read is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TruthArg {
    /// In its name, as dwgsim writes it
    Names,
}
