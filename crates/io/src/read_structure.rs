//! Read structures: what each base of a read is for, as fgbio and Sentieon write it.
//!
//! Source: fgbio's documentation of `FastqToBam` and its wiki page "Read Structures"; the tags are those of the SAM optional
//! fields specification.

use std::{fmt, str::FromStr};

use crate::{Error, Result};

/// The segments of a read, such as `3M2S+T`: three bases of a unique molecular identifier, two that are skipped, and the rest,
/// one or more, that is aligned.
///
/// Letters are `T` (template), `M` (molecular identifier), `B` (sample barcode), `C` (cell barcode) and `S` (skipped); each after its
/// number of bases, or after `+`, in the last segment only, for all that are left. There is one template segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReadStructure {
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Segment {
    kind: Kind,
    /// None for all that are left.
    bases: Option<usize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Template,
    Skipped,
    /// With its place in [`Barcodes`].
    Barcode(usize),
}

impl FromStr for ReadStructure {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |reason| Error::ReadStructure { reason };
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let letter = rest.find(|c: char| c.is_ascii_alphabetic());
            let letter = letter.ok_or(refuse("expected a letter after every number or +, as in 3M2S+T"))?;
            let (count, tail) = rest.split_at(letter);
            let kind = match tail.as_bytes()[0] {
                b'T' => Kind::Template,
                b'S' => Kind::Skipped,
                b'M' => Kind::Barcode(0),
                b'B' => Kind::Barcode(1),
                b'C' => Kind::Barcode(2),
                _ => return Err(refuse("expected segments of the kinds T, M, B, C and S")),
            };
            rest = &tail[1..];
            let is_number = count.bytes().all(|byte| byte.is_ascii_digit());
            let bases = match count {
                "+" if rest.is_empty() => None,
                "+" => return Err(refuse("expected + in the last segment only")),
                // More than any read has; the sum of all can't overflow.
                _ => Some(count.parse::<u32>().ok().filter(|&bases| is_number && bases > 0)),
            };
            let missing = refuse("expected a number of bases from 1, or +, before every letter");
            let bases = bases.map(|bases| bases.ok_or(missing)).transpose()?.map(|bases| bases as usize);
            segments.push(Segment { kind, bases });
        }
        match segments.iter().filter(|segment| segment.kind == Kind::Template).count() {
            1 => Ok(Self { segments }),
            _ => Err(refuse("expected one template segment (T) for each read")),
        }
    }
}

impl fmt::Display for ReadStructure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.segments.iter().try_for_each(|Segment { kind, bases }| {
            let letter = match kind {
                Kind::Template => 'T',
                Kind::Skipped => 'S',
                Kind::Barcode(number) => ['M', 'B', 'C'][*number],
            };
            match bases {
                Some(bases) => write!(f, "{bases}{letter}"),
                None => write!(f, "+{letter}"),
            }
        })
    }
}

impl ReadStructure {
    /// Whether it cuts barcodes of a kind, which is its place in [`Barcodes`].
    pub(crate) fn makes(&self, kind: usize) -> bool {
        self.segments.iter().any(|segment| segment.kind == Kind::Barcode(kind))
    }

    /// Adds the barcodes of a read to `barcodes`, and returns the bases and qualities of its template.
    ///
    /// # Errors
    ///
    /// The read has not as many bases as the numbers say.
    pub(crate) fn cut<'a>(
        &self,
        mut bases: &'a [u8],
        mut qualities: &'a [u8],
        barcodes: &mut Barcodes,
    ) -> std::result::Result<(&'a [u8], &'a [u8]), &'static str> {
        let mut template = (&b""[..], &b""[..]);
        for segment in &self.segments {
            let count = segment.bases.unwrap_or(bases.len());
            let (Some(own), Some(own_qualities)) = (bases.get(..count), qualities.get(..count)) else {
                return Err("fewer bases than the read structure needs");
            };
            (bases, qualities) = (&bases[count..], &qualities[count..]);
            match segment.kind {
                Kind::Template => template = (own, own_qualities),
                Kind::Skipped => {}
                Kind::Barcode(number) => barcodes.0[number].push(own, own_qualities),
            }
        }
        Ok(template)
    }
}

/// Barcodes cut from the reads of a template: molecular identifiers, sample barcodes, cell barcodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barcodes(pub(crate) [Joined; 3]);

impl Barcodes {
    /// The tags of the sequences, and of their qualities.
    pub(crate) const TAGS: [[[u8; 2]; 2]; 3] = [[*b"RX", *b"QX"], [*b"BC", *b"QT"], [*b"CR", *b"CY"]];

    /// The kind that a tag of sequences or qualities belongs to, if it is one.
    pub(crate) fn kind_of(tag: [u8; 2]) -> Option<usize> {
        Self::TAGS.iter().position(|tags| tags.contains(&tag))
    }

