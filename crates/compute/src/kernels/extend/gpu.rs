//! `Extend` on a device: sorted jobs, cut into dispatches, one invocation a job.

use super::layout::{Dispatch, Job, ROLES, ROW_BYTES, SCORE_MAX, WGSL};
use super::{Bounds, ExtendResult};
use crate::gpu::chunks::{Extremes, first_dispatch, pack};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program};
use crate::gpu::{Gpu, GpuError};
use crate::{ExtendBatch, Scoring};

/// Compiles the shader.
pub(crate) fn program(device: &Device, scoring: &Scoring) -> Result<Program, GpuError> {
    Program::new(device, ("extend", WGSL), &ROLES, scoring)
}

/// Answers what the device can take into `results`, indexed by job; returns the jobs it cannot take.
pub(crate) fn extend(
    gpu: &mut Gpu,
    batch: &ExtendBatch,
    scoring: &Scoring,
    results: &mut [ExtendResult],
) -> Result<Vec<usize>, GpuError> {
    let bounds = |job: u32| Bounds::of(batch, job as usize, scoring);
    let (mut jobs, mut left) = (Vec::new(), Vec::new());
    for job in 0..batch.len() {
        match bounds(job as u32) {
            b if b.query_len > 0 && b.score <= SCORE_MAX => jobs.push(job as u32),
            _ => left.push(job),
        }
    }
    jobs.sort_unstable_by_key(|&job| {
        let bounds = bounds(job);
        (bounds.query_len, bounds.target_len, job)
    });
    let mut rest = &jobs[..];
    while !rest.is_empty() {
        let sizes = rest.iter().map(|&job| {
            let bounds = bounds(job);
            (bounds.query_len, bounds.target_len, batch.params(job as usize).band.into())
        });
        let count = first_dispatch(sizes, padded_bytes, gpu.device.max_binding_bytes);
        let (now, later) = rest.split_at(count);
        run(gpu, batch, now, &bounds, results)?;
        rest = later;
    }
    Ok(left)
}

/// Bytes a job takes in the largest interleaved or per-job buffer.
fn padded_bytes(extremes: &Extremes) -> u64 {
    let workspace = (extremes.rows as u64 + 1) * ROW_BYTES;
    workspace.max(size_of::<Job>() as u64)
}

fn run(
    gpu: &mut Gpu,
    batch: &ExtendBatch,
    jobs: &[u32],
    bounds: &dyn Fn(u32) -> Bounds,
    results: &mut [ExtendResult],
) -> Result<(), GpuError> {
    let mut bases = Vec::new();
    let mut extremes = Extremes::default();
    let columns: Vec<Job> = jobs
        .iter()
        .map(|&job| {
            let Bounds { query_len, target_len, .. } = bounds(job);
            let job = job as usize;
            let params = batch.params(job);
            extremes.include(query_len, target_len, params.band.into());
            Job {
                query_word: pack(&mut bases, batch.query(job)),
                target_word: pack(&mut bases, &batch.target(job)[..target_len]),
                query_len: query_len as u32,
                target_len: target_len as u32,
                initial_score: params.initial_score.into(),
                band: params.band.into(),
                z_drop: params.z_drop.into(),
            }
        })
        .collect();
    let count = jobs.len();
    let passes = extremes.passes().into_iter().map(|(first_column, last_column)| Dispatch {
        job_count: count as u32,
        stride: count as u32,
        first_column,
        last_column,
    });
    let passes: Vec<Dispatch> = passes.collect();
    let passes: Vec<&[u8]> = passes.iter().map(bytemuck::bytes_of).collect();
    let contents = [
        Content::Bytes(bytemuck::cast_slice(&columns)),
        Content::Bytes(bytemuck::cast_slice(&bases)),
        Content::Size(((extremes.rows + 1) * count) as u64 * ROW_BYTES),
        Content::Size((count * size_of::<ExtendResult>()) as u64),
    ];
    let outputs = gpu.extend.run(&gpu.device, &Call { passes: &passes, contents: &contents, jobs: count })?;
    let answers: &[ExtendResult] = bytemuck::cast_slice(&outputs[0][..count * size_of::<ExtendResult>() / 4]);
    for (&job, answer) in jobs.iter().zip(answers) {
        results[job as usize] = *answer;
    }
    Ok(())
}
