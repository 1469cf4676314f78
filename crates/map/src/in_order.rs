//! Work on several threads whose results come in the order of the jobs.

use std::thread::{Builder, scope};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::error::{Error, Result};

/// Jobs under way at most, for each thread.
const WAITING: usize = 2;

/// A job, and where its result goes.
struct Task<J, T> {
    job: J,
    done: Sender<Result<T>>,
}

/// What is to come, in the order of the jobs.
type Awaited<T> = Result<Receiver<Result<T>>>;

/// Does all `jobs` on so many threads, each with a state of its own, and hands the results to `take` on the calling thread in the order of the
/// jobs. These are drawn by one more thread, at most two a thread ahead. Returns the states.
///
/// # Errors
///
/// The first in the order of the jobs, whether of a job, of `work` or of `take`; nothing is taken after it.
pub(crate) fn in_order<J: Send, T: Send, S: Send>(
    threads: usize,
    jobs: impl Iterator<Item = Result<J>> + Send,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, J) -> Result<T> + Sync,
    mut take: impl FnMut(T) -> Result<()>,
) -> Result<Vec<S>> {
    let threads = threads.max(1);
    let work_all = |tasks: Receiver<Task<J, T>>| {
        let mut state = state();
        for Task { job, done } in tasks {
            // Nobody waits any more after an error.
            let _ = done.send(work(&mut state, job));
        }
        state
    };
    let work_all = &work_all;
    scope(|scope| {
        // Whatever returns from here drops these, and all threads end.
        let (tasks_out, tasks) = unbounded::<Task<J, T>>();
        let (order, awaited) = bounded::<Awaited<T>>(WAITING * threads);
        let mut workers = Vec::new();
        for _ in 0..threads {
            let tasks = tasks.clone();
            workers.push(Builder::new().spawn_scoped(scope, move || work_all(tasks)).map_err(Error::Thread)?);
        }
        // If the workers die, so do the tasks that wait for them.
        drop(tasks);
        let draw = move || draw_all(jobs, &tasks_out, &order);
        let drawer = Builder::new().spawn_scoped(scope, draw).map_err(Error::Thread)?;
        let mut taken = Ok(());
        for next in &awaited {
            taken = next.and_then(|result| result.recv().unwrap_or(Err(Error::WorkerLost))).and_then(&mut take);
            if taken.is_err() {
                break;
            }
        }
        // Who draws then stops, and so do the workers.
        drop(awaited);
        let drawn = drawer.join().map_err(|_| Error::WorkerLost);
        let states: Vec<_> = workers.into_iter().map(|worker| worker.join().map_err(|_| Error::WorkerLost)).collect();
        taken.and(drawn)?;
        states.into_iter().collect()
    })
}

/// Draws jobs until there are no more, one is an error, or nobody waits for them.
fn draw_all<J, T>(jobs: impl Iterator<Item = Result<J>>, tasks: &Sender<Task<J, T>>, order: &Sender<Awaited<T>>) {
    for job in jobs {
        let (done, result) = bounded(1);
        let (awaited, task) = job.map_or_else(|error| (Err(error), None), |job| (Ok(result), Some(Task { job, done })));
        let is_last = order.send(awaited).is_err();
        let Some(task) = task.filter(|_| !is_last) else { return };
        if tasks.send(task).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOBS: usize = 1000;

    /// Takes the squares of numbers; these fail where `fails` says so.
    fn squares(threads: usize, fails: impl Fn(&str, usize) -> bool + Sync) -> (Result<Vec<usize>>, Vec<usize>) {
        let mut taken = Vec::new();
        let check = |stage, number| if fails(stage, number) { Err(Error::BrokenRecord) } else { Ok(number) };
        let states = in_order(
            threads,
            (0..JOBS).map(|number| check("draw", number)),
            || 0,
            |done, number| {
                *done += 1;
                check("work", number).map(|number| number * number)
            },
            |square| check("take", taken.len()).map(|_| taken.push(square)),
        );
        (states, taken)
    }

    #[test]
    fn results_come_in_the_order_of_the_jobs() {
        for threads in [0, 1, 2, 5] {
            let (states, taken) = squares(threads, |_, _| false);
            assert_eq!(taken, (0..JOBS).map(|number| number * number).collect::<Vec<_>>());
            let states = states.unwrap();
            assert_eq!((states.len(), states.iter().sum::<usize>()), (threads.max(1), JOBS));
        }
    }

    #[test]
    fn the_first_error_in_that_order_ends_it() {
        for stage in ["draw", "work", "take"] {
            for at in [0, 1, 500, JOBS - 1] {
                let (states, taken) = squares(3, |failing, number| failing == stage && number >= at);
                assert!(matches!(states, Err(Error::BrokenRecord)), "{stage}");
                assert_eq!(taken.len(), at, "{stage}");
            }
        }
    }

    #[test]
    fn a_lost_thread_is_an_error() {
        for (stage, threads) in [("draw", 1), ("draw", 2), ("work", 1), ("work", 2)] {
            let (states, taken) = squares(threads, |failing, number| {
                assert!(failing != stage || number != 77, "as it should");
                false
            });
            assert!(matches!(states, Err(Error::WorkerLost)), "{stage}");
            assert!(taken.len() <= 77, "{stage}");
        }
    }
}
