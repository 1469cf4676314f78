//! The range coder and its adaptive models, sections 4.1 and 4.2.

use super::super::{
    bytes::Bytes,
    flaw::{Decoded, damaged},
};

/// What a symbol's frequency grows by when it occurs.
const STEP: u32 = 16;
/// Frequencies are halved above this sum.
const MOST_TOTAL: u32 = (1 << 16) - 17;

/// The state of decoding.
pub(super) struct RangeDecoder<'a> {
    pub(super) input: Bytes<'a>,
    range: u32,
    code: u32,
}

impl<'a> RangeDecoder<'a> {
    pub(super) fn new(mut input: Bytes<'a>) -> Decoded<Self> {
        // The first byte is always zero.
        let [_, code @ ..]: [u8; 5] = input.array()?;
        Ok(Self { input, range: u32::MAX, code: u32::from_be_bytes(code) })
    }

    /// Where the code is among frequencies that sum to `total`, which is at most 2^16.
    fn frequency(&mut self, total: u32) -> u32 {
        self.range /= total;
        self.code / self.range
    }

    fn advance(&mut self, start: u32, frequency: u32) -> Decoded<()> {
        self.code -= start * self.range;
        self.range *= frequency;
        while self.range < 1 << 24 {
            self.range <<= 8;
            self.code = self.code << 8 | u32::from(self.input.byte()?);
        }
        Ok(())
    }
}

/// Symbols with their frequencies so far, the frequent ones first.
#[derive(Clone)]
pub(super) struct Model {
    symbols: Vec<(u8, u16)>,
    total: u32,
}

impl Model {
    /// Of the symbols below `count`, which is 1 to 256.
    pub(super) fn new(count: usize) -> Self {
        let symbols: Vec<_> = (0..=u8::MAX).take(count).map(|symbol| (symbol, 1)).collect();
        Self { total: symbols.len() as u32, symbols }
    }

    pub(super) fn decode(&mut self, decoder: &mut RangeDecoder<'_>) -> Decoded<u8> {
        let wanted = decoder.frequency(self.total);
        let (mut start, mut place) = (0, 0);
        let (symbol, frequency) = loop {
            let Some(&(symbol, frequency)) = self.symbols.get(place) else {
                return damaged("an arithmetic code leads to no symbol");
            };
            if start + u32::from(frequency) > wanted {
                break (symbol, frequency);
            }
            start += u32::from(frequency);
            place += 1;
        };
        decoder.advance(start, frequency.into())?;
        // Below 2^16, as is the sum.
        self.symbols[place].1 += STEP as u16;
        self.total += STEP;
        if self.total > MOST_TOTAL {
            self.total = 0;
            for (_, frequency) in &mut self.symbols {
                *frequency -= *frequency / 2;
                self.total += u32::from(*frequency);
            }
        }
        if place > 0 && self.symbols[place].1 > self.symbols[place - 1].1 {
            self.symbols.swap(place, place - 1);
        }
        Ok(symbol)
    }
}
