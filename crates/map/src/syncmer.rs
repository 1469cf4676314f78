//! Seeds: closed syncmers with flank hashes.
//!
//! A k-mer is a *closed syncmer* if its smallest s-mer (by hash) is its first or its last (Edgar 2021, "Syncmers are more
//! sensitive than minimizers for selecting conserved k-mers"). The choice looks at nothing outside the k-mer, so an error
//! elsewhere in a read can't unselect a seed, and every error-free stretch of `2k - s - 1` bases (27 with k = 18, s = 8) holds
//! at least one, but where the only ones are their own reverse complement (see below), as in (AT)n. One k-mer in
//! `(k - s + 1) / 2` is chosen: two in eleven.
//!
//! k-mers and s-mers are canonical (the smaller of forward and reverse complement); a k-mer that is its own reverse
//! complement is not used, since it can't tell the strand. Each seed also carries 9-bit hashes of the 12 bases on either
//! side, so that one table serves seeds of k, k + 12 and k + 24 bases.

use crate::sequence::{AMBIGUOUS, BLOCK, complement, gather_bits};

/// Bases in a seed.
pub const K: usize = 18;
/// Bases in the s-mers that choose seeds.
pub const S: usize = 8;
/// Bases in a flank.
pub const FLANK: usize = 12;
/// Bits of a flank hash.
pub const FLANK_BITS: u32 = 9;

const SMERS: usize = K - S + 1;
/// k-mers looked at together: those of a read of 150 bases.
const STRIP: usize = 144;
/// Room for their bases and for what the loops read behind them.
const BASES: usize = STRIP + 32;

/// A seed of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// 0-based position of the k-mer's first base in the sequence.
    pub position: u32,
    /// Hash of the canonical k-mer, well mixed in all 64 bits.
    pub hash: u64,
    /// Whether the canonical k-mer is the reverse complement of the sequence's.
    pub reverse: bool,
}

/// Hashes of the flanks before and behind a *canonical* k-mer; `None` where a flank is cut off or ambiguous.
pub type Flanks = [Option<u16>; 2];

/// Which seeds of a sequence are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// All.
    Any,
    /// The first, and each that shares no base with the one before it.
    Disjoint,
}

/// Calls `found` for the seeds of `codes`, in order of position.
#[inline(always)]
pub fn for_each_seed(codes: &[u8], spacing: Spacing, mut found: impl FnMut(Seed)) {
    let step = if spacing == Spacing::Disjoint { K } else { 1 };
    let mut next = 0;
    for start in (0..(codes.len() + 1).saturating_sub(K)).step_by(STRIP) {
        let rest = &codes[start..];
        let bases = rest.len().min(STRIP + K - 1);
        let mut strip = [0; BASES];
        strip[..bases].copy_from_slice(&rest[..bases]);
        let words = Words::new(&strip);
        let has_ambiguous = strip.iter().any(|&code| code >= AMBIGUOUS);
        for (i, mut flags) in bits(&words.chosen()).into_iter().enumerate() {
            let first = start + i * BLOCK;
            loop {
                flags &= u64::MAX.checked_shl(next.max(first) as u32 - first as u32).unwrap_or(0);
                if flags == 0 {
                    break;
                }
                let position = first + flags.trailing_zeros() as usize;
                let at = position - start;
                next = position + 1;
                let whole = at + K <= bases && !(has_ambiguous && strip[at..at + K].contains(&AMBIGUOUS));
                let (forward, backward) = words.kmer(at);
                if whole && forward != backward {
                    next = position + step;
                    let hash = hash_kmer(forward.min(backward));
                    found(Seed { position: position as u32, hash, reverse: backward < forward });
                }
            }
        }
    }
}

/// The flags of a strip, a bit each.
#[inline(always)]
fn bits(flags: &[u8; STRIP]) -> [u64; STRIP.div_ceil(BLOCK)] {
    let mut bits = [0; STRIP.div_ceil(BLOCK)];
    for (i, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
        bits[i / 8] |= gather_bits(u64::from_le_bytes(*eight)) << (8 * (i % 8));
    }
    bits
}

/// Short words at each position of a strip of bases, two bits a base, and those of the other strand at the same place.
///
/// An s-mer fills 16 bits exactly, and everything up to the choice of k-mers is the same short arithmetic on 16-bit numbers at
/// every position: loops over arrays of a fixed size, which compilers turn into vector instructions everywhere. Ambiguous bases
/// make arbitrary words; k-mers that hold one are dropped afterwards.
struct Words {
    /// Words of two bases: forward, and its reverse complement.
    two: [[u16; BASES]; 2],
    /// The same of [`S`] bases.
    smers: [[u16; BASES]; 2],
}

