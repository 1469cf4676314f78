//! Looking into records that are encoded already (SAM specification v1, section 4.2).

use crate::{
    CigarOp, flags,
    tag_bytes::{TagField, TagFields},
};

/// Bytes of a record before its name: `block_size` and the fixed fields.
const FIXED_BYTES: usize = 36;
const FLAGS_AT: usize = 18;

/// An encoded BAM record, from its `block_size` to its last tag.
#[derive(Clone, Copy, Debug)]
pub struct EncodedRecord<'a>(&'a [u8]);

impl<'a> EncodedRecord<'a> {
    /// The first record of `bytes` and what follows it; none if it is not whole.
    #[must_use]
    pub fn split_first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let size = 4 + u32::from_le_bytes(*bytes.first_chunk()?) as usize;
        let (own, rest) = bytes.split_at_checked(size)?;
        let record = Self(own);
        (size >= FIXED_BYTES && record.tags_at() <= size).then_some((record, rest))
    }

    /// The records of `bytes`; an error where one is not whole.
    pub fn all(mut bytes: &'a [u8]) -> impl Iterator<Item = Result<Self, NotWhole>> {
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let first = Self::split_first(bytes);
            bytes = first.map_or(&[], |(_, rest)| rest);
            Some(first.map(|(record, _)| record).ok_or(NotWhole))
        })
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Index of its reference sequence.
    #[must_use]
    pub fn reference(self) -> Option<usize> {
        usize::try_from(self.number(4) as i32).ok()
    }

    /// Leftmost aligned base, 0-based.
    #[must_use]
    pub fn position(self) -> Option<u32> {
        let position = self.number(8);
        (position as i32 >= 0).then_some(position)
    }

    /// Bits of [`flags`].
    #[must_use]
    pub fn flags(self) -> u16 {
        u16::from_le_bytes([self.0[FLAGS_AT], self.0[FLAGS_AT + 1]])
    }

    /// MAPQ; 255 is "not available".
    #[must_use]
    pub fn mapping_quality(self) -> u8 {
        self.0[13]
    }

    /// Index of the mate's reference sequence.
    #[must_use]
    pub fn mate_reference(self) -> Option<usize> {
        usize::try_from(self.number(24) as i32).ok()
    }

    /// Leftmost aligned base of the mate, 0-based; -1 for none.
    #[must_use]
    pub fn mate_position(self) -> i32 {
        self.number(28) as i32
    }

    /// TLEN, signed, in bases.
    #[must_use]
    pub fn template_length(self) -> i32 {
        self.number(32) as i32
    }

    /// Read name with its terminating zero.
    #[must_use]
    pub fn name(self) -> &'a [u8] {
        &self.0[FIXED_BYTES..self.name_end()]
    }

    /// Bases of the reference that it covers; 0 without a CIGAR.
    #[must_use]
    pub fn reference_bases(self) -> u32 {
        self.cigar().filter(|op| op.consumes_reference()).map(CigarOp::len).sum()
    }

    /// Appends the bases as letters.
    pub(crate) fn append_bases(self, letters: &mut Vec<u8>) {
        const LETTERS: &[u8; 16] = b"=ACMGRSVTWYHKDBN";
        let (packed, qualities) = self.bases_and_qualities();
        let end = letters.len() + qualities.len();
        letters.extend(packed.iter().flat_map(|&two| [two >> 4, two & 0xf].map(|code| LETTERS[usize::from(code)])));
        letters.truncate(end);
    }

    /// The optional fields.
    pub(crate) fn tags(self) -> TagFields<'a> {
        TagFields(&self.0[self.tags_at()..])
    }

    /// The operations of its CIGAR, from left to right; codes that are none are passed over.
    pub fn cigar(self) -> impl DoubleEndedIterator<Item = CigarOp> {
        let (operations, _) = self.0[self.name_end()..self.cigar_end()].as_chunks();
        operations.iter().map(|bytes| CigarOp(u32::from_le_bytes(*bytes))).filter(|op| op.is_valid())
    }

    /// Bases, two a byte, the first in the upper half (1, 2, 4, 8 for A, C, G, T, sums of them for what is ambiguous, 15 for N),
    /// and qualities, Phred without an offset, all 255 where there are none.
    #[must_use]
    pub fn bases_and_qualities(self) -> (&'a [u8], &'a [u8]) {
        self.0[self.cigar_end()..self.tags_at()].split_at(self.sequence_length().div_ceil(2))
    }

    /// The value of the text field (type `Z`) of this name.
    #[must_use]
    pub fn text_tag(self, name: [u8; 2]) -> Option<&'a [u8]> {
        let field = self.tag(name).filter(|field| field.kind == b'Z')?;
        field.value.strip_suffix(b"\0")
    }

    /// The value of an integer field of this name, whatever its size.
    #[must_use]
    pub fn integer_tag(self, name: [u8; 2]) -> Option<i64> {
        let field = self.tag(name)?;
        integer(field.kind, field.value)
    }

    /// The field of this name.
    fn tag(self, name: [u8; 2]) -> Option<TagField<'a>> {
        self.tags().map_while(Result::ok).find(|field| field.name == name)
    }

    /// Bases of its sequence.
    #[must_use]
    pub fn sequence_length(self) -> usize {
        self.number(20) as usize
    }

    /// Sets or takes away the flag of duplicates in an encoded record; bytes that are none stay as they are.
    pub fn mark_duplicate(record: &mut [u8], is_duplicate: bool) {
        let [low, high] = if is_duplicate { flags::DUPLICATE } else { 0 }.to_le_bytes();
        let [mask_low, mask_high] = (!flags::DUPLICATE).to_le_bytes();
        if let Some([own_low, own_high]) = record.get_mut(FLAGS_AT..FLAGS_AT + 2) {
            *own_low = *own_low & mask_low | low;
            *own_high = *own_high & mask_high | high;
        }
    }

    fn name_end(self) -> usize {
        FIXED_BYTES + usize::from(self.0[12])
    }

    fn cigar_end(self) -> usize {
        self.name_end() + 4 * usize::from(u16::from_le_bytes([self.0[16], self.0[17]]))
    }

    fn tags_at(self) -> usize {
        let bases = self.sequence_length();
        self.cigar_end() + bases.div_ceil(2) + bases
    }

    fn number(self, at: usize) -> u32 {
        u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}

