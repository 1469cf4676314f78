//! Insert sizes, and their metrics in the format of Picard, which other tools read.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{SizeHistogram, Tally, six_decimals};

/// Share of all pairs that an orientation must have to be reported.
const LEAST_SHARE: f64 = 0.05;
/// Median absolute deviations beyond the median that are left out of mean, deviation and histogram.
const DEVIATIONS: f64 = 10.0;
/// Shares of pairs whose widths around the median are reported, in per cent.
const WIDTHS: [u64; 11] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99];
/// Orientations in the order of [`Tally`]'s histograms: by name in metrics, in the histogram.
const ORIENTATIONS: [(&str, &str); 3] = [("FR", "fr"), ("RF", "rf"), ("TANDEM", "tandem")];
/// The order in which Picard reports them.
const REPORTED: [usize; 3] = [0, 1, 2];

/// Insert sizes of the pairs of one orientation, as Picard's documentation of `InsertSizeMetrics` defines them.
#[derive(Clone, Debug, PartialEq)]
pub struct InsertSizes {
    /// `FR`, `RF` or `TANDEM`.
    pub orientation: &'static str,
    /// All of them.
    pub pairs: u64,
    /// The middle one, or the mean of the two.
    pub median: f64,
    /// The most frequent.
    pub mode: u32,
    /// Median of the distances from the median.
    pub median_absolute_deviation: f64,
    /// The smallest.
    pub least: u32,
    /// The largest.
    pub most: u32,
    /// Mean of those that are not far out.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// Those that are not far out, with their counts.
    pub histogram: Vec<(u32, u64)>,
    /// Widths of windows around the median that hold certain shares of the pairs.
    widths: [u64; WIDTHS.len()],
    label: &'static str,
}

impl InsertSizes {
    /// Sizes of every orientation that is common enough. `unique` has no duplicates.
    #[must_use]
    pub fn of(unique: &Tally) -> Vec<Self> {
        let total: u64 = unique.pair_sizes.iter().map(SizeHistogram::total).sum();
        let is_common = |sizes: &SizeHistogram| total > 0 && sizes.total() as f64 >= total as f64 * LEAST_SHARE;
        let common = REPORTED.into_iter().filter(|&orientation| is_common(&unique.pair_sizes[orientation]));
        common.filter_map(|orientation| Self::new(orientation, &unique.pair_sizes[orientation])).collect()
    }

    fn new(orientation: usize, sizes: &SizeHistogram) -> Option<Self> {
        let all: Vec<(u32, u64)> = sizes.iter().collect();
        let (&(least, _), &(most, _)) = (all.first()?, all.last()?);
        let median = median(all.iter().map(|&(size, count)| (f64::from(size), count)));
        // Twice the distance from a median, which may be half a base off, is a whole number.
        let mut distances = BTreeMap::<u64, u64>::new();
        for &(size, count) in &all {
            *distances.entry((2.0 * (f64::from(size) - median).abs()) as u64).or_default() += count;
        }
        let spread = self::median(distances.iter().map(|(&twice, &count)| (twice as f64 / 2.0, count)));
        // Of equal counts the smallest size.
        let mode = all.iter().max_by_key(|&&(size, count)| (count, std::cmp::Reverse(size)))?.0;
        let widest = (median + DEVIATIONS * spread) as u32;
        let histogram: Vec<(u32, u64)> = all.iter().copied().filter(|&(size, _)| size <= widest).collect();
        let (mean, deviation) = mean_and_deviation(&histogram);
        Some(Self {
            orientation: ORIENTATIONS[orientation].0,
            label: ORIENTATIONS[orientation].1,
            pairs: sizes.total(),
            median,
            mode,
            median_absolute_deviation: spread,
            least,
            most,
            mean,
            deviation,
            widths: widths(&all, median),
            histogram,
        })
    }

