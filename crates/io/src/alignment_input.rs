//! Files of records, BAM or CRAM, as uncompressed BAM.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    path::Path,
};

use crate::{
    cram::{CramReference, CramStream, is_cram},
    input::Input,
    read_source::Opened,
};

/// Bytes that tell the format.
const PROBE_BYTES: u64 = 4;

/// Whether a file is CRAM, by its first bytes, or is one that can be read only once, such as a pipe or standard input. What can't be
/// read is none.
#[must_use]
pub fn may_be_cram(path: &Path) -> bool {
    if path == Path::new("-") || path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return true;
    }
    File::open(path).and_then(|mut file| take_head(&mut file)).is_ok_and(|head| is_cram(&head))
}

/// An input whose first bytes have been looked at.
pub(crate) struct Probed {
    /// Its first bytes.
    pub(crate) head: Vec<u8>,
    /// All of its bytes.
    pub(crate) input: Opened,
    /// Whether they are decoded from CRAM, and so are those of the BAM file with its records.
    pub(crate) is_decoded: bool,
}

/// Looks at an input.
pub(crate) fn probe(mut input: Input, reference: Option<CramReference>) -> io::Result<Probed> {
    let head = take_head(&mut input)?;
    let whole = Cursor::new(head.clone()).chain(input);
    if !is_cram(&head) {
        return Ok(Probed { head, input: Box::new(whole), is_decoded: false });
    }
    let mut decoded = CramStream::new(whole, reference);
    let head = take_head(&mut decoded)?;
    let input = Box::new(Cursor::new(head.clone()).chain(decoded));
    Ok(Probed { head, input, is_decoded: true })
}

fn take_head(input: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    input.take(PROBE_BYTES).read_to_end(&mut head)?;
    Ok(head)
}
