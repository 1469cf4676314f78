//! Real reads of HG002 beside what bwa mem 0.7.12 made of them on the whole genome, with the help of data that is not part of
//! this repository: the folder `SVALA_DATA` must have
//!
//! - `HG002_2x148_chr20_10-10.1M.bwamem0.7.12.hs37d5.bam`, 21,206 reads (Genome in a Bottle; test data of DeepVariant), and
//! - `human_GRCh37_chr20.fa.gz`, chromosome 20 of GRCh37.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use common::{Record, conclude, has_program, records, svala_ok, text, trial_if};

const READS: &str = "HG002_2x148_chr20_10-10.1M.bwamem0.7.12.hs37d5.bam";
const REFERENCE: &str = "human_GRCh37_chr20.fa.gz";

/// Share of the confident placements that svala must reproduce, and how far below bwa on the same reference it may be, in
/// thousandths of a per cent.
const LEAST_SHARE: usize = 99_900;
const BELOW_BWA: usize = 50;

type Places = HashMap<(String, usize), Record>;

fn primaries(sam: &[u8]) -> Places {
    records(sam).into_iter().filter(Record::is_primary).map(|r| ((r.name.clone(), r.mate()), r)).collect()
}

/// Runs a program that must succeed and returns its standard output.
fn output_of(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().expect("an installed program");
    assert!(output.status.success(), "{program} {arguments:?}: {}", output.status);
    output.stdout
}

/// The pairs of the BAM file as two FASTQ files.
fn fastq_files(reads: &Path, folder: &Path) -> [PathBuf; 2] {
    let collated = folder.join("collated.bam");
    output_of("samtools", &["collate", "-o", text(&collated), text(reads), text(&folder.join("collate"))]);
    let files = ["reads_1.fq", "reads_2.fq"].map(|name| folder.join(name));
    let [one, two] = &files;
    output_of(
        "samtools",
        &["fastq", "-n", "-1", text(one), "-2", text(two), "-s", "/dev/null", "-0", "/dev/null", text(&collated)],
    );
    files
}

/// How many of the expected placements `got` has within 5 bases, in thousandths of a per cent; prints the others.
fn share(label: &str, expected: &Places, got: &Places) -> usize {
    let confident = || expected.iter().filter(|(key, r)| r.mapq >= 30 && got.contains_key(*key));
    let is_same = |r: &Record, own: &Record| own.contig == r.contig && (own.position - r.position).abs() <= 5;
    let (total, mut same) = (confident().count(), 0);
    let (mut clips, mut unmapped, mut same_score, mut other) = (0, 0, 0, 0);
    for (key, record) in confident() {
        let own = &got[key];
        let score = |r: &Record| r.tags.get("AS").and_then(|text| text.parse::<i64>().ok());
        if is_same(record, own) {
            same += 1;
        } else if !own.is_mapped() {
            unmapped += 1;
        } else if own.contig == record.contig && (own.unclipped_start() - record.unclipped_start()).abs() <= 5 {
            clips += 1;
        } else if score(own) >= score(record) {
            same_score += 1;
        } else {
            other += 1;
        }
    }
    println!(
        "{label}: {same} of {total} within 5 bases; clipped otherwise {clips}, elsewhere with the same score or better \
         {same_score}, with a lower score {other}, unmapped {unmapped}"
    );
    assert!(total > 20_000);
    100_000 * same / total
}

fn placements_are_reproduced(data: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = folder.path().join("chr20.fa");
    std::fs::write(&reference, output_of("gzip", &["-dc", text(&data.join(REFERENCE))])).expect("a temporary file");
    let bam = data.join(READS);
    let expected = primaries(&output_of("samtools", &["view", text(&bam)]));
    let [one, two] = fastq_files(&bam, folder.path());
    svala_ok(&["index", text(&reference)]);
    let arguments = ["mem", "-t", "2", text(&reference), text(&one), text(&two)];
    let own = share("svala", &expected, &primaries(&svala_ok(&arguments)));
    assert!(own >= LEAST_SHARE, "{own} thousandths of a per cent");
    if has_program("bwa") {
        output_of("bwa", &["index", text(&reference)]);
        let bwa = share("bwa", &expected, &primaries(&output_of("bwa", &arguments)));
        assert!(own + BELOW_BWA >= bwa, "svala {own}, bwa {bwa} thousandths of a per cent");
    }
}

fn main() -> ExitCode {
    let data = std::env::var_os("SVALA_DATA").map(PathBuf::from);
    let is_there = |path: &PathBuf| [READS, REFERENCE].iter().all(|name| path.join(name).is_file());
    let found = data.filter(is_there);
    let available = found.is_some() && has_program("samtools");
    let reason = format!("samtools, or {READS} and {REFERENCE} in $SVALA_DATA, are missing");
    let test = move || placements_are_reproduced(&found.unwrap_or_default());
    conclude(vec![trial_if("real placements are reproduced", available, &reason, "SVALA_REQUIRE_DATA", test)])
}
