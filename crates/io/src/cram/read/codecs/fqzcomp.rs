//! The codec of qualities, section 6: each is told from the ones before, its place in the read, and how often they changed.

use super::{
    super::{
        bytes::Bytes,
        flaw::{Decoded, Flaw, damaged},
    },
    Room,
    range_coder::{Model, RangeDecoder},
};

const VERSION: u8 = 5;
/// Contexts of a quality.
const CONTEXTS: usize = 1 << 16;

/// Bits of the stream's flags.
mod stream_flags {
    pub(super) const SEVERAL_PARAMETERS: u8 = 0x01;
    pub(super) const HAS_SELECTORS: u8 = 0x02;
    pub(super) const MAY_BE_REVERSED: u8 = 0x04;
}

/// Bits of the flags of a set of parameters.
mod parameter_flags {
    pub(super) const HAS_COPIES: u8 = 0x02;
    pub(super) const ONE_LENGTH: u8 = 0x04;
    pub(super) const HAS_SELECTOR: u8 = 0x08;
    pub(super) const HAS_MAP: u8 = 0x10;
    pub(super) const HAS_POSITIONS: u8 = 0x20;
    pub(super) const HAS_CHANGES: u8 = 0x40;
    pub(super) const HAS_QUALITIES: u8 = 0x80;
}

/// How contexts are made.
struct Parameters {
    first_context: u16,
    flags: u8,
    symbols: usize,
    quality_bits: u32,
    quality_shift: u32,
    quality_at: u32,
    selector_at: u32,
    position_at: u32,
    change_at: u32,
    /// Which quality a symbol is.
    map: Option<Vec<u8>>,
    qualities: Vec<u8>,
    positions: Option<Vec<u8>>,
    changes: Option<Vec<u8>>,
}

impl Parameters {
    fn read(input: &mut Bytes<'_>) -> Decoded<Self> {
        let first_context = input.u16()?;
        let [flags, most_symbol, quality, places, more_places] = input.array()?;
        let has = |flag: u8| flags & flag != 0;
        let halves = |byte: u8| (u32::from(byte >> 4), u32::from(byte & 0xf));
        let (quality_bits, quality_shift) = halves(quality);
        let (quality_at, selector_at) = halves(places);
        let (position_at, change_at) = halves(more_places);
        let map = has(parameter_flags::HAS_MAP).then(|| input.take(most_symbol.into()).map(<[u8]>::to_vec));
        let map = map.transpose()?;
        let qualities =
            if has(parameter_flags::HAS_QUALITIES) { read_table(input, 256)? } else { (0..=u8::MAX).collect() };
        let positions = has(parameter_flags::HAS_POSITIONS).then(|| read_table(input, 1024)).transpose()?;
        let changes = has(parameter_flags::HAS_CHANGES).then(|| read_table(input, 256)).transpose()?;
        let symbols = usize::from(most_symbol) + 1;
        Ok(Self {
            first_context,
            flags,
            symbols,
            quality_bits,
            quality_shift,
            quality_at,
            selector_at,
            position_at,
            change_at,
            map,
            qualities,
            positions,
            changes,
        })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The context of the quality behind `symbol`.
    fn context(&self, symbol: u8, read: &mut Read) -> u16 {
        let own = u32::from(self.qualities[usize::from(symbol)]);
        read.before = (read.before << self.quality_shift).wrapping_add(own);
        let mut context = u32::from(self.first_context);
        context = context.wrapping_add((read.before & ((1 << self.quality_bits) - 1)) << self.quality_at);
        if let Some(positions) = &self.positions {
            context = context.wrapping_add(u32::from(positions[read.left.min(1023)]) << self.position_at);
        }
        if let Some(changes) = &self.changes {
            context = context.wrapping_add(u32::from(changes[read.changes.min(255)]) << self.change_at);
            read.changes += usize::from(read.last != symbol);
            read.last = symbol;
        }
        if self.has(parameter_flags::HAS_SELECTOR) {
            context = context.wrapping_add(u32::from(read.selector) << self.selector_at);
        }
        context as u16
    }
}

/// A table whose values don't fall, said by how often each occurs; those numbers are said by their own runs.
fn read_table(input: &mut Bytes<'_>, size: usize) -> Decoded<Vec<u8>> {
    let (mut counts, mut sum, mut last) = (Vec::new(), 0, 0);
    while sum < size {
        let count = input.byte()?;
        let copies = if count == last { usize::from(input.byte()?) } else { 0 };
        counts.resize(counts.len() + 1 + copies, count);
        sum += usize::from(count) * (1 + copies);
        last = count;
        if counts.len() > 4 * size {
            return damaged("a table of qualities doesn't end");
        }
    }
    let mut table = Vec::with_capacity(size);
    let (mut counts, mut value) = (counts.into_iter(), 0_u8);
    while table.len() < size {
        let mut run = 0;
        loop {
            let part = counts.next().ok_or(Flaw::Damaged("a table of qualities ends early"))?;
            run += usize::from(part);
            if part < u8::MAX {
                break;
            }
        }
        table.resize((table.len() + run).min(size), value);
        value = value.wrapping_add(1);
    }
    Ok(table)
}

/// The read at hand.
#[derive(Default)]
struct Read {
    selector: u8,
    /// Qualities still to come.
    left: usize,
    before: u32,
    changes: usize,
    last: u8,
}

/// Models of what is said of reads.
struct ReadModels {
    lengths: [Model; 4],
    is_reversed: Model,
    is_copy: Model,
    selectors: Option<Model>,
}

struct Decoder<'a> {
    coder: RangeDecoder<'a>,
    parameters: Vec<Parameters>,
    /// Which parameters a selector means.
    selected: Vec<u8>,
    may_be_reversed: bool,
    models: ReadModels,
    length: Option<usize>,
    /// Where reads start that are to be turned, and how long they are.
    reversed: Vec<(usize, usize)>,
}

