//! A sample cut into shards gives the bytes of one run: the records of all shards, one after the other, under the one header.

mod common;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use common::{READS, conclude, data, fastq_records, indexed_reference, svala_ok, text, trial};
use flate2::read::MultiGzDecoder;

/// Reference, reads and insert-size model in a folder that lives as long as the tests.
struct Sample {
    folder: tempfile::TempDir,
    reference: PathBuf,
    model: PathBuf,
    /// FASTQ records of both files.
    reads: [Vec<String>; 2],
}

impl Sample {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let model = folder.path().join("model.json");
        let files = READS.map(data);
        svala_ok(&["insert-size", text(&reference), text(&files[0]), text(&files[1]), "-o", text(&model)]);
        let reads = files.map(|path| fastq_records(&path));
        Self { folder, reference, model, reads }
    }

    /// Aligns one of so many shards. Names of files differ from shard to shard, as they do in life.
    fn align(&self, shard: usize, shards: usize, mates: usize, is_bam: bool, options: &[&str]) -> Vec<u8> {
        let path = |name: String| self.folder.path().join(name);
        let files: Vec<PathBuf> = (0..mates)
            .map(|mate| {
                let reads = &self.reads[mate];
                let bound = |shard: usize| reads.len() * shard / shards;
                let file = path(format!("{mates}.{is_bam}.shard{shard}of{shards}.R{mate}.fq"));
                std::fs::write(&file, reads[bound(shard)..bound(shard + 1)].concat()).expect("a temporary file");
                file
            })
            .collect();
        let output = path(format!("{mates}.shard{shard}of{shards}.bam"));
        let threads = (1 + shard % 3).to_string();
        let mut arguments = if is_bam {
            let mut arguments = vec![
                "align",
                "--ref",
                text(&self.reference),
                "-o",
                text(&output),
                "-1",
                text(&files[0]),
                "--sort",
                "none",
            ];
            arguments.extend(files[1..].iter().flat_map(|file| ["-2", text(file)]));
            arguments
        } else {
            let mut arguments = vec!["mem", text(&self.reference)];
            arguments.extend(files.iter().map(|file| text(file)));
            arguments
        };
        arguments.extend(["-t", &threads]);
        arguments.extend(options);
        let sam = svala_ok(&arguments);
        if is_bam { gunzip(&output) } else { sam }
    }

    fn check(&self, mates: usize, is_bam: bool) {
        let split = if is_bam { split_bam } else { split_sam };
        let options = ["--insert-model", text(&self.model)];
        let whole = self.align(0, 1, mates, is_bam, &options);
        let (header, records) = split(&whole);
        assert!(records.len() > 1_000_000);
        for shards in [3, 7] {
            let mut joined = Vec::new();
            for shard in 0..shards {
                let output = self.align(shard, shards, mates, is_bam, &options);
                let (own_header, own_records) = split(&output);
                assert!(own_header == header, "the header of shard {shard} of {shards} differs");
                joined.extend_from_slice(own_records);
            }
            assert!(joined == records, "{shards} shards give other records than one run");
        }
        // The whole sample teaches itself what the file says.
        let alone = self.align(0, 1, mates, is_bam, &[]);
        assert!(split(&alone).1 == records, "the model of the file is not the one that the run learns");
    }
}

fn gunzip(path: &Path) -> Vec<u8> {
    let mut content = Vec::new();
    let file = std::fs::File::open(path).expect("a file");
    MultiGzDecoder::new(file).read_to_end(&mut content).expect("gzip");
    content
}

/// Header and records of SAM text.
fn split_sam(sam: &[u8]) -> (&[u8], &[u8]) {
    let lines = sam.split_inclusive(|&byte| byte == b'\n').take_while(|line| line[0] == b'@');
    sam.split_at(lines.map(<[u8]>::len).sum())
}

/// Header and records of uncompressed BAM (SAM specification v1, section 4.2).
fn split_bam(bam: &[u8]) -> (&[u8], &[u8]) {
    let number = |at: usize| u32::from_le_bytes(bam[at..at + 4].try_into().expect("four bytes")) as usize;
    assert_eq!(&bam[..4], b"BAM\x01");
    let mut end = 8 + number(4);
    let references = number(end);
    end += 4;
    for _ in 0..references {
        end += 4 + number(end) + 4;
    }
    bam.split_at(end)
}

fn main() -> ExitCode {
    let sample = Arc::new(Sample::new());
    let shards = |name: &str, mates: usize, is_bam: bool| {
        let sample = Arc::clone(&sample);
        trial(name, move || sample.check(mates, is_bam))
    };
    conclude(vec![
        shards("paired, SAM", 2, false),
        shards("paired, BAM", 2, true),
        shards("single, SAM", 1, false),
        shards("single, BAM", 1, true),
    ])
}
