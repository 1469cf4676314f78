//! Size and SHA-256 of a file.

use std::{fmt::Write as _, fs::File, io::Read, path::Path};

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Size and SHA-256 (FIPS 180-4) of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileDigest {
    /// The digest.
    pub sha256: [u8; 32],
    /// Bytes of the file.
    pub bytes: u64,
}

impl FileDigest {
    /// Reads a file and computes its digest.
    ///
    /// # Errors
    ///
    /// It cannot be opened or read.
    pub fn of_file(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(|source| Error::Open { path: path.to_path_buf(), source })?;
        let (mut digester, mut buffer) = (FileDigester::default(), vec![0; BUFFER_BYTES]);
        loop {
            match file.read(&mut buffer).map_err(|source| Error::read(path, 0, source))? {
                0 => return Ok(digester.finish()),
                count => digester.update(&buffer[..count]),
            }
        }
    }

    /// The digest in 64 hexadecimal digits, as `sha256sum` prints it.
    #[must_use]
    pub fn hex(&self) -> String {
        self.sha256.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// Computes a [`FileDigest`] of bytes that go by.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileDigester {
    sha256: Sha256,
    bytes: u64,
}

impl FileDigester {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    pub(crate) fn finish(self) -> FileDigest {
        FileDigest { sha256: self.sha256.finalize().into(), bytes: self.bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, vec![b'a'; BUFFER_BYTES + 1]).unwrap();
        let mut digester = FileDigester::default();
        (0..=BUFFER_BYTES).for_each(|_| digester.update(b"a"));
        assert_eq!(FileDigest::of_file(&path).unwrap(), digester.finish());
        assert!(FileDigest::of_file(&folder.path().join("none")).is_err());
    }

    /// The example of FIPS 180-2, appendix B.1.
    #[test]
    fn the_digest_is_that_of_the_standard() {
        let mut digester = FileDigester::default();
        digester.update(b"a");
        digester.update(b"bc");
        let digest = digester.finish();
        assert_eq!(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(digest.bytes, 3);
    }
}
