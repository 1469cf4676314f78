//! Indexes, built once and kept: `CACHE/REFERENCE.SIZE/ALIGNER/` holds a link to the reference, the index and the logs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::aligner::{Aligner, Place, Reads};
use crate::error::Error;
use crate::measure;

/// An aligner's place in the cache.
#[derive(Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// Written last, so an index without it was never finished. It says what the index was built from.
const STAMP: &str = "complete.txt";

impl Cache {
    /// The folder of `aligner` for `reference` below `root`, made if need be.
    ///
    /// # Errors
    ///
    /// The reference doesn't exist or the folder can't be made.
    pub fn open(root: &Path, aligner: &dyn Aligner, reference: &Path, reads: &Reads) -> Result<Self, Error> {
        let size = fs::metadata(reference).map_err(Error::file(reference))?.len();
        let name = reference.file_name().unwrap_or_default().to_string_lossy();
        let length = match aligner.index_depends_on_read_length() {
            true => format!(".{}bp", reads.length_bp),
            false => String::new(),
        };
        let folder = root.join(format!("{name}.{size}")).join(format!("{}{length}", aligner.name()));
        fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        Ok(Self { folder })
    }

    /// Where files may be made.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the standard error of `step` goes.
    pub fn log(&self, step: &str) -> PathBuf {
        self.folder.join(format!("{step}.log"))
    }

    /// An index of `reference`: the one beside it, the one in the cache, or else a new one.
    ///
    /// # Errors
    ///
    /// The index can't be built.
    pub fn index(
        &self,
        aligner: &dyn Aligner,
        program: &Path,
        reference: &Path,
        reads: &Reads,
        threads: u32,
    ) -> Result<Place, Error> {
        let beside = Place { reference: reference.to_owned(), read_bp: reads.length_bp };
        if lies_beside(aligner, &beside) {
            return Ok(beside);
        }
        let reference = reference.canonicalize().map_err(Error::file(reference))?;
        let link = self.folder.join(reference.file_name().unwrap_or_default());
        let place = Place { reference: link, read_bp: reads.length_bp };
        let arguments = aligner.index_arguments(&place, threads);
        let stamp = format!("{}\n{}\n{arguments:?}\n", identity(&reference)?, identity(program)?);
        let stamp_path = self.folder.join(STAMP);
        if fs::read_to_string(&stamp_path).is_ok_and(|found| found == stamp) {
            return Ok(place);
        }
        fs::remove_dir_all(&self.folder).map_err(Error::file(&self.folder))?;
        fs::create_dir_all(&self.folder).map_err(Error::file(&self.folder))?;
        link_or_copy(&reference, &place.reference).map_err(Error::file(&place.reference))?;
        eprintln!("compare: indexing for {}", aligner.name());
        measure::time(aligner.name(), program, &arguments, &self.log("index"))?;
        fs::write(&stamp_path, stamp).map_err(Error::file(&stamp_path))?;
        Ok(place)
    }
}

/// Whether a whole index, not older than the reference, lies beside it.
fn lies_beside(aligner: &dyn Aligner, place: &Place) -> bool {
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    let reference = written(&place.reference);
    let fresh = |ending: &&str| {
        let index: Option<SystemTime> = written(&place.with_ending(ending));
        index.is_some() && index >= reference
    };
    let endings = aligner.endings_beside();
    !endings.is_empty() && endings.iter().all(fresh)
}

/// What tells a file from a changed one: path, size and time of change.
fn identity(path: &Path) -> Result<String, Error> {
    let path = path.canonicalize().map_err(Error::file(path))?;
    let file = fs::metadata(&path).map_err(Error::file(&path))?;
    let written = file.modified().map_err(Error::file(&path))?;
    Ok(format!("{} {} {written:?}", path.display(), file.len()))
}

#[cfg(unix)]
fn link_or_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link_or_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to).map(drop)
}
