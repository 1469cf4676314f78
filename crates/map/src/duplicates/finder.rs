//! From signatures to duplicates.

use std::cmp::Reverse;
use std::io::{self, Write};
use std::path::PathBuf;

use svala_io::SpillReader;

use super::counts::LibraryCounts;
use super::optical::{self, Location, Spot};
use super::signature::Signature;
use crate::error::Result;
use crate::sort::external::{ExternalSorter, Sorted};
use crate::sort::merge::{Item, read_whole};

/// Bytes of a [`Candidate`] in a run.
const CANDIDATE_BYTES: usize = 59;

/// Which templates are duplicates, by their number: a bit each.
#[derive(Debug, Default)]
pub(crate) struct Duplicates {
    bits: Vec<u64>,
}

impl Duplicates {
    pub(crate) fn has(&self, template: u64) -> bool {
        self.bits.get((template / 64) as usize).is_some_and(|bits| bits >> (template % 64) & 1 != 0)
    }

    pub(super) fn add(&mut self, template: u64) {
        let word = (template / 64) as usize;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (template % 64);
    }
}

/// A template that may be a duplicate.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Candidate {
    pub(crate) signature: Signature,
    pub(crate) template: u64,
}

/// Gathers signatures and finds duplicates.
pub(crate) struct Finder {
    candidates: ExternalSorter<Candidate>,
    /// Libraries with barcodes, and second ends of pairs.
    second_ends: ExternalSorter<[u64; 2]>,
    optical_distance: u32,
}

impl Finder {
    /// A finder that keeps at most about `max_memory_bytes` of signatures and spills into `folder` on so many threads; growing arrays may
    /// have twice their content.
    pub(crate) fn new(max_memory_bytes: usize, folder: PathBuf, threads: usize, optical_distance: u32) -> Self {
        Self {
            candidates: ExternalSorter::new(max_memory_bytes / 8 * 7, folder.clone(), threads),
            second_ends: ExternalSorter::new(max_memory_bytes / 8, folder, threads),
            optical_distance,
        }
    }

    /// Takes the signature of a template.
    pub(crate) fn push(&mut self, template: u64, signature: Signature) -> Result<()> {
        if signature.is_mapped() {
            self.candidates.push(Candidate { signature, template })?;
        }
        if signature.is_pair() { self.second_ends.push([signature.group, signature.ends[1]]) } else { Ok(()) }
    }

    /// Decides.
    pub(crate) fn finish(self) -> Result<(Duplicates, LibraryCounts)> {
        let (mut duplicates, mut counts) = (Duplicates::default(), LibraryCounts::default());
        let mut candidates = self.candidates.into_sorted()?;
        let mut second_ends = Membership { next: None, sorted: self.second_ends.into_sorted()? };
        let (mut set_key, mut last_pair_end, mut set_library) = (None, None, 0);
        let mut set: Vec<Location> = Vec::new();
        while let Some(Candidate { signature, template }) = candidates.next()? {
            let key = (signature.group, signature.ends);
            let first_end = [signature.group, signature.ends[0]];
            let is_best = set_key != Some(key);
            if is_best {
                counts.of(set_library).optical_duplicates += optical::count(&mut set, self.optical_distance);
                set.clear();
                set_library = signature.library();
            }
            let counts = counts.of(signature.library());
            let is_duplicate = if signature.is_pair() {
                last_pair_end = Some(first_end);
                set.push(signature.location());
                counts.pairs += 1;
                counts.pair_duplicates += u64::from(!is_best);
                !is_best
            } else {
                let is_duplicate = !is_best || last_pair_end == Some(first_end) || second_ends.has(first_end)?;
                counts.unpaired_reads += 1;
                counts.unpaired_duplicates += u64::from(is_duplicate);
                is_duplicate
            };
            if is_duplicate {
                duplicates.add(template);
            }
            set_key = Some(key);
        }
        counts.of(set_library).optical_duplicates += optical::count(&mut set, self.optical_distance);
        Ok((duplicates, counts))
    }
}

/// Whether sorted ends have one, asked in ascending order.
struct Membership {
    next: Option<[u64; 2]>,
    sorted: Sorted<[u64; 2]>,
}

impl Membership {
    fn has(&mut self, wanted: [u64; 2]) -> Result<bool> {
        while self.next.is_none_or(|next| next < wanted) {
            self.next = self.sorted.next()?;
            if self.next.is_none() {
                return Ok(false);
            }
        }
        Ok(self.next == Some(wanted))
    }
}

impl Default for Candidate {
    fn default() -> Self {
        Self { signature: Signature::UNMAPPED, template: 0 }
    }
}

