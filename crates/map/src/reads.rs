//! A batch of reads, packed for comparison with the reference: both strands as bit planes.

use svala_io::ReadBatch;

use crate::error::{Error, Result};
use crate::options::MAX_READ;
use crate::sequence::{AMBIGUOUS, BLOCK, Planes, complement, encode, gather_bits};

/// Packed reads in flat arrays; reused from batch to batch.
#[derive(Debug, Default)]
pub struct PackedReads {
    codes: Vec<u8>,
    code_ends: Vec<usize>,
    /// Forward blocks of a read, then its reverse-complement blocks.
    blocks: Vec<Planes>,
    /// One bit for every ambiguous base of the same blocks.
    ambiguous: Vec<u64>,
    block_ends: Vec<usize>,
}

/// One read.
#[derive(Clone, Copy, Debug)]
pub struct PackedRead<'a> {
    /// Codes in the order of the FASTQ file.
    pub codes: &'a [u8],
    blocks: &'a [Planes],
    ambiguous: &'a [u64],
}

/// One strand of a read, 64 bases a block.
#[derive(Clone, Copy, Debug)]
pub struct Strand<'a> {
    /// Bases.
    pub length: usize,
    /// Packed bases; unused bits are zero.
    pub blocks: &'a [Planes],
    /// Ambiguous bases.
    pub ambiguous: &'a [u64],
}

impl Strand<'_> {
    /// One bit for each of the 64 bases from `start` that differs from `window`, where either is ambiguous included: as bases
    /// that differ, and as bases that are ambiguous. Bits beyond the strand say nothing.
    #[inline]
    #[must_use]
    pub fn mismatches(&self, start: usize, window: Planes, ambiguous_window: u64) -> (u64, u64) {
        let (block, shift) = (start / BLOCK, start % BLOCK);
        let at = |i: usize| match self.blocks.get(i) {
            Some(planes) => (*planes, self.ambiguous[i]),
            None => (Planes::default(), 0),
        };
        let ((this, this_ambiguous), (next, next_ambiguous)) = (at(block), at(block + 1));
        let join = |word: u64, next: u64| (word >> shift) | ((next << 1) << (63 - shift));
        let planes = Planes { low: join(this.low, next.low), high: join(this.high, next.high) };
        let ambiguous = join(this_ambiguous, next_ambiguous) | ambiguous_window;
        (planes.differences(window) | ambiguous, ambiguous)
    }
}

impl PackedReads {
    /// Packs all reads of a batch.
    ///
    /// # Errors
    ///
    /// If a read is longer than [`MAX_READ`].
    pub fn pack(&mut self, batch: &ReadBatch) -> Result<()> {
        self.codes.clear();
        self.code_ends.clear();
        self.blocks.clear();
        self.ambiguous.clear();
        self.block_ends.clear();
        for i in 0..batch.len() {
            let bases = batch.bases(i);
            if bases.len() > MAX_READ {
                return Err(Error::ReadTooLong { length: bases.len(), limit: MAX_READ });
            }
            let start = self.codes.len();
            self.codes.extend(bases.iter().map(|&b| encode(b)));
            self.code_ends.push(self.codes.len());
            let first = self.blocks.len();
            pack_forward(&self.codes[start..], &mut self.blocks, &mut self.ambiguous);
            append_mirrored(first, bases.len(), &mut self.blocks, &mut self.ambiguous);
            self.block_ends.push(self.blocks.len());
        }
        Ok(())
    }

    /// Reads in the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.code_ends.len()
    }

    /// Whether the batch is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code_ends.is_empty()
    }

    /// Read `i`.
    #[must_use]
    pub fn read(&self, i: usize) -> PackedRead<'_> {
        let start = |ends: &[usize]| if i == 0 { 0 } else { ends[i - 1] };
        let blocks = start(&self.block_ends)..self.block_ends[i];
        PackedRead {
            codes: &self.codes[start(&self.code_ends)..self.code_ends[i]],
            blocks: &self.blocks[blocks.clone()],
            ambiguous: &self.ambiguous[blocks],
        }
    }
}

