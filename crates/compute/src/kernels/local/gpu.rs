//! `Local` on a device, one invocation a job, in two calls of one shader: scores, ends and second scores of the jobs of a
//! dispatch, then the starts of those that have an alignment, on their reversed pieces. While the device works on either,
//! the host prepares the other of a neighbouring dispatch.

use super::layout::{Answer, COLUMN_BYTES, COLUMNS, Dispatch, Job, MAX_JOBS, ROLES, SCORE_MAX, WGSL};
use super::simd::Pieces;
use super::{LocalResult, is_possible, least_score};
use crate::gpu::chunks::{Extremes, Size, first_dispatch, pack};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program};
use crate::gpu::staged::{Outputs, Staged};
use crate::gpu::{Gpu, GpuError};
use crate::kernels::lanes::Task;
use crate::{LocalBatch, Scoring};

/// Compiles the shader.
pub(crate) fn program(device: &Device, scoring: &Scoring) -> Result<Program, GpuError> {
    Program::new(device, ("local", &device.written_out("local", WGSL)?), &ROLES, scoring)
}

/// The size of a job; `None` if a device cannot take it or there is nothing to do.
pub(crate) fn size(batch: &LocalBatch, job: usize, scoring: &Scoring) -> Option<Size> {
    let (rows, columns) = (batch.query(job).len(), batch.target(job).len());
    let shorter = rows.min(columns);
    let takes = shorter > 0 && shorter * usize::from(scoring.match_score) <= SCORE_MAX;
    takes.then_some((rows, columns, rows))
}

/// Answers chunks of jobs that have a [`size`], each sorted by it.
pub(crate) fn local<'q>(
    gpu: &mut Gpu,
    task: &Task<'_, LocalBatch>,
    chunks: impl Iterator<Item = &'q [u32]>,
) -> Result<Vec<(u32, LocalResult)>, GpuError> {
    let (answers, ends) = (Vec::new(), Vec::new());
    let mut run = Run { gpu, task, inputs: Inputs::default(), staged: Staged::default(), answers, ends };
    for mut rest in chunks {
        while !rest.is_empty() {
            let sizes = rest.iter().take(MAX_JOBS).filter_map(|&job| size(task.batch, job as usize, task.scoring));
            let count = first_dispatch(sizes, workspace_bytes, run.gpu.device.max_binding_bytes);
            let (now, later) = rest.split_at(count);
            run.forth(now)?;
            run.back()?;
            rest = later;
        }
    }
    // What is in flight may leave ends, which are one more dispatch.
    for _ in 0..2 {
        run.back()?;
        run.wait()?;
    }
    Ok(run.answers)
}

/// Bytes of workspace a job takes; it is larger than what a job has in any other buffer.
fn workspace_bytes(extremes: &Extremes) -> u64 {
    extremes.columns.next_multiple_of(COLUMNS) as u64 * COLUMN_BYTES
}

/// A call on its way.
struct Run<'a, 'q> {
    gpu: &'a mut Gpu,
    task: &'a Task<'a, LocalBatch>,
    /// Of the dispatch that is being started; their memory is used again.
    inputs: Inputs,
    staged: Staged<Way<'q>>,
    answers: Vec<(u32, LocalResult)>,
    /// Alignments of the last dispatch of whole jobs, which have no start yet.
    ends: Vec<(u32, LocalResult)>,
}

/// What a dispatch is of.
enum Way<'q> {
    /// Whole jobs.
    Forth(&'q [u32]),
    /// The pieces before the ends of alignments, backwards.
    Back(Vec<(u32, LocalResult)>),
}

