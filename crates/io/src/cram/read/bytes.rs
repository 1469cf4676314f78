//! Numbers and strings out of a piece of memory, whose end is a flaw and no panic.

use super::flaw::{Decoded, Flaw};

/// What is left of a piece of memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Decoded<u8> {
        let (&first, rest) = self.0.split_first().ok_or(SHORT)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn take(&mut self, count: usize) -> Decoded<&'a [u8]> {
        let (own, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(own)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Decoded<[u8; N]> {
        let (own, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*own)
    }

    /// What comes before the next byte `stop`, which is passed over.
    pub(super) fn until(&mut self, stop: u8) -> Decoded<&'a [u8]> {
        let end = memchr::memchr(stop, self.0).ok_or(SHORT)?;
        let own = self.take(end)?;
        self.0 = &self.0[1..];
        Ok(own)
    }

    pub(super) fn u16(&mut self) -> Decoded<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Decoded<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of 1 to 5 bytes; see [`put_itf8`](super::super::number::put_itf8).
    pub(super) fn itf8(&mut self) -> Decoded<i32> {
        let first = self.byte()?;
        let more = first.leading_ones().min(4);
        // The longest form has four bits in its last byte.
        let mut value = u32::from(first) & (0xff >> (more + 1).min(4));
        for number in 0..more {
            let next = u32::from(self.byte()?);
            value = if number == 3 { value << 4 | next & 0xf } else { value << 8 | next };
        }
        Ok(value as i32)
    }

    /// A number of 1 to 9 bytes; see [`put_ltf8`](super::super::number::put_ltf8).
    pub(super) fn ltf8(&mut self) -> Decoded<u64> {
        let first = self.byte()?;
        let more = first.leading_ones();
        let mut value = u64::from(first) & (0x7f_u64 >> more.min(7));
        for _ in 0..more {
            value = value << 8 | u64::from(self.byte()?);
        }
        Ok(value)
    }

    /// A count as an ITF8 number.
    pub(super) fn count(&mut self) -> Decoded<usize> {
        usize::try_from(self.itf8()?).map_err(|_| Flaw::Damaged("a count is below zero"))
    }

    /// A number of seven bits a byte, the highest first, as CRAM 3.1's codecs have it.
    pub(super) fn uint7(&mut self) -> Decoded<usize> {
        let mut value: u32 = 0;
        for _ in 0..5 {
            let byte = self.byte()?;
            value = value << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value as usize);
            }
        }
        Err(Flaw::Damaged("a number has too many bytes"))
    }
}

const SHORT: Flaw = Flaw::Damaged("a block ends before what it should hold");

#[cfg(test)]
mod tests {
    use super::super::super::number::{put_itf8, put_ltf8};
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = (0..32).flat_map(|bit| [1_u32 << bit, (1_u32 << bit).wrapping_sub(1), u32::MAX << bit]);
        for number in numbers {
            let mut bytes = Vec::new();
            put_itf8(number as i32, &mut bytes);
            put_ltf8(u64::from(number) << 31, &mut bytes);
            let mut read = Bytes(&bytes);
            assert_eq!((read.itf8(), read.ltf8()), (Ok(number as i32), Ok(u64::from(number) << 31)));
            assert!(read.is_empty());
        }
        assert_eq!(Bytes(&[0x81, 0x82, 3]).uint7(), Ok(0b1_0000010_0000011));
        assert!(Bytes(&[0x80; 9]).uint7().is_err());
    }

    #[test]
    fn the_end_is_a_flaw() {
        let bytes = [0xff; 4];
        assert!(Bytes(&bytes).itf8().is_err() && Bytes(&bytes).ltf8().is_err() && Bytes(&[]).byte().is_err());
        assert!(
            Bytes(&bytes).take(5).is_err() && Bytes(&bytes).array::<5>().is_err() && Bytes(b"ab").until(b'c').is_err()
        );
        let mut bytes = Bytes(b"ab\0c");
        assert_eq!((bytes.until(0), bytes.0), (Ok(&b"ab"[..]), &b"c"[..]));
    }
}
