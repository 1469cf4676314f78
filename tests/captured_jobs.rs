//! Every job of a real run gets the scalar reference's answer, on every backend.
//!
//! The committed reads are mapped with each backend, and an observer compares each batch's results with the reference's. With
//! `SVALA_REF` (an indexed reference) and `SVALA_READS` (one file, or two with a comma between) the same is done with reads of
//! your own:
//!
//! ```sh
//! SVALA_REF=chr20.fa SVALA_READS=chr20_150.1.fq.gz,chr20_150.2.fq.gz cargo test --release --test captured_jobs given
//! ```

mod common;
#[path = "common/mapping.rs"]
mod mapping;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use common::{READS, conclude, data, indexed_reference, trial, trial_if};
use libtest_mimic::Trial;
use mapping::map_reads;
use svala_compute::selftest::{
    differing_extend, differing_global, differing_local, expected_extend, expected_global, expected_local,
};
use svala_compute::{
    Backend, Engine, EngineOptions, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults, LocalBatch, LocalResult,
    Observer, Scoring, SimdLevel,
};
use svala_map::index::Index;

/// Reads for a software GPU, which is slow.
const FEW_READS: usize = 3000;

/// Jobs compared and jobs that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    extend: usize,
    global: usize,
    local: usize,
    wrong: usize,
}

/// Compares what it sees with the reference.
#[derive(Default)]
struct Checker {
    tally: Mutex<Tally>,
}

impl Checker {
    fn add(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.tally.lock().expect("no check panics"));
    }
}

impl Observer for Checker {
    fn extend(&self, batch: &ExtendBatch, results: &[ExtendResult]) {
        let wrong = differing_extend(&expected_extend(batch, &Scoring::default()), results).len();
        self.add(|tally| (tally.extend, tally.wrong) = (tally.extend + batch.len(), tally.wrong + wrong));
    }

    fn global(&self, batch: &GlobalBatch, results: &GlobalResults) {
        let wrong = differing_global(&expected_global(batch, &Scoring::default()), results).len();
        self.add(|tally| (tally.global, tally.wrong) = (tally.global + batch.len(), tally.wrong + wrong));
    }

    fn local(&self, batch: &LocalBatch, results: &[LocalResult]) {
        let wrong = differing_local(&expected_local(batch, &Scoring::default()), results).len();
        self.add(|tally| (tally.local, tally.wrong) = (tally.local + batch.len(), tally.wrong + wrong));
    }
}

/// Reads and where they map.
struct Sample {
    reference: PathBuf,
    reads: Vec<PathBuf>,
}

/// An engine's name and how it is built.
type Wanted = (String, EngineOptions);

fn main() -> ExitCode {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reads = READS.map(data).to_vec();
    let committed = Arc::new(Sample { reference: indexed_reference(folder.path()), reads });
    let given = Arc::new(given());
    let mut trials = vec![trial("the checker sees a wrong result", a_wrong_result_is_seen)];
    for wanted in backends() {
        trials.extend(stamp(wanted, &committed, &given));
    }
    conclude(trials)
}

/// The reads that the environment names.
fn given() -> Option<Sample> {
    let reads = std::env::var("SVALA_READS").ok()?.split(',').map(PathBuf::from).collect();
    Some(Sample { reference: std::env::var_os("SVALA_REF")?.into(), reads })
}

fn backends() -> Vec<Wanted> {
    let cpu = |level: SimdLevel| {
        let options = EngineOptions { backend: Backend::Cpu, simd: Some(level), ..EngineOptions::default() };
        (level.to_string(), options)
    };
    let gpu = ("gpu".to_owned(), EngineOptions { backend: Backend::Gpu, ..EngineOptions::default() });
    SimdLevel::ALL.into_iter().map(cpu).chain([gpu]).collect()
}

/// A backend's tests, ignored with the reason if this machine lacks it or no reads are given.
fn stamp((name, options): Wanted, committed: &Arc<Sample>, given: &Arc<Option<Sample>>) -> [Trial; 2] {
    let missing = Engine::new(options.clone()).err().map(|error| error.to_string());
    // No machine has every SIMD level; a missing GPU may be demanded.
    let variable = if options.backend == Backend::Gpu { "SVALA_REQUIRE_GPU" } else { "" };
    let most = if options.backend == Backend::Gpu { FEW_READS } else { usize::MAX };
    let (sample, chosen) = (Arc::clone(committed), options.clone());
    let body = move || {
        check(&sample, &chosen, most);
    };
    let reason = missing.clone().unwrap_or_default();
    let on_committed = trial_if(&format!("committed reads::{name}"), missing.is_none(), &reason, variable, body);
    let reason = missing.clone().unwrap_or_else(|| "SVALA_REF and SVALA_READS are not set".to_owned());
    let is_there = missing.is_none() && given.is_some();
    let given = Arc::clone(given);
    let label = name.clone();
    let body = move || {
        let sample = given.as_ref().as_ref().expect("the test runs only with reads");
        println!("{label}: equal to the reference: {:?}", check(sample, &options, usize::MAX));
    };
    [on_committed, trial_if(&format!("given reads::{name}"), is_there, &reason, "", body)]
}

fn check(sample: &Sample, options: &EngineOptions, most_reads: usize) -> Tally {
    let checker = Arc::new(Checker::default());
    let engine = Engine::new(options.clone()).expect("it was built before").observed_by(checker.clone());
    let index = Index::open_for(Path::new(&sample.reference), 2).expect("an indexed reference");
    map_reads(&index, &engine, &sample.reads, most_reads).expect("reads that map");
    let tally = *checker.tally.lock().expect("no check panics");
    assert_eq!(tally.wrong, 0, "{tally:?}");
    assert!(tally.extend > 0 && tally.global > 0, "{tally:?}");
    let counters = engine.counters();
    let answered = [counters.extend_jobs, counters.global_jobs, counters.local_jobs];
    assert_eq!(answered, [tally.extend, tally.global, tally.local].map(|jobs| jobs as u64), "jobs went unseen");
    if options.backend == Backend::Gpu {
        assert!(counters.gpu_batches > 0 && counters.gpu_failures == 0, "{counters:?}");
    }
    tally
}

fn a_wrong_result_is_seen() {
    let batch = svala_compute::selftest::extend_batch(9, 1, &Scoring::default());
    let mut results = expected_extend(&batch, &Scoring::default());
    let checker = Checker::default();
    checker.extend(&batch, &results);
    results[3].target_end ^= 1;
    checker.extend(&batch, &results);
    let expected = Tally { extend: 18, wrong: 1, ..Tally::default() };
    assert_eq!(*checker.tally.lock().expect("no check panics"), expected);
}
