//! Errors of the program and their exit codes.

use std::path::PathBuf;

/// Anything that ends a command early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading, writing or mapping failed.
    #[error(transparent)]
    Map(#[from] svala_map::Error),
    /// A file or header is wrong.
    #[error(transparent)]
    Io(#[from] svala_io::Error),
    /// The extension engine can't be had as asked for.
    #[error(transparent)]
    Compute(#[from] svala_compute::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file of `--insert-model` is none.
    #[error("{}: not an insert-size model: {why}; make one with `svala insert-size`", path.display())]
    InsertModel {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The file that should be the record of a run is none.
    #[error("{}: not the record of a run: {why}", path.display())]
    RunRecord {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// An output isn't what its record says.
    #[error("{}: not as recorded: {}", path.display(), differences.join("; "))]
    Verify {
        /// The output.
        path: PathBuf,
        /// What differs.
        differences: Vec<String>,
    },
    /// The file of `--samples` is malformed.
    #[error("{}: line {line}: {why}", path.display())]
    SampleSheet {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// There is too little room on a disk.
    #[error("{}: about {needed_mib} MiB will be needed, but only {free_mib} MiB are free", folder.display())]
    Space {
        /// A folder there.
        folder: PathBuf,
        /// What is needed by estimate.
        needed_mib: u64,
        /// What there is.
        free_mib: u64,
    },
    /// An option asks for what svala can't do.
    #[error("{option}: {why}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// What an option says can't be used.
    #[error("{option}: {source}")]
    Value {
        /// The option.
        option: &'static str,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Files that can't be used together, or not so.
    #[error("{}: {why}", path.display())]
    Usage {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: &'static str,
    },
    /// The shards to be merged are not all.
    #[error("shard {shard} is missing beside {}", beside.display())]
    MissingShard {
        /// Which.
        shard: svala_io::ReadShard,
        /// One of the others.
        beside: PathBuf,
    },
    /// Standard output could not be written.
    #[error("standard output: {0}")]
    Output(std::io::Error),
    /// A backend of this machine gives other results than the reference.
    #[error("{0} of the backends that this machine has failed the proof; don't use svala here with them")]
    ProofFailed(usize),
    /// Checks of the self-test failed.
    #[error("{0} checks of the self-test failed; don't use svala here before you know why")]
    SelftestFailed(usize),
}

impl Error {
    /// That an option's value is at fault.
    pub fn value(option: &'static str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Value { option, source: Box::new(source) }
    }

    /// Exit code of a fault of svala itself (EX_SOFTWARE).
    pub const EXIT_BUG: u8 = 70;
    const EXIT_INPUT: u8 = 1;
    const EXIT_USAGE: u8 = 2;
    /// What a shell reports for a program that SIGPIPE ended.
    const EXIT_PIPE: u8 = 141;

    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Map(error) if error.is_internal() => Self::EXIT_BUG,
            Self::Usage { .. } | Self::Option { .. } | Self::Value { .. } => Self::EXIT_USAGE,
            Self::Compute(svala_compute::Error::Scoring(_)) => Self::EXIT_USAGE,
            _ if self.is_broken_pipe() => Self::EXIT_PIPE,
            _ => Self::EXIT_INPUT,
        }
    }

    /// Whether the reader of our standard output has gone away.
    pub fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Map(error) => error.is_broken_pipe(),
            Self::Io(error) => error.is_broken_pipe(),
            Self::Output(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
            _ => false,
        }
    }
}

/// Shorthand for the program's results.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_reads_are_a_fault_of_svala() {
        let lost = [
            svala_map::Error::ReadsLost { read: 2, written: 1 },
            svala_map::Error::BasesLost { read: 2, written: 1 },
            svala_map::Error::RecordsChanged { made: 2, written: 2 },
        ];
        assert!(lost.into_iter().all(|error| Error::Map(error).exit_code() == Error::EXIT_BUG));
        let shard = svala_map::Error::Shard { path: PathBuf::new(), why: "" };
        assert_eq!(Error::Map(shard).exit_code(), Error::EXIT_INPUT);
    }
}
