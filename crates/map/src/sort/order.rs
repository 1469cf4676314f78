//! The order of encoded BAM records.
//!
//! By contig, position and strand, as `samtools sort` does, records without a contig last. Records that are equal in these
//! are ordered by read name, flags and then all their bytes. So the order is total, up to records that are the same, and
//! depends on nothing but the records.

use std::cmp::Ordering;

/// Bytes of a record before its name: `block_size` and the fixed fields (SAM specification v1, section 4.2).
pub(super) const FIXED_BYTES: usize = 36;
const FLAGS_AT: usize = 18;
const REVERSE: u16 = 0x10;

/// Bytes of the record at the start of `bytes`, with its `block_size`; none if it is not all there.
pub(super) fn record_bytes(bytes: &[u8]) -> Option<usize> {
    let size = 4 + u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    (size >= FIXED_BYTES && size <= bytes.len()).then_some(size)
}

/// Contig in the upper half, then 1-based position, then strand. A missing contig, -1, is the largest.
pub(super) fn key(record: &[u8]) -> u64 {
    let number = |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
    let position = number(8).wrapping_add(1);
    let reverse = flags(record) & REVERSE != 0;
    u64::from(number(4)) << 32 | u64::from(position << 1 | u32::from(reverse))
}

/// Decides between records of one key.
pub(super) fn compare_same_key(a: &[u8], b: &[u8]) -> Ordering {
    name(a).cmp(name(b)).then(flags(a).cmp(&flags(b))).then(a.cmp(b))
}

fn flags(record: &[u8]) -> u16 {
    u16::from_le_bytes([record[FLAGS_AT], record[FLAGS_AT + 1]])
}

fn name(record: &[u8]) -> &[u8] {
    let end = (FIXED_BYTES + usize::from(record[12])).min(record.len());
    &record[FIXED_BYTES..end]
}
