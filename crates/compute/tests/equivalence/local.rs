//! The cases of `Local` that no other kernel has.

use libtest_mimic::Failed;
use svala_compute::selftest::{differing_local, expected_local, local_batch};
use svala_compute::{Engine, LocalBatch, LocalParams, Scoring};

use super::Target;

/// Fails with the first job whose result differs from the reference's.
pub fn check(engine: &Engine, batch: &LocalBatch) -> Result<(), Failed> {
    let mut results = vec![Default::default(); 3];
    engine.local(batch, &mut results);
    let expected = expected_local(batch, engine.scoring());
    match differing_local(&expected, &results).first() {
        None => Ok(()),
        Some(&job) => {
            let (query, target) = (batch.query(job), batch.target(job));
            let (expected, found) = (expected[job], results.get(job));
            Err(format!("{query:?}\n{target:?}\nexpected {expected:?}\nfound    {found:?}").into())
        }
    }
}

/// Local jobs that break kernels: nothing but N, one letter, tandem repeats, scores at the edges of
/// lanes, two equal hits around the exclusion's edge, and empty sequences between full ones.
pub fn hard(target: Target) -> Result<(), Failed> {
    let ramp = |length: usize| (0..length).map(|k| (k * k % 11 % 4) as u8).collect::<Vec<u8>>();
    for match_score in [1, 2, 7, 100] {
        let scoring = Scoring { match_score, ..Default::default() };
        let engine = target.engine(scoring)?;
        let mut batch = LocalBatch::new();
        let any = LocalParams { min_score: 0 };
        for edge in [255, 65_535] {
            let last = edge / usize::from(match_score);
            for length in (last.saturating_sub(1)..=last + 1).filter(|&length| length <= 1024) {
                batch.push(ramp(length), ramp(length + 40), any)?;
                batch.push(vec![3; length], vec![3; length + 9], any)?;
                for min_score in [edge as u16 - 1, edge as u16] {
                    batch.push(ramp(length), ramp(length), LocalParams { min_score })?;
                }
            }
        }
        for (m, n) in [(0, 0), (0, 30), (30, 0), (1, 1), (1, 600), (150, 1), (150, 600), (9, 254), (9, 255), (9, 509)] {
            batch.push(vec![4; m], vec![4; n], any)?;
            batch.push(vec![0; m], vec![0; n], any)?;
            batch.push(ramp(3).into_iter().cycle().take(m), ramp(3).into_iter().cycle().take(n), any)?;
            batch.push(vec![4; m], ramp(n), any)?;
            batch.push(ramp(m), ramp(n), any)?;
        }
        for gap in 0..4 {
            let copies = [ramp(40), vec![4; gap], ramp(40), vec![4; 3 * gap], ramp(40)].concat();
            batch.push(ramp(40), copies, any)?;
        }
        check(&engine, &batch)?;
    }
    Ok(())
}

/// What a mapper sends for mate rescue: full groups of one size, with and without a hit.
pub fn mate_rescue(target: Target) -> Result<(), Failed> {
    let scoring = Scoring::default();
    let engine = target.engine(scoring)?;
    let generated = local_batch(target.jobs(280), 78, &scoring);
    let mut batch = LocalBatch::new();
    for job in (0..generated.len()).filter(|&job| generated.query(job).len().min(generated.target(job).len()) > 0) {
        let query = generated.query(job).iter().copied().cycle().take(150);
        let mut window: Vec<u8> = (0..600).map(|k| ((k * k + job) % 13 % 4) as u8).collect();
        let place = job * 7 % 500;
        let hit = generated.target(job);
        let end = (place + hit.len()).min(600);
        window[place..end].copy_from_slice(&hit[..end - place]);
        batch.push(query, window, LocalParams { min_score: 19 })?;
    }
    check(&engine, &batch)
}
