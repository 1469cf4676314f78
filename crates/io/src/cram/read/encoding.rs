//! How the values of a series or tag are got out of blocks (section 3). Golomb codes are left out, as in htslib: nobody writes them.

use std::collections::HashMap;

use super::{
    bytes::Bytes,
    flaw::{Decoded, Flaw, damaged},
};

/// Numbers for the content ids that encodings name: places in [`Sources`].
#[derive(Default)]
pub(super) struct Slots(HashMap<i32, usize>);

impl Slots {
    fn of(&mut self, id: i32) -> usize {
        let next = self.0.len();
        *self.0.entry(id).or_insert(next)
    }

    pub(super) fn get(&self, id: i32) -> Option<usize> {
        self.0.get(&id).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// What is left of the blocks of a slice.
pub(super) struct Sources<'a> {
    pub(super) core: Bits<'a>,
    pub(super) external: Vec<Bytes<'a>>,
}

/// Bits of the core block, the highest of a byte first.
pub(super) struct Bits<'a> {
    bytes: Bytes<'a>,
    byte: u8,
    left: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes: Bytes(bytes), byte: 0, left: 0 }
    }

    fn bit(&mut self) -> Decoded<u32> {
        if self.left == 0 {
            (self.byte, self.left) = (self.bytes.byte()?, 8);
        }
        self.left -= 1;
        Ok(u32::from(self.byte >> self.left & 1))
    }

    fn bits(&mut self, count: u32) -> Decoded<u32> {
        (0..count).try_fold(0, |value: u32, _| Ok(value << 1 | self.bit()?))
    }

    /// Bits that are `bit` before the first that isn't, which is passed over.
    fn run_of(&mut self, bit: u32) -> Decoded<u32> {
        let mut count = 0;
        while self.bit()? == bit {
            count += 1;
        }
        Ok(count)
    }
}

/// Where numbers, or bytes, come from.
#[derive(Clone, Debug, Default)]
pub(super) enum Values {
    /// From nowhere: a flaw once one is wanted.
    #[default]
    Absent,
    External(usize),
    Huffman(Huffman),
    Beta {
        offset: i32,
        bits: u32,
    },
    Gamma {
        offset: i32,
    },
    Subexponential {
        offset: i32,
        bits: u32,
    },
}

impl Values {
    pub(super) fn read(input: &mut Bytes<'_>, slots: &mut Slots) -> Decoded<Self> {
        let (codec, mut parameters) = codec_and_parameters(input)?;
        let parameters = &mut parameters;
        let bits = |parameters: &mut Bytes<'_>| match parameters.itf8()? {
            bits @ 0..=31 => Ok(bits as u32),
            _ => damaged("an encoding has too many bits"),
        };
        Ok(match codec {
            0 => Self::Absent,
            1 => Self::External(slots.of(parameters.itf8()?)),
            3 => Self::Huffman(Huffman::read(parameters)?),
            6 => Self::Beta { offset: parameters.itf8()?, bits: bits(parameters)? },
            7 => Self::Subexponential { offset: parameters.itf8()?, bits: bits(parameters)? },
            9 => Self::Gamma { offset: parameters.itf8()? },
            _ => return damaged("values have an unknown encoding"),
        })
    }

    pub(super) fn number(&self, sources: &mut Sources<'_>) -> Decoded<i32> {
        let core = &mut sources.core;
        let (value, offset) = match self {
            Self::Absent => return damaged("a record has a value of which nothing is said"),
            Self::External(slot) => return sources.external[*slot].itf8(),
            Self::Huffman(huffman) => return huffman.read_symbol(core),
            Self::Beta { offset, bits } => (core.bits(*bits)?, offset),
            Self::Gamma { offset } => {
                let zeros = core.run_of(0)?;
                if zeros > 31 {
                    return damaged("a value has too many bits");
                }
                ((1_u32 << zeros) | core.bits(zeros)?, offset)
            }
            Self::Subexponential { offset, bits } => {
                let ones = core.run_of(1)?;
                let more = if ones == 0 { *bits } else { *bits + ones - 1 };
                if more > 31 {
                    return damaged("a value has too many bits");
                }
                let low = core.bits(more)?;
                (if ones == 0 { low } else { (1 << more) + low }, offset)
            }
        };
        Ok((value as i32).wrapping_sub(*offset))
    }

    pub(super) fn byte(&self, sources: &mut Sources<'_>) -> Decoded<u8> {
        match self {
            Self::External(slot) => sources.external[*slot].byte(),
            other => other.number(sources).map(|value| value as u8),
        }
    }

    /// Appends so many bytes.
    pub(super) fn bytes(&self, count: usize, sources: &mut Sources<'_>, output: &mut Vec<u8>) -> Decoded<()> {
        if let Self::External(slot) = self {
            output.extend_from_slice(sources.external[*slot].take(count)?);
            return Ok(());
        }
        for _ in 0..count {
            output.push(self.byte(sources)?);
        }
        Ok(())
    }
}

/// Where byte strings come from.
#[derive(Clone, Debug, Default)]
pub(super) enum Strings {
    #[default]
    Absent,
    Sized {
        size: Values,
        bytes: Values,
    },
    Stopped {
        stop: u8,
        slot: usize,
    },
}

