//! The one place that maps a file into memory.
#![allow(unsafe_code, reason = "mapping a file is unsafe by nature")]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

/// Maps a whole file for reading.
///
/// # Errors
///
/// If the file can't be opened or mapped.
pub fn map_file(path: &Path) -> std::io::Result<Mmap> {
    let file = File::open(path)?;
    // SAFETY: the map is only read. svala itself never changes an index in place: it writes a new file and renames it, which
    // leaves this mapping whole. Another program that truncates the file under us ends the process with SIGBUS (the CLI says so); it can't
    // make us read outside the mapping, and the checksums were verified over the bytes we then use.
    let map = unsafe { Mmap::map(&file) }?;
    // Look-ups go to places far apart, each of which costs a walk of the page table unless pages are large. Where the system has
    // none for this file, it says so, and small pages do.
    #[cfg(target_os = "linux")]
    let _ = map.advise(memmap2::Advice::HugePage);
    Ok(map)
}
