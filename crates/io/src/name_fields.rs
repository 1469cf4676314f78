//! What names of Illumina's reads say: `INSTRUMENT:RUN:FLOWCELL:LANE:TILE:X:Y[:UMI]`.
//!
//! Source: Illumina, "FASTQ files", as Casava 1.8 and all software since write them. The identifier is read as fgbio's
//! `CopyUmiFromReadName` does.

use crate::nucleotide::complement_letter;

/// Fields before the molecular identifier.
const LOCATION_FIELDS: usize = 7;

/// Flow cell and lane in a name, if it is of that form.
pub(crate) fn flow_cell_and_lane(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = name.split(|&byte| byte == b':');
    let (flow_cell, lane) = (fields.nth(2)?, fields.next()?);
    let is_location = |field: &[u8]| !field.is_empty() && field.iter().all(u8::is_ascii_digit);
    let has_place = fields.by_ref().take(LOCATION_FIELDS - 4).filter(|field| is_location(field)).count() == 3;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_flow_cell = !flow_cell.is_empty() && flow_cell.iter().all(is_plain);
    (has_place && is_flow_cell && is_location(lane)).then_some((flow_cell, lane))
}

/// As [`flow_cell_and_lane`], of a header: of its name, or of the second word, where archives leave the name that the sequencer gave.
pub(crate) fn lane_of_header(header: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut words = header.split(|byte| matches!(byte, b' ' | b'\t'));
    words.by_ref().take(2).find_map(flow_cell_and_lane)
}

/// Appends the unique molecular identifier in a name, its last field: parts that `+` or `-` joins are joined by `-`, and a part
/// that starts with `r` is turned to its reverse complement. None, and nothing of use appended, if it is not of `A`, `C`, `G`, `T` and `N`.
pub(crate) fn append_umi(name: &[u8], umi: &mut Vec<u8>) -> Option<()> {
    let colon = memchr::memrchr(b':', name)?;
    for (number, part) in name[colon + 1..].split(|byte| matches!(byte, b'+' | b'-')).enumerate() {
        if number > 0 {
            umi.push(b'-');
        }
        let (bases, is_turned) = part.strip_prefix(b"r").map_or((part, false), |bases| (bases, true));
        let start = umi.len();
        umi.extend(bases.iter().map(u8::to_ascii_uppercase));
        let own = &mut umi[start..];
        if own.is_empty() || !own.iter().all(|base| b"ACGTN".contains(base)) {
            return None;
        }
        if is_turned {
            own.reverse();
            own.iter_mut().for_each(|base| *base = complement_letter(*base));
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_found_in_names_and_in_second_words() {
        let lane = Some((&b"HXXX"[..], &b"3"[..]));
        for (header, expected) in [
            ("A001:12:HXXX:3:1101:1000:2000", lane),
            ("A001:12:HXXX:3:1101:1000:2000:ACG+TTT", lane),
            ("A001:12:HXXX:3:1101:1000:2000 1:N:0:ACGT", lane),
            ("SRR1.1 A001:12:HXXX:3:1101:1000:2000 length=150", lane),
            ("SRR1.1 1 A001:12:HXXX:3:1101:1000:2000", None),
            ("A001:12:HXXX:3:1101:1000", None),
            ("A001:12:HXXX:x:1101:1000:2000", None),
            ("A001:12:HXXX:3:1101:1000:", None),
            ("A001:12::3:1101:1000:2000", None),
            ("A001:12:H X:3:1101:1000:2000", None),
            ("HWUSI-EAS100R:6:73:941:1973#0", None),
            ("r1", None),
            ("", None),
        ] {
            assert_eq!(lane_of_header(header.as_bytes()), expected, "{header}");
        }
    }

    /// After the rules in fgbio's documentation of `CopyUmiFromReadName`.
    #[test]
    fn the_last_field_is_the_identifier() {
        for (name, expected) in [
            ("1:2:3:4:5:6:7:ACGTACGT", Some("ACGTACGT")),
            ("1:2:3:4:5:6:7:ACGT+TTGC", Some("ACGT-TTGC")),
            ("1:2:3:4:5:6:7:ACGT-TTGN", Some("ACGT-TTGN")),
            ("1:2:3:4:5:6:7:ACGT+rTTGC", Some("ACGT-GCAA")),
            ("1:2:3:4:5:6:7:acgt", Some("ACGT")),
            ("1:ACGT", Some("ACGT")),
            ("ACGT", None),
            ("1:2:3:4:5:6:7", None),
            ("1:2:3:4:5:6:7:", None),
            ("1:2:3:4:5:6:7:ACGT+", None),
            ("1:2:3:4:5:6:7:r", None),
            ("1:2:3:4:5:6:7:ACXT", None),
        ] {
            let mut umi = Vec::new();
            let found = append_umi(name.as_bytes(), &mut umi).map(|()| String::from_utf8(umi).unwrap());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }
}