impl<'a> Decoder<'a> {
    fn new(mut input: Bytes<'a>) -> Decoded<Self> {
        let [version, flags] = input.array()?;
        if version != VERSION {
            return damaged("a block of qualities has another version");
        }
        let has = |flag: u8| flags & flag != 0;
        let (mut count, mut most_selector) = (1, 0);
        if has(stream_flags::SEVERAL_PARAMETERS) {
            count = input.byte()?;
            most_selector = count;
        }
        let selected = if has(stream_flags::HAS_SELECTORS) {
            most_selector = input.byte()?;
            read_table(&mut input, 256)?
        } else {
            (0..=u8::MAX).map(|selector| selector.min(count.saturating_sub(1))).collect()
        };
        let parameters = (0..count).map(|_| Parameters::read(&mut input)).collect::<Decoded<Vec<_>>>()?;
        let has_selectors = has(stream_flags::SEVERAL_PARAMETERS) || has(stream_flags::HAS_SELECTORS);
        let models = ReadModels {
            lengths: [(); 4].map(|()| Model::new(256)),
            is_reversed: Model::new(2),
            is_copy: Model::new(2),
            selectors: has_selectors.then(|| Model::new(usize::from(most_selector) + 1)),
        };
        let coder = RangeDecoder::new(input)?;
        let may_be_reversed = has(stream_flags::MAY_BE_REVERSED);
        Ok(Self { coder, parameters, selected, may_be_reversed, models, length: None, reversed: Vec::new() })
    }

    /// Begins the read at `start`, and returns it, the number of its parameters, and whether it is as the one before.
    fn begin(&mut self, start: usize) -> Decoded<(Read, usize, bool)> {
        let selector = match &mut self.models.selectors {
            Some(model) => model.decode(&mut self.coder)?,
            None => 0,
        };
        let number = usize::from(self.selected[usize::from(selector)]);
        let parameters = self.parameters.get(number).ok_or(Flaw::Damaged("a read has unknown parameters"))?;
        let length = match self.length.filter(|_| parameters.has(parameter_flags::ONE_LENGTH)) {
            Some(length) => length,
            None => {
                let mut bytes = [0; 4];
                for (byte, model) in bytes.iter_mut().zip(&mut self.models.lengths) {
                    *byte = model.decode(&mut self.coder)?;
                }
                u32::from_le_bytes(bytes) as usize
            }
        };
        if length == 0 {
            return damaged("a read in a block of qualities has none");
        }
        self.length = Some(length);
        if self.may_be_reversed && self.models.is_reversed.decode(&mut self.coder)? != 0 {
            self.reversed.push((start, length));
        }
        let is_copy = parameters.has(parameter_flags::HAS_COPIES) && self.models.is_copy.decode(&mut self.coder)? != 0;
        Ok((Read { selector, left: length, ..Read::default() }, number, is_copy))
    }

    fn decode_into(&mut self, output: &mut [u8]) -> Decoded<()> {
        let symbols = self.parameters.iter().map(|parameters| parameters.symbols).max().unwrap_or(1);
        // Most are never met.
        let mut models: Vec<Option<Model>> = std::iter::repeat_with(|| None).take(CONTEXTS).collect();
        let mut done = 0;
        while done < output.len() {
            let (mut read, number, is_copy) = self.begin(done)?;
            let end = done.checked_add(read.left).filter(|&end| end <= output.len());
            let end = end.ok_or(Flaw::Damaged("a read leads beyond its block of qualities"))?;
            if is_copy {
                let from = done.checked_sub(read.left).ok_or(Flaw::Damaged("a read is a copy of none"))?;
                output.copy_within(from..done, done);
            } else {
                let parameters = &self.parameters[number];
                let mut context = parameters.first_context;
                for quality in &mut output[done..end] {
                    let model = models[usize::from(context)].get_or_insert_with(|| Model::new(symbols));
                    let symbol = model.decode(&mut self.coder)?;
                    *quality = match &parameters.map {
                        Some(map) => *map.get(usize::from(symbol)).ok_or(Flaw::Damaged("a quality is unknown"))?,
                        None => symbol,
                    };
                    context = parameters.context(symbol, &mut read);
                    read.left -= 1;
                }
            }
            done = end;
        }
        for &(start, length) in &self.reversed {
            output[start..start + length].reverse();
        }
        Ok(())
    }
}

/// Decodes a block of qualities, which says itself how long it gets.
pub(in super::super) fn decode(block: &[u8], room: &mut Room) -> Decoded<Vec<u8>> {
    let mut input = Bytes(block);
    let mut output = room.zeros(input.uint7()?)?;
    if !output.is_empty() {
        Decoder::new(input)?.decode_into(&mut output)?;
    }
    Ok(output)
}
