//! CRAM 3.0 and 3.1 files: records as their differences from the reference, in columns.
//!
//! Format: "CRAM format specification (version 3.1)", GA4GH, 2024. Version 3.1 differs from 3.0 in the codecs that blocks may have. A file is a chain of containers, and each of ours holds one
//! slice of at most [`RECORDS_A_SLICE`] records. Every field of a record goes to the stream of its [`series`], every stream to a
//! block, compressed alone. A container depends on its records and the reference only, so several threads make them and the
//! [`writer`] puts them in order; it is cut by counts and places of records, and neither threads nor timing can show in the file.
//!
//! The writer is ours and not that of noodles, which chains all records of a name in a slice as mates and lets readers work out
//! where the mates lie: supplementary records get wrong mates so, and template lengths that are counted as bwa does change. It
//! also compresses in one thread. Ours says for every record where its mate is (*detached* in the specification), and keeps all
//! tags, NM and MD too, so that what comes out is what went in, tag order aside.
//!
//! - [`number`]: integers of variable size;
//! - [`rans`], [`rans_nx16`], [`stream_flags`], [`names`], [`block`]: compression;
//! - [`series`], [`tags`], [`features`]: the columns of records;
//! - [`encoding`], [`compression_header`]: which block holds which column;
//! - [`container`]: records to bytes;
//! - [`file`]: what stands before and behind the containers;
//! - [`index`]: the CRAI file;
//! - [`read`]: the way back.

mod block;
mod compression_header;
mod container;
mod encoding;
mod features;
mod file;
mod index;
mod names;
mod number;
mod rans;
mod rans_nx16;
mod read;
mod series;
mod stream_flags;
mod tags;
mod writer;

use std::ops::Range;

pub use index::cram_index_path;
pub(crate) use index::{IndexEntry, write_index};
pub use read::CramReference;
pub(crate) use read::{CramStream, is_cram};
pub(crate) use writer::{CramOptions, CramWriter};

/// A version of the format.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum CramVersion {
    /// 3.0, which all readers know.
    #[default]
    V3_0,
    /// 3.1, which has a codec for names, and an entropy coder that packs few symbols.
    V3_1,
}

/// Most records of a slice.
const RECORDS_A_SLICE: usize = 10_000;

/// Most bases of the reference from a slice's first record to its last, so that sparse reads don't need a whole contig.
const SLICE_SPAN: u32 = 1 << 24;

/// The bases that records are compared with.
pub trait ReferenceBases: Send + Sync {
    /// Appends the upper-case letters of the bases `span` (0-based, half-open) of a contig, counted as in the header.
    /// What lies outside is left out.
    fn append_bases(&self, contig: usize, span: Range<u64>, letters: &mut Vec<u8>);
}
