//! Stage 2, the look-up: the diagonals that the seeds of a read name.
//!
//! Seeds that occur too often are narrowed by their flanks, or left out. What those left out could hide is kept in [`Searched`]: if
//! `D` disjoint stretches of the read were looked up completely, any locus that no seed named differs from the read in each
//! of them, so in at least `D` places.

use std::ops::Range;

use crate::frequent::Narrowed;
use crate::hidden::Searched;
use crate::index::{Reference, SeedTable};
use crate::look::{Look, REPETITIVE_OCCURRENCES, Round};
use crate::seeding::Hit;
use crate::syncmer::{FLANK, K, Seed};

/// How many times too often a seed may occur for its occurrences on the primary assembly to be told from those on alternate loci.
const ALTERNATE_COPIES: usize = 8;
/// Occurrences tried of the rarest seed of a read all of whose seeds are too common.
const MAX_SAMPLED: usize = 64;
/// Bits of a [`Key`] below its place: the number of a stretch.
const STRETCH_BITS: u32 = 6;
/// Stretch number of a seed that belongs to none.
const NO_STRETCH: u64 = (1 << STRETCH_BITS) - 1;
/// Bits of a diagonal.
const DIAGONAL_BITS: u32 = 40;

/// The strand and the diagonal that a seed names, and the stretch of the read that it belongs to, as a number that sorts by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(u64);

impl Key {
    /// A diagonal (padded position of the strand's first base) named by a seed of no stretch yet.
    #[inline]
    #[must_use]
    pub fn new(reverse: bool, diagonal: u64) -> Self {
        Self((u64::from(reverse) << DIAGONAL_BITS | diagonal) << STRETCH_BITS | NO_STRETCH)
    }

    /// The same place, named by a seed of a stretch.
    #[must_use]
    pub fn with_stretch(self, stretch: u32) -> Self {
        Self(self.0 & !NO_STRETCH | u64::from(stretch).min(NO_STRETCH))
    }

    /// Strand and diagonal.
    #[inline]
    #[must_use]
    pub fn place(self) -> u64 {
        self.0 >> STRETCH_BITS
    }

    /// The diagonal.
    #[inline]
    #[must_use]
    pub fn diagonal(self) -> u64 {
        self.place() & ((1 << DIAGONAL_BITS) - 1)
    }

    /// Whether it is the read's reverse complement that matches.
    #[must_use]
    pub fn reverse(self) -> bool {
        self.place() >> DIAGONAL_BITS == 1
    }

    /// The number of the stretch, if the seed belongs to one.
    #[inline]
    #[must_use]
    pub fn stretch(self) -> Option<u32> {
        let stretch = self.0 & NO_STRETCH;
        (stretch != NO_STRETCH).then_some(stretch as u32)
    }
}

/// Stretches of a read that keys tell apart.
pub const MAX_STRETCHES: u32 = NO_STRETCH as u32;

/// A good place of a read that is known before it is looked up again.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Its strand and first diagonal.
    pub key: Key,
    /// Edits that a place has at the most that may count beside it.
    pub rival_edits: u32,
}

/// What the candidates of one read are collected from, besides its seeds.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// The index's seeds.
    pub table: &'a SeedTable<'a>,
    /// The reference.
    pub reference: &'a Reference<'a>,
    /// Codes of the read.
    pub codes: &'a [u8],
    /// How many of them are ambiguous.
    pub ambiguous_bases: u32,
    /// Hash of its name.
    pub name_hash: u64,
    /// Bases that gaps reach.
    pub band: u16,
    /// How closely it is looked at.
    pub look: Look,
    /// What is known already of a read without a mate.
    pub known: Option<Known>,
}

