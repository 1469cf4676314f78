//! An alignment record, ready to be encoded.

use crate::{CigarOp, tag_bytes::TagFields};

/// Longest read name, in bytes (SAM specification v1, section 1.4.1).
const MAX_NAME_BYTES: usize = 254;

/// Largest 0-based position: SAM and BAM hold 31 bits, and SAM counts from 1.
const MAX_POSITION: u32 = i32::MAX as u32 - 1;

/// One line of SAM or one record of BAM, borrowed from the arenas that the mapper fills.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AlignmentRecord<'a> {
    /// Read name, without `/1` or `/2`.
    pub name: &'a [u8],
    /// Bits of [`flags`](crate::flags).
    pub flags: u16,
    /// Index into [`Header::references`](crate::Header::references).
    pub reference: Option<usize>,
    /// Leftmost aligned base on the reference, 0-based.
    pub position: Option<u32>,
    /// MAPQ, Phred-scaled; 255 is "not available".
    pub mapping_quality: u8,
    /// Operations from left to right on the reference; empty for `*`.
    pub cigar: &'a [CigarOp],
    /// Index of the mate's reference.
    pub mate_reference: Option<usize>,
    /// Leftmost aligned base of the mate, 0-based.
    pub mate_position: Option<u32>,
    /// TLEN, signed, in bases.
    pub template_length: i32,
    /// ASCII bases, reverse-complemented where the flags say so; empty for `*`.
    pub bases: &'a [u8],
    /// ASCII Phred + 33 qualities in the order of the bases; empty for `*`.
    pub qualities: &'a [u8],
    /// Optional fields, in the order of output.
    pub tags: &'a [Tag<'a>],
}

/// An optional field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Tag<'a> {
    /// Two characters, for example `NM`.
    pub name: [u8; 2],
    /// The value.
    pub value: TagValue<'a>,
}

/// The value of an optional field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TagValue<'a> {
    /// `i`: an integer from -2^31 to 2^32 - 1. BAM stores it in the smallest type that holds it.
    Int(i64),
    /// `A`: a printable character.
    Char(u8),
    /// `Z`: printable ASCII text.
    Text(&'a [u8]),
    /// Any type, as BAM holds it (SAM specification v1, section 4.2.4). These follow the others in BAM.
    Encoded {
        /// One of `AcCsSiIfZHB`.
        kind: u8,
        /// Value; of `Z` and `H` with the terminating zero, of `B` with subtype and count.
        value: &'a [u8],
    },
}

impl AlignmentRecord<'_> {
    /// Checks what both SAM and BAM demand, so that the two encoders accept the same records.
    pub(crate) fn check(&self, reference_count: usize) -> Result<(), &'static str> {
        let is_reference = |index: Option<usize>| index.is_none_or(|i| i < reference_count);
        let is_position = |position: Option<u32>| position.is_none_or(|p| p <= MAX_POSITION);
        let has_query_length = |length: u32| length == 0 || length as usize == self.bases.len();
        if !is_read_name(self.name) {
            return Err("expected a name of 1 to 254 printable characters other than '@'");
        }
        if !is_reference(self.reference) || !is_reference(self.mate_reference) {
            return Err("expected a reference index that the header has");
        }
        if !is_position(self.position) || !is_position(self.mate_position) {
            return Err("expected a position below 2^31 - 1");
        }
        if !self.cigar.iter().all(|op| op.is_valid()) {
            return Err("expected a CIGAR of known operations");
        }
        if !self.bases.is_empty() && !query_length(self.cigar).is_some_and(has_query_length) {
            return Err("expected a CIGAR that covers as many bases as the sequence has");
        }
        if !self.qualities.is_empty() && self.qualities.len() != self.bases.len() {
            return Err("expected as many qualities as bases");
        }
        if !are_bases(self.bases) || !are_qualities(self.qualities) {
            return Err("expected bases that are letters and qualities from '!' to '~'");
        }
        if !self.tags.iter().all(Tag::is_valid) {
            return Err("expected optional fields that SAM can hold");
        }
        Ok(())
    }
}

impl Tag<'_> {
    /// The whole field of an encoded value.
    pub(crate) fn encoded(&self) -> Option<Vec<u8>> {
        let TagValue::Encoded { kind, value } = self.value else { return None };
        Some([&self.name[..], &[kind], value].concat())
    }

    fn is_valid(&self) -> bool {
        let [first, second] = self.name;
        let is_printable = |byte: &u8| matches!(byte, b' '..=b'~');
        let has_value = match self.value {
            TagValue::Int(value) => (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&value),
            TagValue::Char(value) => value.is_ascii_graphic(),
            TagValue::Text(value) => value.iter().all(is_printable),
            TagValue::Encoded { .. } => return self.encoded().is_some_and(|bytes| is_one_field(&bytes)),
        };
        first.is_ascii_alphabetic() && second.is_ascii_alphanumeric() && has_value
    }
}

/// Whether the bytes are a single optional field that SAM can hold.
fn is_one_field(bytes: &[u8]) -> bool {
    let mut fields = TagFields(bytes);
    let is_printable = fields.next().is_some_and(|field| field.is_ok_and(|field| field.is_printable()));
    is_printable && fields.next().is_none()
}

