//! The identity of the FASTA file behind an index.
//!
//! The index keeps the file's length, the time of its last change and a digest. If length and time are still the same, the
//! file is taken to be the indexed one; if only the time differs (a copy, say), the file is read and its digest decides.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::UNIX_EPOCH;

use xxhash_rust::xxh3::Xxh3;

use super::format::Parameters;

/// Length in bytes and time of the last change in nanoseconds since 1970, 0 if unknown.
fn length_and_time(metadata: &Metadata) -> (u64, u64) {
    let since_epoch = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (metadata.len(), since_epoch.map_or(0, |time| time.as_nanos() as u64))
}

/// Fills in what `parameters` say of the FASTA file at `path`.
pub fn record(path: &Path, parameters: &mut Parameters) -> std::io::Result<()> {
    let (bytes, modified_ns) = length_and_time(&path.metadata()?);
    parameters.source_bytes = bytes;
    parameters.source_modified_ns = modified_ns;
    parameters.source_digest = digest(path)?;
    Ok(())
}

/// Whether the FASTA file at `path` is the one that `parameters` were made from.
pub fn is_same(path: &Path, parameters: &Parameters) -> std::io::Result<bool> {
    let (bytes, modified_ns) = length_and_time(&path.metadata()?);
    if bytes != parameters.source_bytes {
        return Ok(false);
    }
    if modified_ns != 0 && modified_ns == parameters.source_modified_ns {
        return Ok(true);
    }
    Ok(digest(path)? == parameters.source_digest)
}

fn digest(path: &Path) -> std::io::Result<u64> {
    let mut file = File::open(path)?;
    let mut digest = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.digest()),
            count => digest.update(&buffer[..count]),
        }
    }
}
