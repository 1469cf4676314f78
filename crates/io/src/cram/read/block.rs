//! Blocks: what they say of themselves, and what is in them (section 8).

use libdeflater::Crc;

use super::{
    bytes::Bytes,
    codecs::{Room, arithmetic, external, fqzcomp, names, rans_4x8, rans_nx16},
    flaw::{Decoded, damaged},
};
use crate::cram::block::ContentType;

/// Bytes that any block may be said to hold.
const ANY_BLOCK_BYTES: usize = 16 << 20;
/// How much more than its own bytes a larger one may hold.
const MOST_RATIO: usize = 1000;

/// A block whose checksum holds.
pub(super) struct Block<'a> {
    method: u8,
    kind: u8,
    pub(super) id: i32,
    raw_bytes: usize,
    packed: &'a [u8],
}

impl<'a> Block<'a> {
    pub(super) fn read(input: &mut Bytes<'a>) -> Decoded<Self> {
        let whole = input.0;
        let [method, kind] = input.array()?;
        let (id, packed_bytes, raw_bytes) = (input.itf8()?, input.count()?, input.count()?);
        let packed = input.take(packed_bytes)?;
        check(&whole[..whole.len() - input.0.len()], input.u32()?)?;
        Ok(Self { method, kind, id, raw_bytes, packed })
    }

    pub(super) fn is(&self, kind: ContentType) -> bool {
        self.kind == kind as u8
    }

    /// The next block, which must be of this kind.
    pub(super) fn read_as(input: &mut Bytes<'a>, kind: ContentType) -> Decoded<Self> {
        let block = Self::read(input)?;
        if block.is(kind) { Ok(block) } else { damaged("a block is of another kind than it should be") }
    }

    /// Its content, which takes room.
    pub(super) fn content(&self, room: &mut Room) -> Decoded<Vec<u8>> {
        if self.raw_bytes == 0 {
            return Ok(Vec::new());
        }
        let most = ANY_BLOCK_BYTES.max(MOST_RATIO.saturating_mul(self.packed.len()));
        Room(most).take(self.raw_bytes)?;
        room.take(self.raw_bytes)?;
        // Codecs hold up to three forms of a block at a time.
        let mut own = Room(3 * self.raw_bytes + ANY_BLOCK_BYTES);
        let content = match self.method {
            0 => self.packed.to_vec(),
            1 => external::gzip(self.packed, self.raw_bytes, &mut own)?,
            2 => external::bzip2(self.packed, self.raw_bytes, &mut own)?,
            3 => external::xz(self.packed, self.raw_bytes, &mut own)?,
            4 => rans_4x8::decode(self.packed, &mut own)?,
            5 => rans_nx16::decode(self.packed, Some(self.raw_bytes), &mut own)?,
            6 => arithmetic::decode(self.packed, Some(self.raw_bytes), &mut own)?,
            7 => fqzcomp::decode(self.packed, &mut own)?,
            8 => names::decode(self.packed, &mut own)?,
            _ => return damaged("a block is compressed in an unknown way"),
        };
        if content.len() == self.raw_bytes { Ok(content) } else { damaged("a block has another size than it says") }
    }
}

/// Compares the CRC-32 of `bytes`.
pub(super) fn check(bytes: &[u8], expected: u32) -> Decoded<()> {
    let mut crc = Crc::new();
    crc.update(bytes);
    if crc.sum() == expected { Ok(()) } else { damaged("a checksum of a CRAM container or block doesn't hold") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cram::{
        CramVersion,
        block::{Coding, Packing, append_block},
    };

    fn block(content: &[u8], packing: Packing, coding: Coding) -> Vec<u8> {
        let mut bytes = Vec::new();
        append_block(ContentType::External, 7, content, packing, coding, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn blocks_come_back() {
        let content = b"GATTACA and more".repeat(100);
        let packings = [Packing::Raw, Packing::Gzip, Packing::Entropy, Packing::Shortest];
        let codings = [CramVersion::V3_0, CramVersion::V3_1].map(|version| Coding { version, level: 5 });
        for (packing, coding) in packings.into_iter().flat_map(|packing| codings.map(|coding| (packing, coding))) {
            let bytes = block(&content, packing, coding);
            let read = Block::read_as(&mut Bytes(&bytes), ContentType::External).unwrap();
            assert_eq!((read.id, read.content(&mut Room(5000))), (7, Ok(content.clone())));
            assert!(read.content(&mut Room(100)).is_err());
            for place in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[place] ^= 0x10;
                assert!(Block::read(&mut Bytes(&changed)).is_err(), "byte {place}");
                assert!(Block::read(&mut Bytes(&bytes[..place])).is_err());
            }
        }
    }
}
