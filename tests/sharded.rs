//! `svala align --shard I/N`: all shards, merged, are one run over all reads, byte for byte, whatever the reads come from; and attempts at
//! one shard that overlap do each other no harm.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use common::{READS, bytes, conclude, data, fastq_records, indexed_reference, svala_ok, svala_refuses, text, trial};

/// Files that tell of the run itself, its times among others.
const OF_THE_RUN: [&str; 3] = ["out.bam.svala.json", "qc.html", "qc.svala_mqc.json"];

/// Reference and reads in several forms.
struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    model: PathBuf,
    reads: [PathBuf; 2],
    /// Both mates, in turn.
    interleaved: PathBuf,
    /// Halves of both files.
    lanes: [[PathBuf; 2]; 2],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let reference = indexed_reference(folder.path());
        let (reads, model) = (READS.map(data), path("model.json"));
        svala_ok(&["insert-size", text(&reference), text(&reads[0]), text(&reads[1]), "-o", text(&model)]);
        let records = reads.each_ref().map(|path| fastq_records(path));
        let write = |name: &str, content: String| {
            std::fs::write(path(name), content).expect("a temporary file");
            path(name)
        };
        let in_turn = records[0].iter().zip(&records[1]).flat_map(|(first, second)| [&first[..], second]);
        let interleaved = write("in-turn.fq", in_turn.collect());
        let half = |lane: usize, mate: usize| {
            let bound = |lane: usize| records[mate].len() * lane / 2;
            write(&format!("lane{lane}.{mate}.fq"), records[mate][bound(lane)..bound(lane + 1)].concat())
        };
        let lanes = [0, 1].map(|lane| [0, 1].map(|mate| half(lane, mate)));
        Self { folder, reference, model, reads, interleaved, lanes }
    }

    /// A folder of its own for a run.
    fn run_folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a new folder");
        folder
    }

    /// Aligns to a folder and returns it.
    fn align(&self, name: &str, options: &[&str]) -> PathBuf {
        let folder = self.run_folder(name);
        let output = folder.join("out.bam");
        svala_ok(&[&["align", "--ref", text(&self.reference), "-o", text(&output)], options].concat());
        folder
    }

    /// Aligns all reads at once and in shards, in any way that must not show, and compares all files.
    fn check(&self, name: &str, input: &[&str], counts: &[u32]) {
        let with_files = |folder: &Path| {
            ["--metrics", text(&folder.join("out.metrics")), "--qc", text(&folder.join("qc"))].map(str::to_owned)
        };
        let whole_name = format!("{name}-whole");
        let extra = with_files(&self.folder.path().join(&whole_name));
        let extra: Vec<&str> = extra.iter().map(String::as_str).collect();
        let whole = self.align(&whole_name, &[input, &extra[..]].concat());
        for &shards in counts {
            let shard = |number: u32| {
                let (shard, threads) = (format!("{number}/{shards}"), (1 + number % 3).to_string());
                let ways: [&[&str]; 2] = [&["--no-markdup", "-l", "1", "--no-index"], &["--batch-reads", "77"]];
                let options = [&["--shard", &shard, "-t", &threads], ways[number as usize % 2], input].concat();
                self.align(&format!("{name}-{number}-of-{shards}"), &options).join("out.bam")
            };
            let parts: Vec<PathBuf> = (1..=shards).map(shard).collect();
            assert_shares(&parts, &whole.join("out.bam"));
            let merged = self.run_folder(&format!("{name}-merged-{shards}"));
            let (output, extra) = (merged.join("out.bam"), with_files(&merged));
            let mut arguments = vec!["merge", "-o", text(&output)];
            arguments.extend(extra.iter().map(String::as_str));
            arguments.extend(parts.iter().rev().map(|part| text(part)));
            svala_ok(&arguments);
            let [whole, merged] = [&whole, &merged].map(|folder| contents(folder));
            assert!(whole.len() >= 7 && whole.keys().eq(merged.keys()), "{:?}", merged.keys());
            for (file, content) in whole {
                assert!(merged[&file] == content, "{file} of {shards} shards differs");
            }
        }
    }
}

/// All files of a folder but those of the run.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let files = entries.map(|entry| (entry.file_name().into_string().expect("UTF-8"), bytes(&entry.path())));
    files.filter(|(name, _)| !OF_THE_RUN.contains(&&name[..])).collect()
}

/// The reads that the record beside a file counts.
fn reads_of(output: &Path) -> u64 {
    let record = std::fs::read(output.with_extension("bam.svala.json")).expect("a record");
    let record: serde_json::Value = serde_json::from_slice(&record).expect("JSON");
    record["reads"]["reads"].as_u64().expect("a number")
}

