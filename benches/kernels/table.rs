//! The table at the end: contenders of a mix take turns, so that what else the machine does falls on all alike.

use std::fmt;
use std::time::Duration;

use crate::clock::Contender;
use crate::mixes::Mix;

const ROUNDS: usize = 9;
const TURN: Duration = Duration::from_millis(100);

/// Markdown, a row a contender.
#[derive(Default)]
pub struct Table {
    rows: Vec<String>,
}

impl Table {
    /// Measures all contenders of a mix in turns.
    pub fn add(&mut self, mix: &mut Mix) {
        let calls: Vec<u64> = mix.contenders.iter_mut().map(calls_a_turn).collect();
        let mut rounds = vec![Vec::with_capacity(ROUNDS); calls.len()];
        for _ in 0..ROUNDS {
            for (k, contender) in mix.contenders.iter_mut().enumerate() {
                let seconds = contender.time(calls[k]).as_secs_f64();
                rounds[k].push((calls[k] * contender.repeats * mix.cells.nominal) as f64 / seconds / 1e9);
            }
        }
        let peers = (0..rounds.len()).filter(|&k| !mix.contenders[k].ours);
        let best_peer = peers.max_by(|&a, &b| middle(&rounds[a]).total_cmp(&middle(&rounds[b])));
        let in_band = mix.cells.banded as f64 / mix.cells.nominal as f64;
        for (contender, gcups) in mix.contenders.iter().zip(&rounds) {
            let ratio = best_peer.map_or_else(String::new, |peer| ratio(gcups, &rounds[peer]));
            let agreement = contender.agreement.map_or_else(String::new, |share| format!("{:.1} %", 100.0 * share));
            self.rows.push(format!(
                "| {} | {} | {:.2} | {:.2} | {:.2} | {ratio} | {agreement} |",
                mix.name,
                contender.name,
                middle(gcups),
                gcups.iter().copied().fold(0.0, f64::max),
                middle(gcups) * in_band,
            ));
        }
    }
}

/// The calls that fill a turn.
fn calls_a_turn(contender: &mut Contender) -> u64 {
    let once = contender.time(1).as_secs_f64().max(1e-6);
    (TURN.as_secs_f64() / once).ceil() as u64
}

/// The median.
fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The median of the rounds' ratios, and their range.
fn ratio(gcups: &[f64], peer: &[f64]) -> String {
    let ratios: Vec<f64> = gcups.iter().zip(peer).map(|(ours, peer)| ours / peer).collect();
    let (low, high) = ratios.iter().fold((f64::MAX, 0.0), |(low, high): (f64, f64), &r| (low.min(r), high.max(r)));
    format!("{:.2} ({low:.2}–{high:.2})", middle(&ratios))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rows.is_empty() {
            return Ok(());
        }
        writeln!(f, "\n| mix | contender | GCUPS | best | in band | × best peer (range) | peer finds our score |")?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---:|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}
