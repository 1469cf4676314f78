//! Space on disks.

use std::{io, path::Path};

/// Bytes that an ordinary user can still write to the disk of a folder.
///
/// # Errors
///
/// The system does not tell.
#[cfg(unix)]
pub fn free_space(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes that an ordinary user can still write to the disk of a folder.
///
/// # Errors
///
/// Always: on this system it is not asked.
#[cfg(not(unix))]
pub fn free_space(_: &Path) -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}
