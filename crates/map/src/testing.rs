//! Made-up references and tables of seeds for unit tests.

use std::ops::Range;

use crate::alignment::Alignment;
use crate::index::{
    AmbiguousRun, Contig, Directories, Directory, EntryLayout, Places, Reference, SeedTable, Slots, directories_of,
};
use crate::sequence::{AMBIGUOUS, BLOCK, Planes, encode};
use crate::syncmer::{Seed, Spacing, flanks, for_each_seed, mix64};

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

/// A table of the seeds of a stretch of bases: each occurs 30 times more than the one before, with the bases behind it in every third place
/// only.
pub struct RepeatedSeeds {
    /// Codes of the bases.
    pub codes: Vec<u8>,
    /// Their seeds.
    pub seeds: Vec<Seed>,
    buckets: Vec<u32>,
    entries: Vec<u64>,
    directories: Vec<Directory>,
    slots: [Slots; 2],
}

impl RepeatedSeeds {
    /// How often a seed occurs.
    pub fn occurrences(number: usize) -> usize {
        30 * number
    }

    /// Of random bases.
    pub fn new() -> Self {
        let codes: Vec<u8> = random_letters(500, 7, 4).into_iter().map(encode).collect();
        let mut seeds = Vec::new();
        for_each_seed(&codes, Spacing::Any, |seed| seeds.push(seed));
        let layout = Self::layout();
        let mut entries = Vec::new();
        for (number, seed) in seeds.iter().enumerate() {
            let own = flanks(&codes, seed)[1].unwrap_or(0);
            let behind = |i: usize| [own, (own + 1) % 512, (own + 511) % 512][i % 3];
            let entry = |i: usize| (seed.hash >> 56, layout.pack(seed, [None, Some(behind(i))], i as u64));
            entries.extend((0..Self::occurrences(number)).map(entry));
        }
        entries.sort_unstable();
        let buckets: Vec<u32> = (0..=256).map(|b| entries.partition_point(|entry| entry.0 < b) as u32).collect();
        let entries: Vec<u64> = entries.into_iter().map(|(_, entry)| entry).collect();
        let of_bucket = |(bucket, ends): (usize, &[u32])| {
            directories_of(bucket, &entries[ends[0] as usize..ends[1] as usize], ends[0].into(), layout)
        };
        let directories: Vec<Directory> = buckets.windows(2).enumerate().flat_map(of_bucket).collect();
        let slots = [&[][..], &directories].map(|some| Slots::new(some, entries.len() as u64).unwrap());
        Self { codes, seeds, buckets, entries, directories, slots }
    }

    fn layout() -> EntryLayout {
        EntryLayout { position_bits: 32, bucket_bits: 8 }
    }

    /// The table, with or without directories.
    pub fn table(&self, has_directories: bool) -> SeedTable<'_> {
        let slots = &self.slots[usize::from(has_directories)];
        SeedTable {
            buckets: &self.buckets,
            carries: &[],
            entries: &self.entries,
            directories: Directories { directories: &self.directories, slots },
            layout: Self::layout(),
        }
    }
}