/// Bytes end within a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NotWhole;

fn integer(kind: u8, value: &[u8]) -> Option<i64> {
    Some(match kind {
        b'c' => i64::from(*value.first()? as i8),
        b'C' => i64::from(*value.first()?),
        b's' => i64::from(i16::from_le_bytes(*value.first_chunk()?)),
        b'S' => i64::from(u16::from_le_bytes(*value.first_chunk()?)),
        b'i' => i64::from(i32::from_le_bytes(*value.first_chunk()?)),
        b'I' => i64::from(u32::from_le_bytes(*value.first_chunk()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlignmentRecord, CigarKind, Format, Header, Program, RecordEncoder, ReferenceSequence, Tag, TagValue};

    fn encoded() -> Vec<u8> {
        let text = |text: &str| text.to_string();
        let header = Header {
            references: vec![ReferenceSequence { name: b"c".to_vec(), length: 1000, md5: [0; 16], alternate: false }],
            order: Default::default(),
            read_groups: Vec::new(),
            program: Program { id: text("p"), name: text("p"), version: text("1"), command_line: text("p") },
            lines: Default::default(),
        };
        let operations = [(CigarKind::SoftClip, 1), (CigarKind::Match, 2), (CigarKind::Deletion, 7)];
        let cigar = operations.map(|(kind, len)| CigarOp::new(kind, len));
        let tag = |name: &[u8; 2], value| Tag { name: *name, value };
        let tags = [
            tag(b"NM", TagValue::Int(7)),
            tag(b"XS", TagValue::Int(-300)),
            tag(b"X1", TagValue::Int(-70_000)),
            tag(b"X2", TagValue::Int(40_000)),
            tag(b"RG", TagValue::Text(b"x y")),
            tag(b"XC", TagValue::Char(b'!')),
        ];
        let record = AlignmentRecord {
            name: b"read",
            flags: flags::REVERSE,
            reference: Some(0),
            position: Some(41),
            mapping_quality: 60,
            cigar: &cigar,
            mate_reference: Some(0),
            mate_position: Some(13),
            template_length: -7,
            bases: b"ACG",
            qualities: b"I#!",
            tags: &tags,
        };
        let mut bytes = Vec::new();
        RecordEncoder::new(Format::Bam, &header).unwrap().encode(&record, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn fields_are_those_that_were_encoded() {
        let mut bytes = encoded();
        let size = bytes.len();
        bytes.extend(b"next");
        let (record, rest) = EncodedRecord::split_first(&bytes).unwrap();
        assert_eq!((record.bytes().len(), rest), (size, &b"next"[..]));
        assert_eq!((record.reference(), record.position(), record.reference_bases()), (Some(0), Some(41), 9));
        assert_eq!((record.name(), record.flags()), (&b"read\0"[..], flags::REVERSE));
        assert_eq!((record.mapping_quality(), record.template_length()), (60, -7));
        assert_eq!((record.mate_reference(), record.mate_position()), (Some(0), 13));
        let tags = [*b"NM", *b"XS", *b"X1", *b"X2", *b"RG", *b"ZZ"].map(|name| record.integer_tag(name));
        assert_eq!(tags, [Some(7), Some(-300), Some(-70_000), Some(40_000), None, None]);
        assert_eq!(record.sequence_length(), 3);
        assert_eq!(record.cigar().map(CigarOp::len).collect::<Vec<_>>(), [1, 2, 7]);
        assert_eq!(record.bases_and_qualities(), (&[0x12, 0x40][..], &[40, 2, 0][..]));
        let tag = |name| record.text_tag(name);
        assert_eq!([tag(*b"RG"), tag(*b"NM"), tag(*b"XC"), tag(*b"YY")], [Some(&b"x y"[..]), None, None, None]);
        for (is_duplicate, flag) in [(true, flags::DUPLICATE), (true, flags::DUPLICATE), (false, 0)] {
            EncodedRecord::mark_duplicate(&mut bytes, is_duplicate);
            let (record, _) = EncodedRecord::split_first(&bytes).unwrap();
            assert_eq!(record.flags(), flags::REVERSE | flag);
        }
    }

    #[test]
    fn broken_tags_are_none() {
        let bytes = encoded();
        let whole = EncodedRecord(&bytes).tags_at();
        for size in whole..bytes.len() {
            let mut cut = bytes[..size].to_vec();
            cut[..4].copy_from_slice(&(size as u32 - 4).to_le_bytes());
            let (record, _) = EncodedRecord::split_first(&cut).unwrap();
            assert!(record.text_tag(*b"XC").is_none() && record.text_tag(*b"ZZ").is_none(), "{size}");
        }
    }

    #[test]
    fn what_is_not_whole_is_no_record() {
        let bytes = encoded();
        for size in 0..bytes.len() {
            assert!(EncodedRecord::split_first(&bytes[..size]).is_none(), "{size}");
        }
        let mut long_name = bytes.clone();
        long_name[12] = 255;
        assert!(EncodedRecord::split_first(&long_name).is_none());
        let mut long_sequence = bytes.clone();
        long_sequence[20] = 200;
        assert!(EncodedRecord::split_first(&long_sequence).is_none());
        assert!(EncodedRecord::split_first(&[0; 40]).is_none());
        let two_and_a_bit = [&bytes[..], &bytes, b"bit"].concat();
        let whole: Vec<bool> = EncodedRecord::all(&two_and_a_bit).map(|record| record.is_ok()).collect();
        assert_eq!(whole, [true, true, false]);
    }
}
