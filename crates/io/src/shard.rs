//! Reading back the BAM files that svala wrote, record by record, as they were encoded.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use noodles::bam;

use crate::{EncodedRecord, Error, Header, Result, input::Input};

/// Largest record that is believed, in bytes: far above what reads of any length here need.
const MAX_RECORD_BYTES: usize = 64 << 20;

/// The records of a BAM file of svala, in the order of the file.
pub struct ShardReader {
    input: Input,
    path: PathBuf,
    records: u64,
}

impl ShardReader {
    /// Opens a BAM file and reads its header.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, is no BAM file, or its header is none that svala writes.
    pub fn open(path: &Path) -> Result<(Self, Header)> {
        let (input, path) = Input::open(path)?;
        let mut reader = bam::io::Reader::from(input);
        let unreadable = |source: io::Error| match Error::read(&path, 0, source) {
            Error::Read { path, source } => malformed(path, 0, format!("expected a BAM header: {source}")),
            error => error,
        };
        let header = reader.read_header().map_err(unreadable)?;
        let header = Header::from_noodles(&header).map_err(|why| malformed(path.clone(), 0, why.into()))?;
        Ok((Self { input: reader.into_inner(), path, records: 0 }, header))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the content of `record` by the next one, which is whole by [`EncodedRecord::split_first`]; false at the end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is cut, or a record is malformed.
    pub fn read(&mut self, record: &mut Vec<u8>) -> Result<bool> {
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
            record.resize(bytes, 0);
            record[..4].copy_from_slice(&size);
            self.input.read_exact(&mut record[4..]).map_err(failed)?;
        }
        if bytes > MAX_RECORD_BYTES || EncodedRecord::split_first(record).is_none() {
            return Err(malformed(self.path.clone(), number, "expected a well-formed record".into()));
        }
        self.records = number;
        Ok(true)
    }
}

fn malformed(path: PathBuf, record: u64, reason: String) -> Error {
    Error::Format { path, record, format: "BAM", reason }
}
