//! Distrust of devices while running: each of their answers must be possible, and a sample is answered again on the CPU.
//!
//! The sample depends on the numbers of jobs and of their batch alone, so a run with one device checks the same jobs each time,
//! and every place in a batch has its turn. A device with a wrong answer is taken out of service, and all that it took of that
//! batch is redone on the CPU. What it answered of earlier batches stays: there its sample was right.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use fearless_simd::Level;

use crate::counters::{LiveCounters, add};
use crate::gpu::GpuError;
use crate::kernels::global::results::Unordered;
use crate::kernels::lanes::Task;
use crate::kernels::{extend, global, local};
use crate::{Error, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults, LocalBatch, LocalResult, Scoring};

/// How many of the jobs that GPUs answer the CPU answers again. The choice cannot change a result of a GPU that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpuCheck {
    /// One in so many, and at least one of each device's in a batch.
    OneIn(NonZeroU32),
    /// None.
    Off,
}

impl Default for GpuCheck {
    /// One in a thousand.
    fn default() -> Self {
        const THOUSAND: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);
        GpuCheck::OneIn(THOUSAND)
    }
}

impl fmt::Display for GpuCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GpuCheck::OneIn(jobs) => jobs.fmt(f),
            GpuCheck::Off => f.write_str("off"),
        }
    }
}

impl FromStr for GpuCheck {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "off" => Ok(GpuCheck::Off),
            _ => text.parse().map(GpuCheck::OneIn).map_err(|_| Error::Name {
                what: "share of jobs to check",
                name: text.to_owned(),
                expected: "a number from 1 on, off",
            }),
        }
    }
}

impl GpuCheck {
    /// The places of `jobs` to check in batch number `turn`: those of the jobs whose turn it is, or else of any one.
    fn sample(self, turn: u64, jobs: impl ExactSizeIterator<Item = u32>) -> Vec<usize> {
        let GpuCheck::OneIn(share) = self else { return Vec::new() };
        let (share, count) = (u64::from(share.get()), jobs.len());
        let has_turn = |(_, job): &(usize, u32)| u64::from(*job) % share == turn % share;
        let mut places: Vec<usize> = jobs.enumerate().filter(has_turn).map(|(place, _)| place).collect();
        if places.is_empty() && count > 0 {
            places.push((turn % count as u64) as usize);
        }
        places
    }
}

/// The check of what devices answer of one batch.
pub(crate) struct Checker<'e> {
    pub(crate) check: GpuCheck,
    /// The number of the batch.
    pub(crate) turn: u64,
    pub(crate) scoring: &'e Scoring,
    pub(crate) level: Level,
    pub(crate) counters: &'e LiveCounters,
}