    /// Picard's metrics file for the orientations of a sample. `program` is a line that says who made it.
    #[must_use]
    pub fn to_text(orientations: &[Self], program: &str) -> String {
        let mut text = format!(
            "## htsjdk.samtools.metrics.StringHeader\n# {program}\n\n## METRICS CLASS\tpicard.analysis.InsertSizeMetrics\n\
             MEDIAN_INSERT_SIZE\tMODE_INSERT_SIZE\tMEDIAN_ABSOLUTE_DEVIATION\tMIN_INSERT_SIZE\tMAX_INSERT_SIZE\t\
             MEAN_INSERT_SIZE\tSTANDARD_DEVIATION\tREAD_PAIRS\tPAIR_ORIENTATION"
        );
        // Writing to a String can't fail.
        for percent in WIDTHS {
            let _ = write!(text, "\tWIDTH_OF_{percent}_PERCENT");
        }
        text.push_str("\tSAMPLE\tLIBRARY\tREAD_GROUP\n");
        for sizes in orientations {
            let [median, spread, mean, deviation] =
                [sizes.median, sizes.median_absolute_deviation, sizes.mean, sizes.deviation].map(six_decimals);
            let (mode, least, most, pairs) = (sizes.mode, sizes.least, sizes.most, sizes.pairs);
            let _ = write!(text, "{median}\t{mode}\t{spread}\t{least}\t{most}\t{mean}\t{deviation}\t{pairs}\t");
            text.push_str(sizes.orientation);
            for width in sizes.widths {
                let _ = write!(text, "\t{width}");
            }
            text.push_str("\t\t\t\n");
        }
        text.push('\n');
        if !orientations.is_empty() {
            append_histogram(orientations, &mut text);
        }
        text
    }
}

/// One column an orientation.
fn append_histogram(orientations: &[InsertSizes], text: &mut String) {
    let mut rows = BTreeMap::<u32, Vec<u64>>::new();
    for (column, sizes) in orientations.iter().enumerate() {
        for &(size, count) in &sizes.histogram {
            rows.entry(size).or_insert_with(|| vec![0; orientations.len()])[column] = count;
        }
    }
    text.push_str("## HISTOGRAM\tjava.lang.Integer\ninsert_size");
    for sizes in orientations {
        let _ = write!(text, "\tAll_Reads.{}_count", sizes.label);
    }
    for (size, counts) in rows {
        let _ = write!(text, "\n{size}");
        for count in counts {
            let _ = write!(text, "\t{count}");
        }
    }
    text.push_str("\n\n");
}

/// The middle of counted values in rising order, or the mean of the two in the middle.
fn median(values: impl Iterator<Item = (f64, u64)> + Clone) -> f64 {
    let total: u64 = values.clone().map(|(_, count)| count).sum();
    let at = |rank: u64| {
        let mut seen = 0;
        let mut found = values.clone().skip_while(|&(_, count)| {
            seen += count;
            seen < rank
        });
        found.next().map_or(0.0, |(value, _)| value)
    };
    (at(total.div_ceil(2)) + at(total / 2 + 1)) / 2.0
}

fn mean_and_deviation(histogram: &[(u32, u64)]) -> (f64, f64) {
    let sum = |of: &dyn Fn(f64) -> f64| histogram.iter().map(|&(size, n)| n as f64 * of(size.into())).sum::<f64>();
    let count = sum(&|_| 1.0);
    let mean = sum(&|size| size) / count;
    (mean, (sum(&|size| (size - mean).powi(2)) / (count - 1.0)).sqrt())
}

/// A window grows from the median by one base to both sides; its width is noted when it holds a share.
fn widths(all: &[(u32, u64)], median: f64) -> [u64; WIDTHS.len()] {
    let counts: BTreeMap<i64, u64> = all.iter().map(|&(size, count)| (size.into(), count)).collect();
    let total: u64 = counts.values().sum();
    let (least, most) = (all[0].0, all[all.len() - 1].0);
    let mut widths = [0; WIDTHS.len()];
    let (mut low, mut high, mut covered) = (median, median, 0);
    while low >= f64::from(least) - 1.0 || high <= f64::from(most) + 1.0 {
        let count = |at: f64| counts.get(&(at as i64)).copied().unwrap_or(0);
        covered += count(low);
        if low != high {
            covered += count(high);
        }
        for (width, percent) in widths.iter_mut().zip(WIDTHS) {
            if *width == 0 && covered as f64 / total as f64 >= percent as f64 / 100.0 {
                *width = (high - low) as u64 + 1;
            }
        }
        if widths[WIDTHS.len() - 1] > 0 {
            break;
        }
        low -= 1.0;
        high += 1.0;
    }
    widths
}
