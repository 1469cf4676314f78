//! One sample has one digest: of runs in a row, and of random threads, batches, memory, backends and shards.
//!
//! `SVALA_DIGEST_RUNS` says how many random settings instead of 20, `SVALA_DIGEST_SEED` which.

mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use common::{READS, Random, bytes, conclude, data, fastq_records, indexed_reference, svala, svala_ok, text, trial};
use xxhash_rust::xxh3::xxh3_64;

const PAIRS: usize = 1500;

struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    model: PathBuf,
    /// FASTQ records of both files.
    reads: [Vec<String>; 2],
    /// Digests of the BAM file and of its index.
    expected: [u64; 2],
    has_gpu: bool,
}

/// What can't show in an output.
#[derive(Clone, Copy, Debug)]
struct Setting {
    backend: &'static str,
    threads: usize,
    batch_reads: usize,
    memory_mib: usize,
    shards: usize,
}

impl Setting {
    const PLAIN: Self = Self { backend: "scalar", threads: 1, batch_reads: 4096, memory_mib: 64, shards: 1 };

    fn random(random: &mut Random, backends: &[&'static str]) -> Self {
        let most_reads = [10, 300, 5000][random.below(3)];
        Self {
            backend: backends[random.below(backends.len())],
            threads: 1 + random.below(5),
            batch_reads: 1 + random.below(most_reads),
            memory_mib: [1, 2, 64][random.below(3)],
            shards: [1, 2, 3, 5][random.below(4)],
        }
    }
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let reads = READS.map(|name| fastq_records(&data(name))[..PAIRS].to_vec());
        let files = READS.map(data);
        let model = folder.path().join("model.json");
        svala_ok(&["insert-size", text(&reference), text(&files[0]), text(&files[1]), "-o", text(&model)]);
        let probe = ["mem", "--backend", "gpu", "--quiet", text(&reference), text(&files[0])];
        let has_gpu = svala(&probe).status.success();
        let mut bench = Self { folder, reference, model, reads, expected: [0; 2], has_gpu };
        bench.expected = bench.digests(Setting::PLAIN, "plain");
        bench
    }

    fn digests(&self, setting: Setting, name: &str) -> [u64; 2] {
        self.digests_of(PAIRS, setting, name)
    }

    /// Aligns the first pairs in shards and merges these, if there are several.
    fn digests_of(&self, pairs: usize, setting: Setting, name: &str) -> [u64; 2] {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        let align = |shard: usize| {
            let reads = self.shard(pairs, shard, setting.shards);
            self.align(&reads, setting, &folder.join(shard.to_string()))
        };
        let shards: Vec<PathBuf> = (0..setting.shards).map(align).collect();
        let mut output = shards[0].clone();
        if shards.len() > 1 {
            output = folder.join("merged.bam");
            let [threads, memory] = [setting.threads, setting.memory_mib].map(|number| number.to_string());
            let mut arguments = vec!["merge", "-q", "-t", &threads, "--max-mem", &memory, "-o", text(&output)];
            arguments.extend(shards.iter().map(|shard| text(shard)));
            svala_ok(&arguments);
        }
        let index = PathBuf::from(format!("{}.bai", text(&output)));
        let digests = [&output, &index].map(|path| xxh3_64(&bytes(path)));
        std::fs::remove_dir_all(folder).expect("a folder");
        digests
    }

    /// The FASTQ text of both files of a shard.
    fn shard(&self, pairs: usize, shard: usize, shards: usize) -> [String; 2] {
        let range = pairs * shard / shards..pairs * (shard + 1) / shards;
        [0, 1].map(|mate: usize| self.reads[mate][range.clone()].concat())
    }

    /// Aligns reads to a file of this name in front.
    fn align(&self, reads: &[String; 2], setting: Setting, name: &Path) -> PathBuf {
        let files = [0, 1].map(|mate: usize| {
            let path = name.with_extension(format!("{mate}.fq"));
            std::fs::write(&path, &reads[mate]).expect("a file");
            path
        });
        let output = name.with_extension("bam");
        let [threads, batch, memory] =
            [setting.threads, setting.batch_reads, setting.memory_mib].map(|number| number.to_string());
        let mut arguments = vec!["align", "-q", "--ref", text(&self.reference), "-o", text(&output)];
        arguments.extend(["-1", text(&files[0]), "-2", text(&files[1]), "-R", "@RG\\tID:a\\tSM:b"]);
        arguments.extend(["--insert-model", text(&self.model), "--backend", setting.backend]);
        arguments.extend(["-t", &threads, "--batch-reads", &batch, "--max-mem", &memory]);
        svala_ok(&arguments);
        output
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

fn random_settings(bench: &Bench) {
    let backends = if bench.has_gpu { &["auto", "cpu", "scalar", "gpu"][..] } else { &["auto", "cpu", "scalar"] };
    let seed = number("SVALA_DIGEST_SEED", 1);
    let mut random = Random(seed);
    let runs = number("SVALA_DIGEST_RUNS", 20);
    for run in 0..runs {
        let setting = Setting::random(&mut random, backends);
        let digests = bench.digests(setting, &format!("random{run}"));
        assert_eq!(digests, bench.expected, "SVALA_DIGEST_SEED={seed}, run {run}: {setting:?}");
    }
    println!("{runs} settings over {backends:?}: one digest");
}

fn runs_in_a_row(bench: &Bench) {
    let setting = Setting { backend: "auto", threads: 4, ..Setting::PLAIN };
    for run in 0..10 {
        assert_eq!(bench.digests(setting, &format!("row{run}")), bench.expected, "run {run}");
    }
}

/// What is compared does depend on the reads.
fn a_pair_less_shows(bench: &Bench) {
    let [bam, _] = bench.digests_of(PAIRS - 1, Setting::PLAIN, "less");
    assert_ne!(bam, bench.expected[0]);
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        trial("random settings", on(random_settings)),
        trial("runs in a row", on(runs_in_a_row)),
        trial("a pair less shows", on(a_pair_less_shows)),
    ])
}
