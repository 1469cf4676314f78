//! The files that a run reads and writes: none that it writes may be one that it reads, or another that it writes, however they are
//! spelled.

use std::path::{Path, PathBuf};

use svala_io::{Destination, is_stream, link_target, possible_indexes};
use svala_map::index::index_path;

use crate::alt_contigs;
use crate::error::{Error, Result};
use crate::run_record::record_path;

/// Files by what is done to them. Standard input and output, devices and pipes count too, and are none.
#[derive(Debug, Default)]
pub struct RunFiles {
    read: Vec<PathBuf>,
    written: Vec<PathBuf>,
}

impl RunFiles {
    /// A file that is read.
    #[must_use]
    pub fn reads(mut self, path: &Path) -> Self {
        self.read.push(path.to_owned());
        self
    }

    /// Files that are read.
    #[must_use]
    pub fn reads_all<'a>(self, paths: impl IntoIterator<Item = &'a Path>) -> Self {
        paths.into_iter().fold(self, Self::reads)
    }

    /// A reference and what belongs to it, whether it is there or would be read the next time.
    #[must_use]
    pub fn reads_reference(self, reference: &Path) -> Self {
        let files = self.reads(reference).reads(&index_path(reference));
        alt_contigs::paths(reference).iter().fold(files, |files, path| files.reads(path))
    }

    /// A file that is written.
    #[must_use]
    pub fn writes(mut self, path: &Path) -> Self {
        self.written.push(path.to_owned());
        self
    }

    /// Files that are written.
    #[must_use]
    pub fn writes_all(self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        paths.into_iter().fold(self, |files, path| files.writes(&path))
    }

    /// A file of alignments that is written, and with it what stands beside such a file or is removed there: indexes, and the record of
    /// a run.
    #[must_use]
    pub fn writes_alignments(self, destination: &Destination) -> Self {
        let Some(path) = destination.file() else { return self };
        if is_stream(path) {
            return self.writes(path);
        }
        self.writes(path).writes(&record_path(path)).writes_all(possible_indexes(path))
    }

    /// Refuses an output that would replace an input, and one file for two outputs.
    ///
    /// # Errors
    ///
    /// As said.
    pub fn check(&self) -> Result<()> {
        let read: Vec<PathBuf> = self.read.iter().filter_map(|path| place(path)).collect();
        let mut written: Vec<PathBuf> = Vec::new();
        for path in &self.written {
            let Some(place) = place(path) else { continue };
            if read.contains(&place) {
                return Err(Error::Usage { path: path.clone(), why: "the output would replace an input" });
            }
            if written.contains(&place) {
                return Err(Error::Usage { path: path.clone(), why: "the same file is given for two outputs" });
            }
            written.push(place);
        }
        Ok(())
    }
}

/// Where a file is or would be, links followed; none for streams.
fn place(path: &Path) -> Option<PathBuf> {
    if is_stream(path) {
        return None;
    }
    let target = link_target(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Without its folder a file can't be written, and that is told then.
    Some(match (folder.canonicalize(), target.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => target,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("sub")).unwrap();
        std::fs::write(path("there"), "").unwrap();
        let refused = |read: &str, written: &[&str]| {
            let files = RunFiles::default().reads(&path(read)).writes_all(written.iter().map(|name| path(name)));
            files.check().err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(refused("there", &["sub/there", "out", "out2"]), "");
        for written in ["there", "./there", "sub/../there"] {
            assert!(refused("there", &[written]).contains("replace an input"), "{written}");
            assert!(refused("x", &[written, "there"]).contains("two outputs"), "{written}");
        }
        // What isn't there yet, too.
        assert!(refused("absent", &["sub/../absent"]).contains("replace an input"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_streams_are_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (target, link) in [("out", "link"), ("/dev/null", "null")] {
            std::os::unix::fs::symlink(target, path(link)).unwrap();
        }
        let two = |one: &Path, other: &Path| RunFiles::default().writes(one).writes(other).check();
        assert!(two(&path("out"), &path("link")).is_err());
        assert!(two(&path("null"), Path::new("/dev/null")).is_ok());
        assert!(two(Path::new("-"), Path::new("/dev/stdout")).is_ok());
    }

    #[test]
    fn what_stands_beside_alignments_is_written_with_them() {
        let beside = |output: &str, other: &str| {
            let files = RunFiles::default().writes_alignments(&Destination::of(Path::new(output)));
            files.writes(Path::new(other)).check().is_err()
        };
        for other in ["q.bam.bai", "./q.bam.csi", "q.bai", "q.bam.svala.json"] {
            assert!(beside("q.bam", other), "{other}");
        }
        assert!(beside("q.cram", "q.crai") && !beside("q.cram", "q.bai") && !beside("q.bam", "q.stats"));
        let of_reference = |output: &str| {
            RunFiles::default().reads_reference(Path::new("r.fa")).writes(Path::new(output)).check().is_err()
        };
        assert!(["r.fa", "r.fa.svala", "r.fa.alt", "r.fa.64.alt"].into_iter().all(of_reference));
        assert!(!of_reference("r.fa.bam"));
    }
}
