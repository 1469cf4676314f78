//! Work sharing: who does a job, how a batch is cut and which device fails can't show in a result.

use libtest_mimic::Failed;
use svala_compute::selftest::{Fault, expected_extend, extend_batch};
use svala_compute::{Adapters, Backend, Engine, EngineOptions, usable_adapters};

use super::{Target, proof};

/// The usable adapter with the lowest number, opened `times` times.
pub fn one_adapter(times: usize) -> Result<Adapters, Failed> {
    let number = usable_adapters().iter().position(|adapter| adapter.usable.is_ok());
    Ok(Adapters::Numbers(vec![number.ok_or("no adapter is usable")?; times]))
}

fn engine(backend: Backend, adapters: &Adapters, chunk_cells: u64) -> Result<Engine, Failed> {
    let chunk_cells = Some(chunk_cells);
    Ok(Engine::new(EngineOptions { backend, adapters: adapters.clone(), chunk_cells, ..Default::default() })?)
}

/// Every usable adapter, and how many there are.
fn every_adapter() -> (Adapters, usize) {
    let usable = usable_adapters().into_iter().enumerate().filter(|(_, adapter)| adapter.usable.is_ok());
    let numbers: Vec<usize> = usable.map(|(number, _)| number).collect();
    (Adapters::Numbers(numbers.clone()), numbers.len())
}

/// Chunks of odd sizes, by one device, by two that are alike and by all there are, with the CPU and without.
pub fn odd_splits(_: Target) -> Result<(), Failed> {
    for (adapters, devices) in [(one_adapter(1)?, 1), (one_adapter(2)?, 2), every_adapter()] {
        for (backend, chunk_cells) in [(Backend::Gpu, 77_777), (Backend::Gpu, u64::MAX), (Backend::Auto, 33_333)] {
            let engine = engine(backend, &adapters, chunk_cells)?;
            if engine.description().matches("gpu").count() != devices {
                return Err(format!("{devices} devices are {}", engine.description()).into());
            }
            let shared = |engine: &Engine| {
                let counters = engine.counters();
                let jobs = counters.extend_jobs + counters.global_jobs + counters.local_jobs;
                // A machine under load may start a device's thread when all is done, so not every batch is shared.
                counters.gpu_jobs > 0 && (backend == Backend::Gpu || counters.gpu_jobs < jobs)
            };
            let mut rounds = 0..50;
            while !shared(&engine) || rounds.start < 2 {
                let Some(round) = rounds.next() else {
                    return Err(format!("never shared: {:?}", engine.counters()).into());
                };
                proof(&engine, 300, 30 + round)?;
            }
            no_failure(&engine)?;
        }
    }
    Ok(())
}

fn no_failure(engine: &Engine) -> Result<(), Failed> {
    match engine.device_failures().first() {
        Some(failure) => Err(format!("{}: {}", failure.device, failure.reason).into()),
        None => Ok(()),
    }
}

/// Several threads share an engine, and with it the devices.
pub fn many_callers(_: Target) -> Result<(), Failed> {
    for (backend, devices) in [(Backend::Auto, 2), (Backend::Gpu, 1), (Backend::Gpu, 2)] {
        let engine = &engine(backend, &one_adapter(devices)?, 50_000)?;
        let call = |caller: u64| {
            let batch = extend_batch(400, 50 + caller, engine.scoring());
            let expected = expected_extend(&batch, engine.scoring());
            let mut results = Vec::new();
            (0..3).all(|_| {
                engine.extend(&batch, &mut results);
                results == expected
            })
        };
        let all_right = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4).map(|caller| scope.spawn(move || call(caller))).collect();
            callers.into_iter().all(|caller| caller.join().unwrap_or(false))
        });
        no_failure(engine)?;
        if !all_right {
            return Err(format!("{backend}, {devices} devices: callers disturb each other").into());
        }
    }
    Ok(())
}

/// A device that fails, however it does, costs nothing but time: same bytes, counted, retired.
pub fn faults(_: Target) -> Result<(), Failed> {
    for fault in Fault::SILENT {
        let engine = engine(Backend::Gpu, &one_adapter(1)?, u64::MAX)?;
        proof(&engine, 100, 20)?;
        no_failure(&engine)?;
        let before = engine.counters();
        if engine.inject(fault) != 1 {
            return Err("there was no device to fail".into());
        }
        proof(&engine, 200, 21)?;
        let after = engine.counters();
        let failures = engine.device_failures();
        if after.gpu_failures != 1 || after.redone_jobs == 0 || after.gpu_jobs != before.gpu_jobs {
            return Err(format!("{fault:?}: counters before {before:?}, after {after:?}").into());
        }
        if !engine.description().starts_with("cpu") || failures.len() != 1 || failures[0].reason.is_empty() {
            return Err(format!("{fault:?}: the device was not retired").into());
        }
        println!("{fault:?}: {}", failures[0].reason);
    }
    Ok(())
}

/// Devices that fail while the CPU shares their work, and one of two that fails.
pub fn faults_beside_others(_: Target) -> Result<(), Failed> {
    for (backend, devices) in [(Backend::Auto, 1), (Backend::Auto, 2), (Backend::Gpu, 2)] {
        let engine = engine(backend, &one_adapter(devices)?, 20_000)?;
        let faults = [Fault::Unmapped, Fault::Lost].into_iter().cycle();
        // A device that a machine under load starts when all is done doesn't fail.
        for (seed, fault) in (60..110).zip(faults) {
            if engine.device_failures().len() < devices {
                engine.inject(fault);
                proof(&engine, 200, seed)?;
            }
        }
        let failures = engine.device_failures().len();
        if failures != devices || engine.counters().gpu_failures as usize != devices {
            return Err(format!("{failures} of {devices} devices failed").into());
        }
        proof(&engine, 100, 3)?;
    }
    Ok(())
}
