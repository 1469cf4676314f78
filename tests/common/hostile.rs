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

/// Makes the checksums of an index right again; the layout is that of `index/format.rs`.
pub fn seal(index: &mut [u8]) {
    for number in 0..7 {
        let entry = 32 + 32 * number;
        let field = |at: usize| u64::from_le_bytes(index[at..at + 8].try_into().expect("8 bytes")) as usize;
        let (start, bytes) = (field(entry + 8), field(entry + 16));
        let section = start.checked_add(bytes).and_then(|end| index.get(start..end));
        if let Some(checksum) = section.map(xxh3_64) {
            index[entry + 24..entry + 32].copy_from_slice(&checksum.to_le_bytes());
        }
    }
    index[24..32].fill(0);
    let checksum = xxh3_64(&index[..32 + 32 * 7]);
    index[24..32].copy_from_slice(&checksum.to_le_bytes());
}
