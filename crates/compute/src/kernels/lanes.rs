//! Lanes: what the kernels need of a SIMD vector's element, and how sequences get into lanes.

use fearless_simd::SimdElement;

/// An element of the vectors that extension runs in.
pub(crate) trait Lane: SimdElement {
    /// The largest value of an element.
    const LARGEST: usize;

    /// The value as an element, at most [`Lane::LARGEST`].
    fn clamp_from(value: usize) -> Self;

    /// The element's value.
    fn get(self) -> usize;
}

macro_rules! lane {
    ($type:ty) => {
        impl Lane for $type {
            const LARGEST: usize = <$type>::MAX as usize;

            #[inline(always)]
            fn clamp_from(value: usize) -> Self {
                value.min(Self::LARGEST) as $type
            }

            #[inline(always)]
            fn get(self) -> usize {
                self as usize
            }
        }
    };
}

lane!(u8);
lane!(u16);
lane!(i16);

/// Transposes `sequences` into `columns`: base p of sequence k at `p * lanes + k`, 0 where there is
/// none. Padding bases are never looked at: cells beyond a lane's lengths are masked.
#[inline(always)]
pub(crate) fn interleave<'a, L: Lane>(
    columns: &mut Vec<L>,
    lanes: usize,
    length: usize,
    sequences: impl Iterator<Item = &'a [u8]>,
) {
    columns.clear();
    columns.resize(length * lanes, L::default());
    for (lane, sequence) in sequences.enumerate() {
        let slots = columns[lane..].iter_mut().step_by(lanes);
        for (slot, &code) in slots.zip(sequence) {
            *slot = L::clamp_from(usize::from(code));
        }
    }
}

/// How much a pair of bases loses against a match, for every XOR of codes: with the target's
/// ambiguous code moved from 4 to 8, 0 is a match, 1 to 3 a mismatch, the rest ambiguous.
pub(crate) fn penalty_table(scoring: &crate::Scoring) -> [u8; 16] {
    let mut table = [scoring.match_score + scoring.ambiguous; 16];
    table[0] = 0;
    table[1..4].fill(scoring.match_score + scoring.mismatch);
    table
}
