//! `svala verify`: whether an output is still what its run wrote.

use std::io::Write;

use svala_io::{FileDigest, check_alignments};

use crate::align::is_cram;
use crate::args::VerifyArgs;
use crate::error::{Error, Result};
use crate::run_record::{differences, record_path};

/// Recomputes what the record of the run says, and compares. Of a CRAM file that is its SHA-256, which no other content has; its
/// records aren't decoded.
pub fn run(args: &VerifyArgs) -> Result<()> {
    let record = args.record.clone().unwrap_or_else(|| record_path(&args.file));
    let (file, records) = if is_cram(&args.file) {
        (FileDigest::of_file(&args.file)?, None)
    } else {
        let found = check_alignments(&args.file)?;
        (found.file, Some(found.records))
    };
    let differences = differences(&record, &file, records.as_ref())?;
    if !differences.is_empty() {
        return Err(Error::Verify { path: args.file.clone(), differences });
    }
    let records = records.map_or_else(String::new, |sums| format!("{} records, ", sums.records));
    let text = format!("{}: as recorded: {records}SHA-256 {}\n", args.file.display(), file.hex());
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
}
