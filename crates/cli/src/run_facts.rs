//! What is known of a finished run, for the files that tell of it.

use std::time::Duration;

use svala_compute::Counters;
use svala_io::{FileDigest, Header, ReadShard};
use svala_map::duplicates::{DuplicateCounts, LibraryCounts};
use svala_map::insert_model::{InsertModel, SizeModel};
use svala_map::insert_size::Orientation;
use svala_map::observer::Observation;
use svala_map::pipeline::Summary;

use crate::say;

/// What is known of a finished run.
pub struct RunFacts {
    /// Names of the inputs and, if they were wanted, their digests.
    pub inputs: Vec<(String, Option<FileDigest>)>,
    /// The file name of the reference.
    pub reference: String,
    /// The header of the output.
    pub header: Header,
    /// Which part of the inputs it is, if not all.
    pub shard: Option<ReadShard>,
    /// Counts of reads.
    pub summary: Summary,
    /// Counts of records.
    pub observation: Observation,
    /// Duplicates by library, if they were looked for.
    pub duplicates: Option<LibraryCounts>,
    /// Reads that an interrupted run had mapped, if this one went on with it.
    pub resumed_after: Option<u64>,
    /// Jobs by where they ran.
    pub counters: Counters,
    /// The backend in words.
    pub backend: String,
    /// GPUs that failed, and why.
    pub device_failures: Vec<String>,
    /// GPUs that should have been used and couldn't be opened, and why.
    pub unopened_devices: Vec<String>,
    /// Mapping threads.
    pub threads: usize,
    /// Time to load the index and to open everything.
    pub start: Duration,
    /// Time to read, map, sort and write.
    pub elapsed: Duration,
}

impl RunFacts {
    /// Reads by second of mapping and writing.
    pub fn reads_per_second(&self) -> f64 {
        self.summary.reads as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Duplicates of all libraries, if they were looked for.
    pub fn all_duplicates(&self) -> Option<DuplicateCounts> {
        let rows = self.duplicates.as_ref()?.rows(0);
        Some(rows.fold(DuplicateCounts::default(), |mut sum, (_, counts)| {
            sum += counts;
            sum
        }))
    }

    /// Dynamic-programming jobs of all kernels.
    pub fn jobs(&self) -> u64 {
        self.counters.extend_jobs + self.counters.global_jobs + self.counters.local_jobs
    }

    /// Says on standard error what was done.
    pub fn tell(&self) {
        let s = &self.summary;
        let seconds = self.elapsed.as_secs_f64();
        if let Some(reads) = self.resumed_after {
            say::line(format_args!("svala: went on with an interrupted run, which had mapped {reads} reads"));
        }
        say::line(format_args!(
            "svala: {} reads ({} bases) in {seconds:.1} s, {:.0} reads/s; {:.2} % mapped, {:.2} % properly paired; {}",
            s.reads,
            s.bases,
            self.reads_per_second(),
            share(s.mapped, s.reads),
            share(s.properly_paired, s.reads),
            self.backend,
        ));
        let models = &s.insert_models;
        let is_one = models.iter().all(|model| *model == models[0]);
        for (number, model) in models.iter().enumerate().take(if is_one { 1 } else { models.len() }) {
            let input = if is_one { String::new() } else { format!("input {}: ", number + 1) };
            model.iter().flat_map(InsertModel::orientations).for_each(|sizes| tell_sizes(&input, sizes));
        }
    }
}

fn tell_sizes(input: &str, (orientation, m): (Orientation, &SizeModel)) {
    let [mean, deviation] = [m.mean_milli, m.deviation_milli].map(|milli| milli as f64 / 1000.0);
    let source = if m.pairs > 0 { format!("from {} clear pairs", m.pairs) } else { "as given".into() };
    let (letters, low, high) = (orientation.letters(), m.low, m.high);
    say::line(format_args!(
        "svala: {input}insert size {letters} {mean:.1} ± {deviation:.1}, proper {low} to {high}, {source}"
    ));
}

/// A share in per cent.
pub fn share(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
