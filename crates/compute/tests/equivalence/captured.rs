//! Jobs captured from a real run: the committed sample, or what `SVALA_CAPTURED` names (made by the example `capture_jobs`).

use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use libtest_mimic::Failed;
use svala_compute::selftest::{
    CapturedJobs, differing_extend, differing_global, differing_local, expected_extend, expected_global, expected_local,
};
use svala_compute::{GlobalResults, Scoring};

use super::Target;

/// All captured jobs of each kernel get the scalar reference's answer.
pub fn all(target: Target) -> Result<(), Failed> {
    let jobs = read()?;
    let scoring = Scoring::default();
    let engine = target.engine(scoring)?;
    let (mut extended, mut aligned, mut found) = (Vec::new(), GlobalResults::default(), Vec::new());
    engine.extend(&jobs.extend, &mut extended);
    engine.global(&jobs.global, &mut aligned);
    engine.local(&jobs.local, &mut found);
    let wrong = [
        differing_extend(&expected_extend(&jobs.extend, &scoring), &extended).len(),
        differing_global(&expected_global(&jobs.global, &scoring), &aligned).len(),
        differing_local(&expected_local(&jobs.local, &scoring), &found).len(),
    ];
    let counts = [jobs.extend.len(), jobs.global.len(), jobs.local.len()];
    if counts[..2].contains(&0) {
        return Err(format!("too few jobs: {counts:?} of extend, global and local").into());
    }
    println!("{}: {counts:?} extend, global and local jobs", target.name());
    if wrong == [0; 3] { Ok(()) } else { Err(format!("wrong answers: {wrong:?} of {counts:?}").into()) }
}

fn read() -> Result<CapturedJobs, Failed> {
    let committed = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/chr20_150.jobs.gz"));
    let path = std::env::var_os("SVALA_CAPTURED").map_or_else(committed, PathBuf::from);
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    Ok(CapturedJobs::read(&bytes)?)
}
