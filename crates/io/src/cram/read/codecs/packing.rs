//! What the two entropy coders of CRAM 3.1 share: flags, symbols packed into bits, and stripes.

use super::{
    super::{
        bytes::Bytes,
        flaw::{Decoded, damaged},
    },
    Room,
};

/// Bits of a stream's first byte.
pub(super) mod stream_flags {
    pub(in super::super) const ORDER_1: u8 = 0x01;
    /// Of rANS: 32 states.
    pub(in super::super) const STATES_32: u8 = 0x04;
    /// Of the arithmetic coder: bzip2.
    pub(in super::super) const EXTERNAL: u8 = 0x04;
    pub(in super::super) const STRIPED: u8 = 0x08;
    pub(in super::super) const NO_SIZE: u8 = 0x10;
    pub(in super::super) const STORED: u8 = 0x20;
    pub(in super::super) const RUNS: u8 = 0x40;
    pub(in super::super) const PACKED: u8 = 0x80;
}

/// How packed symbols are told apart.
pub(super) struct Packing<'a> {
    symbols: &'a [u8],
    pub(super) packed_bytes: usize,
}

impl<'a> Packing<'a> {
    pub(super) fn read(input: &mut Bytes<'a>) -> Decoded<Self> {
        let count = usize::from(input.byte()?);
        if !(1..=16).contains(&count) {
            return damaged("packed symbols are not 1 to 16");
        }
        Ok(Self { symbols: input.take(count)?, packed_bytes: input.uint7()? })
    }

    /// The symbols of `packed`, so many.
    pub(super) fn unpack(&self, packed: &[u8], count: usize, room: &mut Room) -> Decoded<Vec<u8>> {
        let mut output = room.zeros(count)?;
        let bits = match self.symbols.len() {
            1 => {
                output.fill(self.symbols[0]);
                return Ok(output);
            }
            2 => 1,
            3 | 4 => 2,
            _ => 4,
        };
        let a_byte = 8 / bits;
        if packed.len() < count.div_ceil(a_byte) {
            return damaged("there are fewer packed symbols than it says");
        }
        for (symbols, byte) in output.chunks_mut(a_byte).zip(packed) {
            for (i, symbol) in symbols.iter_mut().enumerate() {
                let code = byte >> (i * bits) & ((1 << bits) - 1);
                match self.symbols.get(usize::from(code)) {
                    Some(&own) => *symbol = own,
                    None => return damaged("a packed symbol is unknown"),
                }
            }
        }
        Ok(output)
    }
}

/// Undoes stripes: every N-th byte is in one of N streams, each of which `decode` reads, knowing its size.
pub(super) fn read_stripes(
    input: &mut Bytes<'_>,
    count: usize,
    room: &mut Room,
    mut decode: impl FnMut(&[u8], usize, &mut Room) -> Decoded<Vec<u8>>,
) -> Decoded<Vec<u8>> {
    let stripes = usize::from(input.byte()?);
    if stripes == 0 {
        return damaged("there are no stripes");
    }
    let mut sizes = Vec::with_capacity(stripes);
    for _ in 0..stripes {
        sizes.push(input.uint7()?);
    }
    let mut output = room.zeros(count)?;
    for (number, size) in sizes.into_iter().enumerate() {
        let wanted = (count + stripes - 1 - number) / stripes;
        let stripe = decode(input.take(size)?, wanted, room)?;
        if stripe.len() != wanted {
            return damaged("a stripe has another size than it should");
        }
        output.iter_mut().skip(number).step_by(stripes).zip(stripe).for_each(|(byte, own)| *byte = own);
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_unpacked() {
        let unpack = |symbols: &'static [u8], packed: &[u8], count| {
            Packing { symbols, packed_bytes: packed.len() }.unpack(packed, count, &mut Room(100))
        };
        assert_eq!(unpack(b"A", b"", 3).unwrap(), b"AAA");
        assert_eq!(unpack(b"AB", &[0b0110], 4).unwrap(), b"ABBA");
        assert_eq!(unpack(b"ACGT", &[0b11_10_01_00, 2], 5).unwrap(), b"ACGTG");
        assert_eq!(unpack(b"ACGTN", &[0x40, 3], 3).unwrap(), b"ANT");
        assert!(unpack(b"ACGTN", &[0x50, 3], 3).is_err());
        assert!(unpack(b"ACGTN", &[0x40], 3).is_err());
        assert!(unpack(b"A", b"", 101).is_err());
    }
}
