//! What is timed: the jobs of each mix, and an engine for each SIMD level.

use std::hint::black_box;

use svala_compute::selftest::{
    differing_extend, differing_global, differing_local, expected_extend, expected_global, expected_local,
};
use svala_compute::{
    Backend, Engine, EngineOptions, ExtendBatch, ExtendParams, GlobalBatch, GlobalParams, GlobalResults, LocalBatch,
    LocalParams, LocalResult, Scoring, SimdLevel,
};

pub const JOBS: usize = 4096;
const QUERY_BP: usize = 150;
const TARGET_BP: usize = 200;
const WINDOW_BP: usize = 600;
/// Jobs checked against the reference, spread over the batch.
const CHECKED: usize = 128;
const FITS: &str = "the job is within the limits";

/// One way to answer all jobs of a mix.
pub struct Contender {
    pub name: String,
    /// An engine of this crate, not a peer.
    pub ours: bool,
    pub work: Box<dyn FnMut()>,
}

/// Contenders on the same jobs, and the nominal cells of those.
pub struct Mix {
    pub cells: usize,
    pub contenders: Vec<Contender>,
}

/// Linear congruential, with Knuth's constants; the high bits are the good ones.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn bases(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(4) as u8).collect()
    }

    /// `source` with an indel of 3 if `indel`, cut to the query's length, with 2 % substitutions.
    fn read(&mut self, mut source: Vec<u8>, indel: bool) -> Vec<u8> {
        if indel {
            source.drain(60..63);
        }
        source.truncate(QUERY_BP);
        for base in &mut source {
            if self.below(50) == 0 {
                *base = self.below(4) as u8;
            }
        }
        source
    }
}

/// A query and a target of base codes.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Related pairs that start together; every fourth query has an indel.
fn anchored_pairs() -> Vec<Pair> {
    let mut random = Random(1);
    let pair = |job: usize| {
        let target = random.bases(TARGET_BP);
        (random.read(target.clone(), job.is_multiple_of(4)), target)
    };
    (0..JOBS).map(pair).collect()
}

/// Reads and the windows that mate rescue looks in, some of which hold the read at any place.
fn windows(hits_percent: usize) -> Vec<Pair> {
    let mut random = Random(2);
    let pair = |job: usize| {
        let target = random.bases(WINDOW_BP);
        let query = if job * 7 % 100 < hits_percent {
            let place = random.below((WINDOW_BP - QUERY_BP - 3) as u64) as usize;
            random.read(target[place..place + QUERY_BP + 3].to_vec(), job.is_multiple_of(4))
        } else {
            random.bases(QUERY_BP)
        };
        (query, target)
    };
    (0..JOBS).map(pair).collect()
}

fn engines() -> Vec<(String, Engine)> {
    let build = |backend, simd| Engine::new(EngineOptions { backend, simd, ..Default::default() });
    let levels = SimdLevel::available().into_iter().filter(|level| *level != SimdLevel::Portable);
    let mut engines: Vec<_> =
        levels.filter_map(|level| Some((level.to_string(), build(Backend::Cpu, Some(level)).ok()?))).collect();
    if std::env::var("SVALA_BENCH_GPU").is_ok_and(|value| value == "1") {
        match build(Backend::Gpu, None) {
            Ok(engine) => engines.push((engine.description(), engine)),
            Err(error) => eprintln!("no GPU is timed: {error}"),
        }
    }
    engines
}

/// The jobs that are checked against the reference.
fn sample() -> impl Iterator<Item = usize> + Clone {
    (0..JOBS).step_by(JOBS / CHECKED)
}

/// Contenders from one checked closure an engine; `answer` returns a sum over all results.
fn ours(mut build: impl FnMut(&str, Engine) -> (u64, Box<dyn FnMut()>)) -> Vec<Contender> {
    let mut sums = Vec::new();
    let mut contenders = Vec::new();
    for (name, engine) in engines() {
        let (sum, work) = build(&name, engine);
        sums.push(sum);
        contenders.push(Contender { name, ours: true, work });
    }
    assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "engines disagree: {sums:?}");
    contenders
}

