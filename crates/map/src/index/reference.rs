//! The reference: contigs laid end to end with padding, packed, with its ambiguous bases beside it.

use std::hint::black_box;
use std::ops::Range;

use svala_compute::Window;

use super::alternates;
use super::format::{AmbiguousRun, ContigRecord};
use super::places::Places;
use crate::sequence::{AMBIGUOUS, BLOCK, Planes, encode, gather_bits, window};

/// Blocks of bases in a cache line.
pub const LINE_BLOCKS: usize = 64 / size_of::<Planes>();

/// A contig as users know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contig {
    /// Name, without the description.
    pub name: Vec<u8>,
    /// What followed the name in the FASTA file.
    pub description: Vec<u8>,
    /// Padded position of the first base.
    pub start: u64,
    /// Bases.
    pub length: u64,
    /// MD5 of the upper-case sequence.
    pub md5: [u8; 16],
}

impl Contig {
    /// From the stored form and its strings.
    pub(super) fn from_record(record: &ContigRecord, name: &[u8], description: &[u8]) -> Self {
        Self {
            name: name.to_vec(),
            description: description.to_vec(),
            start: record.start,
            length: record.length,
            md5: record.md5,
        }
    }

    /// Padded positions of its bases.
    #[must_use]
    pub fn span(&self) -> Range<u64> {
        self.start..self.start + self.length
    }
}

/// Bases of the reference, borrowed from an index. Positions are padded positions.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// Contigs by position.
    pub contigs: &'a [Contig],
    /// Where they are.
    pub places: &'a Places,
    /// Runs of ambiguous bases by position.
    pub ambiguous: &'a [AmbiguousRun],
    /// One bit for each block of 64 bases that has an ambiguous base.
    pub ambiguous_blocks: &'a [u64],
    /// Runs of alternate loci by position.
    pub alternates: &'a [Range<u64>],
    /// Packed bases; ambiguous ones and padding are A.
    pub blocks: &'a [Planes],
}

impl Reference<'_> {
    /// Number of the first contig that has bases in `start..end`. If those are no more than the padding, it is the only one.
    #[must_use]
    pub fn contig_overlapping(&self, start: u64, end: u64) -> Option<usize> {
        let index = self.places.first_behind(self.contigs, start)?;
        (self.contigs.get(index)?.start < end).then_some(index)
    }

    /// Whether any contig is an alternate locus.
    #[inline]
    #[must_use]
    pub fn has_alternates(&self) -> bool {
        !self.alternates.is_empty()
    }

    /// Whether a position is on an alternate locus, or in the padding before one.
    #[inline]
    #[must_use]
    pub fn is_alternate(&self, position: u64) -> bool {
        self.has_alternates() && alternates::contain(self.alternates, position)
    }

    /// The 64 bases from `start`.
    #[inline]
    #[must_use]
    pub fn window(&self, start: u64) -> Planes {
        window(self.blocks, start as usize)
    }

    /// Fetches the bases from each of some positions, so that they come at the same time and are near when they are asked for: the first
    /// and the last of the two cache lines that most reads need.
    pub fn fetch(&self, positions: impl Iterator<Item = u64>) {
        let low = |block: usize| self.blocks.get(block).map_or(0, |planes| planes.low);
        black_box(positions.fold(0, |all, position| {
            let first = position as usize / BLOCK;
            all ^ low(first) ^ low(first + LINE_BLOCKS - 1)
        }));
    }

    /// One bit for every ambiguous base among the 64 from `start`.
    #[inline]
    #[must_use]
    pub fn ambiguous_window(&self, start: u64) -> u64 {
        let block = start / BLOCK as u64;
        if self.is_block_ambiguous(block) || self.is_block_ambiguous(block + 1) {
            self.ambiguous_bits(start)
        } else {
            0
        }
    }

    #[inline]
    fn is_block_ambiguous(&self, block: u64) -> bool {
        (self.ambiguous_blocks[(block / 64) as usize] >> (block % 64)) & 1 == 1
    }

    fn ambiguous_bits(&self, start: u64) -> u64 {
        let end = start + BLOCK as u64;
        let mut bits = 0;
        for run in self.runs_in(start..end) {
            for position in run.start.max(start)..(run.start + u64::from(run.length)).min(end) {
                bits |= 1 << (position - start);
            }
        }
        bits
    }

    fn runs_in(&self, span: Range<u64>) -> impl Iterator<Item = &AmbiguousRun> {
        let first = self.ambiguous.partition_point(|r| r.start + u64::from(r.length) <= span.start);
        self.ambiguous[first..].iter().take_while(move |r| r.start < span.end)
    }

    /// Code of one base.
    #[inline]
    #[must_use]
    pub fn code(&self, position: u64) -> u8 {
        let (block, i) = (position / BLOCK as u64, position % BLOCK as u64);
        if self.is_block_ambiguous(block) && self.letter_of_run(position).is_some() {
            return AMBIGUOUS;
        }
        self.blocks[block as usize].get(i as usize)
    }

    /// Appends the codes of the bases of `span`, in order, to `codes`.
    pub fn decode_into(&self, span: Range<u64>, codes: &mut Vec<u8>) {
        for start in span.clone().step_by(BLOCK) {
            let planes = self.window(start);
            let bases = (span.end - start).min(BLOCK as u64) as usize;
            let first = codes.len();
            codes.extend((0..bases).map(|i| planes.get(i)));
            let mut ambiguous = self.ambiguous_window(start);
            while ambiguous != 0 {
                if let Some(code) = codes.get_mut(first + ambiguous.trailing_zeros() as usize) {
                    *code = AMBIGUOUS;
                }
                ambiguous &= ambiguous - 1;
            }
        }
    }

    /// Appends the upper-case letters of the bases of `span`, IUPAC codes included, in order, to `letters`.
    pub fn letters_into(&self, span: Range<u64>, letters: &mut Vec<u8>) {
        let first = letters.len();
        for start in span.clone().step_by(BLOCK) {
            let planes = self.window(start);
            let bases = (span.end - start).min(BLOCK as u64) as usize;
            letters.extend((0..bases).map(|i| crate::sequence::decode(planes.get(i))));
        }
        for run in self.runs_in(span.clone()) {
            let place = |position: u64| first + (position.clamp(span.start, span.end) - span.start) as usize;
            letters[place(run.start)..place(run.start + u64::from(run.length))].fill(run.letter as u8);
        }
    }

    /// The span as a window of the packed bases, for a device that holds them. `None` if it may have an ambiguous base.
    #[must_use]
    pub fn device_window(&self, span: Range<u64>, reversed: bool) -> Option<Window> {
        let blocks = span.start / BLOCK as u64..span.end.div_ceil(BLOCK as u64);
        let has_ambiguous = blocks.into_iter().any(|block| self.is_block_ambiguous(block));
        let start = u32::try_from(span.start).ok().filter(|_| !has_ambiguous)?;
        Some(Window { start, reversed })
    }

    /// The packed bases, as a device takes them: of every 64 the low and the high bits.
    #[must_use]
    pub fn planes(&self) -> &[[u64; 2]] {
        bytemuck::cast_slice(self.blocks)
    }

    /// Upper-case letter of one base, IUPAC codes included.
    #[must_use]
    pub fn letter(&self, position: u64) -> u8 {
        match self.letter_of_run(position) {
            Some(letter) => letter,
            None => {
                crate::sequence::decode(self.blocks[(position / BLOCK as u64) as usize].get(position as usize % BLOCK))
            }
        }
    }

    fn letter_of_run(&self, position: u64) -> Option<u8> {
        self.runs_in(position..position + 1).next().map(|run| run.letter as u8)
    }
}

