//! What lets a later process go on with a sort: a folder with sorted runs, the signatures that belong to them, and a manifest that
//! names them.
//!
//! A run counts from the moment when the manifest names it, which is replaced in one step after the run is on the device; so whatever
//! ends the process, the folder holds the work up to some batch of the input. Everything else in the folder is litter, and removed
//! when the next process opens it. The manifest has no sequence, name or read group in it, and only the user can look into the folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use svala_io::{AtomicFile, SpillReader, SpillWriter};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::manifest::Manifest;
use super::merge::{Item, Runs};
use super::order::Order;
use super::record::Record;
use super::shelf::{KeptFile, Run, Shelf, file_name};
use crate::covered::Covered;
use crate::duplicates::{Candidate, Finder, LibraryCounts, Signature};
use crate::error::{Error, Result};
use crate::observer::{Observe, Observer};

const MANIFEST: &str = "manifest.json";
const LOCK: &str = "lock";
const RUN: &str = "run";
const SIGNATURES: &str = "signatures";
/// Longest part of the output's name in that of the folder, in characters.
const MAX_NAME: usize = 50;

/// What a sort that can be resumed is given.
#[derive(Clone, Debug)]
pub struct ResumeOptions {
    /// Where its runs are kept.
    pub folder: PathBuf,
    /// What must be the same for the work to be the same, by name. Only digests of the values are written down.
    pub identity: Vec<(&'static str, String)>,
}

/// The folder, among temporary files, where the runs of an output are kept.
///
/// # Errors
///
/// The output's folder isn't there.
pub fn resume_folder(temporary: &Path, output: &Path) -> Result<PathBuf> {
    let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let parent = parent.canonicalize().map_err(|source| Error::file(parent, source))?;
    let name = output.file_name().unwrap_or_default();
    let hash = xxh3_64(parent.join(name).as_os_str().as_encoded_bytes());
    let name: String = name.to_string_lossy().chars().take(MAX_NAME).collect();
    Ok(temporary.join(format!(".svala-{name}-{hash:016x}.resume")))
}

/// The folder, and what is in it.
pub(crate) struct Journal {
    folder: PathBuf,
    /// Locked for as long as it is open.
    lock: File,
    identity: Vec<(String, String)>,
    /// What an earlier process left, until it is taken.
    left: Option<Manifest>,
    shelf: Shelf,
    /// Files with the signatures up to the last save, and that with those since.
    signatures: Vec<KeptFile>,
    since: Option<SpillWriter>,
}

/// What a sort knows at a save.
pub(crate) struct State<'a> {
    pub(crate) covered: &'a Covered,
    pub(crate) templates: u64,
    pub(crate) counts: &'a LibraryCounts,
    pub(crate) runs: &'a Runs,
}

impl Journal {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    ///
    /// Another process has it open, it holds other work, or can't be used.
    pub(crate) fn open(options: &ResumeOptions) -> Result<Self> {
        let folder = options.folder.clone();
        own_folder(&folder).map_err(|source| Error::file(&folder, source))?;
        let lock = lock(&folder)?;
        let digest = |text: &str| format!("{:032x}", xxh3_128(text.as_bytes()));
        let identity: Vec<_> =
            options.identity.iter().map(|(name, value)| ((*name).to_owned(), digest(value))).collect();
        let left = read_manifest(&folder)?;
        if let Some(left) = &left {
            compare(&folder, left, &identity)?;
        }
        let signatures = left.as_ref().map_or(Vec::new(), |left| left.signatures.clone());
        let shelf = Shelf::kept(folder.clone(), SIGNATURES, &signatures);
        let journal = Self { folder, lock, identity, left, shelf, signatures, since: None };
        journal.sweep(journal.left.as_ref().map_or(&[], |left| &left.runs));
        Ok(journal)
    }

