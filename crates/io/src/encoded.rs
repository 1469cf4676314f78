//! Looking into records that are encoded already (SAM specification v1, section 4.2).

use crate::{CigarOp, flags};

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

    /// The operations of its CIGAR, from left to right; codes that are none are passed over.
    pub fn cigar(self) -> impl DoubleEndedIterator<Item = CigarOp> {
        let (operations, _) = self.0[self.name_end()..self.cigar_end()].as_chunks();
        operations.iter().map(|bytes| CigarOp(u32::from_le_bytes(*bytes))).filter(|op| op.is_valid())
    }

    /// Bases, two a byte, and qualities, Phred without an offset.
    #[must_use]
    pub fn bases_and_qualities(self) -> (&'a [u8], &'a [u8]) {
        let packed = self.number(20).div_ceil(2) as usize;
        self.0[self.cigar_end()..self.tags_at()].split_at(packed)
    }

    /// The value of the text field (type `Z`) of this name.
    #[must_use]
    pub fn text_tag(self, name: [u8; 2]) -> Option<&'a [u8]> {
        let mut rest = &self.0[self.tags_at()..];
        while let [first, second, kind, value @ ..] = rest {
            let size = value_bytes(*kind, value)?;
            if [*first, *second] == name {
                return value.get(..size - 1).filter(|_| *kind == b'Z');
            }
            rest = value.get(size..)?;
        }
        None
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
        let bases = self.number(20) as usize;
        self.cigar_end() + bases.div_ceil(2) + bases
    }

    fn number(self, at: usize) -> u32 {
        u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}

/// Bytes of an optional field's value of this type that `value` starts with; none if it is not whole.
fn value_bytes(kind: u8, value: &[u8]) -> Option<usize> {
    let size = |kind| match kind {
        b'A' | b'c' | b'C' => Some(1),
        b's' | b'S' => Some(2),
        b'i' | b'I' | b'f' => Some(4),
        _ => None,
    };
    match kind {
        b'Z' | b'H' => Some(value.iter().position(|&byte| byte == 0)? + 1),
        b'B' => {
            let (&[kind, a, b, c, d], _) = value.split_first_chunk()?;
            Some(5 + size(kind)? * u32::from_le_bytes([a, b, c, d]) as usize)
        }
        kind => size(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlignmentRecord, CigarKind, Format, Header, Program, RecordEncoder, ReferenceSequence, Tag, TagValue};

    fn encoded() -> Vec<u8> {
        let text = |text: &str| text.to_string();
        let header = Header {
            references: vec![ReferenceSequence { name: b"c".to_vec(), length: 1000, md5: [0; 16] }],
            order: Default::default(),
            read_groups: Vec::new(),
            program: Program { id: text("p"), name: text("p"), version: text("1"), command_line: text("p") },
        };
        let operations = [(CigarKind::SoftClip, 1), (CigarKind::Match, 2), (CigarKind::Deletion, 7)];
        let cigar = operations.map(|(kind, len)| CigarOp::new(kind, len));
        let values = [TagValue::Int(7), TagValue::Int(-300), TagValue::Text(b"x y"), TagValue::Char(b'!')];
        let tags = [*b"NM", *b"XS", *b"RG", *b"XC"].into_iter().zip(values).map(|(name, value)| Tag { name, value });
        let tags: Vec<_> = tags.collect();
        let record = AlignmentRecord {
            name: b"read",
            flags: flags::REVERSE,
            reference: Some(0),
            position: Some(41),
            mapping_quality: 60,
            cigar: &cigar,
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: b"ACG",
            qualities: b"III",
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
        assert_eq!(record.cigar().map(CigarOp::len).collect::<Vec<_>>(), [1, 2, 7]);
        assert_eq!(record.bases_and_qualities(), (&[0x12, 0x40][..], &[40; 3][..]));
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
        let arrays = [&b"c\x02\x00\x00\x00ab"[..], b"i\xff\xff\xff\xff", b"x\x01\x00\x00\x00", b"c"];
        assert_eq!(arrays.map(|value| value_bytes(b'B', value)), [Some(7), Some(5 + 4 * 0xffff_ffff), None, None]);
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
        assert!(EncodedRecord::split_first(&[0; 40]).is_none());
    }
}
