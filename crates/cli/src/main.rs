//! The program `svala`: see the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    svala_cli::main()
}
