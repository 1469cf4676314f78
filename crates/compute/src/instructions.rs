//! Plain code, compiled for the instructions of this CPU.

use fearless_simd::{Level, dispatch};

/// The instructions that an engine's SIMD level stands for, such as population counts and wider vectors, for code that is no
/// kernel. They make it faster and change nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Instructions(Level);

impl Instructions {
    pub(crate) fn new(level: Level) -> Self {
        Self(level)
    }

    /// The best that this CPU has.
    #[must_use]
    pub fn detect() -> Self {
        Self(Level::new())
    }

    /// Runs `f`. The compiler may use the instructions in all that is inlined into it, so everything hot should be
    /// `#[inline(always)]`, all the way down.
    #[inline(always)]
    pub fn run<R>(self, f: impl FnOnce() -> R) -> R {
        dispatch!(self.0, _simd => f())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimdLevel;

    #[test]
    fn every_level_gives_the_same() {
        let words: Vec<u64> = (0..100u64).map(|i| i.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        let expected: u32 = words.iter().map(|word| word.count_ones()).sum();
        for level in SimdLevel::available() {
            let instructions = Instructions::new(level.token().unwrap());
            assert_eq!(
                instructions.run(
                    #[inline(always)]
                    || words.iter().map(|word| word.count_ones()).sum::<u32>()
                ),
                expected,
                "{level}"
            );
        }
    }
}
