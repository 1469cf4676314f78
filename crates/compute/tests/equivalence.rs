//! Every backend gives the reference's bytes.
//!
//! One body per kernel and situation, stamped once per backend. A backend that this machine lacks is
//! reported as ignored with the reason; `SVALA_REQUIRE_GPU=1` turns a missing GPU into a failure.
//!
//! `SVALA_PROOF_JOBS=1000000 cargo test --release -p svala-compute --test equivalence generated_jobs` proves each backend on
//! that many generated jobs of each kernel instead of a few thousand, and says so.

#[path = "equivalence/captured.rs"]
mod captured;
#[path = "equivalence/local.rs"]
mod local;
#[path = "equivalence/long.rs"]
mod long;
#[path = "equivalence/packed.rs"]
mod packed;
#[path = "equivalence/resident.rs"]
mod resident;
#[path = "equivalence/sharing.rs"]
mod sharing;
#[path = "equivalence/wrong.rs"]
mod wrong;

use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use svala_compute::selftest::{differing_extend, differing_global, expected_extend, expected_global, prove};
use svala_compute::{
    Backend, Engine, EngineOptions, Error, ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, GlobalResults,
    GpuCheck, LocalBatch, LocalParams, Scoring, SimdLevel,
};

/// A backend under test.
#[derive(Clone, Copy)]
enum Target {
    Simd(SimdLevel),
    Gpu,
}

impl Target {
    fn name(self) -> String {
        match self {
            Target::Simd(level) => level.to_string(),
            Target::Gpu => "gpu".to_owned(),
        }
    }

    fn engine(self, scoring: Scoring) -> Result<Engine, Error> {
        let (backend, simd) = match self {
            Target::Simd(level) => (Backend::Cpu, Some(level)),
            Target::Gpu => (Backend::Gpu, None),
        };
        // All is compared, and what differs shall be seen.
        let check = GpuCheck::Off;
        Engine::new(EngineOptions { backend, simd, scoring, check, ..Default::default() })
    }

    /// Software GPUs and the portable lanes are slow: they get fewer of the same jobs.
    fn jobs(self, full: usize) -> usize {
        match self {
            Target::Simd(SimdLevel::Portable) | Target::Gpu => full / 4,
            Target::Simd(_) => full,
        }
    }
}

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("scalar::empty", || empty(engine(Backend::Scalar)?))];
    let targets = SimdLevel::ALL.into_iter().map(Target::Simd).chain([Target::Gpu]);
    for target in targets {
        trials.extend(stamp(target));
    }
    trials.extend(packed_trials());
    libtest_mimic::run(&arguments, trials).exit();
}

fn engine(backend: Backend) -> Result<Engine, Failed> {
    Ok(Engine::new(EngineOptions { backend, ..Default::default() })?)
}

/// All tests of one backend, ignored with the reason if this machine lacks it.
fn stamp(target: Target) -> Vec<Trial> {
    type Body = fn(Target) -> Result<(), Failed>;
    let bodies: [(&str, Body); 12] = [
        ("generated_jobs", generated),
        ("captured_jobs", captured::all),
        ("odd_scorings", odd_scorings),
        ("uniform_batches", uniform),
        ("large_jobs", large),
        ("empty_batches", |target| empty(target.engine(Scoring::default())?)),
        ("empty_sequences", empty_sequences),
        ("order_does_not_matter", reversed),
        ("tile_edges", long::edges),
        ("largest_jobs", long::largest),
        ("hard_local_jobs", local::hard),
        ("mate_rescue_batches", local::mate_rescue),
    ];
    // There are no dispatches, and there is no device to fail, elsewhere.
    let of_devices: [(&str, Body); 12] = [
        ("many_dispatches", many_dispatches),
        ("odd_splits", sharing::odd_splits),
        ("many_callers", sharing::many_callers),
        ("timed_kernels", timed_kernels),
        ("resident", resident::resident),
        ("refused_reference", resident::refused),
        ("faults", sharing::faults),
        ("faults_beside_others", sharing::faults_beside_others),
        ("wrong_results", wrong::every_way),
        ("wrong_results_in_a_sample", wrong::in_a_sample),
        ("shaders_that_do_not_compile", wrong::refused_shaders),
        ("devices_that_cannot_be_opened", wrong::unopened_devices),
    ];
    let missing = target.engine(Scoring::default()).err();
    let required = gpu_is_required();
    let of_devices = of_devices.into_iter().filter(|_| matches!(target, Target::Gpu));
    let trial = |(name, body): (&str, Body)| {
        let name = format!("{}::{name}", target.name());
        match &missing {
            Some(reason) if matches!(target, Target::Gpu) && required => {
                let reason = format!("SVALA_REQUIRE_GPU=1, but {reason}");
                Trial::test(name, move || Err(reason.into()))
            }
            Some(reason) => {
                let reason = reason.to_string();
                Trial::ignorable_test(name, move || Ok(Completion::ignored_with(reason)))
            }
            None => Trial::test(name, move || body(target)),
        }
    };
    bodies.into_iter().chain(of_devices).map(trial).collect()
}