// The tests of whole fields have no early exit, so that the compiler makes vector code of them.

/// Whether SAM allows `name` for a read. A lone `*` is refused: it means "no name".
pub(crate) fn is_read_name(name: &[u8]) -> bool {
    let are_allowed = name.iter().fold(true, |all, &byte| all & is_graphic(byte) & (byte != b'@'));
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name != b"*" && are_allowed
}

/// Whether all bytes are Phred + 33 in ASCII, `!` to `~`.
pub(crate) fn are_qualities(qualities: &[u8]) -> bool {
    qualities.iter().fold(true, |all, &quality| all & is_graphic(quality))
}

fn is_graphic(byte: u8) -> bool {
    byte.wrapping_sub(b'!') <= b'~' - b'!'
}

/// Bases of the read that the operations cover; none where the sum overflows.
fn query_length(cigar: &[CigarOp]) -> Option<u32> {
    let covering = cigar.iter().filter(|op| op.consumes_query());
    covering.map(|op| op.len()).try_fold(0u32, u32::checked_add)
}

/// Whether all bytes are letters, `=` or `.`, as SAM allows.
fn are_bases(bases: &[u8]) -> bool {
    bases.iter().fold(true, |all, &base| {
        let is_letter = (base | 0x20).wrapping_sub(b'a') < 26;
        all & (is_letter | (base == b'=') | (base == b'.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CigarKind;

    const CIGAR: &[CigarOp] = &[CigarOp(4 << 4), CigarOp(1 << 4 | 4)];

    fn sample() -> AlignmentRecord<'static> {
        AlignmentRecord {
            name: b"r1",
            flags: 0,
            reference: Some(0),
            position: Some(0),
            mapping_quality: 60,
            cigar: CIGAR,
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: b"ACGTN",
            qualities: b"IIII~",
            tags: &[],
        }
    }

    #[test]
    fn every_byte_is_judged() {
        for byte in 0..=u8::MAX {
            let is_graphic = (33..=126).contains(&byte);
            assert_eq!(are_qualities(&[b'I', byte]), is_graphic, "{byte}");
            assert_eq!(is_read_name(&[b'r', byte]), is_graphic && byte != b'@', "{byte}");
            let is_base = byte.is_ascii_alphabetic() || b"=.".contains(&byte);
            assert_eq!(are_bases(&[b'A', byte]), is_base, "{byte}");
        }
    }

    #[test]
    fn a_whole_record_passes() {
        assert_eq!(CIGAR[1], CigarOp::new(CigarKind::SoftClip, 1));
        assert_eq!(sample().check(1), Ok(()));
        let bare = AlignmentRecord { bases: b"", qualities: b"", ..sample() };
        assert_eq!(bare.check(1), Ok(()));
        assert_eq!(AlignmentRecord { cigar: &[], ..sample() }.check(1), Ok(()));
    }

    #[test]
    fn each_broken_field_is_refused() {
        let tag = |name: &[u8; 2], value| Tag { name: *name, value };
        let bad_tags = [
            [tag(b"1X", TagValue::Int(0))],
            [tag(b"X_", TagValue::Int(0))],
            [tag(b"XX", TagValue::Int(1 << 32))],
            [tag(b"XX", TagValue::Int(-(1 << 31) - 1))],
            [tag(b"XX", TagValue::Char(b' '))],
            [tag(b"XX", TagValue::Text(b"a\tb"))],
            [tag(b"XX", TagValue::Encoded { kind: b'Z', value: b"a\tb\0" })],
            [tag(b"XX", TagValue::Encoded { kind: b'Z', value: b"no end" })],
            [tag(b"XX", TagValue::Encoded { kind: b's', value: b"123" })],
        ];
        let broken = [
            AlignmentRecord { name: b"", ..sample() },
            AlignmentRecord { name: b"*", ..sample() },
            AlignmentRecord { name: b"a b", ..sample() },
            AlignmentRecord { name: b"a@b", ..sample() },
            AlignmentRecord { name: &[b'a'; 255], ..sample() },
            AlignmentRecord { reference: Some(1), ..sample() },
            AlignmentRecord { mate_reference: Some(1), ..sample() },
            AlignmentRecord { position: Some(i32::MAX as u32), ..sample() },
            AlignmentRecord { mate_position: Some(u32::MAX), ..sample() },
            AlignmentRecord { cigar: &[CigarOp(5 << 4 | 9)], ..sample() },
            AlignmentRecord { cigar: &CIGAR[..1], ..sample() },
            AlignmentRecord { qualities: b"III", ..sample() },
            AlignmentRecord { qualities: b"IIII ", ..sample() },
            AlignmentRecord { bases: b"ACG-N", ..sample() },
        ];
        let with_tags = bad_tags.iter().map(|tags| AlignmentRecord { tags, ..sample() });
        for (i, record) in broken.into_iter().chain(with_tags).enumerate() {
            assert!(record.check(1).is_err(), "case {i}");
        }
    }
}
