//! Alignment records to SAM, BAM or PAF bytes, in as many threads as there are encoders.

use std::mem;

use noodles::{
    bam,
    sam::{self, alignment::io::Write as _},
};

use crate::{
    AlignmentRecord, Error, Header, ReferenceSequence, Result, Tag, noodles_record::NoodlesRecord, paf, sam_text,
};

/// The format of alignment records.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Format {
    /// Text.
    Sam,
    /// Binary, in BGZF blocks.
    Bam,
    /// Text without header, a line an alignment.
    Paf,
}

/// Encodes records; one encoder a thread.
///
/// The bytes of a record depend on the record and the header only, so pieces that different
/// encoders made can be written one after the other.
pub struct RecordEncoder {
    kind: Encoder,
    reference_count: usize,
}

enum Encoder {
    Sam { reference_names: Vec<Vec<u8>> },
    Bam { header: Box<sam::Header>, writer: bam::io::Writer<Vec<u8>> },
    Paf { references: Vec<ReferenceSequence> },
}

impl RecordEncoder {
    /// An encoder for records under `header`.
    ///
    /// # Errors
    ///
    /// SAM cannot hold the header.
    pub fn new(format: Format, header: &Header) -> Result<Self> {
        let noodles_header = Box::new(header.to_noodles()?);
        let kind = match format {
            Format::Sam => {
                let names = header.references.iter().map(|reference| reference.name.clone());
                Encoder::Sam { reference_names: names.collect() }
            }
            Format::Bam => Encoder::Bam { header: noodles_header, writer: bam::io::Writer::from(Vec::new()) },
            Format::Paf => Encoder::Paf { references: header.references.clone() },
        };
        Ok(Self { kind, reference_count: header.references.len() })
    }

    /// Appends one record to `output`: a SAM or PAF line with its line end, or an uncompressed BAM record
    /// with its `block_size`.
    ///
    /// # Errors
    ///
    /// The record breaks a rule of the format; `output` is then unchanged.
    pub fn encode(&mut self, record: &AlignmentRecord<'_>, output: &mut Vec<u8>) -> Result<()> {
        record.check(self.reference_count).map_err(|reason| Error::Encode { reason })?;
        match &mut self.kind {
            Encoder::Sam { reference_names } => {
                sam_text::append_line(record, reference_names, output);
                Ok(())
            }
            Encoder::Paf { references } => {
                paf::append_line(record, references, output);
                Ok(())
            }
            Encoder::Bam { header, writer } => {
                // The writer owns its output, so the caller's is lent to it for one record.
                let length = output.len();
                mem::swap(writer.get_mut(), output);
                let result = writer.write_alignment_record(header, &NoodlesRecord(record));
                mem::swap(writer.get_mut(), output);
                // noodles' own error may quote the read name and is therefore not passed on.
                result.map_err(|_| {
                    output.truncate(length);
                    Error::Encode { reason: "expected a record that BAM can hold" }
                })?;
                append_encoded_tags(record, length, output);
                Ok(())
            }
        }
    }
}