    /// The place for its runs.
    pub(crate) fn run_shelf(&self) -> Shelf {
        Shelf::kept(self.folder.clone(), RUN, self.left.as_ref().map_or(&[], |left| &left.runs))
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What an earlier process left; none if nothing, or if it was taken before.
    pub(crate) fn take_left(&mut self) -> Option<Manifest> {
        self.left.take()
    }

    /// Opens the runs that were left.
    ///
    /// # Errors
    ///
    /// One can't be opened.
    pub(crate) fn open_runs(&self, files: &[KeptFile]) -> Result<Vec<Run>> {
        let open = |file: &KeptFile| Ok(Run { reader: file.open(&self.folder, RUN)?, file: Some(file.clone()) });
        files.iter().map(open).collect()
    }

    /// Checks the runs that were left, and counts their records again, several runs at a time.
    ///
    /// # Errors
    ///
    /// A run is not as it was written.
    pub(crate) fn recount<O: Order>(&self, files: &[KeptFile], observe: Observe, threads: usize) -> Result<Observer> {
        let (next, total) = (AtomicUsize::new(0), Mutex::new(Observer::new(observe)));
        let work = || -> Result<()> {
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut run = file.open_checked(&self.folder, RUN)?;
                let (mut record, mut observer) = (Record::<O>::default(), Observer::new(observe));
                while record.read(&mut run).map_err(|source| Error::file(&self.folder, source))? {
                    observer.add_all(&record.bytes)?;
                }
                total.lock().unwrap_or_else(PoisonError::into_inner).merge(&observer);
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads.min(files.len())).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err(Error::WorkerLost)))
        })?;
        Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands all signatures that were left to a finder.
    pub(crate) fn restore_signatures(&self, finder: &mut Finder) -> Result<()> {
        for file in &self.signatures {
            let mut run = file.open_checked(&self.folder, SIGNATURES)?;
            while let Some(Candidate { signature, template }) = self.next_signature(&mut run)? {
                finder.push(template, signature)?;
            }
        }
        Ok(())
    }

    fn next_signature(&self, run: &mut SpillReader) -> Result<Option<Candidate>> {
        let mut candidate = Candidate::default();
        let is_there = candidate.read(run).map_err(|source| Error::file(&self.folder, source))?;
        Ok(is_there.then_some(candidate))
    }

    /// Takes the signature of a template.
    pub(crate) fn add(&mut self, template: u64, signature: Signature) -> Result<()> {
        if !signature.is_mapped() {
            return Ok(());
        }
        let since = match &mut self.since {
            Some(since) => since,
            None => self.since.insert(self.shelf.create()?),
        };
        Candidate { signature, template }.write(since).map_err(|source| Error::file(&self.folder, source))
    }

    /// Writes down what has been done: from now on a later process can go on from there.
    pub(crate) fn save(&mut self, state: &State<'_>) -> Result<()> {
        if let Some(since) = self.since.take() {
            self.signatures.extend(self.shelf.end(since)?.file);
        }
        let runs: Vec<KeptFile> = state.runs.files().cloned().collect();
        let manifest = Manifest {
            identity: self.identity.clone(),
            covered: state.covered.clone(),
            templates: state.templates,
            counts: state.counts.clone(),
            signatures: self.signatures.clone(),
            runs,
        };
        let path = self.folder.join(MANIFEST);
        let mut file = AtomicFile::create(&path)?;
        file.write_all(manifest.to_json().as_bytes()).map_err(|source| Error::file(&path, source))?;
        file.commit()?;
        self.sweep(&manifest.runs);
        Ok(())
    }

    /// Removes what the manifest doesn't name: runs that were merged, or not finished. What can't be removed does no harm.
    fn sweep(&self, runs: &[KeptFile]) {
        let named = |kind, files: &[KeptFile]| -> Vec<String> {
            files.iter().map(|file| file_name(kind, file.number)).collect()
        };
        let known = [named(RUN, runs), named(SIGNATURES, &self.signatures)].concat();
        let is_known = |name: &str| name == MANIFEST || name == LOCK || known.iter().any(|known| known == name);
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if !entry.file_name().to_str().is_some_and(is_known) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Removes the folder, since the work is done. What can't be removed is told by the next run.
    pub(crate) fn remove(self) {
        let _ = fs::remove_file(self.folder.join(MANIFEST));
        let _ = fs::remove_dir_all(&self.folder);
        drop(self.lock);
    }
}

