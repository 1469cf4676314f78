//! Alignment records to SAM, BAM or PAF bytes, in as many threads as there are encoders.

use crate::{AlignmentRecord, Error, Header, ReferenceSequence, Result, TagValue, bam_record, paf, per_base, sam_text};

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
    Bam,
    Paf { references: Vec<ReferenceSequence> },
}

impl RecordEncoder {
    /// An encoder for records under `header`.
    ///
    /// # Errors
    ///
    /// SAM cannot hold the header.
    pub fn new(format: Format, header: &Header) -> Result<Self> {
        header.to_noodles()?;
        let kind = match format {
            Format::Sam => {
                let names = header.references.iter().map(|reference| reference.name.clone());
                Encoder::Sam { reference_names: names.collect() }
            }
            Format::Bam => Encoder::Bam,
            Format::Paf => Encoder::Paf { references: header.references.clone() },
        };
        Ok(Self { kind, reference_count: header.references.len() })
    }

    /// Appends one record to `output`: a SAM or PAF line with its line end, or an uncompressed BAM record
    /// with its `block_size`. Fields with a character for each base are given in the order of the
    /// read, and turn with its bases.
    ///
    /// # Errors
    ///
    /// The record breaks a rule of the format; `output` is then unchanged.
    pub fn encode(&mut self, record: &AlignmentRecord<'_>, output: &mut Vec<u8>) -> Result<()> {
        record.check(self.reference_count).map_err(|reason| Error::Encode { reason })?;
        let Some(values) = per_base::oriented(record) else { return self.encode_oriented(record, output) };
        let mut tags = record.tags.to_vec();
        for (tag, value) in tags.iter_mut().zip(&values) {
            if let Some(value) = value {
                tag.value = TagValue::Encoded { kind: b'Z', value };
            }
        }
        self.encode_oriented(&AlignmentRecord { tags: &tags, ..*record }, output)
    }

    /// Encodes a record that has been checked, whose fields are all on its strand.
    fn encode_oriented(&mut self, record: &AlignmentRecord<'_>, output: &mut Vec<u8>) -> Result<()> {
        match &mut self.kind {
            Encoder::Sam { reference_names } => {
                sam_text::append_line(record, reference_names, output);
                Ok(())
            }
            Encoder::Paf { references } => {
                paf::append_line(record, references, output);
                Ok(())
            }
            Encoder::Bam => {
                // More would have to be put into a field, and no read of ours has so many.
                let operations = u16::try_from(record.cigar.len());
                let reason = "expected at most 65535 operations in a CIGAR";
                bam_record::append_record(record, operations.map_err(|_| Error::Encode { reason })?, output);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use noodles::{
        bam,
        sam::{self, alignment::io::Write as _},
    };

    use super::*;
    use crate::{
        CigarKind, CigarOp, EncodedRecord, Program, ReferenceSequence, Tag, flags, noodles_record::NoodlesRecord,
    };

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

    fn unmapped() -> AlignmentRecord<'static> {
        AlignmentRecord {
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
        let unmapped = unmapped();
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
        // Places whose bins are of each size, and behind the last one.
        for position in (13..30).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) - 5]) {
            check(&AlignmentRecord { position: Some(position), ..mapped });
            check(&AlignmentRecord { position: Some(position), cigar: &[], ..mapped });
        }
        let long = [CigarOp::new(CigarKind::Match, 10), CigarOp::new(CigarKind::Skip, CigarOp::MAX_LEN)];
        check(&AlignmentRecord { cigar: &long, ..mapped });
        check(&AlignmentRecord { position: Some(7), cigar: &long, ..mapped });
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

    #[test]
    fn bam_records_are_those_of_noodles() {
        let header = header();
        let noodles_header = header.to_noodles().unwrap();
        let mut encoder = RecordEncoder::new(Format::Bam, &header).unwrap();
        for_each_record(|record| {
            let mut ours = b"before".to_vec();
            encoder.encode(record, &mut ours).unwrap();
            let mut writer = bam::io::Writer::from(b"before".to_vec());
            writer.write_alignment_record(&noodles_header, &NoodlesRecord(record)).unwrap();
            assert_eq!(ours, writer.into_inner());
        });
    }

    #[test]
    fn encoded_fields_follow_the_others() {
        let encoded = Tag { name: *b"X0", value: TagValue::Encoded { kind: b's', value: b"12" } };
        let tags = [encoded, Tag { name: *b"X1", value: TagValue::Int(-1) }];
        let mut encoder = RecordEncoder::new(Format::Bam, &header()).unwrap();
        let mut fields = |tags: &[Tag<'_>]| {
            let mut output = Vec::new();
            let record = AlignmentRecord { tags, ..unmapped() };
            encoder.encode(&record, &mut output).unwrap();
            EncodedRecord::split_first(&output).unwrap().0.tags().0.to_vec()
        };
        assert_eq!(fields(&tags), b"X1c\xffX0s12");
    }

    #[test]
    fn more_operations_than_bam_can_count_are_refused() {
        let mut encoder = RecordEncoder::new(Format::Bam, &header()).unwrap();
        let cigar = vec![CigarOp::new(CigarKind::Deletion, 1); 1 << 16];
        let record = AlignmentRecord { position: Some(0), bases: b"", qualities: b"", ..unmapped() };
        let mut output = Vec::new();
        encoder.encode(&AlignmentRecord { cigar: &cigar[1..], ..record }, &mut output).unwrap();
        assert!(encoder.encode(&AlignmentRecord { cigar: &cigar, ..record }, &mut output).is_err());
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
