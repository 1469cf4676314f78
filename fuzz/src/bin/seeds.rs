//! Writes good inputs, and those that were kept before, to `corpus`, for fuzzers to start from.

use std::path::Path;
use std::{fs, io};

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    #[cfg_attr(not(feature = "program"), expect(unused_mut, reason = "the program adds one"))]
    let mut targets = svala_fuzz::seeds::all();
    #[cfg(feature = "program")]
    svala_fuzz::in_file(&[], |_, path| targets.push(("index_file", vec![svala_fuzz::program::index(path)])));
    for (target, seeds) in targets {
        let folder = fuzz.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        let kept = svala_fuzz::kept::path(&fuzz.join(".."), target);
        let kept = if kept.exists() { svala_fuzz::kept::unpacked(&kept) } else { Vec::new() };
        for (number, seed) in seeds.iter().chain(&kept).enumerate() {
            fs::write(folder.join(format!("seed{number}")), seed)?;
        }
    }
    Ok(())
}
