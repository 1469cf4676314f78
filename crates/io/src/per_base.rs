//! Optional fields with a character for each base, which turn and are clipped with the bases.
//!
//! Source: SAM optional fields specification: `OQ`, `BQ` and `U2` are as long as `QUAL`, and `E2` as `SEQ`. Others that tools put one
//! value a base into are those tools' own matter.

use crate::{AlignmentRecord, CigarKind, CigarOp, Tag, TagValue, flags, nucleotide::complement_letter};

/// What happens to a field where a read is turned.
#[derive(Clone, Copy)]
enum Turn {
    Reverse,
    Complement,
}

fn turn_of(name: [u8; 2], kind: u8) -> Option<Turn> {
    match &name {
        b"OQ" | b"BQ" | b"U2" if kind == b'Z' => Some(Turn::Reverse),
        b"E2" if kind == b'Z' => Some(Turn::Complement),
        _ => None,
    }
}

/// Turns the field of a read that is turned, if it has a character for each of its bases; `value` has a terminating zero.
pub(crate) fn turn_field(name: [u8; 2], kind: u8, value: &mut [u8], bases: usize) {
    let Some(turn) = turn_of(name, kind).filter(|_| value.len() == bases + 1) else { return };
    let text = &mut value[..bases];
    text.reverse();
    if let Turn::Complement = turn {
        text.iter_mut().for_each(|base| *base = complement_letter(*base));
    }
}

/// For each tag of a record, whose fields are in the order of the read, its value on the record's strand if that is another; none if
/// no tag has one.
pub(crate) fn oriented(record: &AlignmentRecord<'_>) -> Option<Vec<Option<Vec<u8>>>> {
    let has_turn = |tag: &Tag<'_>| match tag.value {
        TagValue::Encoded { kind, .. } => turn_of(tag.name, kind).is_some(),
        _ => false,
    };
    if !record.tags.iter().any(has_turn) {
        return None;
    }
    let is_turned = record.flags & flags::REVERSE != 0;
    let hard =
        |op: Option<&CigarOp>| op.filter(|op| op.kind() == CigarKind::HardClip).map_or(0, |op| op.len() as usize);
    let clips = [hard(record.cigar.first()), hard(record.cigar.get(1..).and_then(<[_]>::last))];
    let read_bases = record.bases.len() + clips[0] + clips[1];
    let orient = |tag: &Tag<'_>| {
        let TagValue::Encoded { kind, value } = tag.value else { return None };
        turn_of(tag.name, kind).filter(|_| value.len() == read_bases + 1)?;
        let mut value = value.to_vec();
        if is_turned {
            turn_field(tag.name, kind, &mut value, read_bases);
        }
        value.drain(read_bases - clips[1]..read_bases);
        value.drain(..clips[0]);
        Some(value)
    };
    Some(record.tags.iter().map(orient).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_follow_the_bases() {
        let clip = |bases| CigarOp::new(CigarKind::HardClip, bases);
        let value = |name: &[u8; 2], value| Tag { name: *name, value: TagValue::Encoded { kind: b'Z', value } };
        let tags =
            [value(b"OQ", b"123456\0"), value(b"E2", b"AACCGT\0"), value(b"OQ", b"12345\0"), value(b"RX", b"123456\0")];
        let cigar = [clip(1), CigarOp::new(CigarKind::Match, 3), clip(2)];
        let record = AlignmentRecord {
            name: b"r",
            flags: 0,
            reference: Some(0),
            position: Some(0),
            mapping_quality: 0,
            cigar: &cigar,
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: b"AAA",
            qualities: b"III",
            tags: &tags,
        };
        let values = |record: &AlignmentRecord<'_>| {
            let values = oriented(record).unwrap().into_iter();
            values.map(|value| value.map(|value| String::from_utf8(value).unwrap())).collect::<Vec<_>>()
        };
        let expect = |first: &str, second: &str| [Some(first.to_owned()), Some(second.to_owned()), None, None];
        assert_eq!(values(&record), expect("234\0", "ACC\0"));
        let turned = AlignmentRecord { flags: flags::REVERSE, ..record };
        assert_eq!(values(&turned), expect("543\0", "CGG\0"));
        let whole = AlignmentRecord { cigar: &cigar[1..2], bases: b"AAAAAA", qualities: b"IIIIII", ..turned };
        assert_eq!(values(&whole), expect("654321\0", "ACGGTT\0"));
        assert!(oriented(&AlignmentRecord { tags: &tags[3..], ..record }).is_none());
    }
}
