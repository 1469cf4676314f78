//! Output files that appear under their final name only when they are complete.
//!
//! Until then they lie in the same folder as `.svala-NAME-MACHINE-PROCESS-RANDOM.partial`, locked by their writer. A process that was killed
//! leaves such a file without a lock, and the next on that machine that writes a file of that name removes it.

use std::{
    borrow::Cow,
    fs::{self, File, Permissions},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use tempfile::NamedTempFile;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    Error, Result,
    output_path::{link_target, open_stream, parent_folder},
};

/// Bytes gathered before a write; BGZF blocks arrive in many small pieces.
const BUFFER_BYTES: usize = 256 * 1024;

/// Held for reading while a file is begun or gets its final name, so that none appears behind the back of [`remove_partials`]. Signals are
/// the process's, and so is this.
static CHANGES: RwLock<()> = RwLock::new(());

fn change() -> RwLockReadGuard<'static, ()> {
    CHANGES.read().unwrap_or_else(PoisonError::into_inner)
}

/// A file that is written beside its final place and moved there by [`commit`](Self::commit).
///
/// While it is written only its owner can read it (mode 0600 on Unix). Dropping it without a
/// commit removes it. A path that names a device, a pipe, a socket or an open file of this process (`/dev/stdout`) is written
/// directly.
pub struct AtomicFile {
    target: Target,
    path: PathBuf,
}

enum Target {
    Temporary {
        file: BufWriter<NamedTempFile>,
        /// Where the file goes: `path`, with a symbolic link followed.
        destination: PathBuf,
        permissions: Permissions,
    },
    Direct(BufWriter<File>),
}

impl AtomicFile {
    /// Starts a file for `path`, in the same folder.
    ///
    /// # Errors
    ///
    /// The folder does not exist or cannot be written, or `path` is a folder.
    pub fn create(path: &Path) -> Result<Self> {
        let target = Target::create(path).map_err(|source| Error::write(path, source))?;
        Ok(Self { target, path: path.to_path_buf() })
    }

    /// Whether it is written directly: no file that gets a name.
    pub(crate) fn is_direct(&self) -> bool {
        matches!(self.target, Target::Direct(_))
    }

    /// All of [`commit`](Self::commit) but the move, so that files that belong together appear together.
    ///
    /// # Errors
    ///
    /// One of these steps fails.
    pub fn complete(&mut self) -> Result<()> {
        self.target.complete().map_err(|source| Error::write(&self.path, source))
    }

    /// Its final name, if a file of the same bytes has that already. To be asked once it is [complete](Self::complete).
    pub(crate) fn twin(&self) -> Option<&Path> {
        let Target::Temporary { file, destination, .. } = &self.target else { return None };
        let is_same = has_same_bytes(file.get_ref().path(), destination).unwrap_or(false);
        is_same.then_some(&self.path)
    }

    /// Writes all bytes to the device, sets the usual permissions (0666 without the bits of the
    /// umask) and moves the file to its final name, in place of what may be there.
    ///
    /// # Errors
    ///
    /// One of these steps fails; the temporary file is then removed.
    pub fn commit(self) -> Result<()> {
        self.target.commit().map_err(|source| Error::write(&self.path, source))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Temporary { file, .. } => file.write(buffer),
            Target::Direct(file) => file.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Temporary { file, .. } => file.flush(),
            Target::Direct(file) => file.flush(),
        }
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        match &mut self.target {
            Target::Temporary { file, .. } => file.seek(position),
            Target::Direct(file) => file.seek(position),
        }
    }
}

impl Target {
    fn create(path: &Path) -> io::Result<Self> {
        // A folder fails here with the system's own message.
        if let Some(file) = open_stream(path)? {
            return Ok(Self::Direct(BufWriter::with_capacity(BUFFER_BYTES, file)));
        }
        // A rename would replace a symbolic link instead of the file it points to.
        let destination = link_target(path)?;
        let folder = parent_folder(&destination);
        let names = PartialNames::new(&destination);
        let _change = change();
        names.remove_leftovers(folder);
        let permissions = usual_permissions(folder, &names)?;
        let file = names.create(folder)?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self::Temporary { file, destination, permissions })
    }

    fn complete(&mut self) -> io::Result<()> {
        match self {
            // Devices and pipes need no sync, and many refuse it.
            Self::Direct(file) => file.flush(),
            Self::Temporary { file, permissions, .. } => {
                file.flush()?;
                let file = file.get_ref().as_file();
                file.set_permissions(permissions.clone())?;
                file.sync_all()
            }
        }
    }

    fn commit(mut self) -> io::Result<()> {
        self.complete()?;
        match self {
            Self::Direct(_) => Ok(()),
            Self::Temporary { file, destination, .. } => {
                let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
                let _change = change();
                file.persist(&destination).map_err(|error| error.error)?;
                sync_folder(parent_folder(&destination))
            }
        }
    }
}