/// Extension from the start of both.
pub fn extend(band: u16) -> Mix {
    let params = ExtendParams { initial_score: 30, band, z_drop: 100 };
    let pairs = anchored_pairs();
    let batch = |jobs: &mut dyn Iterator<Item = usize>| {
        let mut batch = ExtendBatch::new();
        for job in jobs {
            let (query, target) = &pairs[job];
            batch.push(query.iter().copied(), target.iter().copied(), params).expect(FITS);
        }
        batch
    };
    let expected = expected_extend(&batch(&mut sample()), &Scoring::default());
    #[allow(unused_mut, reason = "peers add themselves")]
    let mut contenders = ours(|name, engine| {
        let batch = batch(&mut (0..JOBS));
        let mut results = Vec::new();
        engine.extend(&batch, &mut results);
        let found: Vec<_> = sample().map(|job| results[job]).collect();
        assert!(differing_extend(&expected, &found).is_empty(), "{name} is wrong");
        let sum = results.iter().map(|r| r.score as u64 * 31 + u64::from(r.query_end * 7 + r.max_offset)).sum();
        (sum, Box::new(move || engine.extend(black_box(&batch), &mut results)))
    });
    #[cfg(feature = "peers")]
    contenders.extend(crate::peers::extend(&pairs, band));
    Mix { cells: QUERY_BP * TARGET_BP * JOBS, contenders }
}

/// Global alignment of a read and the target bases it covers, CIGAR included.
pub fn global(band: u16) -> Mix {
    let mut pairs = anchored_pairs();
    for (job, (query, target)) in pairs.iter_mut().enumerate() {
        target.truncate(query.len() + if job.is_multiple_of(4) { 3 } else { 0 });
    }
    let cells = pairs.iter().map(|(query, target)| query.len() * target.len()).sum();
    let batch = |jobs: &mut dyn Iterator<Item = usize>| {
        let mut batch = GlobalBatch::new();
        for job in jobs {
            let (query, target) = &pairs[job];
            batch.push(query.iter().copied(), target.iter().copied(), GlobalParams { band }).expect(FITS);
        }
        batch
    };
    let checked = batch(&mut sample());
    let expected = expected_global(&checked, &Scoring::default());
    #[allow(unused_mut, reason = "peers add themselves")]
    let mut contenders = ours(|name, engine| {
        let batch = batch(&mut (0..JOBS));
        let mut results = GlobalResults::new();
        engine.global(&batch, &mut results);
        let mut found = GlobalResults::new();
        engine.global(&checked, &mut found);
        assert!(differing_global(&expected, &found).is_empty(), "{name} is wrong");
        let row = |job: usize| results.score(job).unsigned_abs().wrapping_add(results.cigar(job).iter().sum());
        let sum = (0..JOBS).map(|job| u64::from(row(job))).sum();
        (sum, Box::new(move || engine.global(black_box(&batch), &mut results)))
    });
    #[cfg(feature = "peers")]
    contenders.extend(crate::peers::global(&pairs, band));
    Mix { cells, contenders }
}

/// Mate rescue: a read against a window that holds it in `hits_percent` of the jobs.
pub fn local(hits_percent: usize) -> Mix {
    let pairs = windows(hits_percent);
    let batch = |jobs: &mut dyn Iterator<Item = usize>| {
        let mut batch = LocalBatch::new();
        for job in jobs {
            let (query, target) = &pairs[job];
            batch.push(query.iter().copied(), target.iter().copied(), LocalParams { min_score: 25 }).expect(FITS);
        }
        batch
    };
    let expected = expected_local(&batch(&mut sample()), &Scoring::default());
    let contenders = ours(|name, engine| {
        let batch = batch(&mut (0..JOBS));
        let mut results = Vec::new();
        engine.local(&batch, &mut results);
        let found: Vec<_> = sample().map(|job| results[job]).collect();
        assert!(differing_local(&expected, &found).is_empty(), "{name} is wrong");
        let row = |r: &LocalResult| r.score as u64 * 31 + u64::from(r.query_start + 7 * r.target_start + r.target_end);
        let sum = results.iter().map(row).sum();
        (sum, Box::new(move || engine.local(black_box(&batch), &mut results)))
    });
    Mix { cells: QUERY_BP * WINDOW_BP * JOBS, contenders }
}
