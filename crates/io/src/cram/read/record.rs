//! A record as BAM encodes it (SAM specification v1, section 4.2).

use super::flaw::{Decoded, Flaw, damaged};
use crate::{
    CigarKind, CigarOp,
    bam_record::{append_bases, bin},
};

/// Letters of a CIGAR operation's length.
const MOST_LENGTH: usize = (1 << 28) - 1;

/// The parts of a record, which are kept for the next one's.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) flags: u16,
    pub(super) reference: i32,
    /// 0-based; -1 for none.
    pub(super) position: i32,
    pub(super) mapping_quality: u8,
    pub(super) mate_reference: i32,
    pub(super) mate_position: i32,
    pub(super) template_length: i32,
    pub(super) name: Vec<u8>,
    pub(super) cigar: Vec<CigarOp>,
    /// Letters.
    pub(super) bases: Vec<u8>,
    /// Phred, without an offset.
    pub(super) qualities: Vec<u8>,
    /// As BAM encodes them.
    pub(super) tags: Vec<u8>,
}

impl Draft {
    /// Appends an operation, or makes the last one longer.
    pub(super) fn push(&mut self, kind: CigarKind, length: usize) -> Decoded<()> {
        if length == 0 {
            return Ok(());
        }
        let last = self.cigar.last_mut().filter(|last| last.kind() == kind);
        let sum = last.as_ref().map_or(0, |last| last.len() as usize) + length;
        if sum > MOST_LENGTH {
            return damaged("an operation of a CIGAR is too long");
        }
        let op = CigarOp::new(kind, sum as u32);
        match last {
            Some(last) => *last = op,
            None => self.cigar.push(op),
        }
        Ok(())
    }

    /// Appends the record.
    pub(super) fn append_to(&self, output: &mut Vec<u8>) -> Decoded<()> {
        const NAME: Flaw = Flaw::Damaged("a record has a name of more than 254 letters");
        let name: &[u8] = if self.name.is_empty() { b"*" } else { &self.name };
        let name_bytes = u8::try_from(name.len() + 1).map_err(|_| NAME)?;
        let operations = u16::try_from(self.cigar.len());
        let operations = operations.map_err(|_| Flaw::Damaged("a record has more than 65535 operations"))?;
        let at = output.len();
        output.extend([0; 4]);
        output.extend(self.reference.to_le_bytes());
        output.extend(self.position.to_le_bytes());
        output.extend([name_bytes, self.mapping_quality]);
        output.extend(bin(u32::try_from(self.position).ok(), &self.cigar).to_le_bytes());
        output.extend(operations.to_le_bytes());
        output.extend(self.flags.to_le_bytes());
        output.extend((self.bases.len() as u32).to_le_bytes());
        output.extend(self.mate_reference.to_le_bytes());
        output.extend(self.mate_position.to_le_bytes());
        output.extend(self.template_length.to_le_bytes());
        output.extend_from_slice(name);
        output.push(0);
        output.extend(self.cigar.iter().flat_map(|op| op.0.to_le_bytes()));
        append_bases(&self.bases, output);
        output.extend_from_slice(&self.qualities);
        output.extend_from_slice(&self.tags);
        let size = (output.len() - at - 4) as u32;
        output[at..at + 4].copy_from_slice(&size.to_le_bytes());
        Ok(())
    }
}