/// The bitmap of blocks with ambiguous bases.
pub(super) fn ambiguous_blocks(runs: &[AmbiguousRun], blocks: usize) -> Vec<u64> {
    let mut bits = vec![0u64; (blocks + 1).div_ceil(64)];
    for run in runs {
        let last = (run.start + u64::from(run.length) - 1) / BLOCK as u64;
        for block in run.start / BLOCK as u64..=last {
            bits[(block / 64) as usize] |= 1 << (block % 64);
        }
    }
    bits
}

/// Packs contigs as they are read.
#[derive(Debug, Default)]
pub(super) struct ReferenceBuilder {
    pub blocks: Vec<Planes>,
    pub ambiguous: Vec<AmbiguousRun>,
    pub length: u64,
}

impl ReferenceBuilder {
    /// Adds bases of no contig.
    pub fn pad(&mut self, bases: u64) {
        self.length += bases;
        self.blocks.resize(self.length.div_ceil(BLOCK as u64) as usize, Planes::default());
    }

    /// Adds a contig of IUPAC letters in any case and returns the position of its first base.
    pub fn push(&mut self, letters: &[u8]) -> u64 {
        let start = self.length;
        self.pad(letters.len() as u64);
        let block_start = start.next_multiple_of(BLOCK as u64);
        let (head, rest) = letters.split_at(letters.len().min((block_start - start) as usize));
        self.push_letters(start, head);
        let (blocks, tail) = rest.as_chunks::<BLOCK>();
        let mut position = block_start;
        for block in blocks {
            match pack_block(block) {
                Some(planes) => self.blocks[(position / BLOCK as u64) as usize] = planes,
                None if block.iter().all(|&letter| letter == block[0]) => {
                    self.push_ambiguous(position, BLOCK as u32, block[0].to_ascii_uppercase());
                }
                None => self.push_letters(position, block),
            }
            position += BLOCK as u64;
        }
        self.push_letters(position, tail);
        start
    }

    /// Puts letters from `start` on where there is padding yet.
    fn push_letters(&mut self, start: u64, letters: &[u8]) {
        for (position, &letter) in (start..).zip(letters) {
            let code = encode(letter);
            if code == AMBIGUOUS {
                self.push_ambiguous(position, 1, letter.to_ascii_uppercase());
            } else {
                self.blocks[(position / BLOCK as u64) as usize].set(position as usize % BLOCK, code);
            }
        }
    }

