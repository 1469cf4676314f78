//! The entropy coder of CRAM 3.1: rANS with 4 or 32 interleaved states and 16-bit renormalisation.
//!
//! Layout: "CRAM codec specification (version 3.1)", section 3, "rANS Nx16". What is new beside [`rans`](super::rans): frequencies sum to a
//! power of two, tables of contexts are compressed themselves, 32 states let readers use SIMD, few symbols are packed into bits first,
//! and runs can be taken out.

use std::borrow::Cow;

use super::{
    rans::{SYMBOLS, scale, write_symbols},
    stream_flags,
};

/// Bits of a frequency.
const SCALE_BITS: u32 = 12;
/// A state is never below this after a step of decoding.
const LOWER_BOUND: u32 = 1 << 15;
/// Blocks from this size on get 32 states, which take 112 bytes more than 4.
const MANY_STATES_BYTES: usize = 64 << 10;
/// Most symbols that are packed.
const MOST_PACKED: usize = 16;

/// How a block is encoded.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Form {
    /// With the byte before as context.
    pub(super) order_1: bool,
    /// Runs of symbols are told by their lengths.
    pub(super) runs: bool,
}

/// Encodes a block, which must hold at least a byte. Symbols are packed where there are few of them.
pub(super) fn encode(block: &[u8], form: Form) -> Vec<u8> {
    let states = if block.len() >= MANY_STATES_BYTES { 32 } else { 4 };
    let mut output = vec![if states == 32 { stream_flags::STATES_32 } else { 0 }];
    put_uint7(block.len(), &mut output);
    let mut rest = Cow::Borrowed(block);
    if let Some(symbols) = few_symbols(block) {
        output[0] |= stream_flags::PACKED;
        rest = Cow::Owned(pack(block, &symbols));
        output.push(symbols.len() as u8);
        output.extend_from_slice(&symbols);
        put_uint7(rest.len(), &mut output);
    }
    if form.runs && !rest.is_empty() {
        output[0] |= stream_flags::RUNS;
        rest = Cow::Owned(take_runs(&rest, states, &mut output));
    }
    // Each state must have a symbol.
    if rest.len() < states {
        output[0] |= stream_flags::STORED;
        output.extend_from_slice(&rest);
    } else if form.order_1 {
        output[0] |= stream_flags::ORDER_1;
        append_order_1(&rest, states, &mut output);
    } else {
        append_order_0(&rest, states, &mut output);
    }
    output
}

/// Encodes a block of numbers of `width` bytes each, whose first bytes are a stream, and so on. It must hold as many bytes.
pub(super) fn encode_striped(block: &[u8], width: usize) -> Vec<u8> {
    let stripe = |number: usize| -> Vec<u8> { block.iter().skip(number).step_by(width).copied().collect() };
    let shortest = |stripe: Vec<u8>| {
        let forms = [false, true].map(|order_1| encode(&stripe, Form { order_1, runs: false }));
        forms.into_iter().min_by_key(Vec::len).unwrap_or_default()
    };
    let stripes: Vec<Vec<u8>> = (0..width).map(|number| shortest(stripe(number))).collect();
    let mut output = vec![stream_flags::STRIPED];
    put_uint7(block.len(), &mut output);
    output.push(width as u8);
    stripes.iter().for_each(|stripe| put_uint7(stripe.len(), &mut output));
    output.extend(stripes.concat());
    output
}

/// Appends a number of seven bits a byte, the highest first.
pub(super) fn put_uint7(number: usize, output: &mut Vec<u8>) {
    let digits = (usize::BITS - number.leading_zeros()).div_ceil(7).max(1);
    for digit in (0..digits).rev() {
        let more = if digit > 0 { 0x80 } else { 0 };
        output.push((number >> (7 * digit)) as u8 & 0x7f | more);
    }
}

/// The symbols of a block, if they are so few that at least two fit a byte.
fn few_symbols(block: &[u8]) -> Option<Vec<u8>> {
    let mut occurs = [false; SYMBOLS];
    block.iter().for_each(|&symbol| occurs[usize::from(symbol)] = true);
    let symbols: Vec<u8> = (0..=u8::MAX).filter(|&symbol| occurs[usize::from(symbol)]).collect();
    (symbols.len() <= MOST_PACKED).then_some(symbols)
}

/// Symbols as bits, the first in the lowest ones.
fn pack(block: &[u8], symbols: &[u8]) -> Vec<u8> {
    let bits = match symbols.len() {
        0 | 1 => return Vec::new(),
        2 => 1,
        3 | 4 => 2,
        _ => 4,
    };
    let mut codes = [0; SYMBOLS];
    (0..).zip(symbols).for_each(|(code, &symbol)| codes[usize::from(symbol)] = code);
    let byte = |part: &[u8]| part.iter().rev().fold(0, |byte: u8, &symbol| byte << bits | codes[usize::from(symbol)]);
    block.chunks(8 / bits).map(byte).collect()
}

