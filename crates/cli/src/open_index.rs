//! Opening an index, which is mapped into memory, and what becomes of a run whose index is cut short under it or can't be read
//! from its disk any more.
#![allow(unsafe_code, reason = "a handler of a signal is unsafe to set")]

use std::path::Path;

use svala_map::index::Index;

use crate::error::Result;

/// The index of a reference, checked by so many threads.
///
/// # Errors
///
/// It isn't there, or is none, or is damaged.
pub fn open_index(reference: &Path, threads: usize) -> Result<Index> {
    #[cfg(unix)]
    explain_loss().map_err(|source| crate::error::Error::File { path: "signals".into(), source })?;
    Ok(Index::open_for(reference, threads)?)
}

/// Sees to it that SIGBUS, by which the system tells that a mapped file isn't there any more, ends the program with a line and exit
/// code 1. What has been written stays unnamed, and the next run to the same output removes it.
#[cfg(unix)]
fn explain_loss() -> std::io::Result<()> {
    const WORDS: &[u8] = b"svala: the index was cut short while in use, or can't be read from its disk\n";
    let explain = || {
        // Without standard error nobody can be told.
        let _ = rustix::io::write(rustix::stdio::stderr(), WORDS);
        signal_hook::low_level::exit(1);
    };
    // SAFETY: what the handler does is async-signal-safe: one `write` of constant bytes, and `_exit`.
    unsafe { signal_hook::low_level::register(signal_hook::consts::SIGBUS, explain) }.map(drop)
}