impl Words {
    #[inline(always)]
    fn new(codes: &[u8; BASES]) -> Self {
        let forward = codes.map(|code| u16::from(code & 3));
        let backward = codes.map(|code| u16::from(3 - (code & 3)));
        let two = [join::<1>(&forward, false), join::<1>(&backward, true)];
        let four = [join::<2>(&two[0], false), join::<2>(&two[1], true)];
        let smers = [join::<4>(&four[0], false), join::<4>(&four[1], true)];
        Self { two, smers }
    }

    /// For each k-mer of the strip, 1 if it is a closed syncmer and 0 if not.
    #[inline(always)]
    fn chosen(&self) -> [u8; STRIP] {
        let mut order = [0; BASES];
        for (order, (&forward, &backward)) in order.iter_mut().zip(self.smers[0].iter().zip(&self.smers[1])) {
            *order = hash_smer(forward.min(backward));
        }
        // The minimum of 2, 4, 8 and at last of all s-mers of a k-mer.
        let least = least::<{ SMERS - 8 }>(&least::<4>(&least::<2>(&least::<1>(&order))));
        let mut chosen = [0; STRIP];
        for (i, chosen) in chosen.iter_mut().enumerate() {
            *chosen = u8::from(least[i] == order[i]) | u8::from(least[i] == order[i + SMERS - 1]);
        }
        chosen
    }

    /// The k-mer at `at`, and its reverse complement.
    #[inline(always)]
    fn kmer(&self, at: usize) -> (u64, u64) {
        let [forward, backward] = [0, 1].map(|strand: usize| {
            [self.smers[strand][at], self.smers[strand][at + S], self.two[strand][at + 2 * S]].map(u64::from)
        });
        (forward[0] << 20 | forward[1] << 4 | forward[2], backward[2] << 32 | backward[1] << 16 | backward[0])
    }
}

/// Words of twice as many bases: of `BASES_EACH` from `words`, and as many behind them. On the other strand what lies behind
/// comes first.
#[inline(always)]
fn join<const BASES_EACH: usize>(words: &[u16; BASES], reverse: bool) -> [u16; BASES] {
    let mut joined = [0; BASES];
    for i in 0..BASES - BASES_EACH {
        let (this, next) = (words[i], words[i + BASES_EACH]);
        let (high, low) = if reverse { (next, this) } else { (this, next) };
        joined[i] = high << (2 * BASES_EACH) | low;
    }
    joined
}

/// The smaller of each value and the one `STEP` behind it.
#[inline(always)]
fn least<const STEP: usize>(values: &[i16; BASES]) -> [i16; BASES] {
    let mut least = [0; BASES];
    for i in 0..BASES - STEP {
        least[i] = values[i].min(values[i + STEP]);
    }
    least
}

/// Hashes of the flanks of a seed of `codes`, seen from the canonical strand. Apart from [`for_each_seed`], because few seeds of a
/// read occur so often that their flanks are asked for.
pub fn flanks(codes: &[u8], seed: &Seed) -> Flanks {
    let position = seed.position as usize;
    let before = position.checked_sub(FLANK).map(|start| &codes[start..position]);
    let behind = codes.get(position + K..position + K + FLANK);
    if seed.reverse {
        [behind.and_then(hash_flank_reverse), before.and_then(hash_flank_reverse)]
    } else {
        [before.and_then(hash_flank_forward), behind.and_then(hash_flank_forward)]
    }
}

fn hash_flank_forward(bases: &[u8]) -> Option<u16> {
    hash_flank(bases.iter().copied())
}

fn hash_flank_reverse(bases: &[u8]) -> Option<u16> {
    hash_flank(bases.iter().rev().map(|&code| complement(code)))
}

fn hash_flank(mut bases: impl Iterator<Item = u8>) -> Option<u16> {
    let packed = bases.try_fold(0u32, |packed, code| (code < AMBIGUOUS).then_some((packed << 2) | u32::from(code)))?;
    Some((packed.wrapping_mul(0x9E37_79B1) >> (32 - FLANK_BITS)) as u16)
}

/// Order of s-mers: any fixed order that does not favour low-complexity words. A bijection, so that only equal s-mers tie; signed,
/// because every vector instruction set has the signed minimum.
#[inline(always)]
fn hash_smer(smer: u16) -> i16 {
    let mixed = smer.wrapping_add(1).wrapping_mul(0x9E37);
    (mixed ^ (mixed >> 8)).wrapping_mul(0x79B1) as i16
}

/// Mixes a k-mer over 64 bits; a bijection, so equal hashes mean equal k-mers.
#[inline]
fn hash_kmer(kmer: u64) -> u64 {
    mix64(kmer)
}

