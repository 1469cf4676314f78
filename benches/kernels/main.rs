//! Speed of the kernels: 150 x 200 bp jobs, in matrix cells per second, for every SIMD level of this
//! machine. `SVALA_BENCH_GPU=1` adds the GPU, named by its adapter (a software one says nothing about
//! hardware). Every engine first has to match the reference on the jobs it is timed on.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use svala_compute::selftest::{differing_extend, differing_global, expected_extend, expected_global};
use svala_compute::{
    Backend, Engine, EngineOptions, ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, GlobalResults, Scoring,
    SimdLevel,
};

const QUERY_BP: usize = 150;
const TARGET_BP: usize = 200;
const JOBS: usize = 4096;
/// Jobs checked against the reference, spread over the batch.
const CHECKED: usize = 256;
const CELLS: u64 = (QUERY_BP * TARGET_BP * JOBS) as u64;

/// Related pairs with 2 % substitutions and an indel in every fourth query.
fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut state = 1u64;
    let mut below = move |end: u64| {
        // Linear congruential, with Knuth's constants; the high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    let mut pair = |job: usize| {
        let target: Vec<u8> = (0..TARGET_BP).map(|_| below(4) as u8).collect();
        let mut query = target.clone();
        if job.is_multiple_of(4) {
            query.drain(60..63);
        }
        query.truncate(QUERY_BP);
        for base in &mut query {
            if below(50) == 0 {
                *base = below(4) as u8;
            }
        }
        (query, target)
    };
    (0..JOBS).map(&mut pair).collect()
}

fn engines() -> Vec<(String, Engine)> {
    let build = |backend, simd| Engine::new(EngineOptions { backend, simd, ..Default::default() });
    let levels = SimdLevel::available().into_iter();
    let mut engines: Vec<_> =
        levels.filter_map(|level| Some((level.to_string(), build(Backend::Cpu, Some(level)).ok()?))).collect();
    if std::env::var("SVALA_BENCH_GPU").is_ok_and(|value| value == "1") {
        match build(Backend::Gpu, None) {
            Ok(engine) => engines.push((engine.description(), engine)),
            Err(error) => eprintln!("no GPU is timed: {error}"),
        }
    }
    engines
}

fn extend_batch(band: u16) -> ExtendBatch {
    let params = ExtendParams { initial_score: 30, band, z_drop: 100 };
    let mut batch = ExtendBatch::new();
    for (query, target) in pairs() {
        batch.push(query, target, params).expect("the job is within the limits");
    }
    batch
}

fn extend(criterion: &mut Criterion) {
    for (name, band) in [("extend 150x200", u16::MAX), ("extend 150x200 band 20", 20)] {
        let batch = extend_batch(band);
        let mut group = criterion.benchmark_group(name);
        // Nominal cells, so that a band shows as speed.
        group.throughput(Throughput::Elements(CELLS)).sample_size(20);
        for (name, engine) in engines() {
            let mut results = Vec::new();
            engine.extend(&batch, &mut results);
            let mut sample = ExtendBatch::new();
            let jobs: Vec<usize> = (0..JOBS).step_by(JOBS / CHECKED).collect();
            for &job in &jobs {
                let (query, target) = (batch.query(job), batch.target(job));
                sample
                    .push(query.iter().copied(), target.iter().copied(), batch.params(job))
                    .expect("the job is within the limits");
            }
            let found: Vec<_> = jobs.iter().map(|&job| results[job]).collect();
            let expected = expected_extend(&sample, &Scoring::default());
            assert!(differing_extend(&expected, &found).is_empty(), "{name} is wrong");
            group.bench_function(name, |bencher| {
                bencher.iter(|| engine.extend(black_box(&batch), &mut results));
            });
        }
        group.finish();
    }
}

fn global(criterion: &mut Criterion) {
    let mut batch = GlobalBatch::new();
    for (query, target) in pairs() {
        batch.push(query, target, GlobalParams { band: 100 }).expect("the job is within the limits");
    }
    let expected = expected_global(&batch, &Scoring::default());
    let mut group = criterion.benchmark_group("global 150x200 band 100");
    group.throughput(Throughput::Elements(CELLS)).sample_size(20);
    for (name, engine) in engines() {
        let mut results = GlobalResults::new();
        engine.global(&batch, &mut results);
        assert!(differing_global(&expected, &results).is_empty(), "{name} is wrong");
        group.bench_function(name, |bencher| {
            bencher.iter(|| engine.global(black_box(&batch), &mut results));
        });
    }
    group.finish();
}

criterion_group!(benches, extend, global);
criterion_main!(benches);