/// Appends the blocks of a read as it is in the FASTQ file.
fn pack_forward(codes: &[u8], blocks: &mut Vec<Planes>, ambiguous: &mut Vec<u64>) {
    for block in codes.chunks(BLOCK) {
        let mut planes = Planes::default();
        let mut others = 0;
        for (i, eight) in block.chunks(8).enumerate() {
            let mut bytes = [0; 8];
            bytes[..eight.len()].copy_from_slice(eight);
            let word = u64::from_le_bytes(bytes);
            planes.low |= gather_bits(word) << (8 * i);
            planes.high |= gather_bits(word >> 1) << (8 * i);
            others |= gather_bits(word >> AMBIGUOUS.trailing_zeros()) << (8 * i);
        }
        blocks.push(planes);
        ambiguous.push(others);
    }
}

/// Appends the reverse complement of the blocks from `first` on, which hold `length` bases.
fn append_mirrored(first: usize, length: usize, blocks: &mut Vec<Planes>, ambiguous: &mut Vec<u64>) {
    let count = blocks.len() - first;
    // Mirrored, the unused bits of the last block come first.
    let shift = (count * BLOCK - length) as u32;
    let join = |word: u64, next: u64| (word >> shift) | ((next << 1) << (63 - shift));
    for i in 0..count {
        let source = first + count - 1 - i;
        let mirrored = |at: usize| {
            let planes = blocks[at];
            (planes.low.reverse_bits(), planes.high.reverse_bits(), ambiguous[at].reverse_bits())
        };
        let (low, high, other) = mirrored(source);
        let (next_low, next_high, next_other) = if source > first { mirrored(source - 1) } else { (0, 0, 0) };
        let other = join(other, next_other);
        let left = length - i * BLOCK;
        let bases = (u64::MAX >> (BLOCK - left.min(BLOCK))) & !other;
        blocks.push(Planes { low: !join(low, next_low) & bases, high: !join(high, next_high) & bases });
        ambiguous.push(other);
    }
}

impl<'a> PackedRead<'a> {
    /// Bases.
    #[must_use]
    pub fn length(&self) -> usize {
        self.codes.len()
    }

    /// One strand: the read itself or its reverse complement.
    #[must_use]
    pub fn strand(&self, reverse: bool) -> Strand<'a> {
        let half = self.blocks.len() / 2;
        let range = if reverse { half..2 * half } else { 0..half };
        Strand { length: self.codes.len(), blocks: &self.blocks[range.clone()], ambiguous: &self.ambiguous[range] }
    }

    /// Code of base `i` of a strand.
    #[inline]
    #[must_use]
    pub fn code(&self, reverse: bool, i: usize) -> u8 {
        if reverse { complement(self.codes[self.codes.len() - 1 - i]) } else { self.codes[i] }
    }

    /// Codes `start..end` of a strand.
    pub fn codes(&self, reverse: bool, start: usize, end: usize) -> impl DoubleEndedIterator<Item = u8> + 'a {
        let read = *self;
        (start..end).map(move |i| read.code(reverse, i))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_strands_hold_the_bases() {
        let mut batch = ReadBatch::default();
        let texts = [&b"ACGTN"[..], b"", &[b'G'; 64], &[b'T'; 65]];
        for text in texts {
            batch.push(b"r", text, &vec![b'I'; text.len()]);
        }
        let mut packed = PackedReads::default();
        packed.pack(&batch).unwrap();
        assert_eq!(packed.len(), 4);
        for (i, text) in texts.iter().enumerate() {
            let read = packed.read(i);
            for reverse in [false, true] {
                let strand = read.strand(reverse);
                assert_eq!(strand.length, text.len());
                for j in 0..text.len() {
                    let code = read.code(reverse, j);
                    let ambiguous = (strand.ambiguous[j / 64] >> (j % 64)) & 1 == 1;
                    assert_eq!(ambiguous, code == AMBIGUOUS);
                    if !ambiguous {
                        assert_eq!(strand.blocks[j / 64].get(j % 64), code);
                    }
                }
            }
        }
        assert_eq!(packed.read(0).codes(true, 0, 5).collect::<Vec<_>>(), [4, 0, 1, 2, 3]);
    }

    #[test]
    fn a_read_that_is_too_long_is_refused() {
        let mut batch = ReadBatch::default();
        batch.push(b"a", b"ACGT", b"IIII");
        batch.push(b"b", &vec![b'A'; MAX_READ + 1], &vec![b'I'; MAX_READ + 1]);
        let error = PackedReads::default().pack(&batch).unwrap_err().to_string();
        assert!(error.contains("1025"), "{error}");
    }
}
