//! The compression of blocks, undone ("CRAM codec specification (version 3.1)", GA4GH, 2024).
//!
//! Every codec takes the memory that it may use from a [`Room`] before it uses it, so sizes that lie are flaws.

pub(super) mod arithmetic;
pub(super) mod external;
pub(super) mod fqzcomp;
pub(super) mod names;
mod packing;
mod range_coder;
pub(super) mod rans_4x8;
pub(super) mod rans_nx16;

use super::flaw::{Decoded, damaged};

/// How many bytes may still be made of what is compressed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room(pub(super) usize);

impl Room {
    /// Zeros, as many as are wanted.
    fn zeros(&mut self, count: usize) -> Decoded<Vec<u8>> {
        self.take(count)?;
        Ok(vec![0; count])
    }

    /// Counts so many bytes as used.
    pub(super) fn take(&mut self, count: usize) -> Decoded<()> {
        match self.0.checked_sub(count) {
            Some(left) => self.0 = left,
            None => return damaged("it says that it holds far more than its bytes can"),
        }
        Ok(())
    }
}
