//! The choice of where jobs run.

use std::fmt;
use std::str::FromStr;

use crate::{Error, GpuCheck, Scoring, SimdLevel};

/// Where an engine runs its jobs. The choice cannot change a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The CPU, and hardware GPUs beside it if there are some. A software GPU only if its number is given.
    #[default]
    Auto,
    /// GPUs, be they software ones, for all that they can take; an error if there is none.
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

/// Which of [`crate::usable_adapters`] an engine opens, for [`Backend::Auto`] and [`Backend::Gpu`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Adapters {
    /// The best one, and all others that are of its kind and driven through the same interface.
    #[default]
    Best,
    /// All that work.
    All,
    /// Those with these numbers, 0-based. One that is named twice is opened twice.
    Numbers(Vec<usize>),
}

impl FromStr for Adapters {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "best" => Ok(Adapters::Best),
            "all" => Ok(Adapters::All),
            _ => {
                let numbers = text.split(',').map(|number| number.parse().ok()).collect();
                let wrong = || Error::Name { what: "adapters", name: text.to_owned(), expected: "best, all, 0,1,..." };
                Ok(Adapters::Numbers(Option::ok_or_else(numbers, wrong)?))
            }
        }
    }
}

impl fmt::Display for Adapters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Adapters::Best => f.write_str("best"),
            Adapters::All => f.write_str("all"),
            Adapters::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
                f.write_str(&numbers.join(","))
            }
        }
    }
}

/// In what width devices run `Extend`. The choice cannot change a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// 32 bits, until the packed form has run on hardware: so far it is proved on a software device, where half floats are slow.
    #[default]
    Auto,
    /// One job an invocation, in 32 bits.
    I32,
    /// Two jobs an invocation, in the 16-bit halves of a word, for all jobs that fit there. A device that can't is in
    /// [`crate::Engine::unpacked_devices`] and runs 32 bits.
    Packed,
}

/// How to build an [`crate::Engine`].
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// Where jobs run.
    pub backend: Backend,
    /// The scoring scheme of every batch.
    pub scoring: Scoring,
    /// Force this SIMD level; `None` takes the best one.
    pub simd: Option<SimdLevel>,
    /// The devices to open.
    pub adapters: Adapters,
    /// In what width devices run `Extend`.
    pub precision: Precision,
    /// How many of the jobs that devices answer are checked on the CPU.
    pub check: GpuCheck,
    /// Cells of every chunk that CPU and devices take from a batch, in place of what is best; for tests.
    #[doc(hidden)]
    pub chunk_cells: Option<u64>,
    /// Bytes of a binding of the resident reference, in place of what the device can bind; for tests.
    #[doc(hidden)]
    pub piece_bytes: Option<u64>,
    /// Whether [`Backend::Auto`] takes software GPUs as it takes hardware; for tests.
    #[doc(hidden)]
    pub software: bool,
    /// A shader's name and its text, in place of the right one; for tests.
    #[doc(hidden)]
    pub shader: Option<(&'static str, String)>,
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
        for name in ["best", "all", "0", "3,0,0"] {
            assert_eq!(name.parse::<Adapters>().unwrap().to_string(), name);
        }
        for wrong in ["", "any", "1,", "-1", "1 2"] {
            assert!(wrong.parse::<Adapters>().is_err(), "{wrong}");
        }
    }
}
