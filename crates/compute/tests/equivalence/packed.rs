//! Two `Extend` jobs in the halves of a word: the reference's bytes, and that the packed shader really gave them.

use libtest_mimic::{Completion, Failed};
use svala_compute::selftest::{Fault, differing_extend, expected_extend, extend_batch};
use svala_compute::{
    AdapterReport, Backend, Engine, EngineOptions, ExtendBatch, ExtendParams, ExtendResult, GpuCheck, Precision,
    Scoring, usable_adapters,
};

use super::resident;

/// The shader that the engine has, to be spoilt.
const WGSL: &str = include_str!("../../../../shaders/extend_packed.wgsl");

/// An engine with the packed form, or why this machine's device has none.
fn engine(scoring: Scoring, wgsl: Option<String>) -> Result<Engine, Failed> {
    Ok(Engine::new(EngineOptions { scoring, shader: wgsl.map(|wgsl| ("extend_packed", wgsl)), ..options() })?)
}

fn options() -> EngineOptions {
    let check = GpuCheck::Off;
    EngineOptions { backend: Backend::Gpu, precision: Precision::Packed, check, ..Default::default() }
}

/// Runs `body`, if there is a device that packs. That a device lacks 16-bit numbers is no failure of ours.
pub fn or_ignored(body: fn() -> Result<(), Failed>) -> Result<Completion, Failed> {
    let halves = ["SHADER_F16", "SHADER_I16"];
    let packs = |adapter: &AdapterReport| halves.iter().all(|name| adapter.features.contains(name));
    if !usable_adapters().iter().any(packs) {
        return Ok(Completion::ignored_with("no device has 16-bit numbers in shaders"));
    }
    body().map(|()| Completion::Completed)
}

/// Compares a batch with the reference; returns the jobs that ran packed and those that had to be widened.
fn check(engine: &Engine, batch: &ExtendBatch) -> Result<(u64, u64), Failed> {
    let before = engine.counters();
    let mut results = Vec::new();
    engine.extend(batch, &mut results);
    let expected = expected_extend(batch, engine.scoring());
    if let Some(&job) = differing_extend(&expected, &results).first() {
        let (query, target, params) = (batch.query(job), batch.target(job), batch.params(job));
        let (wanted, found): (ExtendResult, ExtendResult) = (expected[job], results[job]);
        return Err(format!("push({query:?}, {target:?}, {params:?})\nexpected {wanted:?}\nfound    {found:?}").into());
    }
    if let Some(failure) = engine.device_failures().first() {
        return Err(format!("the device failed: {}", failure.reason).into());
    }
    let after = engine.counters();
    Ok((after.packed_jobs - before.packed_jobs, after.widened_jobs - before.widened_jobs))
}

/// Jobs of every awkward kind, whose mix of those that fit and those that don't is the generator's.
pub fn generated() -> Result<(), Failed> {
    let dear =
        Scoring { mismatch: 254, deletion_open: 254, insertion_open: 200, insertion_extend: 55, ..Default::default() };
    let cheap = Scoring { mismatch: 0, deletion_open: 0, insertion_open: 0, ..Scoring::default() };
    for (seed, scoring) in (1..).zip([Scoring::default(), dear, cheap, skewed()]) {
        let engine = engine(scoring, None)?;
        for jobs in [1500, 1, 2, 129] {
            check(&engine, &extend_batch(jobs, seed, &scoring))?;
        }
        let counters = engine.counters();
        if counters.packed_jobs < 400 || counters.widened_jobs < 200 {
            return Err(format!("too few jobs are packed, or widened: {counters:?}").into());
        }
    }
    Ok(())
}

/// Different penalties for the two kinds of gap.
fn skewed() -> Scoring {
    Scoring { deletion_extend: 3, insertion_open: 9, insertion_extend: 2, ..Scoring::default() }
}

/// A letter of a sequence without long repeats.
fn base(k: usize) -> u8 {
    ((k * k + 3 * k) % 23 % 11 % 4) as u8
}

