//! Why a CRAM file can't be read. Reasons are fixed words, so none shows what is of a read.

use std::io;

use crate::input::{Damaged, EndsEarly};

/// What is wrong with a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// It stops too soon.
    EndsEarly,
    /// It isn't as the format wants it.
    Damaged(&'static str),
    /// It may be whole, but isn't read.
    Unusable(String),
}

/// A result whose error is a [`Flaw`].
pub(super) type Decoded<T> = Result<T, Flaw>;

/// A flaw of content.
pub(super) fn damaged<T>(what: &'static str) -> Decoded<T> {
    Err(Flaw::Damaged(what))
}

impl From<Flaw> for io::Error {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::EndsEarly => Self::other(EndsEarly),
            Flaw::Damaged(what) => Self::other(Damaged(Self::other(what))),
            Flaw::Unusable(why) => Self::other(why),
        }
    }
}
