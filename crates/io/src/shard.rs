//! Reading back the BAM files that svala wrote, record by record, as they were encoded.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    Header, InputWatch, Result,
    bam_records::{BamRecords, malformed},
    input::Input,
};

/// The records of a BAM file of svala, in the order of the file.
pub struct ShardReader {
    records: BamRecords<Input>,
    watch: Arc<InputWatch>,
}

impl ShardReader {
    /// Opens a BAM file and reads its header.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, is no BAM file, or its header is none that svala writes.
    pub fn open(path: &Path) -> Result<(Self, Header)> {
        Self::new(Input::open(path)?)
    }

    /// As [`open`](Self::open); its [`watch`](Self::watch) also computes the digest.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with_digest(path: &Path) -> Result<(Self, Header)> {
        Self::new(Input::open_with_digest(path)?)
    }

    fn new((input, path): (Input, PathBuf)) -> Result<(Self, Header)> {
        let watch = Arc::clone(input.watch());
        let (records, header) = BamRecords::open(input, path)?;
        let header = Header::from_noodles(&header).map_err(|why| malformed(records.path.clone(), 0, why.into()))?;
        Ok((Self { records, watch }, header))
    }

    /// What is known of its bytes as they are in the file.
    #[must_use]
    pub fn watch(&self) -> &Arc<InputWatch> {
        &self.watch
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.records.path
    }

    /// Replaces the content of `record` by the next one, which is whole by
    /// [`EncodedRecord::split_first`](crate::EncodedRecord::split_first); false at the end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is cut, or a record is malformed.
    pub fn read(&mut self, record: &mut Vec<u8>) -> Result<bool> {
        self.records.read(record)
    }
}
