//! The choice of where jobs run.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Scoring, SimdLevel};

/// Where an engine runs its jobs. The choice cannot change a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// A hardware GPU if one is usable, else the CPU. Never a software GPU.
    #[default]
    Auto,
    /// A GPU, be it a software one; an error if there is none.
    Gpu,
    /// SIMD on the CPU.
    Cpu,
    /// The scalar reference: slow, and the oracle of all others.
    Scalar,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Backend::Auto => "auto",
            Backend::Gpu => "gpu",
            Backend::Cpu => "cpu",
            Backend::Scalar => "scalar",
        })
    }
}

impl FromStr for Backend {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [Backend::Auto, Backend::Gpu, Backend::Cpu, Backend::Scalar];
        all.into_iter().find(|backend| backend.to_string() == name).ok_or_else(|| Error::Name {
            what: "backend",
            name: name.to_owned(),
            expected: "auto, gpu, cpu, scalar",
        })
    }
}

/// How to build an [`crate::Engine`].
#[derive(Debug, Clone, Copy, Default)]
pub struct EngineOptions {
    /// Where jobs run.
    pub backend: Backend,
    /// The scoring scheme of every batch.
    pub scoring: Scoring,
    /// Force this SIMD level; `None` takes the best one.
    pub simd: Option<SimdLevel>,
    /// Take this adapter of [`crate::usable_adapters`], 0-based, for `Auto` and `Gpu`.
    pub adapter: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for name in ["auto", "gpu", "cpu", "scalar"] {
            assert_eq!(name.parse::<Backend>().unwrap().to_string(), name);
        }
        assert!("GPU".parse::<Backend>().is_err());
    }
}
