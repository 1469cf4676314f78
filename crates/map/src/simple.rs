//! Reads that are one short repeat from end to end, such as (AC)n.
//!
//! Their seeds name thousands of diagonals none of which is better than the next a period on, so they are not worth a close look:
//! whatever it finds has a mapping quality of 0. Reads with some other sequence in them are not meant: that places them.

/// Longest period looked for, in bases.
const MAX_PERIOD: usize = 6;
/// Bases of a hundred that must be as they are a period before. An error costs two.
const LEAST_PERCENT: usize = 90;

/// Whether a read of these codes is a tandem repeat of a short period.
#[must_use]
pub fn is_simple(codes: &[u8]) -> bool {
    let is_periodic = |period: usize| {
        let compared = codes.len().saturating_sub(period);
        let same: usize = codes.iter().zip(&codes[codes.len() - compared..]).map(|(a, b)| usize::from(a == b)).sum();
        compared > 0 && 100 * same >= LEAST_PERCENT * compared
    };
    (1..=MAX_PERIOD).any(is_periodic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_periods_with_errors_are_simple_and_other_reads_are_not() {
        for period in 1..=9 {
            let unit: Vec<u8> = [0u8, 1, 3, 2, 2, 1, 0, 3, 1][..period].to_vec();
            let mut read: Vec<u8> = unit.iter().copied().cycle().take(150).collect();
            assert_eq!(is_simple(&read), period <= MAX_PERIOD, "{period}");
            for at in [10, 30, 50, 70, 90, 110, 130] {
                read[at] = (read[at] + 1) % 4;
            }
            assert_eq!(is_simple(&read), period <= MAX_PERIOD, "{period}");
        }
        assert!(!is_simple(&[]) && !is_simple(&[0]));
        let mixed: Vec<u8> =
            [0, 1].iter().copied().cycle().take(100).chain((0..50).map(|i| (i * i / 7 % 4) as u8)).collect();
        assert!(!is_simple(&mixed));
    }
}
