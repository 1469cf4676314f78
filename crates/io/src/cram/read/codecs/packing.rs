//! What the two entropy coders of CRAM 3.1 share: flags, symbols packed into bits, and stripes.

use super::{
    super::{
        bytes::Bytes,
        flaw::{Decoded, Flaw, damaged},
    },
    Room,
};
use crate::cram::stream_flags;

/// What a stream begins with.
pub(super) struct StreamHead<'a> {
    /// What follows.
    pub(super) input: Bytes<'a>,
    flags: u8,
    pub(super) raw_bytes: usize,
}

impl<'a> StreamHead<'a> {
    /// Reads it; `size` is that of the content, unless the stream says so itself.
    pub(super) fn read(stream: &'a [u8], size: Option<usize>) -> Decoded<Self> {
        let mut input = Bytes(stream);
        let flags = input.byte()?;
        let size = if flags & stream_flags::NO_SIZE != 0 { size } else { Some(input.uint7()?) };
        let raw_bytes = size.ok_or(Flaw::Damaged("a stream doesn't say its size"))?;
        Ok(Self { input, flags, raw_bytes })
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// How symbols are packed, if they are.
    pub(super) fn packing(&mut self) -> Decoded<Option<Packing<'a>>> {
        self.has(stream_flags::PACKED).then(|| Packing::read(&mut self.input)).transpose()
    }
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
    head: &mut StreamHead<'_>,
    room: &mut Room,
    decode: impl Fn(StreamHead<'_>, &mut Room) -> Decoded<Vec<u8>>,
) -> Decoded<Vec<u8>> {
    let (input, count) = (&mut head.input, head.raw_bytes);
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
        let head = StreamHead::read(input.take(size)?, Some(wanted))?;
        if head.has(stream_flags::STRIPED) {
            return damaged("stripes have stripes");
        }
        let stripe = decode(head, room)?;
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
