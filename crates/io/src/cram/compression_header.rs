//! The compression header: what a reader must know before the slice (CRAM specification 3.0, section 8.4).

use super::{
    encoding,
    number::{put_count, put_itf8},
    series::{Layout, Series},
    tags::TagStreams,
};

/// Which base each code of a substitution means, for the reference bases A, C, G, T and N: the others in this order.
const SUBSTITUTIONS: [u8; 5] = [0b00_01_10_11; 5];

/// The content of the header's block. `are_deltas` says that positions are differences.
pub(super) fn compression_header(tags: &TagStreams, are_deltas: bool) -> Vec<u8> {
    let mut header = Vec::new();
    append_map(&preservation_map(tags, are_deltas), &mut header);
    append_map(&series_encodings(), &mut header);
    append_map(&tags.encodings(), &mut header);
    header
}

fn append_map(map: &[u8], header: &mut Vec<u8>) {
    put_count(map.len(), header);
    header.extend_from_slice(map);
}

/// Names are kept, positions are differences or not, the reference is needed, and the two tables.
fn preservation_map(tags: &TagStreams, are_deltas: bool) -> Vec<u8> {
    let mut map = Vec::new();
    put_itf8(5, &mut map);
    map.extend(*b"RN\x01AP");
    map.push(u8::from(are_deltas));
    map.extend(*b"RR\x01SM");
    map.extend(SUBSTITUTIONS);
    map.extend(*b"TD");
    put_count(tags.dictionary().len(), &mut map);
    map.extend_from_slice(tags.dictionary());
    map
}

fn series_encodings() -> Vec<u8> {
    let mut map = Vec::new();
    put_count(Series::ALL.len(), &mut map);
    for (series, letters) in Series::ALL {
        map.extend(letters);
        match series.layout() {
            Layout::Values => encoding::append_values(series.content_id(), &mut map),
            Layout::Strings(stop) => encoding::append_strings(stop, series.content_id(), &mut map),
        }
    }
    map
}
