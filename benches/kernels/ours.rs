//! Our contenders: an engine for each SIMD level and for the GPU, each checked before it is timed.

use std::hint::black_box;
use std::rc::Rc;

use svala_compute::{Backend, Engine, EngineOptions, SimdLevel};

use crate::clock::{Clock, Contender};
use crate::jobs::Jobs;
use crate::reference::reference_of;

/// Jobs checked against the reference, spread over the batch.
const CHECKED: usize = 128;
/// How often a hardware GPU gets the jobs of a mix in one batch.
const GPU_REPEATS: usize = 16;

/// All engines on a batch, and what each alignment gained.
pub fn ours<J: Jobs>(batch: &J) -> (Vec<Contender>, Vec<Option<i32>>) {
    let (mut contenders, mut sums, mut gains) = (Vec::new(), Vec::new(), Vec::new());
    for (name, engine) in engines() {
        let mut results = J::Results::default();
        batch.answer(&engine, &mut results);
        for job in (0..batch.count()).step_by(batch.count().div_ceil(CHECKED)) {
            assert!(batch.is_right(job, &results), "{name}: job {job} is wrong");
        }
        let digests = (0..batch.count()).map(|job| batch.digest(job, &results));
        sums.push(digests.fold(0u64, |sum, digest| sum.rotate_left(1) ^ digest));
        gains = (0..batch.count()).map(|job| batch.gain(job, &results)).collect();
        contenders.extend(contenders_of(&name, Rc::new(engine), batch));
    }
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "engines disagree: {sums:?}");
    (contenders, gains)
}

fn engines() -> Vec<(String, Engine)> {
    let build = |backend, simd| Engine::new(EngineOptions { backend, simd, ..Default::default() });
    let level = |level: SimdLevel| {
        let engine = build(Backend::Cpu, Some(level)).expect("an available level");
        (format!("svala {level}"), engine)
    };
    let mut engines: Vec<_> = SimdLevel::available().into_iter().map(level).collect();
    let is_asked = std::env::var("SVALA_BENCH_GPU").is_ok_and(|value| value == "1");
    match build(if is_asked { Backend::Gpu } else { Backend::Auto }, None) {
        Ok(engine) if is_gpu(&engine) => engines.push((format!("svala {}", engine.description()), engine)),
        Ok(_) => {}
        Err(error) => eprintln!("no GPU is timed: {error}"),
    }
    engines
}

fn is_gpu(engine: &Engine) -> bool {
    engine.description().starts_with("gpu")
}

/// An engine on a batch: once, or for a GPU with transfers and, where the device has a clock, without.
fn contenders_of<J: Jobs>(name: &str, engine: Rc<Engine>, batch: &J) -> Vec<Contender> {
    let on_gpu = is_gpu(&engine);
    let repeats = if on_gpu && !engine.description().contains("software") { GPU_REPEATS } else { 1 };
    let (planes, windows) = reference_of(batch);
    let refused = engine.set_reference(&planes);
    assert!(refused.is_empty(), "{refused:?}");
    let mut repeated = J::default();
    (0..repeats).for_each(|_| (0..batch.count()).for_each(|job| repeated.push_from(batch, job, windows[job])));
    let repeated = Rc::new(repeated);
    let contender = |name: String, clock| {
        let (engine, batch, mut results) = (Rc::clone(&engine), Rc::clone(&repeated), J::Results::default());
        let work = Box::new(move || black_box(&*batch).answer(&engine, &mut results));
        Contender { name, ours: true, clock, repeats: repeats as u64, agreement: None, work }
    };
    if !on_gpu {
        return vec![contender(name.to_owned(), Clock::Thread)];
    }
    let mut contenders = vec![contender(format!("{name}, with transfers"), Clock::Wall)];
    if engine.time_kernels() {
        contenders.push(contender(format!("{name}, kernels alone"), Clock::Device(Rc::clone(&engine))));
    }
    contenders
}
