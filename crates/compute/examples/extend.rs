//! Extends a few seeds to the right on whatever this machine has, and proves the engine first.
//!
//! Run: `cargo run --release -p svala-compute --example extend`

use svala_compute::{Engine, EngineOptions, ExtendBatch, ExtendParams, selftest};

/// Base codes of a sequence; everything but A, C, G and T is ambiguous.
fn codes(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().map(|base| b"ACGT".iter().position(|&b| b == base).unwrap_or(4) as u8)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(EngineOptions::default())?;
    let proof = selftest::prove(&engine, 500, 1);
    println!("{}: {} jobs of each kernel, equal: {}", engine.description(), proof.jobs, proof.holds());

    // What follows a 19 bp seed in the read, and what follows it in the reference.
    let params = ExtendParams { initial_score: 19, band: 100, z_drop: 100 };
    let target = "GATTACAGATTACACCGTTGACCATGGACTT";
    let mut batch = ExtendBatch::new();
    batch.push(codes("GATTACAGATTACACCGTTGACC"), codes(target), params)?;
    batch.push(codes("GATTACAGATTCCGTTGACCATGG"), codes(target), params)?;
    batch.push(codes("GATTACAGACTGNNNNNNAAGGCC"), codes(target), params)?;

    let mut results = Vec::new();
    engine.extend(&batch, &mut results);
    for (job, result) in results.iter().enumerate() {
        let clip = if result.reaches_end(5) { 0 } else { batch.query(job).len() as u32 - result.query_end };
        println!("job {job}: score {}, {clip} query bases clipped", result.score);
    }
    Ok(())
}
