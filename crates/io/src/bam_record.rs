//! BAM records (SAM specification v1, section 4.2).
//!
//! Written directly: noodles' writer passes qualities, operations and fields one by one through an interface of its own, which takes
//! twice as long. A test holds both to the same bytes.

use crate::{AlignmentRecord, CigarOp, Tag, TagValue};

/// Phred 0 in ASCII.
const PHRED_OFFSET: u8 = b'!';
/// Each quality of a record that has none.
const NO_QUALITY: u8 = 255;
/// The bin of a record without a place (section 4.2.1).
const BIN_OF_NO_PLACE: u16 = 4680;

/// Appends a record that has passed [`AlignmentRecord::check`], from its `block_size` to its last field; `operations` is their number.
pub(crate) fn append_record(record: &AlignmentRecord<'_>, operations: u16, output: &mut Vec<u8>) {
    let start = output.len();
    let reference = |index: Option<usize>| or_minus_one(index.map(|index| index as i32));
    let [bin, flags] = [bin(record.position, record.cigar), record.flags].map(u16::to_le_bytes);
    let [count_low, count_high] = operations.to_le_bytes();
    output.extend_from_slice(
        [
            [0; 4], // `block_size`, not known yet
            reference(record.reference),
            or_minus_one(record.position.map(u32::cast_signed)),
            [record.name.len() as u8 + 1, record.mapping_quality, bin[0], bin[1]],
            [count_low, count_high, flags[0], flags[1]],
            (record.bases.len() as u32).to_le_bytes(),
            reference(record.mate_reference),
            or_minus_one(record.mate_position.map(u32::cast_signed)),
            record.template_length.to_le_bytes(),
        ]
        .as_flattened(),
    );
    output.extend_from_slice(record.name);
    output.push(0);
    record.cigar.iter().for_each(|op| output.extend_from_slice(&op.0.to_le_bytes()));
    append_bases(record.bases, output);
    if record.qualities.is_empty() {
        output.resize(output.len() + record.bases.len(), NO_QUALITY);
    }
    output.extend(record.qualities.iter().map(|quality| quality - PHRED_OFFSET));
    append_tags(record.tags, output);
    let size = (output.len() - start - 4) as u32;
    output[start..start + 4].copy_from_slice(&size.to_le_bytes());
}

fn or_minus_one(number: Option<i32>) -> [u8; 4] {
    number.unwrap_or(-1).to_le_bytes()
}

/// The least bin that holds an alignment at a 0-based position (section 5.3).
pub(crate) fn bin(position: Option<u32>, cigar: &[CigarOp]) -> u16 {
    let Some(first) = position.map(u64::from) else { return BIN_OF_NO_PLACE };
    let last = first + cigar.iter().copied().map(reference_bases).sum::<u64>().max(1) - 1;
    let shift = [14, 17, 20, 23, 26].into_iter().find(|shift| first >> shift == last >> shift);
    // Numbers of bins beyond 2^29 bases don't fit, and mean nothing.
    shift.map_or(0, |shift| (((1 << (29 - shift)) - 1) / 7 + (first >> shift)) as u16)
}

fn reference_bases(op: CigarOp) -> u64 {
    if op.consumes_reference() { u64::from(op.len()) } else { 0 }
}

/// Appends bases, two a byte.
pub(crate) fn append_bases(bases: &[u8], output: &mut Vec<u8>) {
    let code = |base: u8| CODES[usize::from(base)];
    let (pairs, last) = bases.as_chunks();
    output.extend(pairs.iter().map(|&[first, second]| code(first) << 4 | code(second)));
    output.extend(last.iter().map(|&base| code(base) << 4));
}

/// The code of each letter, of either case; 15, as `N` has, of those that are none.
const CODES: [u8; 256] = {
    let letters = *b"=ACMGRSVTWYHKDBN";
    let mut codes = [15; 256];
    let mut code = 0;
    while code < letters.len() {
        codes[letters[code] as usize] = code as u8;
        codes[letters[code].to_ascii_lowercase() as usize] = code as u8;
        code += 1;
    }
    codes
};

/// Appends optional fields, those that are encoded already behind the others.
fn append_tags(tags: &[Tag<'_>], output: &mut Vec<u8>) {
    for tag in tags {
        match tag.value {
            TagValue::Int(number) => append_integer(tag.name, number, output),
            TagValue::Char(character) => append_field(tag.name, b'A', &[character], output),
            TagValue::Text(text) => {
                append_field(tag.name, b'Z', text, output);
                output.push(0);
            }
            TagValue::Encoded { .. } => {}
        }
    }
    for tag in tags {
        if let TagValue::Encoded { kind, value } = tag.value {
            append_field(tag.name, kind, value, output);
        }
    }
}

/// Appends an integer in the smallest type that holds it, unsigned before signed, as htslib does.
fn append_integer(name: [u8; 2], number: i64, output: &mut Vec<u8>) {
    let bytes = number.to_le_bytes();
    let (kind, size) = match number {
        0..=0xff => (b'C', 1),
        -0x80..0 => (b'c', 1),
        0x100..=0xffff => (b'S', 2),
        -0x8000..-0x80 => (b's', 2),
        0x1_0000.. => (b'I', 4),
        _ => (b'i', 4),
    };
    append_field(name, kind, &bytes[..size], output);
}

fn append_field(name: [u8; 2], kind: u8, value: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(&[name[0], name[1], kind]);
    output.extend_from_slice(value);
}
