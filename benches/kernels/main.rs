//! Speed of the kernels on one core, for every SIMD level of this machine and its GPU, beside other libraries.
//!
//! ```sh
//! cargo bench --bench kernels --features peers,peers-parasail,peers-ssw [-- WORD] [criterion's options]
//! ```
//!
//! Only mixes whose name holds WORD run. criterion measures each contender first (`--save-baseline` and `--baseline` compare
//! two versions); then all contenders of a mix take turns for the table at the end, see [`table`], whose *ratios* are more to
//! be trusted than anybody's speeds. A hardware GPU takes part if there is one; `SVALA_BENCH_GPU=1` asks for any, also a
//! software one, which says nothing about hardware. Peers are features, see [`peers`].
//!
//! *Cells* are nominal: query bases times target bases of every job, whatever a band or an early stop saves, so that a saving
//! shows as speed. The table has the cells inside the band too. GCUPS are 10^9 cells a second of this thread's CPU time, of
//! wall time for a GPU with transfers, and of the device's clock for its kernels alone.
//!
//! A contender of ours has to match the scalar reference on a sample of the jobs, and all of them one another on all jobs,
//! before any is timed, else the run ends.

mod clock;
mod jobs;
mod mixes;
mod ours;
mod peers;
mod random;
mod reference;
mod table;

use std::time::Duration;

use criterion::{Criterion, Throughput};
use mixes::Mix;
use table::Table;

/// Options of criterion that stand alone; what follows any other option is its value.
const FLAGS: [&str; 8] = ["--bench", "--test", "--list", "--exact", "--verbose", "--quiet", "--quick", "--noplot"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    let mut table = Table::default();
    let is_measured = !arguments.iter().any(|argument| ["--test", "--list", "--profile-time"].contains(&&argument[..]));
    for (name, build) in mixes::ALL {
        if word(&arguments).is_some_and(|word| !name.contains(word)) {
            continue;
        }
        let mut mix = build(name);
        measure(&mut criterion, &mut mix);
        if is_measured {
            table.add(&mut mix);
        }
    }
    criterion.final_summary();
    print!("{table}");
}

/// The first argument that is neither an option nor an option's value.
fn word(arguments: &[String]) -> Option<&str> {
    let is_value = |k: usize| k > 0 && arguments[k - 1].starts_with("--") && !FLAGS.contains(&&arguments[k - 1][..]);
    let position = (0..arguments.len()).find(|&k| !arguments[k].starts_with('-') && !is_value(k));
    position.map(|k| arguments[k].as_str())
}

fn measure(criterion: &mut Criterion, mix: &mut Mix) {
    let mut group = criterion.benchmark_group(mix.name);
    for contender in &mut mix.contenders {
        group.throughput(Throughput::Elements(mix.cells.nominal * contender.repeats));
        group.bench_function(contender.name.clone(), |bencher| bencher.iter_custom(|calls| contender.time(calls)));
    }
    group.finish();
}
