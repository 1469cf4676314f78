//! Checksums of sections.
//!
//! A section's checksum is the XXH3-64 of the XXH3-64s, as little-endian numbers, of its pieces of [`PIECE_BYTES`] bytes; the last
//! piece may be shorter. So pieces can be checked in any order, by several threads.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Bytes of a piece, a multiple of the size of any element.
pub const PIECE_BYTES: usize = 4 << 20;

/// The checksum of a section whose pieces have these.
pub fn of_pieces(pieces: &[u64]) -> u64 {
    xxh3_64(bytemuck::cast_slice(pieces))
}

/// The checksum of a section that goes by.
#[derive(Default)]
pub struct SectionDigest {
    pieces: Vec<u64>,
    piece: Xxh3,
    /// Bytes of the current piece.
    bytes: usize,
}

impl SectionDigest {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(PIECE_BYTES - self.bytes));
            self.piece.update(now);
            self.bytes += now.len();
            if self.bytes == PIECE_BYTES {
                self.end_piece();
            }
            bytes = later;
        }
    }

    fn end_piece(&mut self) {
        self.pieces.push(self.piece.digest());
        self.piece.reset();
        self.bytes = 0;
    }

    /// The checksum of what went by.
    pub fn finish(mut self) -> u64 {
        if self.bytes > 0 {
            self.end_piece();
        }
        of_pieces(&self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_a_section_goes_by_its_checksum_is_that_of_its_pieces() {
        let bytes: Vec<u8> = (0..2 * PIECE_BYTES + 5).map(|i| (i * i / 7) as u8).collect();
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES, bytes.len()] {
            let bytes = &bytes[..length];
            let pieces: Vec<u64> = bytes.chunks(PIECE_BYTES).map(xxh3_64).collect();
            for step in [1 << 20, PIECE_BYTES, PIECE_BYTES + 3, 3 * PIECE_BYTES] {
                let mut digest = SectionDigest::default();
                bytes.chunks(step).for_each(|part| digest.update(part));
                assert_eq!(digest.finish(), of_pieces(&pieces), "{length} bytes, {step} at a time");
            }
        }
    }
}