/// Removes what this process has begun to write for these paths and for files whose names start so, such as their indexes, because a
/// signal is about to end it. What can't be removed stays. From then on whoever begins or completes a file waits for the end.
pub fn remove_partials(paths: &[PathBuf]) {
    std::mem::forget(CHANGES.write().unwrap_or_else(PoisonError::into_inner));
    paths.iter().for_each(|path| remove_partials_of(path));
}

fn remove_partials_of(path: &Path) {
    let destination = link_target(path).unwrap_or_else(|_| path.to_path_buf());
    let names = PartialNames::new(&destination);
    let process = format!("-{}-{}-", names.machine, std::process::id());
    for path in names.find(parent_folder(&destination)).filter(|path| file_name(path).contains(&process)) {
        let _ = fs::remove_file(path);
    }
}

/// Names of the unfinished files of one output: its own name, then the machine, the process and something random.
///
/// So several attempts at one output, on several machines that share a folder, write files of their own, and whichever ends last gives
/// its file the final name.
struct PartialNames {
    /// What they start with, whichever process writes them.
    prefix: String,
    /// This machine.
    machine: String,
}

impl PartialNames {
    const SUFFIX: &str = ".partial";
    /// Longest part of the output's name, in characters.
    const MAX_NAME: usize = 50;
    /// Attempts to create a file that no other process takes for a leftover before it is locked.
    const ATTEMPTS: usize = 10;

    fn new(destination: &Path) -> Self {
        let name = file_name(destination).chars().take(Self::MAX_NAME).collect::<String>();
        // Of a fixed length, and without what a name may hold.
        let machine = format!("{:016x}", xxh3_64(machine_name().as_bytes()));
        Self { prefix: format!(".svala-{name}"), machine }
    }

    fn builder_prefix(&self) -> String {
        format!("{}-{}-{}-", self.prefix, self.machine, std::process::id())
    }

    /// A new file, locked.
    fn create(&self, folder: &Path) -> io::Result<NamedTempFile> {
        for _ in 0..Self::ATTEMPTS {
            let prefix = self.builder_prefix();
            let file = tempfile::Builder::new().prefix(&prefix).suffix(Self::SUFFIX).tempfile_in(folder)?;
            // Where there are no locks, no leftovers are removed either.
            let _ = file.as_file().try_lock();
            if file.path().exists() {
                return Ok(file);
            }
        }
        Err(io::Error::other("another process removes temporary files"))
    }

