//! rANS with 4 or 32 states and 16-bit renormalisation, section 3.

use std::borrow::Cow;

use super::{
    super::{
        bytes::Bytes,
        flaw::{Decoded, Flaw, damaged},
    },
    Room,
    packing::{StreamHead, read_stripes},
};
use crate::cram::stream_flags;

/// Bits of a frequency without context.
const SCALE_BITS: u32 = 12;
const LOWER_BOUND: u32 = 1 << 15;

/// Decodes a stream whose size is `size`, unless it says so itself.
pub(in super::super) fn decode(stream: &[u8], size: Option<usize>, room: &mut Room) -> Decoded<Vec<u8>> {
    let mut head = StreamHead::read(stream, size)?;
    if head.has(stream_flags::STRIPED) { read_stripes(&mut head, room, decode_part) } else { decode_part(head, room) }
}

fn decode_part(mut head: StreamHead<'_>, room: &mut Room) -> Decoded<Vec<u8>> {
    let states = if head.has(stream_flags::STATES_32) { 32 } else { 4 };
    let packing = head.packing()?;
    let unpacked_bytes = packing.as_ref().map_or(head.raw_bytes, |packing| packing.packed_bytes);
    let runs = head.has(stream_flags::RUNS).then(|| Runs::read(&mut head.input, states, room)).transpose()?;
    let literal_bytes = runs.as_ref().map_or(unpacked_bytes, |runs| runs.literal_bytes);
    let mut output = if head.has(stream_flags::STORED) {
        head.input.take(literal_bytes)?.to_vec()
    } else {
        let mut output = room.zeros(literal_bytes)?;
        if !output.is_empty() {
            let order = if head.has(stream_flags::ORDER_1) { decode_order_1 } else { decode_order_0 };
            order(&mut head.input, &mut output, states)?;
        }
        output
    };
    if let Some(runs) = &runs {
        output = runs.expand(&output, unpacked_bytes, room)?;
    }
    match packing {
        Some(packing) => packing.unpack(&output, head.raw_bytes, room),
        None => Ok(output),
    }
}

/// Symbols that stand for runs, and the lengths of those.
struct Runs<'a> {
    symbols_and_lengths: Cow<'a, [u8]>,
    literal_bytes: usize,
}

impl<'a> Runs<'a> {
    fn read(input: &mut Bytes<'a>, states: usize, room: &mut Room) -> Decoded<Self> {
        let twice_size = input.uint7()?;
        let literal_bytes = input.uint7()?;
        let size = twice_size / 2;
        let symbols_and_lengths = if twice_size % 2 == 1 {
            Cow::Borrowed(input.take(size)?)
        } else {
            let packed_bytes = input.uint7()?;
            let mut output = room.zeros(size)?;
            decode_order_0(&mut Bytes(input.take(packed_bytes)?), &mut output, states)?;
            Cow::Owned(output)
        };
        Ok(Self { symbols_and_lengths, literal_bytes })
    }

    fn expand(&self, literals: &[u8], size: usize, room: &mut Room) -> Decoded<Vec<u8>> {
        let mut lengths = Bytes(&self.symbols_and_lengths);
        let count = match lengths.byte()? {
            0 => 256,
            count => usize::from(count),
        };
        let mut has_runs = [false; 256];
        lengths.take(count)?.iter().for_each(|&symbol| has_runs[usize::from(symbol)] = true);
        room.take(size)?;
        let mut output = Vec::with_capacity(size);
        for &symbol in literals {
            let more = if has_runs[usize::from(symbol)] { lengths.uint7()? } else { 0 };
            if more >= size - output.len() {
                return damaged("runs are longer than they should be");
            }
            output.resize(output.len() + more + 1, symbol);
        }
        if output.len() == size { Ok(output) } else { damaged("runs are shorter than they should be") }
    }
}

/// Which symbol each slot of the scale has.
struct Table {
    symbols: Vec<u8>,
    frequencies: [u16; 256],
    starts: [u16; 256],
    scale_bits: u32,
    /// Slots that have a symbol.
    slots: usize,
}

impl Table {
    /// Of frequencies that may have been divided by a power of two.
    fn new(frequencies: &[u32; 256], scale_bits: u32) -> Decoded<Self> {
        let scale = 1_usize << scale_bits;
        let sum: u64 = frequencies.iter().map(|&frequency| u64::from(frequency)).sum();
        if sum == 0 || sum > scale as u64 {
            return damaged("frequencies of symbols sum to too much");
        }
        let shift = (0..scale_bits).find(|shift| sum << shift >= scale as u64).unwrap_or(scale_bits);
        if sum << shift > scale as u64 {
            return damaged("frequencies of symbols sum to no power of two");
        }
        let mut table = Self { symbols: vec![0; scale], frequencies: [0; 256], starts: [0; 256], scale_bits, slots: 0 };
        for (symbol, &frequency) in frequencies.iter().enumerate().filter(|(_, frequency)| **frequency > 0) {
            let frequency = (frequency << shift) as usize;
            table.symbols[table.slots..table.slots + frequency].fill(symbol as u8);
            table.frequencies[symbol] = frequency as u16;
            table.starts[symbol] = table.slots as u16;
            table.slots += frequency;
        }
        Ok(table)
    }

