//! The first promise: one input gives the same bytes on every backend, SIMD level, thread count and batch size.
//!
//! Each way of running is compared with one thread of the scalar backend. The comparator is tested with altered output,
//! which it must tell apart.

mod common;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use common::{READS, conclude, data, indexed_reference, svala, svala_ok, text, trial, trial_if};
use libtest_mimic::Trial;

/// Pairs used where a backend is slow: a software GPU.
const FEW_PAIRS: usize = 1500;

/// Reference and reads in a folder that lives as long as the tests, and what is expected of them.
struct Bench {
    _folder: tempfile::TempDir,
    reference: PathBuf,
    all: Sample,
    few: Sample,
}

/// Two files of mates and their alignments by the scalar backend.
struct Sample {
    reads: [PathBuf; 2],
    expected: Vec<u8>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let all = READS.map(data);
        let few = [0, 1].map(|mate| first_pairs(&all[mate], &folder.path().join(format!("few.R{}.fastq", mate + 1))));
        let sample =
            |reads: [PathBuf; 2]| Sample { expected: mem(&reference, &reads, &["--backend", "scalar"]), reads };
        let (all, few) = (sample(all), sample(few));
        Self { all, few, reference, _folder: folder }
    }

    /// Runs with `options`, which must give the expected bytes.
    fn check(&self, sample: &Sample, options: &[&str]) {
        assert_same(&sample.expected, &mem(&self.reference, &sample.reads, options));
    }
}

fn mem(reference: &Path, reads: &[PathBuf; 2], options: &[&str]) -> Vec<u8> {
    let mut arguments = vec!["mem", "-R", "@RG\\tID:a\\tSM:b"];
    arguments.extend(options);
    arguments.extend([text(reference), text(&reads[0]), text(&reads[1])]);
    svala_ok(&arguments)
}

fn first_pairs(from: &Path, to: &Path) -> PathBuf {
    let mut reads = String::new();
    let file = std::fs::File::open(from).expect("committed data");
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut reads).expect("gzip");
    let few: String = reads.split_inclusive('\n').take(4 * FEW_PAIRS).collect();
    std::fs::write(to, few).expect("a temporary file");
    to.to_owned()
}

/// Where two outputs differ first, if they do.
fn difference(expected: &[u8], got: &[u8]) -> Option<String> {
    if expected == got {
        return None;
    }
    let line = expected.iter().zip(got).take_while(|(a, b)| a == b).filter(|(a, _)| **a == b'\n').count();
    let show = |bytes: &[u8]| {
        let line = bytes.split(|&b| b == b'\n').nth(line).unwrap_or_default();
        String::from_utf8_lossy(line).into_owned()
    };
    Some(format!("line {}:\nexpected {}\ngot      {}", line + 1, show(expected), show(got)))
}

fn assert_same(expected: &[u8], got: &[u8]) {
    if let Some(difference) = difference(expected, got) {
        panic!("{difference}");
    }
}

/// A way of running that every machine has.
fn run(bench: &Arc<Bench>, name: &str, options: &'static [&'static str]) -> Trial {
    let bench = Arc::clone(bench);
    trial(name, move || bench.check(&bench.all, options))
}

/// A way of running that not every machine has: ignored, with svala's own words, where it can't be had, or failed if
/// `variable` demands it.
fn run_if_there(bench: &Arc<Bench>, name: &str, few: bool, options: &'static [&'static str], variable: &str) -> Trial {
    let mut arguments = vec!["mem"];
    arguments.extend(options);
    arguments.extend([text(&bench.reference), text(&bench.few.reads[0])]);
    let probe = svala(&arguments);
    let reason = String::from_utf8_lossy(&probe.stderr).trim().to_owned();
    // Any other failure is no reason to ignore the test: it will run, and fail.
    let is_missing = ["this CPU has no", "no usable GPU"].iter().any(|words| reason.contains(words));
    let bench = Arc::clone(bench);
    trial_if(name, !is_missing, &reason, variable, move || {
        bench.check(if few { &bench.few } else { &bench.all }, options);
    })
}

fn level(bench: &Arc<Bench>, name: &str, options: &'static [&'static str]) -> Trial {
    run_if_there(bench, name, false, options, "SVALA_REQUIRE_ALL_SIMD")
}

fn bam_file_is_the_same(bench: &Arc<Bench>) -> Trial {
    let bench = Arc::clone(bench);
    trial("align: the BAM file's bytes, threads and batches", move || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bam = |name: &str, options: &[&str]| {
            let output = folder.path().join(name);
            let mut arguments = vec!["align", "--ref", text(&bench.reference), "-o", text(&output)];
            arguments.extend(["-1", text(&bench.all.reads[0]), "-2", text(&bench.all.reads[1])]);
            arguments.extend(options);
            svala_ok(&arguments);
            std::fs::read(&output).expect("the BAM file")
        };
        let one = bam("one.bam", &["-t", "1"]);
        assert!(one.len() > 100_000);
        assert!(one == bam("two.bam", &["-t", "2", "--batch-reads", "333"]), "the BAM files differ");
    })
}

fn comparator_tells_outputs_apart(bench: &Arc<Bench>) -> Trial {
    let bench = Arc::clone(bench);
    trial("the comparator sees one altered byte, a lost line and a swapped line", move || {
        let expected = bench.few.expected.clone();
        assert_eq!(difference(&expected, &expected.clone()), None);
        let mut altered = expected.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        assert!(difference(&expected, &altered).is_some());
        let lines: Vec<&[u8]> = expected.split_inclusive(|&b| b == b'\n').collect();
        assert!(difference(&expected, &lines[..lines.len() - 1].concat()).is_some());
        let mut swapped = lines.clone();
        let last = swapped.len() - 1;
        swapped.swap(last, last - 1);
        assert!(difference(&expected, &swapped.concat()).is_some());
    })
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let gpu = &["--backend", "gpu", "-t", "2", "--batch-reads", "1000"];
    let gpus = &["--backend", "gpu", "--adapters", "all", "-t", "2", "--batch-reads", "300"];
    let trials = vec![
        run(&bench, "backend auto", &["--backend", "auto"]),
        run_if_there(&bench, "backend gpu", true, gpu, "SVALA_REQUIRE_GPU"),
        run_if_there(&bench, "backend gpu, all adapters", true, gpus, "SVALA_REQUIRE_GPU"),
        level(&bench, "level avx512", &["--backend", "cpu", "--simd", "avx512"]),
        level(&bench, "level avx2", &["--backend", "cpu", "--simd", "avx2"]),
        level(&bench, "level sse4.2", &["--backend", "cpu", "--simd", "sse4.2"]),
        level(&bench, "level neon", &["--backend", "cpu", "--simd", "neon"]),
        level(&bench, "level portable", &["--backend", "cpu", "--simd", "portable"]),
        run(&bench, "1 thread", &["--backend", "cpu", "-t", "1"]),
        run(&bench, "2 threads", &["--backend", "cpu", "-t", "2"]),
        run(&bench, "5 threads", &["--backend", "cpu", "-t", "5"]),
        run(&bench, "batches of 1", &["--backend", "cpu", "--batch-reads", "1"]),
        run(&bench, "batches of 7", &["--backend", "cpu", "--batch-reads", "7", "-t", "2"]),
        run(&bench, "batches of 1000", &["--backend", "cpu", "--batch-reads", "1000", "-t", "2"]),
        run(&bench, "one batch", &["--backend", "cpu", "--batch-reads", "1000000", "-t", "2"]),
        bam_file_is_the_same(&bench),
        comparator_tells_outputs_apart(&bench),
    ];
    conclude(trials)
}
