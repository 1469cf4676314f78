//! Reading back the BAM files that svala wrote, record by record, as they were encoded.

use std::path::Path;

use crate::{
    Header, Result,
    bam_records::{BamRecords, malformed},
    input::Input,
};

/// The records of a BAM file of svala, in the order of the file.
pub struct ShardReader(BamRecords<Input>);

impl ShardReader {
    /// Opens a BAM file and reads its header.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, is no BAM file, or its header is none that svala writes.
    pub fn open(path: &Path) -> Result<(Self, Header)> {
        let (input, path) = Input::open(path)?;
        let (records, header) = BamRecords::open(input, path)?;
        let header = Header::from_noodles(&header).map_err(|why| malformed(records.path.clone(), 0, why.into()))?;
        Ok((Self(records), header))
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Replaces the content of `record` by the next one, which is whole by
    /// [`EncodedRecord::split_first`](crate::EncodedRecord::split_first); false at the end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is cut, or a record is malformed.
    pub fn read(&mut self, record: &mut Vec<u8>) -> Result<bool> {
        self.0.read(record)
    }
}
