//! The crate's one error type.
//!
//! Every message is one line that a person can act on. A message never holds a read name, bases,
//! qualities or a read-group value: those are patient data and messages end up in logs. Contig
//! names are public and may be shown.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::input::{Damaged, EndsEarly};

/// A result whose error is [`enum@Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in which file and where in it.
///
/// Record and line numbers are 1-based and count within the named file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be opened for reading.
    #[error("{}: cannot open: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Reading failed after the file was opened.
    #[error("{}: cannot read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file cannot be created, written, synced or renamed to its final name.
    #[error("{}: cannot write: {source}", path.display())]
    Write {
        /// The file, under its final name.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The input stops inside a record or a compressed block, or a BGZF file has no end marker.
    #[error("{}: record {record}: the file ends early; it is truncated", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The record that could not be completed.
        record: u64,
    },
    /// The compressed data fails its own checks.
    #[error("{}: record {record}: the compressed data is damaged: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The record that was being read.
        record: u64,
        /// The decompressor's reason.
        source: io::Error,
    },
    /// A record breaks the rules of its format.
    #[error("{}: record {record}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The offending record.
        record: u64,
        /// The format that was expected, for example `FASTQ`.
        format: &'static str,
        /// What was found and what was expected.
        reason: String,
    },
    /// A line breaks the rules of a format whose records span many lines.
    #[error("{}: line {line}: {reason}", path.display())]
    FormatLine {
        /// The file.
        path: PathBuf,
        /// The offending line.
        line: u64,
        /// The format that was expected, for example `FASTA`.
        format: &'static str,
        /// What was found and what was expected.
        reason: String,
    },
    /// A file without any record of the kind that is looked for; a file of reads may be empty, but not of blank lines.
    #[error("{}: no record in the file; expected at least one", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Two files of mates hold different numbers of reads.
    #[error(
        "{} ends after record {records}, but {} goes on; expected as many reads in both",
        shorter.display(), longer.display()
    )]
    UnequalCount {
        /// The file that ended first.
        shorter: PathBuf,
        /// The file that still holds reads.
        longer: PathBuf,
        /// Records in the shorter file.
        records: u64,
    },
    /// Both files hold the same mates: first ones, or second ones.
    #[error(
        "{} and {}: record {record}: both are the same mate of their pairs, by their names",
        first_path.display(), second_path.display()
    )]
    SameMate {
        /// The file of first mates.
        first_path: PathBuf,
        /// The file of second mates.
        second_path: PathBuf,
        /// The record in both files.
        record: u64,
    },
    /// The reads at the same place in two files of mates have different names.
    #[error(
        "{} and {}: record {record}: the two mates have different names",
        first_path.display(), second_path.display()
    )]
    MateNames {
        /// The file of first mates.
        first_path: PathBuf,
        /// The file of second mates.
        second_path: PathBuf,
        /// The record in both files.
        record: u64,
    },
    /// A read-group line that cannot be used.
    #[error("read group: {reason}")]
    ReadGroup {
        /// What was expected.
        reason: String,
    },
    /// A read structure that cannot be used.
    #[error("read structure: {reason}")]
    ReadStructure {
        /// What was expected.
        reason: &'static str,
    },
    /// A SAM header that cannot be written.
    #[error("SAM header: {reason}")]
    Header {
        /// What was expected.
        reason: String,
    },
    /// An alignment record that SAM or BAM cannot hold; a defect of the caller.
    #[error("alignment record: {reason}")]
    Encode {
        /// What was expected.
        reason: &'static str,
    },
}

impl Error {
    /// Whether the reader of a pipe went away, which is no failure for `svala mem | head`.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_path_buf(), source }
    }

    /// Sorts an error of [`Input`](crate::input::Input) into early end, damage and I/O failure.
    pub(crate) fn read(path: &Path, record: u64, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.get_ref() {
            Some(inner) if inner.is::<EndsEarly>() => Self::Truncated { path, record },
            Some(inner) if inner.is::<Damaged>() => Self::Damaged { path, record, source },
            _ => Self::Read { path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_with_file_and_record() {
        let error = Error::Format {
            path: "reads.fq.gz".into(),
            record: 17,
            format: "FASTQ",
            reason: "quality line has 99 characters, the sequence 100".into(),
        };
        assert_eq!(error.to_string(), "reads.fq.gz: record 17: quality line has 99 characters, the sequence 100");
    }

    #[test]
    fn only_a_failed_write_is_a_broken_pipe() {
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(Error::write(Path::new("x"), broken()).is_broken_pipe());
        assert!(!Error::read(Path::new("x"), 1, broken()).is_broken_pipe());
        assert!(!Error::write(Path::new("x"), io::Error::other("full")).is_broken_pipe());
    }
}
