//! Where runs lie: in files without a name, or in files that a later process can read.

use std::path::{Path, PathBuf};

use svala_io::{FileDigest, SpillReader, SpillWriter};

use crate::error::{Error, Result};

/// A place for runs.
pub(crate) enum Shelf {
    /// In a folder, without names.
    Unnamed(PathBuf),
    /// In a folder, under names.
    Kept {
        folder: PathBuf,
        /// What names start with.
        kind: &'static str,
        /// Number of the next.
        next: u64,
    },
}

/// A file that is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct KeptFile {
    /// Its number among those of its kind.
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    /// In hexadecimal digits.
    pub(crate) sha256: String,
}

/// A run on its shelf.
pub(crate) struct Run {
    pub(crate) reader: SpillReader,
    /// None if it has no name.
    pub(crate) file: Option<KeptFile>,
}

impl Shelf {
    /// A place for files under names, where these are already.
    pub(crate) fn kept(folder: PathBuf, kind: &'static str, files: &[KeptFile]) -> Self {
        let next = files.iter().map(|file| file.number + 1).max().unwrap_or(0);
        Self::Kept { folder, kind, next }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Self::Unnamed(folder) | Self::Kept { folder, .. } => folder,
        }
    }

    /// Starts the next run.
    pub(crate) fn create(&self) -> Result<SpillWriter> {
        Ok(match self {
            Self::Unnamed(folder) => SpillWriter::create(folder),
            Self::Kept { folder, kind, next } => SpillWriter::create_kept(&folder.join(file_name(kind, *next))),
        }?)
    }

    /// Ends the run that was started last.
    pub(crate) fn end(&mut self, run: SpillWriter) -> Result<Run> {
        match self {
            Self::Unnamed(folder) => {
                let reader = run.into_reader().map_err(|source| Error::file(folder, source))?;
                Ok(Run { reader, file: None })
            }
            Self::Kept { folder, kind, next } => {
                let path = folder.join(file_name(kind, *next));
                let digest = run.into_kept().map_err(|source| Error::file(&path, source))?;
                let file = digest.map(|digest| KeptFile::new(*next, &digest));
                *next += 1;
                Ok(Run { reader: SpillReader::open(&path)?, file })
            }
        }
    }
}

impl KeptFile {
    fn new(number: u64, digest: &FileDigest) -> Self {
        Self { number, bytes: digest.bytes, sha256: digest.hex() }
    }

    /// Opens it, of this kind, if it is as it was written.
    ///
    /// # Errors
    ///
    /// It isn't there, or not as it was written.
    pub(crate) fn open_checked(&self, folder: &Path, kind: &str) -> Result<SpillReader> {
        let name = file_name(kind, self.number);
        if Self::new(self.number, &FileDigest::of_file(&folder.join(&name))?) != *self {
            return Err(Error::resume(folder, format!("{name} is not as it was written")));
        }
        self.open(folder, kind)
    }

    /// Opens it, of this kind.
    ///
    /// # Errors
    ///
    /// It can't be opened.
    pub(crate) fn open(&self, folder: &Path, kind: &str) -> Result<SpillReader> {
        Ok(SpillReader::open(&folder.join(file_name(kind, self.number)))?)
    }
}

/// The name of a kept file.
pub(crate) fn file_name(kind: &str, number: u64) -> String {
    format!("{kind}-{number}")
}