impl Checker<'_> {
    /// Fails if a device's answers to extension jobs can't be right, or a checked one isn't.
    pub(crate) fn extend(&self, batch: &ExtendBatch, answers: &[(u32, ExtendResult)]) -> Result<(), GpuError> {
        self.all_possible(
            answers.iter().map(|(job, found)| extend::is_possible(batch, *job as usize, self.scoring, found)),
        )?;
        let places = self.check.sample(self.turn, answers.iter().map(|(job, _)| *job));
        let sample = batch.picked(places.iter().map(|&place| answers[place].0));
        let mut right = vec![ExtendResult::default(); places.len()];
        extend::simd::extend(self.level, &Task::new(&sample, self.scoring), 0..places.len(), &mut right);
        self.all_right(places.iter().zip(&right).map(|(&place, right)| answers[place].1 == *right))
    }

    /// Fails if a device's answers to global jobs can't be right, or a checked one isn't.
    pub(crate) fn global(&self, batch: &GlobalBatch, answers: &Unordered) -> Result<(), GpuError> {
        let rows = || (0..answers.len()).map(|place| answers.row(place));
        self.all_possible(rows().map(|(job, _, cigar)| global::is_possible(batch, job as usize, cigar)))?;
        let places = self.check.sample(self.turn, rows().map(|(job, ..)| job));
        let sample = batch.picked(places.iter().map(|&place| answers.row(place).0));
        let (mut found, mut right) = (Unordered::default(), GlobalResults::new());
        global::simd::global(self.level, &Task::new(&sample, self.scoring), 0..places.len(), &mut found);
        found.finish(&mut right);
        self.all_right(places.iter().enumerate().map(|(k, &place)| {
            let (_, score, cigar) = answers.row(place);
            (score, cigar) == (right.score(k), right.cigar(k))
        }))
    }

    /// Fails if a device's answers to local jobs can't be right, or a checked one isn't.
    pub(crate) fn local(&self, batch: &LocalBatch, answers: &[(u32, LocalResult)]) -> Result<(), GpuError> {
        self.all_possible(answers.iter().map(|(job, found)| local::is_possible(batch, *job as usize, found)))?;
        let places = self.check.sample(self.turn, answers.iter().map(|(job, _)| *job));
        let sample = batch.picked(places.iter().map(|&place| answers[place].0));
        let mut right = vec![LocalResult::default(); places.len()];
        local::simd::local(self.level, &Task::new(&sample, self.scoring), 0..places.len(), &mut right);
        self.all_right(places.iter().zip(&right).map(|(&place, right)| answers[place].1 == *right))
    }

    fn all_possible(&self, possible: impl Iterator<Item = bool>) -> Result<(), GpuError> {
        match possible.filter(|possible| !possible).count() {
            0 => Ok(()),
            wrong => Err(self.refuse(wrong, "that no such job can have")),
        }
    }

    fn all_right(&self, right: impl ExactSizeIterator<Item = bool>) -> Result<(), GpuError> {
        let checked = right.len();
        add(&self.counters.checked_jobs, checked);
        match right.filter(|right| !right).count() {
            0 => Ok(()),
            wrong => Err(self.refuse(wrong, &format!("of {checked} that the CPU checked"))),
        }
    }

    fn refuse(&self, wrong: usize, which: &str) -> GpuError {
        add(&self.counters.wrong_jobs, wrong);
        GpuError(format!("WRONG RESULTS, {wrong} {which}; don't trust this device and its driver"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selftest::{expected_extend, expected_global, expected_local, extend_batch, global_batch, local_batch};

    const JOBS: usize = 40;

    fn one_in(jobs: u32) -> GpuCheck {
        NonZeroU32::new(jobs).map_or(GpuCheck::Off, GpuCheck::OneIn)
    }

    /// Whether a check of every job accepts, and what it counted.
    fn verdict(check: GpuCheck, look: impl Fn(&Checker<'_>) -> Result<(), GpuError>) -> (bool, u64, u64) {
        let counters = LiveCounters::default();
        let checker =
            Checker { check, turn: 5, scoring: &Scoring::default(), level: Level::new(), counters: &counters };
        let accepted = look(&checker).is_ok();
        let counted = counters.snapshot();
        (accepted, counted.checked_jobs, counted.wrong_jobs)
    }

    /// Spoils each word of each row of a batch's right answers in turn; all must be found, and all right ones accepted.
    fn finds_every_spoilt_word<R: bytemuck::Pod>(
        right: &[R],
        look: impl Fn(&Checker<'_>, &[(u32, R)]) -> Result<(), GpuError>,
    ) {
        let numbered: Vec<(u32, R)> = (0..).zip(right.iter().copied()).collect();
        let judge = |check, rows: &[(u32, R)]| verdict(check, |checker| look(checker, rows));
        assert_eq!(judge(one_in(1), &numbered), (true, right.len() as u64, 0));
        for place in 0..right.len() {
            for word in 0..size_of::<R>() / 4 {
                for change in [1, 1 << 31] {
                    let mut spoilt = numbered.clone();
                    bytemuck::cast_slice_mut::<R, u32>(std::slice::from_mut(&mut spoilt[place].1))[word] ^= change;
                    let (accepted, _, wrong) = judge(one_in(1), &spoilt);
                    assert!(!accepted && wrong == 1, "word {word} of job {place} changed by {change}");
                }
            }
        }
    }

    #[test]
    fn one_wrong_word_of_any_answer_is_found() {
        let scoring = Scoring::default();
        let batch = extend_batch(JOBS, 7, &scoring);
        finds_every_spoilt_word(&expected_extend(&batch, &scoring), |checker, rows| checker.extend(&batch, rows));
        let batch = local_batch(JOBS, 7, &scoring);
        finds_every_spoilt_word(&expected_local(&batch, &scoring), |checker, rows| checker.local(&batch, rows));
    }

    #[test]
    fn a_wrong_score_or_run_of_any_cigar_is_found() {
        let batch = global_batch(JOBS, 7, &Scoring::default());
        let right = expected_global(&batch, &Scoring::default());
        // The row to spoil, and the run of its CIGAR, or else the score.
        let judge = |row: usize, run: Option<usize>, change: u32| {
            let mut answers = Unordered::default();
            for job in 0..right.len() {
                let (mut score, mut cigar) = (right.score(job), right.cigar(job).to_vec());
                match run.filter(|_| job == row) {
                    Some(run) => cigar[run] ^= change,
                    None if job == row => score ^= change as i32,
                    None => {}
                }
                answers.push(job as u32, score, cigar);
            }
            verdict(one_in(1), |checker| checker.global(&batch, &answers))
        };
        assert_eq!(judge(JOBS, None, 1), (true, JOBS as u64, 0));
        for row in 0..JOBS {
            for run in (0..right.cigar(row).len()).map(Some).chain([None]) {
                for change in [1, 3, 1 << 4, 1 << 31] {
                    let (accepted, _, wrong) = judge(row, run, change);
                    assert!(!accepted && wrong == 1, "run {run:?} of job {row} changed by {change}");
                }
            }
        }
    }

    #[test]
    fn without_a_check_only_what_is_possible_passes() {
        let scoring = Scoring::default();
        let batch = extend_batch(JOBS, 7, &scoring);
        let mut rows: Vec<_> = (0..).zip(expected_extend(&batch, &scoring)).collect();
        let place = rows.iter().position(|(_, found)| found.score > 1).unwrap();
        rows[place].1.score -= 1;
        assert_eq!(verdict(GpuCheck::Off, |checker| checker.extend(&batch, &rows)), (true, 0, 0));
        rows[place].1.query_end = 5000;
        assert_eq!(verdict(GpuCheck::Off, |checker| checker.extend(&batch, &rows)), (false, 0, 1));
    }

    #[test]
    fn every_job_has_its_turn_and_every_batch_a_check() {
        let sample = |check: GpuCheck, turn, jobs: &[u32]| check.sample(turn, jobs.iter().copied());
        let jobs: Vec<u32> = (0..50).rev().collect();
        let mut seen = vec![0; 50];
        for turn in 100..107 {
            sample(one_in(7), turn, &jobs).into_iter().for_each(|place| seen[place] += 1);
        }
        assert_eq!(seen, [1; 50]);
        for turn in 0..300 {
            assert_eq!(sample(one_in(1000), turn, &jobs).len(), 1);
            assert_eq!(sample(one_in(1), turn, &jobs).len(), 50);
            assert!(sample(one_in(1000), turn, &[]).is_empty() && sample(GpuCheck::Off, turn, &jobs).is_empty());
        }
        let many: Vec<u32> = (0..100_000).collect();
        assert_eq!(sample(GpuCheck::default(), 12, &many).len(), 100);
    }

    #[test]
    fn names_round_trip() {
        for name in ["off", "1", "1000"] {
            assert_eq!(name.parse::<GpuCheck>().unwrap().to_string(), name);
        }
        assert_eq!(GpuCheck::default().to_string(), "1000");
        for wrong in ["", "0", "-1", "on", "1.5"] {
            assert!(wrong.parse::<GpuCheck>().is_err(), "{wrong}");
        }
    }
}
