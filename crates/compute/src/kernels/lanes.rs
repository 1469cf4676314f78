//! Lanes: what the kernels need of a SIMD vector's element, and how sequences get into lanes.

use fearless_simd::{Simd, SimdBase, SimdElement, SimdInt, u8x16};

use crate::Scoring;

/// An element of the vectors that kernels run in.
pub(crate) trait Lane: SimdElement {
    /// The largest value of an element.
    const LARGEST: usize;

    /// The value as an element, at most [`Lane::LARGEST`].
    fn clamp_from(value: usize) -> Self;

    /// A byte as an element.
    fn widen(value: u8) -> Self;

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
            fn widen(value: u8) -> Self {
                value.into()
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

/// Sequences side by side: vector p holds base p of every sequence.
///
/// Vectors and not elements are stored, so that they are aligned: one that lies across two cache
/// lines costs two accesses.
pub(crate) struct Columns<V> {
    pub(crate) vectors: Vec<V>,
    /// The same in bytes, rows and lanes rounded up to whole tiles.
    bytes: Vec<u8>,
}

impl<V> Default for Columns<V> {
    fn default() -> Self {
        Columns { vectors: Vec::new(), bytes: Vec::new() }
    }
}

/// Sequences and bases that are transposed at once: one 16-byte vector a sequence.
const TILE: usize = 16;

impl<V> Columns<V> {
    /// Transposes at most as many sequences as there are lanes; `padding` is where a sequence has no base up to `length`.
    ///
    /// A store a base would take a sixth of a kernel's time. Four rounds of interleaving vector k with
    /// vector k + 8 transpose a tile of 16 x 16 bytes instead.
    #[inline(always)]
    pub(crate) fn fill<'a, S: Simd>(
        &mut self,
        simd: S,
        length: usize,
        mut sequences: impl Iterator<Item = &'a [u8]>,
        padding: u8,
    ) where
        V: SimdInt<S, Element: Lane>,
    {
        let lanes = V::LEN;
        let stride = lanes.next_multiple_of(TILE);
        self.bytes.resize(length.next_multiple_of(TILE) * stride, padding);
        for first_lane in (0..lanes).step_by(TILE) {
            let mut tile: [&[u8]; TILE] = [&[]; TILE];
            for sequence in &mut tile[..TILE.min(lanes - first_lane)] {
                *sequence = sequences.next().unwrap_or(&[]);
            }
            for row in (0..length).step_by(TILE) {
                let at = row * stride + first_lane;
                transpose(simd, &tile, row, &mut self.bytes[at..], (stride, padding));
            }
        }
        self.vectors.clear();
        for row in self.bytes.chunks_exact(stride).take(length) {
            let mut vector = V::splat(simd, V::Element::default());
            for (lane, &code) in vector.as_mut_slice().iter_mut().zip(row) {
                *lane = V::Element::widen(code);
            }
            self.vectors.push(vector);
        }
    }
}

/// Writes bases `row..row + TILE` of the tile's sequences to `out`, rows `stride` apart.
#[inline(always)]
fn transpose<S: Simd>(simd: S, tile: &[&[u8]; TILE], row: usize, out: &mut [u8], (stride, padding): (usize, u8)) {
    let mut vectors = [u8x16::splat(simd, padding); TILE];
    for (vector, sequence) in vectors.iter_mut().zip(tile) {
        if let Some(bases) = sequence.get(row..row + TILE) {
            *vector = u8x16::from_slice(simd, bases);
        } else if let Some(rest) = sequence.get(row..) {
            let mut bases = [padding; TILE];
            bases[..rest.len()].copy_from_slice(rest);
            *vector = u8x16::from_slice(simd, &bases);
        }
    }
    for _ in 0..4 {
        let before = vectors;
        for k in 0..TILE / 2 {
            vectors[2 * k] = before[k].zip_low(before[k + TILE / 2]);
            vectors[2 * k + 1] = before[k].zip_high(before[k + TILE / 2]);
        }
    }
    for (k, vector) in vectors.iter().enumerate() {
        vector.store_slice(&mut out[k * stride..k * stride + TILE]);
    }
}

/// Bytes of the widest vector there is, and so the most lanes.
pub(crate) const WIDEST: usize = 64;

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

    /// Whether both kinds of gap open at one cost, for which the kernels have a shorter loop.
    pub(crate) fn one_opening(&self) -> bool {
        let first = |open: u8, extend: u8| u16::from(open) + u16::from(extend);
        let scoring = self.scoring;
        first(scoring.deletion_open, scoring.deletion_extend) == first(scoring.insertion_open, scoring.insertion_extend)
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

#[cfg(test)]
mod tests {
    use fearless_simd::dispatch;

    use super::*;
    use crate::SimdLevel;

    fn both_widths<S: Simd>(simd: S, length: usize) {
        check::<S, S::u8s>(simd, length);
        check::<S, S::u16s>(simd, length);
    }

    fn check<S: Simd, V: SimdInt<S, Element: Lane>>(simd: S, length: usize) {
        // One lane is left over, and the sequences end at different places.
        let sequence = |k: usize| (0..length - length.min(k % 3)).map(|p| ((p * 7 + k) % 5) as u8).collect();
        let sequences: Vec<Vec<u8>> = (0..V::LEN - 1).map(sequence).collect();
        let mut columns = Columns::<V>::default();
        columns.fill(simd, length, sequences.iter().map(Vec::as_slice), 9);
        assert_eq!(columns.vectors.len(), length);
        for (p, vector) in columns.vectors.iter().enumerate() {
            for (k, found) in vector.as_slice().iter().enumerate() {
                let base = sequences.get(k).and_then(|sequence| sequence.get(p));
                assert_eq!(found.get(), base.map_or(9, |&base| base.into()), "base {p} of {k} in {} lanes", V::LEN);
            }
        }
    }

    /// Every base is where it belongs, at lengths and sequence counts around a tile's edges.
    #[test]
    fn transposing() {
        for level in SimdLevel::available() {
            for length in [0, 1, 15, 16, 17, 31, 32, 33, 150] {
                let Some(token) = level.token() else { continue };
                dispatch!(token, simd => both_widths(simd, length));
            }
        }
    }
}
