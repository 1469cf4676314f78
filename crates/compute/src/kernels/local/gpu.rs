//! `Local` on a device, one invocation a job, in two runs of one shader: scores, ends and second scores
//! of all jobs, then the starts of those that have an alignment, on their reversed pieces.

use std::borrow::Cow;

use super::layout::{Answer, Dispatch, Job, MAXIMUM_BYTES, ROLES, ROW_BYTES, SCORE_MAX, WGSL};
use super::simd::Pieces;
use super::{LocalResult, least_score};
use crate::gpu::chunks::{Extremes, first_dispatch, pack};
use crate::gpu::device::Device;
use crate::gpu::program::{Call, Content, Program};
use crate::gpu::{Gpu, GpuError};
use crate::kernels::lanes::Task;
use crate::{LocalBatch, Scoring};

/// What one invocation aligns.
struct Work<'a> {
    job: usize,
    query: Cow<'a, [u8]>,
    target: Cow<'a, [u8]>,
    goal: i32,
}

/// Compiles the shader.
pub(crate) fn program(device: &Device, scoring: &Scoring) -> Result<Program, GpuError> {
    Program::new(device, ("local", WGSL), &ROLES, scoring)
}

/// Answers what the device can take into `results`, indexed by job, which are all 0 before; returns the
/// jobs it cannot take.
pub(crate) fn local(
    gpu: &mut Gpu,
    task: &Task<'_, LocalBatch>,
    results: &mut [LocalResult],
) -> Result<Vec<usize>, GpuError> {
    let batch = task.batch;
    let (mut works, mut left) = (Vec::new(), Vec::new());
    for job in 0..batch.len() {
        let (query, target) = (batch.query(job), batch.target(job));
        let shorter = query.len().min(target.len());
        if shorter * usize::from(task.scoring.match_score) > SCORE_MAX {
            left.push(job);
        } else if shorter > 0 {
            works.push(Work { job, query: query.into(), target: target.into(), goal: 0 });
        }
    }
    align(gpu, works, |job, answer| {
        if answer.score as usize >= least_score(batch.params(job).min_score) {
            results[job] = LocalResult {
                score: answer.score,
                query_end: answer.query_end,
                target_end: answer.target_end,
                second_score: answer.second_score,
                second_target_end: answer.second_target_end,
                ..Default::default()
            };
        }
    })?;
    let mut works = Vec::new();
    for (job, found) in results.iter().enumerate().filter(|(_, found)| found.score > 0) {
        let mut pieces = Pieces::default();
        pieces.take(task, job, found);
        works.push(Work { job, query: pieces.query.into(), target: pieces.target.into(), goal: found.score });
    }
    align(gpu, works, |job, answer| {
        let result = &mut results[job];
        result.query_start = result.query_end.saturating_sub(answer.query_end);
        result.target_start = result.target_end.saturating_sub(answer.target_end);
    })?;
    Ok(left)
}

/// Runs all works, sorted by length, in as few dispatches as fit; gives every answer to `take`.
fn align(gpu: &mut Gpu, mut works: Vec<Work<'_>>, mut take: impl FnMut(usize, &Answer)) -> Result<(), GpuError> {
    works.sort_unstable_by_key(|work| (work.query.len(), work.target.len(), work.job));
    let mut rest = &works[..];
    while !rest.is_empty() {
        let sizes = rest.iter().map(|work| (work.query.len(), work.target.len(), work.query.len()));
        let count = first_dispatch(sizes, padded_bytes, gpu.device.max_binding_bytes);
        let (now, later) = rest.split_at(count);
        let answers = run(gpu, now)?;
        let answers: &[Answer] = bytemuck::cast_slice(&answers[..count * size_of::<Answer>() / 4]);
        now.iter().zip(answers).for_each(|(work, answer)| take(work.job, answer));
        rest = later;
    }
    Ok(())
}

/// Bytes a job takes in the largest interleaved or per-job buffer.
fn padded_bytes(extremes: &Extremes) -> u64 {
    let workspace = (extremes.rows as u64 + 1) * ROW_BYTES;
    let maxima = (extremes.columns as u64 + 1) * MAXIMUM_BYTES;
    workspace.max(maxima).max(size_of::<Job>() as u64)
}

fn run(gpu: &mut Gpu, works: &[Work<'_>]) -> Result<Vec<u32>, GpuError> {
    let mut bases = Vec::new();
    let mut extremes = Extremes::default();
    let mut jobs = Vec::with_capacity(works.len());
    for Work { query, target, goal, .. } in works {
        extremes.include(query.len(), target.len(), query.len());
        jobs.push(Job {
            query_word: pack(&mut bases, query),
            target_word: pack(&mut bases, target),
            query_len: query.len() as u32,
            target_len: target.len() as u32,
            goal: *goal,
        });
    }
    let count = works.len();
    let passes = extremes.passes().into_iter().map(|(first_column, last_column)| Dispatch {
        job_count: count as u32,
        stride: count as u32,
        first_column,
        last_column,
    });
    let passes: Vec<Dispatch> = passes.collect();
    let passes: Vec<&[u8]> = passes.iter().map(bytemuck::bytes_of).collect();
    let contents = [
        Content::Bytes(bytemuck::cast_slice(&jobs)),
        Content::Bytes(bytemuck::cast_slice(&bases)),
        Content::Size(((extremes.rows + 1) * count) as u64 * ROW_BYTES),
        Content::Size(((extremes.columns + 1) * count) as u64 * MAXIMUM_BYTES),
        Content::Size((count * size_of::<Answer>()) as u64),
    ];
    let mut outputs = gpu.local.run(&gpu.device, &Call { passes: &passes, contents: &contents, jobs: count })?;
    Ok(outputs.swap_remove(0))
}