impl Item for Candidate {
    fn write(&self, run: &mut dyn Write) -> io::Result<()> {
        let Signature { group, ends, score, spot, tie, first_is_reverse, read_group } = self.signature;
        let mut bytes = [0; CANDIDATE_BYTES];
        for (place, number) in bytes.chunks_exact_mut(8).zip([group, ends[0], ends[1], tie[0], tie[1], self.template]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        let numbers = [score.0, spot.tile as u16, spot.x as u16, spot.y as u16, read_group];
        for (place, number) in bytes[48..].chunks_exact_mut(2).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes[58] = u8::from(first_is_reverse);
        run.write_all(&bytes)
    }

    fn read(&mut self, run: &mut SpillReader) -> io::Result<bool> {
        let mut bytes = [0; CANDIDATE_BYTES];
        let is_there = read_whole(run, &mut bytes)?;
        let (words, rest) = bytes.as_chunks();
        let [group, end, second_end, name, content, template] =
            [0, 1, 2, 3, 4, 5].map(|i: usize| u64::from_le_bytes(words[i]));
        let [score, tile, x, y] = [0, 2, 4, 6].map(|at| u16::from_le_bytes([words[6][at], words[6][at + 1]]));
        let (first_is_reverse, read_group) = (rest[2] != 0, u16::from_le_bytes([rest[0], rest[1]]));
        let spot = Spot { tile: tile as i16, x: x as i16, y: y as i16 };
        let (ends, score, tie) = ([end, second_end], Reverse(score), [name, content]);
        let signature = Signature { group, ends, score, spot, tie, first_is_reverse, read_group };
        *self = Self { signature, template };
        Ok(is_there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: u64 = u64::MAX;

    fn signature(ends: [u64; 2], score: u16, name: u64) -> Signature {
        Signature { ends, score: Reverse(score), tie: [name, 0], ..Signature::UNMAPPED }
    }

    /// Which of the signatures are duplicates, with memory for everything and for next to nothing, in both orders.
    fn duplicates(signatures: &[Signature]) -> Vec<usize> {
        let folder = tempfile::tempdir().unwrap();
        let found = [(1 << 20, false), (1, false), (1, true)].map(|(memory, reversed)| {
            let mut finder = Finder::new(memory, folder.path().to_owned(), 2, 100);
            let number = |i: usize| if reversed { signatures.len() - 1 - i } else { i };
            (0..signatures.len()).for_each(|i| finder.push(i as u64, signatures[number(i)]).unwrap());
            let (found, _) = finder.finish().unwrap();
            let mut found: Vec<usize> = (0..signatures.len()).filter(|&i| found.has(i as u64)).map(number).collect();
            found.sort_unstable();
            found
        });
        assert!(found.iter().all(|each| *each == found[0]), "{found:?}");
        found[0].clone()
    }

    #[test]
    fn the_best_pair_stays() {
        let pairs =
            [signature([1, 5], 10, 0), signature([1, 5], 12, 9), signature([1, 6], 3, 0), signature([2, 5], 1, 1)];
        assert_eq!(duplicates(&pairs), [0]);
        // Of equal ones that with the least hash.
        let equal = [signature([1, 5], 10, 3), signature([1, 5], 10, 2), signature([1, 5], 10, 4)];
        assert_eq!(duplicates(&equal), [0, 2]);
        // But where they were on the flow cell comes first: nowhere, tile, x (cut to a negative number), y.
        let spots = [(1, 0, 0), (1, -5, 7), (1, -5, 6)].map(|(tile, x, y)| Spot { tile, x, y });
        let mut placed = equal;
        placed.iter_mut().zip(spots).for_each(|(signature, spot)| signature.spot = spot);
        assert_eq!(duplicates(&placed), [0, 1]);
        placed[0].spot = Spot::UNKNOWN;
        assert_eq!(duplicates(&placed), [1, 2]);
        assert_eq!(duplicates(&[]), [0; 0]);
    }

    #[test]
    fn single_reads_lose_to_pairs_at_either_end() {
        let alone = |end, score| signature([end, NONE], score, 0);
        assert_eq!(duplicates(&[alone(1, 5), alone(1, 6), alone(2, 1), signature([NONE; 2], 0, 0)]), [0]);
        assert_eq!(duplicates(&[alone(1, 50), signature([1, 7], 1, 0), alone(2, 1)]), [0]);
        assert_eq!(duplicates(&[signature([1, 7], 1, 0), alone(7, 50), alone(6, 1), alone(7, 3), alone(8, 1)]), [1, 3]);
    }

    #[test]
    fn copies_have_the_same_library_and_barcode() {
        let with = |group, ends, score| Signature { group, ..signature(ends, score, 0) };
        let pairs = [with(1, [1, 5], 3), with(2, [1, 5], 2), with(1, [1, 5], 1), with(0, [1, 5], 1)];
        assert_eq!(duplicates(&pairs), [2]);
        let mixed = [with(1, [1, 5], 3), with(2, [5, NONE], 9), with(1, [5, NONE], 9), with(2, [1, NONE], 9)];
        assert_eq!(duplicates(&mixed), [2]);
    }

    #[test]
    fn runs_keep_every_field() {
        let folder = tempfile::tempdir().unwrap();
        let spot = Spot { tile: -2, x: i16::MIN, y: 258 };
        let (ends, score, tie) = ([1 << 60, 2], Reverse(40_000), [3 << 40, 4]);
        let signature = Signature { group: 9 << 50, ends, score, spot, tie, first_is_reverse: true, read_group: 515 };
        let candidate = Candidate { signature, template: 5 << 33 };
        let mut run = svala_io::SpillWriter::create(folder.path()).unwrap();
        candidate.write(&mut run).unwrap();
        let mut run = run.into_reader().unwrap();
        let mut read = Candidate::default();
        assert!(read.read(&mut run).unwrap());
        assert_eq!(read, candidate);
        assert!(!read.read(&mut run).unwrap());
    }
}
