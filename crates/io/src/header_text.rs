//! Writing a header, as text and as BAM holds it (SAM specification v1, sections 1.3 and 4.2).
//!
//! By us and not by noodles, whose writer refuses what is not ASCII. The specification has UTF-8 in the description of a read group, and files
//! of other programs have it in the names of samples, centres and instruments; it is passed on as it came. Identifiers, which
//! records repeat in fields of ASCII, and names of contigs have none.

use std::io;

use noodles::sam;

use crate::{bam_header::MAGIC, header::is_reference_name};

/// What is wrong with a field.
pub(crate) type Flaw = String;

/// Appends the lines of a header.
///
/// # Errors
///
/// Of the kind `InvalidInput` where SAM can't hold a field. The message names it, without its value.
pub(crate) fn append_text(header: &sam::Header, text: &mut Vec<u8>) -> io::Result<()> {
    append_lines(header, text).map_err(|flaw| io::Error::new(io::ErrorKind::InvalidInput, flaw))
}

/// Appends a header as it stands at the start of BAM.
///
/// # Errors
///
/// As [`append_text`], or there is more than BAM can count.
pub(crate) fn append_bam(header: &sam::Header, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut text = Vec::new();
    append_text(header, &mut text)?;
    bytes.extend_from_slice(MAGIC);
    bytes.extend(number(text.len())?);
    bytes.extend_from_slice(&text);
    bytes.extend(number(header.reference_sequences().len())?);
    for (name, fields) in header.reference_sequences() {
        bytes.extend(number(name.len() + 1)?);
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend(number(fields.length().get())?);
    }
    Ok(())
}

/// Whether a read group can be written; else what is wrong.
///
/// # Errors
///
/// It can't be.
pub(crate) fn check_read_group<T: AsRef<[u8; 2]>, V: AsRef<[u8]>>(
    id: &[u8],
    fields: impl IntoIterator<Item = (T, V)>,
) -> Result<(), Flaw> {
    append_record(b"@RG", id, fields, &mut Vec::new())
}

fn append_lines(header: &sam::Header, text: &mut Vec<u8>) -> Result<(), Flaw> {
    if let Some(line) = header.header() {
        let version = format!("@HD\tVN:{}.{}", line.version().major(), line.version().minor());
        text.extend_from_slice(version.as_bytes());
        append_fields(line.other_fields(), text)?;
        text.push(b'\n');
    }
    for (name, fields) in header.reference_sequences() {
        if !is_reference_name(name) {
            return Err("expected names of contigs that SAM allows".into());
        }
        text.extend_from_slice(b"@SQ");
        append_field(*b"SN", name, text);
        append_field(*b"LN", fields.length().to_string().as_bytes(), text);
        append_fields(fields.other_fields(), text)?;
        text.push(b'\n');
    }
    for (id, fields) in header.read_groups() {
        append_record(b"@RG", id, fields.other_fields(), text)?;
    }
    for (id, fields) in header.programs().as_ref() {
        append_record(b"@PG", id, fields.other_fields(), text)?;
    }
    for comment in header.comments() {
        text.extend_from_slice(b"@CO\t");
        text.extend_from_slice(comment);
        text.push(b'\n');
    }
    Ok(())
}

/// Appends a line with an identifier.
fn append_record<T: AsRef<[u8; 2]>, V: AsRef<[u8]>>(
    kind: &[u8; 3],
    id: &[u8],
    fields: impl IntoIterator<Item = (T, V)>,
    text: &mut Vec<u8>,
) -> Result<(), Flaw> {
    if id.is_empty() || !id.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err("field ID: expected printable ASCII characters".into());
    }
    text.extend_from_slice(kind);
    append_field(*b"ID", id, text);
    append_fields(fields, text)?;
    text.push(b'\n');
    Ok(())
}

