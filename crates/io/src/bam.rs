//! A small reader of BAM files, for checks and counts.

use std::{
    io::{self, Read},
    path::Path,
};

use noodles::{bam, sam};

use crate::{Error, Result, input::Input};

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
    // noodles reports what it cannot parse as an I/O error of its own.
    let header = reader.read_header().map_err(|source| match Error::read(&path, 0, source) {
        Error::Read { path, source } => {
            let reason = format!("expected a BAM header: {source}");
            Error::Format { path, record: 0, format: "BAM", reason }
        }
        error => error,
    })?;
    let malformed = |number| Error::Format {
        path: path.clone(),
        record: number,
        format: "BAM",
        reason: "expected a well-formed record".into(),
    };
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