/// Appends the optional fields that are encoded already to the record that begins at `start`, and makes it that much longer.
fn append_encoded_tags(record: &AlignmentRecord<'_>, start: usize, output: &mut Vec<u8>) {
    let end = output.len();
    record.tags.iter().filter_map(Tag::encoded).for_each(|field| output.extend(field));
    if output.len() > end {
        let size = (output.len() - start - 4) as u32;
        output[start..start + 4].copy_from_slice(&size.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CigarKind, CigarOp, Program, ReferenceSequence, TagValue, flags};

    fn header() -> Header {
        let reference =
            |name: &str| ReferenceSequence { name: name.into(), length: 1000, md5: [7; 16], alternate: false };
        let text = |text: &str| text.to_string();
        Header {
            references: vec![reference("chr1"), reference("chr2")],
            order: Default::default(),
            read_groups: Vec::new(),
            program: Program { id: text("p"), name: text("p"), version: text("1"), command_line: text("p") },
            lines: Default::default(),
        }
    }

    /// Calls `check` with records of every shape.
    fn for_each_record(mut check: impl FnMut(&AlignmentRecord<'_>)) {
        let all_kinds: Vec<_> = CigarKind::ALL.iter().map(|&kind| CigarOp::new(kind, 2)).collect();
        let numbers = [0, 1, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 4_294_967_295];
        let negative = [-1, -128, -129, -32_768, -32_769, -2_147_483_648];
        let integers = numbers.into_iter().chain(negative).map(TagValue::Int);
        let others = [TagValue::Char(b'!'), TagValue::Text(b""), TagValue::Text(b"a: b~")];
        let tags: Vec<_> = integers.chain(others).map(|value| Tag { name: *b"X1", value }).collect();
        let unmapped = AlignmentRecord {
            name: b"r/1:2",
            flags: flags::UNMAPPED | flags::PAIRED | flags::LAST,
            reference: None,
            position: None,
            mapping_quality: 0,
            cigar: &[],
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: b"ACGTNacgtnRYSWK",
            qualities: b"!~5I#5I#5I#5I#5",
            tags: &[],
        };
        check(&unmapped);
        check(&AlignmentRecord { qualities: b"", ..unmapped });
        check(&AlignmentRecord { bases: b"", qualities: b"", ..unmapped });
        check(&AlignmentRecord { bases: b"A", qualities: b"!", ..unmapped });
        let mapped = AlignmentRecord {
            flags: 0xfff,
            reference: Some(1),
            position: Some(2_147_483_000),
            mapping_quality: 254,
            cigar: &all_kinds,
            mate_reference: Some(1),
            mate_position: Some(0),
            template_length: i32::MIN,
            bases: b"ACGTACGTAC",
            qualities: b"IIIIIIIIII",
            tags: &tags,
            ..unmapped
        };
        check(&mapped);
        check(&AlignmentRecord { mate_reference: Some(0), mapping_quality: 255, ..mapped });
        check(&AlignmentRecord { mate_reference: None, mate_position: None, ..mapped });
        check(&AlignmentRecord { reference: None, position: None, ..mapped });
    }

    #[test]
    fn sam_lines_are_those_of_noodles() {
        let header = header();
        let noodles_header = header.to_noodles().unwrap();
        let mut encoder = RecordEncoder::new(Format::Sam, &header).unwrap();
        for_each_record(|record| {
            let mut ours = b"before".to_vec();
            encoder.encode(record, &mut ours).unwrap();
            let mut writer = sam::io::Writer::new(b"before".to_vec());
            writer.write_alignment_record(&noodles_header, &NoodlesRecord(record)).unwrap();
            assert_eq!(String::from_utf8(ours), String::from_utf8(writer.into_inner()));
        });
    }

    /// Through BAM and back to text by noodles gives the line that we write, but for the letters
    /// that BAM does not store in lower case.
    #[test]
    fn bam_holds_what_the_sam_line_says() {
        let header = header();
        let noodles_header = header.to_noodles().unwrap();
        let mut to_sam = RecordEncoder::new(Format::Sam, &header).unwrap();
        let mut to_bam = RecordEncoder::new(Format::Bam, &header).unwrap();
        for_each_record(|record| {
            let (mut expected, mut binary) = (Vec::new(), Vec::new());
            let upper = record.bases.to_ascii_uppercase();
            to_sam.encode(&AlignmentRecord { bases: &upper, ..*record }, &mut expected).unwrap();
            to_bam.encode(record, &mut binary).unwrap();
            let mut reader = bam::io::Reader::from(binary.as_slice());
            let mut decoded = bam::Record::default();
            assert_eq!(reader.read_record(&mut decoded).unwrap(), binary.len() - 4);
            let mut writer = sam::io::Writer::new(Vec::new());
            writer.write_alignment_record(&noodles_header, &decoded).unwrap();
            assert_eq!(String::from_utf8(writer.into_inner()), String::from_utf8(expected));
        });
    }

    #[test]
    fn a_refused_record_leaves_the_output_alone() {
        for format in [Format::Sam, Format::Bam] {
            let mut encoder = RecordEncoder::new(format, &header()).unwrap();
            for_each_record(|record| {
                let mut output = b"before".to_vec();
                let broken = AlignmentRecord { reference: Some(2), ..*record };
                let error = encoder.encode(&broken, &mut output).unwrap_err();
                assert!(matches!(error, Error::Encode { .. }));
                assert_eq!(output, b"before");
            });
        }
    }

    #[test]
    fn encoders_can_move_between_threads() {
        fn require_send<T: Send>() {}
        require_send::<RecordEncoder>();
    }
}