    /// Files of this and of longer names.
    fn find<'n>(&'n self, folder: &Path) -> impl Iterator<Item = PathBuf> + use<'n> {
        let is_partial = |path: &PathBuf| {
            let name = file_name(path);
            name.starts_with(&self.prefix) && name.ends_with(Self::SUFFIX)
        };
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(is_partial)
    }

    /// Removes files whose writers have died on this machine: locks of others needn't show here. What can't be removed does no harm.
    fn remove_leftovers(&self, folder: &Path) {
        let machine = format!("-{}-", self.machine);
        for path in self.find(folder).filter(|path| file_name(path).contains(&machine)) {
            let is_left = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            if is_left {
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn file_name(path: &Path) -> Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// What the machine, or its container, is called.
#[cfg(unix)]
fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn machine_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

fn has_same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    Ok(fs::metadata(one)?.len() == fs::metadata(other)?.len() && fs::read(one)? == fs::read(other)?)
}

/// The permissions that a file created in `folder` in the ordinary way gets.
///
/// Reading the umask sets it for the whole process for a moment, which other threads would see.
/// So an empty file is created and looked at instead.
#[cfg(unix)]
fn usual_permissions(folder: &Path, names: &PartialNames) -> io::Result<Permissions> {
    use std::os::unix::fs::PermissionsExt;

    let (everyone, prefix) = (Permissions::from_mode(0o666), names.builder_prefix());
    let mut builder = tempfile::Builder::new();
    let probe = builder.prefix(&prefix).suffix(PartialNames::SUFFIX).permissions(everyone).tempfile_in(folder)?;
    Ok(probe.as_file().metadata()?.permissions())
}

#[cfg(not(unix))]
fn usual_permissions(folder: &Path, _: &PartialNames) -> io::Result<Permissions> {
    let probe = tempfile::Builder::new().tempfile_in(folder)?;
    Ok(probe.as_file().metadata()?.permissions())
}

/// Makes the rename itself durable.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        // Some network file systems cannot sync a folder; the file itself is complete.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_file_appears_at_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bam");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"content").unwrap();
        assert!(!path.exists());
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"content");
        assert_eq!(names(folder.path()), ["out.bam"]);
    }

    #[test]
    fn a_dropped_file_leaves_nothing_and_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bam");
        fs::write(&path, "before").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(&vec![b'x'; 2 * BUFFER_BYTES]).unwrap();
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"before");
        assert_eq!(names(folder.path()), ["out.bam"]);
    }

    #[test]
    fn leftovers_of_the_same_output_are_removed_and_living_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bam");
        let PartialNames { machine, .. } = PartialNames::new(&path);
        let [own, cut, other_output, other_machine] = [
            format!(".svala-out.bam-{machine}-1-abc.partial"),
            format!(".svala-out.bam-{machine}-1"),
            format!(".svala-other.bam-{machine}-1-abc.partial"),
            ".svala-out.bam-0123456789abcdef-1-abc.partial".to_owned(),
        ];
        for name in [&own, &cut, &other_output, &other_machine, "x.partial"] {
            fs::write(folder.path().join(name), "left").unwrap();
        }
        let living = AtomicFile::create(&path).unwrap();
        let other = AtomicFile::create(&path).unwrap();
        assert_eq!(names(folder.path()).len(), 6);
        living.commit().unwrap();
        other.commit().unwrap();
        let mut left = names(folder.path());
        left.sort();
        let mut expected = [other_output, cut, other_machine, "out.bam".into(), "x.partial".into()];
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn a_process_removes_its_own_files_with_those_of_longer_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bam");
        let files =
            ["out.bam", "out.bam.bai", "xout.bam"].map(|name| AtomicFile::create(&folder.path().join(name)).unwrap());
        let PartialNames { machine, .. } = PartialNames::new(&path);
        let process = std::process::id();
        let [other_process, other_machine] = [
            format!(".svala-out.bam-{machine}-0-abc.partial"),
            format!(".svala-out.bam-0123456789abcdef-{process}-abc.partial"),
        ];
        for name in [&other_process, &other_machine] {
            fs::write(folder.path().join(name), "another's").unwrap();
        }
        remove_partials_of(&path);
        assert_eq!(names(folder.path()).len(), 3);
        drop(files);
        let (mut left, mut expected) = (names(folder.path()), [other_process, other_machine]);
        left.sort();
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn a_twin_has_the_same_bytes_under_the_final_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.bam.bai");
        let complete = |content: &[u8]| {
            let mut file = AtomicFile::create(&path).unwrap();
            file.write_all(content).unwrap();
            file.complete().unwrap();
            file
        };
        let first = complete(b"index");
        assert_eq!(first.twin(), None);
        first.commit().unwrap();
        assert_eq!(complete(b"index").twin(), Some(path.as_path()));
        assert_eq!(complete(b"Index").twin(), None);
        assert_eq!(complete(b"longer index").twin(), None);
    }

    #[test]
    fn long_names_are_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("\u{e5}".repeat(120));
        AtomicFile::create(&path).unwrap().commit().unwrap();
        assert!(path.exists());
    }

    #[test]
    fn a_missing_folder_and_a_folder_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing").join("out.bam");
        assert!(matches!(AtomicFile::create(&missing), Err(Error::Write { path, .. }) if path == missing));
        assert!(AtomicFile::create(folder.path()).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_private_first_and_usual_at_last() {
        use std::os::unix::fs::PermissionsExt;

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = tempfile::tempdir().unwrap();
        let ordinary = folder.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        let path = folder.path().join("out.bam");
        let file = AtomicFile::create(&path).unwrap();
        let partial = names(folder.path()).into_iter().find(|name| name.ends_with(".partial"));
        assert_eq!(mode(&folder.path().join(partial.unwrap())), 0o600);
        file.commit().unwrap();
        assert_eq!(mode(&path), mode(&ordinary));
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_stays_and_its_target_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "before").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"after").unwrap();
        file.commit().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"after");
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_to_nothing_yet_is_followed_and_a_circle_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link.bam"), folder.path().join("real.bam"));
        std::os::unix::fs::symlink("real.bam", &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        assert!(AtomicFile::create(&circle).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_is_written_directly() {
        let mut file = AtomicFile::create(Path::new("/dev/null")).unwrap();
        file.write_all(b"gone").unwrap();
        file.commit().unwrap();
        let mut full = AtomicFile::create(Path::new("/dev/full")).unwrap();
        full.write_all(b"no room").unwrap();
        assert!(matches!(full.commit(), Err(Error::Write { .. })));
    }
}