/// Makes a folder that only its owner can look into, if it isn't there; of somebody else's it is an error.
fn own_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if !fs::symlink_metadata(folder)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|source| Error::file(&path, source))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let source = io::Error::other("another run to the same output is at work");
            Err(Error::file(folder, source))
        }
        // Where there are no locks, the user must see to it.
        _ => Ok(file),
    }
}

fn read_manifest(folder: &Path) -> Result<Option<Manifest>> {
    let path = folder.join(MANIFEST);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(&path, error)),
        Ok(text) => match Manifest::from_json(&text) {
            None => Err(Error::resume(folder, format!("{MANIFEST} is not as it was written, or of another version"))),
            manifest => Ok(manifest),
        },
    }
}

/// Refuses work that is another.
fn compare(folder: &Path, left: &Manifest, identity: &[(String, String)]) -> Result<()> {
    let same = |name: &str, digest: &str| left.identity.iter().any(|(own, other)| own == name && other == digest);
    let differing: Vec<&str> =
        identity.iter().filter(|(name, digest)| !same(name, digest)).map(|(name, _)| &name[..]).collect();
    if differing.is_empty() && left.identity.len() == identity.len() {
        return Ok(());
    }
    Err(Error::resume(folder, format!("this run has other {}", differing.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(folder: &Path, value: &str) -> ResumeOptions {
        ResumeOptions { folder: folder.join("kept"), identity: vec![("options", value.into())] }
    }

    fn save(journal: &mut Journal, templates: u64) {
        let runs = Runs::on(journal.run_shelf());
        let (covered, counts) = (Covered::default(), LibraryCounts::default());
        journal.save(&State { covered: &covered, templates, counts: &counts, runs: &runs }).unwrap();
    }

    #[test]
    fn the_next_process_finds_what_was_saved_and_removes_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(&options(folder.path(), "a")).unwrap();
        assert!(journal.take_left().is_none());
        save(&mut journal, 7);
        let kept = folder.path().join("kept");
        fs::write(kept.join("run-9"), "not finished").unwrap();
        drop(journal);
        let mut journal = Journal::open(&options(folder.path(), "a")).unwrap();
        assert_eq!(journal.take_left().map(|left| left.templates), Some(7));
        assert!(!kept.join("run-9").exists());
        journal.remove();
        assert!(!kept.exists());
    }

    #[test]
    fn other_work_and_a_second_process_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(&options(folder.path(), "a")).unwrap();
        save(&mut journal, 7);
        let second = Journal::open(&options(folder.path(), "a")).err().expect("it is locked");
        assert!(second.to_string().contains("at work"), "{second}");
        drop(journal);
        let other = Journal::open(&options(folder.path(), "b")).err().expect("other work");
        assert!(matches!(&other, Error::Resume { why, .. } if why.contains("other options")), "{other}");
        fs::write(folder.path().join("kept").join(MANIFEST), "{}").unwrap();
        assert!(matches!(Journal::open(&options(folder.path(), "a")), Err(Error::Resume { .. })));
    }

    #[test]
    fn nobody_writes_down_what_options_say() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(&options(folder.path(), "SM:patient")).unwrap();
        save(&mut journal, 1);
        let text = fs::read_to_string(folder.path().join("kept").join(MANIFEST)).unwrap();
        assert!(!text.contains("patient"), "{text}");
    }

    #[test]
    fn outputs_of_one_name_in_two_folders_have_two_places() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        [&a, &b].into_iter().for_each(|path| fs::create_dir(path).unwrap());
        let place = |path: &Path| resume_folder(folder.path(), &path.join("out.bam")).unwrap();
        assert_ne!(place(&a), place(&b));
        assert_eq!(place(&a), place(&b.join("../a")));
        assert!(resume_folder(folder.path(), &a.join("none/out.bam")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_its_owners_alone_and_no_link() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        drop(Journal::open(&options(folder.path(), "a")).unwrap());
        let kept = folder.path().join("kept");
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        fs::remove_dir_all(&kept).unwrap();
        std::os::unix::fs::symlink(folder.path(), &kept).unwrap();
        assert!(Journal::open(&options(folder.path(), "a")).is_err());
    }
}
