//! Proof on this machine: does an engine give the reference's bytes?
//!
//! [`prove`] generates jobs of every awkward kind from a seed, runs them through an engine and through
//! the scalar references, and compares. It serves the tests and `svala doctor`.

mod captured;
mod cases;
#[cfg(test)]
mod coverage;
mod random;
mod replay;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

pub use captured::CapturedJobs;
pub use cases::{extend_batch, global_batch, local_batch};
pub use replay::replay;

use crate::kernels::{extend, global, local};
use crate::{Engine, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults, LocalBatch, LocalResult, Scoring};

/// Jobs answered at once: more than any group of lanes, few enough to find the culprit quickly.
const BATCH_JOBS: usize = 1024;

/// Sizes of every fourth batch: at the ends of groups of lanes and of work-groups, where jobs are padded.
const EDGE_SIZES: [usize; 16] = [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129];

/// A way for a device to fail, which [`Engine::inject`] brings about in drills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The driver resets the device, which is then lost.
    Lost,
    /// A buffer does not fit in the device's memory.
    OutOfMemory,
    /// A call is invalid.
    Invalid,
    /// Results cannot be mapped into the host's memory.
    Unmapped,
    /// A dispatch does not end in time.
    Hung,
    /// One score is wrong.
    WrongScore,
    /// The end of one alignment is wrong, or the number of its runs.
    WrongEnd,
    /// One run of a CIGAR is wrong.
    WrongCigar,
    /// Nothing is written from now on.
    AllZero,
}

impl Fault {
    /// All after which there is no result.
    pub const SILENT: [Fault; 5] = [Fault::Lost, Fault::OutOfMemory, Fault::Invalid, Fault::Unmapped, Fault::Hung];

    /// All after which there is a wrong result.
    pub const WRONG: [Fault; 4] = [Fault::WrongScore, Fault::WrongEnd, Fault::WrongCigar, Fault::AllZero];
}

/// What a proof found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProofReport {
    /// Jobs of each kernel that were compared.
    pub jobs: usize,
    /// Extension jobs whose result differs from the reference's.
    pub extend_mismatches: usize,
    /// Global jobs whose score or CIGAR differs, or whose CIGAR does not replay to its score.
    pub global_mismatches: usize,
    /// Local jobs whose result differs from the reference's.
    pub local_mismatches: usize,
    /// A differing job, as Rust code with both results, ready to paste into a test.
    pub first: Option<String>,
}

impl ProofReport {
    /// Whether nothing differed.
    pub fn holds(&self) -> bool {
        self.extend_mismatches + self.global_mismatches + self.local_mismatches == 0
    }

    fn add(&mut self, part: ProofReport) {
        self.jobs += part.jobs;
        self.extend_mismatches += part.extend_mismatches;
        self.global_mismatches += part.global_mismatches;
        self.local_mismatches += part.local_mismatches;
        self.first = self.first.take().or(part.first);
    }
}

