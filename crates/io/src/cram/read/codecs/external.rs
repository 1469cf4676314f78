//! Codecs of other crates: gzip, bzip2 and xz.

use std::io::Read;

use bzip2::read::BzDecoder;
use libdeflater::Decompressor;
use lzma_rust2::XzReader;

use super::{
    super::flaw::{Decoded, Flaw, damaged},
    Room,
};

/// Memory of xz, in KiB: what its highest level takes, and some more.
const XZ_MEMORY_KIB: u32 = 80 << 10;

pub(in super::super) fn gzip(packed: &[u8], size: usize, room: &mut Room) -> Decoded<Vec<u8>> {
    let mut content = room.zeros(size)?;
    match Decompressor::new().gzip_decompress(packed, &mut content) {
        Ok(bytes) if bytes == size => Ok(content),
        _ => damaged("a gzip block can't be inflated"),
    }
}

pub(in super::super) fn bzip2(packed: &[u8], size: usize, room: &mut Room) -> Decoded<Vec<u8>> {
    read(BzDecoder::new(packed), size, room)
}

pub(in super::super) fn xz(packed: &[u8], size: usize, room: &mut Room) -> Decoded<Vec<u8>> {
    read(XzReader::new_mem_limit(packed, false, XZ_MEMORY_KIB), size, room)
}

fn read(mut decoder: impl Read, size: usize, room: &mut Room) -> Decoded<Vec<u8>> {
    let mut content = room.zeros(size)?;
    let read = decoder.read_exact(&mut content);
    read.map_err(|_| Flaw::Damaged("a bzip2 or xz block can't be decompressed"))?;
    Ok(content)
}
