//! Containers and the file around them (sections 6, 7 and 9), read from a stream and checked.

use std::io::{self, Read};

use super::{
    block::check,
    bytes::Bytes,
    flaw::{Decoded, Flaw},
};

/// Bytes of a file before its first container.
const DEFINITION_BYTES: usize = 26;
/// Largest container that is believed, in bytes: far above what reads of any length here need.
const MOST_BYTES: usize = 256 << 20;
/// The position that the container at the end of a file has: its letters are `EOF`.
const END_POSITION: i32 = 0x45_4f46;

/// A container whose header's checksum holds.
pub(super) struct Container {
    pub(super) records: usize,
    pub(super) is_end: bool,
    /// Its blocks.
    pub(super) body: Vec<u8>,
}

/// Reads the file's definition.
pub(super) fn read_definition(input: &mut impl Read) -> io::Result<()> {
    let definition = read_exactly(input, DEFINITION_BYTES)?;
    match definition[4..6] {
        _ if !definition.starts_with(b"CRAM") => Err(Flaw::Damaged("a CRAM file has other first bytes").into()),
        [3, 0 | 1] => Ok(()),
        [major, minor] => {
            Err(Flaw::Unusable(format!("CRAM {major}.{minor} is not read; expected CRAM 3.0 or 3.1")).into())
        }
        _ => Err(Flaw::EndsEarly.into()),
    }
}

impl Container {
    /// Reads the next one.
    pub(super) fn read(input: &mut impl Read) -> io::Result<Self> {
        let mut head = Vec::new();
        append_exactly(input, 4, &mut head)?;
        // Reference, start, span and records; records before and bases; blocks.
        for most in [ITF8, ITF8, ITF8, ITF8, LTF8, LTF8, ITF8] {
            append_number(input, most, &mut head)?;
        }
        let landmarks_at = head.len();
        append_number(input, ITF8, &mut head)?;
        let landmarks = Bytes(&head[landmarks_at..]).count()?;
        for _ in 0..landmarks {
            append_number(input, ITF8, &mut head)?;
        }
        let mut checksum = Vec::new();
        append_exactly(input, 4, &mut checksum)?;
        check(&head, Bytes(&checksum).u32()?)?;
        let (bytes, mut container) = Self::parse(&mut Bytes(&head))?;
        container.body = read_exactly(input, bytes)?;
        Ok(container)
    }

    /// The bytes of the body, and all else.
    fn parse(head: &mut Bytes<'_>) -> Decoded<(usize, Self)> {
        let bytes = head.u32()? as usize;
        if bytes > MOST_BYTES {
            return Err(Flaw::Damaged("a CRAM container is far larger than any"));
        }
        let (reference, start, _) = (head.itf8()?, head.itf8()?, head.itf8()?);
        let records = head.count()?;
        let is_end = reference == -1 && start == END_POSITION && records == 0;
        Ok((bytes, Self { records, is_end, body: Vec::new() }))
    }
}

/// Most bytes behind the first of a number.
const ITF8: u32 = 4;
const LTF8: u32 = 8;

/// Appends a number of variable size, whose first byte says how many follow, at most so many.
fn append_number(input: &mut impl Read, most: u32, head: &mut Vec<u8>) -> io::Result<()> {
    let at = head.len();
    append_exactly(input, 1, head)?;
    append_exactly(input, head[at].leading_ones().min(most) as usize, head)
}

/// As many bytes, for which memory is taken as they come.
pub(super) fn read_exactly(input: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append_exactly(input, count, &mut bytes)?;
    Ok(bytes)
}

fn append_exactly(input: &mut impl Read, count: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
    let read = input.by_ref().take(count as u64).read_to_end(bytes)?;
    if read == count { Ok(()) } else { Err(Flaw::EndsEarly.into()) }
}