/// Tests of the packed form, ignored with the reason if there is no device or if it has no 16-bit numbers.
fn packed_trials() -> Vec<Trial> {
    type Body = fn() -> Result<(), Failed>;
    let bodies: [(&str, Body); 9] = [
        ("generated", packed::generated),
        ("lengths", packed::lengths),
        ("bound", packed::bound),
        ("z_drop", packed::z_drop),
        ("spoilt_shaders", packed::spoilt_shaders),
        ("not_asked_for", packed::not_asked_for),
        ("resident", packed::resident),
        ("dispatches", packed::dispatches),
        ("faults", packed::faults),
    ];
    let missing = Target::Gpu.engine(Scoring::default()).err().filter(|_| !gpu_is_required());
    let trial = |(name, body): (&str, Body)| {
        let missing = missing.clone();
        Trial::ignorable_test(format!("packed::{name}"), move || match missing {
            Some(reason) => Ok(Completion::ignored_with(reason.to_string())),
            None => packed::or_ignored(body),
        })
    };
    bodies.into_iter().map(trial).collect()
}

fn gpu_is_required() -> bool {
    std::env::var("SVALA_REQUIRE_GPU").is_ok_and(|value| value == "1")
}

fn proof(engine: &Engine, jobs: usize, seed: u64) -> Result<(), Failed> {
    let report = prove(engine, jobs, seed);
    if report.holds() {
        return Ok(());
    }
    let first = report.first.as_deref().unwrap_or("");
    Err(format!(
        "{}: {} extend, {} global and {} local mismatches in {jobs} jobs of each\n{first}",
        engine.description(),
        report.extend_mismatches,
        report.global_mismatches,
        report.local_mismatches,
    )
    .into())
}

fn generated(target: Target) -> Result<(), Failed> {
    let engine = target.engine(Scoring::default())?;
    let wanted = std::env::var("SVALA_PROOF_JOBS").ok().map(|jobs| jobs.parse()).transpose()?;
    let jobs = wanted.unwrap_or_else(|| target.jobs(6000));
    proof(&engine, jobs, 1)?;
    let counters = engine.counters();
    if counters.gpu_failures > 0 {
        return Err(format!("a device failed: {:?}", engine.device_failures()).into());
    }
    if matches!(target, Target::Gpu) && counters.gpu_batches == 0 {
        return Err("no batch ran on the device".into());
    }
    if wanted.is_some() {
        println!("{}: {jobs} jobs of each kernel are equal to the reference's; {counters:?}", engine.description());
    }
    Ok(())
}

fn odd_scorings(target: Target) -> Result<(), Failed> {
    let row = |v: [u8; 7]| Scoring {
        match_score: v[0],
        mismatch: v[1],
        ambiguous: v[2],
        deletion_open: v[3],
        deletion_extend: v[4],
        insertion_open: v[5],
        insertion_extend: v[6],
    };
    let schemes = [
        [2, 8, 1, 12, 2, 12, 2],
        [5, 4, 4, 0, 3, 10, 1],
        [1, 0, 0, 0, 1, 0, 1],
        [1, 4, 1, 6, 1, 20, 3],
        [100, 155, 100, 200, 55, 100, 155],
        [1, 254, 254, 254, 1, 254, 1],
        // Gaps rather than mismatches: more runs of CIGAR than a device returns.
        [1, 200, 200, 0, 1, 0, 1],
        // The largest scores that a packed profile of 6 bits holds on a device.
        [3, 31, 0, 0, 14, 20, 14],
        [1, 31, 31, 9, 29, 0, 1],
    ];
    for (seed, values) in (10..).zip(schemes) {
        proof(&target.engine(row(values))?, target.jobs(1000), seed)?;
    }
    Ok(())
}