/// Queries around every end of a strip, beside targets of all lengths and their partners' lengths; the last in the batch has
/// no partner.
pub fn lengths() -> Result<(), Failed> {
    let engine = engine(Scoring::default(), None)?;
    let mut batch = ExtendBatch::new();
    for m in (1..=12).chain([19, 20, 21, 29, 30, 31, 32, 39, 40, 41, 59, 60, 61, 64, 90, 91, 119, 150, 151]) {
        for n in [0, 1, 2, 3, 4, 5, 7, 8, 9, m - 1, m, m + 1, m + 6, 2 * m + 3] {
            let query = (0..m).map(|k| if k % 17 == 11 { 3 - base(k) } else { base(k) });
            // Every third has a gap.
            let target = (0..n).map(|k| base(if k > 20 && n % 3 == 0 { k + 3 } else { k }));
            let band = [0, 1, 5, 100][(m + n) % 4];
            let params = ExtendParams { initial_score: 1 + (n % 40) as u16, band, z_drop: [0, 100][n % 2] };
            batch.push(query, target, params)?;
        }
    }
    let (packed, _) = check(&engine, &batch)?;
    if packed < batch.len() as u64 * 9 / 10 {
        Err(format!("{packed} of {} are packed", batch.len()).into())
    } else {
        Ok(())
    }
}

/// Scores that end at the bound, one below and one above, with a match all along.
pub fn bound() -> Result<(), Failed> {
    // Schemes of other tests, whose compiled shaders drivers may keep.
    for scoring in [Scoring::default(), skewed()] {
        let engine = engine(scoring, None)?;
        for m in [1usize, 9, 30, 100, 200] {
            let columns = (m + 5).next_multiple_of(4);
            let edge = 1535 - m - columns * usize::from(scoring.deletion_extend);
            for (initial_score, packed) in [(edge - 1, 1), (edge, 1), (edge + 1, 0)] {
                let mut batch = ExtendBatch::new();
                let params = ExtendParams { initial_score: initial_score as u16, band: 1000, z_drop: 0 };
                batch.push((0..m).map(base), (0..m + 5).map(base), params)?;
                let found = check(&engine, &batch)?;
                if found != (packed, 1 - packed) {
                    return Err(format!("{m} bases from {initial_score}: packed and widened are {found:?}").into());
                }
            }
        }
    }
    Ok(())
}

/// Z-drop as small as can be and around what decides, after the best score and again before a better one. Some jobs must be
/// left undecided, others not.
pub fn z_drop() -> Result<(), Failed> {
    let engine = engine(Scoring::default(), None)?;
    let mut batch = ExtendBatch::new();
    for gap in 0..60usize {
        for z_drop in [1, 9, 10, 11, 12, 20, 40, 100] {
            for (seed, matched) in [0usize, 20, 45].into_iter().enumerate() {
                let target = (0..matched).chain((0..gap).map(|k| 7 * k + seed)).chain(matched..matched + 80).map(base);
                let params = ExtendParams { initial_score: 30, band: [10, 100][gap % 2], z_drop };
                batch.push((0..matched + 60).map(base), target, params)?;
            }
        }
    }
    let (packed, widened) = check(&engine, &batch)?;
    if packed.min(widened) < 100 { Err(format!("{packed} packed, {widened} widened").into()) } else { Ok(()) }
}

