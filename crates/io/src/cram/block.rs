//! Blocks: the compressed pieces of a container (CRAM specification 3.0, section 8).

use std::io;

use libdeflater::{CompressionLvl, Compressor, Crc};

use super::{
    CramVersion, names,
    number::{put_count, put_itf8},
    rans,
    rans_nx16::{self, Form},
};

const RAW: u8 = 0;
const GZIP: u8 = 1;
const RANS: u8 = 4;
const RANS_NX16: u8 = 5;
const NAMES: u8 = 8;

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
    /// As names, each followed by a zero, if the version has a codec for them, else with DEFLATE.
    Names,
    /// rANS of order 1, for what doesn't, as qualities.
    Entropy,
    /// Whatever is shortest.
    Shortest,
}

/// What blocks may be compressed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coding {
    /// Which codecs readers know.
    pub(super) version: CramVersion,
    /// DEFLATE level, 0 to 9.
    pub(super) level: u8,
}

/// Appends a block.
pub(super) fn append_block(
    kind: ContentType,
    id: i32,
    content: &[u8],
    packing: Packing,
    coding: Coding,
    output: &mut Vec<u8>,
) -> io::Result<()> {
    let (method, packed) = pack(content, packing, coding)?;
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
fn pack(content: &[u8], packing: Packing, coding: Coding) -> io::Result<(u8, Option<Vec<u8>>)> {
    if content.is_empty() {
        return Ok((RAW, None));
    }
    let candidates = match packing {
        Packing::Raw => vec![],
        Packing::Gzip => vec![(GZIP, gzip(content, coding.level)?)],
        Packing::Names => {
            let own = names_codec(content, coding.version);
            vec![own.map_or_else(|| gzip(content, coding.level).map(|packed| (GZIP, packed)), Ok)?]
        }
        Packing::Entropy => vec![entropy(content, coding.version, true)],
        Packing::Shortest => shortest(content, coding)?,
    };
    let shortest = candidates.into_iter().min_by_key(|(_, packed)| packed.len());
    let shorter = shortest.filter(|(_, packed)| packed.len() < content.len());
    Ok(shorter.map_or((RAW, None), |(method, packed)| (method, Some(packed))))
}

fn names_codec(content: &[u8], version: CramVersion) -> Option<(u8, Vec<u8>)> {
    match version {
        CramVersion::V3_0 => None,
        CramVersion::V3_1 => names::encode(content).map(|packed| (NAMES, packed)),
    }
}

fn entropy(content: &[u8], version: CramVersion, order_1: bool) -> (u8, Vec<u8>) {
    match (version, order_1) {
        (CramVersion::V3_0, false) => (RANS, rans::encode_order_0(content)),
        (CramVersion::V3_0, true) => (RANS, rans::encode_order_1(content)),
        (CramVersion::V3_1, _) => (RANS_NX16, rans_nx16::encode(content, Form { order_1, runs: false })),
    }
}

fn shortest(content: &[u8], coding: Coding) -> io::Result<Vec<(u8, Vec<u8>)>> {
    let mut candidates = [false, true].map(|order_1| entropy(content, coding.version, order_1)).to_vec();
    if coding.version == CramVersion::V3_1 {
        candidates.push((RANS_NX16, rans_nx16::encode(content, Form { order_1: false, runs: true })));
    }
    candidates.push((GZIP, gzip(content, coding.level)?));
    Ok(candidates)
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

    const CODING: Coding = Coding { version: CramVersion::V3_0, level: 5 };

    #[test]
    fn the_shortest_form_is_taken() {
        let mix = |i: u64| i.wrapping_mul(i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7);
        let noise: Vec<u8> = (0..10_000).map(|i| (mix(i) >> 40) as u8).collect();
        let method = |content: &[u8], packing| pack(content, packing, CODING).unwrap().0;
        assert_eq!(method(b"", Packing::Shortest), RAW);
        assert_eq!(method(b"a", Packing::Shortest), RAW);
        assert_eq!(method(&b"GATTACA".repeat(1000), Packing::Shortest), GZIP);
        assert_eq!(method(&noise.iter().map(|byte| byte % 3).collect::<Vec<_>>(), Packing::Shortest), RANS);
        assert_eq!(method(&[b'a'; 1000], Packing::Raw), RAW);
    }

    #[test]
    fn a_block_says_what_it_is() {
        let mut output = b"before".to_vec();
        append_block(ContentType::Core, 0, b"abc", Packing::Raw, CODING, &mut output).unwrap();
        assert_eq!(output[..6 + 5 + 3], *b"before\x00\x05\x00\x03\x03abc");
        // CRC-32 of the eight bytes.
        assert_eq!(output.len(), 6 + 5 + 3 + 4);
    }
}
