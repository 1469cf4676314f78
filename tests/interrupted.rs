//! A run that is ended, by a signal or a full disk, leaves nothing under the final name, and nothing else for long.

#![cfg(unix)]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::running::{listing, wait_until};
use common::{READS, Random, conclude, data, fastq_records, indexed_reference, text, trial, trial_if};

/// Reference and reads.
struct Bench {
    _folder: tempfile::TempDir,
    reference: PathBuf,
    reads: [PathBuf; 2],
    /// First mates as text.
    plain: Vec<u8>,
}

/// A run whose reads come from here.
struct Piped {
    child: Child,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let reads = READS.map(data);
        let plain = fastq_records(&reads[0]).concat().into_bytes();
        Self { _folder: folder, reference, reads, plain }
    }

    /// A run in `folder`, with an index and metrics, that has begun to write when this returns.
    fn start(&self, folder: &Path) -> Piped {
        let [output, metrics] = ["out.bam", "out.txt"].map(|name| folder.join(name));
        let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
        command.args(["align", "--ref", text(&self.reference), "-1", "-", "-o", text(&output), "--max-mem", "1"]);
        command.args(["--metrics", text(&metrics)]).stdin(Stdio::piped()).stderr(Stdio::null());
        let before = listing(folder).len();
        let mut child = command.spawn().expect("svala starts");
        let input = child.stdin.as_mut().expect("a pipe");
        input.write_all(&self.plain[..self.plain.len() / 2]).expect("svala reads");
        // BAM file, index, metrics and record.
        wait_until(|| listing(folder).len() == before + 4);
        Piped { child }
    }

    /// A run from files to its end.
    fn run(&self, output: &Path) -> ExitStatus {
        let mut command = self.command(output);
        command.status().expect("svala starts")
    }

    fn command(&self, output: &Path) -> Command {
        let [first, second] = self.reads.each_ref().map(|path| text(path));
        let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
        command.args(["align", "--ref", text(&self.reference), "-1", first, "-2", second, "-o", text(output)]);
        command.args(["--max-mem", "1"]).stderr(Stdio::null());
        command
    }
}

impl Piped {
    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill starts");
        assert!(status.success());
    }

    fn end(mut self) -> ExitStatus {
        self.child.wait().expect("svala ends")
    }
}

fn signals_leave_nothing(bench: &Bench) {
    for (name, code) in [("-TERM", 143), ("-INT", 130)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("out.bam"), "before").expect("a file");
        let run = bench.start(folder.path());
        run.signal(name);
        assert_eq!(run.end().code(), Some(code));
        assert_eq!(listing(folder.path()), ["out.bam"], "{name}");
        assert_eq!(std::fs::read(folder.path().join("out.bam")).expect("a file"), b"before");
    }
}

fn leftovers_of_a_killed_run_are_removed_by_the_next(bench: &Bench) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("out.bam");
    // One at a moment when there are files, others whenever.
    let run = bench.start(folder.path());
    run.signal("-KILL");
    run.end();
    assert_eq!(listing(folder.path()).len(), 4);
    let mut random = Random(9);
    for _ in 0..10 {
        let mut child = bench.command(&output).spawn().expect("svala starts");
        std::thread::sleep(Duration::from_millis(random.below(1000) as u64));
        child.kill().expect("svala can be killed");
        child.wait().expect("svala ends");
        // A file under the final name is a whole one.
        assert!(!output.exists() || svala_io::read_alignments(&output, |_| {}).is_ok());
    }
    // The metrics' leftover is that of another output.
    assert!(bench.run(&output).success());
    let left = listing(folder.path());
    assert_eq!(left.len(), 4, "{left:?}");
    assert!(left[0].starts_with(".svala-out.txt-"), "{left:?}");
    assert_eq!(left[1..], ["out.bam", "out.bam.bai", "out.bam.svala.json"]);
}

fn files_of_a_living_run_are_left_alone(bench: &Bench) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("out.bam");
    let mut living = bench.start(folder.path());
    assert!(bench.run(&output).success());
    let paired = std::fs::read(&output).expect("a file");
    assert_eq!(listing(folder.path()).len(), 7);
    let mut input = living.child.stdin.take().expect("a pipe");
    input.write_all(&bench.plain[bench.plain.len() / 2..]).expect("svala reads");
    drop(input);
    assert!(living.end().success());
    assert_eq!(listing(folder.path()), ["out.bam", "out.bam.bai", "out.bam.svala.json", "out.txt"]);
    assert!(std::fs::read(&output).expect("a file") != paired);
}

