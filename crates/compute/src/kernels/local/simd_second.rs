//! The second score of a group, from its column maxima.

use fearless_simd::{Select, Simd, SimdInt, SimdMask};

use crate::kernels::lanes::{Lane, WIDEST};

/// Columns whose numbers, from 1, and the two beside them fit every lane.
const CHUNK: usize = 254;

/// Where a lane looks for its second score.
#[derive(Clone, Copy, Default)]
pub(super) struct Search {
    /// Columns before this one.
    pub(super) before: usize,
    /// Columns after this one.
    pub(super) after: usize,
    /// The lane's last column.
    pub(super) last: usize,
}

/// For each lane the highest of its maxima where it looks, and the first column, from 1, that has it; 0
/// and 0 if all are 0. `maxima` starts with column 1.
#[inline(always)]
pub(super) fn second<S: Simd, V>(simd: S, maxima: &[V], searches: &[Search; WIDEST]) -> [(usize, usize); WIDEST]
where
    V: SimdInt<S, Element: Lane>,
{
    let zero = V::splat(simd, V::Element::default());
    let mut best = zero;
    let mut found = [(0, 0); WIDEST];
    for (chunk, first) in maxima.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
        // A bound outside the chunk becomes 0 or 255, before or after all its columns.
        let bound = |value: &dyn Fn(&Search) -> usize| {
            let relative = |search| value(search).saturating_sub(first).min(CHUNK + 1);
            V::from_fn(simd, |lane| V::Element::clamp_from(relative(&searches[lane])))
        };
        let (before, after, last) = (bound(&|s| s.before), bound(&|s| s.after), bound(&|s| s.last));
        let mut column = zero;
        for (k, max) in (1..).zip(chunk) {
            let number = V::splat(simd, V::Element::clamp_from(k));
            let valid = (before.simd_gt(number) | number.simd_gt(after)) & last.simd_ge(number);
            let better = valid & max.simd_gt(best);
            column = better.select(number, column);
            best = better.select(*max, best);
        }
        let mut lanes = column.simd_gt(zero).to_bitmask();
        while lanes != 0 {
            let lane = lanes.trailing_zeros() as usize;
            lanes &= lanes - 1;
            found[lane] = (best[lane].get(), first + column[lane].get());
        }
    }
    found
}