impl<'q> Run<'_, 'q> {
    /// Starts on jobs that fit a dispatch.
    fn forth(&mut self, jobs: &'q [u32]) -> Result<(), GpuError> {
        self.inputs.clear();
        for &job in jobs {
            self.inputs.push(self.task.batch.query(job as usize), self.task.batch.target(job as usize));
        }
        self.start(Way::Forth(jobs))
    }

    /// Starts on the pieces before the ends that are known: no more of them than of jobs that fitted a dispatch, and no longer.
    fn back(&mut self) -> Result<(), GpuError> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let mut ends = std::mem::take(&mut self.ends);
        // Neighbours finish together.
        ends.sort_unstable_by_key(|(job, found)| (found.query_end, found.target_end, *job));
        self.inputs.clear();
        let mut pieces = Pieces::default();
        for (job, found) in &ends {
            pieces.take(self.task, *job as usize, found);
            self.inputs.push(&pieces.query, &pieces.target);
        }
        self.start(Way::Back(ends))
    }

    fn start(&mut self, way: Way<'q>) -> Result<(), GpuError> {
        let count = self.inputs.jobs.len();
        let dispatch = Dispatch { job_count: count as u32, stride: count as u32 };
        let contents = [
            Content::Bytes(bytemuck::cast_slice(&self.inputs.jobs)),
            Content::Bytes(bytemuck::cast_slice(&self.inputs.bases)),
            Content::Size(workspace_bytes(&self.inputs.extremes) * count as u64),
            Content::Size((count * size_of::<Answer>()) as u64),
        ];
        let call = Call { passes: &[bytemuck::bytes_of(&dispatch)], contents: &contents, jobs: count };
        let before = self.staged.start(&mut self.gpu.local, &self.gpu.device, (way, &call))?;
        before.map_or(Ok(()), |before| self.take(before))
    }

    /// Waits for the last dispatch.
    fn wait(&mut self) -> Result<(), GpuError> {
        let last = self.staged.finish(&self.gpu.local, &self.gpu.device)?;
        last.map_or(Ok(()), |last| self.take(last))
    }

    /// Takes the answers of a dispatch.
    fn take(&mut self, (way, outputs): (Way<'q>, Outputs)) -> Result<(), GpuError> {
        let answers = |count: usize| bytemuck::cast_slice(&outputs[0][..count * size_of::<Answer>() / 4]);
        match way {
            Way::Forth(jobs) => self.take_ends(jobs, answers(jobs.len())),
            Way::Back(ends) => {
                let starts: &[Answer] = answers(ends.len());
                let whole = |((job, found), start): ((u32, LocalResult), &Answer)| {
                    let query_start = found.query_end.saturating_sub(start.query_end);
                    let target_start = found.target_end.saturating_sub(start.target_end);
                    (job, LocalResult { query_start, target_start, ..found })
                };
                self.answers.extend(ends.into_iter().zip(starts).map(whole));
                Ok(())
            }
        }
    }

    /// Takes what was found of whole jobs.
    fn take_ends(&mut self, jobs: &[u32], answers: &[Answer]) -> Result<(), GpuError> {
        let batch = self.task.batch;
        for (&job, answer) in jobs.iter().zip(answers) {
            let Answer { score, query_end, target_end, second_score, second_target_end } = *answer;
            let found =
                LocalResult { score, query_end, target_end, second_score, second_target_end, ..Default::default() };
            if (score.max(0) as usize) < least_score(batch.params(job as usize).min_score) {
                self.answers.push((job, LocalResult::default()));
            } else if !is_possible(batch, job as usize, &found) {
                // Its pieces would not exist.
                return Err(GpuError("WRONG RESULTS, an end outside of its job".to_owned()));
            } else {
                self.ends.push((job, found));
            }
        }
        Ok(())
    }
}

/// The inputs of a dispatch.
#[derive(Default)]
struct Inputs {
    jobs: Vec<Job>,
    bases: Vec<u32>,
    extremes: Extremes,
}

impl Inputs {
    fn clear(&mut self) {
        self.jobs.clear();
        self.bases.clear();
        self.extremes = Extremes::default();
    }

    fn push(&mut self, query: &[u8], target: &[u8]) {
        self.extremes.include(query.len(), target.len(), query.len());
        self.jobs.push(Job {
            query_word: pack(&mut self.bases, query),
            target_word: pack(&mut self.bases, target),
            query_len: query.len() as u32,
            target_len: target.len() as u32,
        });
    }
}
