//! A batch of reads as a struct of arrays.

use std::{fmt, ops::Range};

/// Reads in flat byte arenas: no allocation a read, and contiguous for the stages after it.
///
/// The mates of a pair are adjacent: reads `2 i` and `2 i + 1`. All reads of a batch belong to one read group, or to none.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct ReadBatch {
    names: Vec<u8>,
    bases: Vec<u8>,
    qualities: Vec<u8>,
    /// End of each read's name in `names`.
    name_ends: Vec<usize>,
    /// End of each read's bases in `bases` and of its qualities in `qualities`.
    base_ends: Vec<usize>,
    barcodes: Vec<u8>,
    /// End of each read's barcode in `barcodes`; empty where reads have none.
    barcode_ends: Vec<usize>,
    read_group: Option<usize>,
}

impl ReadBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Removes all reads and keeps the memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.bases.clear();
        self.qualities.clear();
        self.name_ends.clear();
        self.base_ends.clear();
        self.barcodes.clear();
        self.barcode_ends.clear();
        self.read_group = None;
    }

    /// Number of reads; a pair counts as two.
    pub fn len(&self) -> usize {
        self.name_ends.len()
    }

    /// Whether there is no read.
    pub fn is_empty(&self) -> bool {
        self.name_ends.is_empty()
    }

    /// Sum of the read lengths, in bases.
    pub fn total_bases(&self) -> usize {
        self.bases.len()
    }

    /// Name of read `i`, without comment and without `/1` or `/2`.
    ///
    /// # Panics
    ///
    /// If there is no read `i`.
    pub fn name(&self, i: usize) -> &[u8] {
        &self.names[range_at(&self.name_ends, i)]
    }

    /// Bases of read `i`: upper-case ASCII.
    ///
    /// # Panics
    ///
    /// If there is no read `i`.
    pub fn bases(&self, i: usize) -> &[u8] {
        &self.bases[range_at(&self.base_ends, i)]
    }

    /// Qualities of read `i`: ASCII, Phred + 33, as many as bases.
    ///
    /// # Panics
    ///
    /// If there is no read `i`.
    pub fn qualities(&self, i: usize) -> &[u8] {
        &self.qualities[range_at(&self.base_ends, i)]
    }

    /// Unique molecular identifier of read `i`; empty where reads have none.
    ///
    /// # Panics
    ///
    /// If there is no read `i`, but others have one.
    pub fn barcode(&self, i: usize) -> &[u8] {
        if self.barcode_ends.is_empty() { &[] } else { &self.barcodes[range_at(&self.barcode_ends, i)] }
    }

    /// Number of the read group of all reads, as its [`ReadSource`](crate::ReadSource) was told it.
    pub fn read_group(&self) -> Option<usize> {
        self.read_group
    }

    pub(crate) fn set_read_group(&mut self, number: Option<usize>) {
        self.read_group = number;
    }

    /// Gives the read pushed last a barcode; all reads of a batch have one, or none has.
    pub(crate) fn push_barcode(&mut self, barcode: &[u8]) {
        self.barcodes.extend_from_slice(barcode);
        self.barcode_ends.push(self.barcodes.len());
    }

    /// Appends a read: upper-case ASCII bases and Phred + 33 qualities.
    ///
    /// # Panics
    ///
    /// If there are not as many qualities as bases; readers check this before.
    pub fn push(&mut self, name: &[u8], bases: &[u8], qualities: &[u8]) {
        assert_eq!(bases.len(), qualities.len(), "as many qualities as bases");
        self.names.extend_from_slice(name);
        self.bases.extend_from_slice(bases);
        self.qualities.extend_from_slice(qualities);
        self.name_ends.push(self.names.len());
        self.base_ends.push(self.bases.len());
    }

    /// Appends copies of the reads `range` of `other`, whose read group the batch takes.
    ///
    /// # Panics
    ///
    /// If `range` goes beyond the reads of `other`.
    pub fn append_range(&mut self, other: &ReadBatch, range: Range<usize>) {
        self.read_group = other.read_group;
        let names = span(&other.name_ends, &range);
        let bases = span(&other.base_ends, &range);
        let rebase = |ends: &[usize], from: usize, to: usize| {
            ends[range.clone()].iter().map(|end| end - from + to).collect::<Vec<_>>()
        };
        if !other.barcode_ends.is_empty() {
            let barcodes = span(&other.barcode_ends, &range);
            self.barcode_ends.extend(rebase(&other.barcode_ends, barcodes.start, self.barcodes.len()));
            self.barcodes.extend_from_slice(&other.barcodes[barcodes]);
        }
        self.name_ends.extend(rebase(&other.name_ends, names.start, self.names.len()));
        self.base_ends.extend(rebase(&other.base_ends, bases.start, self.bases.len()));
        self.names.extend_from_slice(&other.names[names]);
        self.bases.extend_from_slice(&other.bases[bases.clone()]);
        self.qualities.extend_from_slice(&other.qualities[bases]);
    }
}

/// Counts only: names, bases and qualities are patient data and stay out of logs.
impl fmt::Debug for ReadBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadBatch")
            .field("reads", &self.len())
            .field("total_bases", &self.total_bases())
            .finish_non_exhaustive()
    }
}

fn range_at(ends: &[usize], i: usize) -> Range<usize> {
    let start = if i == 0 { 0 } else { ends[i - 1] };
    start..ends[i]
}

/// The bytes that the items `range` take together.
fn span(ends: &[usize], range: &Range<usize>) -> Range<usize> {
    let end_before = |i: usize| if i == 0 { 0 } else { ends[i - 1] };
    end_before(range.start)..end_before(range.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ReadBatch {
        let mut batch = ReadBatch::new();
        batch.push(b"a", b"ACGT", b"IIII");
        batch.push(b"bb", b"", b"");
        batch.push(b"ccc", b"GG", b"#5");
        batch
    }

    #[test]
    fn reads_come_back_as_pushed() {
        let batch = sample();
        assert_eq!((batch.len(), batch.total_bases()), (3, 6));
        assert_eq!((batch.name(0), batch.bases(0), batch.qualities(0)), (&b"a"[..], &b"ACGT"[..], &b"IIII"[..]));
        assert_eq!((batch.name(1), batch.bases(1)), (&b"bb"[..], &b""[..]));
        assert_eq!((batch.name(2), batch.bases(2), batch.qualities(2)), (&b"ccc"[..], &b"GG"[..], &b"#5"[..]));
    }

    #[test]
    fn every_range_is_copied_as_if_pushed() {
        let batch = sample();
        for start in 0..=batch.len() {
            for end in start..=batch.len() {
                let mut copied = sample();
                copied.append_range(&batch, start..end);
                let mut expected = sample();
                for i in start..end {
                    expected.push(batch.name(i), batch.bases(i), batch.qualities(i));
                }
                assert!(copied == expected, "{start}..{end}");
            }
        }
    }

    #[test]
    fn a_cleared_batch_is_as_new() {
        let mut batch = sample();
        batch.clear();
        assert!(batch.is_empty() && batch == ReadBatch::new());
    }

    #[test]
    fn debug_output_shows_no_read() {
        let text = format!("{:?}", sample());
        assert!(!text.contains("ccc") && !text.contains("ACGT"), "{text}");
    }
}
