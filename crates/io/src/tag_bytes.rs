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

fn split_field(bytes: &[u8]) -> Option<(TagField<'_>, &[u8])> {
    let (&[first, second, kind], rest) = bytes.split_first_chunk()?;
    let size = match kind {
        b'A' | b'c' | b'C' => 1,
        b's' | b'S' => 2,
        b'i' | b'I' | b'f' => 4,
        b'Z' | b'H' => memchr::memchr(0, rest)? + 1,
        b'B' => {
            let (&[subtype, count @ ..], _) = rest.split_first_chunk::<5>()?;
            let item: usize = match subtype {
                b'c' | b'C' => 1,
                b's' | b'S' => 2,
                b'i' | b'I' | b'f' => 4,
                _ => return None,
            };
            item.checked_mul(u32::from_le_bytes(count) as usize)?.checked_add(5)?
        }
        _ => return None,
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