fn append_fields<T: AsRef<[u8; 2]>, V: AsRef<[u8]>>(
    fields: impl IntoIterator<Item = (T, V)>,
    text: &mut Vec<u8>,
) -> Result<(), Flaw> {
    for (tag, value) in fields {
        let (tag, value) = (*tag.as_ref(), value.as_ref());
        if !tag[0].is_ascii_alphabetic() || !tag[1].is_ascii_alphanumeric() {
            return Err("expected tags of a letter and a letter or digit".into());
        }
        if !is_value(value) {
            let tag = tag.escape_ascii();
            return Err(format!("field {tag}: expected a value of UTF-8 text without control characters"));
        }
        append_field(tag, value, text);
    }
    Ok(())
}

fn append_field(tag: [u8; 2], value: &[u8], text: &mut Vec<u8>) {
    text.push(b'\t');
    text.extend(tag);
    text.push(b':');
    text.extend_from_slice(value);
}

/// Whether a field can have this value.
fn is_value(value: &[u8]) -> bool {
    !value.is_empty() && std::str::from_utf8(value).is_ok_and(|text| !text.contains(char::is_control))
}

/// A number as BAM holds it.
fn number(value: usize) -> io::Result<[u8; 4]> {
    let too_large = |_| io::Error::new(io::ErrorKind::InvalidInput, "the header has more than 2^31 bytes or contigs");
    Ok(i32::try_from(value).map_err(too_large)?.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use noodles::bam;

    use super::*;

    const TEXT: &str = "@HD\tVN:1.6\tSO:coordinate\tSS:coordinate:x\n@SQ\tSN:c1\tLN:9\tM5:0a\tAH:*\n@SQ\tSN:c2\tLN:2147483647\n\
                        @RG\tID:a b\tSM:s\tDS:two words\n@RG\tID:b\n@PG\tID:p\tPN:x\tCL:y z\n@CO\tone\ttwo\n@CO\tthree\n";

    fn text(header: &str) -> io::Result<String> {
        let (header, mut text) = (header.parse().unwrap(), Vec::new());
        append_text(&header, &mut text)?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn headers_of_ascii_are_as_noodles_writes_them() {
        let header: sam::Header = TEXT.parse().unwrap();
        let mut expected = sam::io::Writer::new(Vec::new());
        expected.write_header(&header).unwrap();
        assert_eq!(text(TEXT).unwrap().as_bytes(), expected.into_inner());
        assert_eq!(text(TEXT).unwrap(), TEXT);
        let (mut expected, mut bytes) = (Vec::new(), Vec::new());
        bam::io::Writer::from(&mut expected).write_header(&header).unwrap();
        append_bam(&header, &mut bytes).unwrap();
        assert_eq!(bytes, expected);
    }

    #[test]
    fn other_characters_are_passed_on_but_not_in_identifiers() {
        for line in
            ["@RG\tID:a\tDS:M\u{fc}ller \u{4e2d}\u{1f9ec}\tSM:\u{e9}\n", "@PG\tID:p\tCL:x \u{fc}\n", "@CO\t\u{fc}\n"]
        {
            assert_eq!(text(line).unwrap(), line);
        }
        for (line, field) in [
            ("@RG\tID:secr\u{e9}t\n", "ID"),
            ("@PG\tID:secr\u{e9}t\n", "ID"),
            ("@RG\tID:a\tSM:secret\u{1}\n", "SM"),
            ("@RG\tID:a\tSM:secret\u{85}\n", "SM"),
            ("@RG\tID:a\tSM:secret\tDS:\u{7f}\n", "DS"),
            ("@RG\tID:a\t\u{1}S:secret\n", "tags"),
            ("@SQ\tSN:a\u{e9}\tLN:1\n", "contigs"),
        ] {
            let error = text(line).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            let error = error.to_string();
            assert!(error.contains(field) && !error.contains("secr"), "{line:?}: {error}");
        }
        assert!(!is_value(b"\xff") && !is_value(b"M\xfcller"), "Latin-1");
    }
}
