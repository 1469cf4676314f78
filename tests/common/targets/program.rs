//! What only the whole program reads: indexes, sample sheets and command lines.

use std::path::Path;

use svala_map::index::{BuildOptions, Index, build, index_path};
use svala_map::meter::IndexMeter;

use crate::common::Random;
use crate::common::hostile::{INDEX_HEAD, seal};
use crate::readers::written;

/// A good index, made beside a small reference at `fasta`.
pub fn index(fasta: &Path) -> Vec<u8> {
    let bases = String::from_utf8(Random(9).bases(3000)).expect("letters");
    // The last contig has a seed so often that there is a directory.
    let content = format!(">c\n{}NN{}\n>d\nACGT\n>e\n{}\n", &bases[..1000], &bases[1000..], bases[..9].repeat(1100));
    let output = index_path(fasta);
    let options = BuildOptions { threads: 1, meter: &IndexMeter::default(), position_bits: None };
    build(written(content.as_bytes(), fasta), &output, &options).expect("an index");
    let made = Index::open(&output, 1).expect("an index");
    assert!(!made.seeds().directories.directories.is_empty());
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
    if content.len() >= INDEX_HEAD {
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
    let seeds = index.seeds();
    assert!(!letters.is_empty() && !seeds.buckets.is_empty());
    for number in 0..seeds.directories.directories.len() as u32 {
        let (all, parts) =
            (seeds.directories.all_entries(number), [0, 511].map(|i| seeds.directories.entries(number, i)));
        assert!(all.end <= seeds.entries.len() && (parts[0].start, parts[1].end) == (all.start, all.end));
    }
}
