//! Reading the header of a BAM file (SAM specification v1, section 4.2).
//!
//! By us and not by noodles, whose reader reserves what a length asks for before it sees the data: a file of a few bytes could
//! ask for 4 GiB.

use std::io::{self, Read};

use noodles::sam;

/// The first bytes of a BAM file.
pub(crate) const MAGIC: &[u8; 4] = b"BAM\x01";

/// Reads the header. The contigs of its text, if there are any, must be those that its binary part lists.
///
/// # Errors
///
/// Of the kind `UnexpectedEof` where the file ends within it, of the kind `InvalidData` where it is none, or of reading.
pub(crate) fn read(input: &mut impl Read) -> io::Result<sam::Header> {
    if read_exactly(input, MAGIC.len() as u32)? != MAGIC {
        return Err(malformed("other first bytes"));
    }
    let text_bytes = read_number(input)?;
    let text = read_exactly(input, text_bytes)?;
    let header = parse(&text)?;
    let mut contigs = header.reference_sequences().iter();
    let has_contigs = contigs.len() > 0;
    for _ in 0..read_number(input)? {
        let name_bytes = read_number(input)?;
        let (name, length) = (read_exactly(input, name_bytes)?, read_number(input)?);
        let given = name.strip_suffix(b"\0").map(|name| (name, length as usize));
        let own = contigs.next().map(|(name, fields)| (name.as_slice(), usize::from(fields.length())));
        if has_contigs && (own.is_none() || own != given) {
            return Err(malformed("its two lists of contigs differ"));
        }
    }
    if contigs.next().is_some() { Err(malformed("its two lists of contigs differ")) } else { Ok(header) }
}

/// Parses the lines of a header, which zeros may follow.
///
/// # Errors
///
/// Of the kind `InvalidData`.
pub(crate) fn parse(text: &[u8]) -> io::Result<sam::Header> {
    let text = &text[..text.iter().position(|&byte| byte == 0).unwrap_or(text.len())];
    let mut parser = sam::header::Parser::default();
    let lines = (1..).zip(text.split(|&byte| byte == b'\n'));
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // noodles' own error may quote the line.
        parser
            .parse_partial(line)
            .map_err(|_| malformed(format!("line {number} of its text{} is none of SAM", kind(line))))?;
    }
    Ok(parser.finish())
}

/// What sort of line it claims to be, in words.
fn kind(line: &[u8]) -> String {
    match *line {
        [b'@', a, b, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => {
            format!(", one of @{}{},", char::from(a), char::from(b))
        }
        _ => String::new(),
    }
}

fn malformed(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn read_number(input: &mut impl Read) -> io::Result<u32> {
    let mut bytes = [0; 4];
    input.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

/// As many bytes, for which memory is taken as they come.
fn read_exactly(input: &mut impl Read, count: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.by_ref().take(count.into()).read_to_end(&mut bytes)?;
    if bytes.len() == count as usize { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &[u8], contigs: &[(&[u8], u32)]) -> Vec<u8> {
        let number = |number: usize| (number as u32).to_le_bytes();
        let mut bytes = [&MAGIC[..], &number(text.len()), text, &number(contigs.len())].concat();
        for (name, length) in contigs {
            bytes.extend([&number(name.len()), *name, &length.to_le_bytes()].concat());
        }
        bytes
    }

    fn error(bytes: &[u8]) -> io::ErrorKind {
        read(&mut &bytes[..]).unwrap_err().kind()
    }

    const TEXT: &[u8] = b"@SQ\tSN:c\tLN:9\r\n@RG\tID:a\n@CO\tx\n\0\0";

    #[test]
    fn text_and_binary_part_agree() {
        let whole = header(TEXT, &[(b"c\0", 9)]);
        let mut rest = [&whole[..], b"rest"].concat();
        let mut input = &rest[..];
        let read_back = read(&mut input).unwrap();
        assert_eq!((read_back.reference_sequences().len(), read_back.read_groups().len(), input), (1, 1, &b"rest"[..]));
        assert!(read(&mut &header(b"", &[(b"c\0", 9), (b"d\0", 8)])[..]).is_ok());
        for contigs in [&[][..], &[(&b"c\0"[..], 8)], &[(b"d\0", 9)], &[(b"c", 9)], &[(b"c\0", 9), (b"d\0", 9)]] {
            assert_eq!(error(&header(TEXT, contigs)), io::ErrorKind::InvalidData, "{contigs:?}");
        }
        rest[0] = b'X';
        assert_eq!(error(&rest), io::ErrorKind::InvalidData);
        assert_eq!(error(&header(b"no header\n", &[])), io::ErrorKind::InvalidData);
        for end in 0..whole.len() {
            assert_eq!(error(&whole[..end]), io::ErrorKind::UnexpectedEof, "{end}");
        }
    }

    #[test]
    fn a_line_that_is_none_is_told_by_number_and_kind() {
        for (text, told) in [
            ("@HD\tVN:1.6\n@CO\n", "line 2 of its text, one of @CO, is none of SAM"),
            ("@HD\tVN:1.6\r\n\n\n@RG\tID:a\tDS:\n", "line 4 of its text, one of @RG, is none of SAM"),
            ("secret", "line 1 of its text is none of SAM"),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().to_string(), told);
        }
    }

    #[test]
    fn lengths_that_lie_take_no_memory() {
        let lie = u32::MAX.to_le_bytes();
        for before in [&b"BAM\x01"[..], b"BAM\x01\0\0\0\0", b"BAM\x01\0\0\0\0\x01\0\0\0"] {
            assert_eq!(error(&[before, &lie].concat()), io::ErrorKind::UnexpectedEof);
        }
    }
}
