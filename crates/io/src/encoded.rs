//! Looking into records that are encoded already (SAM specification v1, section 4.2).

use crate::{CigarOp, flags, tag_bytes::TagFields};

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
        (size >= FIXED_BYTES && record.cigar_end() <= size).then_some((record, rest))
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

    /// Its operations, but for those that are none.
    pub(crate) fn cigar(self) -> impl Iterator<Item = CigarOp> + 'a {
        let (operations, _) = self.0[self.name_end()..self.cigar_end()].as_chunks();
        operations.iter().map(|bytes| CigarOp(u32::from_le_bytes(*bytes))).filter(|op| op.is_valid())
    }

    pub(crate) fn mapping_quality(self) -> u8 {
        self.0[13]
    }

    /// Index of the mate's reference sequence; -1 for none.
    pub(crate) fn mate_reference(self) -> i32 {
        self.number(24) as i32
    }

    /// Leftmost base of the mate, 0-based; -1 for none.
    pub(crate) fn mate_position(self) -> i32 {
        self.number(28) as i32
    }

    pub(crate) fn template_length(self) -> i32 {
        self.number(32) as i32
    }

    /// What follows the CIGAR; none if the record is too short for it.
    pub(crate) fn body(self) -> Option<RecordBody<'a>> {
        let length = self.number(20) as usize;
        let (packed, rest) = self.0[self.cigar_end()..].split_at_checked(length.div_ceil(2))?;
        let (qualities, tags) = rest.split_at_checked(length)?;
        Some(RecordBody { length, packed, qualities, tags })
    }

    /// Sets the flag of duplicates in an encoded record; bytes that are none stay as they are.
    pub fn mark_duplicate(record: &mut [u8]) {
        let [low, high] = flags::DUPLICATE.to_le_bytes();
        if let Some([own_low, own_high]) = record.get_mut(FLAGS_AT..FLAGS_AT + 2) {
            *own_low |= low;
            *own_high |= high;
        }
    }

    fn name_end(self) -> usize {
        FIXED_BYTES + usize::from(self.0[12])
    }

    fn cigar_end(self) -> usize {
        self.name_end() + 4 * usize::from(u16::from_le_bytes([self.0[16], self.0[17]]))
    }

    fn number(self, at: usize) -> u32 {
        u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]])
    }
}

/// Bases, qualities and tags of an encoded record.
#[derive(Clone, Copy)]
pub(crate) struct RecordBody<'a> {
    /// Bases.
    pub(crate) length: usize,
    /// Two bases a byte.
    packed: &'a [u8],
    /// Phred numbers, as many as bases; all 255 where they are missing.
    pub(crate) qualities: &'a [u8],
    tags: &'a [u8],
}

impl<'a> RecordBody<'a> {
    /// Appends the bases as letters.
    pub(crate) fn append_bases(&self, letters: &mut Vec<u8>) {
        const LETTERS: &[u8; 16] = b"=ACMGRSVTWYHKDBN";
        let start = letters.len();
        letters
            .extend(self.packed.iter().flat_map(|&two| [two >> 4, two & 0xf].map(|code| LETTERS[usize::from(code)])));
        letters.truncate(start + self.length);
    }

    /// The optional fields.
    pub(crate) fn tags(&self) -> TagFields<'a> {
        TagFields(self.tags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AlignmentRecord, CigarKind, Format, Header, Program, RecordEncoder, ReferenceSequence};

    fn encoded() -> Vec<u8> {
        let text = |text: &str| text.to_string();
        let header = Header {
            references: vec![ReferenceSequence { name: b"c".to_vec(), length: 1000, md5: [0; 16] }],
            order: Default::default(),
            read_group: None,
            program: Program { id: text("p"), name: text("p"), version: text("1"), command_line: text("p") },
        };
        let operations = [(CigarKind::SoftClip, 1), (CigarKind::Match, 2), (CigarKind::Deletion, 7)];
        let cigar = operations.map(|(kind, len)| CigarOp::new(kind, len));
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
            tags: &[],
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
        EncodedRecord::mark_duplicate(&mut bytes);
        let (record, _) = EncodedRecord::split_first(&bytes).unwrap();
        assert_eq!(record.flags(), flags::REVERSE | flags::DUPLICATE);
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