/// Compares `engine` with the references on `jobs` generated jobs of each kernel, on all cores of the machine. The same seed
/// gives the same jobs everywhere.
pub fn prove(engine: &Engine, jobs: usize, seed: u64) -> ProofReport {
    let batches = &Mutex::new(batch_ranges(jobs));
    let work = || {
        let mut report = ProofReport::default();
        loop {
            // A thread that panicked has taken its batch and left the others.
            let next = batches.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(range) = next else { return report };
            prove_batch(engine, range.len(), seed.wrapping_add(range.start as u64), &mut report);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut report = work();
        for other in others {
            report.add(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        report
    })
}

/// The jobs, cut into batches.
fn batch_ranges(jobs: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    (0..).map_while(move |number: usize| {
        let size = if number % 4 == 3 { EDGE_SIZES[number / 4 % EDGE_SIZES.len()] } else { BATCH_JOBS };
        let range = start..jobs.min(start + size);
        start = range.end;
        (!range.is_empty()).then_some(range)
    })
}

fn prove_batch(engine: &Engine, jobs: usize, seed: u64, report: &mut ProofReport) {
    let scoring = engine.scoring();
    prove_extend(engine, &extend_batch(jobs, seed, scoring), report);
    prove_global(engine, &global_batch(jobs, seed, scoring), report);
    prove_local(engine, &local_batch(jobs, seed, scoring), report);
    report.jobs += jobs;
}

fn prove_extend(engine: &Engine, batch: &ExtendBatch, report: &mut ProofReport) {
    let expected = expected_extend(batch, engine.scoring());
    let mut results = Vec::new();
    engine.extend(batch, &mut results);
    let wrong = differing_extend(&expected, &results);
    report.extend_mismatches += wrong.len();
    if let Some(&job) = wrong.first() {
        report.first.get_or_insert_with(|| {
            let (query, target) = (batch.query(job), batch.target(job));
            format!(
                "let scoring = {:?};\nbatch.push({query:?}, {target:?}, {:?})?;\n// expected {:?}\n// found    {:?}",
                engine.scoring(),
                batch.params(job),
                expected[job],
                results.get(job),
            )
        });
    }
}

fn prove_global(engine: &Engine, batch: &GlobalBatch, report: &mut ProofReport) {
    let expected = expected_global(batch, engine.scoring());
    let mut results = GlobalResults::new();
    engine.global(batch, &mut results);
    let mut wrong = differing_global(&expected, &results);
    wrong.extend(
        (0..results.len().min(batch.len()))
            .filter(|&job| {
                let score = replay(batch.query(job), batch.target(job), results.cigar(job), engine.scoring());
                score != Some(results.score(job)) && !wrong.contains(&job)
            })
            .collect::<Vec<_>>(),
    );
    report.global_mismatches += wrong.len();
    if let Some(&job) = wrong.first() {
        report.first.get_or_insert_with(|| {
            let (query, target) = (batch.query(job), batch.target(job));
            let found = (job < results.len()).then(|| (results.score(job), results.cigar(job)));
            format!(
                "let scoring = {:?};\nbatch.push({query:?}, {target:?}, {:?})?;\n// expected {:?}\n// found    {found:?}",
                engine.scoring(),
                batch.params(job),
                (expected.score(job), expected.cigar(job)),
            )
        });
    }
}

fn prove_local(engine: &Engine, batch: &LocalBatch, report: &mut ProofReport) {
    let expected = expected_local(batch, engine.scoring());
    let mut results = Vec::new();
    engine.local(batch, &mut results);
    let wrong = differing_local(&expected, &results);
    report.local_mismatches += wrong.len();
    if let Some(&job) = wrong.first() {
        report.first.get_or_insert_with(|| {
            let (query, target) = (batch.query(job), batch.target(job));
            format!(
                "let scoring = {:?};\nbatch.push({query:?}, {target:?}, {:?})?;\n// expected {:?}\n// found    {:?}",
                engine.scoring(),
                batch.params(job),
                expected[job],
                results.get(job),
            )
        });
    }
}

/// The reference's results of an extension batch.
pub fn expected_extend(batch: &ExtendBatch, scoring: &Scoring) -> Vec<ExtendResult> {
    let one = |job| extend::reference(batch.query(job), batch.target(job), batch.params(job), scoring);
    (0..batch.len()).map(one).collect()
}

/// The reference's results of a global batch.
pub fn expected_global(batch: &GlobalBatch, scoring: &Scoring) -> GlobalResults {
    let mut results = GlobalResults::new();
    for job in 0..batch.len() {
        let (query, target) = (batch.query(job), batch.target(job));
        let (score, cigar) = global::reference(query, target, batch.params(job), scoring);
        results.push(score, &cigar);
    }
    results
}

/// The reference's results of a local batch.
pub fn expected_local(batch: &LocalBatch, scoring: &Scoring) -> Vec<LocalResult> {
    let one = |job| local::reference(batch.query(job), batch.target(job), batch.params(job), scoring);
    (0..batch.len()).map(one).collect()
}

/// The jobs that differ in any field, or that one side lacks.
pub fn differing_extend(expected: &[ExtendResult], found: &[ExtendResult]) -> Vec<usize> {
    let jobs = 0..expected.len().max(found.len());
    jobs.filter(|&job| expected.get(job) != found.get(job)).collect()
}

/// The jobs that differ in any field, or that one side lacks.
pub fn differing_local(expected: &[LocalResult], found: &[LocalResult]) -> Vec<usize> {
    let jobs = 0..expected.len().max(found.len());
    jobs.filter(|&job| expected.get(job) != found.get(job)).collect()
}

/// The jobs that differ in score or CIGAR, or that one side lacks.
pub fn differing_global(expected: &GlobalResults, found: &GlobalResults) -> Vec<usize> {
    let row = |results: &GlobalResults, job: usize| {
        (job < results.len()).then(|| (results.score(job), results.cigar(job).to_vec()))
    };
    let jobs = 0..expected.len().max(found.len());
    jobs.filter(|&job| row(expected, job) != row(found, job)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_flipped_score_is_reported() {
        let batch = extend_batch(50, 1, &Scoring::default());
        let expected = expected_extend(&batch, &Scoring::default());
        assert_eq!(differing_extend(&expected, &expected), []);
        let mut flipped = expected.clone();
        flipped[17].end_score ^= 1;
        assert_eq!(differing_extend(&expected, &flipped), [17]);
        assert_eq!(differing_extend(&expected, &expected[..49]), [49]);
    }

    #[test]
    fn any_flipped_local_field_is_reported() {
        let batch = local_batch(50, 1, &Scoring::default());
        let expected = expected_local(&batch, &Scoring::default());
        assert_eq!(differing_local(&expected, &expected), []);
        for word in 0..size_of::<LocalResult>() / 4 {
            let mut flipped = expected.clone();
            bytemuck::cast_slice_mut::<_, u32>(&mut flipped[23..24])[word] ^= 1;
            assert_eq!(differing_local(&expected, &flipped), [23]);
        }
        assert_eq!(differing_local(&expected, &expected[..49]), [49]);
        // Jobs that all have the same answer would prove nothing.
        assert!(expected.iter().filter(|found| found.second_score > 0).count() > 10);
        assert!(expected.iter().any(|found| found.score == 0));
    }

    #[test]
    fn one_flipped_operation_is_reported() {
        let scoring = Scoring::default();
        let batch = global_batch(50, 1, &scoring);
        let expected = expected_global(&batch, &scoring);
        assert_eq!(differing_global(&expected, &expected), []);
        let job = (0..50).find(|&job| expected.cigar(job).len() > 1).unwrap();
        let mut flipped = GlobalResults::new();
        for k in 0..50 {
            let mut cigar = expected.cigar(k).to_vec();
            if k == job {
                cigar[0] ^= 1;
            }
            flipped.push(expected.score(k), &cigar);
        }
        assert_eq!(differing_global(&expected, &flipped), [job]);
        let found = replay(batch.query(job), batch.target(job), flipped.cigar(job), &scoring);
        assert_ne!(found, Some(flipped.score(job)));
    }
}
