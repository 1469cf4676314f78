//! CIGAR operations, packed as in BAM.

/// What an operation aligns (SAM specification v1, section 1.4.6, "CIGAR").
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(u8)]
pub enum CigarKind {
    /// `M`: aligned, match or mismatch.
    Match = 0,
    /// `I`: bases of the read that the reference lacks.
    Insertion = 1,
    /// `D`: bases of the reference that the read lacks.
    Deletion = 2,
    /// `N`: a skipped region of the reference.
    Skip = 3,
    /// `S`: clipped bases that the record holds.
    SoftClip = 4,
    /// `H`: clipped bases that the record does not hold.
    HardClip = 5,
    /// `P`: silent deletion from a padded reference.
    Pad = 6,
    /// `=`: aligned, match.
    SequenceMatch = 7,
    /// `X`: aligned, mismatch.
    SequenceMismatch = 8,
}

impl CigarKind {
    /// All kinds, in the order of their BAM codes.
    pub const ALL: [Self; 9] = [
        Self::Match,
        Self::Insertion,
        Self::Deletion,
        Self::Skip,
        Self::SoftClip,
        Self::HardClip,
        Self::Pad,
        Self::SequenceMatch,
        Self::SequenceMismatch,
    ];

    /// The letter of SAM text.
    pub fn letter(self) -> u8 {
        b"MIDNSHP=X"[self as usize]
    }
}

/// An operation and its length as BAM packs them: `length << 4 | kind`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[repr(transparent)]
pub struct CigarOp(pub u32);

impl CigarOp {
    /// Longest operation, in bases: 28 bits.
    pub const MAX_LEN: u32 = (1 << 28) - 1;

    /// Packs an operation of `len` bases.
    ///
    /// # Panics
    ///
    /// If `len` exceeds [`MAX_LEN`](Self::MAX_LEN).
    pub fn new(kind: CigarKind, len: u32) -> Self {
        assert!(len <= Self::MAX_LEN, "a CIGAR operation of {len} bases");
        Self(len << 4 | kind as u32)
    }

    /// Length in bases.
    #[expect(clippy::len_without_is_empty, reason = "a length in bases, not a container")]
    pub fn len(self) -> u32 {
        self.0 >> 4
    }

    /// What the operation aligns.
    ///
    /// # Panics
    ///
    /// If the packed code is none of the nine kinds, which [`new`](Self::new) cannot make.
    pub fn kind(self) -> CigarKind {
        CigarKind::ALL[(self.0 & 0xf) as usize]
    }

    /// Whether the operation covers bases of the record's sequence (M, I, S, =, X).
    pub fn consumes_query(self) -> bool {
        use CigarKind::{Insertion, Match, SequenceMatch, SequenceMismatch, SoftClip};
        matches!(self.kind(), Match | Insertion | SoftClip | SequenceMatch | SequenceMismatch)
    }

    /// Whether the operation covers bases of the reference (M, D, N, =, X).
    pub fn consumes_reference(self) -> bool {
        use CigarKind::{Deletion, Match, SequenceMatch, SequenceMismatch, Skip};
        matches!(self.kind(), Match | Deletion | Skip | SequenceMatch | SequenceMismatch)
    }

    /// Whether the packed code is one of the nine kinds.
    pub(crate) fn is_valid(self) -> bool {
        self.0 & 0xf < CigarKind::ALL.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_follows_bam() {
        assert_eq!(CigarOp::new(CigarKind::Match, 3).0, 0x30);
        assert_eq!(CigarOp::new(CigarKind::SoftClip, 1).0, 0x14);
        for (code, kind) in CigarKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, code);
            for len in [0, 1, CigarOp::MAX_LEN] {
                let op = CigarOp::new(kind, len);
                assert_eq!((op.kind(), op.len(), op.is_valid()), (kind, len, true));
            }
        }
        assert!(!CigarOp(9).is_valid());
    }

    /// The table of section 1.4.6, by letter.
    #[test]
    fn consumption_follows_the_table() {
        for kind in CigarKind::ALL {
            let (op, letter) = (CigarOp::new(kind, 1), kind.letter());
            assert_eq!(op.consumes_query(), b"MIS=X".contains(&letter));
            assert_eq!(op.consumes_reference(), b"MDN=X".contains(&letter));
        }
    }

    #[test]
    #[should_panic(expected = "CIGAR operation")]
    fn a_length_beyond_28_bits_is_refused() {
        CigarOp::new(CigarKind::Match, CigarOp::MAX_LEN + 1);
    }
}
