//! Inputs that libFuzzer kept since each reaches code that others don't, or that were findings: a file a target in `tests/data/fuzz`.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

/// Where the inputs of a target are, below the folder of the repository.
pub fn path(repository: &Path, target: &str) -> PathBuf {
    repository.join("tests/data/fuzz").join(format!("{target}.gz"))
}

/// One file of many inputs: the length of each in four bytes, little-endian, before it, all in gzip.
pub fn packed(inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for input in inputs {
        let length = u32::try_from(input.len()).expect("a small input");
        encoder.write_all(&length.to_le_bytes()).expect("memory");
        encoder.write_all(input).expect("memory");
    }
    encoder.finish().expect("memory")
}

/// The inputs of such a file.
pub fn unpacked(file: &Path) -> Vec<Vec<u8>> {
    let mut content = Vec::new();
    let file = std::fs::File::open(file).expect("kept inputs");
    GzDecoder::new(file).read_to_end(&mut content).expect("gzip");
    let (mut inputs, mut rest) = (Vec::new(), content.as_slice());
    while let Some((length, after)) = rest.split_first_chunk() {
        let (input, after) = after.split_at(u32::from_le_bytes(*length) as usize);
        inputs.push(input.to_vec());
        rest = after;
    }
    inputs
}
