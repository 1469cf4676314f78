//! `Local` on a device, one invocation a job, in two runs of one shader: scores, ends and second scores
//! of all jobs, then the starts of those that have an alignment, on their reversed pieces.

use super::layout::{Answer, COLUMN_BYTES, COLUMNS, Dispatch, Job, MAX_JOBS, ROLES, SCORE_MAX, WGSL};
use super::simd::Pieces;
use super::{LocalResult, least_score};
use crate::gpu::chunks::{Extremes, Size, first_dispatch, pack};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program};
use crate::gpu::{Gpu, GpuError};
use crate::kernels::lanes::Task;
use crate::{LocalBatch, Scoring};

/// What one invocation aligns.
struct Work<'a> {
    /// The job's place in its chunk.
    place: usize,
    query: &'a [u8],
    target: &'a [u8],
}

/// Compiles the shader.
pub(crate) fn program(device: &Device, scoring: &Scoring) -> Result<Program, GpuError> {
    Program::new(device, ("local", &device.written_out(WGSL)?), &ROLES, scoring)
}

/// The size of a job; `None` if a device cannot take it or there is nothing to do.
pub(crate) fn size(batch: &LocalBatch, job: usize, scoring: &Scoring) -> Option<Size> {
    let (rows, columns) = (batch.query(job).len(), batch.target(job).len());
    let shorter = rows.min(columns);
    let takes = shorter > 0 && shorter * usize::from(scoring.match_score) <= SCORE_MAX;
    takes.then_some((rows, columns, rows))
}

/// Answers chunks of jobs that have a [`size`].
pub(crate) fn local<'q>(
    gpu: &mut Gpu,
    task: &Task<'_, LocalBatch>,
    chunks: impl Iterator<Item = &'q [u32]>,
) -> Result<Vec<(u32, LocalResult)>, GpuError> {
    let mut answers = Vec::new();
    for jobs in chunks {
        let results = run_chunk(gpu, task, jobs)?;
        answers.extend(jobs.iter().copied().zip(results));
    }
    Ok(answers)
}

/// The results of a chunk, in its order.
fn run_chunk(gpu: &mut Gpu, task: &Task<'_, LocalBatch>, jobs: &[u32]) -> Result<Vec<LocalResult>, GpuError> {
    let batch = task.batch;
    let mut results = vec![LocalResult::default(); jobs.len()];
    let whole = |(place, &job): (usize, &u32)| {
        let job = job as usize;
        Work { place, query: batch.query(job), target: batch.target(job) }
    };
    align(gpu, jobs.iter().enumerate().map(whole).collect(), |place, answer| {
        let min_score = batch.params(jobs[place] as usize).min_score;
        if answer.score as usize >= least_score(min_score) {
            results[place] = LocalResult {
                score: answer.score,
                query_end: answer.query_end,
                target_end: answer.target_end,
                second_score: answer.second_score,
                second_target_end: answer.second_target_end,
                ..Default::default()
            };
        }
    })?;
    let reversed = Reversed::new(task, jobs, &results);
    align(gpu, reversed.works(), |place, answer| {
        let result = &mut results[place];
        result.query_start = result.query_end.saturating_sub(answer.query_end);
        result.target_start = result.target_end.saturating_sub(answer.target_end);
    })?;
    Ok(results)
}

/// The pieces before the ends of a chunk's alignments, backwards, query after target after query.
#[derive(Default)]
struct Reversed {
    bases: Vec<u8>,
    /// The place in the chunk, and the lengths of query and target.
    pieces: Vec<(usize, usize, usize)>,
}

impl Reversed {
    fn new(task: &Task<'_, LocalBatch>, jobs: &[u32], results: &[LocalResult]) -> Self {
        let (mut reversed, mut pieces) = (Reversed::default(), Pieces::default());
        for (place, found) in results.iter().enumerate().filter(|(_, found)| found.score > 0) {
            pieces.take(task, jobs[place] as usize, found);
            let Pieces { query, target } = &pieces;
            reversed.bases.extend_from_slice(query);
            reversed.bases.extend_from_slice(target);
            reversed.pieces.push((place, query.len(), target.len()));
        }
        reversed
    }

    fn works(&self) -> Vec<Work<'_>> {
        let mut rest = &self.bases[..];
        let work = |&(place, rows, columns): &(usize, usize, usize)| {
            let (query, behind) = rest.split_at(rows);
            let (target, behind) = behind.split_at(columns);
            rest = behind;
            Work { place, query, target }
        };
        self.pieces.iter().map(work).collect()
    }
}

/// Runs all works, sorted by length, in as few dispatches as fit; gives every answer to `take`.
fn align(gpu: &mut Gpu, mut works: Vec<Work<'_>>, mut take: impl FnMut(usize, &Answer)) -> Result<(), GpuError> {
    works.sort_unstable_by_key(|work| (work.query.len(), work.target.len(), work.place));
    let mut rest = &works[..];
    while !rest.is_empty() {
        let sizes = rest.iter().take(MAX_JOBS).map(|work| (work.query.len(), work.target.len(), work.query.len()));
        let count = first_dispatch(sizes, workspace_bytes, gpu.device.max_binding_bytes);
        let (now, later) = rest.split_at(count);
        let answers = run(gpu, now)?;
        let answers: &[Answer] = bytemuck::cast_slice(&answers[..count * size_of::<Answer>() / 4]);
        now.iter().zip(answers).for_each(|(work, answer)| take(work.place, answer));
        rest = later;
    }
    Ok(())
}

/// Bytes of workspace a job takes; it is larger than what a job has in any other buffer.
fn workspace_bytes(extremes: &Extremes) -> u64 {
    extremes.columns.next_multiple_of(COLUMNS) as u64 * COLUMN_BYTES
}

fn run(gpu: &mut Gpu, works: &[Work<'_>]) -> Result<Vec<u32>, GpuError> {
    let mut bases = Vec::new();
    let mut extremes = Extremes::default();
    let mut jobs = Vec::with_capacity(works.len());
    for Work { query, target, .. } in works {
        extremes.include(query.len(), target.len(), query.len());
        jobs.push(Job {
            query_word: pack(&mut bases, query),
            target_word: pack(&mut bases, target),
            query_len: query.len() as u32,
            target_len: target.len() as u32,
        });
    }
    let count = works.len();
    let dispatch = Dispatch { job_count: count as u32, stride: count as u32 };
    let contents = [
        Content::Bytes(bytemuck::cast_slice(&jobs)),
        Content::Bytes(bytemuck::cast_slice(&bases)),
        Content::Size(workspace_bytes(&extremes) * count as u64),
        Content::Size((count * size_of::<Answer>()) as u64),
    ];
    let mut outputs = gpu
        .local
        .run(&gpu.device, &Call { passes: &[bytemuck::bytes_of(&dispatch)], contents: &contents, jobs: count })?;
    Ok(outputs.swap_remove(0))
}
