//! rANS with four states and 8-bit renormalisation, section 2; the encoder is [`rans`](crate::cram::rans).

use super::{
    super::{
        bytes::Bytes,
        flaw::{Decoded, Flaw, damaged},
    },
    Room,
};

/// Bits of a frequency.
const SCALE_BITS: u32 = 12;
const SCALE: usize = 1 << SCALE_BITS;
const LOWER_BOUND: u32 = 1 << 23;
const STATES: usize = 4;

/// Which symbol each slot of the scale has.
struct Table {
    symbols: Box<[u8; SCALE]>,
    frequencies: [u16; 256],
    starts: [u16; 256],
    /// Slots that have a symbol.
    slots: usize,
}

impl Table {
    fn read(input: &mut Bytes<'_>) -> Decoded<Self> {
        let mut table = Self { symbols: Box::new([0; SCALE]), frequencies: [0; 256], starts: [0; 256], slots: 0 };
        read_symbols(input, |input, symbol| {
            let mut frequency = usize::from(input.byte()?);
            if frequency >= 0x80 {
                frequency = (frequency & 0x7f) << 8 | usize::from(input.byte()?);
            }
            // A symbol that is alone may have all.
            let frequency = if frequency == 0 { SCALE } else { frequency };
            let own = table.symbols.get_mut(table.slots..table.slots + frequency);
            own.ok_or(Flaw::Damaged("frequencies of symbols sum to too much"))?.fill(symbol);
            if table.frequencies[usize::from(symbol)] > 0 {
                return damaged("a symbol has two frequencies");
            }
            table.frequencies[usize::from(symbol)] = frequency as u16;
            table.starts[usize::from(symbol)] = table.slots as u16;
            table.slots += frequency;
            Ok(())
        })?;
        Ok(table)
    }

    fn step(&self, state: &mut u32, input: &mut Bytes<'_>) -> Decoded<u8> {
        let slot = *state as usize % SCALE;
        if slot >= self.slots {
            return damaged("a symbol has no frequency");
        }
        let symbol = self.symbols[slot];
        let (frequency, start) = (self.frequencies[usize::from(symbol)], self.starts[usize::from(symbol)]);
        *state = u32::from(frequency).wrapping_mul(*state >> SCALE_BITS).wrapping_add(slot as u32 - u32::from(start));
        while *state < LOWER_BOUND {
            *state = *state << 8 | u32::from(input.byte()?);
        }
        Ok(symbol)
    }
}

/// Calls `read` for each symbol of a list that ends with a zero, where runs of symbols are said by their lengths.
fn read_symbols<'a>(input: &mut Bytes<'a>, mut read: impl FnMut(&mut Bytes<'a>, u8) -> Decoded<()>) -> Decoded<()> {
    let (mut symbol, mut implied) = (input.byte()?, 0);
    loop {
        read(input, symbol)?;
        let last = symbol;
        if implied > 0 {
            implied -= 1;
            symbol = symbol.checked_add(1).ok_or(Flaw::Damaged("there are more than 256 symbols"))?;
            continue;
        }
        symbol = input.byte()?;
        if symbol == 0 {
            return Ok(());
        }
        if last.checked_add(1) == Some(symbol) {
            implied = input.byte()?;
        }
    }
}

/// Decodes a block, which says itself how long it gets.
pub(in super::super) fn decode(block: &[u8], room: &mut Room) -> Decoded<Vec<u8>> {
    let mut input = Bytes(block);
    let order = input.byte()?;
    let packed_bytes = input.u32()? as usize;
    let raw_bytes = input.u32()? as usize;
    if packed_bytes != input.0.len() {
        return damaged("an entropy coded block has another size than it says");
    }
    let mut output = room.zeros(raw_bytes)?;
    match order {
        _ if output.is_empty() => {}
        0 => decode_order_0(&mut input, &mut output)?,
        1 => decode_order_1(&mut input, &mut output)?,
        _ => return damaged("an entropy coded block has an unknown order"),
    }
    Ok(output)
}

fn read_states(input: &mut Bytes<'_>) -> Decoded<[u32; STATES]> {
    let mut states = [0; STATES];
    for state in &mut states {
        *state = input.u32()?;
    }
    Ok(states)
}

fn decode_order_0(input: &mut Bytes<'_>, output: &mut [u8]) -> Decoded<()> {
    let table = Table::read(input)?;
    let mut states = read_states(input)?;
    for (i, byte) in output.iter_mut().enumerate() {
        *byte = table.step(&mut states[i % STATES], input)?;
    }
    Ok(())
}

fn decode_order_1(input: &mut Bytes<'_>, output: &mut [u8]) -> Decoded<()> {
    let mut tables: Vec<Option<Box<Table>>> = std::iter::repeat_with(|| None).take(256).collect();
    read_symbols(input, |input, symbol| {
        tables[usize::from(symbol)] = Some(Box::new(Table::read(input)?));
        Ok(())
    })?;
    let mut states = read_states(input)?;
    let (quarter, mut contexts) = (output.len() / STATES, [0_u8; STATES]);
    let mut take = |state: usize| {
        let table = tables[usize::from(contexts[state])].as_ref().ok_or(Flaw::Damaged("a symbol has no frequency"))?;
        contexts[state] = table.step(&mut states[state], input)?;
        Ok(contexts[state])
    };
    for i in 0..quarter {
        for state in 0..STATES {
            output[state * quarter + i] = take(state)?;
        }
    }
    for byte in &mut output[STATES * quarter..] {
        *byte = take(STATES - 1)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cram::rans::{encode_order_0, encode_order_1};

    #[test]
    fn what_was_encoded_comes_back_within_its_room() {
        let noise = |i: usize, symbols: usize| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) % symbols;
        for length in [1, 2, 3, 4, 5, 1000, 10_003] {
            for symbols in [1, 2, 41, 256] {
                let block: Vec<u8> = (0..length).map(|i| noise(i, symbols) as u8).collect();
                for encoded in [encode_order_0(&block), encode_order_1(&block)] {
                    assert!(decode(&encoded, &mut Room(length)).as_ref() == Ok(&block), "{length} of {symbols}");
                    assert!(decode(&encoded, &mut Room(length - 1)).is_err());
                    assert!(decode(&encoded[..encoded.len() - 1], &mut Room(length)).is_err());
                }
            }
        }
    }
    /// Found by a fuzzer: the second frequency took the place of the first, and slots before its start were left.
    #[test]
    fn a_symbol_with_two_frequencies_is_damage() {
        let told = |list: &[u8]| Table::read(&mut Bytes(list)).map(|table| table.slots);
        assert_eq!(told(&[7, 1, 9, 2, 0]), Ok(3));
        assert!(told(&[7, 1, 9, 2, 7, 3, 0]).is_err());
    }
}
