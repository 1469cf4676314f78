//! SIMD levels: what this CPU has, and the token that proves it.

use std::fmt;
use std::str::FromStr;

use fearless_simd::{Fallback, Level};

use crate::Error;

/// An instruction set that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SimdLevel {
    /// AVX-512 as on Ice Lake and Zen 4 (with BW and VBMI).
    Avx512,
    /// AVX2.
    Avx2,
    /// SSE4.2.
    Sse42,
    /// 64-bit Arm's NEON.
    Neon,
    /// Plain code, on every CPU.
    Portable,
}

impl SimdLevel {
    /// Every level, best first.
    pub const ALL: [SimdLevel; 5] =
        [SimdLevel::Avx512, SimdLevel::Avx2, SimdLevel::Sse42, SimdLevel::Neon, SimdLevel::Portable];

    /// The best level of this CPU.
    pub fn detect() -> SimdLevel {
        let found = SimdLevel::ALL.into_iter().find(|level| level.token().is_some());
        found.unwrap_or(SimdLevel::Portable)
    }

    /// All levels of this CPU, best first. It always ends with [`SimdLevel::Portable`].
    pub fn available() -> Vec<SimdLevel> {
        SimdLevel::ALL.into_iter().filter(|level| level.token().is_some()).collect()
    }

    /// The token that proves that this CPU has the level, if it does.
    pub(crate) fn token(self) -> Option<Level> {
        match self {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            SimdLevel::Avx512 => Level::new().as_avx512().map(Level::Avx512),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            SimdLevel::Avx2 => Level::new().as_avx2().map(Level::Avx2),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            SimdLevel::Sse42 => Level::new().as_sse4_2().map(Level::Sse4_2),
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => Level::new().as_neon().map(Level::Neon),
            SimdLevel::Portable => Some(Level::Fallback(Fallback::new())),
            #[allow(unreachable_patterns, reason = "which levels exist depends on the target")]
            _ => None,
        }
    }

    /// The name as engineers write it, for reports.
    pub(crate) fn title(self) -> &'static str {
        match self {
            SimdLevel::Avx512 => "AVX-512",
            SimdLevel::Avx2 => "AVX2",
            SimdLevel::Sse42 => "SSE4.2",
            SimdLevel::Neon => "NEON",
            SimdLevel::Portable => "portable",
        }
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SimdLevel::Avx512 => "avx512",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Sse42 => "sse4.2",
            SimdLevel::Neon => "neon",
            SimdLevel::Portable => "portable",
        })
    }
}

impl FromStr for SimdLevel {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = SimdLevel::ALL.into_iter().find(|level| level.to_string() == name);
        found.ok_or_else(|| Error::Name {
            what: "SIMD level",
            name: name.to_owned(),
            expected: "avx512, avx2, sse4.2, neon, portable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for level in SimdLevel::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert!("mmx".parse::<SimdLevel>().is_err());
    }

    #[test]
    fn the_best_level_is_available() {
        let available = SimdLevel::available();
        assert_eq!(available.first(), Some(&SimdLevel::detect()));
        assert_eq!(available.last(), Some(&SimdLevel::Portable));
    }
}
