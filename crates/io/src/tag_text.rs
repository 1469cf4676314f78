//! Optional fields in SAM text (SAM specification v1, section 1.5), to what BAM holds.

/// Appends the field `TAG:TYPE:VALUE` in BAM's form; integers take the smallest type, unsigned before signed. None, and nothing of use
/// appended, if the text is no such field.
pub(crate) fn append_field(text: &[u8], output: &mut Vec<u8>) -> Option<()> {
    let &[first, second, b':', kind, b':', ref value @ ..] = text else { return None };
    output.extend([first, second]);
    match kind {
        b'i' => append_integer(integer(value)?, output)?,
        b'f' => {
            output.push(b'f');
            append_number(b'f', value, output)?;
        }
        b'A' => {
            let &[character] = value else { return None };
            output.extend([b'A', character]);
        }
        b'Z' | b'H' => {
            output.push(kind);
            output.extend_from_slice(value);
            output.push(0);
        }
        b'B' => append_array(value, output)?,
        _ => return None,
    }
    Some(())
}

/// Appends a field of an integer from -2^31 to 2^32 - 1, in the smallest type; another integer appends nothing of use.
pub(crate) fn append_integer_field(tag: [u8; 2], value: i64, output: &mut Vec<u8>) -> Option<()> {
    output.extend(tag);
    append_integer(value, output)
}

fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn append_integer(value: i64, output: &mut Vec<u8>) -> Option<()> {
    let kinds: [(u8, i64, i64); 6] = [
        (b'C', 0, u8::MAX.into()),
        (b'c', i8::MIN.into(), i8::MAX.into()),
        (b'S', 0, u16::MAX.into()),
        (b's', i16::MIN.into(), i16::MAX.into()),
        (b'I', 0, u32::MAX.into()),
        (b'i', i32::MIN.into(), i32::MAX.into()),
    ];
    let (kind, ..) = kinds.into_iter().find(|(_, least, most)| (*least..=*most).contains(&value))?;
    output.push(kind);
    output.extend_from_slice(&value.to_le_bytes()[..size(kind)?]);
    Some(())
}

/// Items of one type between commas: `c,1,-2`.
fn append_array(text: &[u8], output: &mut Vec<u8>) -> Option<()> {
    let (&kind, items) = text.split_first()?;
    size(kind)?;
    output.extend([b'B', kind]);
    let count_at = output.len();
    output.extend([0; 4]);
    let mut count: u32 = 0;
    for item in items.strip_prefix(b",").into_iter().flat_map(|items| items.split(|&byte| byte == b',')) {
        append_number(kind, item, output)?;
        count += 1;
    }
    let is_whole = items.is_empty() || items[0] == b',';
    output[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
    is_whole.then_some(())
}

/// Appends a number of this type.
fn append_number(kind: u8, text: &[u8], output: &mut Vec<u8>) -> Option<()> {
    if kind == b'f' {
        let number: f32 = std::str::from_utf8(text).ok()?.parse().ok()?;
        output.extend(number.to_le_bytes());
        return Some(());
    }
    let value = integer(text)?;
    let bits = 8 * size(kind)? as u32;
    let (least, most) = match kind.is_ascii_uppercase() {
        true => (0, (1 << bits) - 1),
        false => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
    };
    output.extend_from_slice(&value.to_le_bytes()[..size(kind)?]);
    (least..=most).contains(&value).then_some(())
}

fn size(kind: u8) -> Option<usize> {
    crate::tag_bytes::number_size(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag_bytes::TagFields;

    #[test]
    fn text_comes_back() {
        for text in [
            "RX:Z:ACGT-AC GT",
            "XA:A:!",
            "XF:H:0aFF",
            "Xb:B:c,1,-128",
            "XC:B:C,255",
            "Xs:B:s,-32768",
            "XS:B:S,65535",
            "XI:B:I,4294967295",
            "Xi:B:i,-2147483648",
            "Xf:B:f,1.5,-2",
            "XE:B:c",
            "Xg:f:0.25",
            "XZ:Z:",
        ] {
            let mut bytes = Vec::new();
            append_field(text.as_bytes(), &mut bytes).unwrap();
            let fields: Vec<_> = TagFields(&bytes).map(|field| field.unwrap()).collect();
            assert_eq!(fields.len(), 1, "{text}");
            let mut line = fields[0].name.to_vec();
            fields[0].append_text(&mut line);
            assert_eq!(String::from_utf8(line).unwrap(), text);
        }
        for (number, kind) in [
            (0_i64, b'C'),
            (255, b'C'),
            (-1, b'c'),
            (-128, b'c'),
            (256, b'S'),
            (65_535, b'S'),
            (-129, b's'),
            (-32_768, b's'),
            (65_536, b'I'),
            (4_294_967_295, b'I'),
            (-32_769, b'i'),
            (-2_147_483_648, b'i'),
        ] {
            let (mut bytes, text) = (Vec::new(), format!("XN:i:{number}"));
            append_field(text.as_bytes(), &mut bytes).unwrap();
            let field = TagFields(&bytes).next().unwrap().unwrap();
            let mut line = field.name.to_vec();
            field.append_text(&mut line);
            assert_eq!((field.kind, String::from_utf8(line).unwrap()), (kind, text));
        }
    }

    #[test]
    fn what_is_no_field_is_none() {
        for text in [
            "",
            "1:N:0:ACGT",
            "RX",
            "RX:Z",
            "RX:i:",
            "RX:i:1.5",
            "RX:i:4294967296",
            "RX:i:-2147483649",
            "RX:f:x",
            "RX:A:ab",
            "RX:A:",
            "RX:B:",
            "RX:B:x,1",
            "RX:B:c,128",
            "RX:B:C,-1",
            "RX:B:c1",
            "RX:B:c,",
            "RX:Q:1",
        ] {
            assert!(append_field(text.as_bytes(), &mut Vec::new()).is_none(), "{text}");
        }
    }
}
