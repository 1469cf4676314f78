//! The command line of svala: arguments in, run, exit code out. The program is nothing but [`main`]; it is a library so that fuzz
//! targets reach what reads a user's words and sheets.
#![deny(clippy::print_stdout, clippy::print_stderr, reason = "they end the program where nobody reads")]

mod align;
mod allocator;
mod alt_contigs;
mod args;
mod bwa_options;
mod companions;
mod demo;
mod doctor;
mod environment;
mod error;
mod index;
mod inputs;
mod insert_file;
mod insert_option;
mod interrupt;
mod label_args;
mod memory;
mod merge;
mod metrics_file;
mod multiqc;
mod one_sample;
mod open_index;
mod output_header;
mod panic_message;
mod parabricks;
mod personality;
mod program_line;
mod progress;
mod qc_files;
mod record_options;
mod report;
mod resume_option;
mod run_facts;
mod run_files;
mod run_record;
mod sample_sheet;
mod say;
mod scoring_options;
mod selftest;
mod shard_sets;
mod shell_files;
mod sort_option;
mod space;
mod verify;
mod version;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use error::Error;
use personality::Invocation;

#[global_allocator]
static ALLOCATOR: allocator::SystemOrEnd = allocator::SystemOrEnd;

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    environment::prepare();
    std::panic::set_hook(Box::new(|panic| {
        if panic_message::is_refused_stack(panic.payload()) {
            allocator::end();
        }
        say::line(format_args!("{}", panic_message::message(panic)));
    }));
    let words = match personality::understand(std::env::args_os().collect()) {
        Invocation::Run(words) => words,
        Invocation::Version => return exit_code(print_version()),
        Invocation::Usage(text) => {
            say::words(&text);
            return ExitCode::FAILURE;
        }
    };
    let cli = Cli::parse_from(words);
    let outcome = std::panic::catch_unwind(|| match &cli.command {
        Command::Index(args) => index::run(args),
        Command::Mem(args) => align::mem(args),
        Command::Align(args) => align::align(args),
        Command::Verify(args) => verify::run(args),
        Command::Merge(args) => merge::run(args),
        Command::InsertSize(args) => insert_file::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Selftest(args) => selftest::run(args),
        Command::Completions(args) => shell_files::completions(args.shell),
        Command::Man(args) => shell_files::manual(args.command.as_deref()),
    });
    match outcome {
        Ok(outcome) => exit_code(outcome),
        // It has been told.
        Err(panic) if panic_message::is_refused_thread(&*panic) => ExitCode::FAILURE,
        Err(_) => ExitCode::from(Error::EXIT_BUG),
    }
}

/// Says what went wrong, if anything, and how the program ends.
fn exit_code(outcome: error::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // A reader that has seen enough (`| head`) is told nothing; the code is a shell's for SIGPIPE.
    let message = error.to_string();
    if !error.is_broken_pipe() && allocator::has_last_word() {
        say::line(format_args!("svala: {message}"));
    }
    ExitCode::from(error.exit_code())
}

/// The version alone, as bwa says it.
fn print_version() -> error::Result<()> {
    std::io::stdout().write_all(concat!(env!("CARGO_PKG_VERSION"), "\n").as_bytes()).map_err(Error::Output)
}

/// What reads words and files that a user gives, for fuzz targets.
#[doc(hidden)]
pub mod hostile {
    use std::path::Path;

    use clap::Parser;

    use crate::args::Cli;
    use crate::personality::{Invocation, understand};

    /// Reads a sample sheet, and tells how many lanes it has, or what is wrong.
    pub fn sample_sheet(path: &Path) -> Result<usize, String> {
        crate::sample_sheet::read(path).map(|lanes| lanes.len()).map_err(|error| error.to_string())
    }

    /// Reads a command line, of which the first word is the program's name.
    pub fn command_line<'a>(words: impl Iterator<Item = &'a str>) {
        if let Invocation::Run(words) = understand(words.map(Into::into).collect()) {
            // What is wrong is for the user; help and version count as wrong.
            let _ = Cli::try_parse_from(words).map_err(|error| error.to_string());
        }
    }
}
