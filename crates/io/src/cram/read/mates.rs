//! What records say of their mates where the file leaves it to be worked out (section 10.4).

use std::collections::HashMap;

use super::flaw::{Decoded, Flaw};
use crate::{EncodedRecord, flags};

/// What is asked of a record.
struct Segment {
    at: usize,
    flags: u16,
    reference: i32,
    position: i32,
    /// 0-based, of the last base that is covered.
    last: i64,
}

/// Fills in mates' places and flags and template lengths of records that start at `starts`. `earlier` has for a record the one before
/// it of its template.
pub(super) fn resolve(earlier: &HashMap<usize, usize>, starts: &[usize], records: &mut [u8]) -> Decoded<()> {
    let later: HashMap<usize, usize> = earlier.iter().map(|(&mate, &record)| (record, mate)).collect();
    let mut firsts: Vec<usize> = later.keys().copied().filter(|record| !earlier.contains_key(record)).collect();
    firsts.sort_unstable();
    for first in firsts {
        let mut template = vec![segment(starts[first], records)?];
        let mut record = first;
        // Each is later than the one before, so that there is an end.
        while let Some(&next) = later.get(&record) {
            template.push(segment(starts[next], records)?);
            record = next;
        }
        fill(&template, records);
    }
    Ok(())
}

fn segment(at: usize, records: &[u8]) -> Decoded<Segment> {
    let whole = records.get(at..).and_then(EncodedRecord::split_first);
    let (record, _) = whole.ok_or(Flaw::Damaged("a record is not whole"))?;
    let position = record.position().map_or(-1, |position| position as i32);
    let reference = record.reference().map_or(-1, |reference| reference as i32);
    let last = i64::from(position) + i64::from(record.reference_bases().max(1)) - 1;
    Ok(Segment { at, flags: record.flags(), reference, position, last })
}

fn fill(template: &[Segment], records: &mut [u8]) {
    let first = template.iter().map(|segment| segment.position).min().unwrap_or(-1);
    let last = template.iter().map(|segment| segment.last).max().unwrap_or(-1);
    let is_together = template.iter().all(|s| s.reference == template[0].reference && s.flags & flags::UNMAPPED == 0);
    let length = if is_together { (last - i64::from(first) + 1) as i32 } else { 0 };
    let leftmost = template.iter().filter(|segment| segment.position == first).count();
    for (number, segment) in template.iter().enumerate() {
        let mate = &template[(number + 1) % template.len()];
        let has = |flag: u16, mate_flag: u16| if mate.flags & flag == 0 { 0 } else { mate_flag };
        let flags =
            segment.flags | has(flags::REVERSE, flags::MATE_REVERSE) | has(flags::UNMAPPED, flags::MATE_UNMAPPED);
        let is_left = segment.position == first && (leftmost == 1 || segment.flags & flags::FIRST != 0);
        let length = if is_left { length } else { -length };
        let record = &mut records[segment.at..];
        record[18..20].copy_from_slice(&flags.to_le_bytes());
        record[24..28].copy_from_slice(&mate.reference.to_le_bytes());
        record[28..32].copy_from_slice(&mate.position.to_le_bytes());
        record[32..36].copy_from_slice(&length.to_le_bytes());
    }
}
