//! An interrupted run is gone on with, and its output has the bytes of one that was not interrupted.

#![cfg(unix)]

mod common;

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{READS, Random, bytes, conclude, data, fastq_records, indexed_reference, text, trial};
use serde_json::Value;

/// What the output of a run is written as: BAM, its index, metrics and the record of the run, without what may differ.
type Files = [Vec<u8>; 4];

/// Reference and reads.
struct Bench {
    _folder: tempfile::TempDir,
    reference: PathBuf,
    /// Pairs, mates in turn.
    reads: Vec<u8>,
}

/// Where a run works.
struct Place {
    folder: tempfile::TempDir,
    output: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let [first, second] = READS.map(|name| fastq_records(&data(name)));
        let reads = first.into_iter().zip(second).flat_map(|(first, second)| [first, second]);
        Self { reference, reads: reads.collect::<String>().into_bytes(), _folder: folder }
    }

    /// A run that can be resumed, from a pipe, with little memory, so that there are many runs of sorting.
    fn command(&self, place: &Place, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
        command.args(["align", "--ref", text(&self.reference), "-1", "-", "-p", "-o", text(&place.output), "-t", "2"]);
        command.args(["--metrics", text(&place.metrics())]);
        for [option, value] in [["--max-mem", "1"], ["--batch-reads", "256"]] {
            if !more.contains(&option) {
                command.args([option, value]);
            }
        }
        command.args(["-R", r"@RG\tID:1\tSM:somebody\tLB:a"]).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    fn run(&self, place: &Place, more: &[&str]) -> Output {
        run_with(self.command(place, more), &self.reads)
    }

    /// What a run without interruption makes.
    fn expected(&self, name: &str, more: &[&str]) -> Files {
        let place = Place::new(name);
        succeeds(&self.run(&place, more));
        place.files()
    }

    /// Starts a run and kills it once it has kept so many runs of sorting and has been given this share of the reads.
    fn interrupt(&self, place: &Place, more: &[&str], per_cent: usize, runs: usize) {
        let mut child = self.command(place, &[&["--resume"], more].concat()).spawn().expect("svala starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(&self.reads[..self.reads.len() / 100 * per_cent]).expect("svala reads");
        wait_until(|| place.kept_runs() >= runs);
        kill(&mut child);
        drop(input);
        assert!(!place.output.exists());
    }
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = folder.path().join(name);
        Self { folder, output }
    }

    fn metrics(&self) -> PathBuf {
        self.folder.path().join("metrics.txt")
    }

    fn files(&self) -> Files {
        let is_cram = self.output.extension().is_some_and(|extension| extension == "cram");
        let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", self.output.display()));
        let mut record: Value = serde_json::from_slice(&bytes(&beside(".svala.json"))).expect("JSON");
        for what in ["seconds", "backend", "resumed_after_reads"] {
            record.as_object_mut().expect("an object").remove(what).expect("a member");
        }
        let index = beside(if is_cram { ".crai" } else { ".bai" });
        let index = if index.exists() { bytes(&index) } else { Vec::new() };
        [bytes(&self.output), index, bytes(&self.metrics()), record.to_string().into_bytes()]
    }

    fn resumed_after(&self) -> Option<u64> {
        let record = bytes(&PathBuf::from(format!("{}.svala.json", self.output.display())));
        serde_json::from_slice::<Value>(&record).expect("JSON")["resumed_after_reads"].as_u64()
    }

    /// The folder of kept runs.
    fn kept(&self) -> Option<PathBuf> {
        self.listing().into_iter().find(|name| name.ends_with(".resume")).map(|name| self.folder.path().join(name))
    }

    /// Runs that the manifest names.
    fn kept_runs(&self) -> usize {
        let manifest = self.kept().and_then(|folder| std::fs::read(folder.join("manifest.json")).ok());
        let manifest: Option<Value> = manifest.and_then(|text| serde_json::from_slice(&text).ok());
        manifest.map_or(0, |manifest| manifest["runs"].as_array().expect("runs").len())
    }

    fn listing(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
    }

    /// Nothing but the output is left.
    fn is_tidy(&self) -> bool {
        self.listing().iter().all(|name| !name.starts_with('.'))
    }
}

