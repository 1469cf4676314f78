//! The tokeniser of names of CRAM 3.1: a name is told as that of an earlier record, or as its differences from the one before.
//!
//! Source and layout: J. Bonfield, "CRAM 3.1: advances in the CRAM file format", 2022; "CRAM codec specification (version 3.1)",
//! section 5. A name is cut into numbers and texts. At each place in names, tokens of a kind are a stream.

use std::collections::HashMap;

use super::rans_nx16::{self, Form, put_uint7};

/// Kinds of tokens, each with a stream of its own at each place.
pub(super) mod kinds {
    pub(in crate::cram) const KIND: u8 = 0;
    pub(in crate::cram) const TEXT: u8 = 1;
    pub(in crate::cram) const LETTER: u8 = 2;
    pub(in crate::cram) const PADDED: u8 = 3;
    pub(in crate::cram) const WIDTH: u8 = 4;
    pub(in crate::cram) const COPY: u8 = 5;
    pub(in crate::cram) const DIFFERENCE: u8 = 6;
    pub(in crate::cram) const NUMBER: u8 = 7;
    pub(in crate::cram) const STEP: u8 = 8;
    pub(in crate::cram) const PADDED_STEP: u8 = 9;
    pub(in crate::cram) const SAME: u8 = 10;
    pub(in crate::cram) const NOTHING: u8 = 11;
    pub(in crate::cram) const END: u8 = 12;
}
pub(super) const KINDS: usize = 13;

/// Tokens of a name at most; the last takes all the rest.
const MOST_TOKENS: usize = 120;
/// Digits of a number at most, so that 32 bits are enough.
const MOST_DIGITS: usize = 9;

/// A part of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token<'a> {
    Text(&'a [u8]),
    Number(u32),
    /// With leading zeros or zero, so many digits.
    Padded(u32, u8),
}

/// The streams of a place, by kind.
#[derive(Default)]
struct Place([Vec<u8>; KINDS]);

impl Place {
    fn stream(&mut self, kind: u8) -> &mut Vec<u8> {
        &mut self.0[usize::from(kind)]
    }

    fn put(&mut self, token: Token<'_>, before: Option<Token<'_>>) {
        let kind = match (token, before) {
            (token, Some(before)) if token == before => kinds::SAME,
            (Token::Number(to), Some(Token::Number(from))) if is_step(from, to) => {
                self.stream(kinds::STEP).push((to - from) as u8);
                kinds::STEP
            }
            (Token::Padded(to, width), Some(Token::Padded(from, other))) if width == other && is_step(from, to) => {
                self.stream(kinds::PADDED_STEP).push((to - from) as u8);
                kinds::PADDED_STEP
            }
            (Token::Number(number), _) => {
                self.stream(kinds::NUMBER).extend(number.to_le_bytes());
                kinds::NUMBER
            }
            (Token::Padded(number, width), _) => {
                self.stream(kinds::PADDED).extend(number.to_le_bytes());
                self.stream(kinds::WIDTH).push(width);
                kinds::PADDED
            }
            (Token::Text(&[letter]), _) => {
                self.stream(kinds::LETTER).push(letter);
                kinds::LETTER
            }
            (Token::Text(text), _) => {
                self.stream(kinds::TEXT).extend_from_slice(text);
                self.stream(kinds::TEXT).push(0);
                kinds::TEXT
            }
        };
        self.stream(kinds::KIND).push(kind);
    }
}

/// Whether a number is told by what it is above the one before.
fn is_step(from: u32, to: u32) -> bool {
    to.checked_sub(from).is_some_and(|step| step <= u8::MAX.into())
}

/// Cuts a name.
fn tokens(name: &[u8]) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        if tokens.len() + 1 == MOST_TOKENS {
            tokens.push(Token::Text(rest));
            break;
        }
        let is_digit = rest[0].is_ascii_digit();
        let end = rest.iter().position(|byte| byte.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (own, behind) = rest.split_at(if is_digit { end.min(MOST_DIGITS) } else { end });
        rest = behind;
        let number = own.iter().fold(0, |number, digit| 10 * number + u32::from(digit.wrapping_sub(b'0')));
        tokens.push(match own {
            _ if !is_digit => Token::Text(own),
            // Some readers show a number that is zero as nothing.
            [b'0', ..] => Token::Padded(number, own.len() as u8),
            _ => Token::Number(number),
        });
    }
    tokens
}

