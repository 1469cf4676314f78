//! The generator of jobs' raw material: numbers, bases, and related sequences.

/// SplitMix64 (Steele, Lea and Flood 2014, *Fast splittable pseudorandom number generators*).
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Bases drawn from the first `letters` codes.
    pub(super) fn bases(&mut self, length: usize, letters: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(letters) as u8).collect()
    }

    /// A random unit of at most `longest` bases, over and over.
    pub(super) fn repeat(&mut self, longest: usize, length: usize) -> Vec<u8> {
        let unit_length = 1 + self.below(longest);
        let unit = self.bases(unit_length, 4);
        unit.into_iter().cycle().take(length).collect()
    }

    /// `sequence` with substitutions and indels, one edit in `spacing` bases on average.
    pub(super) fn mutate(&mut self, sequence: &[u8], spacing: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(sequence.len() + 16);
        for &base in sequence {
            match self.below(4 * spacing) {
                0..2 => out.push(self.below(4) as u8),
                2 => {}
                3 => {
                    let length = 1 + self.below(12);
                    out.extend(self.bases(length, 4));
                    out.push(base);
                }
                _ => out.push(base),
            }
        }
        out
    }
}
