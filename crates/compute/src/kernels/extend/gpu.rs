//! `Extend` on a device: sorted jobs, cut into dispatches, one invocation a job.

use super::layout::{Dispatch, Job, ROLES, ROW_BYTES, SCORE_MAX, WGSL};
use super::{Bounds, ExtendResult, strips};
use crate::gpu::chunks::{Extremes, Size, first_dispatch, pack};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program, Started};
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
            Form::Strips if !device.unrolls => Program::new(device, ("extend_strips", strips::WGSL), &ROLES, scoring)?,
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

/// The size of a job; `None` if a device cannot take it.
pub(crate) fn size(batch: &ExtendBatch, job: usize, scoring: &Scoring) -> Option<Size> {
    let bounds = Bounds::of(batch, job, scoring);
    let takes = bounds.query_len > 0 && bounds.score <= SCORE_MAX;
    takes.then(|| (bounds.query_len, bounds.target_len, batch.params(job).band.into()))
}

/// Answers chunks of jobs that have a [`size`], each sorted by it so that neighbours finish together.
pub(crate) fn extend<'q>(
    gpu: &mut Gpu,
    batch: &ExtendBatch,
    scoring: &Scoring,
    chunks: impl Iterator<Item = &'q [u32]>,
) -> Result<Vec<(u32, ExtendResult)>, GpuError> {
    let form = gpu.extend.form;
    let padded_bytes = |extremes: &Extremes| form.workspace_bytes(extremes).max(size_of::<Job>() as u64);
    let mut running: Option<(&[u32], Started)> = None;
    let mut answers = Vec::new();
    for mut rest in chunks {
        while !rest.is_empty() {
            let sizes = rest.iter().take(form.max_jobs());
            let sizes = sizes.filter_map(|&job| size(batch, job as usize, scoring));
            let count = first_dispatch(sizes, padded_bytes, gpu.device.max_binding_bytes);
            let (now, later) = rest.split_at(count);
            // Packed while the device works on the dispatch before.
            let started = start(gpu, &Packed::new(batch, now, scoring))?;
            if let Some(before) = running.replace((now, started)) {
                finish(gpu, before, &mut answers)?;
            }
            rest = later;
        }
    }
    if let Some(last) = running {
        finish(gpu, last, &mut answers)?;
    }
    Ok(answers)
}

/// The inputs of a dispatch.
struct Packed {
    jobs: Vec<Job>,
    bases: Vec<u32>,
    extremes: Extremes,
}

impl Packed {
    fn new(batch: &ExtendBatch, jobs: &[u32], scoring: &Scoring) -> Self {
        let mut bases = Vec::new();
        let mut extremes = Extremes::default();
        let row = |&job: &u32| {
            let job = job as usize;
            let Bounds { query_len, target_len, .. } = Bounds::of(batch, job, scoring);
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
        };
        let jobs = jobs.iter().map(row).collect();
        Packed { jobs, bases, extremes }
    }
}

fn start(gpu: &mut Gpu, packed: &Packed) -> Result<Started, GpuError> {
    let count = packed.jobs.len();
    let form = gpu.extend.form;
    let passes = form.passes(&packed.extremes, count as u32);
    let passes: Vec<&[u8]> = passes.iter().map(Vec::as_slice).collect();
    let contents = [
        Content::Bytes(bytemuck::cast_slice(&packed.jobs)),
        Content::Bytes(bytemuck::cast_slice(&packed.bases)),
        Content::Size(form.workspace_bytes(&packed.extremes) * count as u64),
        Content::Size((count * size_of::<ExtendResult>()) as u64),
    ];
    gpu.extend.program.start(&gpu.device, &Call { passes: &passes, contents: &contents, jobs: count })
}

/// Waits for a dispatch and takes its answers.
fn finish(
    gpu: &Gpu,
    (jobs, started): (&[u32], Started),
    answers: &mut Vec<(u32, ExtendResult)>,
) -> Result<(), GpuError> {
    let outputs = gpu.extend.program.finish(&gpu.device, started)?;
    let found: &[ExtendResult] = bytemuck::cast_slice(&outputs[0][..jobs.len() * size_of::<ExtendResult>() / 4]);
    answers.extend(jobs.iter().copied().zip(found.iter().copied()));
    Ok(())
}
