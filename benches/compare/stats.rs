//! Medians and paired ratios of a few noisy rounds.

/// The middle of some values and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Median; the mean of the middle two if the number of values is even.
    pub median: f64,
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
}

impl Spread {
    /// None if there are no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (&low, &high) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median =
            if values.len().is_multiple_of(2) { (values[middle - 1] + values[middle]) / 2.0 } else { values[middle] };
        Some(Self { median, low, high })
    }

    /// The spread of `numerators[i] / denominators[i]`. Pairing by round cancels what slows a whole round, such as another
    /// job on the machine; the ratio of two medians would not. None if the lengths differ or are 0.
    pub fn of_ratios(numerators: &[f64], denominators: &[f64]) -> Option<Self> {
        if numerators.len() != denominators.len() {
            return None;
        }
        Self::of(numerators.iter().zip(denominators).map(|(numerator, denominator)| numerator / denominator))
    }
}
