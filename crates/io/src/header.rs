//! The SAM header (SAM specification v1, section 1.3).

use std::num::NonZero;

use noodles::sam::{
    self,
    header::record::value::{
        Map,
        map::{
            self,
            header::{Version, tag as header_tag},
            program::tag as program_tag,
            reference_sequence::tag as reference_tag,
        },
    },
};

use crate::{Error, FileDigest, HeaderLines, ReadGroup, Result, file_digest::FileDigester, header_text::append_text};

/// Longest reference sequence that SAM can state, in bases.
const MAX_REFERENCE_LENGTH: u64 = (1 << 31) - 1;

/// What a SAM, BAM or CRAM header says: `@HD`, `@SQ`, `@RG` and `@PG` lines in this order.
///
/// `@HD` says `VN:1.6` and the order of the records.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Header {
    /// The contigs, in the order that record fields count them.
    pub references: Vec<ReferenceSequence>,
    /// How the records are ordered.
    pub order: RecordOrder,
    /// The read groups of the records, each under its own identifier.
    pub read_groups: Vec<ReadGroup>,
    /// The program that makes the records.
    pub program: Program,
    /// Lines that a user adds.
    pub lines: HeaderLines,
}

/// The order of the records of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum RecordOrder {
    /// That of the reads, so all records of a template stand together: `SO:unsorted GO:query`.
    #[default]
    Input,
    /// By contig and position: `SO:coordinate`.
    Coordinate,
    /// By read name, digits as numbers: `SO:queryname SS:queryname:natural`.
    Name,
}

/// A `@SQ` line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReferenceSequence {
    /// Name, as in the FASTA file.
    pub name: Vec<u8>,
    /// Length in bases, 1 to 2^31 - 1.
    pub length: u64,
    /// MD5 of the upper-case sequence without white space, as the SAM specification defines `M5`.
    pub md5: [u8; 16],
    /// Whether it is an alternate locus (`AH:*`), of no known place in the primary assembly.
    pub alternate: bool,
}

/// A `@PG` line. No field may be empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    /// Identifier, unique in the header.
    pub id: String,
    /// Name of the program.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its command line. Tabs and line ends are written as `\t`, `\n` and `\r`.
    pub command_line: String,
}

impl Header {
    /// A digest of the reference: of a line `NAME<tab>LENGTH<tab>M5` for each contig, in order.
    #[must_use]
    pub fn reference_digest(&self) -> FileDigest {
        let mut digest = FileDigester::default();
        for ReferenceSequence { name, length, md5, .. } in &self.references {
            digest.update(name);
            digest.update(format!("\t{length}\t{:032x}\n", u128::from_be_bytes(*md5)).as_bytes());
        }
        digest.finish()
    }

    /// A digest of the header's text.
    ///
    /// # Errors
    ///
    /// SAM cannot hold it.
    pub fn digest(&self) -> Result<FileDigest> {
        let (header, mut text) = (self.to_noodles()?, Vec::new());
        append_text(&header, &mut text).map_err(|error| Error::Header { reason: error.to_string() })?;
        let mut digest = FileDigester::default();
        digest.update(&text);
        Ok(digest.finish())
    }

    /// The header in noodles' terms, checked so that writing it cannot fail on its content.
    pub(crate) fn to_noodles(&self) -> Result<sam::Header> {
        let mut header_line = Map::<map::Header>::new(Version::new(1, 6));
        let fields = header_line.other_fields_mut();
        match self.order {
            RecordOrder::Coordinate => {
                fields.insert(header_tag::SORT_ORDER, "coordinate".into());
            }
            RecordOrder::Name => {
                fields.insert(header_tag::SORT_ORDER, "queryname".into());
                fields.insert(header_tag::SUBSORT_ORDER, "queryname:natural".into());
            }
            RecordOrder::Input => {
                fields.insert(header_tag::SORT_ORDER, "unsorted".into());
                fields.insert(header_tag::GROUP_ORDER, "query".into());
            }
        }

        let mut builder = self.lines.add_to(sam::Header::builder().set_header(header_line));
        let [groups, programs] = self.lines.counts();
        for reference in &self.references {
            builder = builder.add_reference_sequence(reference.name.clone(), reference.to_map()?);
        }
        for group in &self.read_groups {
            builder = builder.add_read_group(group.id(), group.fields().clone());
        }
        let header = builder.add_program(self.program.id.clone(), self.program.to_map()).build();
        if header.reference_sequences().len() != self.references.len() {
            return Err(Error::Header { reason: "two contigs have the same name".into() });
        }
        if header.read_groups().len() != self.read_groups.len() + groups {
            return Err(Error::Header { reason: "two read groups have the same ID".into() });
        }
        if header.programs().as_ref().len() != 1 + programs {
            return Err(Error::Header { reason: format!("a @PG line with the ID {} is added", self.program.id) });
        }
        // Names and values are checked only while they are written.
        append_text(&header, &mut Vec::new()).map_err(|error| Error::Header { reason: error.to_string() })?;
        Ok(header)
    }

