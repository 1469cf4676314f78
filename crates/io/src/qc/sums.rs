//! How many records there are, and a digest that does not depend on their order.

use xxhash_rust::xxh3::xxh3_128;

use crate::{EncodedRecord, flags};

/// Counts and digest of a set of records.
///
/// The digest is the sum, modulo 2^128, of the XXH3-128 hashes (Y. Collet, seed 0) of all records, each hash over the record's
/// BAM form (SAM specification v1, section 4.2) from `refID` to its last tag, so without `block_size`. Sums have no order, so the
/// digest is the same for any order of the records and any division of work; flags are part of the record, that of duplicates
/// too. It guards against loss and damage, not against somebody who makes a fitting file on purpose: that is for the SHA-256.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RecordSums {
    /// Records.
    pub records: u64,
    /// Those that are neither secondary nor supplementary: one a read.
    pub primary: u64,
    /// Bases of those, and so of the reads.
    pub bases: u64,
    /// Records of duplicates.
    pub duplicates: u64,
    /// The digest.
    pub digest: u128,
}

impl RecordSums {
    /// Counts a record.
    pub fn add(&mut self, record: EncodedRecord<'_>) {
        self.records += 1;
        if record.flags() & (flags::SECONDARY | flags::SUPPLEMENTARY) == 0 {
            self.primary += 1;
            self.bases += record.sequence_length() as u64;
        }
        self.duplicates += u64::from(record.flags() & flags::DUPLICATE != 0);
        self.digest = self.digest.wrapping_add(xxh3_128(&record.bytes()[size_of::<u32>()..]));
    }

    /// Counts other records as well.
    pub fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.primary += other.primary;
        self.bases += other.bases;
        self.duplicates += other.duplicates;
        self.digest = self.digest.wrapping_add(other.digest);
    }

    /// Takes back records that were counted.
    pub fn subtract(&mut self, other: &Self) {
        self.records = self.records.saturating_sub(other.records);
        self.primary = self.primary.saturating_sub(other.primary);
        self.bases = self.bases.saturating_sub(other.bases);
        self.duplicates = self.duplicates.saturating_sub(other.duplicates);
        self.digest = self.digest.wrapping_sub(other.digest);
    }
}
