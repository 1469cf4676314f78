//! A small reader of BAM files, for checks and counts.

use std::{
    io::{self, BufReader, Read},
    path::Path,
    sync::Arc,
};

use noodles::{bam, sam};

use crate::{CramReference, EncodedRecord, Error, FileDigest, Result, alignment_input, input::Input, qc::RecordSums};

/// Uncompressed bytes at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// The main fields of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnedAlignment {
    /// Read name; empty where the record has none.
    pub name: Vec<u8>,
    /// Bits of [`flags`](crate::flags).
    pub flags: u16,
    /// Name of the reference sequence.
    pub reference: Option<Vec<u8>>,
    /// Leftmost aligned base, 0-based.
    pub position: Option<u32>,
    /// MAPQ; 255 is "not available".
    pub mapping_quality: u8,
    /// CIGAR as SAM text; `*` for none.
    pub cigar: String,
}

/// Reads a BAM file, or standard input for `-`, and calls `visit` for every record in order.
///
/// # Errors
///
/// The file cannot be opened or read, is no BAM file, is cut (also by its end marker only) or
/// holds a malformed record.
pub fn read_alignments(path: &Path, mut visit: impl FnMut(OwnedAlignment)) -> Result<()> {
    let (input, path) = Input::open(path)?;
    let mut reader = bam::io::Reader::from(input);
    let header = read_header(&mut reader, &path)?;
    let malformed = |number| malformed(&path, number);
    let mut record = bam::Record::default();
    for number in 1.. {
        match reader.read_record(&mut record) {
            Ok(0) => {
                // noodles takes a record of size 0 for the end of the file.
                let rest = reader.get_mut().read(&mut [0]);
                let rest = rest.map_err(|source| Error::read(&path, number, source))?;
                return if rest == 0 { Ok(()) } else { Err(malformed(number)) };
            }
            Ok(_) => visit(convert(&header, &record).ok_or_else(|| malformed(number))?),
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(malformed(number));
            }
            Err(source) => return Err(Error::read(&path, number, source)),
        }
    }
    Ok(())
}

/// What [`check_alignments`] finds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CheckedFile {
    /// The file as it is.
    pub file: FileDigest,
    /// Its records.
    pub records: RecordSums,
}

/// Reads a BAM or CRAM file, or standard input for `-`, and computes its digests. Bases of CRAM need the reference; with an unknown one
/// they are all N, and the digest of the records is not theirs.
///
/// # Errors
///
/// As for [`read_alignments`].
pub fn check_alignments(path: &Path, reference: Option<CramReference>) -> Result<CheckedFile> {
    let (input, path) = Input::open_with_digest(path)?;
    let watch = Arc::clone(input.watch());
    let input = alignment_input::probe(input, reference).map_err(|source| Error::read(&path, 0, source))?.input;
    let mut reader = bam::io::Reader::from(BufReader::with_capacity(BUFFER_BYTES, input));
    read_header(&mut reader, &path)?;
    let mut input = reader.into_inner();
    let (mut records, mut bytes) = (RecordSums::default(), Vec::new());
    loop {
        let number = records.records + 1;
        bytes.clear();
        // A cut record is malformed, whatever has been read of it.
        let read = input.by_ref().take(4).read_to_end(&mut bytes).and_then(|read| {
            let size = bytes.first_chunk().map_or(0, |size| u32::from_le_bytes(*size));
            input.by_ref().take(size.into()).read_to_end(&mut bytes).map(|_| read)
        });
        if read.map_err(|source| Error::read(&path, number, source))? == 0 {
            break;
        }
        let record = EncodedRecord::split_first(&bytes).filter(|(_, rest)| rest.is_empty());
        records.add(record.ok_or_else(|| malformed(&path, number))?.0);
    }
    let file = watch.file_digest().ok_or_else(|| malformed(&path, records.records))?;
    Ok(CheckedFile { file, records })
}

fn read_header<R: Read>(reader: &mut bam::io::Reader<R>, path: &Path) -> Result<sam::Header> {
    // noodles reports what it cannot parse as an I/O error of its own.
    reader.read_header().map_err(|source| match Error::read(path, 0, source) {
        Error::Read { path, source } => {
            let reason = format!("expected a BAM header: {source}");
            Error::Format { path, record: 0, format: "BAM", reason }
        }
        error => error,
    })
}

fn malformed(path: &Path, number: u64) -> Error {
    let reason = "expected a well-formed record".into();
    Error::Format { path: path.to_path_buf(), record: number, format: "BAM", reason }
}

/// None where a field is malformed.
fn convert(header: &sam::Header, record: &bam::Record) -> Option<OwnedAlignment> {
    let reference = match record.reference_sequence_id().transpose().ok()? {
        Some(index) => Some(header.reference_sequences().get_index(index)?.0.to_vec()),
        None => None,
    };
    let position = match record.alignment_start().transpose().ok()? {
        Some(start) => Some(u32::try_from(usize::from(start) - 1).ok()?),
        None => None,
    };
    let mut cigar = Vec::new();
    sam::io::writer::record::write_cigar(&mut cigar, &record.cigar()).ok()?;
    Some(OwnedAlignment {
        name: record.name().map_or_else(Vec::new, |name| name.to_vec()),
        flags: u16::from(record.flags()),
        reference,
        position,
        mapping_quality: record.mapping_quality().map_or(u8::MAX, u8::from),
        cigar: String::from_utf8(cigar).ok()?,
    })
}
