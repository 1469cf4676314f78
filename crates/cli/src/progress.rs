//! Progress on standard error: a bar on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use svala_io::InputWatch;
use svala_map::meter::{IndexMeter, IndexStage, Meter};

/// Between two lines.
const LINE_SECONDS: u64 = 30;
/// Between two looks of the bar.
const BAR_MILLISECONDS: u64 = 200;
/// Characters of the bar.
const BAR_WIDTH: usize = 24;
/// Goes to the start of the line and clears it.
const CLEAR: &str = "\r\x1b[2K";

/// What is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Show {
    /// Nothing.
    Nothing,
    /// Progress.
    Progress,
    /// Progress, while records go to standard output.
    BesideRecords,
}

/// Shows progress until it is dropped.
pub struct Progress {
    /// Closing it ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to show how far a run is.
    pub fn start(meter: &Arc<Meter>, inputs: Vec<Arc<InputWatch>>, show: Show) -> Self {
        let meter = Arc::clone(meter);
        Self::show(show, move |elapsed| {
            let state = State::of(&meter, &inputs, elapsed);
            (state.done(), state.line())
        })
    }

    /// Starts to show how far an index is.
    pub fn of_index(meter: &Arc<IndexMeter>) -> Self {
        let meter = Arc::clone(meter);
        Self::show(Show::Progress, move |_| index_state(meter.state()))
    }

    /// Shows now and then what `describe` says after so much time: the share that is done, if it is known, and a line.
    fn show(show: Show, describe: impl Fn(Duration) -> (Option<f64>, String) + Send + 'static) -> Self {
        if show == Show::Nothing {
            return Self { stop: None, thread: None };
        }
        let (stop, stopped) = channel::<()>();
        // A bar among records on the same terminal would help nobody.
        let is_bar =
            std::io::stderr().is_terminal() && !(show == Show::BesideRecords && std::io::stdout().is_terminal());
        let thread = std::thread::Builder::new().spawn(move || {
            let begin = Instant::now();
            let pause =
                if is_bar { Duration::from_millis(BAR_MILLISECONDS) } else { Duration::from_secs(LINE_SECONDS) };
            let show = || {
                let (share, line) = describe(begin.elapsed());
                // Standard error may be closed; the run goes on.
                let _ = if is_bar {
                    write!(std::io::stderr(), "{CLEAR}{}", bar(share, &line))
                } else {
                    writeln!(std::io::stderr(), "svala: {line}")
                };
            };
            if is_bar {
                show();
            }
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                show();
            }
            if is_bar {
                let _ = write!(std::io::stderr(), "{CLEAR}");
            }
        });
        // Without a thread nothing is shown.
        Self { stop: Some(stop), thread: thread.ok() }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It can only fail by a panic, which has been reported.
            let _ = thread.join();
        }
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    reads: u64,
    elapsed: Duration,
    /// Of the compressed input, if its size is known.
    share: Option<f64>,
    /// Records written, and all that there are, after sorting.
    sorted: Option<(u64, u64)>,
}

impl State {
    fn of(meter: &Meter, inputs: &[Arc<InputWatch>], elapsed: Duration) -> Self {
        let read: u64 = inputs.iter().map(|input| input.bytes_read()).sum();
        let size = inputs.iter().map(|input| input.size()).sum::<Option<u64>>();
        let share = size.filter(|&size| size > 0).map(|size| (read as f64 / size as f64).min(1.0));
        let sorted = meter.sorted();
        let sorted = (sorted > 0).then(|| (sorted, meter.records()));
        Self { reads: meter.reads(), elapsed, share, sorted }
    }

    fn line(&self) -> String {
        if let Some((written, all)) = self.sorted {
            return format!("writing: {:.0} % of {all} sorted records", crate::run_facts::share(written, all));
        }
        let share = self.share.map_or_else(String::new, |share| format!("{:.0} % of the input, ", 100.0 * share));
        let left = self.left().map_or_else(String::new, |left| format!(", {} left", clock(left)));
        let speed = self.reads as f64 / self.elapsed.as_secs_f64().max(1e-9);
        format!("{share}{} reads, {speed:.0} reads/s{left}", self.reads)
    }

    /// The share of the work at hand that is done, if it is known.
    fn done(&self) -> Option<f64> {
        self.sorted.map(|(written, all)| written as f64 / all.max(1) as f64).or(self.share)
    }

    /// Time left to read the input at the speed so far.
    fn left(&self) -> Option<Duration> {
        let share = self.share.filter(|&share| share > 0.0 && self.reads > 0)?;
        Some(self.elapsed.mul_f64((1.0 - share) / share))
    }
}

/// A bar that is full as far as the work is done, and a line behind it.
fn bar(share: Option<f64>, line: &str) -> String {
    let full = (share.unwrap_or(0.0) * BAR_WIDTH as f64) as usize;
    let full = full.min(BAR_WIDTH);
    format!("svala [{}{}] {line}", "=".repeat(full), " ".repeat(BAR_WIDTH - full))
}

/// The share of a stage of an index that is done, if it is known, and a line.
fn index_state((stage, done, all): (IndexStage, u64, u64)) -> (Option<f64>, String) {
    let share = (all > 0).then(|| done as f64 / all as f64);
    let percent = 100.0 * share.unwrap_or(0.0);
    let line = match stage {
        IndexStage::Reading => format!("reading the reference: {:.0} Mb", done as f64 / 1e6),
        IndexStage::Seeding => format!("gathering seeds: {percent:.0} %"),
        IndexStage::Writing => format!("sorting and writing seeds: {percent:.0} %"),
    };
    (share, line)
}

/// Hours if any, minutes and seconds.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_and_how_long() {
        let state = State { reads: 3_000_000, elapsed: Duration::from_secs(30), share: Some(0.25), sorted: None };
        assert_eq!(state.line(), "25 % of the input, 3000000 reads, 100000 reads/s, 1:30 left");
        assert_eq!(bar(state.done(), &state.line()), format!("svala [======{}] {}", " ".repeat(18), state.line()));
        assert_eq!(State { share: None, ..state }.line(), "3000000 reads, 100000 reads/s");
        let long = State { share: Some(0.002), ..state };
        assert!(long.line().ends_with("4:09:30 left"), "{}", long.line());
        let sorted = State { sorted: Some((1, 8)), share: Some(1.0), ..state };
        assert_eq!(sorted.line(), "writing: 12 % of 8 sorted records");
        assert!(bar(sorted.done(), "").starts_with("svala [===   "));
        assert_eq!(
            index_state((IndexStage::Reading, 63_200_000, 0)),
            (None, "reading the reference: 63 Mb".to_owned())
        );
        assert_eq!(
            index_state((IndexStage::Writing, 1, 4)),
            (Some(0.25), "sorting and writing seeds: 25 %".to_owned())
        );
        let start = State { reads: 0, elapsed: Duration::ZERO, share: Some(0.0), sorted: None };
        assert_eq!(start.line(), "0 % of the input, 0 reads, 0 reads/s");
    }
}