/// The finaliser of splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"); a bijection.
#[inline]
#[must_use]
pub fn mix64(value: u64) -> u64 {
    let mut x = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random_codes(length: usize, seed: u64) -> Vec<u8> {
        (0..length as u64).map(|i| (mix64(seed ^ (i << 20)) % 4) as u8).collect()
    }

    fn seeds(codes: &[u8]) -> Vec<Seed> {
        let mut all = Vec::new();
        for_each_seed(codes, Spacing::Any, |seed| all.push(seed));
        all
    }

    #[test]
    fn the_reverse_complement_has_the_same_seeds_mirrored() {
        let codes = random_codes(500, 1);
        let mirrored: Vec<u8> = codes.iter().rev().map(|&c| complement(c)).collect();
        let mut expected = seeds(&mirrored);
        expected.reverse();
        let got: Vec<Seed> = seeds(&codes)
            .into_iter()
            .map(|s| Seed { position: (codes.len() - K) as u32 - s.position, reverse: !s.reverse, ..s })
            .collect();
        assert!(got.len() > 50);
        assert_eq!(got, expected);
        for (seed, mirror) in seeds(&codes).iter().zip(&got) {
            assert_eq!(flanks(&codes, seed), flanks(&mirrored, mirror));
        }
    }

    #[test]
    fn every_stretch_of_27_bases_has_a_seed_and_density_is_two_elevenths() {
        let codes = random_codes(100_000, 2);
        let all = seeds(&codes);
        let widest = all.windows(2).map(|w| w[1].position - w[0].position).max().unwrap();
        assert!(widest as usize <= K - S, "gap of {widest}");
        let density = all.len() as f64 / codes.len() as f64;
        assert!((0.175..0.19).contains(&density), "{density}");
    }

    #[test]
    fn no_seed_or_flank_covers_an_ambiguous_base() {
        let mut codes = random_codes(300, 3);
        codes[150] = AMBIGUOUS;
        for seed in seeds(&codes) {
            let position = seed.position as usize;
            assert!(!(position..position + K).contains(&150));
            let full = flanks(&codes, &seed).iter().all(Option::is_some);
            assert!(!full || !(position - FLANK..position + K + FLANK).contains(&150));
        }
    }

    /// The definition, k-mer by k-mer.
    #[test]
    fn seeds_are_the_k_mers_whose_smallest_s_mer_is_first_or_last() {
        let canonical = |bases: &[u8]| {
            let pack = |codes: &mut dyn Iterator<Item = u8>| codes.fold(0u64, |word, code| word << 2 | u64::from(code));
            let forward = pack(&mut bases.iter().copied());
            let reverse = pack(&mut bases.iter().rev().map(|&c| complement(c)));
            (forward.min(reverse), forward == reverse)
        };
        for seed in 10..40 {
            let mut codes = random_codes(400, seed);
            for n in [0, 100, 101, 118, 137, 250] {
                codes[n + (seed % 7) as usize] = AMBIGUOUS;
            }
            let expected: Vec<u32> = (0..=codes.len() - K)
                .filter(|&start| {
                    let kmer = &codes[start..start + K];
                    let smers: Vec<i16> = kmer.windows(S).map(|smer| hash_smer(canonical(smer).0 as u16)).collect();
                    let least = smers.iter().min();
                    let outer = least == smers.first() || least == smers.last();
                    !kmer.contains(&AMBIGUOUS) && outer && !canonical(kmer).1
                })
                .map(|start| start as u32)
                .collect();
            let got: Vec<u32> = seeds(&codes).iter().map(|s| s.position).collect();
            assert_eq!(got, expected, "sequence {seed}");
        }
    }

    #[test]
    fn disjoint_seeds_are_each_the_first_behind_the_one_before() {
        for seed in 10..40 {
            let mut codes = random_codes(700, seed);
            for n in [100, 101, 118, 300] {
                codes[n + (seed % 7) as usize] = AMBIGUOUS;
            }
            let mut end = 0;
            let mut expected = seeds(&codes);
            expected.retain(|seed| {
                let is_apart = seed.position >= end;
                end = if is_apart { seed.position + K as u32 } else { end };
                is_apart
            });
            let mut got = Vec::new();
            for_each_seed(&codes, Spacing::Disjoint, |seed| got.push(seed));
            assert!(got.len() > 10);
            assert_eq!(got, expected, "sequence {seed}");
        }
    }

    #[test]
    fn short_and_empty_sequences_have_no_seed() {
        for length in [0, 1, K - 1] {
            assert!(seeds(&random_codes(length, 4)).is_empty());
        }
    }
}