/// Shards have about equal shares, which are all reads together.
fn assert_shares(parts: &[PathBuf], whole: &Path) {
    let (shares, all): (Vec<u64>, u64) = (parts.iter().map(|part| reads_of(part)).collect(), reads_of(whole));
    let even = all / parts.len() as u64;
    assert_eq!(shares.iter().sum::<u64>(), all);
    assert!(shares.iter().all(|share| (even * 9 / 10..=even * 11 / 10).contains(share)), "{shares:?} of {all}");
}

fn pairs(bench: &Bench) {
    let [first, second] = bench.reads.each_ref().map(|path| text(path));
    // No common model: each shard learns from the first pairs of all.
    bench.check("pairs", &["-1", first, "-2", second], &[1, 2, 5]);
    let model = ["-1", first, "-2", second, "--insert-model", text(&bench.model)];
    bench.check("model", &model, &[2, 5]);
}

fn other_forms(bench: &Bench) {
    bench.check("single", &["-1", text(&bench.reads[0])], &[5]);
    bench.check("in-turn", &["-p", "-1", text(&bench.interleaved)], &[5]);
    let unsorted = bench.align("unsorted", &["-p", "-1", text(&bench.interleaved), "--sort", "none"]).join("out.bam");
    bench.check("bam", &["-1", text(&unsorted)], &[3]);
    let groups = [r"@RG\tID:1\tSM:s\tLB:a", r"@RG\tID:2\tSM:s\tLB:b"];
    let lane = |lane: usize| {
        let [first, second] = bench.lanes[lane].each_ref().map(|path| text(path));
        ["--in-fq", first, second, groups[lane]]
    };
    bench.check("lanes", &[lane(0), lane(1)].concat(), &[3]);
    lanes_have_shards_of_their_own(bench, [lane(0), lane(1)]);
}

/// After `check` of both lanes at once.
fn lanes_have_shards_of_their_own(bench: &Bench, lanes: [[&str; 4]; 2]) {
    let shard = |(lane, shard): (usize, &str)| {
        let name = format!("lane-{lane}-{}", shard.replace('/', "-of-"));
        bench.align(&name, &[&lanes[lane][..], &["--shard", shard]].concat()).join("out.bam")
    };
    let parts: Vec<PathBuf> = [(0, "1/2"), (0, "2/2"), (1, "1/3"), (1, "2/3"), (1, "3/3")].map(shard).into();
    let merged = bench.run_folder("lanes-apart").join("out.bam");
    svala_ok(&[&["merge", "-o", text(&merged)], &parts.iter().map(|part| text(part)).collect::<Vec<_>>()[..]].concat());
    assert!(bytes(&merged) == bytes(&bench.folder.path().join("lanes-whole/out.bam")));
}

fn shards_may_be_empty(bench: &Bench) {
    let few = bench.folder.path().join("few.fq");
    std::fs::write(&few, fastq_records(&bench.reads[0])[..3].concat()).expect("a temporary file");
    let whole = bench.align("few-whole", &["-1", text(&few)]).join("out.bam");
    let part = |number: u32| {
        bench.align(&format!("few-{number}"), &["-1", text(&few), "--shard", &format!("{number}/7")]).join("out.bam")
    };
    let parts: Vec<PathBuf> = (1..=7).map(part).collect();
    assert!(parts.iter().filter(|part| reads_of(part) == 0).count() >= 4);
    let merged = bench.run_folder("few-merged").join("out.bam");
    svala_ok(&[&["merge", "-o", text(&merged)], &parts.iter().map(|part| text(part)).collect::<Vec<_>>()[..]].concat());
    assert!(bytes(&merged) == bytes(&whole));
}

fn shards_that_are_not_all_are_refused(bench: &Bench) {
    let reads = text(&bench.reads[0]);
    let shard = |shard: &str, name: &str| bench.align(name, &["-1", reads, "--shard", shard]).join("out.bam");
    let [one, two, again, of_three] =
        [("1/2", "one"), ("2/2", "two"), ("2/2", "again"), ("3/3", "three")].map(|(s, name)| shard(s, name));
    let part = bench.align("by-hand", &["-1", reads]).join("out.bam");
    let output = bench.folder.path().join("refused.bam");
    for (files, word) in [
        (vec![&one], "2/2 is missing"),
        (vec![&two], "1/2 is missing"),
        (vec![&one, &two, &again], "same shard"),
        (vec![&one, &of_three], "all shards of one"),
        (vec![&one, &two, &part], "all shards of one"),
    ] {
        let files: Vec<&str> = files.into_iter().map(|file| text(file)).collect();
        svala_refuses(&[&["merge", "-o", text(&output)], &files[..]].concat(), 1, word);
        assert!(!output.exists());
    }
    for (option, word) in [("0/2", "expected I/N"), ("3/2", "expected I/N"), ("2", "expected I/N")] {
        let arguments = ["align", "--ref", text(&bench.reference), "-1", reads, "-o", text(&output), "--shard", option];
        svala_refuses(&arguments, 2, word);
    }
    let removed = ["align", "--ref", text(&bench.reference), "-1", reads, "-o", text(&output)];
    svala_refuses(&[&removed[..], &["--shard", "1/2", "--rmdup"]].concat(), 2, "--rmdup");
}

