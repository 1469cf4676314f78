//! Made-up reads and windows.

pub const QUERY_BP: usize = 150;
const TARGET_BP: usize = 200;
const WINDOW_BP: usize = 600;
const JOBS: usize = 4096;

/// A query and a target of base codes.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Linear congruential, with Knuth's constants; the high bits are the good ones.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn bases(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(4) as u8).collect()
    }

    /// `source` with an indel of 3 if `indel`, cut to the query's length, with 2 % substitutions.
    fn read(&mut self, mut source: Vec<u8>, indel: bool) -> Vec<u8> {
        if indel {
            source.drain(60..63);
        }
        source.truncate(QUERY_BP);
        for base in &mut source {
            if self.below(50) == 0 {
                *base = self.below(4) as u8;
            }
        }
        source
    }
}

/// Related pairs that start together; every fourth query has an indel.
pub fn anchored_pairs() -> Vec<Pair> {
    let mut random = Random(1);
    let pair = |job: usize| {
        let target = random.bases(TARGET_BP);
        (random.read(target.clone(), job.is_multiple_of(4)), target)
    };
    (0..JOBS).map(pair).collect()
}

/// The same, with only the target bases that the query covers.
pub fn covered_pairs() -> Vec<Pair> {
    let mut pairs = anchored_pairs();
    for (job, (query, target)) in pairs.iter_mut().enumerate() {
        target.truncate(query.len() + if job.is_multiple_of(4) { 3 } else { 0 });
    }
    pairs
}

/// Reads and the windows that mate rescue looks in, `hits_percent` of which hold the read at any place.
pub fn windows(hits_percent: usize) -> Vec<Pair> {
    let mut random = Random(2);
    let pair = |job: usize| {
        let target = random.bases(WINDOW_BP);
        let query = if job * 7 % 100 < hits_percent {
            let place = random.below((WINDOW_BP - QUERY_BP - 3) as u64) as usize;
            random.read(target[place..place + QUERY_BP + 3].to_vec(), job.is_multiple_of(4))
        } else {
            random.bases(QUERY_BP)
        };
        (query, target)
    };
    (0..JOBS).map(pair).collect()
}
