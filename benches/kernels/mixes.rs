//! The mixes of jobs: made-up ones of one size, and what a real run sends.

use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use svala_compute::selftest::CapturedJobs;
use svala_compute::{ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, LocalBatch, LocalParams};

use crate::clock::Contender;
use crate::jobs::Jobs;
use crate::ours::ours;
use crate::peers::{self, Kernel};
use crate::random::{anchored_pairs, covered_pairs, windows};

const FITS: &str = "the job is within the limits";

/// Contenders on the same jobs.
pub struct Mix {
    pub name: &'static str,
    pub cells: Cells,
    pub contenders: Vec<Contender>,
}

/// Cells of all jobs of a mix.
pub struct Cells {
    /// Query bases times target bases.
    pub nominal: u64,
    /// Those inside the band.
    pub banded: u64,
}

impl Cells {
    fn of(batch: &impl Jobs) -> Self {
        let (mut nominal, mut banded) = (0, 0);
        for job in 0..batch.count() {
            let (query, target) = batch.pair(job);
            let (m, n, band) = (query.len(), target.len(), batch.band(job));
            nominal += (m * n) as u64;
            let rows =
                |column: usize| m.min(column.saturating_add(band)).saturating_sub(column.saturating_sub(band + 1));
            banded += if band < m.max(n) { (1..=n).map(|j| rows(j) as u64).sum() } else { (m * n) as u64 };
        }
        Cells { nominal, banded }
    }
}

type Build = fn(&'static str) -> Mix;

/// All mixes. A real run sends no local jobs today: rescue finds its diagonals without.
pub const ALL: [(&str, Build); 8] = [
    ("extend 150x200 full", |name| extend(name, u16::MAX)),
    ("extend 150x200 band 100", |name| extend(name, 100)),
    ("extend 150x200 band 32", |name| extend(name, 32)),
    ("extend chr20_150 captured", |name| mix(name, captured().extend, Kernel::Extend)),
    ("global 150x150 band 100", |name| global(name, 100)),
    ("global chr20_150 captured", |name| mix(name, captured().global, Kernel::Global)),
    ("local 150x600 hit in every window", |name| local(name, 100)),
    ("local 150x600 hit in one of ten", |name| local(name, 10)),
];

fn extend(name: &'static str, band: u16) -> Mix {
    let mut batch = ExtendBatch::new();
    for (query, target) in anchored_pairs() {
        batch.push(query, target, ExtendParams { initial_score: 30, band, z_drop: 100 }).expect(FITS);
    }
    mix(name, batch, Kernel::Extend)
}

fn global(name: &'static str, band: u16) -> Mix {
    let mut batch = GlobalBatch::new();
    for (query, target) in covered_pairs() {
        batch.push(query, target, GlobalParams { band }).expect(FITS);
    }
    mix(name, batch, Kernel::Global)
}

fn local(name: &'static str, hits_percent: usize) -> Mix {
    let mut batch = LocalBatch::new();
    for (query, target) in windows(hits_percent) {
        batch.push(query, target, LocalParams { min_score: 25 }).expect(FITS);
    }
    mix(name, batch, Kernel::Local)
}

/// The committed sample, or what `SVALA_CAPTURED` names; see `examples/capture_jobs.rs`.
fn captured() -> CapturedJobs {
    let committed = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/chr20_150.jobs.gz").into();
    let path = std::env::var_os("SVALA_CAPTURED").unwrap_or_else(committed);
    let file = std::fs::File::open(&path).expect("captured jobs");
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).expect("gzip");
    CapturedJobs::read(&bytes).expect("captured jobs")
}

fn mix(name: &'static str, batch: impl Jobs, kernel: Kernel) -> Mix {
    assert!(batch.count() > 0, "{name} has no jobs");
    let cells = Cells::of(&batch);
    let (mut contenders, gains) = ours(&batch);
    contenders.extend(peers::on(kernel, &batch, &gains));
    Mix { name, cells, contenders }
}
