//! What the tests of hostile inputs share: good inputs to change, and their containers.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use xxhash_rust::xxh3::xxh3_64;

use super::Random;

/// The empty block at the end of BGZF.
pub const BGZF_END: [u8; 28] =
    [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Reads that stand nowhere in the reference but for chance: the tests are about reading.
pub fn records(count: usize) -> Vec<String> {
    let mut random = Random(7);
    let mut bases = |length: usize| -> String { (0..length).map(|_| ['A', 'C', 'G', 'T'][random.below(4)]).collect() };
    (0..count).map(|i| format!("@read{i}\n{}\n+\n{}\n", bases(60 + i % 7), "I".repeat(60 + i % 7))).collect()
}

pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).expect("memory");
    encoder.finish().expect("memory")
}

pub fn zstd(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

/// BGZF blocks of so many bytes each, without the block that ends a file.
pub fn bgzf_blocks(data: &[u8], block_bytes: usize) -> Vec<Vec<u8>> {
    let block = |data: &[u8]| {
        let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(data).expect("memory");
        let deflated = deflate.finish().expect("memory");
        let mut crc = flate2::Crc::new();
        crc.update(data);
        let size = (deflated.len() + 25) as u16;
        let trailer = [crc.sum().to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        [&BGZF_END[..16], &size.to_le_bytes(), &deflated, &trailer].concat()
    };
    data.chunks(block_bytes).map(block).collect()
}

pub fn bgzf(data: &[u8], block_bytes: usize) -> Vec<u8> {
    let mut blocks = bgzf_blocks(data, block_bytes);
    blocks.push(BGZF_END.to_vec());
    blocks.concat()
}

/// Unaligned BAM, uncompressed.
pub fn bam() -> Vec<u8> {
    let number = |number: usize| (number as u32).to_le_bytes();
    let header = b"@HD\tVN:1.6\n@SQ\tSN:c\tLN:9\n@RG\tID:a\tSM:s\n";
    let mut content =
        [&b"BAM\x01"[..], &number(header.len()), header, &number(1), &number(2), b"c\0", &number(9)].concat();
    for i in 0..40usize {
        let name = format!("read{i:02}\0");
        let bases = 50 + i % 3;
        let mut record = [&number(usize::MAX)[..], &number(usize::MAX), &[name.len() as u8, 0, 0x48, 0x12]].concat();
        record.extend([0, 0, [0x4d, 0x8d][i % 2], 0]);
        record.extend([number(bases), number(usize::MAX), number(usize::MAX), number(0)].concat());
        record.extend(name.replace(&format!("{i:02}"), &format!("{:02}", i / 2)).bytes());
        record.extend(std::iter::repeat_n(0x12, bases.div_ceil(2)));
        record.extend(std::iter::repeat_n(30, bases));
        record.extend(b"RGZa\0XBBs\x02\0\0\0\x01\0\x02\0RXZACGT\0");
        content.extend(number(record.len()));
        content.extend(record);
    }
    content
}

/// Sections of an index.
pub const INDEX_SECTIONS: usize = 8;
/// Bytes of an index's header and section table.
pub const INDEX_HEAD: usize = 32 + 32 * INDEX_SECTIONS;

/// Makes the checksums of an index right again; the layout is that of `index/format.rs` and `index/checksum.rs`.
pub fn seal(index: &mut [u8]) {
    for number in 0..INDEX_SECTIONS {
        let entry = 32 + 32 * number;
        let field = |at: usize| u64::from_le_bytes(index[at..at + 8].try_into().expect("8 bytes")) as usize;
        let (start, bytes) = (field(entry + 8), field(entry + 16));
        let section = start.checked_add(bytes).and_then(|end| index.get(start..end));
        let of_pieces = |section: &[u8]| {
            let pieces: Vec<u8> = section.chunks(4 << 20).flat_map(|piece| xxh3_64(piece).to_le_bytes()).collect();
            xxh3_64(&pieces)
        };
        if let Some(checksum) = section.map(of_pieces) {
            index[entry + 24..entry + 32].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    index[24..32].fill(0);
    let checksum = xxh3_64(&index[..INDEX_HEAD]);
    index[24..32].copy_from_slice(&checksum.to_le_bytes());
}

/// What is at a place of a CRAM file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CramPart {
    /// A number of variable size: of a container's header, or of a block's.
    Number { bytes: usize, in_body: bool },
    /// The content of a block.
    Content { bytes: usize },
}

/// Goes through a CRAM file as far as its lengths lead, makes the checksums right, and returns where what is, with the place of its container.
pub fn seal_cram(file: &mut [u8]) -> Vec<(usize, usize, CramPart)> {
    let mut parts = Vec::new();
    let mut at = 26;
    while let Some(end) = seal_container(file, at, &mut parts) {
        at = end;
    }
    parts
}

/// Returns where the container ends, unless the file does before.
fn seal_container(file: &mut [u8], start: usize, parts: &mut Vec<(usize, usize, CramPart)>) -> Option<usize> {
    let length = u32::from_le_bytes(*file.get(start..)?.first_chunk()?) as usize;
    let (mut at, mut landmarks) = (start + 4, 1);
    for number in 0.. {
        if number >= 8 + landmarks - 1 {
            break;
        }
        let most = if [4, 5].contains(&number) { 8 } else { 4 };
        let bytes = number_bytes(file, at, most)?;
        if number == 7 {
            landmarks = 1 + usize::from(file[at]);
        }
        parts.push((at, start, CramPart::Number { bytes, in_body: false }));
        at += bytes;
    }
    let body = seal(file, start, at)?;
    let end = body.checked_add(length).filter(|&end| end <= file.len());
    let mut block = body;
    while end.is_some_and(|end| block < end) {
        block = seal_block(file, block, start, parts)?;
    }
    return end;

    /// Puts the checksum of a range behind it, and returns where that ends.
    fn seal(file: &mut [u8], start: usize, end: usize) -> Option<usize> {
        let mut crc = flate2::Crc::new();
        crc.update(file.get(start..end)?);
        file.get_mut(end..end + 4)?.copy_from_slice(&crc.sum().to_le_bytes());
        Some(end + 4)
    }

    fn number_bytes(file: &[u8], at: usize, most: u32) -> Option<usize> {
        let bytes = 1 + file.get(at)?.leading_ones().min(most) as usize;
        (at + bytes <= file.len()).then_some(bytes)
    }

    fn seal_block(
        file: &mut [u8],
        start: usize,
        container: usize,
        parts: &mut Vec<(usize, usize, CramPart)>,
    ) -> Option<usize> {
        let (mut at, mut packed_bytes) = (start + 2, 0);
        for number in 0..3 {
            let bytes = number_bytes(file, at, 4)?;
            if number == 1 {
                let own = &file[at..at + bytes];
                let first = u64::from(own[0] & (0xff >> bytes.min(4)));
                packed_bytes = own[1..].iter().fold(first, |sum, &byte| sum << 8 | u64::from(byte)) as usize;
            }
            parts.push((at, container, CramPart::Number { bytes, in_body: true }));
            at += bytes;
        }
        let end = at.checked_add(packed_bytes)?;
        parts.push((at, container, CramPart::Content { bytes: packed_bytes }));
        seal(file, start, end)
    }
}

/// Replaces a number of a CRAM file, and makes the length of its container fit; checksums stay as they are.
pub fn forge_cram(file: &mut Vec<u8>, (at, container, part): (usize, usize, CramPart), value: &[u8]) {
    let CramPart::Number { bytes, in_body } = part else { return };
    file.splice(at..at + bytes, value.iter().copied());
    if in_body {
        let length = i32::from_le_bytes(file[container..container + 4].try_into().expect("4 bytes"));
        let length = length + value.len() as i32 - bytes as i32;
        file[container..container + 4].copy_from_slice(&length.to_le_bytes());
    }
}
