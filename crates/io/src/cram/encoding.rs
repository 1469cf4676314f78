//! How readers get the values of a series or tag out of blocks (CRAM specification 3.0, section 3).
//!
//! Everything lies in external blocks; nothing but lengths that are always the same is said in bits.

use super::number::{put_count, put_itf8};

const EXTERNAL: i32 = 1;
const HUFFMAN: i32 = 3;
const BYTE_ARRAY_LEN: i32 = 4;
const BYTE_ARRAY_STOP: i32 = 5;

/// Appends the encoding of numbers or bytes that lie in block `id`.
pub(super) fn append_values(id: i32, map: &mut Vec<u8>) {
    let mut parameters = Vec::new();
    put_itf8(id, &mut parameters);
    append(EXTERNAL, &parameters, map);
}

/// Appends the encoding of byte strings that end before `stop`.
pub(super) fn append_strings(stop: u8, id: i32, map: &mut Vec<u8>) {
    let mut parameters = vec![stop];
    put_itf8(id, &mut parameters);
    append(BYTE_ARRAY_STOP, &parameters, map);
}

/// Appends the encoding of byte strings that have all the same size, 1 to 127.
pub(super) fn append_fixed_size(size: u8, id: i32, map: &mut Vec<u8>) {
    let mut parameters = Vec::new();
    // A code of one symbol, which takes no bits.
    append(HUFFMAN, &[1, size, 1, 0], &mut parameters);
    append_values(id, &mut parameters);
    append(BYTE_ARRAY_LEN, &parameters, map);
}

/// Appends the encoding of byte strings with their sizes before them in the same block.
pub(super) fn append_sized(id: i32, map: &mut Vec<u8>) {
    let mut parameters = Vec::new();
    append_values(id, &mut parameters);
    append_values(id, &mut parameters);
    append(BYTE_ARRAY_LEN, &parameters, map);
}

fn append(codec: i32, parameters: &[u8], map: &mut Vec<u8>) {
    put_itf8(codec, map);
    put_count(parameters.len(), map);
    map.extend_from_slice(parameters);
}
