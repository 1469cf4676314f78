//! `svala verify`: whether an output is still what its run wrote.

use std::io::Write;

use svala_io::check_alignments;

use crate::align::is_cram;
use crate::args::VerifyArgs;
use crate::error::{Error, Result};
use crate::run_record::{differences, record_path};

/// Recomputes what the record of the run says, and compares.
pub fn run(args: &VerifyArgs) -> Result<()> {
    if is_cram(&args.file) {
        let why = "verify reads BAM; of a CRAM file, compare its SHA-256 with that in the record";
        return Err(Error::Usage { path: args.file.clone(), why });
    }
    let record = args.record.clone().unwrap_or_else(|| record_path(&args.file));
    let found = check_alignments(&args.file)?;
    let differences = differences(&record, &found)?;
    if !differences.is_empty() {
        return Err(Error::Verify { path: args.file.clone(), differences });
    }
    let text = format!(
        "{}: as recorded: {} records, SHA-256 {}\n",
        args.file.display(),
        found.records.records,
        found.file.hex()
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
}
