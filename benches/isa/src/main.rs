//! Counts the instructions that AMD's GPUs would run for svala's shaders, on a machine without a GPU.
//!
//! WGSL → naga → SPIR-V → Mesa's RADV driver on its null device → assembly. What is counted is the innermost loop with
//! the most vector instructions, divided by the matrix cells of one of its turns. Times follow from it only by a model.
//!
//! Use: `svala-isa [FAMILY..]`; README.md says what has to be there.

mod assembly;
mod device;
mod kernels;
mod spirv;
#[path = "../../../crates/compute/src/gpu/unroll.rs"]
mod unroll;

use std::process::{Command, ExitCode};

/// Tells a child process which family it is for; the driver reads it when it is loaded.
const FAMILY: &str = "RADV_FORCE_FAMILY";
/// RDNA 2 and 3 on the desktop, and the last of GCN.
const DEFAULT_FAMILIES: [&str; 3] = ["navi21", "navi31", "vega10"];

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let outcome = match std::env::var(FAMILY) {
        Ok(family) => report(&family),
        Err(_) => every_family(),
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
fn every_family() -> Outcome<()> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let families = if given.is_empty() { DEFAULT_FAMILIES.map(str::to_owned).to_vec() } else { given };
    println!(
        "{:<8} {:<28} {:>9} {:>9} {:>6} {:>6} {:>6} {:>6}",
        "family", "shader", "VALU/cell", "all/cell", "VGPRs", "SGPRs", "spills", "waves"
    );
    for family in families {
        let mut child = Command::new(std::env::current_exe()?);
        child.env(FAMILY, &family).env("MESA_SHADER_CACHE_DISABLE", "1");
        if !child.status()?.success() {
            return Err(format!("{family}: no report").into());
        }
    }
    Ok(())
}

/// All shaders on the family that this process was started for.
fn report(family: &str) -> Outcome<()> {
    let device = device::Device::open()?;
    let save_to = std::env::var_os("SVALA_ISA_SAVE");
    for kernel in kernels::all()? {
        let words = spirv::compile(&kernel)?;
        let compiled = device.compile(&words, kernel.bindings)?;
        if let Some(folder) = &save_to {
            std::fs::write(
                std::path::Path::new(folder).join(format!("{family}-{}.s", kernel.name)),
                &compiled.assembly,
            )?;
        }
        let hot = assembly::hottest_loop(&compiled.assembly).ok_or("no loop in the assembly")?;
        let cells = f64::from(kernel.cells_a_turn);
        println!(
            "{family:<8} {:<28} {:>9.2} {:>9.2} {:>6} {:>6} {:>6} {:>6}",
            kernel.name,
            hot.vector as f64 / cells,
            hot.all as f64 / cells,
            compiled.statistic("VGPRs")?,
            compiled.statistic("SGPRs")?,
            compiled.statistic("Spilled VGPRs")? + compiled.statistic("Spilled SGPRs")?,
            compiled.statistic("Subgroups per SIMD")?,
        );
    }
    Ok(())
}
