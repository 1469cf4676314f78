//! A batch of reads as a struct of arrays.

use std::{fmt, ops::Range};

use xxhash_rust::xxh3::Xxh3;

use crate::{
    Tag, TagValue,
    tag_bytes::{TagField, TagFields},
};

/// Stands for each quality of a read that has none. It is none itself.
pub(crate) const NO_QUALITY: u8 = b' ';

/// Reads in flat byte arenas: no allocation a read, and contiguous for the stages after it.
///
/// The mates of a pair are adjacent: reads `2 i` and `2 i + 1`; all reads of a batch are in pairs, or none is. All belong to one
/// read group, or to none.
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
    paired: bool,
    /// Optional fields that came with the reads, as BAM holds them.
    fields: Vec<u8>,
    /// End of each read's fields in `fields`; empty where reads have none.
    field_ends: Vec<usize>,
    /// Reads that failed quality control before; empty where that isn't known.
    failed: Vec<bool>,
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
        self.paired = false;
        self.fields.clear();
        self.field_ends.clear();
        self.failed.clear();
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

    /// Whether read `i` has qualities; if not, what [`qualities`](Self::qualities) gives is no quality.
    ///
    /// # Panics
    ///
    /// If there is no read `i`.
    pub fn has_qualities(&self, i: usize) -> bool {
        self.qualities(i).first() != Some(&NO_QUALITY)
    }

    /// Optional fields that came with read `i` and belong to its records.
    ///
    /// # Panics
    ///
    /// If there is no read `i`, but others have fields.
    pub fn carried_tags(&self, i: usize) -> impl Iterator<Item = Tag<'_>> {
        let fields = if self.field_ends.is_empty() { &[] } else { &self.fields[range_at(&self.field_ends, i)] };
        // Readers check them.
        let fields = TagFields(fields).map_while(Result::ok);
        fields.map(|TagField { name, kind, value, .. }| Tag { name, value: TagValue::Encoded { kind, value } })
    }

    /// Whether read `i` is said to have failed quality control.
    pub fn has_failed(&self, i: usize) -> bool {
        self.failed.get(i).is_some_and(|&failed| failed)
    }

    /// Gives the read pushed last optional fields; all reads of a batch are given some, if only none, or no read is.
    pub(crate) fn push_fields(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        append(&mut self.fields);
        self.field_ends.push(self.fields.len());
    }

    /// Says of the read pushed last whether it has failed quality control; for all reads of a batch or for none.
    pub(crate) fn push_failed(&mut self, failed: bool) {
        self.failed.push(failed);
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

    /// Whether the reads are mates, as their [`ReadSource`](crate::ReadSource) says.
    pub fn is_paired(&self) -> bool {
        self.paired
    }

    pub(crate) fn set_paired(&mut self, paired: bool) {
        self.paired = paired;
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

    /// Removes the templates, pairs or single reads, whose names `is_kept` refuses.
    pub fn keep_templates(&mut self, is_kept: impl Fn(&[u8]) -> bool) {
        let step = if self.paired { 2 } else { 1 };
        let mut kept = Vec::with_capacity(self.len());
        for first in (0..self.len()).step_by(step) {
            let is_kept = is_kept(self.name(first));
            kept.extend(std::iter::repeat_n(is_kept, step.min(self.len() - first)));
        }
        keep(&mut [&mut self.names], &mut self.name_ends, &kept);
        keep(&mut [&mut self.bases, &mut self.qualities], &mut self.base_ends, &kept);
        keep(&mut [&mut self.barcodes], &mut self.barcode_ends, &kept);
        keep(&mut [&mut self.fields], &mut self.field_ends, &kept);
        let mut kept = kept.into_iter();
        self.failed.retain(|_| kept.next().unwrap_or(true));
    }

    /// XXH3-128 of everything in the batch, with a seed.
    pub fn digest(&self, seed: u64) -> u128 {
        let mut hash = Xxh3::with_seed(seed);
        let group = self.read_group.map_or(u64::MAX, |group| group as u64);
        hash.update(&[u8::from(self.paired)]);
        hash.update(&group.to_le_bytes());
        for (bytes, ends) in [
            (&self.names, &self.name_ends),
            (&self.bases, &self.base_ends),
            (&self.qualities, &self.base_ends),
            (&self.barcodes, &self.barcode_ends),
            (&self.fields, &self.field_ends),
        ] {
            hash.update(&(ends.len() as u64).to_le_bytes());
            ends.iter().for_each(|&end| hash.update(&(end as u64).to_le_bytes()));
            hash.update(bytes);
        }
        self.failed.iter().for_each(|&failed| hash.update(&[u8::from(failed)]));
        hash.digest128()
    }

    /// Appends copies of the reads `range` of `other`, whose read group the batch takes, and whether they are paired.
    ///
    /// # Panics
    ///
    /// If `range` goes beyond the reads of `other`.
    pub fn append_range(&mut self, other: &ReadBatch, range: Range<usize>) {
        (self.read_group, self.paired) = (other.read_group, other.paired);
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
        if !other.field_ends.is_empty() {
            let fields = span(&other.field_ends, &range);
            self.field_ends.extend(rebase(&other.field_ends, fields.start, self.fields.len()));
            self.fields.extend_from_slice(&other.fields[fields]);
        }
        if !other.failed.is_empty() {
            self.failed.extend_from_slice(&other.failed[range.clone()]);
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

/// Removes from arenas with common `ends` the items that are not `kept`; nothing where no item has any.
fn keep(arenas: &mut [&mut Vec<u8>], ends: &mut Vec<usize>, kept: &[bool]) {
    if ends.is_empty() {
        return;
    }
    let (mut items, mut start, mut kept_bytes) = (0, 0, 0);
    for (i, &is_kept) in kept.iter().enumerate() {
        let end = ends[i];
        if is_kept {
            arenas.iter_mut().for_each(|arena| arena.copy_within(start..end, kept_bytes));
            kept_bytes += end - start;
            ends[items] = kept_bytes;
            items += 1;
        }
        start = end;
    }
    ends.truncate(items);
    arenas.iter_mut().for_each(|arena| arena.truncate(kept_bytes));
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
        for (name, bases, qualities, fields) in [
            (&b"a"[..], &b"ACGT"[..], &b"IIII"[..], &b"XAZtext\0XBc\x01"[..]),
            (b"bb", b"", b"", b""),
            (b"ccc", b"GG", b"#5", b"XCA!"),
        ] {
            batch.push(name, bases, qualities);
            batch.push_fields(|all| all.extend(fields));
            batch.push_failed(name == b"bb");
        }
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
                    let fields: Vec<u8> = batch.carried_tags(i).flat_map(|tag| tag.encoded().unwrap()).collect();
                    expected.push_fields(|all| all.extend(fields));
                    expected.push_failed(batch.has_failed(i));
                }
                assert!(copied == expected, "{start}..{end}");
            }
        }
    }

    #[test]
    fn every_choice_of_templates_is_kept_as_if_pushed() {
        const NAMES: [&[u8]; 4] = [b"a", b"bb", b"", b"dddd"];
        for mates in [1, 2] {
            let batch_of = |templates: &[usize]| {
                let mut batch = ReadBatch::new();
                batch.set_paired(mates == 2);
                for (&template, mate) in templates.iter().flat_map(|t| (0..mates).map(move |mate| (t, mate))) {
                    let bases = &b"ACGTACGT"[..3 * mate + template];
                    batch.push(NAMES[template], bases, &b"IHGFEDCB"[..bases.len()]);
                    batch.push_fields(|fields| fields.extend(&b"XAZtext\0XCA!"[..11 * (template % 2)]));
                    batch.push_failed(template == 1);
                    batch.push_barcode(NAMES[3 - template]);
                }
                batch
            };
            for choice in 0..16 {
                let wanted: Vec<usize> = (0..4).filter(|template| choice >> template & 1 == 1).collect();
                let mut kept = batch_of(&[0, 1, 2, 3]);
                kept.keep_templates(|name| wanted.iter().any(|&template| NAMES[template] == name));
                assert!(kept == batch_of(&wanted), "{wanted:?} of {mates} mates");
            }
        }
    }

    #[test]
    fn every_part_of_a_batch_is_in_its_digest() {
        let digest = sample().digest(1);
        assert_eq!(sample().digest(1), digest);
        assert_ne!(sample().digest(2), digest);
        let changes: [fn(&mut ReadBatch); 9] = [
            |batch| batch.names[0] ^= 1,
            |batch| batch.bases[0] ^= 1,
            |batch| batch.qualities[0] ^= 1,
            |batch| batch.name_ends[0] += 1,
            |batch| batch.base_ends[0] -= 1,
            |batch| batch.fields[0] ^= 1,
            |batch| batch.failed[0] ^= true,
            |batch| batch.set_paired(true),
            |batch| batch.set_read_group(Some(0)),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut batch = sample();
            change(&mut batch);
            assert_ne!(batch.digest(1), digest, "{number}");
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
