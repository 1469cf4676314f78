//! Generated jobs: the lengths and sequences at which kernels break.

use crate::{ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, LocalBatch, LocalParams, Scoring};

/// Lengths around the ends of words, lanes and 8-bit positions.
const EDGES: [usize; 21] = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 254, 255, 256];

/// SplitMix64 (Steele, Lea and Flood 2014, *Fast splittable pseudorandom number generators*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Bases drawn from the first `letters` codes.
    fn bases(&mut self, length: usize, letters: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(letters) as u8).collect()
    }

    fn length(&mut self) -> usize {
        match self.below(100) {
            0 => 300 + self.below(200),
            1..40 => self.pick(&EDGES),
            _ => self.below(180),
        }
    }

    /// `sequence` with substitutions and indels, one edit in `spacing` bases on average.
    fn mutate(&mut self, sequence: &[u8], spacing: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(sequence.len() + 16);
        for &base in sequence {
            match self.below(4 * spacing) {
                0..2 => out.push(self.below(4) as u8),
                2 => {}
                3 => {
                    let length = 1 + self.below(12);
                    out.extend(self.bases(length, 4));
                    out.push(base);
                }
                _ => out.push(base),
            }
        }
        out
    }

    /// A query and a target.
    fn pair(&mut self) -> (Vec<u8>, Vec<u8>) {
        let (m, n) = (self.length(), self.length());
        match self.below(10) {
            0 => (self.bases(m, 4), self.bases(n, 4)),
            1 => (vec![2; m], vec![2; n]),
            2 => (vec![4; m], self.bases(n, 5)),
            3 => (self.bases(m, 2), self.bases(n, 2)),
            4 => {
                let length = 1 + self.below(6);
                let unit = self.bases(length, 4);
                let repeat: Vec<u8> = unit.iter().copied().cycle().take(n).collect();
                (self.mutate(&repeat, 20), repeat)
            }
            5 => {
                let target = self.bases(n, 5);
                (self.mutate(&target, 15), target)
            }
            kind => {
                let target = self.bases(n, 4);
                let query = self.mutate(&target, if kind == 6 { 6 } else { 40 });
                (query.into_iter().take(m.max(20)).collect(), target)
            }
        }
    }

    fn band(&mut self) -> u16 {
        self.pick(&[0, 1, 2, 5, 20, 50, 100, 100, 100, 1000, u16::MAX])
    }

    /// An anchor score; some bring the best possible score to the edge of 8- and 16-bit lanes.
    fn initial_score(&mut self, gain: usize) -> u16 {
        let edge = self.pick(&[255, 255, 255, 65_535]);
        match self.below(4) {
            0 => (edge + 1 - self.below(3)).saturating_sub(gain).min(65_535) as u16,
            1 => self.below(12) as u16,
            _ => self.below(120) as u16,
        }
    }
}

/// `jobs` extension jobs; the scoring scheme only places scores at the edges of lanes.
pub fn extend_batch(jobs: usize, seed: u64, scoring: &Scoring) -> ExtendBatch {
    let mut random = Random(seed);
    let mut batch = ExtendBatch::new();
    while batch.len() < jobs {
        let (query, target) = random.pair();
        let gain = usize::from(scoring.match_score) * query.len().min(target.len());
        let params = ExtendParams {
            initial_score: random.initial_score(gain),
            band: random.band(),
            z_drop: random.pick(&[0, 0, 1, 5, 20, 100, u16::MAX]),
        };
        // Nothing generated is too long; a refused job would only be replaced by the next one.
        let _ = batch.push(query, target, params);
    }
    batch
}

/// `jobs` global jobs.
pub fn global_batch(jobs: usize, seed: u64) -> GlobalBatch {
    let mut random = Random(seed ^ 0x676c_6f62_616c);
    let mut batch = GlobalBatch::new();
    while batch.len() < jobs {
        let (query, target) = random.pair();
        let params = GlobalParams { band: random.band() };
        // As above: nothing generated is refused.
        let _ = batch.push(query, target, params);
    }
    batch
}
/// `jobs` local jobs: those of the other kernels, queries of the length that scores at the edge of 8-bit
/// lanes, and targets that hold the query once, twice, or in tandem.
pub fn local_batch(jobs: usize, seed: u64, scoring: &Scoring) -> LocalBatch {
    let mut random = Random(seed ^ 0x006c_6f63_616c);
    let mut batch = LocalBatch::new();
    while batch.len() < jobs {
        let (mut query, mut target) = random.pair();
        match random.below(8) {
            0 => {
                // As many matches as 8 bits hold, and one or two more or less.
                let length = (257 - random.below(5)).div_ceil(usize::from(scoring.match_score));
                query = random.bases(length, 4);
                target = [random.bases(9, 4), query.clone(), random.bases(9, 4)].concat();
            }
            1 => {
                let (gap, copy) = (random.length() / 4, random.mutate(&query, 30));
                target = [random.bases(5, 4), copy, random.bases(gap, 4), query.clone()].concat();
            }
            2 => {
                let length = 1 + random.below(40);
                let unit = random.bases(length, 4);
                query = unit.iter().copied().cycle().take(3 * length).collect();
                let repeat: Vec<u8> = unit.iter().copied().cycle().take(10 * length).collect();
                target = random.mutate(&repeat, 25);
            }
            _ => {}
        }
        let min_score = random.pick(&[0, 0, 0, 1, 10, 19, 19, 30, 254, 255, 256, u16::MAX]);
        // As above: nothing generated is refused.
        let _ = batch.push(query, target, LocalParams { min_score });
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_everything() {
        let scoring = Scoring::default();
        let jobs = |seed| {
            let batch = extend_batch(40, seed, &scoring);
            let row = |k| (batch.query(k).to_vec(), batch.target(k).to_vec(), batch.params(k));
            (0..40).map(row).collect::<Vec<_>>()
        };
        assert_eq!(jobs(3), jobs(3));
        assert_ne!(jobs(3), jobs(4));
    }
}
