//! Bits of the first byte of what the codecs of CRAM 3.1 make ("CRAM codec specification (version 3.1)", sections 3 and 4).

/// With the byte before as context.
pub(super) const ORDER_1: u8 = 0x01;
/// Of rANS: 32 states.
pub(super) const STATES_32: u8 = 0x04;
/// Of the arithmetic coder: bzip2.
pub(super) const EXTERNAL: u8 = 0x04;
/// Every N-th byte is in one of N streams.
pub(super) const STRIPED: u8 = 0x08;
/// The size isn't said.
pub(super) const NO_SIZE: u8 = 0x10;
/// Not compressed.
pub(super) const STORED: u8 = 0x20;
/// Runs are told by their lengths.
pub(super) const RUNS: u8 = 0x40;
/// Symbols are packed into bits.
pub(super) const PACKED: u8 = 0x80;
