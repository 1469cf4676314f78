//! What can go wrong in a comparison.

use std::path::PathBuf;

/// Why a comparison ended early; its text is one line a person can act on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder can't be read, made or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The reads are not valid FASTQ.
    #[error(transparent)]
    Reads(#[from] svala_io::Error),
    /// A name in `--only` that no adapter has.
    #[error("--only {name}: not known; the known aligners are {known}")]
    Unknown {
        /// The name given.
        name: String,
        /// All names.
        known: String,
    },
    /// An aligner named in `--only` is not installed.
    #[error("--only {name}: there is no `{program}` on PATH")]
    NotFound {
        /// The aligner.
        name: String,
        /// Its executable.
        program: String,
    },
    /// There is nothing to compare svala with.
    #[error("no other aligner found on PATH: install one of {known}, or measure svala alone with --only svala")]
    NoPeer {
        /// All names but svala's.
        known: String,
    },
    /// A program can't be started, or waiting for it failed.
    #[error("{program}: can't be run: {source}")]
    Run {
        /// The executable.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A program ended with an error.
    #[error("{name} failed ({status}): see {}, or leave it out with --only", log.display())]
    Failed {
        /// The aligner.
        name: String,
        /// Exit code or signal.
        status: std::process::ExitStatus,
        /// Its standard error.
        log: PathBuf,
    },
    /// The output of an aligner is no SAM, or its read names hold no truth.
    #[error("output of {name}: {source}")]
    Output {
        /// The aligner.
        name: String,
        /// What is wrong with it.
        source: crate::sam::SamError,
    },
}

impl Error {
    /// For `map_err`: an input or output error at `path`.
    pub fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }
}
