//! GPUs that aren't there, and those that fail while a run goes on.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use svala_compute::selftest::Fault;
use svala_compute::{Backend, Counters, DeviceFailure, Engine, EngineOptions, GpuCheck};
use svala_io::qc::RecordSums;
use svala_io::{Format, Header, HeaderLines, Program, ReadSource, RecordOrder, ReferenceSequence};
use svala_map::covered::Covered;
use svala_map::index::Index;
use svala_map::meter::Meter;
use svala_map::observer::{Observe, Written};
use svala_map::options::{MAX_READ, MapOptions};
use svala_map::pipeline::{EncodedBatch, RecordSink, Run};

use super::common::running::{svala_behind, svala_command};
use super::common::{bytes, trial_if};
use super::{Bench, words};

/// Reads of a batch: many batches, so that a fault hits one in the middle.
const BATCH_READS: usize = 100;
/// The batch behind which a device fails.
const FAULT_AT: usize = 5;

/// Without a driver, or with one that is none, the CPU does all, and asking for a GPU is an error.
pub fn no_driver(bench: &Bench) {
    let case = bench.case("driver");
    let nothing = tempfile::Builder::new().suffix(".json").tempfile().expect("a file");
    let library = r#"{"file_format_version": "1.0.0", "ICD": {"library_path": "/bin/sh", "api_version": "1.3.0"}}"#;
    let wrong = tempfile::Builder::new().suffix(".json").tempfile().expect("a file");
    std::fs::write(wrong.path(), library).expect("a file");
    for driver in [Path::new("/nonexistent.json"), nothing.path(), wrong.path()] {
        let run = |backend: &str| {
            let mut command = svala_command(&words(&case.align(&["--backend", backend])));
            command.env("VK_DRIVER_FILES", driver).env("VK_ICD_FILENAMES", driver);
            command.output().expect("svala starts")
        };
        assert!(case.is_whole(&run("auto"), &bench.expected, "auto"), "{}", driver.display());
        case.must_fail(&run("gpu"), &["no usable GPU"], "gpu");
    }
}

/// Takes records, and at some time makes the engine's device fail.
struct Sink<'a> {
    engine: &'a Engine,
    fault: Option<Fault>,
    batches: usize,
    records: Vec<u8>,
}

impl RecordSink for Sink<'_> {
    type Outcome = Vec<u8>;

    fn write_batch(&mut self, batch: EncodedBatch, _covered: &Covered) -> svala_map::Result<()> {
        self.records.extend_from_slice(&batch.bytes);
        self.batches += 1;
        // The device must be idle for that: it will be, since the mapping threads get no more than some batches ahead.
        while self.batches == FAULT_AT && self.fault.is_some_and(|fault| self.engine.inject(fault) == 0) {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    fn finish(self, _: Option<RecordSums>) -> svala_map::Result<(Vec<u8>, Written)> {
        assert!(self.batches > 2 * FAULT_AT);
        Ok((self.records, Written::default()))
    }
}

/// All records of a run over the pairs, and what became of the devices.
fn run(bench: &Bench, backend: Backend, fault: Option<Fault>) -> (Vec<u8>, Vec<DeviceFailure>, Counters) {
    let index = Index::open_for(&bench.reference, 2).expect("an index");
    // Where one word is wrong it takes a check of all to see it.
    let check = GpuCheck::OneIn(NonZeroU32::MIN);
    let engine = Engine::new(EngineOptions { backend, check, ..EngineOptions::default() }).expect("an engine");
    assert!(engine.set_reference(index.reference().planes()).is_empty());
    let [first, second] = &bench.reads;
    let source = ReadSource::open(first, Some(second), MAX_READ, None).expect("reads");
    let references = index.reference().contigs.iter().map(|contig| ReferenceSequence {
        name: contig.name.clone(),
        length: contig.length,
        md5: contig.md5,
        alternate: false,
    });
    let [id, name, version, command_line] = ["svala"; 4].map(String::from);
    let header = Header {
        references: references.collect(),
        order: RecordOrder::Input,
        read_groups: Vec::new(),
        program: Program { id, name, version, command_line },
        lines: HeaderLines::default(),
    };
    let run = Run {
        index: &index,
        engine: &engine,
        options: &MapOptions::default(),
        insert_model: None,
        shard: None,
        threads: 1,
        batch_reads: BATCH_READS,
        observe: Observe::Sums,
        meter: &Meter::default(),
    };
    let sink = Sink { engine: &engine, fault, batches: 0, records: Vec::new() };
    let done = run.execute(vec![source], sink, Format::Bam, &header).expect("a run");
    (done.outcome, engine.device_failures(), engine.counters())
}

/// In the middle of a run: the CPU redoes what the device had, the same records come out, and the failure is known.
fn fails_in_a_run(bench: &Bench, faults: &[Fault]) {
    let (expected, ..) = run(bench, Backend::Cpu, None);
    let (unharmed, failures, counters) = run(bench, Backend::Gpu, None);
    assert!(unharmed == expected && failures.is_empty() && counters.gpu_jobs > 0, "{failures:?} {counters:?}");
    for &fault in faults {
        let (records, failures, counters) = run(bench, Backend::Gpu, Some(fault));
        assert!(records == expected, "{fault:?}: other records");
        assert!(failures.len() == 1 && !failures[0].reason.is_empty(), "{fault:?}: {failures:?}");
        assert!(counters.gpu_jobs > 0 && counters.redone_jobs > 0, "{fault:?}: {counters:?}");
        assert_eq!(counters.wrong_jobs > 0, Fault::WRONG.contains(&fault), "{fault:?}: {counters:?}");
    }
}

/// A driver that gets no memory, in a run of the program: a whole output, or an error, or the driver's own end.
fn without_memory(bench: &Bench) {
    let case = bench.case("gpu memory");
    let mut whole = 0;
    for mebibytes in [150, 300, 600, 1200, 2400, 8000] {
        let arguments = case.align(&["-t", "2", "--backend", "gpu"]);
        let output = svala_behind(&format!("ulimit -v {}", mebibytes << 10), &words(&arguments)).output();
        let output = output.expect("a shell");
        if output.status.success() {
            assert!(bytes(&case.output()) == bench.expected, "{mebibytes} MiB");
            whole += 1;
        }
        assert_eq!(case.output().exists(), output.status.success(), "{mebibytes} MiB");
        case.empty();
    }
    assert!(whole > 0, "none is whole");
}

/// Tests that need a device; without one they are ignored.
pub fn trials(bench: &Arc<Bench>) -> Vec<Trial> {
    let missing = Engine::new(EngineOptions { backend: Backend::Gpu, ..EngineOptions::default() }).err();
    let reason = missing.as_ref().map_or_else(String::new, ToString::to_string);
    let device = |name: &str, check: fn(&Bench)| {
        let bench = Arc::clone(bench);
        trial_if(name, missing.is_none(), &reason, "SVALA_REQUIRE_GPU", move || check(&bench))
    };
    vec![
        device("a device that fails in a run", |bench| fails_in_a_run(bench, &Fault::SILENT)),
        device("a device that answers wrong in a run", |bench| fails_in_a_run(bench, &Fault::WRONG)),
        device("a driver without memory", without_memory),
    ]
}
