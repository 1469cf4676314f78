//! Generated jobs: the lengths, sequences and parameters at which kernels break. Which kinds of job have to occur is listed
//! in `coverage.rs`, which fails if one doesn't.

use super::random::Random;
use crate::{ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, LocalBatch, LocalParams, MAX_QUERY, Scoring};

/// Lengths around the ends of words, lanes and 8-bit positions.
const EDGES: [usize; 21] = [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 254, 255, 256];

/// The largest numbers of 8-bit, half-float, 16-bit signed and 16-bit unsigned lanes. Scores are put around them.
pub(super) const SCORE_EDGES: [usize; 5] = [255, 1024, 2048, 32_767, 65_535];

/// Bases on each side of a gap, enough that nothing else explains them.
const AROUND_A_GAP: usize = 100;

/// Mostly short: what breaks a kernel is an edge, and the reference is slow.
fn length(random: &mut Random) -> usize {
    match random.below(100) {
        0 => 300 + random.below(200),
        1..10 => random.pick(&EDGES),
        10..40 => random.pick(&EDGES[..15]),
        _ => random.below(90),
    }
}

/// A query and a target.
fn pair(random: &mut Random) -> (Vec<u8>, Vec<u8>) {
    let (m, n) = (length(random), length(random));
    match random.below(12) {
        0 => (random.bases(m, 4), random.bases(n, 4)),
        1 => (vec![2; m], vec![2; n]),
        2 => (vec![4; m], random.bases(n, 5)),
        3 => (random.bases(m, 2), random.bases(n, 2)),
        4 => {
            let repeat = random.repeat(6, n);
            (random.mutate(&repeat, 20), repeat)
        }
        5 => {
            let target = random.bases(n, 5);
            (random.mutate(&target, 15), target)
        }
        6 => (random.bases(m, 5), vec![4; n]),
        7 => {
            let longer = random.bases(m.max(n), 4);
            (longer[..m].to_vec(), longer[..n].to_vec())
        }
        kind => {
            let target = random.bases(n, 4);
            let query = random.mutate(&target, if kind == 8 { 6 } else { 40 });
            (query.into_iter().take(m.max(20)).collect(), target)
        }
    }
}

fn band(random: &mut Random) -> u16 {
    random.pick(&[0, 1, 2, 5, 20, 50, 100, 100, 100, 1000, u16::MAX])
}

/// An anchor score; some bring the best possible score to the edge of a lane.
fn initial_score(random: &mut Random, gain: usize) -> u16 {
    let edge = random.pick(&SCORE_EDGES);
    match random.below(4) {
        0 => (edge + 1 - random.below(3)).saturating_sub(gain).min(65_535) as u16,
        1 => random.below(12) as u16,
        _ => random.below(120) as u16,
    }
}

/// `jobs` extension jobs; the scoring scheme only places scores at the edges of lanes.
pub fn extend_batch(jobs: usize, seed: u64, scoring: &Scoring) -> ExtendBatch {
    let mut random = Random(seed);
    let mut batch = ExtendBatch::new();
    while batch.len() < jobs {
        let (query, target) = pair(&mut random);
        let gain = usize::from(scoring.match_score) * query.len().min(target.len());
        let params = ExtendParams {
            initial_score: initial_score(&mut random, gain),
            band: band(&mut random),
            z_drop: random.pick(&[0, 0, 1, 5, 20, 100, u16::MAX]),
        };
        // Nothing generated is too long; a refused job would only be replaced by the next one.
        let _ = batch.push(query, target, params);
    }
    batch
}

/// `jobs` global jobs; where the scoring scheme lets a job that short reach the limit of 16-bit lanes, some do.
pub fn global_batch(jobs: usize, seed: u64, scoring: &Scoring) -> GlobalBatch {
    let mut random = Random(seed ^ 0x676c_6f62_616c);
    let mut batch = GlobalBatch::new();
    while batch.len() < jobs {
        let at_limit = if random.below(100) == 0 { global_at_limit(&mut random, scoring) } else { None };
        let band = if at_limit.is_some() { u16::MAX } else { band(&mut random) };
        let (query, target) = at_limit.unwrap_or_else(|| pair(&mut random));
        let params = GlobalParams { band };
        // As above: nothing generated is refused.
        let _ = batch.push(query, target, params);
    }
    batch
}

