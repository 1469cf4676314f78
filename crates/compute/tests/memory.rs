//! What batches and calls take of the host's memory stays below what `Engine` documents, and not by far.
//!
//! One test at a time, so that no other thread allocates while it measures.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use peak_alloc::PeakAlloc;
use svala_compute::{
    Backend, Engine, EngineOptions, ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, GlobalResults, LocalBatch,
    LocalParams,
};

#[global_allocator]
static MEASURED: PeakAlloc = PeakAlloc;

/// What `Engine` documents, in bytes.
struct Bound {
    a_base: usize,
    a_job: usize,
    a_run: usize,
    once: usize,
}

const BATCH: Bound = Bound { a_base: 3, a_job: 96, a_run: 0, once: 0 };
const CPU_CALL: Bound = Bound { a_base: 0, a_job: 128, a_run: 12, once: 2 << 20 };
const DEVICES: Bound = Bound { a_base: 4, a_job: 512, a_run: 0, once: 0 };
/// `Global` jobs with wide bands on the CPU, more.
const WIDE_BAND_BYTES: usize = 38 << 20;

/// How many jobs, their lengths, and the band of `Global` jobs. One more than a power of two is the worst for a vector.
const SHAPES: [(usize, [usize; 2], u16); 5] = [
    ((1 << 16) + 1, [1, 1], 10),
    ((1 << 14) + 1, [60, 80], 10),
    (65, [1000, 4000], 10),
    (1, [1024, 4096], 10),
    (33, [1000, 1000], 1000),
];

impl Bound {
    fn bytes(&self, (jobs, [m, n], _): (usize, [usize; 2], u16), runs: usize) -> usize {
        self.once + jobs * (self.a_job + self.a_base * (m + n)) + self.a_run * runs
    }
}

/// The most memory that work had at a time, beyond what there was before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = MEASURED.current_usage();
    MEASURED.reset_peak_usage();
    let done = work();
    (done, MEASURED.peak_usage().saturating_sub(before))
}

/// Bases from `start` on of an endless sequence without order.
fn bases(start: usize, length: usize) -> impl Iterator<Item = u8> {
    (start..start + length).map(|k| ((k as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62) as u8)
}

/// The shares of a bound that were used; more than the whole fails.
#[derive(Default)]
struct Shares(Vec<f64>);

impl Shares {
    fn add(&mut self, what: &str, used: usize, bound: usize) -> Result<(), Failed> {
        println!("{what}: {used} of {bound} bytes");
        self.0.push(used as f64 / bound as f64);
        if used <= bound { Ok(()) } else { Err(format!("{what}: {used} bytes, documented {bound}").into()) }
    }

    /// A bound that is never nearly reached says nothing.
    fn check(&self, what: &str) -> Result<(), Failed> {
        let most = self.0.iter().fold(0.0, |most, share| share.max(most));
        if most > 0.4 { Ok(()) } else { Err(format!("{what}: only {most} of what is documented").into()) }
    }
}

fn stays_within(backend: Backend) -> Result<(), Failed> {
    // A device that is fast enough takes all at once.
    let engine = Engine::new(EngineOptions { backend, chunk_cells: Some(u64::MAX), ..Default::default() })?;
    let (mut batches, mut calls) = (Shares::default(), Shares::default());
    for shape in SHAPES {
        let (jobs, [m, n], band) = shape;
        let call = |runs: usize| {
            let devices = if backend == Backend::Gpu { DEVICES.bytes(shape, runs) } else { 0 };
            CPU_CALL.bytes(shape, runs) + devices
        };
        let (batch, used) = peak(|| {
            let mut batch = ExtendBatch::new();
            let params = ExtendParams { initial_score: 30, band: 20, z_drop: 100 };
            (0..jobs).try_for_each(|job| batch.push(bases(job, m), bases(job, n), params).map(drop))?;
            Ok::<_, Failed>(batch)
        });
        batches.add(&format!("batch {shape:?}"), used, BATCH.bytes(shape, 0))?;
        let (batch, mut results) = (batch?, Vec::new());
        let ((), used) = peak(|| engine.extend(&batch, &mut results));
        calls.add(&format!("extend {shape:?}"), used, call(0))?;

        let mut batch = GlobalBatch::new();
        let params = GlobalParams { band };
        (0..jobs).try_for_each(|job| batch.push(bases(job, m), bases(job + 2, m), params).map(drop))?;
        let mut results = GlobalResults::new();
        let ((), used) = peak(|| engine.global(&batch, &mut results));
        let runs = (0..jobs).map(|job| results.cigar(job).len()).sum();
        let wide = if band > 100 { WIDE_BAND_BYTES } else { 0 };
        calls.add(&format!("global {shape:?}"), used, call(runs) + wide)?;

        let mut batch = LocalBatch::new();
        let params = LocalParams { min_score: 0 };
        (0..jobs).try_for_each(|job| batch.push(bases(job, m), bases(job, n), params).map(drop))?;
        let mut results = Vec::new();
        let ((), used) = peak(|| engine.local(&batch, &mut results));
        calls.add(&format!("local {shape:?}"), used, call(0))?;
    }
    batches.check("batches")?;
    calls.check("calls")?;
    let failures = engine.device_failures();
    if failures.is_empty() { Ok(()) } else { Err(format!("{failures:?}").into()) }
}

fn main() {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let required = std::env::var("SVALA_REQUIRE_GPU").is_ok_and(|value| value == "1");
    let missing = Engine::new(EngineOptions { backend: Backend::Gpu, ..Default::default() }).err();
    let gpu = move || match &missing {
        Some(reason) if !required => Ok(Completion::ignored_with(reason.to_string())),
        _ => stays_within(Backend::Gpu).map(|()| Completion::Completed),
    };
    let trials = vec![Trial::test("cpu", || stays_within(Backend::Cpu)), Trial::ignorable_test("gpu", gpu)];
    libtest_mimic::run(&arguments, trials).exit();
}
