//! Work sharing: the CPU and any number of devices empty one queue of jobs together.
//!
//! The calling thread cuts nothing in advance. Every device in service that is free, each driven by a thread of its own for
//! the length of the call, takes chunks from the large end of the queue; the calling thread takes chunks from the small end
//! and works on them with its SIMD lanes, until both ends meet. So the CPU never idles while there is work, and in the end it
//! waits for no more than the dispatches that devices have in hand. Callers on other threads do the same with queues of their
//! own; a device that one of them has leased is simply not there for the others, which try again after every chunk.
//!
//! A job is a pure function of its inputs, so that who did it can't show in its result.

mod pool;
mod queue;

use std::thread::{Builder, Scope, ScopedJoinHandle};
use std::time::Instant;

pub use pool::DeviceFailure;
pub(crate) use pool::{Lease, Pool};
pub(crate) use queue::Queue;

use crate::gpu::{Gpu, GpuError};

/// Cells of a chunk for the CPU: about a millisecond, hundreds of jobs.
const CPU_CHUNK_CELLS: u64 = 1 << 24;

/// Who works on a queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sharing {
    /// The calling thread works beside the devices, rather than wait for them.
    pub(crate) cpu: bool,
    /// Cells of every chunk, in place of what is best; for tests.
    pub(crate) chunk_cells: Option<u64>,
}

impl Sharing {
    /// Whether it pays to start a thread and a dispatch for so many cells. Where the CPU does nothing, devices do all.
    pub(crate) fn pays(self, cells: u64) -> bool {
        !self.cpu || cells >= self.chunk_cells.unwrap_or(2 * CPU_CHUNK_CELLS)
    }
}

/// What a queue came to.
pub(crate) struct Shared<A> {
    /// Answers of each device that worked to the end.
    pub(crate) answers: Vec<A>,
    /// Jobs that devices failed, to be done on the CPU.
    pub(crate) failed: Vec<u32>,
    /// Devices that failed.
    pub(crate) failures: usize,
}

/// A device's end of a queue: an iterator over chunks of jobs.
pub(crate) struct Feed<'q> {
    queue: &'q Queue,
    /// Cells of a chunk.
    cells: u64,
    /// Into how many parts the rest is thought to go.
    parts: u64,
    taken: Vec<&'q [u32]>,
    cells_taken: u64,
}

impl<'q> Iterator for Feed<'q> {
    type Item = &'q [u32];

    fn next(&mut self) -> Option<&'q [u32]> {
        let (jobs, cells) = self.queue.take_large(self.cells, self.parts)?;
        self.taken.push(jobs);
        self.cells_taken += cells;
        Some(jobs)
    }
}

/// Answers all jobs of `queue`, except those that devices failed. `device` works on a feed until that ends; `cpu` on a chunk.
pub(crate) fn share<A: Send>(
    pool: &Pool,
    queue: &Queue,
    sharing: Sharing,
    device: impl Fn(&mut Gpu, &mut Feed<'_>) -> Result<A, GpuError> + Sync,
    mut cpu: impl FnMut(&[u32]),
) -> Shared<A> {
    // Where the CPU works too, a device leaves as much as it takes.
    let parts = pool.in_service() as u64 + u64::from(sharing.cpu);
    let work = |lease: Lease<'_>| drive(lease, queue, (sharing, parts), &device);
    let done: Vec<Done<A>> = std::thread::scope(|scope| {
        let mut others = Vec::new();
        let mut done = Vec::new();
        if sharing.cpu {
            loop {
                if !queue.is_empty() {
                    start_free(scope, pool, &work, &mut others);
                }
                match queue.take_small(sharing.chunk_cells.unwrap_or(CPU_CHUNK_CELLS)) {
                    Some(jobs) => cpu(jobs),
                    None => break,
                }
            }
        } else if let Some(lease) = pool.lease() {
            start_free(scope, pool, &work, &mut others);
            done.push(work(lease));
        }
        let join = |other: ScopedJoinHandle<'_, Done<A>>| {
            other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        done.extend(others.into_iter().map(join));
        done
    });
    // With every device retired half way, there is work left.
    while let Some(jobs) = queue.take_small(CPU_CHUNK_CELLS) {
        cpu(jobs);
    }
    let mut shared = Shared { answers: Vec::new(), failed: Vec::new(), failures: 0 };
    for done in done {
        match done {
            Ok(answers) => shared.answers.push(answers),
            Err(jobs) => {
                shared.failed.extend(jobs);
                shared.failures += 1;
            }
        }
    }
    shared
}

/// A device's answers, or all the jobs it took before it failed.
type Done<A> = Result<A, Vec<u32>>;

/// Starts a thread for every device that is free.
fn start_free<'scope, 'p: 'scope, A: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    pool: &'p Pool,
    work: &'scope (impl Fn(Lease<'p>) -> Done<A> + Sync),
    others: &mut Vec<ScopedJoinHandle<'scope, Done<A>>>,
) {
    while let Some(lease) = pool.try_lease() {
        match Builder::new().spawn_scoped(scope, move || work(lease)) {
            Ok(other) => others.push(other),
            // The system has no more threads. The lease was given back, and there are others to work.
            Err(_) => return,
        }
    }
}

/// Lets a device work on the queue until that is empty or the device fails.
fn drive<A>(
    mut lease: Lease<'_>,
    queue: &Queue,
    (sharing, parts): (Sharing, u64),
    device: &impl Fn(&mut Gpu, &mut Feed<'_>) -> Result<A, GpuError>,
) -> Done<A> {
    let cells = sharing.chunk_cells.unwrap_or(lease.dispatch_cells);
    let mut feed = Feed { queue, cells, parts, taken: Vec::new(), cells_taken: 0 };
    let start = Instant::now();
    let Some(gpu) = lease.gpu() else { return Err(Vec::new()) };
    match device(gpu, &mut feed) {
        Ok(answers) => {
            lease.give_back(feed.cells_taken, start.elapsed());
            Ok(answers)
        }
        Err(error) => {
            lease.retire(error.to_string());
            Err(feed.taken.concat())
        }
    }
}
