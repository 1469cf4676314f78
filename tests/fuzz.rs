//! Every reader of svala, given good inputs with random changes for a while: it may refuse them, but not panic.
//!
//! Two seconds for each; `SVALA_FUZZ_SECONDS` says otherwise, and `SVALA_FUZZ_SEED` what chance starts from. It runs on stable Rust and
//! without a fuzzer's engine, so it doesn't see which code an input reaches; what stands in for that is that the inputs are small and the
//! changes keep lengths, separators and checksums in play.

mod common;
#[path = "common/targets/program.rs"]
mod program;
#[path = "common/targets/readers.rs"]
mod readers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::hostile::{bam, bgzf, gzip, records, seal_cram, zstd};
use common::{CRAMS, READS, Random, bytes, conclude, data, fastq_records, indexed_reference, svala_ok, text, trial};

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// Changes `seeds` at random and hands them to `target`, in a file where it wants one, until the time is over.
fn fuzz(seeds: &[Vec<u8>], mut target: impl FnMut(&[u8], &Path)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("input");
    let (seconds, seed) = (number("SVALA_FUZZ_SECONDS", 2), number("SVALA_FUZZ_SEED", 1));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0;
    while Instant::now() < end {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9).wrapping_add(runs));
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..random.below(6) {
            change(&mut input, seeds, &mut random);
        }
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&input, &file)));
        // Far above what a busy machine makes of milliseconds.
        let is_slow = begin.elapsed() > Duration::from_secs(60);
        assert!(outcome.is_ok() && !is_slow, "SVALA_FUZZ_SEED={seed}, run {runs}: {}", input.escape_ascii());
        runs += 1;
    }
    assert!(runs > 20, "only {runs} runs");
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    const WORDS: [u32; 8] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff, 0xff, 0x0100_0000];
    const BYTES: &[u8] = b"\n\r\t\0 @+>:;,-*=~!\xffAZ09";
    let place = random.below(input.len() + 1);
    match random.below(8) {
        0 if place < input.len() => input[place] ^= 1 << random.below(8),
        1 if place < input.len() => input[place] = random.below(256) as u8,
        2 if place < input.len() => input[place] = BYTES[random.below(BYTES.len())],
        3 => input.insert(place, BYTES[random.below(BYTES.len())]),
        4 => input.truncate(place),
        5 => drop(input.drain(place..(place + random.below(40)).min(input.len()))),
        6 if place + 4 <= input.len() => {
            input[place..place + 4].copy_from_slice(&WORDS[random.below(WORDS.len())].to_le_bytes());
        }
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            let part = other[from..(from + random.below(200)).min(other.len())].to_vec();
            input.splice(place..place, part);
        }
    }
}

fn fastq_seeds() -> Vec<Vec<u8>> {
    let plain =
        b"@A1:7:HXYZ:1:1101:1:2:ACGT+rTT 1:N:0:A\nACGTN\n+\nIIII!\n@A1:7:HXYZ:2:1101:1:2:ACGT 2:N:0:A\nAC\n+\nII\n"
            .to_vec();
    let tagged =
        b"@a RX:Z:AC\tXB:B:s,1,-2\tXf:f:1.5\n\n+\n\n@a RX:Z:AC\tXI:i:-7\tXA:A:x\r\nacgu.\r\n+a\r\nIIIII\r\n".to_vec();
    let packed = [gzip(&tagged), bgzf(&plain, 20), zstd(&tagged), zstd(records(4).concat().as_bytes())];
    [&[plain, tagged, records(3).concat().into_bytes()][..], &packed].concat()
}

fn fastq() {
    fuzz(&fastq_seeds(), readers::fastq);
}

fn bam_seeds() -> [Vec<u8>; 2] {
    let whole = bam();
    let compressed = bgzf(&whole, 5000);
    [whole, compressed]
}

fn unaligned_bam() {
    fuzz(&bam_seeds(), readers::unaligned_bam);
}

fn bam_files() {
    fuzz(&bam_seeds(), readers::bam_file);
}