fn run_with(mut command: Command, reads: &[u8]) -> Output {
    let mut child = command.spawn().expect("svala starts");
    // It may refuse before it has read all.
    let _ = child.stdin.take().expect("a pipe").write_all(reads);
    child.wait_with_output().expect("svala ends")
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn refuses(output: &Output, code: i32, word: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    let last = error.lines().last().unwrap_or_default();
    assert!(last.contains(word), "{error}");
}

fn kill(child: &mut Child) {
    child.kill().expect("svala can be killed");
    child.wait().expect("svala ends");
}

fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..6000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("waited for 30 s");
}

fn same(found: &Files, expected: &Files, what: &str) {
    let parts = ["output", "index", "metrics", "record"];
    for (part, (found, expected)) in parts.iter().zip(found.iter().zip(expected)) {
        let shown =
            |bytes: &[u8]| if *part == "record" { String::from_utf8_lossy(bytes).into_owned() } else { String::new() };
        assert!(found == expected, "{what}: the {part} differs\n{}\n{}", shown(found), shown(expected));
    }
}

fn a_killed_run_goes_on_to_the_same_bytes(bench: &Bench) {
    let expected = bench.expected("out.bam", &[]);
    let mut random = Random(20);
    for _ in 0..6 {
        let (per_cent, runs) = (55 + random.below(45), 1 + random.below(4));
        let place = Place::new("out.bam");
        bench.interrupt(&place, &[], per_cent, runs);
        // Neither threads, backend nor memory matter to what was kept.
        let other = [&["--resume", "--backend", "scalar"][..], &["--resume", "--max-mem", "3"], &["--resume"]];
        succeeds(&bench.run(&place, other[random.below(3)]));
        same(&place.files(), &expected, &format!("{per_cent} % read, {runs} runs kept"));
        let after = place.resumed_after().expect("it was resumed");
        assert!(after > 0 && after as usize <= READS_IN_FILE, "{after}");
        assert!(place.is_tidy(), "{:?}", place.listing());
    }
}

/// Reads of the committed files.
const READS_IN_FILE: usize = 19_524;

fn every_kind_of_output_is_the_same(bench: &Bench) {
    let kinds: [(&str, &[&str]); 5] = [
        ("out.bam", &["--sort", "name"]),
        ("out.bam", &["--rmdup"]),
        ("out.cram", &[]),
        ("out.bam", &["--unmapped", "drop"]),
        ("out.bam", &["--backend", "scalar", "-Y"]),
    ];
    for (name, more) in kinds {
        let expected = bench.expected(name, more);
        let place = Place::new(name);
        bench.interrupt(&place, more, 80, 3);
        succeeds(&bench.run(&place, &[&["--resume"], more].concat()));
        same(&place.files(), &expected, &format!("{name} {more:?}"));
    }
}

fn statistics_are_the_same(bench: &Bench) {
    let statistics = |place: &Place| {
        let mut names = place.listing();
        // Those two tell how long it took.
        names.retain(|name| name.starts_with("qc.") && !["qc.html", "qc.svala_mqc.json"].contains(&&name[..]));
        names.sort();
        assert!(names.len() >= 5, "{names:?}");
        names.into_iter().map(|name| (bytes(&place.folder.path().join(&name)), name)).collect::<Vec<_>>()
    };
    let [whole, interrupted] = ["out.bam"; 2].map(Place::new);
    let prefix = |place: &Place| text(&place.folder.path().join("qc")).to_owned();
    succeeds(&bench.run(&whole, &["--qc", &prefix(&whole)]));
    // They need not have been asked for before.
    bench.interrupt(&interrupted, &[], 80, 3);
    succeeds(&bench.run(&interrupted, &["--resume", "--qc", &prefix(&interrupted)]));
    for ((found, name), (expected, _)) in statistics(&interrupted).iter().zip(&statistics(&whole)) {
        assert!(found == expected, "{name} differs");
    }
}