/// A pair that loses, against a match for every query base, one less than the limit of a lane, as much, or one more; `None` if
/// the scheme brings no job of moderate size there.
fn global_at_limit(random: &mut Random, scoring: &Scoring) -> Option<(Vec<u8>, Vec<u8>)> {
    let loss = random.pick(&[255, 65_535]) + 1 - random.below(3);
    let (deletion_open, deletion_base) =
        (usize::from(scoring.deletion_open), usize::from(scoring.deletion_extend).max(1));
    let insertion_base = usize::from(scoring.insertion_extend) + usize::from(scoring.match_score);
    let deletions = |loss: usize| loss.checked_sub(deletion_open).filter(|rest| rest.is_multiple_of(deletion_base));
    let (inserted, deleted) = match deletions(loss) {
        Some(rest) if rest / deletion_base < MAX_QUERY => (0, rest / deletion_base),
        _ => {
            let rest = loss.checked_sub(usize::from(scoring.insertion_open))?;
            // What whole inserted bases leave over is lost by a deletion elsewhere.
            let left = rest % insertion_base;
            let inserted = (rest / insertion_base).checked_sub(usize::from(left < deletion_open))?;
            (inserted, deletions(rest - inserted * insertion_base)? / deletion_base)
        }
    };
    if inserted.max(deleted) > MAX_QUERY - 3 * AROUND_A_GAP {
        return None;
    }
    // Letters of their own, or cheap gaps would find matches between the two.
    let kept = [(); 3].map(|()| random.bases(AROUND_A_GAP, 2));
    let query = [kept[0].clone(), vec![2; inserted], kept[1].clone(), kept[2].clone()].concat();
    let target = [kept[0].clone(), kept[1].clone(), vec![3; deleted], kept[2].clone()].concat();
    Some((query, target))
}

/// `jobs` local jobs: those of the other kernels, queries of the length that scores at the edge of a lane, and
/// targets that hold the query once, twice, or in tandem.
pub fn local_batch(jobs: usize, seed: u64, scoring: &Scoring) -> LocalBatch {
    let mut random = Random(seed ^ 0x006c_6f63_616c);
    let mut batch = LocalBatch::new();
    while batch.len() < jobs {
        let (mut query, mut target) = pair(&mut random);
        match random.below(40) {
            0 => {
                // As many matches as a lane holds, and one or two more or less; seldom the long ones where they have to be
                // very long.
                let seldom = if scoring.match_score < 32 { 20 } else { 2 };
                let edge = if random.below(seldom) == 0 { random.pick(&SCORE_EDGES) } else { SCORE_EDGES[0] };
                let matches = |edge: usize, off: usize| (edge + 2 - off).div_ceil(usize::from(scoring.match_score));
                let off = random.below(5);
                let longest = matches(edge, off);
                query = random.bases(if longest <= MAX_QUERY { longest } else { matches(SCORE_EDGES[0], off) }, 4);
                target = [random.bases(9, 4), query.clone(), random.bases(9, 4)].concat();
            }
            1..6 => {
                let (gap, copy) = (length(&mut random) / 4, random.mutate(&query, 30));
                target = [random.bases(5, 4), copy, random.bases(gap, 4), query.clone()].concat();
            }
            6..10 => {
                let unit = 1 + random.below(20);
                let repeat = random.repeat(unit, 10 * unit);
                query = repeat[..3 * unit].to_vec();
                target = random.mutate(&repeat, 25);
            }
            _ => {}
        }
        let min_score = random.pick(&[0, 0, 0, 1, 10, 19, 19, 30, 254, 255, 256, u16::MAX]);
        // As above: nothing generated is refused.
        let _ = batch.push(query, target, LocalParams { min_score });
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_everything() {
        let scoring = Scoring::default();
        let jobs = |seed| {
            let batch = extend_batch(40, seed, &scoring);
            let row = |k| (batch.query(k).to_vec(), batch.target(k).to_vec(), batch.params(k));
            (0..40).map(row).collect::<Vec<_>>()
        };
        assert_eq!(jobs(3), jobs(3));
        assert_ne!(jobs(3), jobs(4));
    }
}
