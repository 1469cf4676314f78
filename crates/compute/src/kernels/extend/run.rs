//! A call's way through a device: jobs cut into dispatches of one form each, two of them in flight.

use super::gpu::{Form, for_one_invocation, size};
use super::layout::Job;
use super::packed::{Split, UNDECIDED};
use super::{Bounds, ExtendResult};
use crate::counters::{LiveCounters, add};
use crate::gpu::arena::Arena;
use crate::gpu::chunks::{Extremes, first_dispatch};
use crate::gpu::program::{Call, Content, Started};
use crate::gpu::{Gpu, GpuError};
use crate::{ExtendBatch, Scoring};

/// Answers chunks of jobs that have a [`size`], each sorted by it so that neighbours finish together.
pub(crate) fn extend<'q>(
    gpu: &mut Gpu,
    (batch, scoring): (&ExtendBatch, &Scoring),
    chunks: impl Iterator<Item = &'q [u32]>,
    counters: &LiveCounters,
) -> Result<Vec<(u32, ExtendResult)>, GpuError> {
    let (inputs, answers, wide) = (Inputs::default(), Vec::new(), Vec::new());
    let mut run = Run { gpu, batch, scoring, inputs, running: None, answers, wide, packed_jobs: 0 };
    let mut widened = 0;
    for chunk in chunks {
        if run.gpu.extend.packs() {
            run.packed(chunk)?;
            // Few jobs would not fill a device, so they wait for more.
            if run.wide.len() >= chunk.len() {
                widened += run.widen()?;
            }
        } else {
            run.unpacked(chunk)?;
        }
    }
    run.finish()?;
    widened += run.widen()?;
    run.finish()?;
    add(&counters.packed_jobs, run.packed_jobs);
    add(&counters.widened_jobs, widened);
    Ok(run.answers)
}

/// A call on its way.
struct Run<'a> {
    gpu: &'a mut Gpu,
    batch: &'a ExtendBatch,
    scoring: &'a Scoring,
    /// Of the dispatch that is being started; their memory is used again.
    inputs: Inputs,
    running: Option<Running>,
    answers: Vec<(u32, ExtendResult)>,
    /// Jobs that the packed form doesn't take or left undecided, until the others take them.
    wide: Vec<u32>,
    /// Jobs that the packed form answered.
    packed_jobs: usize,
}

/// Jobs that the device works on.
struct Running {
    jobs: Vec<u32>,
    form: Form,
    started: Started,
}