/// A shader that a driver refuses, or that goes wrong anywhere, is found when the engine is built, and not used.
pub fn spoilt_shaders() -> Result<(), Failed> {
    let spoilt = [
        ("both(MATCH + MISMATCH)", "both(MATCH)"),
        ("saturate(better - h)", "better - h"),
        ("fma(since, lower, lower)", "fma(since, lower, both(0))"),
        ("saturate(column.best - own)", "saturate(own - column.best)"),
        ("max(e, m - both(DELETION_OPEN))", "max(e, m - both(INSERTION_EXTEND))"),
        ("- both(INSERTION_EXTEND)", ""),
        ("const TARGET_FACTORS = 0x1b5fu", "const TARGET_FACTORS = 0x1b5eu"),
        ("let end = select(0,", "let end = select(1,"),
        ("loss > job.z_drop ||", "loss > 1000 + job.z_drop ||"),
        ("take_columns(pair.high, id, 1u)", "take_columns(pair.high, id, 0u)"),
        ("enable f16;", "enable f17;"),
    ];
    let batch = extend_batch(60, 3, &Scoring::default());
    // Short strips take a fraction of the time to compile, and are right unless spoilt.
    let replaced = |wgsl: &str, (right, wrong): (&str, &str)| match wgsl.contains(right) {
        true => Ok(wgsl.replacen(right, wrong, 1)),
        false => Err(Failed::from(format!("the shader has no {right}"))),
    };
    let short = replaced(WGSL, ("const TALL = 30u", "const TALL = 6u"))?;
    let short = replaced(&short, ("const SHORT = 10u", "const SHORT = 3u"))?;
    if check(&engine(Scoring::default(), Some(short.clone()))?, &batch)?.0 == 0 {
        return Err("the shader with short strips is not used".into());
    }
    for (right, wrong) in spoilt {
        let engine = engine(Scoring::default(), Some(replaced(&short, (right, wrong))?))?;
        if engine.unpacked_devices().len() != 1 || check(&engine, &batch)?.0 > 0 {
            return Err(format!("nobody noticed {wrong:?}").into());
        }
    }
    Ok(())
}

/// Software devices don't pack unless asked to, and nobody does in other schemes.
pub fn not_asked_for() -> Result<(), Failed> {
    let batch = extend_batch(60, 3, &Scoring::default());
    for (precision, match_score) in [(Precision::I32, 1), (Precision::Packed, 2)] {
        let scoring = Scoring { match_score, ..Scoring::default() };
        let engine = Engine::new(EngineOptions { backend: Backend::Gpu, precision, scoring, ..Default::default() })?;
        if check(&engine, &batch)?.0 > 0 || !engine.unpacked_devices().is_empty() {
            return Err(format!("{precision:?} packs, or says that it can't").into());
        }
    }
    Ok(())
}

/// Targets that the device reads from the resident reference, forth and back.
pub fn resident() -> Result<(), Failed> {
    let planes = resident::planes();
    let (extend, _) = resident::jobs(&planes, 60, 200)?;
    let engine = engine(Scoring::default(), None)?;
    resident::take(&engine, &planes)?;
    let (packed, _) = check(&engine, &extend)?;
    // Another reference must show, or the device did not read it.
    let other: Vec<[u64; 2]> = planes.iter().map(|[low, high]| [!low, *high]).collect();
    resident::take(&engine, &other)?;
    let misled = check(&engine, &extend).is_err();
    if packed < 60 || !misled { Err(format!("{packed} packed, misled: {misled}").into()) } else { Ok(()) }
}

/// Many dispatches a call, so that buffers are used again while others are in flight, and what is left undecided waits for
/// enough of its kind or for the end.
pub fn dispatches() -> Result<(), Failed> {
    let batch = extend_batch(500, 9, &Scoring::default());
    for chunk_cells in [2_000, 60_000] {
        let engine = Engine::new(EngineOptions { chunk_cells: Some(chunk_cells), ..options() })?;
        let (packed, widened) = check(&engine, &batch)?;
        if packed.min(widened) < 50 {
            return Err(format!("{packed} packed, {widened} widened").into());
        }
    }
    Ok(())
}

/// A device that fails while it packs costs nothing but time.
pub fn faults() -> Result<(), Failed> {
    let batch = extend_batch(150, 10, &Scoring::default());
    let expected = expected_extend(&batch, &Scoring::default());
    for fault in [Fault::Lost, Fault::Invalid, Fault::Unmapped] {
        let engine = engine(Scoring::default(), None)?;
        if check(&engine, &batch)?.0 == 0 || engine.inject(fault) == 0 {
            return Err("no device packs".into());
        }
        let mut results = Vec::new();
        engine.extend(&batch, &mut results);
        let counters = engine.counters();
        if results != expected || counters.gpu_failures == 0 || counters.redone_jobs == 0 {
            return Err(format!("{fault:?}: {counters:?}").into());
        }
    }
    Ok(())
}
