//! Mapping quality, with bwa's meaning and formulas (Li 2013), on integers only.
//!
//! Fixed point with 16 fractional bits; logarithms come from repeated squaring, so that every machine gets the same value.

use crate::options::MapOptions;

/// Highest mapping quality.
pub const MAX_MAPQ: i32 = 60;

/// 1 in fixed point.
pub const ONE: i64 = 1 << 16;
/// 6.02 in fixed point.
const SIX: i64 = 394_527;
/// Alignments up to this length are not scaled down.
const SHORT: u32 = 50;
const LN_SHORT: i64 = natural_log(SHORT);

/// What decides the mapping quality of one alignment by itself.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// Its score.
    pub score: i32,
    /// The best score of a rival for the same bases.
    pub rival_score: i32,
    /// Rivals nearly as good as the best.
    pub near_rivals: u32,
    /// Aligned bases, of the read or the reference, whichever are more.
    pub span: u32,
    /// Share of the read under repetitive seeds, in units of 1/65,536.
    pub repetitive_share: i64,
}

/// Mapping quality of a read on its own.
#[must_use]
pub fn single(evidence: Evidence, options: &MapOptions) -> i32 {
    let a = options.match_score();
    let rival = evidence.rival_score.max(options.score_floor());
    let lead = i64::from(evidence.score - rival);
    if lead <= 0 || evidence.span == 0 {
        return 0;
    }
    let span = i64::from(evidence.span);
    let lost = (span * i64::from(a) - i64::from(evidence.score)).max(0);
    let identity = (ONE - lost * ONE / (i64::from(a + options.mismatch()) * span)).max(0);
    let shrink = if evidence.span < SHORT { ONE } else { LN_SHORT * ONE / natural_log(evidence.span) };
    let factor = shrink * identity / ONE * identity / ONE;
    let quality = SIX * lead / i64::from(a) * factor / ONE * factor / ONE;
    let quality = (quality + ONE / 2) / ONE - rivals_penalty(evidence.near_rivals);
    clear(quality, evidence.repetitive_share)
}

/// Mapping quality that a lead in score is worth, for pairs.
#[must_use]
pub fn from_lead(lead: i32, near_rivals: u32, repetitive_share: i64, options: &MapOptions) -> i32 {
    let quality =
        (SIX * i64::from(lead) / i64::from(options.match_score()) + ONE / 2) / ONE - rivals_penalty(near_rivals);
    clear(quality, repetitive_share)
}

/// A quality within its bounds. As in bwa, the share of the read under repetitive seeds counts against it, for copies that were
/// not looked at; a lead that is beyond doubt bears that.
fn clear(quality: i64, repetitive_share: i64) -> i32 {
    (quality * (ONE - repetitive_share) / ONE).clamp(0, i64::from(MAX_MAPQ)) as i32
}

/// A mate's final quality: its own, lifted by the pair's, but by 40 at the most.
#[must_use]
pub fn with_mate(own: i32, pair: i32) -> i32 {
    own.max(pair.min(own + 40)).min(MAX_MAPQ)
}

/// 10 log10(n + 1).
fn rivals_penalty(near_rivals: u32) -> i64 {
    let ln = natural_log(near_rivals.saturating_add(1));
    (ln * 4343 / 1000 + ONE / 2) / ONE
}

/// Natural logarithm of `x` ≥ 1 in fixed point.
const fn natural_log(x: u32) -> i64 {
    const LN_2: u64 = 45_426;
    let x = if x == 0 { 1 } else { x as u64 };
    let whole = x.ilog2();
    let mut mantissa = (x << 31) >> whole;
    let mut log2 = (whole as u64) << 16;
    // A power of two has no further bits.
    let mut bit = if mantissa == 1 << 31 { 0 } else { 16 };
    while bit > 0 {
        bit -= 1;
        mantissa = (mantissa * mantissa) >> 31;
        if mantissa >= 1 << 32 {
            log2 |= 1 << bit;
            mantissa >>= 1;
        }
    }
    ((log2 * LN_2) >> 16) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right_to_three_digits() {
        for x in [1u32, 2, 3, 10, 50, 100, 150, 500, 1024, 65_535] {
            let got = natural_log(x) as f64 / 65_536.0;
            assert!((got - f64::from(x).ln()).abs() < 1e-3, "{x}: {got}");
        }
    }

    /// The same formula in floating point.
    fn bwa(evidence: Evidence) -> f64 {
        let l = f64::from(evidence.span);
        let sub = evidence.rival_score.max(19);
        let identity = 1.0 - (l - f64::from(evidence.score)) / 5.0 / l;
        let tmp = if l < 50.0 { 1.0 } else { 50f64.ln() / l.ln() } * identity * identity;
        let n = f64::from(evidence.near_rivals + 1);
        (6.02 * f64::from(evidence.score - sub) * tmp * tmp - 4.343 * n.ln()).clamp(0.0, 60.0)
    }

    #[test]
    fn single_agrees_with_the_formula_in_floating_point() {
        for span in [30, 49, 50, 75, 100, 150, 250, 500] {
            for lost in [0, 5, 10, 20] {
                for lead in 0..30 {
                    for near_rivals in [0, 1, 5] {
                        let score = span as i32 - lost;
                        let e = Evidence { score, rival_score: score - lead, near_rivals, span, repetitive_share: 0 };
                        let got = single(e, &MapOptions::default());
                        assert!((f64::from(got) - bwa(e)).abs() <= 1.6, "{e:?}: {got}, {}", bwa(e));
                    }
                }
            }
        }
    }

    #[test]
    fn unique_is_sixty_and_equal_is_zero() {
        let options = MapOptions::default();
        let unique = Evidence { score: 150, rival_score: 0, near_rivals: 0, span: 150, repetitive_share: 0 };
        assert_eq!(single(unique, &options), 60);
        assert_eq!(single(Evidence { rival_score: 150, near_rivals: 1, ..unique }, &options), 0);
        assert_eq!(with_mate(0, 60), 40);
        assert_eq!(with_mate(50, 10), 50);
    }

    #[test]
    fn repetitive_seeds_lower_a_small_lead_and_not_a_large_one() {
        let options = MapOptions::default();
        let close = Evidence { score: 75, rival_score: 70, near_rivals: 1, span: 75, repetitive_share: 0 };
        let (sure, doubtful) =
            (single(close, &options), single(Evidence { repetitive_share: ONE / 2, ..close }, &options));
        assert!(sure >= 20 && doubtful == sure / 2, "{sure}, {doubtful}");
        let unique = Evidence { rival_score: 0, near_rivals: 0, ..close };
        assert_eq!(single(Evidence { repetitive_share: ONE / 2, ..unique }, &options), MAX_MAPQ);
        assert_eq!(from_lead(5, 0, ONE / 2, &options), from_lead(5, 0, 0, &options) / 2);
    }
}
