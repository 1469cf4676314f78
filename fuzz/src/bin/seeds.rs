//! Writes good inputs, and those that were kept before, to `corpus`, for fuzzers to start from.

use std::path::Path;
use std::{fs, io};

use svala_fuzz::{kept, seeds};

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut targets = vec![
        ("fastq", seeds::fastq()),
        ("unaligned_bam", seeds::bams()),
        ("bam_file", seeds::bams()),
        ("header", vec![seeds::header()]),
        ("fasta", seeds::fasta()),
        ("option_values", seeds::option_values()),
        ("sample_sheet", vec![seeds::sample_sheet()]),
        ("command_line", seeds::command_lines()),
    ];
    let data = fuzz.join("../tests/data");
    let crams = ["unaligned.3.0.cram", "unaligned.3.1.cram"].map(|name| fs::read(data.join(name)));
    targets.push(("cram", crams.into_iter().collect::<io::Result<_>>()?));
    if let Some(index) = index() {
        targets.push(("index_file", vec![index]));
    }
    for (target, inputs) in targets {
        let folder = fuzz.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        let kept = kept::path(&fuzz.join(".."), target);
        let kept = if kept.exists() { kept::unpacked(&kept) } else { Vec::new() };
        for (number, seed) in inputs.iter().chain(&kept).enumerate() {
            fs::write(folder.join(format!("seed{number}")), seed)?;
        }
    }
    Ok(())
}

/// An index, where that is built in.
#[cfg(feature = "program")]
fn index() -> Option<Vec<u8>> {
    let mut index = None;
    svala_fuzz::in_file(&[], |_, path| index = Some(svala_fuzz::program::index(path)));
    index
}

#[cfg(not(feature = "program"))]
fn index() -> Option<Vec<u8>> {
    None
}
