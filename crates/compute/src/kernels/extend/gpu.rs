//! `Extend` on a device: its forms, and which jobs each of them takes.

use super::layout::{Dispatch, ROLES, ROW_BYTES, SCORE_MAX, WGSL};
pub(crate) use super::run::extend;
use super::{Bounds, cooperative, packed, strips};
use crate::counters::LiveCounters;
use crate::gpu::chunks::{Extremes, Size};
use crate::gpu::device::Device;
use crate::gpu::program::{Program, WORKGROUP_SIZE};
use crate::gpu::{Gpu, GpuError};
use crate::selftest::extend_batch;
use crate::{ExtendBatch, Scoring};

/// How a shader walks the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Strips of rows in registers, `extend_strips.wgsl`: fast.
    Strips,
    /// Column by column, `extend.wgsl`: any scoring scheme.
    Columns,
    /// Two jobs a word, `extend_packed.wgsl`: fastest, what fits in half a word.
    Packed,
    /// A work-group a job, `extend_cooperative.wgsl`: few long jobs, any scoring scheme.
    Cooperative,
}

/// The compiled shaders.
pub(crate) struct Kernel {
    /// The form for all but few long jobs.
    form: Form,
    program: Program,
    cooperative: Program,
    /// Where the device can and the scoring scheme allows.
    packed: Option<Program>,
    /// Why not, where it should be there.
    pub(crate) unpacked: Option<String>,
}

impl Kernel {
    /// Compiles the fastest shader that takes the scoring scheme.
    pub(crate) fn new(device: &Device, scoring: &Scoring) -> Result<Self, GpuError> {
        let form = if strips::takes(scoring) { Form::Strips } else { Form::Columns };
        let (name, wgsl) = match form {
            Form::Strips => ("extend_strips", device.written_out("extend_strips", strips::WGSL)?),
            _ => ("extend", device.written_out("extend", WGSL)?),
        };
        let program = Program::new(device, (name, &wgsl), &ROLES, scoring)?;
        let wgsl = device.written_out("extend_cooperative", cooperative::WGSL)?;
        let cooperative = Program::new(device, ("extend_cooperative", &wgsl), &cooperative::ROLES, scoring)?;
        Ok(Kernel { form, program, cooperative, packed: None, unpacked: None })
    }

    /// Whether there is a packed form.
    pub(super) fn packs(&self) -> bool {
        self.packed.is_some()
    }

    /// How to take the first of jobs that are sorted by query length if not packed, and at most how many of them.
    pub(super) fn next(&self, batch: &ExtendBatch, jobs: &[u32]) -> (Form, usize) {
        match for_one_invocation(batch, jobs) {
            0 => (Form::Cooperative, jobs.len()),
            jobs => (self.form, jobs.min(self.form.max_jobs())),
        }
    }

    /// The program of a form that was compiled.
    pub(super) fn program(&mut self, form: Form) -> &mut Program {
        match (form, &mut self.packed) {
            (Form::Packed, Some(packed)) => packed,
            (Form::Cooperative, _) => &mut self.cooperative,
            _ => &mut self.program,
        }
    }
}

/// How many of jobs that are sorted by query length should have one invocation each, from the front; a work-group is for
/// the others.
pub(super) fn for_one_invocation(batch: &ExtendBatch, jobs: &[u32]) -> usize {
    let short = jobs.partition_point(|&job| batch.query(job as usize).len() <= cooperative::SHORT_QUERY);
    if jobs.len() - short <= cooperative::FEW_JOBS { short } else { jobs.len() }
}

/// Compiles the packed form, and keeps it if it answers some generated jobs as the reference does. A
/// driver whose 16-bit numbers don't work as they should does without, and says why.
pub(crate) fn pack(gpu: &mut Gpu, scoring: &Scoring) -> Result<(), GpuError> {
    if !packed::takes(scoring) {
        return Ok(());
    }
    let wgsl = gpu.device.written_out("extend_packed", packed::WGSL)?;
    gpu.extend.unpacked = match Program::new(&gpu.device, ("extend_packed", &wgsl), &ROLES, scoring) {
        Ok(program) => {
            gpu.extend.packed = Some(program);
            let wrong = wrong_answers(gpu, scoring)?;
            (wrong > 0).then(|| format!("{wrong} of {TRIAL_JOBS} jobs went wrong in 16 bits"))
        }
        Err(error) => Some(error.0),
    };
    if gpu.extend.unpacked.is_some() {
        gpu.extend.packed = None;
    }
    gpu.device.check()
}

/// Jobs that show whether a device's 16-bit numbers work: a few milliseconds on hardware.
const TRIAL_JOBS: usize = 256;

/// How many of some generated jobs the device answers wrong.
fn wrong_answers(gpu: &mut Gpu, scoring: &Scoring) -> Result<usize, GpuError> {
    let batch = extend_batch(TRIAL_JOBS, 1, scoring);
    let mut jobs: Vec<u32> = (0..batch.len() as u32).collect();
    jobs.retain(|&job| size(&batch, job as usize, scoring).is_some());
    jobs.sort_by_key(|&job| size(&batch, job as usize, scoring));
    let answers = extend(gpu, (&batch, scoring), std::iter::once(&jobs[..]), &LiveCounters::default())?;
    let right = |job: usize| super::reference(batch.query(job), batch.target(job), batch.params(job), scoring);
    Ok(answers.into_iter().filter(|(job, answer)| *answer != right(*job as usize)).count())
}

impl Form {
    /// The most jobs of a dispatch.
    pub(super) fn max_jobs(self) -> usize {
        match self {
            Form::Strips => strips::MAX_JOBS,
            Form::Packed => packed::MAX_JOBS,
            Form::Columns | Form::Cooperative => usize::MAX,
        }
    }

    /// Bytes of workspace a job takes.
    pub(super) fn workspace_bytes(self, extremes: &Extremes) -> u64 {
        match self {
            Form::Strips => (extremes.columns.next_multiple_of(strips::COLUMNS) as u64 + 1) * strips::COLUMN_BYTES,
            Form::Packed => (extremes.columns.next_multiple_of(packed::COLUMNS) as u64 + 1) * packed::COLUMN_BYTES,
            Form::Columns => (extremes.rows as u64 + 1) * ROW_BYTES,
            Form::Cooperative => 0,
        }
    }

    /// Invocations for so many jobs.
    pub(super) fn invocations(self, jobs: usize) -> usize {
        match self {
            Form::Strips | Form::Columns => jobs,
            Form::Packed => jobs / 2,
            Form::Cooperative => jobs * WORKGROUP_SIZE as usize,
        }
    }

    /// The uniform of every pass.
    pub(super) fn passes(self, extremes: &Extremes, count: u32) -> Vec<Vec<u8>> {
        match self {
            Form::Strips => {
                let dispatch = strips::Dispatch { job_count: count, stride: count };
                vec![bytemuck::bytes_of(&dispatch).to_vec()]
            }
            Form::Packed => {
                let dispatch = packed::Dispatch { job_count: count, stride: count / 2 };
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
