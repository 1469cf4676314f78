//! CRAM 3.0 and 3.1 files as streams of BAM: containers in, encoded records out.
//!
//! Format: "CRAM format specification (version 3.1)" and "CRAM codec specification (version 3.1)", GA4GH, 2024. The reader is ours and
//! not that of noodles, which panics, reserves what lengths ask for, and holds whole contigs. Here nothing of a file is believed:
//! every checksum is compared before what it covers is looked at, memory is taken as bytes come or within limits that they
//! set ([`codecs::Room`]), all access is checked, and a file that doesn't end with the container that all end with is cut.
//!
//! - [`bytes`], [`flaw`]: numbers out of memory, and what is wrong;
//! - [`container`], [`block`], [`codecs`]: the file, its parts, and their compression;
//! - [`compression_header`], [`encoding`]: which block holds which column, and how;
//! - [`slice`], [`records`], [`mates`], [`record`]: columns to records of BAM;
//! - [`reference`](mod@reference): the bases that they are told by;
//! - [`stream`]: all of it as a stream.

mod block;
mod bytes;
mod codecs;
mod compression_header;
mod container;
mod encoding;
mod flaw;
mod mates;
mod record;
mod records;
mod reference;
mod slice;
mod stream;

pub use reference::CramReference;
pub(crate) use stream::{CramStream, is_cram};

/// Decodes what [`names`](super::names) encodes.
#[cfg(test)]
pub(super) fn decode_names(block: &[u8], size: usize) -> flaw::Decoded<Vec<u8>> {
    codecs::names::decode(block, &mut codecs::Room(4 * size + (16 << 20)))
}

/// Decodes what [`rans_nx16`](super::rans_nx16) encodes.
#[cfg(test)]
pub(super) fn decode_rans_nx16(stream: &[u8], size: usize) -> flaw::Decoded<Vec<u8>> {
    codecs::rans_nx16::decode(stream, None, &mut codecs::Room(4 * size + 1000))
}
