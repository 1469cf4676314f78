//! The entropy coder of CRAM 3.0: rANS with four interleaved states and 8-bit renormalisation.
//!
//! Source: J. Duda, "Asymmetric numeral systems: entropy coding combining speed of Huffman coding with compression rate of
//! arithmetic coding", 2013; layout: "CRAM codec specification (version 3.1)", section 2, "rANS 4x8". Bytes are encoded from the
//! last to the first, with the frequencies of the whole block (order 0) or of the block after the same previous byte (order 1).

/// Bits of a frequency.
const SCALE_BITS: u32 = 12;
/// What the frequencies of a table sum to. It is one less than the scale, since old decoders know no frequency of the whole.
const TOTAL: u32 = (1 << SCALE_BITS) - 1;
/// A state is never below this after a step of decoding.
const LOWER_BOUND: u32 = 1 << 23;
const STATES: usize = 4;
pub(super) const SYMBOLS: usize = 256;
const HEADER_BYTES: usize = 9;

/// Frequencies of the symbols, and the sums of those before each.
#[derive(Clone)]
struct Table {
    frequencies: [u16; SYMBOLS],
    starts: [u16; SYMBOLS],
}

impl Table {
    /// Scales counts, of which at least one is not zero, to frequencies; a symbol that occurs keeps at least 1.
    fn new(counts: &[u32; SYMBOLS]) -> Self {
        let frequencies = scale(counts, TOTAL);
        let mut starts = [0; SYMBOLS];
        let mut sum = 0;
        for (start, frequency) in starts.iter_mut().zip(&frequencies) {
            *start = sum;
            sum += frequency;
        }
        Self { frequencies, starts }
    }

    /// Appends symbols and frequencies.
    fn write(&self, output: &mut Vec<u8>) {
        write_symbols(
            |symbol| self.frequencies[symbol] > 0,
            output,
            |symbol, output| {
                let frequency = self.frequencies[symbol];
                if frequency >= 0x80 {
                    output.push(0x80 | (frequency >> 8) as u8);
                }
                output.push(frequency as u8);
            },
        );
    }

    fn encode(&self, state: &mut u32, symbol: u8, output: &mut Vec<u8>) {
        let frequency = u32::from(self.frequencies[usize::from(symbol)]);
        let start = u32::from(self.starts[usize::from(symbol)]);
        let limit = ((LOWER_BOUND >> SCALE_BITS) << 8) * frequency;
        while *state >= limit {
            output.push(*state as u8);
            *state >>= 8;
        }
        *state = ((*state / frequency) << SCALE_BITS) + *state % frequency + start;
    }
}

/// Scales counts, of which at least one is not zero, to frequencies that sum to `wanted`; a symbol that occurs keeps at least 1.
pub(super) fn scale(counts: &[u32; SYMBOLS], wanted: u32) -> [u16; SYMBOLS] {
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let mut frequencies = counts.map(|count| match u64::from(count) * u64::from(wanted) / total.max(1) {
        0 => u16::from(count > 0),
        scaled => scaled as u16,
    });
    // The most frequent symbol feels rounding least; if it can't give all, the next is asked.
    loop {
        let sum: i32 = frequencies.iter().map(|&frequency| i32::from(frequency)).sum();
        let missing = wanted as i32 - sum;
        let Some(most) = frequencies.iter_mut().rev().max() else { break };
        if missing == 0 || *most == 0 {
            break;
        }
        *most = (i32::from(*most) + missing).max(1) as u16;
    }
    frequencies
}

/// Appends the symbols that occur, each with what `write` says of it, and a zero. Of symbols that follow each other only the
/// first two are named, and after the second stands how many more there are.
pub(super) fn write_symbols(
    occurs: impl Fn(usize) -> bool,
    output: &mut Vec<u8>,
    mut write: impl FnMut(usize, &mut Vec<u8>),
) {
    let mut implied = 0;
    for symbol in (0..SYMBOLS).filter(|&symbol| occurs(symbol)) {
        if implied > 0 {
            implied -= 1;
        } else {
            output.push(symbol as u8);
            if symbol > 0 && occurs(symbol - 1) {
                implied = (symbol + 1..SYMBOLS).take_while(|&next| occurs(next)).count();
                output.push(implied as u8);
            }
        }
        write(symbol, output);
    }
    output.push(0);
}