/// What a mapper sends: jobs of one length, band and z-drop, in full groups.
fn uniform(target: Target) -> Result<(), Failed> {
    let scoring = Scoring::default();
    let engine = target.engine(scoring)?;
    for (k, (m, n, band)) in [(150, 200, 100), (100, 110, 10), (64, 64, 3)].into_iter().enumerate() {
        let generated = svala_compute::selftest::extend_batch(200, 77 + k as u64, &scoring);
        let mut extend = ExtendBatch::new();
        let mut global = GlobalBatch::new();
        for job in (0..generated.len()).filter(|&job| !generated.target(job).is_empty()) {
            // Cycling keeps pairs related and makes every length equal.
            let (query, target) = (generated.query(job), generated.target(job));
            let query = if query.is_empty() { target } else { query };
            let query: Vec<u8> = query.iter().copied().cycle().take(m).collect();
            let target: Vec<u8> = target.iter().copied().cycle().take(n).collect();
            let params = ExtendParams { initial_score: 30, band, z_drop: 100 };
            extend.push(query.clone(), target.clone(), params)?;
            global.push(query, target, GlobalParams { band })?;
        }
        check(&engine, &extend, &global)?;
    }
    Ok(())
}

/// The largest jobs, and jobs that no lane can hold.
fn large(target: Target) -> Result<(), Failed> {
    let scoring = Scoring { match_score: 100, mismatch: 90, ..Default::default() };
    let on_cpu = !matches!(target, Target::Gpu);
    for scoring in [Scoring::default(), scoring] {
        let engine = target.engine(scoring)?;
        let target: Vec<u8> = (0..4096u32).map(|k| (k * k % 7 % 5) as u8).collect();
        let mut query: Vec<u8> = target[..1024].to_vec();
        query.drain(500..520);
        let (mut extend, mut global) = (ExtendBatch::new(), GlobalBatch::new());
        for (initial_score, band) in [(0, 100), (60_000, 30), (65_535, 4096), (1, u16::MAX)] {
            let params = ExtendParams { initial_score, band, z_drop: 0 };
            extend.push(query.iter().copied(), target.iter().copied(), params)?;
        }
        global.push(query.iter().copied(), target.iter().copied(), GlobalParams { band: 10 })?;
        global.push(query.iter().copied(), target[..1030].iter().copied(), GlobalParams { band: 40 })?;
        check(&engine, &extend, &global)?;
        let before = engine.counters().widened_jobs;
        let mut local = LocalBatch::new();
        local.push(query.iter().copied(), target.iter().copied(), LocalParams { min_score: 0 })?;
        local.push(query[..700].iter().copied(), target[..3000].iter().copied(), LocalParams { min_score: 19 })?;
        local::check(&engine, &local)?;
        if engine.counters().widened_jobs == 0 || (on_cpu && engine.counters().widened_jobs == before) {
            return Err("no job was widened".into());
        }
    }
    Ok(())
}

fn check(engine: &Engine, extend: &ExtendBatch, global: &GlobalBatch) -> Result<(), Failed> {
    let mut results = Vec::new();
    engine.extend(extend, &mut results);
    let wrong = differing_extend(&expected_extend(extend, engine.scoring()), &results);
    let mut results = GlobalResults::new();
    engine.global(global, &mut results);
    let wrong_global = differing_global(&expected_global(global, engine.scoring()), &results);
    if wrong.is_empty() && wrong_global.is_empty() {
        return Ok(());
    }
    Err(format!("extend jobs {wrong:?} and global jobs {wrong_global:?} differ").into())
}

