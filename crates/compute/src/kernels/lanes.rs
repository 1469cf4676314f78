//! Lanes: what the kernels need of a SIMD vector's element, and how sequences get into lanes.

use fearless_simd::{Simd, SimdBase, SimdElement, SimdInt};

use crate::Scoring;

/// An element of the vectors that kernels run in.
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
        let slots = columns.iter_mut().skip(lane).step_by(lanes);
        for (slot, &code) in slots.zip(sequence) {
            *slot = L::clamp_from(usize::from(code));
        }
    }
}

/// Bytes of the widest vector there is.
const WIDEST: usize = 64;

/// A batch with what its lanes need to know of the scoring scheme.
pub(crate) struct Task<'a, B> {
    pub(crate) batch: &'a B,
    pub(crate) scoring: &'a Scoring,
    /// How much a pair of bases loses against a match, for every XOR of codes, once per 16 bytes. With
    /// the target's ambiguous code moved from 4 to 8, 0 is a match, 1 to 3 a mismatch, the rest
    /// ambiguous. It is made outside the kernels: where the compiler sees its parts, it puts them
    /// together again in the inner loop.
    penalties: [u8; WIDEST],
}

impl<'a, B> Task<'a, B> {
    pub(crate) fn new(batch: &'a B, scoring: &'a Scoring) -> Self {
        let penalty = |pair: usize| match pair {
            0 => 0,
            1..4 => scoring.match_score + scoring.mismatch,
            _ => scoring.match_score + scoring.ambiguous,
        };
        Task { batch, scoring, penalties: std::array::from_fn(|k| penalty(k % 16)) }
    }

    /// The penalties as a shuffle table. Lanes wider than a byte have 0 in their upper bytes, which
    /// looks up a 0.
    #[inline(always)]
    pub(crate) fn penalties<S: Simd, V>(&self, simd: S) -> V
    where
        V: SimdInt<S, ByteVector = S::u8s>,
    {
        V::from_bytes(S::u8s::from_slice(simd, &self.penalties[..<S::u8s as SimdBase<S>>::LEN]))
    }
}
