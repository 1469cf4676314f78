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

use crate::sequence::{AMBIGUOUS, complement};

/// Bases in a seed.
pub const K: usize = 18;
/// Bases in the s-mers that choose seeds.
pub const S: usize = 8;
/// Bases in a flank.
pub const FLANK: usize = 12;
/// Bits of a flank hash.
pub const FLANK_BITS: u32 = 9;

const SMERS: usize = K - S + 1;
const K_MASK: u64 = (1 << (2 * K)) - 1;
const S_MASK: u64 = (1 << (2 * S)) - 1;

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

/// Calls `found` for every seed of `codes`, in order of position.
pub fn for_each_seed(codes: &[u8], mut found: impl FnMut(Seed)) {
    let (mut forward, mut backward) = (0u64, 0u64);
    let mut window = MinimumWindow::default();
    let mut valid = 0usize;
    for (end, &code) in codes.iter().enumerate() {
        if code >= AMBIGUOUS {
            valid = 0;
            continue;
        }
        valid += 1;
        forward = ((forward << 2) | u64::from(code)) & K_MASK;
        backward = (backward >> 2) | (u64::from(3 - code) << (2 * (K - 1)));
        // The newest s-mer is at the low end of `forward` and the high end of `backward`.
        let smer = (forward & S_MASK).min(backward >> (2 * (K - S)));
        window.push(end, hash_smer(smer));
        if valid < K || forward == backward {
            continue;
        }
        // The window is full of s-mers behind the last ambiguous base, for it is shorter than k.
        if window.minimum == window.hashes[(end + 1) % SMERS] || window.minimum == window.hashes[end % SMERS] {
            let position = end + 1 - K;
            let reverse = backward < forward;
            found(Seed { position: position as u32, hash: hash_kmer(forward.min(backward)), reverse });
        }
    }
}

/// The last [`SMERS`] hashes and the smallest of them.
#[derive(Default)]
struct MinimumWindow {
    hashes: [u32; SMERS],
    minimum: u32,
    /// Where the newest of the smallest is.
    minimum_at: usize,
}

impl MinimumWindow {
    /// Adds the hash of the s-mer that ends at `end`; ends grow from call to call.
    #[inline]
    fn push(&mut self, end: usize, hash: u32) {
        self.hashes[end % SMERS] = hash;
        if hash <= self.minimum {
            (self.minimum, self.minimum_at) = (hash, end);
        } else if self.minimum_at + SMERS <= end {
            (self.minimum, self.minimum_at) = (hash, end);
            for earlier in (end.saturating_sub(SMERS - 1)..end).rev() {
                let other = self.hashes[earlier % SMERS];
                if other < self.minimum {
                    (self.minimum, self.minimum_at) = (other, earlier);
                }
            }
        }
    }
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

/// Order of s-mers: any fixed order that does not favour low-complexity words.
#[inline]
fn hash_smer(smer: u64) -> u32 {
    let mixed = smer.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as u32
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
        for_each_seed(codes, |seed| all.push(seed));
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
                    let smers: Vec<u32> = kmer.windows(S).map(|smer| hash_smer(canonical(smer).0)).collect();
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
    fn short_and_empty_sequences_have_no_seed() {
        for length in [0, 1, K - 1] {
            assert!(seeds(&random_codes(length, 4)).is_empty());
        }
    }
}
