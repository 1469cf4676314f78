//! What svala says on standard error. Nobody may be listening, or there may be no room for it: neither ends a run.

use std::fmt::Arguments;
use std::io::Write;

/// Says a line.
pub fn line(text: Arguments<'_>) {
    // All of it at once, so that lines of threads don't mix.
    words(&format!("{text}\n"));
}

/// Says some words.
pub fn words(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
