//! The insert-size model: which pairs are proper, and how likely a distance is.
//!
//! The *insert size* is the distance between the unclipped outer ends of a forward mate and a reverse mate behind it (FR
//! orientation). The model is estimated once, from a fixed number of pairs at the start of the sample, so that it can't depend
//! on batches or threads. Bounds are bwa's (Li 2013, "Aligning sequence reads, clone sequences and assembly contigs with
//! BWA-MEM"); all arithmetic is on integers.

use crate::alignment::Alignment;

/// Pairs looked at.
pub const SAMPLE_PAIRS: usize = 16_384;
/// Largest insert size that counts.
const MAX_INSERT: i64 = 10_000;
/// Sizes needed for a model.
const MIN_SIZES: usize = 10;

/// Distribution of insert sizes, in bases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InsertModel {
    /// Mean.
    pub mean: i64,
    /// Standard deviation, at least 1.
    pub deviation: i64,
    /// Smallest proper size.
    pub low: i64,
    /// Largest proper size.
    pub high: i64,
    /// Pairs it was made from.
    pub pairs: usize,
}

impl InsertModel {
    /// Estimates the model; `None` if there are too few sizes. Sorts `sizes`.
    #[must_use]
    pub fn estimate(sizes: &mut [i64]) -> Option<Self> {
        if sizes.len() < MIN_SIZES {
            return None;
        }
        sizes.sort_unstable();
        let quantile = |quarter: usize| sizes[(sizes.len() - 1) * quarter / 4];
        let (lower, upper) = (quantile(1), quantile(3));
        let spread = upper - lower;
        let inside = (lower - 2 * spread).max(1)..=upper + 2 * spread;
        let used: Vec<i64> = sizes.iter().copied().filter(|size| inside.contains(size)).collect();
        let count = used.len().max(1) as i64;
        let mean = (used.iter().sum::<i64>() + count / 2) / count;
        let variance = used.iter().map(|size| (size - mean) * (size - mean)).sum::<i64>() / count;
        let deviation = variance.isqrt().max(1);
        Some(Self {
            mean,
            deviation,
            low: (lower - 3 * spread).min(mean - 4 * deviation).max(1),
            high: (upper + 3 * spread).max(mean + 4 * deviation),
            pairs: sizes.len(),
        })
    }

    /// Whether a size is proper.
    #[must_use]
    pub fn is_proper(&self, size: i64) -> bool {
        (self.low..=self.high).contains(&size)
    }

    /// Penalty of a size in units of score: bwa's, `z²/2` nats at ln 4 nats a unit.
    #[must_use]
    pub fn penalty(&self, size: i64, match_score: i32) -> i32 {
        let distance = size - self.mean;
        let scaled = distance * distance * 361 * i64::from(match_score) / (1000 * self.deviation * self.deviation);
        scaled.min(1 << 20) as i32
    }
}

/// Insert size of two alignments of mates with `lengths` bases, if they are on one contig and on opposite strands.
#[must_use]
pub fn insert_size(first: &Alignment, second: &Alignment, lengths: [usize; 2]) -> Option<i64> {
    if first.reverse == second.reverse || first.contig != second.contig {
        return None;
    }
    let (forward, reverse, reverse_length) =
        if first.reverse { (second, first, lengths[0]) } else { (first, second, lengths[1]) };
    let size = reverse.end_diagonal() + reverse_length as i64 - forward.start_diagonal();
    (1..=MAX_INSERT).contains(&size).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_move_the_model() {
        let mut sizes: Vec<i64> = (0..1000).map(|i| 300 + (i % 201)).collect();
        let clean = InsertModel::estimate(&mut sizes).unwrap();
        assert_eq!(clean.mean, 400);
        assert!((55..=60).contains(&clean.deviation), "{clean:?}");
        sizes.extend([9_000; 20]);
        let noisy = InsertModel::estimate(&mut sizes).unwrap();
        assert!((noisy.mean - clean.mean).abs() <= 2, "{noisy:?}");
        assert!(noisy.is_proper(500) && !noisy.is_proper(9_000));
    }

    #[test]
    fn few_pairs_give_no_model_and_equal_sizes_a_narrow_one() {
        assert_eq!(InsertModel::estimate(&mut [300; 9]), None);
        let model = InsertModel::estimate(&mut [300; 10]).unwrap();
        assert_eq!((model.mean, model.deviation, model.low, model.high), (300, 1, 296, 304));
    }

    #[test]
    fn penalty_grows_with_the_square_of_the_distance() {
        let model = InsertModel { mean: 400, deviation: 50, low: 200, high: 600, pairs: 1000 };
        let penalties = [400, 450, 500, 600].map(|size| model.penalty(size, 1));
        assert_eq!(penalties, [0, 0, 1, 5]);
    }
}
