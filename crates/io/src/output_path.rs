//! What the path of an output leads to: a file that gets its name when it is complete, or a stream that is written as it is.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// Links followed before a circle is assumed, as in Linux.
const MAX_LINKS: usize = 40;

/// Whether a path is a stream and not a file that can be replaced: standard output (`-`), what this process has open (`/dev/stdout`,
/// `/dev/fd/63`), or something that is there and no regular file, such as a device or a pipe. Nothing stands beside a stream.
#[must_use]
pub fn is_stream(path: &Path) -> bool {
    path == Path::new("-") || descriptor(path).is_some() || fs::metadata(path).is_ok_and(|there| !there.is_file())
}

/// Where a symbolic link ends, even if nothing is there yet; else the path itself.
///
/// # Errors
///
/// A link can't be read, or links lead in a circle.
pub fn link_target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        match next_link(&target)? {
            Some(next) => target = next,
            None => return Ok(target),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// The folder of a path.
pub(crate) fn parent_folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Where a path leads if it is a symbolic link. A relative one counts from its own folder.
fn next_link(path: &Path) -> io::Result<Option<PathBuf>> {
    if !fs::symlink_metadata(path).is_ok_and(|entry| entry.is_symlink()) {
        return Ok(None);
    }
    Ok(Some(parent_folder(path).join(fs::read_link(path)?)))
}

/// The number of the open file that a path, or the link that it is, stands for. What such a file is called elsewhere is not asked: a
/// log to which standard output goes must stay the same file.
pub(crate) fn descriptor(path: &Path) -> Option<u32> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let number = named_descriptor(&path);
        if number.is_some() {
            return number;
        }
        path = next_link(&path).ok()??;
    }
    None
}

#[cfg(unix)]
fn named_descriptor(path: &Path) -> Option<u32> {
    let own = format!("/proc/{}/fd", std::process::id());
    match path.to_str()? {
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        text => {
            let folder = ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd", &own].into_iter();
            let number = folder.filter_map(|folder| text.strip_prefix(folder)?.strip_prefix('/')).next()?;
            number.parse().ok()
        }
    }
}

#[cfg(not(unix))]
fn named_descriptor(_: &Path) -> Option<u32> {
    None
}

/// Opens an output that is not to be replaced, if it is such: an open file of this process goes on where it is, or at its end.
///
/// # Errors
///
/// It can't be opened; so a folder.
pub(crate) fn open_stream(path: &Path) -> io::Result<Option<File>> {
    if let Some(number) = descriptor(path) {
        return open_again(number, path).map(Some);
    }
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return OpenOptions::new().write(true).open(path).map(Some);
    }
    Ok(None)
}

#[cfg(unix)]
fn open_again(number: u32, path: &Path) -> io::Result<File> {
    use std::os::fd::AsFd;

    match number {
        1 => Ok(io::stdout().as_fd().try_clone_to_owned()?.into()),
        2 => Ok(io::stderr().as_fd().try_clone_to_owned()?.into()),
        _ => OpenOptions::new().append(true).open(path),
    }
}

#[cfg(not(unix))]
fn open_again(_: u32, path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).open(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_told_by_their_names() {
        let own = format!("/proc/{}/fd/7", std::process::id());
        let numbers =
            ["/dev/stdout", "/dev/stderr", "/dev/fd/63", "/proc/self/fd/5", &own, "/dev/null", "out.bam", "/dev/fd/x"]
                .map(|path| descriptor(Path::new(path)));
        assert_eq!(numbers, [Some(1), Some(2), Some(63), Some(5), Some(7), None, None, None]);
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("log");
        std::os::unix::fs::symlink("/dev/stdout", &link).unwrap();
        assert_eq!(descriptor(&link), Some(1));
    }

    #[test]
    fn what_is_no_regular_file_is_a_stream() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert!(!is_stream(&file));
        fs::write(&file, "").unwrap();
        assert!(!is_stream(&file));
        assert!(["-", "/dev/stdout", "/dev/null"].iter().all(|path| is_stream(Path::new(path))));
    }
}
