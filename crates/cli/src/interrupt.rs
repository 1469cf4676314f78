//! What becomes of unfinished files when a signal ends the program.

use std::path::PathBuf;

use crate::error::Result;

/// Sees to it that SIGINT (Ctrl-C) and SIGTERM remove what has been written for these outputs, and end the program with a shell's code
/// for the signal: 130 or 143. Temporary files of sorting have no names and need no help.
///
/// # Errors
///
/// The system refuses.
#[cfg(unix)]
pub fn remove_on_signal(outputs: Vec<PathBuf>) -> Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let failed = |source| crate::error::Error::File { path: "signals".into(), source };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            svala_io::remove_partials(&outputs);
            // At once: other threads are still at work.
            signal_hook::low_level::exit(128 + signal);
        }
    };
    std::thread::Builder::new().spawn(wait).map(drop).map_err(failed)
}

/// On this system unfinished files stay until the next run to the same output.
///
/// # Errors
///
/// None.
#[cfg(not(unix))]
pub fn remove_on_signal(_: Vec<PathBuf>) -> Result<()> {
    Ok(())
}
