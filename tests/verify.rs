//! The record of a run, and `svala verify`, which must see whatever has changed.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use common::{
    READS, conclude, data, has_program, indexed_reference, svala, svala_ok, svala_refuses, text, trial, trial_if,
};
use serde_json::Value;

/// An output of the committed reads, with its record.
struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    bam: PathBuf,
}

impl Bench {
    fn new(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let bam = folder.path().join("out.bam");
        let reads = READS.map(data);
        let mut arguments = vec!["align", "--ref", text(&reference), "-1", text(&reads[0]), "-2", text(&reads[1])];
        arguments.extend(["-o", text(&bam)]);
        arguments.extend(options);
        svala_ok(&arguments);
        Self { folder, reference, bam }
    }

    fn record(&self) -> Value {
        let text = std::fs::read_to_string(self.record_path()).expect("the record");
        serde_json::from_str(&text).expect("JSON")
    }

    fn record_path(&self) -> PathBuf {
        self.folder.path().join("out.bam.svala.json")
    }

    /// The error of a verification that must fail.
    fn refuses(&self, bam: &Path) -> String {
        let run = svala(&["verify", text(bam), "--record", text(&self.record_path())]);
        assert_eq!(run.status.code(), Some(1));
        assert!(run.stdout.is_empty());
        String::from_utf8(run.stderr).expect("text")
    }
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().expect("sha256sum starts");
    String::from_utf8_lossy(&output.stdout).split(' ').next().expect("a digest").to_owned()
}

fn digests_are_those_of_the_files() {
    let bench = Bench::new(&[]);
    let record = bench.record();
    for (number, name) in READS.iter().enumerate() {
        let input = &record["inputs"][number];
        assert_eq!((input["name"].as_str(), input["sha256"].as_str()), (Some(*name), Some(&sha256(&data(name))[..])));
        assert_eq!(input["bytes"].as_u64(), Some(data(name).metadata().expect("a file").len()));
    }
    assert_eq!(record["output"]["file"]["sha256"].as_str(), Some(&sha256(&bench.bam)[..]));
    assert_eq!(record["output"]["primary_records"], record["reads"]["reads"]);
    assert!(record["output"]["duplicate_records"].as_u64() > Some(100));
    let written = std::fs::read_to_string(bench.record_path()).expect("the record");
    assert!(!written.contains(text(bench.folder.path())), "folders show");
}

/// The digest is that of the records, however they were sorted and whatever became of duplicates.
fn outputs_verify() {
    let statistics = tempfile::tempdir().expect("a folder");
    let prefix = statistics.path().join("sample");
    let cases: [&[&str]; 5] = [
        &[],
        &["-t", "3", "--max-mem", "1", "--qc", text(&prefix)],
        &["--rmdup"],
        &["--no-markdup"],
        &["--sort", "none"],
    ];
    let digests = cases.map(digest_of_verified);
    assert_eq!(digests[0], digests[1], "threads and memory show");
    assert_eq!(digests[3], digests[4], "the order shows");
    assert!(digests[0] != digests[2] && digests[0] != digests[3] && digests[2] != digests[3], "duplicates don't show");
}

fn digest_of_verified(options: &[&str]) -> String {
    let bench = Bench::new(options);
    let output = String::from_utf8(svala_ok(&["verify", text(&bench.bam)])).expect("text");
    assert!(output.contains("as recorded"), "{options:?}: {output}");
    bench.record()["output"]["digest"].as_str().expect("a digest").to_owned()
}

fn a_flipped_bit_shows() {
    let bench = Bench::new(&[]);
    let bytes = std::fs::read(&bench.bam).expect("the output");
    // In a header of a block, where only the SHA-256 sees it, and in compressed data.
    let path = bench.folder.path().join("flipped.bam");
    for (at, word) in [(4, "SHA-256"), (bytes.len() / 2, "flipped.bam")] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        std::fs::write(&path, flipped).expect("a file");
        let error = bench.refuses(&path);
        assert!(error.contains(word) && error.lines().count() == 1, "{error}");
    }
    std::fs::write(&path, &bytes[..bytes.len() - 28]).expect("a file");
    bench.refuses(&path);
}

