//! The first promise: one input gives the same bytes on every backend, SIMD level, thread count, batch size and sharding.
//!
//! Each way of running is compared with one thread of the CPU backend at its best level. The comparator is tested with
//! altered output, which it must tell apart.

mod common;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{READS, conclude, data, indexed_reference, svala, svala_ok, text, trial, trial_if};
use libtest_mimic::Trial;

/// Pairs used for backends that are slow here (a software GPU, the scalar reference).
const FEW_PAIRS: usize = 1500;

/// Reference and reads in a folder that lives as long as the tests.
struct Bench {
    _folder: tempfile::TempDir,
    reference: PathBuf,
    all: [PathBuf; 2],
    few: [PathBuf; 2],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let all = READS.map(data);
        let few = [0, 1].map(|mate| first_pairs(&all[mate], &folder.path().join(format!("few.R{}.fastq", mate + 1))));
        Self { reference, all, few, _folder: folder }
    }

    fn mem(&self, reads: &[PathBuf; 2], options: &[&str]) -> Vec<u8> {
        let mut arguments = vec!["mem", "-R", "@RG\\tID:a\\tSM:b"];
        arguments.extend(options);
        arguments.extend([text(&self.reference), text(&reads[0]), text(&reads[1])]);
        svala_ok(&arguments)
    }
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

fn same_as_cpu(bench: &Arc<Bench>, few: bool, name: &str, options: &'static [&'static str]) -> Trial {
    let bench = Arc::clone(bench);
    trial(name, move || {
        let reads = if few { &bench.few } else { &bench.all };
        let expected = bench.mem(reads, &["--backend", "cpu"]);
        assert_same(&expected, &bench.mem(reads, options));
    })
}

/// Why a backend can't run here, if it can't: svala's own words.
fn why_not(bench: &Bench, options: &[&str]) -> Option<String> {
    let mut arguments = vec!["mem"];
    arguments.extend(options);
    arguments.extend([text(&bench.reference), text(&bench.few[0])]);
    let output = svala(&arguments);
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// A SIMD level, or the ignored test that says that this machine lacks it.
fn level(bench: &Arc<Bench>, name: &str, options: &'static [&'static str]) -> Trial {
    let reason = why_not(bench, options);
    let shared = Arc::clone(bench);
    trial_if(name, reason.is_none(), &reason.unwrap_or_default(), "SVALA_REQUIRE_ALL_SIMD", move || {
        assert_same(&shared.mem(&shared.all, &["--backend", "cpu"]), &shared.mem(&shared.all, options));
    })
}

fn gpu(bench: &Arc<Bench>) -> Trial {
    const OPTIONS: &[&str] = &["--backend", "gpu", "-t", "2", "--batch-reads", "1000"];
    let reason = why_not(bench, &OPTIONS[..2]);
    let shared = Arc::clone(bench);
    trial_if("backend gpu", reason.is_none(), &reason.unwrap_or_default(), "SVALA_REQUIRE_GPU", move || {
        assert_same(&shared.mem(&shared.few, &["--backend", "cpu"]), &shared.mem(&shared.few, OPTIONS));
    })
}

fn bam_file_is_the_same(bench: &Arc<Bench>) -> Trial {
    let bench = Arc::clone(bench);
    trial("align: the BAM file's bytes, threads and batches", move || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bam = |name: &str, options: &[&str]| {
            let output = folder.path().join(name);
            let mut arguments = vec!["align", "--ref", text(&bench.reference), "-o", text(&output)];
            arguments.extend(["-1", text(&bench.all[0]), "-2", text(&bench.all[1])]);
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
        let expected = bench.mem(&bench.few, &[]);
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

fn main() {
    let bench = Arc::new(Bench::new());
    let trials = vec![
        same_as_cpu(&bench, true, "backend scalar", &["--backend", "scalar"]),
        same_as_cpu(&bench, false, "backend auto", &["--backend", "auto"]),
        gpu(&bench),
        level(&bench, "level avx512", &["--backend", "cpu", "--simd", "avx512"]),
        level(&bench, "level avx2", &["--backend", "cpu", "--simd", "avx2"]),
        level(&bench, "level sse4.2", &["--backend", "cpu", "--simd", "sse4.2"]),
        level(&bench, "level neon", &["--backend", "cpu", "--simd", "neon"]),
        level(&bench, "level portable", &["--backend", "cpu", "--simd", "portable"]),
        same_as_cpu(&bench, false, "1 thread", &["-t", "1"]),
        same_as_cpu(&bench, false, "2 threads", &["-t", "2"]),
        same_as_cpu(&bench, false, "5 threads", &["-t", "5"]),
        same_as_cpu(&bench, true, "batches of 1", &["--batch-reads", "1"]),
        same_as_cpu(&bench, false, "batches of 7", &["--batch-reads", "7", "-t", "2"]),
        same_as_cpu(&bench, false, "batches of 1000", &["--batch-reads", "1000", "-t", "2"]),
        same_as_cpu(&bench, false, "one batch", &["--batch-reads", "1000000", "-t", "2"]),
        bam_file_is_the_same(&bench),
        comparator_tells_outputs_apart(&bench),
    ];
    conclude(trials)
}