/// Killed again and again, at moments that chance decides, while reading, sorting, merging or resuming.
fn kills_at_any_moment_do_no_harm(bench: &Bench) {
    let expected = bench.expected("out.bam", &[]);
    let begin = Instant::now();
    bench.expected("out.bam", &["--resume"]);
    let milliseconds = begin.elapsed().as_millis() as usize;
    let mut random = Random(21);
    let mut resumed = 0;
    for round in 0..4 {
        let place = Place::new("out.bam");
        for _ in 0..6 {
            let mut child = bench.command(&place, &["--resume"]).spawn().expect("svala starts");
            let (mut input, reads) = (child.stdin.take().expect("a pipe"), bench.reads.clone());
            let feeder = std::thread::spawn(move || input.write_all(&reads));
            std::thread::sleep(Duration::from_millis(random.below(milliseconds.max(2)) as u64));
            kill(&mut child);
            // It was killed, or had read all.
            let _ = feeder.join().expect("no panic");
            resumed += usize::from(place.kept_runs() > 0);
        }
        succeeds(&bench.run(&place, &["--resume"]));
        same(&place.files(), &expected, &format!("round {round}"));
    }
    assert!(resumed > 0, "no kill left any runs");
}

/// More runs than may be open, so that kept runs are merged on the way.
fn runs_that_were_merged_are_gone_on_with(bench: &Bench) {
    let copies: Vec<u8> = (0..10).flat_map(|copy| renamed(&bench.reads, copy)).collect();
    let whole = Place::new("out.bam");
    succeeds(&run_with(bench.command(&whole, &[]), &copies));
    let place = Place::new("out.bam");
    let mut child = bench.command(&place, &["--resume"]).spawn().expect("svala starts");
    let mut input = child.stdin.take().expect("a pipe");
    let most = copies.len() / 100 * 95;
    let feeder = std::thread::spawn({
        let copies = copies.clone();
        move || input.write_all(&copies[..most]).map(|()| input)
    });
    let seen_many = std::cell::Cell::new(false);
    wait_until(|| {
        let runs = place.kept_runs();
        seen_many.set(seen_many.get() || runs > 40);
        // All were merged into one, and a few came after.
        seen_many.get() && (2..20).contains(&runs)
    });
    kill(&mut child);
    let _ = feeder.join().expect("no panic");
    succeeds(&run_with(bench.command(&place, &["--resume"]), &copies));
    same(&place.files(), &whole.files(), "merged runs");
}

/// The same reads with other names.
fn renamed(reads: &[u8], copy: usize) -> Vec<u8> {
    let lines = reads.split_inclusive(|&byte| byte == b'\n').enumerate();
    let named = |(number, line): (usize, &[u8])| match number % 4 {
        0 => [b"@", copy.to_string().as_bytes(), &line[1..]].concat(),
        _ => line.to_vec(),
    };
    lines.flat_map(named).collect()
}