/// samtools writes other files of the same records, of fewer, and of others.
fn lost_and_changed_records_show_and_order_does_not() {
    let bench = Bench::new(&[]);
    let path = bench.folder.path().join("changed.bam");
    let samtools = |arguments: &[&str]| {
        let status = Command::new("samtools").args(arguments).status().expect("samtools starts");
        assert!(status.success());
    };
    samtools(&["sort", "-n", "--no-PG", "-o", text(&path), text(&bench.bam)]);
    let error = bench.refuses(&path);
    assert!(error.contains("SHA-256") && !error.contains("digest of the records"), "{error}");
    samtools(&["view", "-b", "--no-PG", "-e", "pos != 1000", "-o", text(&path), text(&bench.bam)]);
    let error = bench.refuses(&path);
    assert!(error.contains("digest of the records") && error.contains("primary records"), "{error}");
    samtools(&["view", "-b", "--no-PG", "--remove-flags", "0x400", "-o", text(&path), text(&bench.bam)]);
    let error = bench.refuses(&path);
    assert!(error.contains("records of duplicates: 0") && error.contains("digest of the records"), "{error}");
    assert!(!error.contains("primary"), "{error}");
}

fn cram_verifies_by_its_bytes_and_counts() {
    let bench = Bench::new(&[]);
    let [cram, record] = ["out.cram", "out.cram.svala.json"].map(|name| bench.folder.path().join(name));
    svala_ok(&["merge", text(&bench.bam), "--ref", text(&bench.reference), "-o", text(&cram)]);
    let output = String::from_utf8(svala_ok(&["verify", text(&cram)])).expect("text");
    assert!(output.contains("as recorded") && output.contains(&sha256(&cram)), "{output}");
    let of = |path: &Path| -> Value {
        serde_json::from_str(&std::fs::read_to_string(path).expect("the record")).expect("JSON")
    };
    // The records are those of the BAM file.
    assert_eq!(of(&record)["output"]["digest"], bench.record()["output"]["digest"]);
    let mut bytes = std::fs::read(&cram).expect("the output");
    let half = bytes.len() / 2;
    bytes[half] ^= 1;
    std::fs::write(&cram, &bytes).expect("a file");
    svala_refuses(&["verify", text(&cram)], 1, "damaged");
    std::fs::write(&cram, &bytes[..half]).expect("a file");
    svala_refuses(&["verify", text(&cram)], 1, "truncated");
    // Other bytes of the same records, and other records.
    let kept = bench.folder.path().join("kept.json");
    std::fs::copy(&record, &kept).expect("a copy");
    let other = |options: &[&str]| {
        let fixed = ["merge", text(&bench.bam), "--ref", text(&bench.reference), "--no-record", "-o", text(&cram)];
        svala_ok(&[&fixed[..], options].concat());
        assert!(!record.exists());
        svala_refuses(&["verify", text(&cram), "--record", text(&kept)], 1, "SHA-256")
    };
    assert!(!other(&["--cram-version", "3.1"]).contains("records"));
    assert!(other(&["--no-markdup"]).contains("records of duplicates: 0"));
}

fn what_is_missing_or_no_record_is_refused() {
    let bench = Bench::new(&["--no-record"]);
    assert!(!bench.record_path().exists());
    assert!(bench.refuses(&bench.bam).contains("out.bam.svala.json"));
    for content in ["", "{}", "{\"format\": \"svala run record 0\"}", "[1]"] {
        std::fs::write(bench.record_path(), content).expect("a file");
        assert!(bench.refuses(&bench.bam).contains("not the record of a run"), "{content}");
    }
}

fn main() -> ExitCode {
    let with = |program: &str, name: &str, check: fn()| {
        trial_if(name, has_program(program), &format!("no {program}"), "SVALA_REQUIRE_TOOLS", check)
    };
    conclude(vec![
        trial("outputs verify", outputs_verify),
        trial("a flipped bit shows", a_flipped_bit_shows),
        trial("what is missing or no record is refused", what_is_missing_or_no_record_is_refused),
        with("sha256sum", "CRAM verifies by its bytes and counts", cram_verifies_by_its_bytes_and_counts),
        with("sha256sum", "digests are those of the files", digests_are_those_of_the_files),
        with(
            "samtools",
            "lost and changed records show, and order doesn't",
            lost_and_changed_records_show_and_order_does_not,
        ),
    ])
}
