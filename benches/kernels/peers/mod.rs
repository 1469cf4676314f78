//! Other libraries on the same pairs and scoring, on the same core. Each is a feature of the root package.
//!
//! None computes what we do. The last column of the table says for how many jobs a peer finds our score all the same, and each
//! file what else differs. Cells are counted as ours are, nominally. Conversion of bases is outside a peer's time.
//!
//! Not here: bwa-mem3, whose batched kernels would be the nearest peer. Its crate `bwa-mem3-rs` 0.4.4 (and the bindings below
//! it) exposes whole stages over an index, seeding, extension of seeds, pairing, and no kernel that takes a pair.

#[cfg(all(feature = "peers", target_arch = "x86_64"))]
mod block_aligner;
#[cfg(feature = "peers-parasail")]
mod parasail;
#[cfg(feature = "peers-ssw")]
mod ssw;

use crate::clock::Contender;
use crate::jobs::Jobs;

/// What a peer has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    Extend,
    Global,
    Local,
}

/// A gap of length k costs open + (k - 1) * extend: 6 + k as in our default.
#[allow(dead_code, reason = "peers are features")]
const GAP_OPEN: u8 = 7;
#[allow(dead_code, reason = "peers are features")]
const GAP_EXTEND: u8 = 1;

/// All peers that can do `kernel`; `gains` are the scores that ours found.
pub fn on(kernel: Kernel, batch: &impl Jobs, gains: &[Option<i32>]) -> Vec<Contender> {
    #[allow(unused_mut, reason = "peers are features")]
    let mut peers: Vec<Contender> = Vec::new();
    #[cfg(all(feature = "peers", target_arch = "x86_64"))]
    peers.extend(block_aligner::on(kernel, batch, gains));
    #[cfg(feature = "peers-parasail")]
    peers.extend(parasail::on(kernel, batch.pairs(), gains));
    #[cfg(feature = "peers-ssw")]
    peers.extend(ssw::on(kernel, batch.pairs(), gains));
    let _ = (kernel, batch, gains);
    peers
}

/// A peer from what it scores a job.
#[allow(dead_code, reason = "peers are features")]
fn contender(name: String, gains: &[Option<i32>], mut score: impl FnMut(usize) -> i32 + 'static) -> Contender {
    let jobs = gains.len();
    let found = gains.iter().enumerate().filter_map(|(job, gain)| Some((score(job), (*gain)?)));
    let (equal, all) = found.fold((0, 0), |(equal, all), (score, gain)| (equal + u32::from(score == gain), all + 1));
    let work = move || {
        for job in 0..jobs {
            std::hint::black_box(score(job));
        }
    };
    Contender {
        name,
        ours: false,
        clock: crate::clock::Clock::Thread,
        repeats: 1,
        agreement: Some(f64::from(equal) / f64::from(all)),
        work: Box::new(work),
    }
}