    /// A header that [`to_noodles`](Self::to_noodles) made; else what it lacks.
    pub(crate) fn from_noodles(header: &sam::Header) -> std::result::Result<Self, &'static str> {
        let order = header.header().and_then(|line| line.other_fields().get(&header_tag::SORT_ORDER));
        let order = match order.map(|order| order.as_slice()) {
            Some(b"coordinate") => RecordOrder::Coordinate,
            Some(b"queryname") => RecordOrder::Name,
            _ => RecordOrder::Input,
        };
        let references = header.reference_sequences().iter();
        let references: Option<Vec<_>> =
            references.map(|(name, fields)| ReferenceSequence::from_map(name, fields)).collect();
        let groups = header.read_groups().iter();
        let groups: Option<Vec<_>> = groups.map(|(id, fields)| ReadGroup::from_fields(id, fields).ok()).collect();
        let programs = header.programs();
        let program = match programs.as_ref().first().filter(|_| programs.as_ref().len() == 1) {
            Some((id, fields)) => Program::from_map(id, fields),
            None => None,
        };
        Ok(Self {
            references: references.ok_or("expected @SQ lines with M5, as svala writes them")?,
            order,
            read_groups: groups.ok_or("expected @RG lines as svala writes them")?,
            program: program.ok_or("expected a single @PG line, that of svala")?,
            lines: HeaderLines::default(),
        })
    }
}

impl ReferenceSequence {
    fn from_map(name: &[u8], fields: &Map<map::ReferenceSequence>) -> Option<Self> {
        let digest = fields.other_fields().get(&reference_tag::MD5_CHECKSUM)?;
        let (pairs, []) = digest.as_chunks::<2>() else { return None };
        let hexadecimal = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let md5 = pairs.iter().map(hexadecimal).collect::<Option<Vec<u8>>>()?.try_into().ok()?;
        let alternate = fields.other_fields().contains_key(&reference_tag::ALTERNATIVE_LOCUS);
        Some(Self { name: name.to_vec(), length: usize::from(fields.length()) as u64, md5, alternate })
    }

    fn to_map(&self) -> Result<Map<map::ReferenceSequence>> {
        let length = usize::try_from(self.length.min(MAX_REFERENCE_LENGTH + 1)).ok();
        let length = length.and_then(NonZero::new);
        let Some(length) = length.filter(|_| self.length <= MAX_REFERENCE_LENGTH) else {
            let name = String::from_utf8_lossy(&self.name);
            let found = self.length;
            return Err(Error::Header { reason: format!("contig {name} has {found} bases; expected 1 to 2^31 - 1") });
        };
        let mut fields = Map::<map::ReferenceSequence>::new(length);
        let digest: String = self.md5.iter().map(|byte| format!("{byte:02x}")).collect();
        fields.other_fields_mut().insert(reference_tag::MD5_CHECKSUM, digest.into());
        if self.alternate {
            fields.other_fields_mut().insert(reference_tag::ALTERNATIVE_LOCUS, "*".into());
        }
        Ok(fields)
    }
}

impl Program {
    fn from_map(id: &[u8], fields: &Map<map::Program>) -> Option<Self> {
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).ok();
        let field = |tag| text(fields.other_fields().get(&tag)?);
        Some(Self {
            id: text(id)?,
            name: field(program_tag::NAME)?,
            version: field(program_tag::VERSION)?,
            command_line: field(program_tag::COMMAND_LINE)?,
        })
    }

    fn to_map(&self) -> Map<map::Program> {
        let mut program = Map::<map::Program>::default();
        let command_line = escape_controls(&self.command_line);
        let fields = program.other_fields_mut();
        fields.insert(program_tag::NAME, self.name.as_str().into());
        fields.insert(program_tag::VERSION, self.version.as_str().into());
        fields.insert(program_tag::COMMAND_LINE, command_line.into());
        program
    }
}

/// A literal tab in a command line, as in a `-R` value, would start a new header field.
fn escape_controls(text: &str) -> String {
    text.replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
}

