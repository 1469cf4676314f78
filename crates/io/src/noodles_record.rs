//! [`AlignmentRecord`] in the terms of noodles, whose encoders ours are compared with, but for the optional fields that are encoded already.

use std::io;

use noodles::{
    core::Position,
    sam::{
        self,
        alignment::record::{
            Cigar, Data, Flags, MappingQuality, QualityScores, Sequence,
            cigar::{Op, op::Kind},
            data::field::{Tag as NoodlesTag, Value},
        },
    },
};

use crate::{AlignmentRecord, CigarKind, CigarOp, Tag, TagValue};

/// First printable quality: Phred 0.
const PHRED_OFFSET: u8 = b'!';

/// A record that has passed [`AlignmentRecord::check`].
pub(crate) struct NoodlesRecord<'a>(pub(crate) &'a AlignmentRecord<'a>);

impl sam::alignment::Record for NoodlesRecord<'_> {
    fn name(&self) -> Option<&bstr::BStr> {
        Some(self.0.name.into())
    }

    fn flags(&self) -> io::Result<Flags> {
        Ok(Flags::from(self.0.flags))
    }

    fn reference_sequence_id<'r, 'h: 'r>(&'r self, _: &'h sam::Header) -> Option<io::Result<usize>> {
        self.0.reference.map(Ok)
    }

    fn alignment_start(&self) -> Option<io::Result<Position>> {
        one_based(self.0.position)
    }

    fn mapping_quality(&self) -> Option<io::Result<MappingQuality>> {
        MappingQuality::new(self.0.mapping_quality).map(Ok)
    }

    fn cigar(&self) -> Box<dyn Cigar + '_> {
        Box::new(Operations(self.0.cigar))
    }

    fn mate_reference_sequence_id<'r, 'h: 'r>(&'r self, _: &'h sam::Header) -> Option<io::Result<usize>> {
        self.0.mate_reference.map(Ok)
    }

    fn mate_alignment_start(&self) -> Option<io::Result<Position>> {
        one_based(self.0.mate_position)
    }

    fn template_length(&self) -> io::Result<i32> {
        Ok(self.0.template_length)
    }

    fn sequence(&self) -> Box<dyn Sequence + '_> {
        Box::new(Bases(self.0.bases))
    }

    fn quality_scores(&self) -> Box<dyn QualityScores + '_> {
        Box::new(Qualities(self.0.qualities))
    }

    fn data(&self) -> Box<dyn Data<'_> + '_> {
        Box::new(Fields(self.0.tags))
    }
}

fn one_based(position: Option<u32>) -> Option<io::Result<Position>> {
    Position::new(position? as usize + 1).map(Ok)
}

struct Operations<'a>(&'a [CigarOp]);

impl Cigar for Operations<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = io::Result<Op>> + '_> {
        Box::new(self.0.iter().map(|op| Ok(Op::new(noodles_kind(op.kind()), op.len() as usize))))
    }
}

fn noodles_kind(kind: CigarKind) -> Kind {
    match kind {
        CigarKind::Match => Kind::Match,
        CigarKind::Insertion => Kind::Insertion,
        CigarKind::Deletion => Kind::Deletion,
        CigarKind::Skip => Kind::Skip,
        CigarKind::SoftClip => Kind::SoftClip,
        CigarKind::HardClip => Kind::HardClip,
        CigarKind::Pad => Kind::Pad,
        CigarKind::SequenceMatch => Kind::SequenceMatch,
        CigarKind::SequenceMismatch => Kind::SequenceMismatch,
    }
}

struct Bases<'a>(&'a [u8]);

impl Sequence for Bases<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, i: usize) -> Option<u8> {
        self.0.get(i).copied()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = u8> + '_> {
        Box::new(self.0.iter().copied())
    }
}

struct Qualities<'a>(&'a [u8]);

impl QualityScores for Qualities<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = io::Result<u8>> + '_> {
        Box::new(self.0.iter().map(|quality| Ok(quality - PHRED_OFFSET)))
    }
}

struct Fields<'a>(&'a [Tag<'a>]);

impl<'a> Data<'a> for Fields<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, tag: &NoodlesTag) -> Option<io::Result<Value<'a>>> {
        let field = self.0.iter().find(|field| field.name == *tag.as_ref())?;
        noodles_value(field.value).transpose()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = io::Result<(NoodlesTag, Value<'a>)>> + 'a> {
        Box::new(self.0.iter().filter_map(|field| {
            let [first, second] = field.name;
            let value = noodles_value(field.value).transpose()?;
            Some(value.map(|value| (NoodlesTag::new(first, second), value)))
        }))
    }
}

/// The value with an integer in its smallest BAM type, unsigned before signed, as htslib does. None for what is encoded.
fn noodles_value(value: TagValue<'_>) -> io::Result<Option<Value<'_>>> {
    let number = match value {
        TagValue::Char(character) => return Ok(Some(Value::Character(character))),
        TagValue::Text(text) => return Ok(Some(Value::String(text.into()))),
        TagValue::Encoded { .. } => return Ok(None),
        TagValue::Int(number) => number,
    };
    u8::try_from(number)
        .map(Value::UInt8)
        .or_else(|_| i8::try_from(number).map(Value::Int8))
        .or_else(|_| u16::try_from(number).map(Value::UInt16))
        .or_else(|_| i16::try_from(number).map(Value::Int16))
        .or_else(|_| u32::try_from(number).map(Value::UInt32))
        .or_else(|_| i32::try_from(number).map(Value::Int32))
        .map(Some)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}
