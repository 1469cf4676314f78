//! Speed of the kernels on one core, for every SIMD level of this machine.
//!
//! `cargo bench --bench kernels [-- WORD...]`; only mixes whose name holds every WORD
//! run. `SVALA_BENCH_GPU=1` adds the GPU, named by its adapter (a software one says nothing about
//! hardware). `--features peers` adds other libraries on the same pairs, see [`peers`].
//!
//! *Cells* are nominal: query bases times target bases of every job, whatever a band or an early stop
//! saves, so that a saving shows as speed. GCUPS are 10^9 cells a second of this thread's CPU time, where
//! the system tells it (Linux), else of wall clock. Contenders of a mix take turns of at least 100 ms; the
//! figure is the median over the rounds with the best round after it, so that what else the machine does
//! falls on all alike. Ratios are more to be trusted than speeds. Every contender of ours has to match
//! the reference on a sample of the jobs first, and all of them one another on all jobs, else the run
//! ends.

mod contenders;
#[cfg(feature = "peers")]
mod peers;

use std::time::{Duration, Instant};

use contenders::{Contender, Mix, extend, global, local};

const ROUNDS: usize = 9;
const TURN: Duration = Duration::from_millis(100);

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| words.iter().all(|word| name.contains(word.as_str()));
    let bands = [("full", u16::MAX), ("band 100", 100), ("band 32", 32), ("band 20", 20)];
    for (title, band) in bands {
        let name = format!("extend 150x200 {title}");
        if wanted(&name) {
            measure(&name, extend(band));
        }
    }
    for (title, band) in &bands[1..] {
        let name = format!("global 150x150 {title}");
        if wanted(&name) {
            measure(&name, global(*band));
        }
    }
    for (title, hits_percent) in [("hit in every target", 100), ("hit in one target of ten", 10)] {
        let name = format!("local 150x600 {title}");
        if wanted(&name) {
            measure(&name, local(hits_percent));
        }
    }
}

/// Times all contenders of a mix in turns and prints a line each.
fn measure(name: &str, mix: Mix) {
    let Mix { cells, mut contenders } = mix;
    println!("\n{name}, {} jobs", contenders::JOBS);
    let mut gcups = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, gcups) in contenders.iter_mut().zip(&mut gcups) {
            gcups.push(cells as f64 / turn(&mut contender.work) / 1e9);
        }
    }
    gcups.iter_mut().for_each(|gcups| gcups.sort_by(f64::total_cmp));
    let median = |k: usize| gcups[k][ROUNDS / 2];
    let ours = (0..contenders.len()).filter(|&k| contenders[k].ours).map(median).fold(0.0, f64::max);
    for (k, Contender { name, ours: is_ours, .. }) in contenders.iter().enumerate() {
        let ratio = if *is_ours { String::new() } else { format!("svala/peer {:.2}", ours / median(k)) };
        println!("  {name:<44} {:8.2} GCUPS (best {:.2}) {ratio}", median(k), gcups[k][ROUNDS - 1]);
    }
}

/// Seconds a call of `work`, over as many calls as a turn takes.
fn turn(work: &mut dyn FnMut()) -> f64 {
    let (start, cpu_start) = (Instant::now(), cpu_seconds());
    let mut calls = 0.0;
    while start.elapsed() < TURN {
        work();
        calls += 1.0;
    }
    let seconds = match (cpu_start, cpu_seconds()) {
        (Some(start), Some(end)) => end - start,
        _ => start.elapsed().as_secs_f64(),
    };
    seconds / calls
}

/// Seconds that this thread ran on a CPU.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(|nanoseconds: f64| nanoseconds / 1e9)
}
