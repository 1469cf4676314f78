//! What the fuzz targets share with the tests of the workspace: the same functions take the inputs.

pub mod common;
#[path = "../../tests/common/targets/kept.rs"]
pub mod kept;
#[cfg(feature = "program")]
#[path = "../../tests/common/targets/program.rs"]
pub mod program;
#[path = "../../tests/common/targets/readers.rs"]
pub mod readers;
#[path = "../../tests/common/targets/seeds.rs"]
pub mod seeds;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// The file of this process, in memory where the system has such a folder.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    folder.join(format!("svala-fuzz-{}", std::process::id()))
});

/// Hands an input to a target that wants it in a file.
pub fn in_file(content: &[u8], target: impl FnOnce(&[u8], &Path)) {
    target(content, &FILE);
    let _ = std::fs::remove_file(&*FILE);
}
