//! The record of a run, a JSON file beside the output: what went in, what came out, and how. No read names, bases or folders.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use svala_io::qc::RecordSums;
use svala_io::{AtomicFile, FileDigest};

use crate::error::{Error, Result};
use crate::insert_file;
use crate::output_header::file_name;
use crate::run_facts::RunFacts;

/// What the member `format` of the file says.
const FORMAT: &str = "svala run record 1";
/// What the digest of records is, for readers of the file.
const DIGEST: &str = "sum modulo 2^128 of the XXH3-128 hashes of all records in BAM form, from refID to the last tag";

/// The record of an output file.
pub fn record_path(output: &Path) -> PathBuf {
    crate::qc_files::with_suffix(output, ".svala.json")
}

/// A record to be written at the end.
pub struct RunRecord {
    file: AtomicFile,
    path: PathBuf,
    output: PathBuf,
}

impl RunRecord {
    /// Makes the file now, so that what prevents it is seen before the work.
    pub fn create(output: &Path) -> Result<Self> {
        let path = record_path(output);
        Ok(Self { file: AtomicFile::create(&path)?, path, output: output.to_owned() })
    }

    /// Writes it but for its name.
    pub fn complete(mut self, facts: &RunFacts) -> Result<AtomicFile> {
        let inputs = facts.inputs.iter().map(|(name, digest)| described(name, *digest));
        let RunFacts { header, summary, observation, counters, .. } = facts;
        let content = json!({
            "format": FORMAT,
            "svala": env!("CARGO_PKG_VERSION"),
            "command": header.program.command_line,
            "reference": {
                "name": facts.reference,
                "contigs": header.references.len(),
                "bases": header.references.iter().map(|contig| contig.length).sum::<u64>(),
                "sha256_of_names_lengths_and_md5": header.reference_digest().hex(),
            },
            "inputs": inputs.collect::<Vec<_>>(),
            "output": {
                "file": described(&file_name(&self.output), observation.file),
                "records": observation.sums.records,
                "primary_records": observation.sums.primary,
                "duplicate_records": observation.sums.duplicates,
                "digest": digest_text(&observation.sums),
                "digest_is": DIGEST,
            },
            "shard": facts.shard.map(|shard| shard.to_string()),
            "reads": {
                "reads": summary.reads,
                "bases": summary.bases,
                "mapped": summary.mapped,
                "properly_paired": summary.properly_paired,
                "mapq_30_or_more": summary.confident,
            },
            "duplicates": facts.all_duplicates().map(|found| json!({
                "unpaired_reads": found.unpaired_duplicates,
                "pairs": found.pair_duplicates,
                "optical_pairs": found.optical_duplicates,
            })),
            "insert_models": summary.insert_models.iter().map(|model| model.as_ref().map(insert_file::to_json)).collect::<Vec<_>>(),
            "backend": {
                "used": facts.backend,
                "failed_devices": facts.device_failures,
                "unopened_devices": facts.unopened_devices,
                "extend_jobs": counters.extend_jobs,
                "global_jobs": counters.global_jobs,
                "local_jobs": counters.local_jobs,
                "gpu_jobs": counters.gpu_jobs,
                "redone_jobs": counters.redone_jobs,
                "checked_jobs": counters.checked_jobs,
                "wrong_jobs": counters.wrong_jobs,
            },
            "resumed_after_reads": facts.resumed_after,
            "threads": facts.threads,
            "seconds": { "start": facts.start.as_secs_f64(), "align_sort_and_write": facts.elapsed.as_secs_f64() },
        });
        let text = format!("{content:#}\n");
        self.file.write_all(text.as_bytes()).map_err(|source| Error::File { path: self.path, source })?;
        self.file.complete()?;
        Ok(self.file)
    }
}

fn described(name: &str, digest: Option<FileDigest>) -> Value {
    json!({ "name": name, "bytes": digest.map(|digest| digest.bytes), "sha256": digest.map(|digest| digest.hex()) })
}

fn digest_text(sums: &RecordSums) -> String {
    format!("{:032x}", sums.digest)
}

/// What of an output, its bytes and its records, is not as its record says; empty if everything is. `has_digest` tells whether the
/// records' digest is known too.
///
/// # Errors
///
/// The record can't be read or is none.
pub fn differences(record: &Path, file: &FileDigest, records: &RecordSums, has_digest: bool) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(record).map_err(|source| Error::File { path: record.to_owned(), source })?;
    let refuse = |why: &str| Error::RunRecord { path: record.to_owned(), why: why.to_owned() };
    let value: Value = serde_json::from_str(&text).map_err(|error| refuse(&error.to_string()))?;
    if value["format"].as_str() != Some(FORMAT) {
        return Err(refuse(&format!("expected a member \"format\" that says \"{FORMAT}\"")));
    }
    let output = &value["output"];
    let of_records = [
        ("records", &output["records"], json!(records.records)),
        ("primary records", &output["primary_records"], json!(records.primary)),
        ("records of duplicates", &output["duplicate_records"], json!(records.duplicates)),
    ];
    let digest = has_digest.then(|| ("digest of the records", &output["digest"], json!(digest_text(records))));
    let of_file = [
        ("bytes", &output["file"]["bytes"], json!(file.bytes)),
        ("SHA-256 of the file", &output["file"]["sha256"], json!(file.hex())),
    ];
    let differs = of_records.into_iter().chain(digest).chain(of_file).filter(|(_, recorded, found)| *recorded != found);
    Ok(differs.map(|(what, recorded, found)| format!("{what}: {found}, recorded {recorded}")).collect())
}
