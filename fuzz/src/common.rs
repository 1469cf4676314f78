//! Good inputs to change, and their containers.

#[path = "../../tests/common/hostile.rs"]
pub mod hostile;
#[path = "../../tests/common/random.rs"]
mod random;

pub use random::Random;
