//! `Global` on a device: sorted jobs, cut into dispatches, one invocation a job; first the matrix, then the way back.

use super::layout::{
    Answer, CIGAR_CAPACITY, COLUMN_BYTES, COLUMNS, Dispatch, ENTRIES, Job, ROLES, WGSL, strip_words, strips,
};
use super::results::Unordered;
use super::shape::dimensions;
use crate::gpu::arena::Arena;
use crate::gpu::chunks::{Extremes, MAX_ITERATIONS, Size, first_dispatch};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program};
use crate::gpu::staged::{Outputs, Staged};
use crate::gpu::{Gpu, GpuError};
use crate::{GlobalBatch, Scoring};

/// Compiles the shader.
pub(crate) fn program(device: &Device, scoring: &Scoring) -> Result<Program, GpuError> {
    Program::with_entries(device, ("global", &device.written_out("global", WGSL)?), &ENTRIES, &ROLES, scoring)
}

/// The size of a job; `None` if a device cannot take it, which has nothing to do for an empty sequence.
pub(crate) fn size(batch: &GlobalBatch, job: usize) -> Option<Size> {
    let takes = !batch.query(job).is_empty() && !batch.target(job).is_empty();
    takes.then(|| dimensions(batch, job as u32))
}

/// Answers chunks of jobs that have a [`size`], each sorted by it. Also returns the jobs that are left, because their CIGAR
/// has too many runs.
pub(crate) fn global<'q>(
    gpu: &mut Gpu,
    batch: &GlobalBatch,
    chunks: impl Iterator<Item = &'q [u32]>,
) -> Result<(Unordered, Vec<usize>), GpuError> {
    let (mut found, mut left) = (Unordered::default(), Vec::new());
    let (mut inputs, mut staged) = (Inputs::default(), Staged::default());
    for mut rest in chunks {
        while !rest.is_empty() {
            let sizes = rest.iter().map(|&job| dimensions(batch, job));
            let count = first_dispatch(sizes, padded_bytes, gpu.device.max_binding_bytes);
            let (now, later) = rest.split_at(count);
            // Packed while the device works on the dispatch before.
            inputs.fill(batch, now, gpu.device.resident.is_some());
            if let Some((before, outputs)) = start(gpu, &mut staged, (now, &inputs))? {
                take(before, &outputs, &mut found, &mut left);
            }
            rest = later;
        }
    }
    if let Some((last, outputs)) = staged.finish(&gpu.global, &gpu.device)? {
        take(last, &outputs, &mut found, &mut left);
    }
    Ok((found, left))
}

/// Words of directions in a strip of the largest job.
fn words(extremes: &Extremes) -> usize {
    strip_words(extremes.columns, extremes.band)
}

/// Bytes a job takes in the largest interleaved buffer.
fn padded_bytes(extremes: &Extremes) -> u64 {
    let directions = 4 * strips(extremes.rows) * words(extremes);
    workspace_bytes(extremes).max(directions as u64).max(4 * CIGAR_CAPACITY as u64)
}

/// Bytes of workspace a job takes.
fn workspace_bytes(extremes: &Extremes) -> u64 {
    (extremes.columns.next_multiple_of(COLUMNS) as u64 + 1) * COLUMN_BYTES
}

/// The uniform of every pass: whole strips, as many as stay within an invocation's iterations.
fn passes(extremes: &Extremes, count: u32) -> Vec<Dispatch> {
    let step = MAX_ITERATIONS / (words(extremes) / COLUMNS + 1);
    let pass = |first_strip: usize| Dispatch {
        job_count: count,
        stride: count,
        strip_words: words(extremes) as u32,
        cigar_capacity: CIGAR_CAPACITY as u32,
        first_strip: first_strip as u32,
        end_strip: (first_strip + step) as u32,
    };
    (0..strips(extremes.rows)).step_by(step).map(pass).collect()
}

/// The inputs of a dispatch. Their memory is used again.
#[derive(Default)]
struct Inputs {
    jobs: Vec<Job>,
    bases: Arena,
    extremes: Extremes,
}

impl Inputs {
    /// Packs jobs for a device that holds the reference or not, in place of what was there.
    fn fill(&mut self, batch: &GlobalBatch, jobs: &[u32], resident: bool) {
        let window = |job: u32| batch.window(job as usize).filter(|_| resident);
        let in_reference = jobs.iter().filter(|&&job| window(job).is_some());
        let Inputs { jobs: rows, bases, extremes } = self;
        bases.restart(in_reference.map(|&job| batch.target(job as usize).len()));
        *extremes = Extremes::default();
        rows.clear();
        rows.extend(jobs.iter().map(|&job| {
            let (m, n, band) = dimensions(batch, job);
            extremes.include(m, n, band);
            Job {
                query_word: bases.send(batch.query(job as usize)),
                target_word: match window(job) {
                    Some(window) => bases.gather(window, n, n),
                    None => bases.send(batch.target(job as usize)),
                },
                query_len: m as u32,
                target_len: n as u32,
                band: band as u32,
            }
        }));
    }
}

/// Starts a dispatch; returns the one before, with its answers and CIGARs.
fn start<'q>(
    gpu: &mut Gpu,
    staged: &mut Staged<&'q [u32]>,
    (jobs, inputs): (&'q [u32], &Inputs),
) -> Result<Option<(&'q [u32], Outputs)>, GpuError> {
    let (extremes, count) = (&inputs.extremes, inputs.jobs.len());
    let passes = passes(extremes, count as u32);
    let passes: Vec<&[u8]> = passes.iter().map(bytemuck::bytes_of).collect();
    let contents = [
        Content::Bytes(bytemuck::cast_slice(&inputs.jobs)),
        Content::Bases(&inputs.bases),
        Content::Size(workspace_bytes(extremes) * count as u64),
        Content::Size((4 * strips(extremes.rows) * words(extremes) * count) as u64),
        Content::Size((count * size_of::<Answer>()) as u64),
        Content::Size((4 * CIGAR_CAPACITY * count) as u64),
    ];
    let call = Call { passes: &passes, contents: &contents, jobs: count };
    staged.start(&mut gpu.global, &gpu.device, (jobs, &call))
}

/// Takes the answers and CIGARs of a dispatch.
fn take(jobs: &[u32], outputs: &[Vec<u32>], found: &mut Unordered, left: &mut Vec<usize>) {
    let count = jobs.len();
    let answers: &[Answer] = bytemuck::cast_slice(&outputs[0][..count * size_of::<Answer>() / 4]);
    let cigars = &outputs[1];
    for (k, (&job, answer)) in jobs.iter().zip(answers).enumerate() {
        let run_count = answer.run_count as usize;
        if run_count > CIGAR_CAPACITY {
            left.push(job as usize);
        } else {
            // The device writes runs from the end of the alignment.
            let runs = (0..run_count).rev().map(|run| cigars[run * count + k]);
            found.push(job, answer.score, runs);
        }
    }
}