/// Whether SAM allows `name` for a reference sequence (section 1.2.1, "Character set
/// restrictions").
#[must_use]
pub fn is_reference_name(name: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_graphic() && !b"\\,\"`'()[]{}<>".contains(byte);
    !name.is_empty() && !matches!(name[0], b'*' | b'=') && name.iter().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Header {
        let reference = |name: &str, length| ReferenceSequence {
            name: name.into(),
            length,
            md5: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255],
            alternate: name == "chr1",
        };
        Header {
            references: vec![reference("chr2", 100), reference("chr1", 2_147_483_647)],
            order: RecordOrder::Input,
            read_groups: ["lane1", "lane2"]
                .map(|id| ReadGroup::parse(&format!(r"@RG\tID:{id}\tSM:s")).unwrap())
                .to_vec(),
            program: Program {
                id: "svala".into(),
                name: "svala".into(),
                version: "0.1.0".into(),
                command_line: "svala mem -R @RG\tID:lane1 ref.fa".into(),
            },
            lines: HeaderLines::default(),
        }
    }

    fn text(header: &Header) -> String {
        let mut writer = sam::io::Writer::new(Vec::new());
        writer.write_header(&header.to_noodles().unwrap()).unwrap();
        String::from_utf8(writer.into_inner()).unwrap()
    }

    #[test]
    fn lines_come_in_their_order_and_contigs_in_theirs() {
        assert_eq!(
            text(&sample()),
            "@HD\tVN:1.6\tSO:unsorted\tGO:query\n\
             @SQ\tSN:chr2\tLN:100\tM5:000102030405060708090a0b0c0d0eff\n\
             @SQ\tSN:chr1\tLN:2147483647\tM5:000102030405060708090a0b0c0d0eff\tAH:*\n\
             @RG\tID:lane1\tSM:s\n\
             @RG\tID:lane2\tSM:s\n\
             @PG\tID:svala\tPN:svala\tVN:0.1.0\tCL:svala mem -R @RG\\tID:lane1 ref.fa\n"
        );
    }

    #[test]
    fn lines_are_added_to_their_kind() {
        let added = "@CO\tseen\n@RG\tID:more\n@PG\tID:fastp\tPN:fastp";
        let header = Header { lines: HeaderLines::parse(added).unwrap(), ..sample() };
        let text = text(&header);
        let kinds: Vec<&str> = text.lines().skip(3).filter_map(|line| line.split("\tSM").next()).collect();
        assert_eq!(kinds[..3], ["@RG\tID:more", "@RG\tID:lane1", "@RG\tID:lane2"]);
        assert_eq!(kinds[3], "@PG\tID:fastp\tPN:fastp");
        assert!(kinds[4].starts_with("@PG\tID:svala"));
        assert_eq!(kinds[5], "@CO\tseen");
        for same in ["@RG\tID:lane1", "@PG\tID:svala"] {
            let header = Header { lines: HeaderLines::parse(same).unwrap(), ..sample() };
            assert!(header.to_noodles().is_err(), "{same}");
        }
    }

    #[test]
    fn headers_come_back_as_they_were_written() {
        let mut header = sample();
        // A tab is written as two characters.
        header.program.command_line = "svala mem ref.fa".into();
        for order in [RecordOrder::Input, RecordOrder::Coordinate, RecordOrder::Name] {
            header.order = order;
            assert_eq!(Header::from_noodles(&text(&header).parse().unwrap()), Ok(header.clone()));
        }
        for (from, to) in [("\tM5:0", "\tM6:0"), ("@PG", "@PG\tID:other\n@PG"), ("\tVN:0", "\tXN:0"), ("ff\n", "fg\n")]
        {
            let changed = text(&header).replace(from, to);
            assert_ne!(changed, text(&header));
            assert!(Header::from_noodles(&changed.parse().unwrap()).is_err(), "{changed}");
        }
    }

    #[test]
    fn what_sam_cannot_hold_is_refused() {
        let refused = |change: fn(&mut Header)| {
            let mut header = sample();
            change(&mut header);
            matches!(header.to_noodles(), Err(Error::Header { .. }))
        };
        assert!(!refused(|_| {}));
        assert!(refused(|header| header.references[0].length = 0));
        assert!(refused(|header| header.references[0].length = 1 << 31));
        assert!(refused(|header| header.references[0].name = b"a b".to_vec()));
        assert!(refused(|header| header.references[0].name = b"chr1".to_vec()));
        assert!(refused(|header| header.program.version.clear()));
        assert!(refused(|header| header.read_groups[1] = header.read_groups[0].clone()));
    }

    #[test]
    fn reference_names_follow_the_specification() {
        for name in ["chr1", "HLA-A*01:01:01:01", "a=b", "1"] {
            assert!(is_reference_name(name.as_bytes()), "{name}");
        }
        for name in ["", "*", "=x", "a,b", "a b", "a<b", "a\\b", "\u{e9}"] {
            assert!(!is_reference_name(name.as_bytes()), "{name}");
        }
    }
}
