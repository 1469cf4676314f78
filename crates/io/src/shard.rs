//! Reading back the BAM and CRAM files that svala wrote, record by record, as BAM encodes them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    CramReference, Error, Header, InputWatch, Result, alignment_input,
    bam_records::{BamRecords, malformed},
    input::Input,
    read_source::Opened,
};

/// The records of a BAM or CRAM file of svala, in the order of the file. CRAM lacks where among the fields of a record the read group
/// stood: it comes behind `NM MD MC MQ AS XS`.
pub struct ShardReader {
    records: BamRecords<Opened>,
    watch: Arc<InputWatch>,
}

impl ShardReader {
    /// Opens a file and reads its header. The records of CRAM need the reference.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, is no BAM or CRAM file, or its header is none that svala writes.
    pub fn open(path: &Path, reference: Option<CramReference>) -> Result<(Self, Header)> {
        Self::new(Input::open(path)?, reference)
    }

    /// As [`open`](Self::open); its [`watch`](Self::watch) also computes the digest.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_with_digest(path: &Path, reference: Option<CramReference>) -> Result<(Self, Header)> {
        Self::new(Input::open_with_digest(path)?, reference)
    }

    fn new((input, path): (Input, PathBuf), reference: Option<CramReference>) -> Result<(Self, Header)> {
        let watch = Arc::clone(input.watch());
        let probed = alignment_input::probe(input, reference).map_err(|source| Error::read(&path, 0, source))?;
        let (records, header) = BamRecords::open(probed.input, path)?;
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
