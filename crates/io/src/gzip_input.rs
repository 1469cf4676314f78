//! Inflating gzip: members in a row, and zeros behind the last.
//!
//! Tapes and some file systems fill files up with zeros, which gzip passes over. Whatever else follows a member has to be another
//! one.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Of every member.
const FIRST_BYTE: u8 = 0x1f;

/// The inflated bytes.
pub(crate) enum GzipReader<R> {
    /// At the start of a member, or where there is none.
    Between(R),
    Within(Box<GzDecoder<R>>),
    Ended,
}

impl<R: BufRead> GzipReader<R> {
    /// Reads from the start of a member, or from behind the last of another reader.
    pub(crate) fn new(source: R) -> Self {
        Self::Between(source)
    }
}

impl<R: BufRead> Read for GzipReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self {
                Self::Between(source) => {
                    let has_member = has_member(source)?;
                    if let (Self::Between(source), true) = (std::mem::replace(self, Self::Ended), has_member) {
                        *self = Self::Within(Box::new(GzDecoder::new(source)));
                    }
                }
                Self::Within(member) => {
                    let count = member.read(buffer)?;
                    if count > 0 || buffer.is_empty() {
                        return Ok(count);
                    }
                    if let Self::Within(member) = std::mem::replace(self, Self::Ended) {
                        *self = Self::Between(member.into_inner());
                    }
                }
                Self::Ended => return Ok(0),
            }
        }
    }
}

/// Passes over zeros; false if nothing follows them.
fn has_member(source: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = source.fill_buf()?;
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        let (next, is_end) = (bytes.get(zeros).copied(), bytes.is_empty());
        source.consume(zeros);
        match next {
            Some(FIRST_BYTE) => return Ok(true),
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "something other than gzip follows it")),
            None if is_end => return Ok(false),
            None => {}
        }
    }
}
