//! What can go wrong, and where.

use std::fmt;

/// An engine that cannot be built, or a setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The scoring scheme is outside the limits stated at [`crate::Scoring::validate`].
    #[error("scoring: {0}")]
    Scoring(String),
    /// A SIMD level was forced that this CPU does not have.
    #[error("this CPU has no {0}")]
    SimdLevel(crate::SimdLevel),
    /// The GPU backend was asked for and none can be used.
    #[error("no usable GPU: {0}")]
    Gpu(String),
    /// An adapter number that is not in the list of this machine's adapters.
    #[error("adapter {index} does not exist: this machine has {count}")]
    NoSuchAdapter {
        /// The number asked for, 0-based.
        index: usize,
        /// How many adapters there are.
        count: usize,
    },
    /// A name that is none of the known ones.
    #[error("unknown {what} \"{name}\": expected one of {expected}")]
    Name {
        /// What the name stands for.
        what: &'static str,
        /// The name as given.
        name: String,
        /// The names that are known.
        expected: &'static str,
    },
}

/// Which of a job's two sequences an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    /// The query: a piece of the read.
    Query,
    /// The target: a window of the reference.
    Target,
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Sequence::Query => "query",
            Sequence::Target => "target",
        })
    }
}

/// A job that a batch refuses. The batch is left as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// A sequence is longer than the kernels take.
    #[error("the {sequence} is longer than {max} bases")]
    TooLong {
        /// The sequence that is too long.
        sequence: Sequence,
        /// The most bases it may have.
        max: usize,
    },
    /// A base code other than 0 to 4.
    #[error("the {sequence} has base code {code} at position {position} (0-based): expected 0 to 4")]
    BadCode {
        /// The sequence that holds it.
        sequence: Sequence,
        /// The code.
        code: u8,
        /// Its 0-based position.
        position: usize,
    },
}
