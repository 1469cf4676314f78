//! Orders of encoded BAM records. They are total, up to records that are the same in every byte, and depend on nothing but the
//! records.

use std::cmp::Ordering;

use svala_io::{EncodedRecord, flags};

/// An order: by a key, and between records of one key by more.
pub trait Order: Default {
    /// What is compared first.
    fn key(record: EncodedRecord<'_>) -> u64;

    /// Decides between whole records of one key.
    fn compare_same_key(a: &[u8], b: &[u8]) -> Ordering;
}

/// By contig, position and strand, as `samtools sort` does, records without a contig last. Records that are equal in these are
/// ordered by read name, flags and then all their bytes.
#[derive(Debug, Default)]
pub struct ByPlace;

impl Order for ByPlace {
    /// Contig in the upper half, then 1-based position, then strand. A missing contig is the largest.
    fn key(record: EncodedRecord<'_>) -> u64 {
        let contig = record.reference().map_or(u64::from(u32::MAX), |contig| contig as u64);
        let position = record.position().map_or(0, |position| u64::from(position) + 1);
        contig << 32 | position << 1 | u64::from(record.flags() & flags::REVERSE != 0)
    }

    fn compare_same_key(a: &[u8], b: &[u8]) -> Ordering {
        let fields = |bytes| EncodedRecord::split_first(bytes).map(|(record, _)| (record.name(), record.flags()));
        fields(a).cmp(&fields(b)).then_with(|| a.cmp(b))
    }
}

/// By read name, as `samtools sort -n` does: digits count as numbers, and of the same numbers that with more leading zeros comes first.
/// Of a template, the first read comes before the last. Where samtools then keeps the order of the input, the primary record comes before
/// supplementary and then secondary ones, and all their bytes decide.
#[derive(Debug, Default)]
pub struct ByName;

impl Order for ByName {
    fn key(_: EncodedRecord<'_>) -> u64 {
        0
    }

    fn compare_same_key(a: &[u8], b: &[u8]) -> Ordering {
        let record = |bytes| EncodedRecord::split_first(bytes).map(|(record, _)| record);
        let (Some(own), Some(other)) = (record(a), record(b)) else { return a.cmp(b) };
        let role = |record: EncodedRecord<'_>| {
            let bits = record.flags();
            (bits & (flags::FIRST | flags::LAST), bits & flags::SECONDARY, bits & flags::SUPPLEMENTARY)
        };
        compare_names(own.name(), other.name()).then_with(|| role(own).cmp(&role(other))).then_with(|| a.cmp(b))
    }
}

/// Compares texts in which runs of digits stand for numbers.
fn compare_names(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while let ([first, rest @ ..], [other_first, other_rest @ ..]) = (a, b) {
        if first.is_ascii_digit() && other_first.is_ascii_digit() {
            let ((zeros, number), (other_zeros, other_number));
            (zeros, number, a) = split_number(a);
            (other_zeros, other_number, b) = split_number(b);
            let numbers = number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number));
            match numbers.then(other_zeros.cmp(&zeros)) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        } else if first == other_first {
            (a, b) = (rest, other_rest);
        } else {
            return first.cmp(other_first);
        }
    }
    a.len().cmp(&b.len())
}

/// How many zeros a text starts with, the digits after them, and what follows.
fn split_number(text: &[u8]) -> (usize, &[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    (zeros, &digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_in_names_are_numbers() {
        let ordered = [
            "",
            "00",
            "0",
            "1",
            "9",
            "010b",
            "10",
            "10b",
            "a",
            "a001:3",
            "a01:1",
            "a1:2",
            "a1:10",
            "a2",
            "a2b",
            "a12",
            "a99999999999999999999",
            "ab",
            "b",
        ];
        for (i, a) in ordered.iter().enumerate() {
            for (j, b) in ordered.iter().enumerate() {
                assert_eq!(compare_names(a.as_bytes(), b.as_bytes()), i.cmp(&j), "{a} {b}");
            }
        }
    }
}
