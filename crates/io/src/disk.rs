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
    // What holds no blocks at all, such as /proc, says nothing of room.
    if disk.f_blocks == 0 {
        return Err(io::ErrorKind::Unsupported.into());
    }
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_without_blocks_has_no_known_room() {
        assert!(free_space(Path::new("/proc")).is_err());
        assert!(free_space(&std::env::temp_dir()).is_ok());
    }
}
