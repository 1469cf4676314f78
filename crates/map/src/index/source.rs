//! A quick identity of the FASTA file behind an index.
//!
//! Reading a whole genome to check that it is still the indexed one would cost more than mapping a small sample. So the
//! index keeps the file's length and a digest of 64 evenly spaced pieces of it; small files are digested whole.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

const PIECES: u64 = 64;
const PIECE_BYTES: u64 = 1 << 16;

/// Length in bytes and digest of a file.
pub fn identify(path: &Path) -> std::io::Result<(u64, u64)> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let mut digest = Xxh3::new();
    let mut piece = Vec::new();
    if bytes <= PIECES * PIECE_BYTES {
        file.read_to_end(&mut piece)?;
        digest.update(&piece);
    } else {
        for i in 0..PIECES {
            file.seek(SeekFrom::Start((bytes - PIECE_BYTES) / (PIECES - 1) * i))?;
            piece.clear();
            file.by_ref().take(PIECE_BYTES).read_to_end(&mut piece)?;
            digest.update(&piece);
        }
    }
    Ok((bytes, digest.digest()))
}