/// Takes runs out of a block: returns it with each run of some symbols as one of it, and appends which symbols and how long the runs are.
fn take_runs(block: &[u8], states: usize, output: &mut Vec<u8>) -> Vec<u8> {
    let mut gain = [0_i64; SYMBOLS];
    for run in block.chunk_by(|a, b| a == b) {
        // A run of one costs a length.
        gain[usize::from(run[0])] += run.len() as i64 - 2;
    }
    let mut symbols: Vec<u8> = (0..=u8::MAX).filter(|&symbol| gain[usize::from(symbol)] > 0).collect();
    if symbols.is_empty() {
        symbols.push(block[0]);
    }
    let (mut lengths, mut literals) = (vec![symbols.len() as u8], Vec::new());
    lengths.extend_from_slice(&symbols);
    for run in block.chunk_by(|a, b| a == b) {
        if symbols.contains(&run[0]) {
            literals.push(run[0]);
            put_uint7(run.len() - 1, &mut lengths);
        } else {
            literals.extend_from_slice(run);
        }
    }
    let mut packed = Vec::new();
    append_order_0(&lengths, states, &mut packed);
    let is_packed = packed.len() < lengths.len();
    put_uint7(2 * lengths.len() + usize::from(!is_packed), output);
    put_uint7(literals.len(), output);
    if is_packed {
        put_uint7(packed.len(), output);
        output.extend(packed);
    } else {
        output.extend(lengths);
    }
    literals
}

/// Frequencies of the symbols, and the sums of those before each.
struct Table {
    frequencies: [u16; SYMBOLS],
    starts: [u16; SYMBOLS],
}

impl Table {
    /// Of frequencies that sum to the scale.
    fn new(frequencies: [u16; SYMBOLS]) -> Self {
        let mut starts = [0; SYMBOLS];
        let mut sum = 0;
        for (start, frequency) in starts.iter_mut().zip(&frequencies) {
            *start = sum;
            sum += frequency;
        }
        Self { frequencies, starts }
    }

    fn encode(&self, state: &mut u32, symbol: u8, reversed: &mut Vec<u8>) {
        let frequency = u32::from(self.frequencies[usize::from(symbol)]);
        let start = u32::from(self.starts[usize::from(symbol)]);
        if *state >= ((LOWER_BOUND >> SCALE_BITS) << 16) * frequency {
            reversed.extend((*state as u16).to_be_bytes());
            *state >>= 16;
        }
        *state = ((*state / frequency) << SCALE_BITS) + *state % frequency + start;
    }
}

/// Appends the final states and what was encoded, whose bytes came last first.
fn append_encoded(states: &[u32], mut reversed: Vec<u8>, output: &mut Vec<u8>) {
    states.iter().rev().for_each(|state| reversed.extend(state.to_be_bytes()));
    output.extend(reversed.iter().rev());
}

fn append_order_0(block: &[u8], states: usize, output: &mut Vec<u8>) {
    let mut counts = [0; SYMBOLS];
    block.iter().for_each(|&symbol| counts[usize::from(symbol)] += 1);
    let frequencies = scale(&counts, 1 << SCALE_BITS);
    write_symbols(|symbol| frequencies[symbol] > 0, output, |_, _| ());
    let occurring = frequencies.iter().filter(|frequency| **frequency > 0);
    occurring.for_each(|&frequency| put_uint7(frequency.into(), output));
    let table = Table::new(frequencies);
    let (mut states, mut reversed) = (vec![LOWER_BOUND; states], Vec::with_capacity(block.len()));
    for (i, &symbol) in block.iter().enumerate().rev() {
        let state = i % states.len();
        table.encode(&mut states[state], symbol, &mut reversed);
    }
    append_encoded(&states, reversed, output);
}

/// With as many parts side by side as there are states; the last part takes what is left over.
fn append_order_1(block: &[u8], count: usize, output: &mut Vec<u8>) {
    let part = block.len() / count;
    let starts_part = |i: usize| i.is_multiple_of(part) && i / part < count;
    let context = |i: usize| if starts_part(i) { 0 } else { usize::from(block[i - 1]) };
    let mut counts = vec![[0; SYMBOLS]; SYMBOLS];
    for (i, &symbol) in block.iter().enumerate() {
        counts[context(i)][usize::from(symbol)] += 1;
    }
    let tables = append_tables(&counts, output);
    let (mut states, mut reversed) = (vec![LOWER_BOUND; count], Vec::with_capacity(block.len()));
    let mut put = |state: usize, i: usize| {
        if let Some(table) = &tables[context(i)] {
            table.encode(&mut states[state], block[i], &mut reversed);
        }
    };
    (count * part..block.len()).rev().for_each(|i| put(count - 1, i));
    for offset in (0..part).rev() {
        (0..count).rev().for_each(|state| put(state, state * part + offset));
    }
    append_encoded(&states, reversed, output);
}

