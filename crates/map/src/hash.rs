//! Hashes that break ties. They depend on the read's name and the placement alone, never on order, thread or run.

use xxhash_rust::xxh3::xxh3_64;

use crate::syncmer::mix64;

/// Hash of a read's name, the same for both mates.
#[must_use]
pub fn name_hash(name: &[u8]) -> u64 {
    xxh3_64(name)
}

/// Decides between equally good placements of a read: the smaller wins.
#[must_use]
pub fn tie_break(name_hash: u64, reverse: bool, position: u64) -> u64 {
    mix64(name_hash ^ mix64(position << 1 | u64::from(reverse)))
}
