//! `svala doctor`: what this machine has, and the proof that each backend gives the reference's results on it.

use std::io::Write;
use std::time::Instant;

use serde_json::{Value, json};
use svala_compute::selftest::prove;
use svala_compute::{
    AdapterReport, Adapters, Backend, Engine, EngineOptions, GpuCheck, SimdLevel, chosen_adapters, usable_adapters,
};

use crate::args::DoctorArgs;
use crate::error::{Error, Result};

/// Seed of the generated jobs: any number, but the same on every machine.
const SEED: u64 = 0x5EED;

/// The outcome of one backend's proof.
pub struct Proof {
    /// The backend in words.
    pub backend: String,
    /// `None` if an engine could be built and gave the reference's results for all jobs.
    pub failure: Option<String>,
    /// Jobs of each kernel.
    pub jobs: usize,
    /// How long it took.
    pub seconds: f64,
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

/// Proves every SIMD level and every usable adapter with so many jobs of each kernel.
pub fn prove_all(adapters: &[AdapterReport], jobs: usize) -> Vec<Proof> {
    let levels = SimdLevel::available().into_iter().map(|level| {
        let options = EngineOptions { backend: Backend::Cpu, simd: Some(level), ..EngineOptions::default() };
        prove_one(format!("cpu {level}"), options, jobs)
    });
    let usable = adapters.iter().enumerate().filter(|(_, adapter)| adapter.usable.is_ok());
    let devices = usable.map(|(i, adapter)| {
        let adapters = Adapters::Numbers(vec![i]);
        // The proof compares all jobs, and names the first that is wrong.
        let check = GpuCheck::Off;
        let options = EngineOptions { backend: Backend::Gpu, adapters, check, ..EngineOptions::default() };
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

/// The adapters that a run with these options takes.
struct Choice {
    backend: Backend,
    adapters: Adapters,
    numbers: Vec<usize>,
}

/// What each option that names no adapter makes of those found.
fn choices(found: &[AdapterReport]) -> Vec<Choice> {
    let choices = [Backend::Auto, Backend::Gpu].into_iter().flat_map(|backend| {
        [Adapters::Best, Adapters::All].map(|adapters| Choice {
            backend,
            numbers: chosen_adapters(found, backend, &adapters),
            adapters,
        })
    });
    choices.collect()
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
    text += "\nAdapters that a run takes\n";
    for Choice { backend, adapters: option, numbers } in choices(adapters) {
        let taken = match (numbers.is_empty(), backend) {
            (false, _) => numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
            (true, Backend::Gpu) => "none, which is an error".to_owned(),
            (true, _) => "none, only the CPU".to_owned(),
        };
        let options = format!("--backend {backend} --adapters {option}");
        text += &format!("  {options:<30} {taken}\n");
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

fn as_json(found: &[AdapterReport], proofs: &[Proof]) -> String {
    let levels: Vec<String> = SimdLevel::available().iter().map(ToString::to_string).collect();
    let adapters: Vec<Value> = found
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
    let choices: Vec<Value> = choices(found)
        .iter()
        .map(|choice| {
            json!({
                "backend": choice.backend.to_string(),
                "adapters": choice.adapters.to_string(),
                "numbers": choice.numbers,
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
        "taken": choices,
        "proofs": proofs,
    });
    format!("{report:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(kind: &'static str, usable: bool) -> AdapterReport {
        AdapterReport {
            name: format!("a {kind} one"),
            vendor: 1,
            kind,
            api: "Vulkan".to_owned(),
            driver: "1".to_owned(),
            max_storage_binding_bytes: 1 << 27,
            max_invocations_per_workgroup: 256,
            min_storage_offset_alignment: 32,
            features: Vec::new(),
            software: kind == "cpu",
            usable: if usable { Ok(()) } else { Err("it is broken".to_owned()) },
        }
    }

    fn taken(found: &[AdapterReport]) -> Value {
        let report: Value = serde_json::from_str(&as_json(found, &[])).expect("JSON");
        let numbers = |choice: &Value| choice["numbers"].clone();
        report["taken"].as_array().expect("a list").iter().map(numbers).collect()
    }

    #[test]
    fn what_best_and_all_take_is_shown() {
        let found = [adapter("cpu", true), adapter("integrated", true), adapter("discrete", true)];
        assert_eq!(taken(&found), json!([[2], [2, 1], [2], [2, 1, 0]]));
        let text = as_text(&found, &[]);
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("  --backend")).collect();
        let expected = [
            "  --backend auto --adapters best 2",
            "  --backend auto --adapters all  2, 1",
            "  --backend gpu --adapters best  2",
            "  --backend gpu --adapters all   2, 1, 0",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_does_not_work_is_not_taken() {
        let found = [adapter("cpu", false), adapter("discrete", false), adapter("discrete", true)];
        assert_eq!(taken(&found), json!([[2], [2], [2], [2]]));
        assert_eq!(taken(&found[..2]), json!([[], [], [], []]));
        let text = as_text(&found[..2], &[]);
        assert!(text.contains("--backend auto --adapters best none, only the CPU\n"), "{text}");
        assert!(text.contains("--backend gpu --adapters all   none, which is an error\n"), "{text}");
    }
}
