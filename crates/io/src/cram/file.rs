//! What stands before and behind the containers of records (CRAM specification 3.0, sections 6, 7 and 9).

use std::io;

use noodles::sam;

use super::{
    CramVersion,
    block::{Coding, ContentType, Packing, append_block},
    container::ContainerHeader,
};
use crate::header_text::append_text;

/// Magic letters, version 3 and a file name that is left empty.
const DEFINITION: [u8; 26] = *b"CRAM\x03\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
/// Where the second number of the version stands.
const MINOR_VERSION_AT: usize = 5;

/// The container that ends every complete file.
pub(super) const END: [u8; 38] = [
    0x0f, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xe0, b'E', b'O', b'F', 0, 0, 0, 0, 0x01, 0, 0x05, 0xbd, 0xd9, 0x4f,
    0, 0x01, 0, 0x06, 0x06, 0x01, 0, 0x01, 0, 0x01, 0, 0xee, 0x63, 0x01, 0x4b,
];

/// The first bytes of a file: its definition and the SAM header.
pub(super) fn file_start(header: &sam::Header, version: CramVersion) -> io::Result<Vec<u8>> {
    /// DEFLATE level of the header, which is small.
    const LEVEL: u8 = 6;
    let mut text = vec![0; 4];
    append_text(header, &mut text)?;
    let length = i32::try_from(text.len() - 4).map_err(|_| io::Error::other("the header has more than 2^31 bytes"))?;
    text[..4].copy_from_slice(&length.to_le_bytes());
    let mut block = Vec::new();
    append_block(ContentType::FileHeader, 0, &text, Packing::Gzip, Coding { version, level: LEVEL }, &mut block)?;
    let container = ContainerHeader { blocks: 1, ..ContainerHeader::default() };
    let mut start = DEFINITION.to_vec();
    start[MINOR_VERSION_AT] = match version {
        CramVersion::V3_0 => 0,
        CramVersion::V3_1 => 1,
    };
    container.append(block.len(), &mut start);
    start.append(&mut block);
    Ok(start)
}
