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
        let (operations, _) = self.0[self.name_end()..self.cigar_end()].as_chunks();
        let operations = operations.iter().map(|bytes| CigarOp(u32::from_le_bytes(*bytes)));
        operations.filter(|op| op.is_valid() && op.consumes_reference()).map(CigarOp::len).sum()
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
