//! The insert-size model: which pairs are proper, and how likely a size is, for each orientation of the mates.
//!
//! It is estimated once, from pairs at the start of the sample, so that it can't depend on batches or threads, or is given, so
//! that all shards of a sample share it. Of these pairs so many are looked at that enough are clear, within fixed limits:
//! contamination before the sample, or a sample of which little fits the reference, still has a model. Bounds are bwa's (Li 2013, "Aligning sequence reads, clone
//! sequences and assembly contigs with BWA-MEM"); all arithmetic is on integers: means and deviations are in thousandths of a
//! base.

use crate::insert_size::{Insert, MAX_INSERT, Orientation};

/// Largest insert size that is learnt from, in bases: bwa's.
pub(crate) const MAX_LEARNT: i64 = 10_000;

/// Thousandths in a base.
pub const MILLI: i64 = 1000;
/// Sizes that an orientation needs.
const MIN_SIZES: usize = 10;
/// An orientation with fewer than one in so many of the sizes of the commonest one is taken for noise.
const RAREST: usize = 20;

/// Distribution of the insert sizes of one orientation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeModel {
    /// Mean, in thousandths of a base.
    pub mean_milli: i64,
    /// Standard deviation, in thousandths of a base, at least one base.
    pub deviation_milli: i64,
    /// Smallest proper size, in bases, at least 1.
    pub low: i64,
    /// Largest proper size, in bases, at most [`MAX_INSERT`].
    pub high: i64,
    /// Pairs it was made from; 0 if it was given.
    pub pairs: usize,
}

impl SizeModel {
    /// The model of a known mean and deviation, in thousandths of a base; sizes up to four deviations off are proper.
    #[must_use]
    pub fn around(mean_milli: i64, deviation_milli: i64) -> Self {
        let deviation_milli = deviation_milli.max(MILLI);
        let bases = |milli: i64| (milli + MILLI / 2).div_euclid(MILLI);
        Self {
            mean_milli,
            deviation_milli,
            low: bases(mean_milli - 4 * deviation_milli).max(1),
            high: bases(mean_milli + 4 * deviation_milli).min(MAX_INSERT),
            pairs: 0,
        }
    }

    /// Estimates the model of one orientation; `None` if there are too few sizes. Sorts `sizes`.
    fn estimate(sizes: &mut [i64]) -> Option<Self> {
        if sizes.len() < MIN_SIZES {
            return None;
        }
        sizes.sort_unstable();
        let quantile = |quarter: usize| sizes[(sizes.len() - 1) * quarter / 4];
        let (lower, upper) = (quantile(1), quantile(3));
        let spread = upper - lower;
        let inside = (lower - 2 * spread).max(1)..=upper + 2 * spread;
        let used = || sizes.iter().filter(|size| inside.contains(size)).map(|size| MILLI * size);
        let count = used().count().max(1) as i64;
        let mean_milli = (used().sum::<i64>() + count / 2) / count;
        let variance = used().map(|milli| (milli - mean_milli).pow(2)).sum::<i64>() / count;
        let model = Self::around(mean_milli, variance.isqrt());
        Some(Self {
            low: (lower - 3 * spread).min(model.low).max(1),
            high: (upper + 3 * spread).max(model.high).min(MAX_LEARNT),
            pairs: sizes.len(),
            ..model
        })
    }

    /// Whether a size is proper.
    #[must_use]
    pub fn contains(&self, size: i64) -> bool {
        (self.low..=self.high).contains(&size)
    }