fn empty(engine: Engine) -> Result<(), Failed> {
    let mut results = vec![Default::default()];
    engine.extend(&ExtendBatch::new(), &mut results);
    let mut rows = GlobalResults::new();
    engine.global(&GlobalBatch::new(), &mut rows);
    let mut locals = vec![Default::default()];
    engine.local(&LocalBatch::new(), &mut locals);
    if results.is_empty() && rows.is_empty() && locals.is_empty() { Ok(()) } else { Err("results of no job".into()) }
}

/// Batches in which no job has a target, or none a query.
fn empty_sequences(target: Target) -> Result<(), Failed> {
    let engine = target.engine(Scoring::default())?;
    for (m, n) in [(9, 0), (0, 9), (0, 0)] {
        let (mut extend, mut global, mut local) = (ExtendBatch::new(), GlobalBatch::new(), LocalBatch::new());
        for initial_score in 0..70 {
            let params = ExtendParams { initial_score, band: 5, z_drop: 10 };
            extend.push(vec![1; m], vec![1; n], params)?;
            global.push(vec![1; m], vec![1; n], GlobalParams { band: 5 })?;
            local.push(vec![1; m], vec![1; n], LocalParams { min_score: 0 })?;
        }
        check(&engine, &extend, &global)?;
        local::check(&engine, &local)?;
    }
    Ok(())
}

/// Neighbours and places in the batch cannot show in a result.
fn reversed(target: Target) -> Result<(), Failed> {
    let scoring = Scoring::default();
    let engine = target.engine(scoring)?;
    let batch = svala_compute::selftest::extend_batch(target.jobs(1200), 5, &scoring);
    let mut backwards = ExtendBatch::new();
    for job in (0..batch.len()).rev() {
        let (query, target) = (batch.query(job), batch.target(job));
        backwards.push(query.iter().copied(), target.iter().copied(), batch.params(job))?;
    }
    let (mut forth, mut back) = (Vec::new(), Vec::new());
    engine.extend(&batch, &mut forth);
    engine.extend(&backwards, &mut back);
    back.reverse();
    let batch = svala_compute::selftest::local_batch(target.jobs(1200), 6, &scoring);
    let mut backwards = LocalBatch::new();
    for job in (0..batch.len()).rev() {
        let (query, target) = (batch.query(job), batch.target(job));
        backwards.push(query.iter().copied(), target.iter().copied(), batch.params(job))?;
    }
    let (mut forth_local, mut back_local) = (Vec::new(), Vec::new());
    engine.local(&batch, &mut forth_local);
    engine.local(&backwards, &mut back_local);
    back_local.reverse();
    if forth == back && forth_local == back_local { Ok(()) } else { Err("the order of the batch shows".into()) }
}

/// More jobs than three dispatches take, so that buffers are used again while others are in flight.
fn many_dispatches(target: Target) -> Result<(), Failed> {
    let engine = target.engine(Scoring::default())?;
    let mut extend = ExtendBatch::new();
    for job in 0..100_000usize {
        let bases = |length: usize, step: usize| (0..length).map(move |k| ((job >> k) * step % 4) as u8);
        let params = ExtendParams { initial_score: (job % 50) as u16, band: 5, z_drop: 10 };
        extend.push(bases(1 + job % 6, 1), bases(job % 7, 1 + job % 2), params)?;
    }
    check(&engine, &extend, &GlobalBatch::new())
}

/// A device's clock runs while kernels do, and changes no result.
fn timed_kernels(target: Target) -> Result<(), Failed> {
    let engine = target.engine(Scoring::default())?;
    if !engine.time_kernels() {
        // Hardware may have no clock; the software device of our test runs has one.
        return if engine.kernel_time().is_none() { Ok(()) } else { Err("a time without a clock".into()) };
    }
    proof(&engine, 200, 30)?;
    let first = engine.kernel_time();
    proof(&engine, 200, 31)?;
    if engine.counters().gpu_failures == 0 && first > Some(Duration::ZERO) && engine.kernel_time() > first {
        return Ok(());
    }
    Err(format!("the clock showed {first:?}, then {:?}", engine.kernel_time()).into())
}
