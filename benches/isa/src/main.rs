//! Counts the instructions that AMD's GPUs would run for svala's shaders, on a machine without a GPU.
//!
//! WGSL → naga → SPIR-V → Mesa's RADV driver on its null device → assembly. What is counted is the innermost loop with
//! the most vector instructions, divided by the matrix cells, bases or steps of one of its turns. Times follow from it
//! only by a model.
//!
//! Use: `svala-isa [--check] [FAMILY..]`; README.md says what has to be there.

mod assembly;
mod device;
mod kernels;
mod limits;
mod row;
mod spirv;
#[path = "../../../crates/compute/src/gpu/unroll.rs"]
mod unroll;

use std::path::Path;
use std::process::{Command, ExitCode};

use device::Device;
use kernels::Kernel;
use row::Row;

/// Tells a child process which family it is for; the driver reads it when it is loaded.
const FAMILY: &str = "RADV_FORCE_FAMILY";
/// RDNA 2 and 3 on the desktop, and the last of GCN.
const DEFAULT_FAMILIES: [&str; 3] = ["navi21", "navi31", "vega10"];
/// Also fails if a limit is broken.
const CHECK: &str = "--check";

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let (options, families): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|word| word.starts_with('-'));
    let check = options.iter().any(|option| option == CHECK);
    let outcome = match (options.iter().find(|option| *option != CHECK), std::env::var(FAMILY)) {
        (Some(unknown), _) => Err(format!("unknown option {unknown}; use: svala-isa [--check] [FAMILY..]").into()),
        (None, Ok(family)) => report(&family, check),
        (None, Err(_)) => every_family(families, check),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("svala-isa: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One child a family.
fn every_family(mut families: Vec<String>, check: bool) -> Outcome<()> {
    if families.is_empty() {
        let known = if check { &limits::FAMILIES[..] } else { &DEFAULT_FAMILIES };
        families.extend(known.iter().map(|family| family.to_string()));
    }
    println!("{:<8} {}", "family", row::header());
    let mut failed = Vec::new();
    for family in families {
        let mut child = Command::new(std::env::current_exe()?);
        child.args(check.then_some(CHECK)).env(FAMILY, &family).env("MESA_SHADER_CACHE_DISABLE", "1");
        if !child.status()?.success() {
            failed.push(family);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

/// All shaders on the family that this process was started for.
fn report(family: &str, check: bool) -> Outcome<()> {
    let device = Device::open()?;
    let mut rows = Vec::new();
    for kernel in kernels::all()? {
        let row = count(&device, &kernel, family)?;
        println!("{family:<8} {row}");
        rows.push(row);
    }
    let wrong = if check { limits::violations(family, &rows) } else { Vec::new() };
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n  ").into()) }
}

fn count(device: &Device, kernel: &Kernel, family: &str) -> Outcome<Row> {
    let (words, bindings) = spirv::compile(kernel)?;
    let compiled = device.compile(&words, kernel.entry, bindings)?;
    if let Some(folder) = std::env::var_os("SVALA_ISA_SAVE") {
        std::fs::write(Path::new(&folder).join(format!("{family}-{}.s", kernel.name)), &compiled.assembly)?;
    }
    let hot = assembly::hottest_loop(&compiled.assembly).ok_or("no loop in the assembly")?;
    let units = f64::from(kernel.units_a_turn);
    Ok(Row {
        name: kernel.name.clone(),
        unit: kernel.unit,
        vector: hot.vector as f64 / units,
        all: hot.all as f64 / units,
        vector_registers: compiled.statistic("VGPRs")?,
        scalar_registers: compiled.statistic("SGPRs")?,
        spills: compiled.statistic("Spilled VGPRs")? + compiled.statistic("Spilled SGPRs")?,
        waves: compiled.statistic("Subgroups per SIMD")?,
    })
}