    /// Whether the numbers keep to their limits, as those of a file may not.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let is_milli = |milli: i64, least: i64| (least..=MILLI * MAX_INSERT).contains(&milli);
        let are_bounds = 1 <= self.low && self.low <= self.high && self.high <= MAX_INSERT;
        is_milli(self.mean_milli, 1) && is_milli(self.deviation_milli, MILLI) && are_bounds
    }

    /// Penalty of a size in units of score: bwa's, `z²/2` nats at ln 4 nats a unit.
    fn penalty(&self, size: i64, match_score: i32) -> i32 {
        let distance = MILLI * size - self.mean_milli;
        // The square of a distance of MAX_INSERT fits no signed number.
        let [distance, deviation] = [distance, self.deviation_milli].map(i64::unsigned_abs);
        let square_milli = MILLI as u64 * distance * distance / (deviation * deviation);
        let scaled = square_milli * 361 * u64::from(match_score.unsigned_abs()) / (1000 * MILLI as u64);
        scaled.min(1 << 20) as i32
    }
}

/// The insert-size models of a sample, by orientation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InsertModel {
    /// In the order of [`Orientation::ALL`]; `None` where mates are never proper.
    sizes: [Option<SizeModel>; 4],
}

impl InsertModel {
    /// A model in which mates of one orientation are proper.
    #[must_use]
    pub fn of(orientation: Orientation, model: SizeModel) -> Self {
        let mut all = Self::default();
        all.set(orientation, model);
        all
    }

    /// Adds or replaces the model of an orientation.
    pub fn set(&mut self, orientation: Orientation, model: SizeModel) {
        self.sizes[orientation.index()] = Some(model);
    }

    /// The model of an orientation.
    #[must_use]
    pub fn get(&self, orientation: Orientation) -> Option<&SizeModel> {
        self.sizes[orientation.index()].as_ref()
    }

    /// The orientations that have a model.
    pub fn orientations(&self) -> impl Iterator<Item = (Orientation, &SizeModel)> {
        Orientation::ALL.into_iter().filter_map(|orientation| Some((orientation, self.get(orientation)?)))
    }

    /// The largest proper size of any orientation, in bases; 0 if no pair is proper.
    #[must_use]
    pub fn largest(&self) -> i64 {
        self.orientations().map(|(_, sizes)| sizes.high).max().unwrap_or(0)
    }

