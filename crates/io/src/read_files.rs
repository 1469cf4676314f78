//! The one or two files of a source of reads, open but unread.

use std::path::Path;

use crate::{Error, Result, input::OpenFile};

/// Files of reads of which nothing has been read.
///
/// One process may write several named pipes, and opens all of them before it writes: so all are to be opened here before one is read.
pub struct ReadFiles {
    pub(crate) first: OpenFile,
    pub(crate) second: Option<OpenFile>,
}

impl ReadFiles {
    /// Opens a file of reads, and a second file of their mates for paired reads. `-` is standard
    /// input; it can stand for one of the two only.
    ///
    /// # Errors
    ///
    /// A file cannot be opened.
    pub fn open(first: &Path, second: Option<&Path>) -> Result<Self> {
        if first == Path::new("-") && second == Some(first) {
            return Err(Error::Open {
                path: "standard input".into(),
                source: std::io::Error::other("it cannot be both the first and the second file"),
            });
        }
        let open = |path| OpenFile::new(path, true);
        Ok(Self { first: open(first)?, second: second.map(open).transpose()? })
    }
}
