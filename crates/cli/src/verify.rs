//! `svala verify`: whether an output is still what its run wrote.

use std::io::Write;

use svala_io::{CheckedFile, CramReference, check_alignments};

use crate::align::is_cram;
use crate::args::VerifyArgs;
use crate::error::{Error, Result};
use crate::run_record::{differences, record_path};

/// Recomputes what the record of the run says, and compares. The records of CRAM are decoded and counted without their bases, so its
/// reference isn't needed; their digest is left out, since that has the order of fields in BAM. The SHA-256 covers all of it.
pub fn run(args: &VerifyArgs) -> Result<()> {
    let record = args.record.clone().unwrap_or_else(|| record_path(&args.file));
    let has_digest = !is_cram(&args.file);
    let CheckedFile { file, records } = check_alignments(&args.file, Some(CramReference::unknown()))?;
    let differences = differences(&record, &file, &records, has_digest)?;
    if !differences.is_empty() {
        return Err(Error::Verify { path: args.file.clone(), differences });
    }
    let text = format!("{}: as recorded: {} records, SHA-256 {}\n", args.file.display(), records.records, file.hex());
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
}
