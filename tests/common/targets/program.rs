//! What only the whole program reads: indexes, sample sheets and command lines.

use std::path::Path;

use svala_map::index::{BuildOptions, Index, build, index_path};
use svala_map::meter::IndexMeter;

use crate::common::Random;
use crate::common::hostile::seal;
use crate::readers::written;

/// A good index, made beside a small reference at `fasta`.
pub fn index(fasta: &Path) -> Vec<u8> {
    let bases = String::from_utf8(Random(9).bases(3000)).expect("letters");
    let content = format!(">c\n{}NN{}\n>d\nACGT\n", &bases[..1000], &bases[1000..]);
    let output = index_path(fasta);
    let options = BuildOptions { threads: 1, meter: &IndexMeter::default(), position_bits: None };
    build(written(content.as_bytes(), fasta), &output, &options).expect("an index");
    let content = std::fs::read(&output).expect("an index");
    std::fs::remove_file(output).expect("an index");
    content
}

/// A sample sheet.
pub fn sample_sheet(content: &[u8], path: &Path) {
    let _ = svala_cli::hostile::sample_sheet(written(content, path));
}

/// A command line, a word a line.
pub fn command_line(content: &[u8]) {
    let text = String::from_utf8_lossy(content);
    svala_cli::hostile::command_line(std::iter::once("svala").chain(text.split('\n')));
}

/// An index, with checksums that hold, so that the checks behind them are reached; and what a run looks at in one that is accepted.
pub fn index_file(content: &[u8], path: &Path) {
    let mut content = content.to_vec();
    if content.len() > 256 {
        seal(&mut content);
    }
    let Ok(index) = Index::open(written(&content, path), 1) else { return };
    let reference = index.reference();
    let mut letters = Vec::new();
    for contig in reference.contigs {
        assert!(!contig.name.is_empty());
        letters.clear();
        reference.letters_into(contig.start..contig.start + contig.length.min(10_000), &mut letters);
    }
    assert!(!letters.is_empty() && !index.seeds().buckets.is_empty());
}