impl Lookup<'_> {
    /// Collects into `keys` the diagonals of the seeds of a read in one round, or of some if there is no other way.
    pub fn collect<'s>(
        &self,
        seeds: impl Iterator<Item = Hit<'s>> + Clone,
        round: Round,
        keys: &mut Vec<Key>,
    ) -> Searched {
        let mut searched = self.round(seeds.clone(), round, keys);
        searched.ambiguous_bases = self.ambiguous_bases;
        if keys.is_empty() && self.look != Look::Quick {
            self.sample_rarest(seeds, keys);
        }
        keys.extend(self.known.map(|known| known.key));
        searched
    }

    /// Collects the diagonals of all seeds of a round that occur rarely enough, or do so with their flanks.
    fn round<'s>(&self, seeds: impl Iterator<Item = Hit<'s>> + Clone, round: Round, keys: &mut Vec<Key>) -> Searched {
        let Round { cap, overlapping, .. } = round;
        keys.clear();
        let mut searched = Searched::default();
        let most_alone = round.most_alone(seeds.clone().map(|hit| hit.found.len()));
        let (mut stretch_end, mut is_novel, mut repetitive_end) = (0, false, 0);
        for Hit { seed, found, narrowed } in seeds {
            let first = keys.len();
            let own = seed.position as usize..seed.position as usize + K;
            if found.len() > overlapping && own.start < stretch_end && !is_novel {
                continue;
            }
            let is_spared = found.len() > cap && self.push_sparing_alternates(seed, found.clone(), cap, keys);
            if found.len() > cap && !is_spared && most_alone.is_none() {
                searched.left_out = true;
                continue;
            }
            let is_frequent = most_alone.is_some_and(|most| found.len() > most) && !is_spared;
            debug_assert!(!is_frequent || narrowed.is_some(), "a frequent seed wasn't looked up");
            let narrowed = narrowed.filter(|_| is_frequent);
            if found.len() > REPETITIVE_OCCURRENCES && narrowed.is_some_and(is_repetitive) {
                searched.repetitive_bases += (own.end - own.start.max(repetitive_end)) as u32;
                repetitive_end = own.end;
            }
            let stretch = match narrowed {
                None if is_spared => Some(own),
                Some(narrowed) if found.len() > cap => self.push_narrowed(seed, narrowed, cap, keys),
                _ => {
                    self.push_all(seed, found, keys);
                    Some(own)
                }
            };
            match stretch {
                Some(stretch) if stretch.start >= stretch_end => {
                    keys[first..].iter_mut().for_each(|key| *key = key.with_stretch(searched.stretches));
                    // What only alternate loci have, no other place of the primary assembly has.
                    is_novel = keys[first..].iter().all(|key| self.reference.is_alternate(key.diagonal()));
                    stretch_end = stretch.end;
                    searched.add_stretch(stretch, is_novel);
                }
                Some(_) => {}
                None => searched.left_out = true,
            }
        }
        searched
    }

    fn push_all(&self, seed: &Seed, found: Range<usize>, keys: &mut Vec<Key>) {
        keys.extend(self.table.entries[found].iter().map(|&entry| self.key(seed, entry)));
    }

    /// Of a seed that occurs too often because of alternate loci: collects all its occurrences on the primary assembly and some of
    /// the others. Returns whether it did.
    fn push_sparing_alternates(&self, seed: &Seed, found: Range<usize>, cap: usize, keys: &mut Vec<Key>) -> bool {
        if !self.reference.has_alternates() || found.len() > ALTERNATE_COPIES * cap {
            return false;
        }
        let entries = self.table.entries[found].iter();
        let is_alternate = |entry: &u64| self.reference.is_alternate(self.table.layout.unpack(*entry).position);
        let primary = entries.clone().filter(|entry| !is_alternate(entry));
        let count = primary.clone().count();
        if count <= cap {
            let alternates = entries.filter(|entry| is_alternate(entry)).take(cap - count);
            keys.extend(primary.chain(alternates).map(|&entry| self.key(seed, entry)));
        }
        count <= cap
    }

    /// Collects the occurrences that agree with the seed's flanks, if these are few; returns the stretch of the read that was
    /// looked up.
    fn push_narrowed(&self, seed: &Seed, narrowed: &Narrowed, cap: usize, keys: &mut Vec<Key>) -> Option<Range<usize>> {
        let flanks = narrowed.flanks;
        let narrowed = narrowed.found.clone()?;
        if narrowed.len() > 4 * cap {
            return None;
        }
        let first = keys.len();
        for &entry in &self.table.entries[narrowed] {
            if self.table.agrees_before(entry, flanks) {
                keys.push(self.key(seed, entry));
            }
        }
        if keys.len() - first > cap {
            keys.truncate(first);
            return None;
        }
        let (left, right) = if seed.reverse { (1, 0) } else { (0, 1) };
        let flank = |i: usize| if flanks[i].is_some() { FLANK } else { 0 };
        let position = seed.position as usize;
        Some(position - flank(left)..position + K + flank(right))
    }

    /// For a read all of whose seeds are too common: some occurrences of the rarest, chosen by the read's name.
    fn sample_rarest<'s>(&self, seeds: impl Iterator<Item = Hit<'s>>, keys: &mut Vec<Key>) {
        let Some(Hit { seed, found, .. }) = seeds.filter(|hit| !hit.found.is_empty()).min_by_key(|hit| hit.found.len())
        else {
            return;
        };
        let count = found.len();
        let first = (self.name_hash % count as u64) as usize;
        let entries = &self.table.entries[found];
        keys.extend((0..count.min(MAX_SAMPLED)).map(|i| self.key(seed, entries[(first + i) % count])));
    }

    /// The diagonal that an occurrence of a seed puts the read on; of no stretch yet.
    #[inline]
    fn key(&self, seed: &Seed, entry: u64) -> Key {
        let occurrence = self.table.layout.unpack(entry);
        let reverse = seed.reverse != occurrence.reverse;
        let offset = if reverse { self.codes.len() - K - seed.position as usize } else { seed.position as usize };
        Key::new(reverse, occurrence.position - offset as u64)
    }
}

/// Whether a frequent seed occurs so often even with the bases beside it that bwa would call it repetitive.
fn is_repetitive(narrowed: &Narrowed) -> bool {
    narrowed.found.as_ref().is_none_or(|found| found.len() > REPETITIVE_OCCURRENCES)
}
