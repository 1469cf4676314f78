//! Alignment records as lines of PAF, the pairwise mapping format of minimap2 (Li 2018, "Minimap2: pairwise alignment for
//! nucleotide sequences"): where each alignment lies on the read as sequenced and on the contig, with SAM's optional fields.
//!
//! A read that is not mapped has no line. The names of mates end in `/1` and `/2`, since PAF has no flags.

use crate::sam_text::{append_cigar, append_number, append_tag, append_text};
use crate::{AlignmentRecord, CigarKind, CigarOp, ReferenceSequence, Tag, TagValue, flags};

/// What a CIGAR adds up to, in bases.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Span {
    /// Clipped before and behind the alignment, on the reference strand.
    clips: [u32; 2],
    aligned: u32,
    inserted: u32,
    deleted: u32,
}

impl Span {
    fn of(cigar: &[CigarOp]) -> Self {
        let mut span = Self::default();
        for op in cigar {
            match op.kind() {
                CigarKind::SoftClip | CigarKind::HardClip => {
                    let behind = span.aligned + span.inserted + span.deleted > 0;
                    span.clips[usize::from(behind)] += op.len();
                }
                CigarKind::Insertion => span.inserted += op.len(),
                CigarKind::Deletion => span.deleted += op.len(),
                CigarKind::Match | CigarKind::SequenceMatch | CigarKind::SequenceMismatch => span.aligned += op.len(),
                CigarKind::Skip | CigarKind::Pad => {}
            }
        }
        span
    }
}

/// Appends the line of a record that has passed [`AlignmentRecord::check`], with its line end; nothing if it is not placed.
pub(crate) fn append_line(record: &AlignmentRecord<'_>, references: &[ReferenceSequence], line: &mut Vec<u8>) {
    let place = record.reference.zip(record.position).filter(|_| record.flags & flags::UNMAPPED == 0);
    let Some((reference, position)) = place else { return };
    let span = Span::of(record.cigar);
    let reverse = record.flags & flags::REVERSE != 0;
    let [before, behind] = span.clips;
    let query_length = before + span.aligned + span.inserted + behind;
    let query_start = if reverse { behind } else { before };
    let contig = &references[reference];
    let gaps = span.inserted + span.deleted;
    let edits = record.tags.iter().find(|tag| tag.name == *b"NM").map_or(i64::from(gaps), integer);
    let matches = i64::from(span.aligned) - (edits - i64::from(gaps)).max(0);

    line.extend_from_slice(record.name);
    if record.flags & flags::PAIRED != 0 {
        line.extend_from_slice(if record.flags & flags::LAST != 0 { b"/2" } else { b"/1" });
    }
    append_number(query_length, line);
    append_number(query_start, line);
    append_number(query_start + span.aligned + span.inserted, line);
    append_text(if reverse { b"-" } else { b"+" }, line);
    append_text(&contig.name, line);
    append_number(contig.length, line);
    append_number(position, line);
    append_number(position + span.aligned + span.deleted, line);
    append_number(matches.max(0), line);
    append_number(span.aligned + gaps, line);
    append_number(record.mapping_quality, line);
    let kind = if record.flags & flags::SECONDARY != 0 { b'S' } else { b'P' };
    append_tag(&Tag { name: *b"tp", value: TagValue::Char(kind) }, line);
    for tag in record.tags {
        append_tag(tag, line);
    }
    let is_clip = |op: &CigarOp| matches!(op.kind(), CigarKind::SoftClip | CigarKind::HardClip);
    let first = record.cigar.iter().take_while(|op| is_clip(op)).count();
    let unclipped = record.cigar[first..].split(is_clip).next().unwrap_or_default();
    append_text(b"cg:Z:", line);
    append_cigar(unclipped, line);
    line.push(b'\n');
}

fn integer(tag: &Tag<'_>) -> i64 {
    if let TagValue::Int(value) = tag.value { value } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(flags: u16, cigar: &[(CigarKind, u32)], edits: i64) -> String {
        let contig =
            |name: &str, length| ReferenceSequence { name: name.into(), length, md5: [0; 16], alternate: false };
        let cigar: Vec<CigarOp> = cigar.iter().map(|&(kind, bases)| CigarOp::new(kind, bases)).collect();
        let tags = [Tag { name: *b"NM", value: TagValue::Int(edits) }];
        let record = AlignmentRecord {
            name: b"r",
            flags,
            reference: Some(1),
            position: Some(99),
            mapping_quality: 60,
            cigar: &cigar,
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: b"",
            qualities: b"",
            tags: &tags,
        };
        let mut line = Vec::new();
        append_line(&record, &[contig("a", 10), contig("b", 5000)], &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn places_count_on_the_read_as_sequenced() {
        use CigarKind::{Deletion, HardClip, Insertion, Match, SequenceMatch, SequenceMismatch, SoftClip};
        assert_eq!(
            line(0, &[(Match, 100)], 3),
            "r\t100\t0\t100\t+\tb\t5000\t99\t199\t97\t100\t60\ttp:A:P\tNM:i:3\tcg:Z:100M\n"
        );
        let gaps = [(SoftClip, 5), (Match, 10), (Insertion, 2), (Match, 20), (Deletion, 3), (Match, 7), (HardClip, 1)];
        assert_eq!(
            line(flags::REVERSE | flags::PAIRED | flags::LAST, &gaps, 6),
            "r/2\t45\t1\t40\t-\tb\t5000\t99\t139\t36\t42\t60\ttp:A:P\tNM:i:6\tcg:Z:10M2I20M3D7M\n"
        );
        let told = [(HardClip, 4), (SequenceMatch, 9), (SequenceMismatch, 1)];
        assert_eq!(
            line(flags::SECONDARY | flags::PAIRED | flags::FIRST, &told, 1),
            "r/1\t14\t4\t14\t+\tb\t5000\t99\t109\t9\t10\t60\ttp:A:S\tNM:i:1\tcg:Z:9=1X\n"
        );
        assert_eq!(line(flags::UNMAPPED, &[], 0), "");
    }
}
