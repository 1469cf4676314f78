//! `svala doctor`: what this machine has, and the proof that each backend gives the reference's results on it.

use std::io::Write;
use std::time::Instant;

use serde_json::{Value, json};
use svala_compute::selftest::prove;
use svala_compute::{AdapterReport, Adapters, Backend, Engine, EngineOptions, SimdLevel, usable_adapters};

use crate::args::DoctorArgs;
use crate::error::{Error, Result};

/// Seed of the generated jobs: any number, but the same on every machine.
const SEED: u64 = 0x5EED;

/// The outcome of one backend's proof.
struct Proof {
    backend: String,
    /// `None` if an engine could be built and gave the reference's results for all jobs.
    failure: Option<String>,
    jobs: usize,
    seconds: f64,
}

/// Looks, proves and reports.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let adapters = usable_adapters();
    let proofs = prove_all(&adapters, args.jobs as usize);
    let text = if args.json { as_json(&adapters, &proofs) } else { as_text(&adapters, &proofs) };
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)?;
    match proofs.iter().filter(|proof| proof.failure.is_some()).count() {
        0 => Ok(()),
        failed => Err(Error::ProofFailed(failed)),
    }
}

fn prove_all(adapters: &[AdapterReport], jobs: usize) -> Vec<Proof> {
    let levels = SimdLevel::available().into_iter().map(|level| {
        let options = EngineOptions { backend: Backend::Cpu, simd: Some(level), ..EngineOptions::default() };
        prove_one(format!("cpu {level}"), options, jobs)
    });
    let usable = adapters.iter().enumerate().filter(|(_, adapter)| adapter.usable.is_ok());
    let devices = usable.map(|(i, adapter)| {
        let adapters = Adapters::Numbers(vec![i]);
        let options = EngineOptions { backend: Backend::Gpu, adapters, ..EngineOptions::default() };
        prove_one(format!("gpu {i} {} ({})", adapter.name, adapter.api), options, jobs)
    });
    levels.chain(devices).collect()
}

fn prove_one(backend: String, options: EngineOptions, jobs: usize) -> Proof {
    let start = Instant::now();
    let failure = match Engine::new(options) {
        Err(error) => Some(error.to_string()),
        Ok(engine) => {
            let report = prove(&engine, jobs, SEED);
            // A device that failed half way has its jobs done by the CPU: right results, but no proof of the device.
            let device_failure =
                engine.device_failures().pop().map(|failure| format!("the device failed: {}", failure.reason));
            device_failure.or_else(|| {
                (!report.holds()).then(|| {
                    let (extend, global) = (report.extend_mismatches, report.global_mismatches);
                    let local = report.local_mismatches;
                    let first = report.first.unwrap_or_default();
                    format!("{extend} extend, {global} global and {local} local jobs differ from the reference; the first: {first}")
                })
            })
        }
    };
    Proof { backend, failure, jobs, seconds: start.elapsed().as_secs_f64() }
}

fn as_text(adapters: &[AdapterReport], proofs: &[Proof]) -> String {
    let levels: Vec<String> = SimdLevel::available().iter().map(ToString::to_string).collect();
    let mut text = format!("svala {}\n\nCPU\n", env!("CARGO_PKG_VERSION"));
    text += &format!("  SIMD levels   {}\n  chosen        {}\n", levels.join(", "), SimdLevel::detect());
    text += "\nAdapters\n";
    if adapters.is_empty() {
        text += "  none\n";
    }
    for (i, adapter) in adapters.iter().enumerate() {
        let kind = if adapter.software { "software device" } else { "hardware" };
        let usable = match &adapter.usable {
            Ok(()) if adapter.software => "yes, with --backend gpu (auto takes hardware only)".to_owned(),
            Ok(()) => "yes".to_owned(),
            Err(why) => format!("no: {why}"),
        };
        text += &format!(
            "  {i}  {} ({}, {}, {kind})\n     driver           {}\n     usable           {usable}\n     \
             storage binding  {} MiB\n     work-group       {} invocations\n     offset alignment {} bytes\n     \
             features         {}\n",
            adapter.name,
            adapter.api,
            adapter.kind,
            adapter.driver,
            adapter.max_storage_binding_bytes >> 20,
            adapter.max_invocations_per_workgroup,
            adapter.min_storage_offset_alignment,
            adapter.features.join(", "),
        );
    }
    text += "\nProof: results equal to the scalar reference, kernels extend, global and local\n";
    for proof in proofs {
        let outcome = match &proof.failure {
            None => format!("{} jobs of each, all equal ({:.1} s)", proof.jobs, proof.seconds),
            Some(failure) => format!("FAILED: {failure}"),
        };
        text += &format!("  {:<28} {outcome}\n", proof.backend);
    }
    text
}

fn as_json(adapters: &[AdapterReport], proofs: &[Proof]) -> String {
    let levels: Vec<String> = SimdLevel::available().iter().map(ToString::to_string).collect();
    let adapters: Vec<Value> = adapters
        .iter()
        .map(|adapter| {
            json!({
                "name": adapter.name,
                "vendor": adapter.vendor,
                "kind": adapter.kind,
                "api": adapter.api,
                "driver": adapter.driver,
                "software": adapter.software,
                "usable": adapter.usable.is_ok(),
                "unusable_because": adapter.usable.as_ref().err(),
                "max_storage_binding_bytes": adapter.max_storage_binding_bytes,
                "max_invocations_per_workgroup": adapter.max_invocations_per_workgroup,
                "min_storage_offset_alignment": adapter.min_storage_offset_alignment,
                "features": adapter.features,
            })
        })
        .collect();
    let proofs: Vec<Value> = proofs
        .iter()
        .map(|proof| {
            json!({
                "backend": proof.backend,
                "jobs": proof.jobs,
                "passed": proof.failure.is_none(),
                "failure": proof.failure,
                "seconds": proof.seconds,
            })
        })
        .collect();
    let report = json!({
        "svala": env!("CARGO_PKG_VERSION"),
        "cpu": { "simd_levels": levels, "chosen": SimdLevel::detect().to_string() },
        "adapters": adapters,
        "proofs": proofs,
    });
    format!("{report:#}\n")
}
