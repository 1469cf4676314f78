//! `svala completions` and `svala man`: what shells and `man` know of svala, made from its own arguments.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::{Error, Result};

/// Prints the completions for a shell.
pub fn completions(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "svala", &mut script);
    print(&script)
}

/// Prints the manual page of svala, or of a command.
pub fn manual(name: Option<&str>) -> Result<()> {
    let mut program = Cli::command();
    program.build();
    let page = match name {
        None => program,
        Some(name) => {
            let why = "expected a command of svala";
            let command = program.find_subcommand(name).ok_or(Error::Option { option: "man", why })?;
            command.clone()
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(Error::Output)?;
    print(&text)
}

fn print(text: &[u8]) -> Result<()> {
    std::io::stdout().write_all(text).map_err(Error::Output)
}