/// Small files of both versions with all codecs, whose checksums hold whatever is changed.
fn cram() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = indexed_reference(folder.path());
    let reads = folder.path().join("reads.fq");
    std::fs::write(&reads, fastq_records(&data(READS[0]))[..40].concat()).expect("a file");
    let seeds = ["3.0", "3.1"].map(|version| {
        let output = folder.path().join("seed.cram");
        let fixed = ["align", "--ref", text(&reference), "--sort", "none", "--quiet", "-t", "1", "-1", text(&reads)];
        svala_ok(&[&fixed[..], &["-o", text(&output), "--cram-version", version]].concat());
        bytes(&output)
    });
    let seeds: Vec<_> = seeds.into_iter().chain(CRAMS.map(|name| bytes(&data(name)))).collect();
    fuzz(&seeds, |content, path| {
        let mut sealed = content.to_vec();
        seal_cram(&mut sealed);
        readers::cram(&sealed, path);
    });
}

fn headers() {
    let text = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:9\tM5:00000000000000000000000000000001\n\
                @RG\tID:a\tSM:s\tLB:l\tPL:ILLUMINA\n@PG\tID:svala\tPN:svala\tVN:1\tCL:svala align c\n@CO\ttwo words\n";
    fuzz(&[text.as_bytes().to_vec()], readers::header);
}

fn fasta() {
    let plain = b">c one\nACGTN\r\nacgtryk\n\n>d\nAC\n".to_vec();
    let packed = [gzip(&plain), bgzf(&plain, 9), zstd(&plain)];
    fuzz(&[&[plain][..], &packed].concat(), readers::fasta);
}

fn options() {
    let lines = ["@RG\\tID:a\\tSM:s\\tPL:ILLUMINA", "@RG\tID:a\tDS:two words", "3M2S+T", "2B3C+T", "10T"];
    fuzz(&lines.map(|line| line.as_bytes().to_vec()), |content, _| readers::option_values(content));
}

fn sample_sheets() {
    let sheet = b"# one\nread_group\tsample\tlibrary\tfastq_1\tfastq_2\na\ts\tl\ta.fq\tb.fq\nb\ts\t\t/c.fq\t\n";
    fuzz(&[sheet.to_vec()], program::sample_sheet);
}

fn command_lines() {
    let lines = [
        "align\n--ref\na\n-1\nb\n-2\nc\n-o\nd.bam\n--max-mem\n2G\n-I\n400,50",
        "mem\n-t\n2\n-R\n@RG\\tID:a\n-O\n6,6\n-x\nintractg\na\nb\nc",
        "align\n--ref\na\n--in-fq\nb\nc\n@RG\\tID:a\n-o\nd.cram\n--umi-structure\n3M2S+T,+T\n--adapters\n0,1\n--gpu-check\noff",
        "bwa\nindex\n-p\na\nb",
    ];
    fuzz(&lines.map(|line| line.as_bytes().to_vec()), |content, _| program::command_line(content));
}

fn index_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference: PathBuf = folder.path().join("ref.fa");
    let mut random = Random(9);
    let bases: String = (0..3000).map(|_| ['A', 'C', 'G', 'T'][random.below(4)]).collect();
    std::fs::write(&reference, format!(">c\n{}NN{}\n>d\nACGT\n", &bases[..1000], &bases[1000..])).expect("a reference");
    svala_ok(&["index", text(&reference), "-t", "1"]);
    let whole = bytes(&folder.path().join("ref.fa.svala"));
    fuzz(&[whole], program::index_file);
}

/// The runner sees a panic.
fn panics_are_seen() {
    let seeds = [b"abc".to_vec()];
    let outcome = catch_unwind(|| fuzz(&seeds, |content, _| assert!(content.starts_with(b"a"), "as it should")));
    let message = outcome.expect_err("a panic").downcast::<String>().expect("a message");
    assert!(message.contains("SVALA_FUZZ_SEED="), "{message}");
}

fn main() {
    conclude(vec![
        trial("panics are seen", panics_are_seen),
        trial("FASTQ", fastq),
        trial("unaligned BAM", unaligned_bam),
        trial("BAM files", bam_files),
        trial("CRAM", cram),
        trial("headers", headers),
        trial("FASTA", fasta),
        trial("read groups and structures", options),
        trial("sample sheets", sample_sheets),
        trial("command lines", command_lines),
        trial("index files", index_files),
    ])
}
