//! The identity of the FASTA file behind an index.
//!
//! The index keeps the file's length, the time of its last change and a digest. If length and time are still the same, the
//! file is taken to be the indexed one; if only the time differs (a copy, say), the file is read and its digest decides. An index
//! whose prefix was chosen can stand beside another file: if that is FASTA too, its contigs decide, so that the same reference
//! packed or unpacked is none other; if not, it has nothing to do with the index.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;
use std::time::UNIX_EPOCH;

use md5::{Digest, Md5};
use svala_io::{Contig as FastaContig, FastaReader, is_fasta};
use xxhash_rust::xxh3::Xxh3;

use super::Index;
use super::format::Parameters;
use crate::error::{Error, Result};

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

/// Whether the file at `path` may stand beside `index`: it has the contigs that were indexed, or is no FASTA file.
///
/// # Errors
///
/// It can't be read, or is FASTA at the start and something else behind it.
pub fn is_same(path: &Path, index: &Index) -> Result<bool> {
    Ok(is_same_file(path, &index.parameters).map_err(|source| Error::file(path, source))?
        || !is_fasta(path)?
        || has_contigs(path, index)?)
}

/// Whether the file at `path` is the one that `parameters` were made from.
fn is_same_file(path: &Path, parameters: &Parameters) -> std::io::Result<bool> {
    let (bytes, modified_ns) = length_and_time(&path.metadata()?);
    if bytes != parameters.source_bytes {
        return Ok(false);
    }
    if modified_ns != 0 && modified_ns == parameters.source_modified_ns {
        return Ok(true);
    }
    Ok(digest(path)? == parameters.source_digest)
}

/// Whether a FASTA file has the contigs of an index, in their order.
fn has_contigs(path: &Path, index: &Index) -> Result<bool> {
    let (mut reader, mut contig) = (FastaReader::open(path)?, FastaContig::default());
    for known in &index.contigs {
        let is_there = reader.read_contig(&mut contig)? && contig.name == known.name;
        if !is_there || contig.sequence.len() as u64 != known.length {
            return Ok(false);
        }
        contig.sequence.make_ascii_uppercase();
        if <[u8; 16]>::from(Md5::digest(&contig.sequence)) != known.md5 {
            return Ok(false);
        }
    }
    Ok(!reader.read_contig(&mut contig)?)
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
