//! Bits of the FLAG field (SAM specification v1, section 1.4.2).

/// The template has several reads.
pub const PAIRED: u16 = 0x1;
/// Both mates are aligned as the library makes expected.
pub const PROPER_PAIR: u16 = 0x2;
/// The read is unmapped.
pub const UNMAPPED: u16 = 0x4;
/// The mate is unmapped.
pub const MATE_UNMAPPED: u16 = 0x8;
/// The sequence is reverse-complemented.
pub const REVERSE: u16 = 0x10;
/// The mate's sequence is reverse-complemented.
pub const MATE_REVERSE: u16 = 0x20;
/// The first read of the template.
pub const FIRST: u16 = 0x40;
/// The last read of the template.
pub const LAST: u16 = 0x80;
/// A secondary alignment.
pub const SECONDARY: u16 = 0x100;
/// The read failed quality control.
pub const QC_FAIL: u16 = 0x200;
/// A PCR or optical duplicate.
pub const DUPLICATE: u16 = 0x400;
/// A supplementary alignment.
pub const SUPPLEMENTARY: u16 = 0x800;
