//! The tokeniser of names, section 5: a name is told as its differences from one before.

use std::io::Write;

use super::{
    super::{
        bytes::Bytes,
        flaw::{Decoded, Flaw, damaged},
    },
    Room, arithmetic, rans_nx16,
};
use crate::cram::names::{KINDS, kinds};

/// Tokens of a name.
const MOST_PLACES: usize = 128;

/// What a name had at a place.
#[derive(Clone, Copy, Debug)]
enum Token {
    /// A part of the output.
    Text {
        start: usize,
        end: usize,
    },
    Number(u32),
    Padded {
        number: u32,
        width: u8,
    },
    Nothing,
}

/// The streams of a place in names, by kind, and how much of each has been read.
#[derive(Default)]
struct Place {
    streams: [Option<Vec<u8>>; KINDS],
    taken: [usize; KINDS],
}

impl Place {
    /// Reads from the stream of a kind.
    fn read<T>(&mut self, kind: u8, read: impl FnOnce(&mut Bytes<'_>) -> Decoded<T>) -> Decoded<T> {
        let stream = self.streams[usize::from(kind)].as_deref().unwrap_or_default();
        let taken = &mut self.taken[usize::from(kind)];
        let mut rest = Bytes(&stream[*taken..]);
        let value = read(&mut rest)?;
        *taken = stream.len() - rest.0.len();
        Ok(value)
    }
}

/// Decodes a block of names, each followed by a zero; it says itself how long it gets.
pub(in super::super) fn decode(block: &[u8], room: &mut Room) -> Decoded<Vec<u8>> {
    let mut input = Bytes(block);
    let (raw_bytes, names) = (input.u32()? as usize, input.u32()? as usize);
    let is_arithmetic = input.byte()? != 0;
    room.take(raw_bytes)?;
    if names > raw_bytes {
        return damaged("a block has more names than bytes for them");
    }
    let mut places = read_places(&mut input, names, is_arithmetic, room)?;
    let mut output = Vec::with_capacity(raw_bytes);
    // Where the tokens of each name start.
    let (mut tokens, mut starts) = (Vec::new(), Vec::with_capacity(names + 1));
    for name in 0..names {
        starts.push(tokens.len());
        decode_name(&mut places, &starts, name, &mut tokens, &mut output)?;
        output.push(0);
        if output.len() > raw_bytes {
            return damaged("names are longer than they should be");
        }
    }
    if output.len() == raw_bytes { Ok(output) } else { damaged("names are shorter than they should be") }
}

fn read_places(input: &mut Bytes<'_>, names: usize, is_arithmetic: bool, room: &mut Room) -> Decoded<Vec<Place>> {
    const UNKNOWN: Flaw = Flaw::Damaged("names have tokens of an unknown kind");
    let mut places: Vec<Place> = Vec::new();
    while !input.is_empty() {
        let head = input.byte()?;
        let (is_new, is_copy, kind) = (head & 0x80 != 0, head & 0x40 != 0, head & 0x3f);
        if usize::from(kind) >= KINDS {
            return Err(UNKNOWN);
        }
        if is_new {
            if places.len() == MOST_PLACES {
                return damaged("names have too many tokens");
            }
            places.push(Place::default());
        }
        let stream = if is_copy {
            let [place, kind] = input.array()?;
            let place = places.get(usize::from(place)).ok_or(UNKNOWN)?;
            let stream = place.streams.get(usize::from(kind)).and_then(Option::as_ref).ok_or(UNKNOWN)?;
            room.take(stream.len())?;
            stream.clone()
        } else {
            let packed_bytes = input.uint7()?;
            let decode = if is_arithmetic { arithmetic::decode } else { rans_nx16::decode };
            decode(input.take(packed_bytes)?, None, room)?
        };
        let place = places.last_mut().ok_or(UNKNOWN)?;
        if is_new && kind != kinds::KIND {
            // The first name has this kind, and all others the same as it.
            let mut all = room.zeros(names)?;
            all.fill(kinds::SAME);
            if let Some(first) = all.first_mut() {
                *first = kind;
            }
            place.streams[usize::from(kinds::KIND)] = Some(all);
        }
        place.streams[usize::from(kind)] = Some(stream);
    }
    Ok(places)
}

fn decode_name(
    places: &mut [Place],
    starts: &[usize],
    name: usize,
    tokens: &mut Vec<Token>,
    output: &mut Vec<u8>,
) -> Decoded<()> {
    const UNKNOWN: Flaw = Flaw::Damaged("a name is told by none before");
    /// Names are far shorter.
    const MOST_BYTES: usize = 1 << 12;
    let head = places.first_mut().ok_or(UNKNOWN)?;
    let kind = head.read(kinds::KIND, |bytes| bytes.byte())?;
    if ![kinds::COPY, kinds::DIFFERENCE].contains(&kind) {
        return Err(UNKNOWN);
    }
    let distance = head.read(kind, |bytes| bytes.u32())? as usize;
    // The first name is told by itself, which has no tokens yet.
    let other = name.checked_sub(distance).ok_or(UNKNOWN)?;
    let known = starts[other]..starts.get(other + 1).copied().unwrap_or(tokens.len());
    let start = output.len();
    if kind == kinds::COPY {
        if other == name {
            return Err(UNKNOWN);
        }
        for token in known {
            let token = tokens[token];
            tokens.push(append(token, output)?);
        }
    } else {
        for (number, place) in places[1..].iter_mut().enumerate() {
            let before = known.clone().nth(number).map(|at| tokens[at]);
            let Some(token) = read_token(place, before, output)? else { break };
            tokens.push(token);
        }
    }
    if output.len() - start > MOST_BYTES { damaged("a name is too long") } else { Ok(()) }
}

/// The next token, whose text is appended, or none at the end of a name.
fn read_token(place: &mut Place, before: Option<Token>, output: &mut Vec<u8>) -> Decoded<Option<Token>> {
    const OTHER: Flaw = Flaw::Damaged("a name differs from what the one before has not");
    let number = |place: &mut Place, kind| place.read(kind, |bytes| bytes.u32());
    let token = match place.read(kinds::KIND, |bytes| bytes.byte())? {
        kinds::TEXT => {
            let start = output.len();
            place.read(kinds::TEXT, |text| text.until(0).map(|text| output.extend_from_slice(text)))?;
            return Ok(Some(Token::Text { start, end: output.len() }));
        }
        kinds::LETTER => {
            output.push(place.read(kinds::LETTER, |bytes| bytes.byte())?);
            return Ok(Some(Token::Text { start: output.len() - 1, end: output.len() }));
        }
        kinds::PADDED => {
            let number = number(place, kinds::PADDED)?;
            Token::Padded { number, width: place.read(kinds::WIDTH, |bytes| bytes.byte())? }
        }
        kinds::NUMBER => Token::Number(number(place, kinds::NUMBER)?),
        kinds::STEP => match before {
            Some(Token::Number(before)) => {
                Token::Number(before.wrapping_add(place.read(kinds::STEP, |bytes| bytes.byte())?.into()))
            }
            _ => return Err(OTHER),
        },
        kinds::PADDED_STEP => match before {
            Some(Token::Padded { number, width }) => {
                let step = place.read(kinds::PADDED_STEP, |bytes| bytes.byte())?;
                Token::Padded { number: number.wrapping_add(step.into()), width }
            }
            _ => return Err(OTHER),
        },
        kinds::SAME => before.ok_or(OTHER)?,
        kinds::NOTHING => Token::Nothing,
        kinds::END => return Ok(None),
        _ => return damaged("names have tokens of an unknown kind"),
    };
    append(token, output).map(Some)
}

/// Appends a token's text; the token as it is there.
fn append(token: Token, output: &mut Vec<u8>) -> Decoded<Token> {
    let start = output.len();
    let written = match token {
        Token::Text { start, end } => {
            output.extend_from_within(start..end);
            Ok(())
        }
        Token::Number(number) => write!(output, "{number}"),
        Token::Padded { number, width } => write!(output, "{number:0width$}", width = usize::from(width)),
        Token::Nothing => Ok(()),
    };
    written.map_err(|_| Flaw::Damaged("a name can't be written"))?;
    Ok(if matches!(token, Token::Text { .. }) { Token::Text { start, end: output.len() } } else { token })
}
