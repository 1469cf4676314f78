//! Runs with too little memory.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use libtest_mimic::Trial;

use super::common::running::{listing, said, svala_behind};
use super::common::{text, trial_if};
use super::{Bench, Case, words};

/// A run whose memory is refused ends with one line; unfinished files may stay for the next run. Where the C library or Rust's runtime
/// get none for themselves, as when a thread begins, they abort (SIGABRT) in their own words; or svala's line stands
/// beside those, or in their place. There is no output. Returns whether it succeeded.
fn ended_well(case: &Case<'_>, output: &Output, expected: &[u8], limit: &str) -> bool {
    let error = said(output);
    let (of_runtimes, ours): (Vec<_>, Vec<_>) =
        error.lines().partition(|line| line.to_lowercase().starts_with("fatal "));
    let is_refused = ours.len() == 1 && ours[0].starts_with("svala: not enough memory");
    let is_told = is_refused || (ours.is_empty() && !of_runtimes.is_empty());
    let is_aborted = output.status.signal() == Some(6) && is_told;
    if !is_refused && !is_aborted {
        return case.is_whole(output, expected, limit);
    }
    assert!(is_aborted || output.status.code() == Some(1), "{limit}: {:?}", output.status);
    assert!(listing(&case.folder).iter().all(|name| name.ends_with(".partial")), "{limit}");
    false
}

/// From next to nothing to enough, and in small steps where some of many threads get their stacks.
pub fn address_space(bench: &Bench) {
    let case = bench.case("memory");
    let run = |threads: &str, kibibytes: usize| {
        let limit = format!("ulimit -v {kibibytes}");
        let arguments = case.align(&["-t", threads, "--backend", "cpu"]);
        let output = svala_behind(&limit, &words(&arguments)).output().expect("a shell");
        ended_well(&case, &output, &bench.expected, &limit)
    };
    // With less, which depends on the build, the system can't start it: it kills it, or its libraries have no room.
    let starts = |kibibytes: &usize| {
        let limit = format!("ulimit -v {kibibytes}");
        let status = svala_behind(&limit, &["--version"]).output().expect("a shell").status;
        status.signal() != Some(11) && status.code() != Some(127)
    };
    let ladder = std::iter::successors(Some(24_000), |kibibytes| Some(kibibytes + kibibytes / 3));
    let ladder = ladder.skip_while(|kibibytes| !starts(kibibytes));
    let ladder: Vec<usize> = ladder.take_while(|kibibytes| *kibibytes < 6_000_000).collect();
    let mut outcomes: Vec<_> =
        ["2", "48"].iter().flat_map(|threads| ladder.iter().map(|rung| run(threads, *rung))).collect();
    outcomes.extend((600_000..1_200_000).step_by(15_000).map(|kibibytes| run("48", kibibytes)));
    assert!(outcomes.contains(&true) && outcomes.iter().filter(|done| !**done).count() > 5, "{outcomes:?}");
}

/// A control group with a limit, until it is dropped.
struct Group {
    folder: PathBuf,
    limit: &'static str,
}

impl Group {
    /// Of version 2 or 1, where one can be made.
    fn new() -> Option<Self> {
        let roots = [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];
        let name = format!("svala-test-{}", std::process::id());
        let make = |(root, limit): (&str, &'static str)| {
            let group = Self { folder: Path::new(root).join(&name), limit };
            std::fs::create_dir(&group.folder).ok()?;
            group.set(64 << 20).then_some(group)
        };
        roots.into_iter().find_map(make)
    }

    fn set(&self, bytes: usize) -> bool {
        // Where swap is counted apart, there shall be none.
        let _ = std::fs::write(self.folder.join("memory.swap.max"), "0");
        std::fs::write(self.folder.join(self.limit), bytes.to_string()).is_ok()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes may need a moment to be gone.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// The system kills a run that has more than its control group may.
fn killed_by_the_system(bench: &Bench) {
    let case = bench.case("group");
    let group = Group::new().expect("a control group");
    let script = format!("echo $$ > {}/cgroup.procs", text(&group.folder));
    let (mut whole, mut killed) = (0, 0);
    for mebibytes in [4, 8, 12, 16, 24, 32, 48, 96, 512] {
        assert!(group.set(mebibytes << 20));
        let arguments = case.align(&["--backend", "cpu"]);
        let output = svala_behind(&script, &words(&arguments)).output().expect("a shell");
        if output.status.signal() == Some(9) || output.status.code() == Some(137) {
            assert!(!case.output().exists() && listing(&case.folder).iter().all(|name| name.ends_with(".partial")));
            killed += 1;
        } else {
            whole += usize::from(ended_well(&case, &output, &bench.expected, &format!("{mebibytes} MiB")));
        }
    }
    assert!(whole > 0 && killed > 0, "{whole} whole, {killed} killed");
}

/// Ignored where no group can be made.
pub fn control_group(bench: &Arc<Bench>) -> Trial {
    let (bench, can) = (Arc::clone(bench), Group::new().is_some());
    let (name, reason) = ("too little memory in a control group", "no control group can be made");
    trial_if(name, can, reason, "SVALA_REQUIRE_CGROUP", move || killed_by_the_system(&bench))
}
