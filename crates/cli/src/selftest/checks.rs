//! What is checked: kernels against their reference, known reads on every backend against this version's digest, the file read back,
//! and that a damaged input leaves no output.

use std::path::{Path, PathBuf};
use std::time::Instant;

use svala_compute::{AdapterReport, Adapters, Backend, GpuCheck, SimdLevel};
use svala_io::check_alignments;
use svala_io::qc::RecordSums;

use super::expected::{DIGEST, DUPLICATES, RECORDS};
use crate::args::EngineArgs;
use crate::demo::{Demo, DemoRun};
use crate::doctor::prove_all;
use crate::error::{Error, Result};

/// Something that must hold.
pub struct Check {
    /// What.
    pub name: String,
    /// What must be.
    pub expected: String,
    /// What is.
    pub found: String,
    pub passed: bool,
    pub seconds: f64,
}

/// Checks everything.
///
/// # Errors
///
/// The known reads can't be unpacked.
pub fn all(adapters: &[AdapterReport], jobs: usize, threads: usize) -> Result<Vec<Check>> {
    let mut checks = kernels(adapters, jobs);
    let folder = tempfile::tempdir().map_err(|source| Error::File { path: std::env::temp_dir(), source })?;
    let demo = Demo::unpack(folder.path(), threads)?;
    for (backend, engine) in backends(adapters) {
        // One thread and several must give the same.
        for threads in if matches!(engine.backend, Backend::Scalar) { vec![1] } else { vec![1, threads.max(2)] } {
            let name = format!("known reads, {backend}, {threads} threads");
            checks.push(known_reads(name, &demo, folder.path(), threads, &engine));
        }
    }
    checks.push(read_back(&demo, folder.path(), threads));
    checks.push(truncated(demo, folder.path(), threads));
    Ok(checks)
}

fn kernels(adapters: &[AdapterReport], jobs: usize) -> Vec<Check> {
    let check = |proof: crate::doctor::Proof| Check {
        name: format!("kernels, {}", proof.backend),
        expected: format!("{} jobs of each kernel as the scalar reference", proof.jobs),
        passed: proof.failure.is_none(),
        found: proof.failure.unwrap_or_else(|| "all equal".to_owned()),
        seconds: proof.seconds,
    };
    prove_all(adapters, jobs).into_iter().map(check).collect()
}

/// Every backend of this machine in words, and how to have it.
fn backends(adapters: &[AdapterReport]) -> Vec<(String, EngineArgs)> {
    let engine = |backend, simd| EngineArgs { backend, adapters: Adapters::Best, gpu_check: GpuCheck::default(), simd };
    let mut backends = vec![("scalar".to_owned(), engine(Backend::Scalar, None))];
    let levels = SimdLevel::available().into_iter();
    backends.extend(levels.map(|level| (format!("cpu {level}"), engine(Backend::Cpu, Some(level)))));
    let usable = adapters.iter().enumerate().filter(|(_, adapter)| adapter.usable.is_ok());
    backends.extend(usable.map(|(number, adapter)| {
        let chosen = EngineArgs { adapters: Adapters::Numbers(vec![number]), ..engine(Backend::Gpu, None) };
        (format!("gpu {number} {}", adapter.name), chosen)
    }));
    backends
}

fn known_reads(name: String, demo: &Demo, folder: &Path, threads: usize, engine: &EngineArgs) -> Check {
    let output = folder.join("known.bam");
    timed(name, expected(), || {
        let facts = demo.align(&DemoRun { output: &output, sorted: true, threads, engine, quiet: true })?;
        let failed = facts.device_failures.first();
        Ok(failed.map_or_else(|| described(&facts.observation.sums), |why| format!("the device failed: {why}")))
    })
}

/// The file holds the records, and its index is beside it.
fn read_back(demo: &Demo, folder: &Path, threads: usize) -> Check {
    let output = folder.join("back.bam");
    let name = "the output, read back from the file".to_owned();
    timed(name, format!("{}, with an index", expected()), || {
        let engine =
            EngineArgs { backend: Backend::Cpu, adapters: Adapters::Best, gpu_check: GpuCheck::default(), simd: None };
        demo.align(&DemoRun { output: &output, sorted: true, threads, engine: &engine, quiet: true })?;
        let found = check_alignments(&output, None)?;
        let index = if folder.join("back.bam.bai").exists() { "with" } else { "without" };
        Ok(format!("{}, {index} an index", described(&found.records)))
    })
}

/// Reads whose file ends too early.
fn truncated(mut demo: Demo, folder: &Path, threads: usize) -> Check {
    let output = folder.join("truncated.bam");
    let name = "a truncated input".to_owned();
    timed(name, "an error and no output".to_owned(), || {
        let path: PathBuf = folder.join("truncated.fastq.gz");
        let failed = |source| Error::File { path: path.clone(), source };
        let whole = std::fs::read(&demo.reads[1]).map_err(failed)?;
        std::fs::write(&path, &whole[..whole.len() / 2]).map_err(failed)?;
        demo.reads[1].clone_from(&path);
        let engine =
            EngineArgs { backend: Backend::Cpu, adapters: Adapters::Best, gpu_check: GpuCheck::default(), simd: None };
        let outcome = demo.align(&DemoRun { output: &output, sorted: true, threads, engine: &engine, quiet: true });
        let error = if outcome.is_err() { "an error" } else { "no error" };
        Ok(format!("{error} and {} output", if output.exists() { "an" } else { "no" }))
    })
}

fn timed(name: String, expected: String, find: impl FnOnce() -> Result<String>) -> Check {
    let begin = Instant::now();
    let found = find().unwrap_or_else(|error| format!("error: {error}"));
    Check { passed: found == expected, name, expected, found, seconds: begin.elapsed().as_secs_f64() }
}

fn expected() -> String {
    let digest = u128::from_str_radix(DIGEST, 16).unwrap_or(0);
    described(&RecordSums { records: RECORDS, duplicates: DUPLICATES, digest, ..RecordSums::default() })
}

fn described(sums: &RecordSums) -> String {
    format!("{} records, {} of duplicates, digest {:032x}", sums.records, sums.duplicates, sums.digest)
}
