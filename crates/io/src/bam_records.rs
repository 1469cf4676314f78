//! The records of a BAM file, as they are encoded.

use std::{
    io::{self, Read},
    path::PathBuf,
};

use noodles::sam;

use crate::{EncodedRecord, Error, Result, bam_header};

/// Largest record that is believed, in bytes: far above what reads of any length here need.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// What is left of an uncompressed BAM file.
pub(crate) struct BamRecords<R> {
    input: R,
    pub(crate) path: PathBuf,
    /// Records read.
    pub(crate) records: u64,
}

impl<R: Read> BamRecords<R> {
    /// Reads the header.
    pub(crate) fn open(mut input: R, path: PathBuf) -> Result<(Self, sam::Header)> {
        let header = bam_header::read(&mut input).map_err(|source| match Error::read(&path, 0, source) {
            Error::Read { path, source } if source.kind() == io::ErrorKind::UnexpectedEof => {
                Error::Truncated { path, record: 0 }
            }
            Error::Read { path, source } if source.kind() == io::ErrorKind::InvalidData => {
                malformed(path, 0, format!("expected a BAM header: {source}"))
            }
            error => error,
        })?;
        Ok((Self { input, path, records: 0 }, header))
    }

    /// Replaces the content of `record` by the next one, which is whole by [`EncodedRecord::split_first`]; false at the end.
    pub(crate) fn read(&mut self, record: &mut Vec<u8>) -> Result<bool> {
        let number = self.records + 1;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated { path: self.path.clone(), record: number },
            _ => Error::read(&self.path, number, source),
        };
        let mut size = [0; 4];
        if self.input.read(&mut size[..1]).map_err(failed)? == 0 {
            return Ok(false);
        }
        self.input.read_exact(&mut size[1..]).map_err(failed)?;
        let bytes = 4 + u32::from_le_bytes(size) as usize;
        if bytes <= MAX_RECORD_BYTES {
            record.clear();
            record.extend_from_slice(&size);
            // A length that lies takes no more memory than there is data.
            self.input.by_ref().take(bytes as u64 - 4).read_to_end(record).map_err(failed)?;
            if record.len() < bytes {
                return Err(failed(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        if bytes > MAX_RECORD_BYTES || EncodedRecord::split_first(record).is_none() {
            return Err(malformed(self.path.clone(), number, "expected a well-formed record".into()));
        }
        self.records = number;
        Ok(true)
    }
}

/// An error of a BAM file.
pub(crate) fn malformed(path: PathBuf, record: u64, reason: String) -> Error {
    Error::Format { path, record, format: "BAM", reason }
}
