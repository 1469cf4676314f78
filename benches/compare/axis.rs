//! Linear axes with round numbers at their ticks.

/// An axis from the first to the last tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Values at the ticks, ascending; at least two.
    pub ticks: Vec<f64>,
    /// Decimals that tell neighbouring ticks apart.
    pub decimals: usize,
}

impl Axis {
    /// An axis that covers `low` to `high` with about `wanted` steps of 1, 2 or 5 times a power of ten. A range of no
    /// width gets an axis around it.
    pub fn covering(low: f64, high: f64, wanted: usize) -> Self {
        let spare = if high > low { 0.0 } else { low.abs().max(1e-3) * 0.01 };
        let (low, high) = (low - spare, high + spare);
        let rough = (high - low) / wanted.max(1) as f64;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&step| step >= rough * 0.999);
        let step = step.unwrap_or(10.0 * power);
        // Ticks are whole multiples of the step; a hair of tolerance keeps 0.3 / 0.1 from becoming 2.
        let (first, last) = ((low / step + 1e-6).floor(), (high / step - 1e-6).ceil());
        let ticks = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        Self { ticks, decimals: (-step.log10() - 1e-6).ceil().max(0.0) as usize }
    }

    /// Where `value` lies on the axis: 0 at the first tick, 1 at the last.
    pub fn share(&self, value: f64) -> f64 {
        match (self.ticks.first(), self.ticks.last()) {
            (Some(first), Some(last)) if last > first => (value - first) / (last - first),
            _ => 0.5,
        }
    }
}
