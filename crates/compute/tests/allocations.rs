//! The engine allocates by the batch, or on a device by the dispatch, and not by the job.
//!
//! One test at a time, so that no other thread allocates while it counts.

use std::alloc::System;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use svala_compute::{
    Backend, Engine, EngineOptions, ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, GlobalResults, JobError,
    LocalBatch, LocalParams, SimdLevel,
};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FEW: usize = 600;
const MANY: usize = 10 * FEW;

/// Vectors that grow with the number of jobs double a few times more for ten times the jobs. A single
/// allocation a group, of 64 jobs at most, would be more than this.
const DOUBLINGS: usize = 70;

struct Batches {
    extend: ExtendBatch,
    global: GlobalBatch,
    local: LocalBatch,
}

/// Reads of about 150 bases with an indel and a mismatch, so that lengths differ.
fn batches(jobs: usize) -> Result<Batches, JobError> {
    let mut batches = Batches { extend: ExtendBatch::new(), global: GlobalBatch::new(), local: LocalBatch::new() };
    for job in 0..jobs {
        let mut state = job as u64 + 1;
        let mut base = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 62) as u8
        };
        let target: Vec<u8> = (0..200).map(|_| base()).collect();
        let mut query = target[..150 + job % 7].to_vec();
        query.drain(60..60 + job % 5);
        query[20] ^= 1;
        let codes = || (query.iter().copied(), target.iter().copied());
        // Some score too much for 8 bits; some have no cell at all.
        let initial_score = if job % 50 == 0 { 200 } else { 30 };
        let query_len = if job % 60 == 7 { 0 } else { query.len() };
        let params = ExtendParams { initial_score, band: 100, z_drop: 100 };
        batches.extend.push(codes().0.take(query_len), codes().1, params)?;
        batches.global.push(codes().0.take(query_len), codes().1.take(152), GlobalParams { band: 20 })?;
        batches.local.push(codes().0, codes().1, LocalParams { min_score: 19 })?;
    }
    Ok(batches)
}

/// Allocations of work, reallocations included.
fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(COUNTED);
    work();
    let change = region.change();
    change.allocations + change.reallocations
}

/// The allocations of each kernel with warm result vectors.
fn counts(engine: &Engine, batches: &Batches) -> [usize; 3] {
    let (mut extends, mut globals, mut locals) = (Vec::new(), GlobalResults::new(), Vec::new());
    let mut counts = [0; 3];
    for _ in 0..2 {
        counts = [
            allocations(|| engine.extend(&batches.extend, &mut extends)),
            allocations(|| engine.global(&batches.global, &mut globals)),
            allocations(|| engine.local(&batches.local, &mut locals)),
        ];
    }
    counts
}

/// More of the jobs must not mean more allocations.
fn by_the_batch(options: &EngineOptions, [few, many]: [&Batches; 2]) -> Result<(), Failed> {
    let engine = Engine::new(options.clone())?;
    let (few, many) = (counts(&engine, few), counts(&engine, many));
    for (kernel, (few, many)) in ["extend", "global", "local"].into_iter().zip(few.into_iter().zip(many)) {
        let place = engine.description();
        let message = format!("{kernel} on {place}: {few} allocations for {FEW} jobs, {many} for {MANY}");
        println!("{message}");
        if many > few + DOUBLINGS {
            return Err(message.into());
        }
    }
    if engine.device_failures().is_empty() { Ok(()) } else { Err("a device failed".into()) }
}

fn on_cpu() -> Result<(), Failed> {
    // The counter has to count, else nothing below can fail.
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))), 1);
    let (few, many) = (batches(FEW)?, batches(MANY)?);
    for level in SimdLevel::available() {
        let options = EngineOptions { backend: Backend::Cpu, simd: Some(level), ..Default::default() };
        by_the_batch(&options, [&few, &many])?;
    }
    Ok(())
}

fn on_device() -> Result<Completion, Failed> {
    // All jobs in one dispatch, as on a fast device: each one allocates.
    let options = EngineOptions { backend: Backend::Gpu, chunk_cells: Some(u64::MAX), ..Default::default() };
    let required = std::env::var("SVALA_REQUIRE_GPU").is_ok_and(|value| value == "1");
    match Engine::new(options.clone()) {
        Err(reason) if !required => Ok(Completion::ignored_with(reason.to_string())),
        _ => by_the_batch(&options, [&batches(FEW)?, &batches(MANY)?]).map(|()| Completion::Completed),
    }
}

fn main() {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let trials = vec![Trial::test("cpu", on_cpu), Trial::ignorable_test("gpu", on_device)];
    libtest_mimic::run(&arguments, trials).exit();
}
