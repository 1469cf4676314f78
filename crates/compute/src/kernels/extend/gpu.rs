//! `Extend` on a device: sorted jobs, cut into dispatches.

use super::layout::{Dispatch, Job, ROLES, ROW_BYTES, SCORE_MAX, WGSL};
use super::{Bounds, ExtendResult, cooperative, strips};
use crate::gpu::arena::Arena;
use crate::gpu::chunks::{Extremes, Size, first_dispatch};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program, Started, WORKGROUP_SIZE};
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
    /// A work-group a job, `extend_cooperative.wgsl`: few long jobs, any scoring scheme.
    Cooperative,
}

/// The compiled shaders.
pub(crate) struct Kernel {
    /// The form for all but few long jobs.
    form: Form,
    program: Program,
    cooperative: Program,
}

/// Jobs that the device works on.
struct Running<'a> {
    jobs: &'a [u32],
    form: Form,
    started: Started,
}

impl Kernel {
    /// Compiles the fastest shader that takes the scoring scheme.
    pub(crate) fn new(device: &Device, scoring: &Scoring) -> Result<Self, GpuError> {
        let form = if strips::takes(scoring) { Form::Strips } else { Form::Columns };
        let (name, wgsl) = match form {
            Form::Strips => ("extend_strips", written_out(device, strips::WGSL)?),
            _ => ("extend", WGSL.to_owned()),
        };
        let program = Program::new(device, (name, &wgsl), &ROLES, scoring)?;
        let wgsl = written_out(device, cooperative::WGSL)?;
        let cooperative = Program::new(device, ("extend_cooperative", &wgsl), &cooperative::ROLES, scoring)?;
        Ok(Kernel { form, program, cooperative })
    }

    /// How to take the first of jobs that are sorted by query length, and at most how many of them.
    fn next(&self, batch: &ExtendBatch, jobs: &[u32]) -> (Form, usize) {
        let short = jobs.partition_point(|&job| batch.query(job as usize).len() <= cooperative::SHORT_QUERY);
        let few = jobs.len() - short <= cooperative::FEW_JOBS;
        match short {
            0 if few => (Form::Cooperative, jobs.len()),
            _ if few => (self.form, short.min(self.form.max_jobs())),
            _ => (self.form, self.form.max_jobs()),
        }
    }
}

/// The shader as the device's compiler should see it.
fn written_out(device: &Device, wgsl: &str) -> Result<String, GpuError> {
    if !device.unrolls {
        return Ok(wgsl.to_owned());
    }
    unroll(wgsl).map_err(|line| GpuError(format!("cannot unroll {line}")))
}

impl Form {
    /// The most jobs of a dispatch.
    fn max_jobs(self) -> usize {
        match self {
            Form::Strips => strips::MAX_JOBS,
            Form::Columns | Form::Cooperative => usize::MAX,
        }
    }

    /// Bytes of workspace a job takes.
    fn workspace_bytes(self, extremes: &Extremes) -> u64 {
        match self {
            Form::Strips => (extremes.columns.next_multiple_of(strips::COLUMNS) as u64 + 1) * strips::COLUMN_BYTES,
            Form::Columns => (extremes.rows as u64 + 1) * ROW_BYTES,
            Form::Cooperative => 0,
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
            Form::Cooperative => {
                let dispatch = cooperative::Dispatch { job_count: count };
                vec![bytemuck::bytes_of(&dispatch).to_vec()]
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
    let mut running: Option<Running<'_>> = None;
    let mut answers = Vec::new();
    for mut rest in chunks {
        while !rest.is_empty() {
            let (form, most) = gpu.extend.next(batch, rest);
            let padded_bytes = |extremes: &Extremes| form.workspace_bytes(extremes).max(size_of::<Job>() as u64);
            let sizes = rest.iter().take(most).filter_map(|&job| size(batch, job as usize, scoring));
            let count = first_dispatch(sizes, padded_bytes, gpu.device.max_binding_bytes);
            let (now, later) = rest.split_at(count);
            // Packed while the device works on the dispatch before.
            let started = start(gpu, form, &Packed::new(batch, now, scoring, gpu.device.resident.is_some()))?;
            if let Some(before) = running.replace(Running { jobs: now, form, started }) {
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
    bases: Arena,
    extremes: Extremes,
}

impl Packed {
    /// Packs jobs for a device that holds the reference or not.
    fn new(batch: &ExtendBatch, jobs: &[u32], scoring: &Scoring, resident: bool) -> Self {
        let window = |job: usize| batch.window(job).filter(|_| resident);
        let in_reference = jobs.iter().map(|&job| job as usize).filter(|&job| window(job).is_some());
        let mut bases = Arena::new(in_reference.map(|job| Bounds::of(batch, job, scoring).target_len));
        let mut extremes = Extremes::default();
        let row = |&job: &u32| {
            let job = job as usize;
            let Bounds { query_len, target_len, .. } = Bounds::of(batch, job, scoring);
            let (target, params) = (batch.target(job), batch.params(job));
            extremes.include(query_len, target_len, params.band.into());
            Job {
                query_word: bases.send(batch.query(job)),
                target_word: match window(job) {
                    Some(window) => bases.gather(window, target.len(), target_len),
                    None => bases.send(&target[..target_len]),
                },
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

fn start(gpu: &mut Gpu, form: Form, packed: &Packed) -> Result<Started, GpuError> {
    let count = packed.jobs.len();
    let passes = form.passes(&packed.extremes, count as u32);
    let passes: Vec<&[u8]> = passes.iter().map(Vec::as_slice).collect();
    let jobs = Content::Bytes(bytemuck::cast_slice(&packed.jobs));
    let bases = Content::Bases(&packed.bases);
    let answers = Content::Size((count * size_of::<ExtendResult>()) as u64);
    if form == Form::Cooperative {
        let invocations = count * WORKGROUP_SIZE as usize;
        let call = Call { passes: &passes, contents: &[jobs, bases, answers], jobs: invocations };
        return gpu.extend.cooperative.start(&gpu.device, &call);
    }
    let workspace = Content::Size(form.workspace_bytes(&packed.extremes) * count as u64);
    let call = Call { passes: &passes, contents: &[jobs, bases, workspace, answers], jobs: count };
    gpu.extend.program.start(&gpu.device, &call)
}

/// Waits for a dispatch and takes its answers.
fn finish(gpu: &Gpu, running: Running<'_>, answers: &mut Vec<(u32, ExtendResult)>) -> Result<(), GpuError> {
    let Running { jobs, form, started } = running;
    let program = if form == Form::Cooperative { &gpu.extend.cooperative } else { &gpu.extend.program };
    let outputs = program.finish(&gpu.device, started)?;
    let found: &[ExtendResult] = bytemuck::cast_slice(&outputs[0][..jobs.len() * size_of::<ExtendResult>() / 4]);
    answers.extend(jobs.iter().copied().zip(found.iter().copied()));
    Ok(())
}
