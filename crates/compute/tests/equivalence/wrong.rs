//! Devices that can't be trusted: they answer wrong, or their drivers refuse a shader.

use std::num::NonZeroU32;

use libtest_mimic::Failed;
use svala_compute::selftest::{Fault, extend_batch, global_batch, local_batch, prove};
use svala_compute::selftest::{
    differing_extend, differing_global, differing_local, expected_extend, expected_global, expected_local,
};
use svala_compute::{
    Backend, Counters, Engine, EngineOptions, Error, ExtendBatch, ExtendParams, GlobalResults, GpuCheck, Scoring,
};

use super::Target;
use super::sharing::one_adapter;

fn engine(devices: usize, check: GpuCheck) -> Result<Engine, Failed> {
    let adapters = one_adapter(devices)?;
    Ok(Engine::new(EngineOptions { backend: Backend::Gpu, adapters, check, ..Default::default() })?)
}

/// The jobs of a batch of one kernel that are answered wrong.
type Kernel = fn(&Engine, u64) -> Vec<usize>;

const KERNELS: [(&str, Kernel); 3] = [
    ("extend", |engine, seed| {
        let (batch, mut results) = (extend_batch(120, seed, engine.scoring()), Vec::new());
        engine.extend(&batch, &mut results);
        differing_extend(&expected_extend(&batch, engine.scoring()), &results)
    }),
    ("global", |engine, seed| {
        let (batch, mut results) = (global_batch(120, seed, engine.scoring()), GlobalResults::new());
        engine.global(&batch, &mut results);
        differing_global(&expected_global(&batch, engine.scoring()), &results)
    }),
    ("local", |engine, seed| {
        let (batch, mut results) = (local_batch(120, seed, engine.scoring()), Vec::new());
        engine.local(&batch, &mut results);
        differing_local(&expected_local(&batch, engine.scoring()), &results)
    }),
];

/// Whether a device was retired for wrong results, after it worked, and all it took of the batch was redone.
fn check_retired(engine: &Engine, before: &Counters) -> Result<(), Failed> {
    let (after, failures) = (engine.counters(), engine.device_failures());
    let told = failures.iter().filter(|failure| failure.reason.contains("WRONG RESULTS")).count();
    let redone = after.redone_jobs > 0 && after.gpu_jobs == before.gpu_jobs;
    if told == 1 && after.gpu_failures == 1 && redone && before.gpu_jobs > 0 {
        Ok(())
    } else {
        Err(format!("before {before:?}, after {after:?}: {failures:?}").into())
    }
}

/// One wrong word of one job is enough, in every kernel, where every job is checked; and nobody would know without.
pub fn every_way(_: Target) -> Result<(), Failed> {
    let all = GpuCheck::OneIn(NonZeroU32::MIN);
    for (name, kernel) in KERNELS {
        let mut unseen = 0;
        for fault in Fault::WRONG {
            let say = |what: &str| Failed::from(format!("{name}, {fault:?}: {what}"));
            let checked = engine(1, all)?;
            if !kernel(&checked, 1).is_empty() || checked.inject(fault) != 1 {
                return Err(say("the device does not work"));
            }
            let before = checked.counters();
            if !kernel(&checked, 2).is_empty() || !kernel(&checked, 3).is_empty() {
                return Err(say("a wrong result"));
            }
            check_retired(&checked, &before)?;
            if !checked.description().starts_with("cpu") || before.checked_jobs != before.gpu_jobs {
                return Err(say("the device is in use, or not all was checked"));
            }
            let unchecked = engine(1, GpuCheck::Off)?;
            unchecked.inject(fault);
            unseen += usize::from(!kernel(&unchecked, 2).is_empty());
        }
        if unseen == 0 {
            return Err(format!("{name}: no fault makes a wrong result").into());
        }
    }
    Ok(())
}

/// One job in a thousand is enough for a device that is wrong in all; the others work on.
pub fn in_a_sample(_: Target) -> Result<(), Failed> {
    let mut batch = ExtendBatch::new();
    for job in 0..300 {
        let bases = |length: usize| (0..length).map(move |k| ((k * k + job) % 7 % 4) as u8);
        batch.push(bases(60), bases(70), ExtendParams { initial_score: 30, band: 10, z_drop: 100 })?;
    }
    let expected = expected_extend(&batch, &Scoring::default());
    for devices in [1, 2] {
        let (engine, mut results) = (engine(devices, GpuCheck::default())?, Vec::new());
        engine.extend(&batch, &mut results);
        let before = engine.counters();
        if before.checked_jobs == 0 || before.checked_jobs > 2 || results != expected {
            return Err(format!("{before:?}").into());
        }
        engine.inject(Fault::AllZero);
        while engine.device_failures().len() < devices {
            engine.extend(&batch, &mut results);
            if results != expected {
                return Err(format!("{devices} devices: a wrong result").into());
            }
        }
        let after = engine.counters();
        if after.wrong_jobs != devices as u64 || !prove(&engine, 100, 4).holds() {
            return Err(format!("{after:?}: {:?}", engine.device_failures()).into());
        }
    }
    Ok(())
}

/// Beside the CPU a device that can't be opened costs no results, but is named.
pub fn unopened_devices(_: Target) -> Result<(), Failed> {
    let shader = Some(("global", "this is no shader".to_owned()));
    let options = EngineOptions { backend: Backend::Auto, software: true, shader, ..Default::default() };
    let engine = Engine::new(options.clone())?;
    let named = engine.unopened_devices();
    if named.is_empty() || named.iter().any(|failure| failure.device.is_empty() || failure.reason.len() < 20) {
        return Err(format!("{named:?}").into());
    }
    if !engine.description().starts_with("cpu") || !prove(&engine, 100, 5).holds() {
        return Err(engine.description().into());
    }
    let right = Engine::new(EngineOptions { shader: None, ..options })?;
    let all_work = right.unopened_devices().is_empty() && right.description().contains("gpu");
    if all_work { Ok(()) } else { Err(right.description().into()) }
}

/// A driver that refuses a shader, when it is read or when its pipeline is made, is no device; the error says so.
pub fn refused_shaders(_: Target) -> Result<(), Failed> {
    // It parses, but has none of the constants that its pipeline is given.
    let constantless = "override WORKGROUP_SIZE: u32;
        @compute @workgroup_size(WORKGROUP_SIZE) fn main() {}
        @compute @workgroup_size(WORKGROUP_SIZE) fn trace() {}";
    for name in ["extend_strips", "extend_cooperative", "global", "local"] {
        for text in ["this is no shader", constantless] {
            let options =
                EngineOptions { backend: Backend::Gpu, shader: Some((name, text.to_owned())), ..Default::default() };
            match Engine::new(options) {
                Err(Error::Gpu(reason)) if reason.len() > 20 => println!("{name}: {reason}"),
                other => return Err(format!("{name}: {:?}", other.map(|engine| engine.description())).into()),
            }
        }
    }
    Ok(())
}
