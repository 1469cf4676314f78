//! Runs a command and asks the operating system what it used.

use std::ffi::OsString;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

use crate::error::Error;
use crate::sam::Tally;

/// What a process and the children it waited for used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Wall-clock time in seconds.
    pub wall_s: f64,
    /// CPU time in seconds, user and system.
    pub cpu_s: f64,
    /// Peak memory of the largest process in bytes: resident pages, so a mapped index counts as far as it was touched.
    /// It can't be lower than this program's own peak at the time of the start, a few MB (Linux inherits it).
    pub peak_bytes: u64,
}

/// Runs a command with its output thrown away and its standard error in `log`.
///
/// # Errors
///
/// It can't be started, or fails.
pub fn time(name: &str, program: &Path, arguments: &[OsString], log: &Path) -> Result<Usage, Error> {
    let start = Instant::now();
    let mut child = spawn(program, arguments, Stdio::null(), log)?;
    finish(&mut child, start, name, program, log)
}

/// Runs a command and judges the SAM text that it writes.
///
/// # Errors
///
/// It can't be started, fails, or what it writes is no SAM.
pub fn judge(name: &str, program: &Path, arguments: &[OsString], log: &Path, with_truth: bool) -> Result<Tally, Error> {
    let start = Instant::now();
    let mut child = spawn(program, arguments, Stdio::piped(), log)?;
    // `Stdio::piped` always gives a pipe; without one there would be no records, which the report shows.
    let tally = match child.stdout.take() {
        Some(output) => {
            let mut output = BufReader::with_capacity(1 << 20, output);
            let tally = Tally::of(&mut output, with_truth);
            // What is left after a bad record is read too: a child that then fails does so for its own reason, which is the
            // better message, and not for a closed pipe.
            std::io::copy(&mut output, &mut std::io::sink()).map_err(Error::file(program))?;
            tally
        }
        None => Ok(Tally::default()),
    };
    finish(&mut child, start, name, program, log)?;
    tally.map_err(|source| Error::Output { name: name.to_owned(), source })
}

fn spawn(program: &Path, arguments: &[OsString], output: Stdio, log: &Path) -> Result<Child, Error> {
    let log_file = File::create(log).map_err(Error::file(log))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(output).stderr(log_file);
    command.spawn().map_err(|source| Error::Run { program: program.to_owned(), source })
}

fn finish(child: &mut Child, start: Instant, name: &str, program: &Path, log: &Path) -> Result<Usage, Error> {
    let used = child.wait4().map_err(|source| Error::Run { program: program.to_owned(), source })?;
    let wall_s = start.elapsed().as_secs_f64();
    if !used.status.success() {
        return Err(Error::Failed { name: name.to_owned(), status: used.status, log: log.to_owned() });
    }
    let cpu_s = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok(Usage { wall_s, cpu_s, peak_bytes: used.rusage.maxrss })
}
