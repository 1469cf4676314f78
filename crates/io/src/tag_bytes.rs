//! Optional fields as BAM holds them (SAM specification v1, section 4.2.4).

/// A field, borrowed from the record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TagField<'a> {
    pub(crate) name: [u8; 2],
    /// Type: one of `AcCsSiIfZHB`.
    pub(crate) kind: u8,
    /// Value; of `Z` and `H` with the terminating zero, of `B` with subtype and count.
    pub(crate) value: &'a [u8],
    /// The field with name and type.
    pub(crate) bytes: &'a [u8],
}

/// The bytes are no whole fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct MalformedTags;

/// Goes through the fields of a record; ends after the first malformed one.
#[derive(Clone)]
pub(crate) struct TagFields<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for TagFields<'a> {
    type Item = Result<TagField<'a>, MalformedTags>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((field, rest)) = split_field(self.0) else {
            self.0 = &[];
            return Some(Err(MalformedTags));
        };
        self.0 = rest;
        Some(Ok(field))
    }
}

impl TagField<'_> {
    /// Appends the type and value as SAM text has them: `:TYPE:VALUE`.
    pub(crate) fn append_text(&self, line: &mut Vec<u8>) {
        match self.kind {
            b'A' | b'Z' | b'H' => {
                line.extend([b':', self.kind, b':']);
                line.extend_from_slice(self.value.strip_suffix(b"\0").unwrap_or(self.value));
            }
            b'B' => {
                let (subtype, items) = (self.value[0], &self.value[5..]);
                line.extend([b':', b'B', b':', subtype]);
                for item in items.chunks(number_size(subtype).unwrap_or(1)) {
                    line.push(b',');
                    append_number(subtype, item, line);
                }
            }
            kind => {
                line.extend([b':', if kind == b'f' { b'f' } else { b'i' }, b':']);
                append_number(kind, self.value, line);
            }
        }
    }

    /// Whether all characters are ones that SAM can hold.
    pub(crate) fn is_printable(&self) -> bool {
        let [first, second] = self.name;
        let text = self.value.strip_suffix(b"\0").unwrap_or(self.value);
        let is_value = match self.kind {
            b'A' => self.value[0].is_ascii_graphic(),
            b'Z' => text.iter().all(|byte| matches!(byte, b' '..=b'~')),
            b'H' => text.len().is_multiple_of(2) && text.iter().all(u8::is_ascii_hexdigit),
            _ => true,
        };
        first.is_ascii_alphabetic() && second.is_ascii_alphanumeric() && is_value
    }
}

/// Appends a number of a numeric type as text.
fn append_number(kind: u8, bytes: &[u8], line: &mut Vec<u8>) {
    let mut wide = [0; 4];
    wide[..bytes.len()].copy_from_slice(bytes);
    let word = u32::from_le_bytes(wide);
    let number = match kind {
        b'f' => return line.extend(f32::from_bits(word).to_string().bytes()),
        b'c' => i64::from(word as u8 as i8),
        b's' => i64::from(word as u16 as i16),
        b'i' => i64::from(word as i32),
        _ => i64::from(word),
    };
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Bytes of a number of this type.
pub(crate) fn number_size(kind: u8) -> Option<usize> {
    match kind {
        b'c' | b'C' => Some(1),
        b's' | b'S' => Some(2),
        b'i' | b'I' | b'f' => Some(4),
        _ => None,
    }
}

fn split_field(bytes: &[u8]) -> Option<(TagField<'_>, &[u8])> {
    let (&[first, second, kind], rest) = bytes.split_first_chunk()?;
    let size = match kind {
        b'A' => 1,
        b'Z' | b'H' => memchr::memchr(0, rest)? + 1,
        b'B' => {
            let (&[subtype, count @ ..], _) = rest.split_first_chunk::<5>()?;
            number_size(subtype)?.checked_mul(u32::from_le_bytes(count) as usize)?.checked_add(5)?
        }
        kind => number_size(kind)?,
    };
    let value = rest.get(..size)?;
    Some((TagField { name: [first, second], kind, value, bytes: &bytes[..3 + size] }, &rest[size..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_type_are_found() {
        let fields: [&[u8]; 7] = [
            b"XAA!",
            b"XBc\xff",
            b"XCS\x00\x01",
            b"XDf\0\0\0\0",
            b"XEZtext\0",
            b"XFH\0",
            b"XGBs\x02\0\0\0\x01\0\x02\0",
        ];
        let bytes = fields.concat();
        let found: Vec<_> = TagFields(&bytes).map(|field| field.unwrap().bytes).collect();
        assert_eq!(found, fields);
        let text = TagFields(&bytes).nth(4).unwrap().unwrap();
        assert_eq!((text.name, text.kind, text.value), (*b"XE", b'Z', &b"text\0"[..]));
        for array in [&b"XXBc\x03\0\0\0ab"[..], b"XXBi\xff\xff\xff\xff", b"XXBx\x01\0\0\0a", b"XXBc", b"XXZ", b"XX?a"] {
            assert_eq!(TagFields(array).next(), Some(Err(MalformedTags)));
        }
        for end in 0..bytes.len() {
            let is_whole = TagFields(&bytes[..end]).all(|field| field.is_ok());
            let ends = fields.iter().scan(0, |sum, field| {
                *sum += field.len();
                Some(*sum)
            });
            assert_eq!(is_whole, end == 0 || ends.into_iter().any(|e| e == end), "{end}");
        }
    }
}
