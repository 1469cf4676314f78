//! The kinds of job that a proof has to hold, and that the generators make them: what isn't seen here isn't proved.

use super::cases::{SCORE_EDGES, extend_batch, global_batch, local_batch};
use super::{expected_extend, expected_global, expected_local, prove};
use crate::kernels::global;
use crate::{
    Backend, Engine, EngineOptions, ExtendParams, ExtendResult, GlobalParams, LocalParams, LocalResult, Scoring,
};

const JOBS: usize = 20_000;

/// A job with its reference's answer.
struct Seen<'a, P, R> {
    query: &'a [u8],
    target: &'a [u8],
    params: P,
    result: R,
    scoring: Scoring,
}

/// A kind's name and how a job of it is known.
type Kind<P, R> = (&'static str, fn(&Seen<'_, P, R>) -> bool);

/// Kinds of sequences, the same for every kernel.
fn sequences<P, R>() -> Vec<Kind<P, R>> {
    vec![
        ("no query", |s| s.query.is_empty() && !s.target.is_empty()),
        ("no target", |s| s.target.is_empty() && !s.query.is_empty()),
        ("nothing at all", |s| s.query.is_empty() && s.target.is_empty()),
        ("one base against one", |s| (s.query.len(), s.target.len()) == (1, 1)),
        ("nothing but N in the query", |s| s.query.len() > 9 && only(s.query, 4) && !only(s.target, 4)),
        ("nothing but N in the target", |s| s.target.len() > 9 && only(s.target, 4) && !only(s.query, 4)),
        ("single N", |s| s.query.contains(&4) && s.query.iter().filter(|&&base| base == 4).count() < s.query.len() / 3),
        ("one letter", |s| s.query.len().min(s.target.len()) > 9 && only(s.query, 2) && only(s.target, 2)),
        ("tandem repeat", |s| s.target.len() > 60 && (2..7).any(|unit| has_period(s.target, unit))),
        ("equal", |s| s.query.len() > 60 && s.query == s.target),
        ("longer than 8-bit positions", |s| s.query.len() > 255 && s.target.len() > 255),
    ]
}

fn only(bases: &[u8], code: u8) -> bool {
    bases.iter().all(|&base| base == code)
}

fn has_period(bases: &[u8], unit: usize) -> bool {
    bases.iter().zip(&bases[unit..]).all(|(a, b)| a == b) && !only(bases, bases[0])
}