fn a_signal_keeps_runs_only_where_that_is_asked_for(bench: &Bench) {
    for (more, expected) in [(&["--resume"][..], 1), (&[], 0)] {
        let place = Place::new("out.bam");
        let mut child = bench.command(&place, more).spawn().expect("svala starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(&bench.reads[..bench.reads.len() / 10 * 9]).expect("svala reads");
        // Its output's files are there, and runs if they are kept.
        wait_until(|| place.listing().len() >= 4 && place.kept_runs() >= expected);
        let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill starts");
        assert!(status.success());
        assert_eq!(child.wait().expect("svala ends").code(), Some(143));
        drop(input);
        let left = place.listing();
        assert_eq!(left.len(), expected, "{left:?}");
        assert_eq!(place.kept().is_some(), expected == 1);
    }
}

fn damaged_runs_are_refused(bench: &Bench) {
    for kind in ["run-0", "signatures-1"] {
        let place = Place::new("out.bam");
        bench.interrupt(&place, &[], 80, 3);
        let path = place.kept().expect("kept runs").join(kind);
        let mut content = bytes(&path);
        let middle = content.len() / 2;
        content[middle] ^= 1;
        std::fs::write(&path, &content).expect("a file");
        refuses(&bench.run(&place, &["--resume"]), 1, &format!("{kind} is not as it was written"));
        std::fs::write(&path, &content[..middle]).expect("a file");
        refuses(&bench.run(&place, &["--resume"]), 1, &format!("{kind} is not as it was written"));
        std::fs::remove_file(&path).expect("a file");
        refuses(&bench.run(&place, &["--resume"]), 1, kind);
        assert!(!place.output.exists());
        // As the message says.
        std::fs::remove_dir_all(place.kept().expect("kept runs")).expect("the folder");
        succeeds(&bench.run(&place, &["--resume"]));
        assert_eq!(place.resumed_after(), None);
    }
}

fn other_reads_are_refused(bench: &Bench) {
    let place = Place::new("out.bam");
    bench.interrupt(&place, &[], 80, 3);
    let resume = || bench.command(&place, &["--resume"]);
    let lines: Vec<&[u8]> = bench.reads.split_inclusive(|&byte| byte == b'\n').collect();
    // A quality of the 600th read: it changes no alignment.
    let mut changed = lines.concat();
    let at = lines[..4 * 600 - 1].iter().map(|line| line.len()).sum::<usize>() + 5;
    changed[at] = if changed[at] == b'#' { b'$' } else { b'#' };
    refuses(&run_with(resume(), &changed), 1, "its reads were others");
    let swapped = [lines[8..16].concat(), lines[..8].concat(), lines[16..].concat()].concat();
    refuses(&run_with(resume(), &swapped), 1, "its reads were others");
    refuses(&run_with(resume(), &lines[..4 * 200].concat()), 1, "");
    assert!(!place.output.exists());
    // What was kept is as good as before.
    succeeds(&bench.run(&place, &["--resume"]));
    same(&place.files(), &bench.expected("out.bam", &[]), "after refusals");
}

fn other_work_is_refused(bench: &Bench) {
    let place = Place::new("out.bam");
    bench.interrupt(&place, &[], 80, 3);
    let differing: [(&[&str], &str); 5] = [
        (&["-Y"], "other header, options"),
        (&["--batch-reads", "128"], "other options"),
        (&["-I", "300"], "insert sizes"),
        (&["--optical-distance", "2500"], "other options"),
        (&["--sort", "name"], "other header"),
    ];
    for (more, why) in differing {
        refuses(&bench.run(&place, &[&["--resume"], more].concat()), 1, why);
    }
    let mut living = bench.command(&place, &["--resume"]).spawn().expect("svala starts");
    let mut input = living.stdin.take().expect("a pipe");
    input.write_all(&bench.reads[..4000]).expect("svala reads");
    let lock = place.kept().expect("kept runs").join("lock");
    wait_until(|| std::fs::File::open(&lock).is_ok_and(|file| file.try_lock().is_err()));
    refuses(&bench.run(&place, &["--resume"]), 1, "another run to the same output is at work");
    kill(&mut living);
}

fn files_of_another_size_are_refused_before_the_work(bench: &Bench) {
    let place = Place::new("out.bam");
    let reads = place.folder.path().join("reads.fq");
    std::fs::write(&reads, &bench.reads).expect("a file");
    let run = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
        command.args(["align", "--resume", "--ref", text(&bench.reference), "-1", text(&reads), "-p"]);
        command.args(["-o", text(&place.output), "--max-mem", "1", "--batch-reads", "256", "-t", "1"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    };
    let mut child = run().spawn().expect("svala starts");
    wait_until(|| place.kept_runs() >= 2 || place.output.exists());
    kill(&mut child);
    assert!(!place.output.exists(), "too fast to be killed");
    std::fs::write(&reads, &bench.reads[..bench.reads.len() / 2]).expect("a file");
    refuses(&run().output().expect("svala starts"), 1, "other sizes of the files of reads");
}

fn there_must_be_something_to_keep(bench: &Bench) {
    let place = Place::new("out.bam");
    for more in [&["--sort", "none"][..], &["-o", "-"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
        command.args(["align", "--resume", "--ref", text(&bench.reference), "-1", "-"]).args(more);
        if !more.contains(&"-o") {
            command.args(["-o", text(&place.output)]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        refuses(&run_with(command, b""), 2, "--resume");
    }
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        trial("a killed run goes on to the same bytes", on(a_killed_run_goes_on_to_the_same_bytes)),
        trial("every kind of output is the same", on(every_kind_of_output_is_the_same)),
        trial("statistics are the same", on(statistics_are_the_same)),
        trial("kills at any moment do no harm", on(kills_at_any_moment_do_no_harm)),
        trial("runs that were merged are gone on with", on(runs_that_were_merged_are_gone_on_with)),
        trial("a signal keeps runs only where that is asked for", on(a_signal_keeps_runs_only_where_that_is_asked_for)),
        trial("damaged runs are refused", on(damaged_runs_are_refused)),
        trial("other reads are refused", on(other_reads_are_refused)),
        trial("other work is refused", on(other_work_is_refused)),
        trial(
            "files of another size are refused before the work",
            on(files_of_another_size_are_refused_before_the_work),
        ),
        trial("there must be something to keep", on(there_must_be_something_to_keep)),
    ])
}