    /// Whether no pair is proper.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.orientations().next().is_none()
    }

    /// Estimates the models of all orientations with enough evidence.
    #[must_use]
    pub fn estimate(inserts: &[Insert]) -> Self {
        let sizes = Orientation::ALL.map(|orientation| {
            let of_it = inserts.iter().filter(|insert| insert.orientation == orientation && insert.size <= MAX_LEARNT);
            of_it.map(|insert| insert.size).collect::<Vec<i64>>()
        });
        let most = sizes.iter().map(Vec::len).max().unwrap_or(0);
        let estimate =
            |mut sizes: Vec<i64>| if sizes.len() * RAREST < most { None } else { SizeModel::estimate(&mut sizes) };
        Self { sizes: sizes.map(estimate) }
    }

    /// Whether mates that lie so are proper.
    #[must_use]
    pub fn is_proper(&self, insert: Insert) -> bool {
        self.penalty(insert, 0).is_some()
    }

    /// Penalty of a proper insert in units of score; `None` if it isn't proper.
    #[must_use]
    pub fn penalty(&self, insert: Insert, match_score: i32) -> Option<i32> {
        let model = self.get(insert.orientation)?;
        model.contains(insert.size).then(|| model.penalty(insert.size, match_score))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Orientation::{ForwardForward, ForwardReverse, ReverseForward};

    fn inserts(orientation: Orientation, sizes: impl IntoIterator<Item = i64>) -> Vec<Insert> {
        sizes.into_iter().map(|size| Insert { orientation, size }).collect()
    }

    #[test]
    fn outliers_do_not_move_the_model() {
        let mut all = inserts(ForwardReverse, (0..1000).map(|i| 300 + (i % 201)));
        let clean = *InsertModel::estimate(&all).get(ForwardReverse).unwrap();
        assert!((399_000..401_000).contains(&clean.mean_milli), "{clean:?}");
        assert!((55_000..60_000).contains(&clean.deviation_milli), "{clean:?}");
        all.extend(inserts(ForwardReverse, [9_000; 20]));
        let model = InsertModel::estimate(&all);
        let noisy = model.get(ForwardReverse).unwrap();
        assert!((noisy.mean_milli - clean.mean_milli).abs() <= 2000, "{noisy:?}");
        let proper = |orientation, size| model.is_proper(Insert { orientation, size });
        assert!(proper(ForwardReverse, 500) && !proper(ForwardReverse, 9_000) && !proper(ForwardForward, 500));
    }

    #[test]
    fn few_pairs_give_no_model_and_equal_sizes_a_narrow_one() {
        assert!(InsertModel::estimate(&inserts(ForwardReverse, [300; 9])).is_empty());
        let model = InsertModel::estimate(&inserts(ReverseForward, [300; 10]));
        let expected = SizeModel { mean_milli: 300_000, deviation_milli: 1000, low: 296, high: 304, pairs: 10 };
        assert_eq!(model, InsertModel::of(ReverseForward, expected));
    }

    #[test]
    fn far_inserts_are_not_learnt_from() {
        let mut all = inserts(ForwardReverse, [300; 50]);
        all.extend(inserts(ReverseForward, [MAX_LEARNT + 1; 50]));
        all.extend(inserts(ForwardForward, [MAX_LEARNT; 50]));
        let model = InsertModel::estimate(&all);
        assert_eq!(
            model.orientations().map(|(o, sizes)| (o, sizes.high)).collect::<Vec<_>>(),
            [(ForwardForward, MAX_LEARNT), (ForwardReverse, 304)]
        );
    }

    #[test]
    fn penalties_of_far_inserts_fit() {
        let model = InsertModel::of(ForwardReverse, SizeModel { high: MAX_INSERT, ..SizeModel::around(1000, 1000) });
        assert_eq!(model.penalty(Insert { orientation: ForwardReverse, size: MAX_INSERT }, 100), Some(1 << 20));
        let wide = InsertModel::of(ForwardReverse, SizeModel::around(MILLI * MAX_INSERT, MILLI * MAX_INSERT / 2));
        assert_eq!(wide.penalty(Insert { orientation: ForwardReverse, size: 1 }, 1), Some(1));
    }

    #[test]
    fn an_orientation_counts_if_it_is_common_enough() {
        let mut all = inserts(ReverseForward, [3000; 400]);
        all.extend(inserts(ForwardReverse, [250; 19]));
        let letters =
            |all: &[Insert]| InsertModel::estimate(all).orientations().map(|(o, _)| o.letters()).collect::<Vec<_>>();
        assert_eq!(letters(&all), ["RF"]);
        all.extend(inserts(ForwardReverse, [250]));
        assert_eq!(letters(&all), ["FR", "RF"]);
    }

    #[test]
    fn penalty_grows_with_the_square_of_the_distance() {
        let model = InsertModel::of(ForwardReverse, SizeModel::around(400_000, 50_000));
        let penalty = |size| model.penalty(Insert { orientation: ForwardReverse, size }, 1);
        let expected = [None, Some(5), Some(0), Some(0), Some(1), Some(5), None];
        assert_eq!([199, 200, 400, 450, 500, 600, 601].map(penalty), expected);
    }

    #[test]
    fn numbers_of_a_file_are_checked() {
        let good = SizeModel::around(400_500, 50_250);
        assert!(good.is_valid());
        let bad = [
            SizeModel { mean_milli: 0, ..good },
            SizeModel { mean_milli: i64::MAX, ..good },
            SizeModel { deviation_milli: 999, ..good },
            SizeModel { low: 0, ..good },
            SizeModel { low: good.high + 1, ..good },
            SizeModel { high: MAX_INSERT + 1, ..good },
        ];
        assert!(bad.iter().all(|model| !model.is_valid()));
    }
}