    /// What a tag says: sequences, or their qualities.
    pub(crate) fn text(&self, tag: [u8; 2]) -> Option<&[u8]> {
        let (joined, tags) = Self::kind_of(tag).map(|kind| (&self.0[kind], Self::TAGS[kind]))?;
        Some(if tags[0] == tag { &joined.bases } else { &joined.qualities })
    }

    pub(crate) fn clear(&mut self) {
        self.0.iter_mut().for_each(Joined::clear);
    }

    /// Adds those of the mate.
    pub(crate) fn join(&mut self, mate: &Self) {
        for (own, other) in self.0.iter_mut().zip(&mate.0).filter(|(_, other)| other.segments > 0) {
            own.push(&other.bases, &other.qualities);
        }
    }
}

/// Segments of one kind: hyphens stand between their bases, blanks between their qualities, as the SAM specification recommends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joined {
    pub(crate) bases: Vec<u8>,
    /// Empty if some have none.
    pub(crate) qualities: Vec<u8>,
    segments: usize,
}

impl Joined {
    pub(crate) fn clear(&mut self) {
        self.bases.clear();
        self.qualities.clear();
        self.segments = 0;
    }

    fn push(&mut self, bases: &[u8], qualities: &[u8]) {
        if self.segments > 0 {
            self.bases.push(b'-');
            self.qualities.push(b' ');
        }
        self.bases.extend_from_slice(bases);
        self.qualities.extend_from_slice(qualities);
        self.segments += 1;
    }

    /// Puts one without qualities in front.
    pub(crate) fn prepend(&mut self, bases: &[u8]) {
        if self.segments > 0 {
            self.bases.insert(0, b'-');
        }
        self.bases.splice(..0, bases.iter().copied());
        self.qualities.clear();
        self.segments += 1;
    }
}

#[cfg(test)]
mod tests {
    use bstr::ByteSlice as _;

    use super::*;

    fn cut(structure: &str, bases: &str) -> Option<(String, [String; 3])> {
        let text = structure;
        let structure: ReadStructure = text.parse().unwrap();
        assert_eq!(structure.to_string(), text);
        let qualities = bases.to_ascii_lowercase();
        let mut barcodes = Barcodes::default();
        let (template, own) = structure.cut(bases.as_bytes(), qualities.as_bytes(), &mut barcodes).ok()?;
        assert_eq!(template.to_ascii_lowercase(), own);
        let text = |joined: &Joined| {
            assert_eq!(joined.bases.to_ascii_lowercase().replace(b"-", b" "), joined.qualities);
            String::from_utf8(joined.bases.clone()).unwrap()
        };
        Some((String::from_utf8(template.to_vec()).unwrap(), [0, 1, 2].map(|i| text(&barcodes.0[i]))))
    }

    #[test]
    fn bases_go_where_the_structure_says() {
        let expect = |template: &str, others: [&str; 3]| Some((template.to_owned(), others.map(String::from)));
        assert_eq!(cut("+T", "ACGT"), expect("ACGT", ["", "", ""]));
        assert_eq!(cut("3M2S+T", "ACGTTGGCA"), expect("GGCA", ["ACG", "", ""]));
        assert_eq!(cut("2M1S2M3T", "ACGTTGGC"), expect("GGC", ["AC-TT", "", ""]));
        assert_eq!(cut("2B2C1M1T+S", "AACCGTAAAA"), expect("T", ["G", "AA", "CC"]));
        assert_eq!(cut("4T+M", "ACGTTT"), expect("ACGT", ["TT", "", ""]));
        // What is left over of a structure of numbers is cut off, and a last + may have nothing.
        assert_eq!(cut("2M2T", "ACGTTT"), expect("GT", ["AC", "", ""]));
        assert_eq!(cut("2M+T", "AC"), expect("", ["AC", "", ""]));
        assert_eq!(cut("2M+T", "A"), None);
        assert_eq!(cut("2M4T", "ACGTT"), None);
    }

    #[test]
    fn what_is_no_structure_is_refused() {
        for text in [
            "",
            "T",
            "3M",
            "3",
            "+",
            "+T3M",
            "+M+T",
            "0M+T",
            "3X+T",
            "3M2S",
            "10T10T",
            "-1M+T",
            "+3M+T",
            "3 M+T",
            "3M+T ",
            "99999999999M+T",
            "3m+t",
            "3M+T,3M+T",
            "é+T",
        ] {
            assert!(text.parse::<ReadStructure>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn mates_and_names_are_joined() {
        let structure: ReadStructure = "2M+T".parse().unwrap();
        let mut both = [Barcodes::default(), Barcodes::default()];
        structure.cut(b"ACG", b"IJK", &mut both[0]).unwrap();
        structure.cut(b"TTG", b"LMN", &mut both[1]).unwrap();
        let [mut first, second] = both;
        first.join(&second);
        assert_eq!((&first.0[0].bases[..], &first.0[0].qualities[..]), (&b"AC-TT"[..], &b"IJ LM"[..]));
        first.0[0].prepend(b"GG");
        assert_eq!((&first.0[0].bases[..], &first.0[0].qualities[..]), (&b"GG-AC-TT"[..], &b""[..]));
    }
}