impl Run<'_> {
    /// Has the packed form take what it can of sorted jobs.
    fn packed(&mut self, jobs: &[u32]) -> Result<(), GpuError> {
        let (jobs, long) = jobs.split_at(for_one_invocation(self.batch, jobs));
        let split = Split::new(self.batch, jobs, self.scoring);
        self.wide.extend(split.others);
        self.wide.extend(long);
        let mut rest = split.pairs.as_slice();
        while !rest.is_empty() {
            // Whole pairs: a single one never fills a binding.
            let count = (self.first_dispatch(rest, Form::Packed, Form::Packed.max_jobs()) & !1).max(2);
            let (now, later) = rest.split_at(count);
            self.start(now, Form::Packed)?;
            rest = later;
        }
        Ok(())
    }

    /// Has the other forms take jobs sorted by size.
    fn unpacked(&mut self, jobs: &[u32]) -> Result<(), GpuError> {
        let mut rest = jobs;
        while !rest.is_empty() {
            let (form, most) = self.gpu.extend.next(self.batch, rest);
            let (now, later) = rest.split_at(self.first_dispatch(rest, form, most));
            self.start(now, form)?;
            rest = later;
        }
        Ok(())
    }

    /// Has the other forms take what the packed one left; returns how many jobs that were.
    fn widen(&mut self) -> Result<usize, GpuError> {
        let mut jobs = std::mem::take(&mut self.wide);
        jobs.sort_by_cached_key(|&job| size(self.batch, job as usize, self.scoring));
        self.unpacked(&jobs)?;
        Ok(jobs.len())
    }

    /// How many of the first `most` jobs fit in a dispatch.
    fn first_dispatch(&self, jobs: &[u32], form: Form, most: usize) -> usize {
        let padded_bytes = |extremes: &Extremes| form.workspace_bytes(extremes).max(size_of::<Job>() as u64);
        let sizes = jobs.iter().take(most).filter_map(|&job| size(self.batch, job as usize, self.scoring));
        first_dispatch(sizes, padded_bytes, self.gpu.device.max_binding_bytes)
    }

    /// Starts a dispatch, and then waits for the one before.
    fn start(&mut self, jobs: &[u32], form: Form) -> Result<(), GpuError> {
        // Packed while the device works on the dispatch before.
        self.inputs.fill(self.batch, jobs, self.scoring, self.gpu.device.resident.is_some(), form);
        let started = start(self.gpu, form, &self.inputs)?;
        let before = self.running.replace(Running { jobs: jobs.to_vec(), form, started });
        before.map_or(Ok(()), |before| self.take(before))
    }

    /// Waits for the last dispatch.
    fn finish(&mut self) -> Result<(), GpuError> {
        self.running.take().map_or(Ok(()), |last| self.take(last))
    }

    /// Waits for a dispatch and takes its answers.
    fn take(&mut self, running: Running) -> Result<(), GpuError> {
        let Running { jobs, form, started } = running;
        let outputs = self.gpu.extend.program(form).finish(&self.gpu.device, started)?;
        let found: &[ExtendResult] = bytemuck::cast_slice(&outputs[0][..jobs.len() * size_of::<ExtendResult>() / 4]);
        let answers = jobs.iter().copied().zip(found.iter().copied());
        if form != Form::Packed {
            self.answers.extend(answers);
            return Ok(());
        }
        let before = self.answers.len();
        for (k, (job, answer)) in answers.enumerate() {
            if k % 2 == 1 && jobs[k - 1] == job {
                // Its own partner.
            } else if answer.score == UNDECIDED {
                self.wide.push(job);
            } else {
                self.answers.push((job, answer));
            }
        }
        self.packed_jobs += self.answers.len() - before;
        Ok(())
    }
}

/// The inputs of a dispatch.
#[derive(Default)]
struct Inputs {
    jobs: Vec<Job>,
    bases: Arena,
    extremes: Extremes,
}

impl Inputs {
    /// Packs jobs of a form for a device that holds the reference or not, in place of what was there.
    fn fill(&mut self, batch: &ExtendBatch, jobs: &[u32], scoring: &Scoring, resident: bool, form: Form) {
        let window = |job: usize| batch.window(job).filter(|_| resident);
        let in_reference = jobs.iter().map(|&job| job as usize).filter(|&job| window(job).is_some());
        let Inputs { jobs: rows, bases, extremes } = self;
        bases.restart(in_reference.map(|job| Bounds::of(batch, job, scoring).target_len));
        *extremes = Extremes::default();
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
        rows.clear();
        rows.extend(jobs.iter().map(row));
        if form == Form::Packed {
            // What is read beside a longer target lies behind the shorter one, at the end of all bases perhaps.
            bases.send(&vec![0; extremes.columns]);
        }
    }
}

fn start(gpu: &mut Gpu, form: Form, inputs: &Inputs) -> Result<Started, GpuError> {
    let count = inputs.jobs.len();
    let passes = form.passes(&inputs.extremes, count as u32);
    let passes: Vec<&[u8]> = passes.iter().map(Vec::as_slice).collect();
    let mut contents = vec![Content::Bytes(bytemuck::cast_slice(&inputs.jobs)), Content::Bases(&inputs.bases)];
    if form != Form::Cooperative {
        contents.push(Content::Size(form.workspace_bytes(&inputs.extremes) * count as u64));
    }
    contents.push(Content::Size((count * size_of::<ExtendResult>()) as u64));
    let call = Call { passes: &passes, contents: &contents, jobs: form.invocations(count) };
    gpu.extend.program(form).start(&gpu.device, &call)
}
