//! Whether a run can fit on its disks, before it starts.
//!
//! What it will need is estimated from the size of its inputs: measured on 300,000 reads of 2 x 150 bases, a BAM file has 1.1 times
//! the bytes of gzipped FASTQ files, and runs of sorting have 2 times. Plain FASTQ is four times as large.

use std::path::{Path, PathBuf};

use svala_io::{Destination, free_space, is_compressed, is_stream, link_target};

use crate::error::{Error, Result};
use crate::say;

/// Tenths of a gzipped input's bytes.
const OUTPUT_TENTHS: u64 = 11;
const RUNS_TENTHS: u64 = 20;
const PLAIN_FACTOR: u64 = 4;

/// Files of a run.
pub struct Places<'a> {
    /// Inputs; those that are no regular files count nothing.
    pub inputs: Vec<&'a Path>,
    /// The run takes one in so many of their reads.
    pub shards: u32,
    /// Output.
    pub output: &'a Destination,
    /// Folder of runs, and the memory that inputs must fill before there are any, in bytes.
    pub runs: Option<(&'a Path, usize)>,
    /// Whether nothing but errors is said.
    pub quiet: bool,
}

/// Warns if less space is free than will be needed by estimate.
///
/// # Errors
///
/// Less than half of that is free.
pub fn check(places: &Places<'_>) -> Result<()> {
    let input = places.inputs.iter().map(|path| gzipped_bytes(path)).sum::<u64>() / u64::from(places.shards.max(1));
    let mut needs: Vec<(PathBuf, u64)> = Vec::new();
    if let Some(path) = places.output.file().filter(|path| !is_stream(path)) {
        // A link that leads in a circle is an error of those who want to write there.
        needs.push((folder(&link_target(path).unwrap_or_else(|_| path.to_owned())), input * OUTPUT_TENTHS / 10));
    }
    let runs = input * RUNS_TENTHS / 10;
    if let Some((folder, memory)) = places.runs
        && input.saturating_mul(PLAIN_FACTOR) > memory as u64
    {
        match needs.first_mut().filter(|(other, _)| is_same_disk(other, folder)) {
            Some((_, bytes)) => *bytes += runs,
            None => needs.push((folder.to_owned(), runs)),
        }
    }
    for (folder, needed) in needs {
        // A folder that isn't there is an error of those who want to write in it; of others it may not be known.
        let Ok(free) = free_space(&folder) else { continue };
        let mib = |bytes: u64| bytes >> 20;
        if free < needed / 2 {
            return Err(Error::Space { folder, needed_mib: mib(needed), free_mib: mib(free) });
        }
        if free < needed && !places.quiet {
            let (folder, needed, free) = (folder.display(), mib(needed), mib(free));
            say::line(format_args!(
                "svala: warning: {folder}: about {needed} MiB will be needed and {free} MiB are free"
            ));
        }
    }
    Ok(())
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Bytes of a file, as if it were compressed.
fn gzipped_bytes(path: &Path) -> u64 {
    let bytes = std::fs::metadata(path).ok().filter(|file| file.is_file()).map_or(0, |file| file.len());
    if bytes == 0 || is_compressed(path).unwrap_or(true) { bytes } else { bytes / PLAIN_FACTOR }
}

#[cfg(unix)]
fn is_same_disk(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let device = |path: &Path| std::fs::metadata(path).ok().map(|folder| folder.dev());
    device(a).is_some() && device(a) == device(b)
}

#[cfg(not(unix))]
fn is_same_disk(a: &Path, b: &Path) -> bool {
    a == b
}
