//! Packs the inputs that libFuzzer kept in `corpus` for the tests of the workspace, smallest first, as much as a repository should hold.

use std::path::Path;
use std::{fs, io};

use svala_fuzz::kept;

/// Bytes of a target's inputs, before they are compressed.
const MOST_BYTES: usize = 128 * 1024;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in fs::read_dir(fuzz.join("corpus"))? {
        let folder = folder?.path();
        let files = fs::read_dir(&folder)?.map(|file| fs::read(file?.path())).collect::<io::Result<Vec<_>>>()?;
        let all = files.len();
        let inputs = smallest(files);
        let target = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let packed = kept::packed(&inputs);
        println!("{target}: {} of {all} inputs, {} bytes", inputs.len(), packed.len());
        fs::write(kept::path(&fuzz.join(".."), &target), packed)?;
    }
    Ok(())
}

/// The smallest inputs, as many as there is room for.
fn smallest(mut inputs: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    inputs.sort_unstable_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    let mut bytes = 0;
    let fitting = inputs.iter().take_while(|input| {
        bytes += input.len();
        bytes <= MOST_BYTES
    });
    let count = fitting.count();
    inputs.truncate(count);
    inputs
}