impl Strings {
    pub(super) fn read(input: &mut Bytes<'_>, slots: &mut Slots) -> Decoded<Self> {
        let (codec, mut parameters) = codec_and_parameters(input)?;
        Ok(match codec {
            0 => Self::Absent,
            4 => {
                let size = Values::read(&mut parameters, slots)?;
                Self::Sized { size, bytes: Values::read(&mut parameters, slots)? }
            }
            5 => Self::Stopped { stop: parameters.byte()?, slot: slots.of(parameters.itf8()?) },
            _ => return damaged("strings have an unknown encoding"),
        })
    }

    /// Appends the next string, of at most `most` bytes.
    pub(super) fn string(&self, most: usize, sources: &mut Sources<'_>, output: &mut Vec<u8>) -> Decoded<()> {
        const LONG: Flaw = Flaw::Damaged("a string of a record is too long");
        match self {
            Self::Absent => damaged("a record has a string of which nothing is said"),
            Self::Sized { size, bytes } => {
                let size = usize::try_from(size.number(sources)?).ok().filter(|&size| size <= most).ok_or(LONG)?;
                bytes.bytes(size, sources, output)
            }
            Self::Stopped { stop, slot } => {
                let string = sources.external[*slot].until(*stop)?;
                if string.len() > most {
                    return Err(LONG);
                }
                output.extend_from_slice(string);
                Ok(())
            }
        }
    }
}

fn codec_and_parameters<'a>(input: &mut Bytes<'a>) -> Decoded<(i32, Bytes<'a>)> {
    let codec = input.itf8()?;
    let size = input.count()?;
    Ok((codec, Bytes(input.take(size)?)))
}

/// A canonical Huffman code.
#[derive(Clone, Debug)]
pub(super) struct Huffman {
    /// By length of their codes, then by value.
    symbols: Vec<i32>,
    /// Of each length from 0 on, how many symbols have it.
    counts: Vec<usize>,
}

impl Huffman {
    fn read(parameters: &mut Bytes<'_>) -> Decoded<Self> {
        const MOST_BITS: usize = 31;
        let count = parameters.count()?;
        let mut symbols = Vec::new();
        for _ in 0..count {
            symbols.push((0, parameters.itf8()?));
        }
        if parameters.count()? != count {
            return damaged("a Huffman code has other numbers of symbols and lengths");
        }
        let mut counts = vec![0; MOST_BITS + 1];
        for (length, _) in &mut symbols {
            *length = parameters.count()?;
            *counts.get_mut(*length).ok_or(Flaw::Damaged("a Huffman code is too long"))? += 1;
        }
        if count == 0 || (counts[0] > 0 && count > 1) {
            return damaged("a Huffman code has no symbols, or some without a code");
        }
        symbols.sort_unstable();
        Ok(Self { symbols: symbols.into_iter().map(|(_, symbol)| symbol).collect(), counts })
    }

    fn read_symbol(&self, core: &mut Bits<'_>) -> Decoded<i32> {
        let (mut code, mut first_code, mut first_symbol) = (0_usize, 0_usize, 0_usize);
        for (length, &count) in self.counts.iter().enumerate() {
            if length > 0 {
                code = code << 1 | core.bit()? as usize;
                first_code <<= 1;
            }
            if code.wrapping_sub(first_code) < count {
                return Ok(self.symbols[first_symbol + code - first_code]);
            }
            first_code += count;
            first_symbol += count;
        }
        damaged("a Huffman code leads to no symbol")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of an encoding with these parameters, out of these bits.
    fn numbers(codec: u8, parameters: &[u8], bits: &[u8], count: usize) -> Decoded<Vec<i32>> {
        let encoding = [&[codec, parameters.len() as u8], parameters].concat();
        let values = Values::read(&mut Bytes(&encoding), &mut Slots::default())?;
        let mut sources = Sources { core: Bits::new(bits), external: Vec::new() };
        (0..count).map(|_| values.number(&mut sources)).collect()
    }

    /// Bytes of these bits, filled up with zeros.
    fn bytes(bits: &str) -> Vec<u8> {
        let bits: Vec<u8> = bits.bytes().filter(u8::is_ascii_digit).map(|bit| bit - b'0').collect();
        bits.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |sum, (i, bit)| sum | bit << (7 - i))).collect()
    }

    #[test]
    fn bits_become_numbers() {
        assert_eq!(numbers(6, &[1, 3], &bytes("101 000 111"), 3), Ok(vec![4, -1, 6]));
        assert_eq!(numbers(9, &[0], &bytes("1 010 011 00100"), 4), Ok(vec![1, 2, 3, 4]));
        assert_eq!(numbers(9, &[1], &[0; 9], 1).unwrap_err(), Flaw::Damaged("a block ends before what it should hold"));
        // k = 1: 0x is 0 or 1, 10x is 2 or 3, 110xx is 4 to 7.
        assert_eq!(numbers(7, &[0, 1], &bytes("00 01 100 101 11001"), 5), Ok(vec![0, 1, 2, 3, 5]));
        // Codes 0, 10, 11 for 5, 7, 9.
        assert_eq!(numbers(3, &[3, 5, 7, 9, 3, 1, 2, 2], &bytes("0 10 11 0"), 4), Ok(vec![5, 7, 9, 5]));
        assert_eq!(numbers(3, &[1, 42, 1, 0], &[], 3), Ok(vec![42; 3]));
        for (codec, parameters) in [(3, &[0, 0][..]), (3, &[2, 1, 2, 2, 0, 0]), (6, &[0, 40]), (77, &[])] {
            assert!(numbers(codec, parameters, &[], 0).is_err(), "{codec} {parameters:?}");
        }
    }
}
