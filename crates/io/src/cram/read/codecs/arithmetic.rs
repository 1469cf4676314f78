//! The adaptive arithmetic coder, section 4.

use super::{
    super::{
        bytes::Bytes,
        flaw::{Decoded, damaged},
    },
    Room, external,
    packing::{StreamHead, read_stripes},
    range_coder::{Model, RangeDecoder},
};
use crate::cram::stream_flags;

/// Decodes a stream whose size is `size`, unless it says so itself.
pub(in super::super) fn decode(stream: &[u8], size: Option<usize>, room: &mut Room) -> Decoded<Vec<u8>> {
    let mut head = StreamHead::read(stream, size)?;
    if head.has(stream_flags::STRIPED) { read_stripes(&mut head, room, decode_part) } else { decode_part(head, room) }
}

fn decode_part(mut head: StreamHead<'_>, room: &mut Room) -> Decoded<Vec<u8>> {
    let packing = head.packing()?;
    let unpacked_bytes = packing.as_ref().map_or(head.raw_bytes, |packing| packing.packed_bytes);
    let output = if head.has(stream_flags::STORED) {
        head.input.take(unpacked_bytes)?.to_vec()
    } else if head.has(stream_flags::EXTERNAL) {
        external::bzip2(head.input.0, unpacked_bytes, room)?
    } else {
        let mut output = room.zeros(unpacked_bytes)?;
        if !output.is_empty() {
            let contexts = if head.has(stream_flags::ORDER_1) { 256 } else { 1 };
            let decode = if head.has(stream_flags::RUNS) { decode_runs } else { decode_symbols };
            decode(&mut head.input, &mut output, contexts)?;
        }
        output
    };
    match packing {
        Some(packing) => packing.unpack(&output, head.raw_bytes, room),
        None => Ok(output),
    }
}

/// Models of the literals, one for each byte before it or one for all; most are never met.
struct Literals {
    symbols: usize,
    models: Vec<Option<Model>>,
}

impl Literals {
    fn read(input: &mut Bytes<'_>, contexts: usize) -> Decoded<Self> {
        let symbols = match input.byte()? {
            0 => 256,
            symbols => usize::from(symbols),
        };
        Ok(Self { symbols, models: std::iter::repeat_with(|| None).take(contexts).collect() })
    }

    fn decode(&mut self, last: u8, decoder: &mut RangeDecoder<'_>) -> Decoded<u8> {
        let context = usize::from(last).min(self.models.len() - 1);
        self.models[context].get_or_insert_with(|| Model::new(self.symbols)).decode(decoder)
    }
}

fn decode_symbols(input: &mut Bytes<'_>, output: &mut [u8], contexts: usize) -> Decoded<()> {
    let mut literals = Literals::read(input, contexts)?;
    let mut decoder = RangeDecoder::new(*input)?;
    let mut last = 0;
    for byte in output {
        last = literals.decode(last, &mut decoder)?;
        *byte = last;
    }
    Ok(())
}

/// Each literal is followed by how often it comes again, in parts of at most [`GOES_ON`].
fn decode_runs(input: &mut Bytes<'_>, output: &mut [u8], contexts: usize) -> Decoded<()> {
    const GOES_ON: u8 = 3;
    /// The contexts of the second part, and of all others.
    const SECOND: usize = 256;
    const OTHER: usize = 257;
    let mut literals = Literals::read(input, contexts)?;
    let mut lengths = vec![Model::new(usize::from(GOES_ON) + 1); OTHER + 1];
    let mut decoder = RangeDecoder::new(*input)?;
    let (mut done, mut last) = (0, 0);
    while done < output.len() {
        last = literals.decode(last, &mut decoder)?;
        let mut context = usize::from(last);
        let mut length = 1;
        loop {
            let part = lengths[context].decode(&mut decoder)?;
            length += usize::from(part);
            context = if context < SECOND { SECOND } else { OTHER };
            if part < GOES_ON || length > output.len() {
                break;
            }
        }
        match output.get_mut(done..done + length) {
            Some(run) => run.fill(last),
            None => return damaged("runs are longer than they should be"),
        }
        done += length;
    }
    Ok(())
}