/// Whatever is killed whenever leaves nothing or the whole file under the final name, and nothing else once a run has ended.
fn killed_runs_leave_whole_files_or_none(bench: &Bench) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let [shard, cram, merged] = ["shard.bam", "out.cram", "merged.bam"].map(path);
    assert!(bench.run(&shard).success());
    let merge = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
        command.args(["merge", text(&shard), "-o", text(&merged), "--max-mem", "1"]).stderr(Stdio::null());
        command
    };
    let align = || bench.command(&cram);
    let mut random = Random(10);
    for (output, command) in [(&cram, &align as &dyn Fn() -> Command), (&merged, &merge)] {
        let begin = Instant::now();
        assert!(command().status().expect("svala starts").success());
        let (whole, milliseconds) = (std::fs::read(output).expect("a file"), begin.elapsed().as_millis() as usize);
        let complete = listing(folder.path());
        std::fs::remove_file(output).expect("a file");
        for _ in 0..10 {
            let mut child = command().spawn().expect("svala starts");
            std::thread::sleep(Duration::from_millis(random.below(milliseconds.max(2)) as u64));
            child.kill().expect("svala can be killed");
            child.wait().expect("svala ends");
            assert!(std::fs::read(output).map_or(true, |content| content == whole));
        }
        assert!(command().status().expect("svala starts").success());
        assert_eq!(listing(folder.path()), complete);
    }
}

/// Runs svala from a pipe, so that no size of the input is known, in a shell that limits the size of files to so many bytes.
fn with_limit(bench: &Bench, bytes: usize, arguments: &[&str]) -> (ExitStatus, String) {
    let align = ["align", "--ref", text(&bench.reference), "-1", "-", "--max-mem", "1"];
    piped(bench, limited(bytes, &[&align, arguments].concat()))
}

fn limited(bytes: usize, arguments: &[&str]) -> Command {
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", bytes / 512);
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_svala")]).args(arguments);
    command
}

fn piped(bench: &Bench, mut command: Command) -> (ExitStatus, String) {
    command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    // It may end before it has read all.
    let _ = child.stdin.take().expect("a pipe").write_all(&bench.plain);
    let output = child.wait_with_output().expect("it ends");
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

fn check_full((status, error): (ExitStatus, String), folder: &Path) {
    assert_eq!(status.code(), Some(1), "{error}");
    assert!(error.contains("too large") || error.contains("No space left"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert_eq!(listing(folder), [""; 0]);
}

fn no_room_is_a_clear_error(bench: &Bench) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("out.bam");
    // Runs are of about 200 kB, the output of about 600 kB.
    check_full(with_limit(bench, 20 << 10, &["-o", text(&output), "--no-markdup"]), folder.path());
    check_full(with_limit(bench, 300 << 10, &["-o", text(&output)]), folder.path());
    let cram = folder.path().join("out.cram");
    check_full(with_limit(bench, 300 << 10, &["-o", text(&cram)]), folder.path());
    let (status, error) = with_limit(bench, 100 << 20, &["-o", text(&output)]);
    assert!(status.success(), "{error}");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let merged = elsewhere.path().join("merged.bam");
    check_full(piped(bench, limited(300 << 10, &["merge", text(&output), "-o", text(&merged)])), elsewhere.path());
    let mut full = bench.command(Path::new("/dev/full"));
    assert_eq!(full.arg("--no-index").status().expect("svala starts").code(), Some(1));
}

/// A disk of so many kB in memory, until it is dropped; only the system's user can have one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(kilobytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let options = format!("size={kilobytes}k");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).output();
        mount.ok()?.status.success().then_some(Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn a_full_disk_is_a_clear_error(bench: &Bench) {
    let disk = SmallDisk::new(100).expect("a small disk");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    for (output, runs) in [(disk.0.path(), elsewhere.path()), (elsewhere.path(), disk.0.path())] {
        let output = output.join("out.bam");
        let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
        command.args(["align", "--ref", text(&bench.reference), "-1", "-", "--max-mem", "1"]);
        check_full(
            piped(bench, {
                command.args(["-o", text(&output), "--tmp-dir", text(runs)]);
                command
            }),
            disk.0.path(),
        );
        assert_eq!(listing(elsewhere.path()), [""; 0]);
    }
    // Where the size of the input is known, it is told before the work; a link leads to the disk that counts.
    let link = elsewhere.path().join("link.bam");
    std::os::unix::fs::symlink(disk.0.path().join("out.bam"), &link).expect("a link");
    for output in [disk.0.path().join("out.bam"), link] {
        let run = bench.command(&output).stderr(Stdio::piped()).output().expect("svala starts");
        let error = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1));
        assert!(error.contains("will be needed"), "{error}");
    }
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let can_mount = SmallDisk::new(16).is_some();
    conclude(vec![
        trial("signals leave nothing", on(signals_leave_nothing)),
        trial(
            "leftovers of a killed run are removed by the next",
            on(leftovers_of_a_killed_run_are_removed_by_the_next),
        ),
        trial("killed runs leave whole files or none", on(killed_runs_leave_whole_files_or_none)),
        trial("files of a living run are left alone", on(files_of_a_living_run_are_left_alone)),
        trial("no room is a clear error", on(no_room_is_a_clear_error)),
        trial_if(
            "a full disk is a clear error",
            can_mount,
            "no small disk can be mounted",
            "SVALA_REQUIRE_MOUNT",
            on(a_full_disk_is_a_clear_error),
        ),
    ])
}
