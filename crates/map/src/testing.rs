//! Made-up references for unit tests.

use std::ops::Range;

use crate::alignment::Alignment;
use crate::index::{AmbiguousRun, Contig, Places, Reference};
use crate::sequence::{AMBIGUOUS, BLOCK, Planes, encode};
use crate::syncmer::mix64;

/// Random letters from the first `letters` of ACGT.
pub fn random_letters(length: usize, seed: u64, letters: u64) -> Vec<u8> {
    (0..length as u64).map(|i| b"ACGT"[(mix64(mix64(seed) ^ i) % letters) as usize]).collect()
}

/// An alignment without a gap, of read 0 on contig 0, that scores one a base.
pub fn alignment(reference_start: u64, reverse: bool, query: Range<u32>) -> Alignment {
    let bases = query.end - query.start;
    Alignment {
        read: 0,
        reverse,
        contig: 0,
        reference_start,
        reference_end: reference_start + u64::from(bases),
        query_start: query.start,
        query_end: query.end,
        score: bases as i32,
        alternate: false,
        gapped_band: None,
    }
}

/// An owned reference.
pub struct ReferenceData {
    pub contigs: Vec<Contig>,
    places: Places,
    ambiguous: Vec<AmbiguousRun>,
    ambiguous_blocks: Vec<u64>,
    blocks: Vec<Planes>,
}

impl ReferenceData {
    /// Contigs with 1,024 bases of padding around them, as an index has.
    pub fn new(contigs: &[&[u8]]) -> Self {
        let padded = 1024 + contigs.iter().map(|c| c.len() + 1024).sum::<usize>();
        let blocks = padded.div_ceil(BLOCK) + 2;
        let mut data = Self {
            contigs: Vec::new(),
            places: Places::default(),
            ambiguous: Vec::new(),
            ambiguous_blocks: vec![0; blocks.div_ceil(64)],
            blocks: vec![Planes::default(); blocks],
        };
        let mut position = 1024;
        for letters in contigs {
            let (start, length) = (position as u64, letters.len() as u64);
            data.contigs.push(Contig { name: b"c".to_vec(), description: vec![], start, length, md5: [0; 16] });
            for &letter in *letters {
                data.push(position, letter);
                position += 1;
            }
            position += 1024;
        }
        data.places = Places::new(&data.contigs);
        data
    }

    fn push(&mut self, position: usize, letter: u8) {
        let code = encode(letter);
        self.blocks[position / BLOCK].set(position % BLOCK, code);
        if code == AMBIGUOUS {
            self.ambiguous.push(AmbiguousRun { start: position as u64, length: 1, letter: u32::from(letter) });
            self.ambiguous_blocks[position / BLOCK / 64] |= 1 << (position / BLOCK % 64);
        }
    }

    pub fn reference(&self) -> Reference<'_> {
        Reference {
            contigs: &self.contigs,
            places: &self.places,
            ambiguous: &self.ambiguous,
            ambiguous_blocks: &self.ambiguous_blocks,
            alternates: &[],
            blocks: &self.blocks,
        }
    }
}
