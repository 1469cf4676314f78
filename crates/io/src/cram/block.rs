//! Blocks: the compressed pieces of a container (CRAM specification 3.0, section 8).

use std::io;

use libdeflater::{CompressionLvl, Compressor, Crc};

use super::{
    number::{put_count, put_itf8},
    rans,
};

const RAW: u8 = 0;
const GZIP: u8 = 1;
const RANS: u8 = 4;

/// What a block holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum ContentType {
    FileHeader = 0,
    CompressionHeader = 1,
    SliceHeader = 2,
    External = 4,
    Core = 5,
}

/// How a block is compressed. None is kept that doesn't make it shorter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Packing {
    /// Not at all.
    Raw,
    /// DEFLATE, for what repeats.
    Gzip,
    /// rANS of order 1, for what doesn't, as qualities.
    Entropy,
    /// Whatever is shortest.
    Shortest,
}

/// Appends a block. `level` is that of DEFLATE.
pub(super) fn append_block(
    kind: ContentType,
    id: i32,
    content: &[u8],
    packing: Packing,
    level: u8,
    output: &mut Vec<u8>,
) -> io::Result<()> {
    let (method, packed) = pack(content, packing, level)?;
    let packed = packed.as_deref().unwrap_or(content);
    let start = output.len();
    output.extend([method, kind as u8]);
    put_itf8(id, output);
    put_count(packed.len(), output);
    put_count(content.len(), output);
    output.extend_from_slice(packed);
    append_checksum(start, output);
    Ok(())
}

/// Appends the CRC-32 of everything from `start` on.
pub(super) fn append_checksum(start: usize, output: &mut Vec<u8>) {
    let mut crc = Crc::new();
    crc.update(&output[start..]);
    output.extend(crc.sum().to_le_bytes());
}

/// The method and what it makes of `content`; nothing for raw. Of equally short ones the first is taken.
fn pack(content: &[u8], packing: Packing, level: u8) -> io::Result<(u8, Option<Vec<u8>>)> {
    if content.is_empty() {
        return Ok((RAW, None));
    }
    let candidates = match packing {
        Packing::Raw => vec![],
        Packing::Gzip => vec![(GZIP, gzip(content, level)?)],
        Packing::Entropy => vec![(RANS, rans::encode_order_1(content))],
        Packing::Shortest => vec![
            (RANS, rans::encode_order_0(content)),
            (RANS, rans::encode_order_1(content)),
            (GZIP, gzip(content, level)?),
        ],
    };
    let shortest = candidates.into_iter().min_by_key(|(_, packed)| packed.len());
    let shorter = shortest.filter(|(_, packed)| packed.len() < content.len());
    Ok(shorter.map_or((RAW, None), |(method, packed)| (method, Some(packed))))
}

fn gzip(content: &[u8], level: u8) -> io::Result<Vec<u8>> {
    let level = CompressionLvl::new(i32::from(level)).unwrap_or_default();
    let mut encoder = Compressor::new(level);
    let mut packed = vec![0; encoder.gzip_compress_bound(content.len())];
    let bytes = encoder.gzip_compress(content, &mut packed).map_err(io::Error::other)?;
    packed.truncate(bytes);
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_form_is_taken() {
        let mix = |i: u64| i.wrapping_mul(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7);
        let noise: Vec<u8> = (0..10_000).map(|i| (mix(i) >> 40) as u8).collect();
        let method = |content: &[u8], packing| pack(content, packing, 5).unwrap().0;
        assert_eq!(method(b"", Packing::Shortest), RAW);
        assert_eq!(method(b"a", Packing::Shortest), RAW);
        assert_eq!(method(&b"GATTACA".repeat(1000), Packing::Shortest), GZIP);
        assert_eq!(method(&noise.iter().map(|byte| byte % 3).collect::<Vec<_>>(), Packing::Shortest), RANS);
        assert_eq!(method(&[b'a'; 1000], Packing::Raw), RAW);
    }

    #[test]
    fn a_block_says_what_it_is() {
        let mut output = b"before".to_vec();
        append_block(ContentType::Core, 0, b"abc", Packing::Raw, 5, &mut output).unwrap();
        assert_eq!(output[..6 + 5 + 3], *b"before\x00\x05\x00\x03\x03abc");
        // CRC-32 of the eight bytes.
        assert_eq!(output.len(), 6 + 5 + 3 + 4);
    }
}
