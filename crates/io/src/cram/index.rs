//! CRAI, the index of a CRAM file: a line a slice, compressed with gzip (CRAM specification 3.0, section 12).

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// The path of the index of a CRAM file: `.crai` is appended.
#[must_use]
pub fn cram_index_path(cram: &Path) -> PathBuf {
    let mut path = cram.as_os_str().to_owned();
    path.push(".crai");
    path.into()
}

/// Where a slice is, in the reference and in the file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct IndexEntry {
    /// Number of the contig; -1 for reads that have none.
    pub(super) reference: i32,
    /// First base that its records cover, 1-based; 0 without a contig.
    pub(super) start: u32,
    /// Bases to the last that they cover.
    pub(super) span: u32,
    /// First byte of its container in the file.
    pub(super) container: u64,
    /// Bytes from the end of the container's header to the slice.
    pub(super) landmark: usize,
    /// Bytes of the slice.
    pub(super) bytes: usize,
}

/// Writes an index.
pub(crate) fn write_index(entries: &[IndexEntry], output: &mut impl Write) -> io::Result<()> {
    let mut encoder = GzEncoder::new(output, Compression::default());
    for entry in entries {
        let IndexEntry { reference, start, span, container, landmark, bytes } = entry;
        writeln!(encoder, "{reference}\t{start}\t{span}\t{container}\t{landmark}\t{bytes}")?;
    }
    encoder.finish().map(drop)
}
