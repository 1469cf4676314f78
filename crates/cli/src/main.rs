//! The command line of svala: arguments in, run, exit code out.

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
mod open_index;
mod panic_message;
mod parabricks;
mod personality;
mod program_line;
mod progress;
mod qc_files;
mod record_options;
mod report;
mod run_facts;
mod run_record;
mod sample_sheet;
mod scoring_options;
mod shard_sets;
mod shell_files;
mod sort_option;
mod space;
mod verify;
mod version;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use error::Error;
use personality::Invocation;

#[global_allocator]
static ALLOCATOR: allocator::SystemOrEnd = allocator::SystemOrEnd;

fn main() -> ExitCode {
    environment::prepare();
    std::panic::set_hook(Box::new(|panic| eprintln!("{}", panic_message::message(panic))));
    let words = match personality::understand(std::env::args_os().collect()) {
        Invocation::Run(words) => words,
        Invocation::Version => {
            println!("{}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Invocation::Usage(text) => {
            eprint!("{text}");
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
        Command::Completions(args) => shell_files::completions(args.shell),
        Command::Man(args) => shell_files::manual(args.command.as_deref()),
    });
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            // A reader that has seen enough (`| head`) is told nothing; the code is a shell's for SIGPIPE.
            if !error.is_broken_pipe() {
                eprintln!("svala: {error}");
            }
            ExitCode::from(error.exit_code())
        }
        // It has been told.
        Err(panic) if panic_message::is_refused_thread(&*panic) => ExitCode::FAILURE,
        Err(_) => ExitCode::from(Error::EXIT_BUG),
    }
}