/// Fails if one of `kinds` has less than 5 of the jobs.
fn check<P, R>(kinds: &[Kind<P, R>], seen: &[Seen<'_, P, R>]) {
    for (name, is_kind) in kinds {
        let count = seen.iter().filter(|job| is_kind(job)).count();
        assert!(count >= 5, "only {count} of {} jobs are of the kind: {name}", seen.len());
    }
}

/// Fails if there is no query or target around a length at which lanes of some width, words of eight bases or work-groups
/// end.
fn check_lengths<P, R>(seen: &[Seen<'_, P, R>]) {
    for edge in [8, 16, 32, 64, 128, 255] {
        for length in edge - 1..=edge + 1 {
            let count = |of: fn(&Seen<'_, P, R>) -> usize| seen.iter().filter(|job| of(job) == length).count();
            assert!(count(|job| job.query.len()).min(count(|job| job.target.len())) >= 5, "length {length}");
        }
    }
}

/// Fails if one of `scores` around `edge` doesn't occur.
fn check_edge(edge: usize, scores: impl Iterator<Item = i32> + Clone) {
    for score in [edge - 1, edge, edge + 1] {
        assert!(scores.clone().any(|found| found == score as i32), "no job has the score {score}");
    }
}

#[test]
fn extension_jobs_are_of_every_kind() {
    let scoring = Scoring::default();
    let batch = extend_batch(JOBS, 1, &scoring);
    let results = expected_extend(&batch, &scoring);
    let seen = |job: usize| {
        let (query, target) = (batch.query(job), batch.target(job));
        Seen { query, target, params: batch.params(job), result: results[job], scoring }
    };
    let seen: Vec<_> = (0..JOBS).map(seen).collect();
    let own: [Kind<ExtendParams, ExtendResult>; 7] = [
        // The best score is in the last row too, and not where the tie rule finds it.
        ("ties", |s| s.result.end_score == s.result.score && s.result.query_end < s.query.len() as u32),
        ("no anchor score", |s| s.params.initial_score == 0 && !s.query.is_empty()),
        ("no band", |s| usize::from(s.params.band) > s.query.len().max(s.target.len())),
        ("only the diagonal", |s| s.params.band == 0 && s.result.target_end > 0),
        ("end not reached", |s| s.result.end_score == -1),
        ("off the diagonal", |s| s.result.max_offset > 3),
        ("z-drop of 1", |s| s.params.z_drop == 1 && s.result.target_end > 0),
    ];
    check(&sequences(), &seen);
    check(&own, &seen);
    check_lengths(&seen);
    for edge in SCORE_EDGES {
        check_edge(edge, results.iter().map(|result| result.score));
    }
}

#[test]
fn global_jobs_are_of_every_kind() {
    let scoring = Scoring::default();
    let batch = global_batch(JOBS, 1, &scoring);
    let results = expected_global(&batch, &scoring);
    let seen = |job: usize| {
        let (query, target) = (batch.query(job), batch.target(job));
        Seen { query, target, params: batch.params(job), result: results.cigar(job).to_vec(), scoring }
    };
    let seen: Vec<_> = (0..JOBS).map(seen).collect();
    let own: [Kind<GlobalParams, Vec<u32>>; 4] = [
        // Backwards the same rule finds another path of the same score.
        ("ties", |s| s.result.len() > 2 && has_another_path(s)),
        ("wider than its band", |s| s.query.len().abs_diff(s.target.len()) > usize::from(s.params.band)),
        ("only the diagonal", |s| s.params.band == 0 && s.query.len() == s.target.len() && s.query.len() > 1),
        ("many runs", |s| s.result.len() > 9),
    ];
    check(&sequences(), &seen);
    check(&own, &seen);
    check_lengths(&seen);
}

fn has_another_path(seen: &Seen<'_, GlobalParams, Vec<u32>>) -> bool {
    let reversed = |bases: &[u8]| bases.iter().rev().copied().collect::<Vec<u8>>();
    let (_, mut cigar) = global::reference(&reversed(seen.query), &reversed(seen.target), seen.params, &seen.scoring);
    cigar.reverse();
    cigar != seen.result
}

#[test]
fn global_jobs_reach_the_limits_of_lanes() {
    let dear = Scoring { match_score: 100, mismatch: 155, ..Default::default() };
    for (scoring, limit) in [(Scoring::default(), 255), (dear, 65_535)] {
        let batch = global_batch(4000, 1, &scoring);
        let results = expected_global(&batch, &scoring);
        let loss = |job: usize| scoring.match_score as i32 * batch.query(job).len() as i32 - results.score(job);
        for edge in [limit - 1, limit, limit + 1] {
            assert!((0..4000).any(|job| loss(job) == edge), "no job loses {edge}");
        }
    }
}

#[test]
fn local_jobs_are_of_every_kind() {
    let scoring = Scoring::default();
    let batch = local_batch(JOBS, 1, &scoring);
    let results = expected_local(&batch, &scoring);
    let seen = |job: usize| {
        let (query, target) = (batch.query(job), batch.target(job));
        Seen { query, target, params: batch.params(job), result: results[job], scoring }
    };
    let seen: Vec<_> = (0..JOBS).map(seen).collect();
    let own: [Kind<LocalParams, LocalResult>; 4] = [
        ("ties", |s| s.result.second_score == s.result.score && s.result.score > 9),
        ("just an alignment", |s| s.result.score == i32::from(s.params.min_score) && s.result.score > 9),
        ("no alignment", |s| s.result.score == 0 && s.params.min_score > 9 && s.query.len() > 20),
        ("begins inside", |s| s.result.query_start > 0 && s.result.target_start > 0),
    ];
    check(&sequences(), &seen);
    check(&own, &seen);
    check_lengths(&seen);
    // The largest score that 8-bit lanes keep is 254.
    for edge in [254, 255] {
        check_edge(edge, results.iter().map(|result| result.score));
    }
    let scoring = Scoring { match_score: 100, ..Default::default() };
    let results = expected_local(&local_batch(4000, 1, &scoring), &scoring);
    for edge in [32_767, 65_535] {
        let beside =
            |score: i32| results.iter().any(|result| (result.score - score).abs() < 100 && result.score != score);
        assert!(beside(edge), "no score is a match or less from {edge}");
    }
}

/// Batches end around the ends of groups of lanes and of work-groups.
#[test]
fn batches_are_of_every_size() {
    let sizes: Vec<usize> = super::batch_ranges(200_000).map(|range| range.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 200_000);
    for edge in [8, 16, 32, 64, 128] {
        assert!((edge - 1..=edge + 1).all(|size| sizes.contains(&size)), "{edge}");
    }
    assert!(sizes.contains(&1) && sizes.contains(&super::BATCH_JOBS));
}

/// A proof of several batches counts every job once, whatever threads did it.
#[test]
fn a_proof_compares_all_jobs() {
    let engine = Engine::new(EngineOptions { backend: Backend::Cpu, ..Default::default() }).unwrap();
    let report = prove(&engine, 3000, 7);
    let counters = engine.counters();
    assert!(report.holds(), "{report:?}");
    assert_eq!([counters.extend_jobs, counters.global_jobs, counters.local_jobs, report.jobs as u64], [3000; 4]);
}
