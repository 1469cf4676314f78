//! Base codes and bit-plane packed sequence.
//!
//! A base is a code: 0..=3 for A, C, G, T and 4 for anything else. Packed sequence keeps, for every block of 64 bases,
//! one word with the low bits of their codes and one with the high bits (still 2 bits a base). Two packed sequences are
//! compared 64 bases at a time with two XORs and an OR, which is what the mapper does most.

/// Code of every base that is not A, C, G or T.
pub const AMBIGUOUS: u8 = 4;

/// Bases in a block.
pub const BLOCK: usize = 64;

/// Code of an ASCII base, upper or lower case; U is T.
#[inline]
#[must_use]
pub fn encode(base: u8) -> u8 {
    CODES[base as usize]
}

/// ASCII letter of a code.
#[inline]
#[must_use]
pub fn decode(code: u8) -> u8 {
    b"ACGTN"[usize::from(code.min(AMBIGUOUS))]
}

/// Code of the complementary base; ambiguous stays ambiguous.
#[inline]
#[must_use]
pub fn complement(code: u8) -> u8 {
    if code < AMBIGUOUS { 3 - code } else { code }
}

const CODES: [u8; 256] = {
    let mut table = [AMBIGUOUS; 256];
    let letters = *b"ACGT";
    let mut code = 0;
    while code < 4 {
        table[letters[code] as usize] = code as u8;
        table[letters[code].to_ascii_lowercase() as usize] = code as u8;
        code += 1;
    }
    // RNA's letter for the same base.
    table[b'U' as usize] = 3;
    table[b'u' as usize] = 3;
    table
};

/// The two bit planes of one block of 64 bases; bit i belongs to base i.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub struct Planes {
    /// Low bits of the codes.
    pub low: u64,
    /// High bits of the codes.
    pub high: u64,
}

impl Planes {
    /// Sets base `i` of a block that is still A there. Ambiguous bases are stored as A.
    #[inline]
    pub fn set(&mut self, i: usize, code: u8) {
        let code = u64::from(code & 3) * u64::from(code < AMBIGUOUS);
        self.low |= (code & 1) << i;
        self.high |= (code >> 1) << i;
    }

    /// Code of base `i`.
    #[inline]
    #[must_use]
    pub fn get(&self, i: usize) -> u8 {
        ((self.low >> i) & 1) as u8 | ((((self.high >> i) & 1) as u8) << 1)
    }

    /// The 64 bases from base `shift` of the first of two blocks that follow each other.
    #[inline(always)]
    #[must_use]
    pub fn join([first, next]: [Self; 2], shift: usize) -> Self {
        // Two shifts, because a shift by 64 (shift = 0) is not defined.
        let join = |first: u64, next: u64| (first >> shift) | ((next << 1) << (63 - shift));
        Self { low: join(first.low, next.low), high: join(first.high, next.high) }
    }

    /// One bit for every base in which two blocks differ.
    #[inline]
    #[must_use]
    pub fn differences(self, other: Self) -> u64 {
        (self.low ^ other.low) | (self.high ^ other.high)
    }
}

/// The 64 bases from `start` of packed sequence, which must hold a block past the one that `start` is in.
#[inline]
#[must_use]
pub fn window(blocks: &[Planes], start: usize) -> Planes {
    let (block, shift) = (start / BLOCK, start % BLOCK);
    Planes::join([blocks[block], blocks[block + 1]], shift)
}

/// The lowest bits of eight bytes, side by side, the first byte's lowest. Byte j's bit is wanted at 56 + j and lies at 8 j; no
/// two products meet in one bit, so nothing carries.
#[inline(always)]
#[must_use]
pub fn gather_bits(bytes: u64) -> u64 {
    (bytes & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_equals_base_by_base_reading_at_every_offset() {
        let codes: Vec<u8> = (0..256u32).map(|i| ((i * i + i / 7) % 4) as u8).collect();
        let mut blocks = vec![Planes::default(); 5];
        for (i, &code) in codes.iter().enumerate() {
            blocks[i / BLOCK].set(i % BLOCK, code);
        }
        for start in 0..192 {
            let got = window(&blocks, start);
            for i in 0..BLOCK {
                assert_eq!(got.get(i), codes[start + i], "start {start}, base {i}");
            }
        }
    }

    #[test]
    fn codes_round_trip_and_complement() {
        for (code, letter) in b"ACGT".iter().enumerate() {
            assert_eq!(encode(*letter), code as u8);
            assert_eq!(encode(letter.to_ascii_lowercase()), code as u8);
            assert_eq!(decode(code as u8), *letter);
        }
        assert_eq!(encode(b'N'), AMBIGUOUS);
        assert_eq!(decode(complement(encode(b'G'))), b'C');
        assert_eq!(complement(AMBIGUOUS), AMBIGUOUS);
    }
}