/// The states, whose bytes come out last byte first.
struct Encoder {
    states: [u32; STATES],
    reversed: Vec<u8>,
}

impl Encoder {
    fn new(bytes: usize) -> Self {
        Self { states: [LOWER_BOUND; STATES], reversed: Vec::with_capacity(bytes) }
    }

    fn put(&mut self, state: usize, table: &Table, symbol: u8) {
        table.encode(&mut self.states[state], symbol, &mut self.reversed);
    }

    /// Appends the final states and everything encoded to `output`, and fills in its header.
    fn finish(mut self, order: u8, raw_bytes: usize, mut output: Vec<u8>) -> Vec<u8> {
        for state in self.states.iter().rev() {
            self.reversed.extend(state.to_be_bytes());
        }
        output.extend(self.reversed.iter().rev());
        let packed_bytes = (output.len() - HEADER_BYTES) as u32;
        output[0] = order;
        output[1..5].copy_from_slice(&packed_bytes.to_le_bytes());
        output[5..9].copy_from_slice(&(raw_bytes as u32).to_le_bytes());
        output
    }
}

/// Encodes a block without context. It must hold at least a byte.
pub(super) fn encode_order_0(block: &[u8]) -> Vec<u8> {
    let mut counts = [0; SYMBOLS];
    block.iter().for_each(|&symbol| counts[usize::from(symbol)] += 1);
    let table = Table::new(&counts);
    let mut output = vec![0; HEADER_BYTES];
    table.write(&mut output);
    let mut encoder = Encoder::new(block.len());
    for (i, &symbol) in block.iter().enumerate().rev() {
        encoder.put(i % STATES, &table, symbol);
    }
    encoder.finish(0, block.len(), output)
}