    /// Adds some of one ambiguous letter.
    fn push_ambiguous(&mut self, position: u64, length: u32, letter: u8) {
        match self.ambiguous.last_mut() {
            Some(run)
                if run.start + u64::from(run.length) == position
                    && run.letter == u32::from(letter)
                    && run.length <= u32::MAX - length =>
            {
                run.length += length;
            }
            _ => self.ambiguous.push(AmbiguousRun { start: position, length, letter: u32::from(letter) }),
        }
    }
}

/// A block of bases none of which is ambiguous.
fn pack_block(letters: &[u8; BLOCK]) -> Option<Planes> {
    let codes = letters.map(encode);
    let mut planes = Planes::default();
    let mut all = 0;
    for (i, eight) in codes.as_chunks::<8>().0.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        planes.low |= gather_bits(eight) << (8 * i);
        planes.high |= gather_bits(eight >> 1) << (8 * i);
        all |= eight;
    }
    // Of the codes only that of ambiguous bases has the third bit.
    (gather_bits(all >> 2) == 0).then_some(planes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_codes_come_back_exactly() {
        let text = b"acgtNNNNRYacgtACGTnnACGGGTTTAAACCCNACGTKACGTACGTACGTACGTACGTACGTACGTACGTN";
        let mut builder = ReferenceBuilder::default();
        builder.pad(70);
        let start = builder.push(text);
        builder.pad(200);
        let bits = ambiguous_blocks(&builder.ambiguous, builder.blocks.len());
        let reference = Reference {
            contigs: &[],
            places: &Places::default(),
            ambiguous: &builder.ambiguous,
            ambiguous_blocks: &bits,
            alternates: &[],
            blocks: &builder.blocks,
        };
        for (i, &letter) in text.iter().enumerate() {
            let position = start + i as u64;
            assert_eq!(reference.letter(position), letter.to_ascii_uppercase(), "base {i}");
            assert_eq!(reference.code(position), encode(letter), "base {i}");
        }
        let all: Vec<u8> = text.iter().map(|&letter| encode(letter)).collect();
        for (from, to) in [(0, all.len()), (3, all.len()), (5, 6), (7, 7), (1, 65), (2, 70)] {
            let mut codes = vec![9];
            reference.decode_into(start + from as u64..start + to as u64, &mut codes);
            assert_eq!(codes[1..], all[from..to], "{from}..{to}");
            let mut letters = vec![9];
            reference.letters_into(start + from as u64..start + to as u64, &mut letters);
            assert_eq!(letters[1..], text[from..to].to_ascii_uppercase(), "{from}..{to}");
        }
        for offset in 0..text.len() as u64 {
            let bits = reference.ambiguous_window(start + offset);
            for i in 0..64 {
                let expected = text.get((offset + i) as usize).is_some_and(|&l| encode(l) == AMBIGUOUS);
                assert_eq!((bits >> i) & 1 == 1, expected, "offset {offset}, base {i}");
            }
        }
    }

    #[test]
    fn whole_blocks_are_packed_as_single_letters_are() {
        let letters: Vec<u8> = (0..400u64).map(|i| b"ACGTacgtuU"[(crate::syncmer::mix64(i) % 10) as usize]).collect();
        for (pad, ambiguous) in [(0, 500), (63, 500), (64, 500), (65, 130), (70, 0), (1024, 399), (5, 64)] {
            let mut text = letters.clone();
            let unknown = if pad < 64 { 3 } else { 150 };
            text.iter_mut().skip(ambiguous).take(unknown).for_each(|letter| *letter = b'n');
            for length in [0, 1, 62, 63, 64, 65, 127, 128, 129, 400] {
                let (mut whole, mut single) = (ReferenceBuilder::default(), ReferenceBuilder::default());
                whole.pad(pad);
                whole.push(&text[..length]);
                single.pad(pad + length as u64);
                single.push_letters(pad, &text[..length]);
                assert_eq!(whole.blocks, single.blocks, "{length} after {pad}");
                assert_eq!(whole.ambiguous, single.ambiguous, "{length} after {pad}");
            }
        }
    }

    #[test]
    fn positions_find_their_contig() {
        let contig = |start, length| Contig { name: vec![], description: vec![], start, length, md5: [0; 16] };
        let contigs = [contig(10, 5), contig(25, 5)];
        let reference = Reference {
            contigs: &contigs,
            places: &Places::new(&contigs),
            ambiguous: &[],
            ambiguous_blocks: &[],
            alternates: &[],
            blocks: &[],
        };
        assert_eq!(reference.contig_overlapping(5, 11), Some(0));
        assert_eq!(reference.contig_overlapping(15, 25), None);
        assert_eq!(reference.contig_overlapping(20, 28), Some(1));
        assert_eq!(reference.contig_overlapping(30, 40), None);
    }
}