/// Appends the tables of all contexts, compressed if that is shorter, and returns them.
fn append_tables(counts: &[[u32; SYMBOLS]], output: &mut Vec<u8>) -> Vec<Option<Box<Table>>> {
    const COMPRESSED: u8 = 1;
    const HEAD: u8 = (SCALE_BITS as u8) << 4;
    let is_used = |counts: &[u32; SYMBOLS]| counts.iter().any(|&count| count > 0);
    let occurs = |symbol: usize| is_used(&counts[symbol]) || counts.iter().any(|counts| counts[symbol] > 0);
    let symbols: Vec<usize> = (0..SYMBOLS).filter(|&symbol| occurs(symbol)).collect();
    let mut written = Vec::new();
    write_symbols(|symbol| symbols.contains(&symbol), &mut written, |_, _| ());
    let mut tables: Vec<Option<Box<Table>>> = std::iter::repeat_with(|| None).take(SYMBOLS).collect();
    for &context in &symbols {
        let total: u32 = counts[context].iter().sum();
        // Small numbers take less room; readers multiply them by a power of two.
        let bits = total.next_power_of_two().trailing_zeros().min(SCALE_BITS);
        let frequencies = if total == 0 { [0; SYMBOLS] } else { scale(&counts[context], 1 << bits) };
        append_frequencies(symbols.iter().map(|&symbol| frequencies[symbol]), &mut written);
        let whole = frequencies.map(|frequency| frequency << (SCALE_BITS - bits));
        tables[context] = (total > 0).then(|| Box::new(Table::new(whole)));
    }
    let mut packed = Vec::new();
    append_order_0(&written, 4, &mut packed);
    if packed.len() + 6 < written.len() {
        output.push(HEAD | COMPRESSED);
        put_uint7(written.len(), output);
        put_uint7(packed.len(), output);
        output.extend(packed);
    } else {
        output.push(HEAD);
        output.extend(written);
    }
    tables
}

/// Appends frequencies; behind a zero stands how many more follow it.
fn append_frequencies(frequencies: impl Iterator<Item = u16>, output: &mut Vec<u8>) {
    let mut frequencies = frequencies.peekable();
    while let Some(frequency) = frequencies.next() {
        put_uint7(frequency.into(), output);
        if frequency == 0 {
            let mut more = 0;
            while more < u8::MAX && frequencies.next_if_eq(&0).is_some() {
                more += 1;
            }
            output.push(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cram::read::decode_rans_nx16;

    const FORMS: [Form; 4] = [
        Form { order_1: false, runs: false },
        Form { order_1: true, runs: false },
        Form { order_1: false, runs: true },
        Form { order_1: true, runs: true },
    ];

    #[test]
    fn every_block_comes_back() {
        let noise = |i: usize, symbols: u64| {
            ((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33).wrapping_mul(i as u64 + 7) % symbols
        };
        let mut blocks = vec![b"\0".to_vec(), b"\xff\xff\xff".to_vec(), (0..=255).collect(), vec![7; 100_000]];
        for length in [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 1000, 10_001, 65_535, 65_536, 65_599] {
            for symbols in [1, 2, 3, 4, 5, 16, 17, 41, 256] {
                blocks.push((0..length).map(|i| noise(i, symbols) as u8).collect());
                blocks.push((0..length).map(|i| noise(i / 13, symbols) as u8).collect());
            }
        }
        // One symbol a million times, 255 others once: rounding asks for more than one gives.
        blocks.push((0..1_000_000).map(|i| if i < 256 { i as u8 } else { b'x' }).collect());
        for block in blocks {
            for form in FORMS {
                let encoded = encode(&block, form);
                let decoded = decode_rans_nx16(&encoded, block.len());
                assert!(decoded.as_ref() == Ok(&block), "{form:?}, {} bytes", block.len());
            }
            if block.len() >= 4 {
                let decoded = decode_rans_nx16(&encode_striped(&block, 4), block.len());
                assert!(decoded.as_ref() == Ok(&block), "striped, {} bytes", block.len());
            }
        }
    }

    #[test]
    fn what_is_predictable_gets_short() {
        let of = |block: &[u8], order_1, runs| encode(block, Form { order_1, runs }).len();
        assert!(of(&[7; 100_000], false, false) < 10);
        let letters: Vec<u8> = (0..40_000).map(|i| if i % 7 < 3 { b'a' } else { b'b' }).collect();
        // A bit a letter, and less with what repeats.
        assert!(of(&letters, false, false) < 5_100);
        assert!(of(&letters, true, false) < 1_000);
        let runs: Vec<u8> = (0..40_000_u32).map(|i| (i / 1000).wrapping_mul(7919) as u8).collect();
        assert!(of(&runs, false, true) < of(&runs, false, false) / 10);
    }
}
