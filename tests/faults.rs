//! Faults of what surrounds a run: inputs, disks, signals, memory, devices, clocks. Each ends in a complete, correct output, or in a
//! non-zero exit with one clear line and nothing under the final name. `docs/faults.md` lists all faults with their tests.
//!
//! Damaged and hostile content is `malformed.rs`; full disks and killed runs are `interrupted.rs`.

#![cfg(unix)]

#[path = "faults/clock.rs"]
mod clock;
mod common;
#[path = "faults/devices.rs"]
mod devices;
#[path = "faults/input.rs"]
mod input;
#[path = "faults/memory.rs"]
mod memory;
#[path = "faults/output.rs"]
mod output;
#[path = "faults/signals.rs"]
mod signals;
#[path = "faults/table.rs"]
mod table;

use std::path::PathBuf;
use std::process::{ExitCode, Output};
use std::sync::Arc;

use common::running::{listing, said};
use common::{READS, bytes, conclude, data, fastq_records, indexed_reference, svala_ok, text, trial, trial_if};

/// Pairs of a run.
const PAIRS: usize = 2000;

/// What all tests share.
struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    /// Two files of mates, plain.
    reads: [PathBuf; 2],
    /// The BAM file of the pairs.
    expected: Vec<u8>,
    /// The BAM file of the first mates alone.
    expected_single: Vec<u8>,
}

/// A folder of its own for a test, since they run at once.
struct Case<'b> {
    bench: &'b Bench,
    folder: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let reads = [0, 1].map(|mate: usize| {
            let path = folder.path().join(format!("few.{}.fq", mate + 1));
            std::fs::write(&path, fastq_records(&data(READS[mate]))[..PAIRS].concat()).expect("a file");
            path
        });
        let mut bench = Self { folder, reference, reads, expected: Vec::new(), expected_single: Vec::new() };
        let case = bench.case("expected");
        let bam = |arguments: Vec<String>| {
            svala_ok(&words(&arguments));
            bytes(&case.output())
        };
        let (pairs, single) = (bam(case.align(&[])), bam(case.align_single(text(&bench.reads[0]))));
        drop(case);
        assert!(pairs.len() > 100_000 && single.len() > 50_000 && pairs != single);
        (bench.expected, bench.expected_single) = (pairs, single);
        bench
    }

    fn case(&self, name: &str) -> Case<'_> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        Case { bench: self, folder }
    }
}

impl Case<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn output(&self) -> PathBuf {
        self.path("out.bam")
    }

    /// The arguments of a run over the pairs, with some more.
    fn align(&self, more: &[&str]) -> Vec<String> {
        let [first, second] = &self.bench.reads;
        self.arguments(&[&["-1", text(first), "-2", text(second)], more].concat())
    }

    /// The arguments of a run over the first mates, or what else stands in their place.
    fn align_single(&self, reads: &str) -> Vec<String> {
        self.arguments(&["-1", reads])
    }

    fn arguments(&self, inputs: &[&str]) -> Vec<String> {
        let (reference, output) = (text(&self.bench.reference), self.output());
        let fixed = ["align", "-q", "--max-mem", "1", "--ref", reference, "-o", text(&output)];
        [&fixed[..], inputs].concat().into_iter().map(str::to_owned).collect()
    }

    fn empty(&self) {
        listing(&self.folder).iter().for_each(|name| std::fs::remove_file(self.path(name)).expect("a file"));
    }

    /// Whether a run succeeded. It must have ended as promised: with the `expected` bytes and all that belongs to them, which are
    /// then removed, or with an error of one line and nothing at all.
    fn is_whole(&self, output: &Output, expected: &[u8], case: &str) -> bool {
        if output.status.success() {
            assert!(bytes(&self.output()) == expected, "{case}: other bytes");
            let files = listing(&self.folder);
            assert_eq!(files, ["out.bam", "out.bam.bai", "out.bam.svala.json"], "{case}");
            self.empty();
            return true;
        }
        let error = said(output);
        assert_eq!(output.status.code(), Some(1), "{case}: {:?}: {error}", output.status);
        assert!(error.starts_with("svala: ") && error.lines().count() == 1, "{case}: {error}");
        assert_eq!(listing(&self.folder), [""; 0], "{case}");
        false
    }

    /// A run that must fail, with these words.
    fn must_fail(&self, output: &Output, words: &[&str], case: &str) {
        assert!(!self.is_whole(output, &[], case), "{case}: it succeeded");
        let error = said(output);
        assert!(words.iter().all(|word| error.contains(word)), "{case}: expected {words:?}: {error}");
    }
}

impl Drop for Case<'_> {
    fn drop(&mut self) {
        // It may be read-only, or gone, and goes with the bench in any case.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Arguments as they are passed on.
fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let mut trials = vec![
        trial("every test in the table exists", table::every_test_exists),
        trial("an input that is removed", on(input::removed)),
        trial("an input that is cut while it is read", on(input::cut)),
        trial("a pipe that breaks", on(input::broken_pipes)),
        trial("an input that can't be read", on(input::unreadable)),
        trial("an index that is cut while it is used", on(input::lost_index)),
        trial("folders that can't be written", on(output::read_only)),
        trial("a folder that is removed", on(output::removed_folder)),
        trial("no room for a file beside the output", on(output::full_companions)),
        trial("standard output that is full", on(output::full_stdout)),
        trial("standard output that is closed", on(output::closed_stdout)),
        trial("signals at random moments", on(signals::at_random)),
        trial("too little address space", on(memory::address_space)),
        trial("no Vulkan driver", on(devices::no_driver)),
    ];
    trials.push(memory::control_group(&bench));
    trials.extend(devices::trials(&bench));
    trials.push(trial_if(
        "a clock that jumps",
        clock::library().is_some(),
        "there is no libfaketime",
        "SVALA_REQUIRE_TOOLS",
        on(clock::jumps),
    ));
    conclude(trials)
}