/// Encodes a block with the byte before as context, in four quarters side by side; the last takes what is left over. Blocks of
/// less than four bytes, which have no quarters, are encoded without context.
pub(super) fn encode_order_1(block: &[u8]) -> Vec<u8> {
    let quarter = block.len() / STATES;
    if quarter == 0 {
        return encode_order_0(block);
    }
    let starts_quarter = |i: usize| i.is_multiple_of(quarter) && i / quarter < STATES;
    let context = |i: usize| if starts_quarter(i) { 0 } else { usize::from(block[i - 1]) };
    let mut counts = vec![[0; SYMBOLS]; SYMBOLS];
    for (i, &symbol) in block.iter().enumerate() {
        counts[context(i)][usize::from(symbol)] += 1;
    }
    let tables: Vec<Option<Box<Table>>> =
        counts.iter().map(|c| c.iter().any(|&count| count > 0).then(|| Box::new(Table::new(c)))).collect();
    let mut output = vec![0; HEADER_BYTES];
    write_symbols(
        |symbol| tables[symbol].is_some(),
        &mut output,
        |symbol, output| {
            if let Some(table) = &tables[symbol] {
                table.write(output);
            }
        },
    );
    let mut encoder = Encoder::new(block.len());
    let mut put = |state: usize, i: usize| {
        if let Some(table) = &tables[context(i)] {
            encoder.put(state, table, block[i]);
        }
    };
    (STATES * quarter..block.len()).rev().for_each(|i| put(STATES - 1, i));
    for offset in (0..quarter).rev() {
        (0..STATES).rev().for_each(|state| put(state, state * quarter + offset));
    }
    encoder.finish(1, block.len(), output)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A decoder by the letter of the specification, one symbol at a time.
    struct Decoder<'a> {
        input: &'a [u8],
    }

    impl Decoder<'_> {
        fn byte(&mut self) -> u8 {
            let (&first, rest) = self.input.split_first().unwrap();
            self.input = rest;
            first
        }

        fn number(&mut self) -> u32 {
            u32::from_le_bytes([(); 4].map(|()| self.byte()))
        }

        /// Calls `read` for every symbol of a list.
        fn symbols(&mut self, mut read: impl FnMut(&mut Self, u8)) {
            let (mut symbol, mut implied) = (self.byte(), 0);
            let mut last = symbol;
            loop {
                read(self, symbol);
                if implied > 0 {
                    implied -= 1;
                    symbol += 1;
                } else {
                    symbol = self.byte();
                    if symbol > 0 && symbol == last + 1 {
                        implied = self.byte();
                    }
                }
                last = symbol;
                if symbol == 0 {
                    return;
                }
            }
        }

        /// For each of 4,095 slots its symbol, the symbol's start and frequency.
        fn table(&mut self) -> Vec<(u8, u32, u32)> {
            let mut slots = Vec::new();
            self.symbols(|decoder, symbol| {
                let mut frequency = u32::from(decoder.byte());
                if frequency >= 0x80 {
                    frequency = (frequency & 0x7f) << 8 | u32::from(decoder.byte());
                }
                let start = slots.len() as u32;
                slots.extend((0..frequency).map(|_| (symbol, start, frequency)));
            });
            assert_eq!(slots.len(), 4095);
            slots
        }

        fn step(&mut self, state: &mut u32, slots: &[(u8, u32, u32)]) -> u8 {
            let (symbol, start, frequency) = slots[(*state & 0xfff) as usize];
            *state = frequency * (*state >> 12) + (*state & 0xfff) - start;
            while *state < 1 << 23 {
                *state = *state << 8 | u32::from(self.byte());
            }
            symbol
        }
    }

    fn decode(encoded: &[u8]) -> Vec<u8> {
        let mut decoder = Decoder { input: encoded };
        let (order, packed, raw) = (decoder.byte(), decoder.number() as usize, decoder.number() as usize);
        assert_eq!(packed, decoder.input.len());
        let mut output = vec![0; raw];
        if order == 0 {
            let slots = decoder.table();
            let mut states = [(); 4].map(|()| decoder.number());
            for (i, byte) in output.iter_mut().enumerate() {
                *byte = decoder.step(&mut states[i % 4], &slots);
            }
        } else {
            let mut tables = vec![Vec::new(); 256];
            decoder.symbols(|decoder, context| tables[usize::from(context)] = decoder.table());
            let mut states = [(); 4].map(|()| decoder.number());
            let (quarter, mut last) = (raw / 4, [0; 4]);
            let mut take = |state: usize, i: usize| {
                last[state] = decoder.step(&mut states[state], &tables[usize::from(last[state])]);
                output[i] = last[state];
            };
            for i in 0..quarter {
                (0..4).for_each(|state| take(state, state * quarter + i));
            }
            (4 * quarter..raw).for_each(|i| take(3, i));
        }
        assert!(decoder.input.is_empty());
        output
    }

    #[test]
    fn every_block_comes_back() {
        let noise = |i: usize, symbols: u64| {
            ((i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33).wrapping_mul(i as u64 + 7) % symbols
        };
        let mut blocks = vec![b"\0".to_vec(), b"\xff\xff\xff".to_vec(), (0..=255).collect(), vec![7; 100_000]];
        for length in [1, 2, 3, 4, 5, 7, 8, 9, 1000, 10_001, 10_002, 10_003] {
            for symbols in [1, 2, 41, 256] {
                blocks.push((0..length).map(|i| noise(i, symbols) as u8).collect());
            }
        }
        // One symbol a million times, 255 others once: rounding asks for more than one gives.
        blocks.push((0..1_000_000).map(|i| if i < 256 { i as u8 } else { b'x' }).collect());
        for block in blocks {
            assert!(decode(&encode_order_0(&block)) == block, "order 0, {} bytes", block.len());
            assert!(decode(&encode_order_1(&block)) == block, "order 1, {} bytes", block.len());
        }
    }

    #[test]
    fn what_is_predictable_gets_short() {
        let block: Vec<u8> = (0..40_000).map(|i| b"ab"[i % 2]).collect();
        assert!((4_900..5_200).contains(&encode_order_0(&block).len()));
        assert!(encode_order_1(&block).len() < 100);
    }
}
