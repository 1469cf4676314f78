//! Writes the jobs that mapping sends to the kernels into a file for `benches/kernels`.
//!
//! ```sh
//! svala index chr20.fa
//! cargo run --release --example capture_jobs -- OUT.jobs.gz JOBS chr20.fa chr20_150.1.fq.gz [chr20_150.2.fq.gz]
//! SVALA_CAPTURED=OUT.jobs.gz cargo bench --bench kernels -- captured
//! ```
//!
//! JOBS of each kernel are kept, evenly spread over the run; 0 keeps all. All are in memory at first, about 300 bytes a job.

#[path = "../tests/common/mapping.rs"]
mod mapping;

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use mapping::map_reads;
use svala_compute::selftest::CapturedJobs;
use svala_compute::{
    Engine, EngineOptions, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults, LocalBatch, LocalResult, Observer,
};
use svala_map::index::Index;

/// Keeps every job it sees.
#[derive(Default)]
struct Capture(Mutex<CapturedJobs>);

/// Appends jobs of one batch to another of the same type.
macro_rules! append {
    ($to:expr, $from:expr, $jobs:expr) => {
        for job in $jobs {
            let (query, target) = ($from.query(job), $from.target(job));
            $to.push(query.iter().copied(), target.iter().copied(), $from.params(job)).expect("a job of a batch");
        }
    };
}

impl Observer for Capture {
    fn extend(&self, batch: &ExtendBatch, _results: &[ExtendResult]) {
        append!(self.0.lock().expect("no capture panics").extend, batch, 0..batch.len());
    }

    fn global(&self, batch: &GlobalBatch, _results: &GlobalResults) {
        append!(self.0.lock().expect("no capture panics").global, batch, 0..batch.len());
    }

    fn local(&self, batch: &LocalBatch, _results: &[LocalResult]) {
        append!(self.0.lock().expect("no capture panics").local, batch, 0..batch.len());
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [output, jobs, reference, reads @ ..] = &arguments[..] else {
        return Err("usage: capture_jobs OUT.jobs.gz JOBS REF.fa R1.fq [R2.fq]".into());
    };
    let kept = jobs.parse()?;
    let reads: Vec<PathBuf> = reads.iter().map(PathBuf::from).collect();
    if reads.is_empty() {
        return Err("no reads".into());
    }
    let capture = Arc::new(Capture::default());
    let engine = Engine::new(EngineOptions::default())?.observed_by(capture.clone());
    let mapped = map_reads(&Index::open_for(Path::new(reference), 1)?, &engine, &reads, usize::MAX)?;
    let all = capture.0.lock().map_err(|_| "a capture panicked")?;
    let some = thinned(&all, kept);
    let mut file = GzEncoder::new(File::create(output)?, Compression::best());
    some.write(&mut file)?;
    file.finish()?.flush()?;
    let counts = |jobs: &CapturedJobs| [jobs.extend.len(), jobs.global.len(), jobs.local.len()];
    println!("{mapped} reads sent {:?} extend, global and local jobs; {:?} were kept", counts(&all), counts(&some));
    Ok(())
}

/// `kept` jobs of each kernel, evenly spread; all for 0.
fn thinned(all: &CapturedJobs, kept: usize) -> CapturedJobs {
    let chosen = |jobs: usize| {
        let kept = if kept == 0 { jobs } else { kept.min(jobs) };
        (0..kept).map(move |k| k * jobs / kept)
    };
    let mut some = CapturedJobs::default();
    append!(some.extend, all.extend, chosen(all.extend.len()));
    append!(some.global, all.global, chosen(all.global.len()));
    append!(some.local, all.local, chosen(all.local.len()));
    some
}