/// A mistake in a read of another shard is an error of every shard.
fn every_shard_checks_all_reads(bench: &Bench) {
    let cut = bench.folder.path().join("cut.fq");
    let content = fastq_records(&bench.reads[0]).concat();
    std::fs::write(&cut, &content[..content.len() - 20]).expect("a temporary file");
    let output = bench.folder.path().join("cut.bam");
    for shard in ["1/3", "2/3", "3/3"] {
        let arguments = ["align", "--ref", text(&bench.reference), "-1", text(&cut), "-o", text(&output)];
        svala_refuses(&[&arguments[..], &["--shard", shard]].concat(), 1, "cut.fq");
        assert!(!output.exists());
    }
}

#[cfg(unix)]
mod attempts {
    use super::*;

    use std::io::Write;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    /// A run that has read half of its reads and begun to write.
    struct Attempt {
        child: Child,
        rest: Vec<u8>,
    }

    impl Attempt {
        fn start(bench: &Bench, folder: &Path, reads: &[u8]) -> Self {
            let output = folder.join("out.bam");
            let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
            command.args(["align", "--ref", text(&bench.reference), "-1", "-", "-o", text(&output), "--shard", "1/2"]);
            let mut child = command.args(["--max-mem", "1", "-q"]).stdin(Stdio::piped()).spawn().expect("svala starts");
            let (half, rest) = reads.split_at(reads.len() / 2);
            child.stdin.as_mut().expect("a pipe").write_all(half).expect("svala reads");
            let process = format!("-{}-", child.id());
            // BAM file, index and record.
            wait_until(|| listing(folder).iter().filter(|name| name.contains(&process)).count() == 3);
            Self { child, rest: rest.to_owned() }
        }

        fn finish(mut self) {
            self.child.stdin.take().expect("a pipe").write_all(&self.rest).expect("svala reads");
            assert!(self.child.wait().expect("svala ends").success());
        }

        fn signal(mut self, name: &str) {
            let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("kill starts");
            assert!(status.success() && !self.child.wait().expect("svala ends").success());
        }
    }

    fn wait_until(condition: impl Fn() -> bool) {
        let begin = Instant::now();
        while !condition() {
            assert!(begin.elapsed() < Duration::from_secs(60), "waited for a minute");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The names in a folder, sorted.
    fn listing(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// Attempts at the same shard: one ended by a signal, one killed, one that finishes, and a late one that finishes too.
    pub fn do_no_harm(bench: &Bench) {
        const FILES: [&str; 3] = ["out.bam", "out.bam.bai", "out.bam.svala.json"];
        let reads = fastq_records(&bench.reads[0]).concat().into_bytes();
        let expected = bench.align("attempts-alone", &["-1", text(&bench.reads[0]), "--shard", "1/2"]);
        let folder = bench.run_folder("attempts");
        let start = || Attempt::start(bench, &folder, &reads);
        let (ended, killed, first, late) = (start(), start(), start(), start());
        ended.signal("-TERM");
        killed.signal("-KILL");
        first.finish();
        let is_whole = || {
            for name in &FILES[..2] {
                assert!(bytes(&folder.join(name)) == bytes(&expected.join(name)), "{name}");
            }
        };
        is_whole();
        let finishing = std::thread::spawn(move || late.finish());
        while !finishing.is_finished() {
            // A reader that began after the first finds both files at any time.
            is_whole();
        }
        finishing.join().expect("the late attempt succeeds");
        is_whole();
        // What the killed one left is gone with the next.
        assert!(listing(&folder).len() > FILES.len());
        start().finish();
        is_whole();
        assert_eq!(listing(&folder), FILES);
        svala_ok(&["verify", text(&folder.join("out.bam"))]);
    }
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        trial("shards of pairs are one run", on(pairs)),
        trial("shards of other inputs are one run", on(other_forms)),
        trial("shards may be empty", on(shards_may_be_empty)),
        trial("shards that are not all are refused", on(shards_that_are_not_all_are_refused)),
        trial("every shard checks all reads", on(every_shard_checks_all_reads)),
        #[cfg(unix)]
        trial("attempts at one shard do no harm", on(attempts::do_no_harm)),
    ])
}
