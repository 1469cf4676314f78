//! Optional fields: which tags a record has is a number in a dictionary, their values go to a stream a tag and type.

use std::collections::{BTreeMap, HashMap};

use super::{
    encoding,
    number::{put_count, put_itf8},
};
use crate::tag_bytes::TagField;

/// Ends a text in its stream. Texts, which have their zero with them, hold no tabs.
const TEXT_STOP: u8 = b'\t';

/// Name and type, as in BAM.
pub(super) type TagKey = [u8; 3];

/// The optional fields of a slice's records.
#[derive(Default)]
pub(super) struct TagStreams {
    values: BTreeMap<TagKey, Vec<u8>>,
    lines: HashMap<Vec<u8>, i32>,
    /// The lines by number, each followed by a zero.
    dictionary: Vec<u8>,
    line: Vec<u8>,
}

impl TagStreams {
    /// Takes a field of the record at hand.
    pub(super) fn put(&mut self, field: &TagField<'_>) {
        let key = [field.name[0], field.name[1], field.kind];
        self.line.extend(key);
        let stream = self.values.entry(key).or_default();
        match field.kind {
            b'B' => {
                put_count(field.value.len(), stream);
                stream.extend_from_slice(field.value);
            }
            b'Z' | b'H' => {
                stream.extend_from_slice(field.value);
                stream.push(TEXT_STOP);
            }
            _ => stream.extend_from_slice(field.value),
        }
    }

    /// Ends the record at hand and returns the number of its line.
    pub(super) fn end_record(&mut self) -> i32 {
        let next = self.lines.len() as i32;
        let number = match self.lines.get(&self.line) {
            Some(&number) => number,
            None => {
                self.dictionary.extend_from_slice(&self.line);
                self.dictionary.push(0);
                self.lines.insert(self.line.clone(), next);
                next
            }
        };
        self.line.clear();
        number
    }

    pub(super) fn dictionary(&self) -> &[u8] {
        &self.dictionary
    }

    /// Content id and content of every stream.
    pub(super) fn streams(&self) -> impl Iterator<Item = (i32, &[u8])> {
        self.values.iter().map(|(&key, values)| (content_id(key), &values[..]))
    }

    /// The map of tags to their encodings.
    pub(super) fn encodings(&self) -> Vec<u8> {
        let mut map = Vec::new();
        put_count(self.values.len(), &mut map);
        for &key in self.values.keys() {
            put_itf8(content_id(key), &mut map);
            append_encoding(key, &mut map);
        }
        map
    }
}

fn content_id([first, second, kind]: TagKey) -> i32 {
    i32::from_be_bytes([0, first, second, kind])
}

fn append_encoding(key: TagKey, map: &mut Vec<u8>) {
    let id = content_id(key);
    match key[2] {
        b'A' | b'c' | b'C' => encoding::append_fixed_size(1, id, map),
        b's' | b'S' => encoding::append_fixed_size(2, id, map),
        b'i' | b'I' | b'f' => encoding::append_fixed_size(4, id, map),
        b'B' => encoding::append_sized(id, map),
        _ => encoding::append_strings(TEXT_STOP, id, map),
    }
}
