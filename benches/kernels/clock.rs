//! What is timed, and by which clock.

use std::rc::Rc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use svala_compute::Engine;

/// The clock that is fair to a contender.
pub enum Clock {
    /// CPU time of this thread: what else runs on the machine does not count.
    Thread,
    /// Wall time, for work that another device does.
    Wall,
    /// The device's own clock around its kernels, without transfers.
    Device(Rc<Engine>),
}

/// One way to answer all jobs of a mix.
pub struct Contender {
    pub name: String,
    /// An engine of this crate, not a peer.
    pub ours: bool,
    pub clock: Clock,
    /// How often a call answers every job of the mix: a GPU needs larger batches than a CPU.
    pub repeats: u64,
    /// The share of our alignments whose score a peer finds too.
    pub agreement: Option<f64>,
    pub work: Box<dyn FnMut()>,
}

impl Contender {
    /// The time that `calls` calls take.
    pub fn time(&mut self, calls: u64) -> Duration {
        let mut work = || (0..calls).for_each(|_| (self.work)());
        match &self.clock {
            Clock::Thread => {
                let start = ThreadTime::now();
                work();
                start.elapsed()
            }
            Clock::Wall => {
                let start = Instant::now();
                work();
                start.elapsed()
            }
            Clock::Device(engine) => {
                let start = engine.kernel_time().unwrap_or_default();
                work();
                assert!(engine.device_failures().is_empty(), "the CPU took over");
                engine.kernel_time().unwrap_or_default() - start
            }
        }
    }
}