    fn step(&self, state: &mut u32, input: &mut Bytes<'_>) -> Decoded<u8> {
        let slot = *state & ((1 << self.scale_bits) - 1);
        if slot as usize >= self.slots {
            return damaged("a symbol has no frequency");
        }
        let symbol = self.symbols[slot as usize];
        let (frequency, start) = (self.frequencies[usize::from(symbol)], self.starts[usize::from(symbol)]);
        *state = u32::from(frequency).wrapping_mul(*state >> self.scale_bits).wrapping_add(slot - u32::from(start));
        if *state < LOWER_BOUND {
            *state = *state << 16 | u32::from(input.u16()?);
        }
        Ok(symbol)
    }
}

fn read_alphabet(input: &mut Bytes<'_>) -> Decoded<Vec<u8>> {
    let mut symbols = vec![input.byte()?];
    let mut last = symbols[0];
    loop {
        let mut symbol = input.byte()?;
        if symbol == 0 {
            return Ok(symbols);
        }
        symbols.push(symbol);
        if last.checked_add(1) == Some(symbol) {
            for _ in 0..input.byte()? {
                symbol = symbol.checked_add(1).ok_or(Flaw::Damaged("there are more than 256 symbols"))?;
                symbols.push(symbol);
            }
        }
        if symbols.len() > 256 {
            return damaged("there are more than 256 symbols");
        }
        last = symbol;
    }
}

fn read_states(input: &mut Bytes<'_>, count: usize) -> Decoded<Vec<u32>> {
    (0..count).map(|_| input.u32()).collect()
}

fn decode_order_0(input: &mut Bytes<'_>, output: &mut [u8], states: usize) -> Decoded<()> {
    let mut frequencies = [0; 256];
    for symbol in read_alphabet(input)? {
        frequencies[usize::from(symbol)] = input.uint7()? as u32;
    }
    let table = Table::new(&frequencies, SCALE_BITS)?;
    let mut states = read_states(input, states)?;
    for bytes in output.chunks_mut(states.len()) {
        for (byte, state) in bytes.iter_mut().zip(&mut states) {
            *byte = table.step(state, input)?;
        }
    }
    Ok(())
}

fn decode_order_1(input: &mut Bytes<'_>, output: &mut [u8], states: usize) -> Decoded<()> {
    /// Bytes that a table of frequencies may have.
    const MOST_TABLE_BYTES: usize = 257 * 257 * 3;
    let head = input.byte()?;
    let scale_bits = u32::from(head >> 4);
    if !(1..=SCALE_BITS).contains(&scale_bits) {
        return damaged("an entropy coded block has an unknown scale");
    }
    let tables = if head & 1 == 1 {
        let (size, packed_bytes) = (input.uint7()?, input.uint7()?);
        let mut bytes = Room(MOST_TABLE_BYTES).zeros(size)?;
        decode_order_0(&mut Bytes(input.take(packed_bytes)?), &mut bytes, 4)?;
        read_tables(&mut Bytes(&bytes), scale_bits)?
    } else {
        read_tables(input, scale_bits)?
    };
    let mut states = read_states(input, states)?;
    let (count, mut contexts) = (states.len(), vec![0_u8; states.len()]);
    let part = output.len() / count;
    let mut take = |state: usize| {
        let table = tables[usize::from(contexts[state])].as_ref().ok_or(Flaw::Damaged("a symbol has no frequency"))?;
        contexts[state] = table.step(&mut states[state], input)?;
        Ok(contexts[state])
    };
    for i in 0..part {
        for state in 0..count {
            output[state * part + i] = take(state)?;
        }
    }
    for byte in &mut output[count * part..] {
        *byte = take(count - 1)?;
    }
    Ok(())
}

/// The table of each context that has one.
fn read_tables(input: &mut Bytes<'_>, scale_bits: u32) -> Decoded<Vec<Option<Box<Table>>>> {
    let symbols = read_alphabet(input)?;
    let mut tables: Vec<Option<Box<Table>>> = std::iter::repeat_with(|| None).take(256).collect();
    for &context in &symbols {
        let (mut frequencies, mut zeros) = ([0; 256], 0);
        for &symbol in &symbols {
            if zeros > 0 {
                zeros -= 1;
                continue;
            }
            let frequency = input.uint7()? as u32;
            frequencies[usize::from(symbol)] = frequency;
            if frequency == 0 {
                zeros = input.byte()?;
            }
        }
        if frequencies.iter().any(|&frequency| frequency > 0) {
            tables[usize::from(context)] = Some(Box::new(Table::new(&frequencies, scale_bits)?));
        }
    }
    Ok(tables)
}
