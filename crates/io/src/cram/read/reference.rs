//! The bases that the records of a CRAM file are told by.

use std::{collections::HashMap, ops::Range, sync::Arc};

use md5::{Digest, Md5};
use noodles::sam::{self, header::record::value::map::reference_sequence::tag as reference_tag};

use super::flaw::{Decoded, Flaw, damaged};
use crate::{ReferenceSequence, cram::ReferenceBases};

/// A reference that CRAM files can be read with.
#[derive(Clone)]
pub struct CramReference {
    contigs: Arc<[ReferenceSequence]>,
    /// None: nothing is known of it.
    bases: Option<Arc<dyn ReferenceBases>>,
}

impl CramReference {
    /// Contigs, and their bases by their numbers in this list.
    #[must_use]
    pub fn new(contigs: Vec<ReferenceSequence>, bases: Arc<dyn ReferenceBases>) -> Self {
        Self { contigs: contigs.into(), bases: Some(bases) }
    }

    /// One whose bases are all N, for whoever wants no bases: records come out with everything else.
    #[must_use]
    pub fn unknown() -> Self {
        Self { contigs: Arc::new([]), bases: None }
    }
}

const BEYOND: &str = "an alignment leads beyond its contig";

/// The `M5` of a contig.
fn hexadecimal(contig: &ReferenceSequence) -> String {
    format!("{:032x}", u128::from_be_bytes(contig.md5))
}

/// The contigs of a file's header in the reference.
pub(super) struct Contigs {
    reference: Option<CramReference>,
    /// For each of the header its number in the reference.
    numbers: Vec<Option<usize>>,
    names: Vec<String>,
    lengths: Vec<u64>,
}

impl Contigs {
    /// A contig is known by its `M5` if the header has it, else by name and length.
    pub(super) fn new(header: &sam::Header, reference: Option<CramReference>) -> Self {
        let known = reference.as_ref().map_or(&[][..], |reference| &reference.contigs);
        let by_name: HashMap<&[u8], usize> = known.iter().enumerate().map(|(i, c)| (&c.name[..], i)).collect();
        let by_digest: HashMap<String, usize> = known.iter().enumerate().map(|(i, c)| (hexadecimal(c), i)).collect();
        let (mut numbers, mut names, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for (name, fields) in header.reference_sequences() {
            let length = usize::from(fields.length()) as u64;
            let number = match fields.other_fields().get(&reference_tag::MD5_CHECKSUM) {
                Some(digest) => by_digest.get(&digest.to_string().to_ascii_lowercase()),
                None => by_name.get(name.as_slice()),
            };
            let number = number.copied().filter(|&number| known[number].length == length);
            numbers.push(number);
            names.push(name.escape_ascii().to_string());
            lengths.push(length);
        }
        Self { reference, numbers, names, lengths }
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Replaces `letters` by those of a span (0-based, half-open), which must lie in its contig.
    pub(super) fn read(&self, contig: usize, span: Range<u64>, letters: &mut Vec<u8>) -> Decoded<()> {
        letters.clear();
        if self.lengths.get(contig).is_none_or(|&length| span.end > length || span.start > span.end) {
            return damaged(BEYOND);
        }
        let known = self.reference.as_ref();
        let Some(bases) = known.map(|known| known.bases.as_ref()) else {
            return Err(Flaw::Unusable("its records can't be told without the reference".into()));
        };
        let count = (span.end - span.start) as usize;
        match (bases, self.numbers[contig]) {
            (None, _) => letters.resize(count, b'N'),
            (Some(bases), Some(number)) => bases.append_bases(number, span, letters),
            (Some(_), None) => {
                let name = &self.names[contig];
                return Err(Flaw::Unusable(format!(
                    "contig {name}, or the one with its M5, is not in the reference, which its records need"
                )));
            }
        }
        if letters.len() == count { Ok(()) } else { damaged(BEYOND) }
    }

    /// Compares the MD5 of the bases under a slice, unless that is all zeros or nothing is known of the reference.
    pub(super) fn check(&self, contig: usize, letters: &[u8], expected: [u8; 16]) -> Decoded<()> {
        let is_known = self.reference.as_ref().is_some_and(|reference| reference.bases.is_some());
        if is_known && expected != [0; 16] && <[u8; 16]>::from(Md5::digest(letters)) != expected {
            let name = &self.names[contig];
            return Err(Flaw::Unusable(format!(
                "it was made with other bases of contig {name} than the reference has"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Letters;

    impl ReferenceBases for Letters {
        fn append_bases(&self, contig: usize, span: Range<u64>, letters: &mut Vec<u8>) {
            letters.extend_from_slice(&[b"ACGT", b"TTTT"][contig][span.start as usize..span.end as usize]);
        }
    }

    /// The contigs of a header in a reference of `one` and `two`.
    fn contigs(header: &str) -> Contigs {
        let known = [("one", b"ACGT"), ("two", b"TTTT")].map(|(name, letters)| ReferenceSequence {
            name: name.into(),
            length: 4,
            md5: Md5::digest(letters).into(),
            alternate: false,
        });
        Contigs::new(&header.parse().unwrap(), Some(CramReference::new(known.into(), Arc::new(Letters))))
    }

    #[test]
    fn contigs_are_known_by_digest_or_by_name_and_length() {
        let digest = format!("{:032x}", u128::from_be_bytes(Md5::digest(b"TTTT").into()));
        let lines = [
            format!("SN:other\tLN:4\tM5:{}", digest.to_uppercase()),
            format!("SN:one\tLN:5\tM5:{digest}"),
            "SN:two\tLN:4".into(),
            "SN:three\tLN:4".into(),
        ];
        let contigs = contigs(&lines.map(|line| format!("@SQ\t{line}\n")).concat());
        assert_eq!(contigs.numbers, [Some(1), None, Some(1), None]);
        let mut letters = Vec::new();
        assert_eq!(contigs.read(2, 1..3, &mut letters), Ok(()));
        assert_eq!(letters, b"TT");
        assert!(contigs.read(2, 1..5, &mut letters).is_err() && contigs.read(4, 0..1, &mut letters).is_err());
        assert!(matches!(contigs.read(3, 0..1, &mut letters), Err(Flaw::Unusable(why)) if why.contains("three")));
    }

    #[test]
    fn other_bases_under_the_same_name_are_told() {
        let contigs = contigs("@SQ\tSN:one\tLN:4\n");
        let digest = |letters: &[u8]| -> [u8; 16] { Md5::digest(letters).into() };
        assert_eq!(contigs.check(0, b"ACG", digest(b"ACG")), Ok(()));
        assert_eq!(contigs.check(0, b"ACG", [0; 16]), Ok(()));
        assert!(matches!(contigs.check(0, b"ACG", digest(b"ACC")), Err(Flaw::Unusable(why)) if why.contains("one")));
    }

    #[test]
    fn of_an_unknown_reference_all_bases_are_n() {
        let header = "@SQ\tSN:one\tLN:4\n".parse().unwrap();
        let mut letters = Vec::new();
        let unknown = Contigs::new(&header, Some(CramReference::unknown()));
        assert_eq!((unknown.read(0, 1..4, &mut letters), unknown.check(0, b"NNN", [7; 16])), (Ok(()), Ok(())));
        assert_eq!(letters, b"NNN");
        assert!(Contigs::new(&header, None).read(0, 1..4, &mut letters).is_err());
    }
}