/// Encodes names, each followed by a zero; nothing for no names.
pub(super) fn encode(block: &[u8]) -> Option<Vec<u8>> {
    let names: Vec<&[u8]> = block.strip_suffix(b"\0")?.split(|&byte| byte == 0).collect();
    let mut places = vec![Place::default()];
    let mut earlier: HashMap<&[u8], usize> = HashMap::new();
    let mut before: Vec<Token<'_>> = Vec::new();
    for (number, &name) in names.iter().enumerate() {
        let own = tokens(name);
        let (kind, distance) = match earlier.insert(name, number) {
            Some(same) => (kinds::COPY, number - same),
            None => (kinds::DIFFERENCE, number.min(1)),
        };
        places[0].stream(kinds::KIND).push(kind);
        places[0].stream(kind).extend((distance as u32).to_le_bytes());
        if kind == kinds::DIFFERENCE {
            if places.len() < own.len() + 2 {
                places.resize_with(own.len() + 2, Place::default);
            }
            for (at, &token) in own.iter().enumerate() {
                places[at + 1].put(token, before.get(at).copied());
            }
            places[own.len() + 1].stream(kinds::KIND).push(kinds::END);
        }
        before = own;
    }
    let mut output = [(block.len() as u32).to_le_bytes(), (names.len() as u32).to_le_bytes()].concat();
    // The entropy coder is rANS.
    output.push(0);
    places.iter().for_each(|place| append_place(place, &mut output));
    Some(output)
}

/// Appends the streams of a place; the first says that it is one of another place.
fn append_place(place: &Place, output: &mut Vec<u8>) {
    const NEW_PLACE: u8 = 0x80;
    for (kind, stream) in (0..).zip(&place.0).filter(|(_, stream)| !stream.is_empty()) {
        output.push(if kind == kinds::KIND { NEW_PLACE } else { kind });
        let forms = [(false, false), (true, false), (false, true)].map(|(order_1, runs)| Form { order_1, runs });
        let mut packed: Vec<Vec<u8>> = forms.iter().map(|&form| rans_nx16::encode(stream, form)).collect();
        if [kinds::PADDED, kinds::COPY, kinds::DIFFERENCE, kinds::NUMBER].contains(&kind) {
            packed.push(rans_nx16::encode_striped(stream, 4));
        }
        let shortest = packed.into_iter().min_by_key(Vec::len).unwrap_or_default();
        put_uint7(shortest.len(), output);
        output.extend(shortest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cram::read::decode_names;

    #[test]
    fn names_are_cut_where_digits_begin_and_end() {
        use Token::{Number, Padded, Text};
        assert_eq!(
            tokens(b"A1:007:0x"),
            [Text(b"A"), Number(1), Text(b":"), Padded(7, 3), Text(b":"), Padded(0, 1), Text(b"x")]
        );
        assert_eq!(tokens(b"12345678901"), [Number(123_456_789), Padded(1, 2)]);
        assert_eq!(tokens(&b"a1".repeat(100)).len(), MOST_TOKENS);
    }

    #[test]
    fn names_come_back() {
        let made_up = |i: u64| {
            let mixed = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            match mixed >> 61 {
                0 => format!("SRR1.{i}"),
                1 => format!("x{:04}/{}", mixed >> 50, mixed % 3),
                2 => "*".into(),
                3 => format!("{:0300}", mixed % 1000),
                _ => format!("A00:12:HXYZ:{}:{}:{}:{}", 1 + i % 4, 1101 + i / 50, mixed >> 49, (mixed >> 20) % 30_000),
            }
        };
        let lists: [Vec<String>; 6] = [
            vec!["one".into()],
            vec![String::new()],
            vec!["same".into(); 100],
            (0..3).map(|i| "a1".repeat(40 + 50 * i)).collect(),
            (0..2000).map(made_up).collect(),
            (0..2000).map(|i| made_up(i / 2)).collect(),
        ];
        for list in lists {
            let block: Vec<u8> = list.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect();
            let encoded = encode(&block).unwrap();
            assert!(decode_names(&encoded, block.len()).as_ref() == Ok(&block), "{:?}", list[0]);
        }
        assert_eq!(encode(b""), None);
    }
}
