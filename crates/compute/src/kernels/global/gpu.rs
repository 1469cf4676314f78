//! `Global` on a device: sorted jobs, cut into dispatches, one invocation a job, traceback included.

use super::layout::{Answer, CELLS_A_WORD, CIGAR_CAPACITY, Dispatch, Job, ROLES, ROW_BYTES, WGSL};
use super::results::Unordered;
use super::simd_group::dimensions;
use crate::gpu::chunks::{Extremes, Size, first_dispatch, pack};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program};
use crate::gpu::{Gpu, GpuError};
use crate::{GlobalBatch, Scoring};

/// Compiles the shader.
pub(crate) fn program(device: &Device, scoring: &Scoring) -> Result<Program, GpuError> {
    Program::new(device, ("global", WGSL), &ROLES, scoring)
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
    for mut rest in chunks {
        while !rest.is_empty() {
            let sizes = rest.iter().map(|&job| dimensions(batch, job));
            let count = first_dispatch(sizes, padded_bytes, gpu.device.max_binding_bytes);
            let (now, later) = rest.split_at(count);
            run(gpu, batch, now, &mut found, &mut left)?;
            rest = later;
        }
    }
    Ok((found, left))
}

/// Words of directions in a column.
fn direction_words(extremes: &Extremes) -> usize {
    extremes.height.div_ceil(CELLS_A_WORD)
}

/// Bytes a job takes in the largest interleaved buffer.
fn padded_bytes(extremes: &Extremes) -> u64 {
    let workspace = (extremes.rows as u64 + 1) * ROW_BYTES;
    let directions = 4 * extremes.columns * direction_words(extremes);
    workspace.max(directions as u64).max(4 * CIGAR_CAPACITY as u64)
}

fn run(
    gpu: &mut Gpu,
    batch: &GlobalBatch,
    jobs: &[u32],
    found: &mut Unordered,
    left: &mut Vec<usize>,
) -> Result<(), GpuError> {
    let mut bases = Vec::new();
    let mut extremes = Extremes::default();
    let rows_of_jobs: Vec<Job> = jobs
        .iter()
        .map(|&job| {
            let (m, n, band) = dimensions(batch, job);
            extremes.include(m, n, band);
            Job {
                query_word: pack(&mut bases, batch.query(job as usize)),
                target_word: pack(&mut bases, batch.target(job as usize)),
                query_len: m as u32,
                target_len: n as u32,
                band: band as u32,
            }
        })
        .collect();
    let count = jobs.len();
    let passes = extremes.passes().into_iter().map(|(first_column, last_column)| Dispatch {
        job_count: count as u32,
        stride: count as u32,
        direction_words: direction_words(&extremes) as u32,
        cigar_capacity: CIGAR_CAPACITY as u32,
        first_column,
        last_column,
    });
    let passes: Vec<Dispatch> = passes.collect();
    let passes: Vec<&[u8]> = passes.iter().map(bytemuck::bytes_of).collect();
    let contents = [
        Content::Bytes(bytemuck::cast_slice(&rows_of_jobs)),
        Content::Bytes(bytemuck::cast_slice(&bases)),
        Content::Size(((extremes.rows + 1) * count) as u64 * ROW_BYTES),
        Content::Size((4 * direction_words(&extremes) * extremes.columns * count) as u64),
        Content::Size((count * size_of::<Answer>()) as u64),
        Content::Size((4 * CIGAR_CAPACITY * count) as u64),
    ];
    let outputs = gpu.global.run(&gpu.device, &Call { passes: &passes, contents: &contents, jobs: count })?;
    take(jobs, &outputs, found, left);
    Ok(())
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
