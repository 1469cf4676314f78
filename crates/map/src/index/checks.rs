//! Checking the sections of an index file: their checksums, and the bounds of the seed table, in one go over the file by several
//! threads.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

use svala_compute::Instructions;
use xxhash_rust::xxh3::Xxh3;

use super::checksum::{self, PIECE_BYTES, SectionDigest};
use super::format::{PADDING, Parameters, Section, SectionEntry};
use super::seeds::{EntryLayout, carries};
use crate::error::{Error, Result};
use crate::syncmer::K;

/// More carries than a table can have, so that a made-up one can't make lists long.
const MAX_CARRIES: usize = 256;
/// Bytes that are hashed and checked together, while they are in a near cache.
const STRIP_BYTES: usize = 256 << 10;
const _: () = assert!(PIECE_BYTES.is_multiple_of(STRIP_BYTES), "strips hold whole elements");

/// Byte ranges of all sections, in the order of [`Section::ALL`], and what is asked of them.
pub struct Sections<'a> {
    /// The file's name.
    pub path: &'a Path,
    /// The file.
    pub map: &'a [u8],
    /// Where the sections lie, and their checksums.
    pub entries: [SectionEntry; Section::ALL.len()],
    /// Byte ranges of the sections, inside the file.
    ranges: [Range<usize>; Section::ALL.len()],
    instructions: Instructions,
}

/// What a thread found.
#[derive(Default)]
struct Findings {
    /// Numbers of pieces and their checksums.
    checksums: Vec<(usize, u64)>,
    carries: Vec<usize>,
    has_stray_seed: bool,
}

/// A part of a section that one thread looks at.
struct Piece {
    section: usize,
    bytes: Range<usize>,
}

impl<'a> Sections<'a> {
    /// Finds the sections; they must lie inside the file.
    pub fn find(path: &'a Path, map: &'a [u8], table: &[SectionEntry]) -> Result<Self> {
        let mut entries = [None; Section::ALL.len()];
        for (found, wanted) in entries.iter_mut().zip(Section::ALL) {
            *found = table.iter().find(|e| e.id == wanted as u32).copied();
        }
        let mut ranges = Section::ALL.map(|_| 0..0);
        for ((range, entry), section) in ranges.iter_mut().zip(&entries).zip(Section::ALL) {
            let damaged = |what: &str| Error::damaged(path, format!("section {section:?}: {what}"));
            let entry = entry.ok_or_else(|| damaged("missing"))?;
            let end = entry.offset.checked_add(entry.bytes).filter(|&end| end <= map.len() as u64);
            *range = entry.offset as usize..end.ok_or_else(|| damaged("lies outside the file"))? as usize;
        }
        let entries = entries.map(Option::unwrap_or_default);
        Ok(Self { path, map, entries, ranges, instructions: Instructions::detect() })
    }

    /// Where a section lies.
    pub fn range(&self, section: Section) -> Range<usize> {
        self.ranges[number(section)].clone()
    }

