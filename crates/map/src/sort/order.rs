//! The order of encoded BAM records.
//!
//! By contig, position and strand, as `samtools sort` does, records without a contig last. Records that are equal in these
//! are ordered by read name, flags and then all their bytes. So the order is total, up to records that are the same, and
//! depends on nothing but the records.

use std::cmp::Ordering;

use svala_io::{EncodedRecord, flags};

/// Contig in the upper half, then 1-based position, then strand. A missing contig is the largest.
pub(super) fn key(record: EncodedRecord<'_>) -> u64 {
    let contig = record.reference().map_or(u64::from(u32::MAX), |contig| contig as u64);
    let position = record.position().map_or(0, |position| u64::from(position) + 1);
    contig << 32 | position << 1 | u64::from(record.flags() & flags::REVERSE != 0)
}

/// Decides between whole records of one key.
pub(super) fn compare_same_key(a: &[u8], b: &[u8]) -> Ordering {
    let fields = |bytes| EncodedRecord::split_first(bytes).map(|(record, _)| (record.name(), record.flags()));
    fields(a).cmp(&fields(b)).then_with(|| a.cmp(b))
}
