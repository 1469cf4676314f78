//! What a comparison found, and the figures that tables and plots take from it.

use crate::aligners::SVALA;
use crate::machine::Machine;
use crate::measure::Usage;
use crate::number::thousands;
use crate::sam::Tally;
use crate::stats::Spread;

/// Fewer rounds than this have no median to speak of.
const ENOUGH_ROUNDS: usize = 3;

/// What was compared on what, and what came out.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// File name of the reference.
    pub reference: String,
    /// File names of the reads.
    pub read_files: Vec<String>,
    /// Number of reads, mates counted singly.
    pub reads: u64,
    /// Length of the reads, in bases.
    pub read_bp: usize,
    /// Mapping threads.
    pub threads: u32,
    /// Whether the truth is known, and correct and wrong reads counted.
    pub with_truth: bool,
    /// The aligners, in the order in which they ran.
    pub entries: Vec<Entry>,
}

/// One aligner's results.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The mapping command, without folders.
    pub command: String,
    /// The timed rounds.
    pub rounds: Vec<Usage>,
    /// What its output held.
    pub tally: Tally,
}

impl Entry {
    /// CPU seconds of each round.
    pub fn cpu_s(&self) -> Vec<f64> {
        self.rounds.iter().map(|round| round.cpu_s).collect()
    }

    /// Median over the rounds of `figure`; 0 if there are no rounds.
    pub fn median(&self, figure: impl Fn(&Usage) -> f64) -> f64 {
        Spread::of(self.rounds.iter().map(figure)).map_or(0.0, |spread| spread.median)
    }
}

impl Report {
    /// Reads per CPU second of an aligner: median over the rounds.
    pub fn reads_per_cpu_s(&self, entry: &Entry) -> f64 {
        entry.median(|round| self.reads as f64 / round.cpu_s)
    }

    /// How many times as many reads per CPU second as svala an aligner maps, round by round; none if svala didn't run.
    pub fn ratio_to_svala(&self, entry: &Entry) -> Option<Spread> {
        let svala = self.entries.iter().find(|entry| entry.name == SVALA)?;
        Spread::of_ratios(&svala.cpu_s(), &entry.cpu_s())
    }

    /// What a reader has to know before trusting the figures.
    pub fn warnings(&self) -> Vec<String> {
        let lossy = self.entries.iter().filter(|entry| entry.tally.records != self.reads);
        let mut warnings: Vec<String> = lossy
            .map(|Entry { name, tally, .. }| {
                format!("{name} returned {} primary records of {} reads", tally.records, self.reads)
            })
            .collect();
        if self.entries.iter().any(|entry| entry.rounds.len() < ENOUGH_ROUNDS) {
            warnings.push(format!("fewer than {ENOUGH_ROUNDS} rounds: the speeds are an indication only"));
        }
        warnings
    }

    /// One line: what was mapped on what.
    pub fn title(&self) -> String {
        format!(
            "{} reads of {} bp ({}) on {}, {}",
            thousands(self.reads as f64),
            self.read_bp,
            if self.read_files.len() == 2 { "paired" } else { "single" },
            self.reference,
            if self.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", self.threads) },
        )
    }
}
