//! The crate's one error type.

use std::path::{Path, PathBuf};

/// What can go wrong while an index is built or loaded, or reads are mapped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Reading or writing a sequence, alignment or index file failed.
    #[error(transparent)]
    Io(#[from] svala_io::Error),
    /// A file could not be opened, read or mapped.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The index file is not there.
    #[error("{}: no such index; make it with `svala index {}`", path.display(), reference.display())]
    NoIndex {
        /// Where the index was looked for.
        path: PathBuf,
        /// The reference it would belong to.
        reference: PathBuf,
    },
    /// The index itself was named where its reference is.
    #[error("{}: this is the index; name what it is of: {}", path.display(), prefix.display())]
    IndexForReference {
        /// The index.
        path: PathBuf,
        /// What stands before its extension.
        prefix: PathBuf,
    },
    /// The file is no svala index at all.
    #[error("{}: not a svala index (wrong magic bytes)", path.display())]
    NotAnIndex {
        /// The file.
        path: PathBuf,
    },
    /// The index was written by a svala with another format.
    #[error("{}: index format {found}, this svala reads {expected}; run `svala index` again", path.display())]
    IndexVersion {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version this program reads.
        expected: u32,
    },
    /// The index was made with other seeds.
    #[error("{}: made by another version of svala, with other seeds; run `svala index` again", path.display())]
    IndexSeeds {
        /// The file.
        path: PathBuf,
    },
    /// The index is cut short, or a checksum or a bound does not hold.
    #[error("{}: damaged index: {what}", path.display())]
    DamagedIndex {
        /// The file.
        path: PathBuf,
        /// The section and what is wrong with it.
        what: String,
    },
    /// The FASTA file beside the index is not the one the index was made from.
    #[error("{}: the index was made from another reference than {}; run `svala index` again", path.display(), reference.display())]
    OtherReference {
        /// The index.
        path: PathBuf,
        /// The reference that was named.
        reference: PathBuf,
    },
    /// The reference has more bases than 40-bit positions can name.
    #[error("{}: {bases} bases; this index format holds at most {limit}", path.display())]
    ReferenceTooLong {
        /// The reference.
        path: PathBuf,
        /// Bases with padding.
        bases: u64,
        /// The most that fits.
        limit: u64,
    },
    /// A read is longer than the short-read path takes. Readers refuse it before, with file and record number, if they are
    /// told [`MAX_READ`](crate::options::MAX_READ).
    #[error("a read of {length} bases; at most {limit} are supported")]
    ReadTooLong {
        /// Its length in bases.
        length: usize,
        /// The most that is supported.
        limit: usize,
    },
    /// The extension engine refused a job.
    #[error("internal error: extension job refused: {0}")]
    Job(#[from] svala_compute::JobError),
    /// The output does not have every read of the input exactly once.
    #[error("internal error: {read} reads came in, {written} went out")]
    ReadsLost {
        /// Reads of the input.
        read: u64,
        /// Primary records of the output.
        written: u64,
    },
    /// The output does not have every base of the input.
    #[error("internal error: reads of {read} bases came in, {written} went out")]
    BasesLost {
        /// Bases of the reads.
        read: u64,
        /// Bases of primary records.
        written: u64,
    },
    /// The output does not have the records that were made of the reads.
    #[error("internal error: {made} records were made, {written} written, and they differ; the output was not kept")]
    RecordsChanged {
        /// Records that mapping threads, or shards, gave.
        made: u64,
        /// Records that went to the file.
        written: u64,
    },
    /// A contig is longer than SAM can say.
    #[error("{}: contig {name} has {bases} bases, but SAM and BAM hold positions up to {limit} only: cut it into parts", path.display())]
    ContigTooLong {
        /// The reference.
        path: PathBuf,
        /// The contig's name.
        name: String,
        /// Its bases.
        bases: u64,
        /// The most that SAM holds.
        limit: u64,
    },
    /// A file to be merged is none that svala sorted.
    #[error("{}: {why}", path.display())]
    Shard {
        /// The file.
        path: PathBuf,
        /// What was expected.
        why: &'static str,
    },
    /// What an interrupted run left can't be gone on with.
    #[error("{}: the interrupted run can't be resumed: {why}; remove this folder to start again", folder.display())]
    Resume {
        /// The folder that it left.
        folder: PathBuf,
        /// Why.
        why: String,
    },
    /// The encoder made something that is no whole BAM record.
    #[error("internal error: an encoded record is not whole")]
    BrokenRecord,
    /// The system refuses a thread.
    #[error("cannot start a thread: {0}; use fewer threads or raise the limits of memory and processes")]
    Thread(std::io::Error),
    /// A worker thread ended without a result.
    #[error("internal error: a worker thread stopped early")]
    WorkerLost,
}

impl Error {
    /// Whether this is a fault of svala rather than of its input or surroundings.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::WorkerLost
                | Self::BrokenRecord
                | Self::ReadsLost { .. }
                | Self::BasesLost { .. }
                | Self::RecordsChanged { .. }
                | Self::Job(_)
                | Self::ReadTooLong { .. }
                | Self::Io(svala_io::Error::Encode { .. })
        )
    }

    /// Whether the reader of our standard output has gone away.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.is_broken_pipe())
    }

    /// Wraps what the system said about `path`.
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// Why an interrupted run can't be resumed.
    pub(crate) fn resume(folder: &Path, why: impl Into<String>) -> Self {
        Self::Resume { folder: folder.to_owned(), why: why.into() }
    }

    /// A damaged index, and where.
    pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::DamagedIndex { path: path.to_owned(), what: what.into() }
    }
}

/// Shorthand for this crate's results.
pub type Result<T> = std::result::Result<T, Error>;
