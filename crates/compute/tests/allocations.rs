//! The engine on the CPU allocates by the batch and not by the job.
//!
//! One test, so that no other thread allocates while it counts.

use std::alloc::System;

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

#[test]
fn no_allocation_a_job() -> Result<(), Box<dyn std::error::Error>> {
    // The counter has to count, else nothing below can fail.
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1u8; 100]))), 1);
    let (few, many) = (batches(FEW)?, batches(MANY)?);
    for level in SimdLevel::available() {
        let engine = Engine::new(EngineOptions { backend: Backend::Cpu, simd: Some(level), ..Default::default() })?;
        let (few, many) = (counts(&engine, &few), counts(&engine, &many));
        for (kernel, (few, many)) in ["extend", "global", "local"].into_iter().zip(few.into_iter().zip(many)) {
            let message = format!("{kernel} on {level}: {few} allocations for {FEW} jobs, {many} for {MANY}");
            println!("{message}");
            assert!(many <= few + DOUBLINGS, "{message}");
        }
    }
    Ok(())
}
