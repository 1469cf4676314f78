//! Every reader of svala, given what fuzzers kept (`tests/data/fuzz`), and that and good inputs with random changes for a while: it may
//! refuse them, but not panic.
//!
//! Two seconds for each; `SVALA_FUZZ_SECONDS` says otherwise, and `SVALA_FUZZ_SEED` what chance starts from. It runs on stable Rust and
//! without a fuzzer's engine, so it doesn't see which code an input reaches; what stands in for that is that the inputs are small and the
//! changes keep lengths, separators and checksums in play.

mod common;
#[path = "common/targets/kept.rs"]
mod kept;
#[path = "common/targets/program.rs"]
mod program;
#[path = "common/targets/readers.rs"]
mod readers;
#[path = "common/targets/seeds.rs"]
mod seeds;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::hostile::seal_cram;
use common::{CRAMS, READS, Random, bytes, conclude, data, fastq_records, indexed_reference, svala_ok, text, trial};

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// Hands what libFuzzer kept of `target` to it, then that and good inputs, changed at random.
fn fuzz(name: &str, seeds: &[Vec<u8>], mut target: impl FnMut(&[u8], &Path)) {
    let kept = kept::unpacked(&kept::path(Path::new(env!("CARGO_MANIFEST_DIR")), name));
    assert!(!kept.is_empty());
    let folder = tempfile::tempdir().expect("a temporary folder");
    for input in &kept {
        hand_over(input, &folder.path().join("kept"), &mut target, name);
    }
    // Good inputs as often as kept ones.
    let good: Vec<Vec<u8>> = seeds.iter().cycle().take(kept.len()).cloned().collect();
    change_at_random(&[kept, good].concat(), target);
}

/// A target takes an input without a panic and in time.
fn hand_over(input: &[u8], file: &Path, target: &mut impl FnMut(&[u8], &Path), case: &str) {
    let begin = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| target(input, file)));
    // Far above what a busy machine makes of milliseconds.
    let is_slow = begin.elapsed() > Duration::from_secs(60);
    assert!(outcome.is_ok() && !is_slow, "{case}: {}", input.escape_ascii());
}

/// Changes `seeds` at random and hands them to `target`, in a file where it wants one, until the time is over.
fn change_at_random(seeds: &[Vec<u8>], mut target: impl FnMut(&[u8], &Path)) {
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
        hand_over(&input, &file, &mut target, &format!("SVALA_FUZZ_SEED={seed}, run {runs}"));
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
    fuzz("cram", &seeds, |content, path| {
        let mut sealed = content.to_vec();
        seal_cram(&mut sealed);
        readers::cram(&sealed, path);
    });
}

fn index_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fuzz("index_file", &[program::index(&folder.path().join("ref.fa"))], program::index_file);
}

/// The runner sees a panic.
fn panics_are_seen() {
    let seeds = [b"abc".to_vec()];
    let outcome =
        catch_unwind(|| change_at_random(&seeds, |content, _| assert!(content.starts_with(b"a"), "as it should")));
    let message = outcome.expect_err("a panic").downcast::<String>().expect("a message");
    assert!(message.contains("SVALA_FUZZ_SEED="), "{message}");
}

/// What is packed comes out again.
fn packing_is_undone() {
    let inputs = [b"abc".to_vec(), Vec::new(), vec![0; 70_000]];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("kept.gz");
    std::fs::write(&file, kept::packed(&inputs)).expect("a file");
    assert_eq!(kept::unpacked(&file), inputs);
}

fn main() -> ExitCode {
    conclude(vec![
        trial("panics are seen", panics_are_seen),
        trial("packing is undone", packing_is_undone),
        trial("FASTQ", || fuzz("fastq", &seeds::fastq(), readers::fastq)),
        trial("unaligned BAM", || fuzz("unaligned_bam", &seeds::bams(), readers::unaligned_bam)),
        trial("BAM files", || fuzz("bam_file", &seeds::bams(), readers::bam_file)),
        trial("CRAM", cram),
        trial("headers", || fuzz("header", &[seeds::header()], readers::header)),
        trial("FASTA", || fuzz("fasta", &seeds::fasta(), readers::fasta)),
        trial("read groups and structures", || {
            fuzz("option_values", &seeds::option_values(), |content, _| readers::option_values(content));
        }),
        trial("sample sheets", || fuzz("sample_sheet", &[seeds::sample_sheet()], program::sample_sheet)),
        trial("command lines", || {
            fuzz("command_line", &seeds::command_lines(), |content, _| program::command_line(content));
        }),
        trial("index files", index_files),
    ])
}
