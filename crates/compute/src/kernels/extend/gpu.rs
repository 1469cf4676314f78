//! `Extend` on a device: sorted jobs, cut into dispatches, one invocation a job.

use super::layout::{Dispatch, Job, ROLES, ROW_BYTES, SCORE_MAX, WGSL};
use super::{Bounds, ExtendResult, strips};
use crate::gpu::chunks::{Extremes, first_dispatch, pack};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program};
use crate::gpu::unroll::unroll;
use crate::gpu::{Gpu, GpuError};
use crate::{ExtendBatch, Scoring};

/// How a shader walks the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Strips of rows in registers, `extend_strips.wgsl`: fast.
    Strips,
    /// Column by column, `extend.wgsl`: any scoring scheme.
    Columns,
}

/// The compiled shader.
pub(crate) struct Kernel {
    form: Form,
    program: Program,
}

impl Kernel {
    /// Compiles the fastest shader that takes the scoring scheme.
    pub(crate) fn new(device: &Device, scoring: &Scoring) -> Result<Self, GpuError> {
        let form = if strips::takes(scoring) { Form::Strips } else { Form::Columns };
        let program = match form {
            Form::Strips => {
                let wgsl = unroll(strips::WGSL).map_err(|line| GpuError(format!("cannot unroll {line}")))?;
                Program::new(device, ("extend_strips", &wgsl), &ROLES, scoring)?
            }
            Form::Columns => Program::new(device, ("extend", WGSL), &ROLES, scoring)?,
        };
        Ok(Kernel { form, program })
    }
}

impl Form {
    /// The most jobs of a dispatch.
    fn max_jobs(self) -> usize {
        match self {
            Form::Strips => strips::MAX_JOBS,
            Form::Columns => usize::MAX,
        }
    }

    /// Bytes of workspace a job takes.
    fn workspace_bytes(self, extremes: &Extremes) -> u64 {
        match self {
            Form::Strips => (extremes.columns.next_multiple_of(strips::COLUMNS) as u64 + 1) * strips::COLUMN_BYTES,
            Form::Columns => (extremes.rows as u64 + 1) * ROW_BYTES,
        }
    }

    /// The uniform of every pass.
    fn passes(self, extremes: &Extremes, count: u32) -> Vec<Vec<u8>> {
        match self {
            Form::Strips => {
                let dispatch = strips::Dispatch { job_count: count, stride: count };
                vec![bytemuck::bytes_of(&dispatch).to_vec()]
            }
            Form::Columns => {
                let pass = |(first_column, last_column)| {
                    let dispatch = Dispatch { job_count: count, stride: count, first_column, last_column };
                    bytemuck::bytes_of(&dispatch).to_vec()
                };
                extremes.passes().into_iter().map(pass).collect()
            }
        }
    }
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
    let form = gpu.extend.form;
    let padded_bytes = |extremes: &Extremes| form.workspace_bytes(extremes).max(size_of::<Job>() as u64);
    let mut rest = &jobs[..];
    while !rest.is_empty() {
        let sizes = rest.iter().take(form.max_jobs()).map(|&job| {
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
    let form = gpu.extend.form;
    let passes = form.passes(&extremes, count as u32);
    let passes: Vec<&[u8]> = passes.iter().map(Vec::as_slice).collect();
    let contents = [
        Content::Bytes(bytemuck::cast_slice(&columns)),
        Content::Bytes(bytemuck::cast_slice(&bases)),
        Content::Size(form.workspace_bytes(&extremes) * count as u64),
        Content::Size((count * size_of::<ExtendResult>()) as u64),
    ];
    let outputs = gpu.extend.program.run(&gpu.device, &Call { passes: &passes, contents: &contents, jobs: count })?;
    let answers: &[ExtendResult] = bytemuck::cast_slice(&outputs[0][..count * size_of::<ExtendResult>() / 4]);
    for (&job, answer) in jobs.iter().zip(answers) {
        results[job as usize] = *answer;
    }
    Ok(())
}