    /// A section's bytes.
    pub fn bytes(&self, section: Section) -> &'a [u8] {
        &self.map[self.range(section)]
    }

    /// The bytes of a small section, if they have its checksum.
    pub fn checked_bytes(&self, section: Section) -> Result<&'a [u8]> {
        let bytes = self.bytes(section);
        let mut digest = SectionDigest::default();
        digest.update(bytes);
        let is_whole = digest.finish() == self.entries[number(section)].checksum;
        let damaged = || Error::damaged(self.path, format!("section {section:?}: checksum differs"));
        if is_whole { Ok(bytes) } else { Err(damaged()) }
    }

    /// A section as an array.
    pub fn array<T: bytemuck::Pod>(&self, section: Section) -> Result<&'a [T]> {
        let wrong = |_| Error::damaged(self.path, format!("section {section:?}: wrong length or alignment"));
        bytemuck::try_cast_slice(self.bytes(section)).map_err(wrong)
    }

    /// Checks all checksums and the seed table, and returns the table's carries.
    pub fn check(&self, parameters: &Parameters, layout: EntryLayout, threads: usize) -> Result<Vec<usize>> {
        let damaged = |what: &str| Err(Error::damaged(self.path, what));
        let buckets: &[u32] = self.array(Section::Buckets)?;
        let seeds: &[u64] = self.array(Section::Seeds)?;
        let pieces = self.pieces();
        let findings = self.look_at(&pieces, &(parameters, layout, buckets), threads);
        self.check_sums(&pieces, &findings)?;
        let mut carries: Vec<usize> = findings.iter().flat_map(|found| found.carries.iter().copied()).collect();
        carries.sort_unstable();
        let last = buckets.last().map(|&last| u64::from(last) + ((carries.len() as u64) << 32));
        if buckets.len() as u64 != (1 << layout.bucket_bits) + 1
            || last != Some(parameters.seeds)
            || seeds.len() as u64 != parameters.seeds
            || carries.len() > MAX_CARRIES
        {
            return damaged("seed buckets do not match");
        }
        if findings.iter().any(|found| found.has_stray_seed) {
            return damaged("a seed lies outside the reference");
        }
        Ok(carries)
    }

    fn pieces(&self) -> Vec<Piece> {
        let of = |(section, range): (usize, &Range<usize>)| {
            let end = range.end;
            let bytes = move |start: usize| start..end.min(start + PIECE_BYTES);
            range.clone().step_by(PIECE_BYTES).map(move |start| Piece { section, bytes: bytes(start) })
        };
        self.ranges.iter().enumerate().flat_map(of).collect()
    }

    /// Has threads look at all pieces, in the order of the file, which a disk likes best.
    fn look_at(&self, pieces: &[Piece], table: &(&Parameters, EntryLayout, &[u32]), threads: usize) -> Vec<Findings> {
        let taken = AtomicUsize::new(0);
        let work = || {
            let mut findings = Findings::default();
            loop {
                let number = taken.fetch_add(1, Ordering::Relaxed);
                let Some(piece) = pieces.get(number) else {
                    return findings;
                };
                let mut checksum = Xxh3::new();
                for start in piece.bytes.clone().step_by(STRIP_BYTES) {
                    let strip = start..piece.bytes.end.min(start + STRIP_BYTES);
                    checksum.update(&self.map[strip.clone()]);
                    self.check_strip(piece.section, strip, table, &mut findings);
                }
                findings.checksums.push((number, checksum.digest()));
            }
        };
        let threads = threads.clamp(1, pieces.len().max(1));
        std::thread::scope(|scope| {
            // A thread that the system refuses leaves its share to the others.
            let others: Vec<_> = (1..threads).map_while(|_| Builder::new().spawn_scoped(scope, work).ok()).collect();
            let mut all = vec![work()];
            all.extend(others.into_iter().map(|other| match other.join() {
                Ok(findings) => findings,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
            all
        })
    }

    /// Looks at what a few bytes of a section hold, while they are near.
    fn check_strip(
        &self,
        section: usize,
        bytes: Range<usize>,
        &(parameters, layout, buckets): &(&Parameters, EntryLayout, &[u32]),
        findings: &mut Findings,
    ) {
        match Section::ALL[section] {
            // Sections, pieces and strips are aligned and whole, which the arrays were held to.
            Section::Seeds => {
                let entries: &[u64] = bytemuck::cast_slice(&self.map[bytes]);
                findings.has_stray_seed |= self.instructions.run(
                    #[inline(always)]
                    || has_stray(entries, layout, parameters.padded_bases),
                );
            }
            Section::Buckets => {
                let start = self.ranges[section].start;
                let [first, end] = [bytes.start, bytes.end].map(|byte| (byte - start) / size_of::<u32>());
                let before = first.saturating_sub(1);
                let buckets = &buckets[before..end];
                let has_carry = self.instructions.run(
                    #[inline(always)]
                    || has_carry(buckets),
                );
                if has_carry {
                    let room = (MAX_CARRIES + 1).saturating_sub(findings.carries.len());
                    findings.carries.extend(carries(buckets, before).take(room));
                }
            }
            _ => {}
        }
    }

    fn check_sums(&self, pieces: &[Piece], findings: &[Findings]) -> Result<()> {
        let mut found = vec![0; pieces.len()];
        for &(piece, checksum) in findings.iter().flat_map(|findings| &findings.checksums) {
            found[piece] = checksum;
        }
        for (number, section) in Section::ALL.into_iter().enumerate() {
            let first = pieces.partition_point(|piece| piece.section < number);
            let end = pieces.partition_point(|piece| piece.section <= number);
            if checksum::of_pieces(&found[first..end]) != self.entries[number].checksum {
                return Err(Error::damaged(self.path, format!("section {section:?}: checksum differs")));
            }
        }
        Ok(())
    }
}

/// A section's place in [`Section::ALL`].
fn number(section: Section) -> usize {
    Section::ALL.iter().position(|&other| other == section).unwrap_or_default()
}

/// Whether high bits go up anywhere between buckets, which is seldom; without a branch for each.
#[inline(always)]
fn has_carry(buckets: &[u32]) -> bool {
    let behind = buckets.get(1..).unwrap_or_default();
    buckets.iter().zip(behind).fold(0, |any, (this, next)| any | u32::from(next < this)) != 0
}

/// Whether a seed does not lie wholly between the padding at both ends. Its sign says so of a difference, without a branch for each.
#[inline(always)]
fn has_stray(entries: &[u64], layout: EntryLayout, padded_bases: u64) -> bool {
    let (first, last) = (PADDING as i64, padded_bases as i64 - PADDING as i64 - K as i64);
    let mask = layout.position_mask();
    let signs = entries.iter().fold(0, |signs, entry| {
        let position = ((entry >> 1) & mask) as i64;
        signs | (position - first) | (last - position)
    });
    signs < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carry_is_seen_wherever_it_is() {
        for length in [0, 1, 2, 3, 17, 300] {
            let rising: Vec<u32> = (0..length).map(|i| i / 2).collect();
            assert!(!has_carry(&rising));
            for at in 1..rising.len() {
                let mut buckets = rising.clone();
                buckets[at..].iter_mut().for_each(|bucket| *bucket = 0);
                assert_eq!(has_carry(&buckets), carries(&buckets, 0).next().is_some(), "{at} of {length}");
                assert!(at < 3 || has_carry(&buckets));
            }
        }
    }

    #[test]
    fn seeds_in_the_padding_are_strays() {
        for position_bits in [32, 40] {
            let layout = EntryLayout { position_bits, bucket_bits: 8 };
            let padded = 10_000;
            let last = padded - PADDING - K as u64;
            let entry =
                |position: u64| position << 1 | u64::from(position.is_multiple_of(3)) | 77 << (position_bits + 1);
            let is_stray = |position: u64| {
                let entries = [entry(PADDING), entry(position), entry(last)];
                has_stray(&entries, layout, padded)
            };
            assert!(!has_stray(&[], layout, padded));
            for (position, stray) in
                [(PADDING, false), (last, false), (5000, false), (PADDING - 1, true), (0, true), (last + 1, true)]
            {
                assert_eq!(is_stray(position), stray, "{position}");
            }
            assert!(is_stray(layout.position_mask()));
        }
    }
}
