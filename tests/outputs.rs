//! Where outputs go: never over an input or each other however they are spelled, into streams that are there, and with nothing left
//! beside them of what they replace.

#![cfg(unix)]

mod common;

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Arc;

use common::running::{listing, svala_behind, svala_command};
use common::{
    READS, bytes, conclude, data, fastq_records, indexed_reference, svala, svala_ok, svala_refuses, text, trial,
};

/// Few reads and their reference; each test has a folder of its own, since they run at once.
struct Bench {
    folder: tempfile::TempDir,
}

struct Case {
    folder: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        for (mate, name) in READS.iter().enumerate() {
            let reads = fastq_records(&data(name))[..500].concat();
            std::fs::write(folder.path().join(format!("r{}.fq", mate + 1)), reads).expect("a file");
        }
        for (from, to) in [(reference.clone(), "ref.fa"), (reference.with_added_extension("svala"), "ref.fa.svala")] {
            std::fs::rename(from, folder.path().join(to)).expect("a file");
        }
        Self { folder }
    }

    /// A folder with a copy of all.
    fn case(&self, name: &str) -> Case {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        for file in ["ref.fa", "ref.fa.svala", "r1.fq", "r2.fq"] {
            std::fs::copy(self.folder.path().join(file), folder.join(file)).expect("a copy");
        }
        Case { folder }
    }
}

impl Case {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    /// svala in this folder, which says what these words say.
    fn svala(&self, line: &str) -> Command {
        let mut command = svala_command(&line.split(' ').collect::<Vec<_>>());
        command.current_dir(&self.folder);
        command
    }

    fn run(&self, line: &str) -> Output {
        self.svala(line).output().expect("svala starts")
    }

    fn ok(&self, line: &str) -> Vec<u8> {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// A shell's line in this folder, in which `$svala` is the program.
    fn shell(&self, script: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["-c", script]).env("svala", env!("CARGO_BIN_EXE_svala")).current_dir(&self.folder);
        command.output().expect("bash starts")
    }

    /// What all files hold.
    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let names = listing(&self.folder).into_iter();
        names.map(|name| (name.clone(), std::fs::read(self.path(&name)).unwrap_or_default())).collect()
    }

    /// A run that must be refused as a wrong command line, and touch nothing.
    fn refused(&self, line: &str, word: &str) {
        let before = self.contents();
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(word), "{line}: {said}");
        assert!(self.contents() == before, "{line}: files have changed");
    }
}

fn inputs_are_not_replaced(bench: &Bench) {
    let case = bench.case("inputs");
    case.ok("align -q --ref ref.fa -1 r1.fq -2 r2.fq -o sh.bam");
    case.ok("align -q --ref ref.fa -1 r1.fq -2 r2.fq -o sh.cram");
    case.write("sheet.tsv", "read_group\tfastq_1\tfastq_2\na\tr1.fq\tr2.fq\n");
    case.write("hh", "@CO\tsaid\n");
    case.write("other.pac", ">one\nACGT\n");
    symlink("r1.fq", case.path("link.fq")).expect("a link");
    let align = "align -q --ref ref.fa -1 r1.fq -2 r2.fq -o";
    for line in [
        "insert-size ref.fa r1.fq r2.fq -o r1.fq",
        "insert-size ref.fa r1.fq r2.fq -o ./r2.fq",
        "insert-size ref.fa r1.fq r2.fq -o ref.fa.svala",
        "merge --ref ref.fa sh.cram -o ref.fa",
        "merge --ref ref.fa sh.cram -o ref.fa.svala",
        "merge --ref ref.fa sh.cram -o o.cram --metrics ref.fa",
        "merge sh.bam -o sh.bam",
        "align -q --ref ref.fa --samples sheet.tsv -o sheet.tsv",
        &format!("{align} ref.fa.alt"),
        &format!("{align} ref.fa.64.alt"),
        &format!("{align} link.fq"),
        &format!("{align} o.bam --metrics ./r1.fq"),
        "mem -H hh ref.fa r1.fq -o hh",
        "mem ref.fa r1.fq -o ./r1.fq",
        "index ref.fa.svala ref.fa",
        "index --companions other.pac other",
    ] {
        case.refused(line, "replace an input");
    }
}

fn outputs_do_not_replace_each_other(bench: &Bench) {
    let case = bench.case("outputs");
    let absolute = case.path("q.bam");
    std::fs::create_dir(case.path("sub")).expect("a folder");
    symlink("q.bam", case.path("link.bam")).expect("a link");
    for others in [
        "--metrics q.bam",
        "--metrics ./q.bam",
        "--metrics sub/../q.bam",
        "--metrics link.bam",
        &format!("--metrics {}", text(&absolute)),
        "--qc q2 --metrics ./q2.stats",
        "--metrics q.bam.bai",
        "--metrics q.bai",
        "--report q.bam.csi",
        "--report ./q.bam.svala.json",
    ] {
        case.refused(&format!("align -q --ref ref.fa -1 r1.fq -2 r2.fq -o q.bam {others}"), "two outputs");
    }
    case.ok("align -q --ref ref.fa -1 r1.fq -2 r2.fq -o q.bam --metrics /dev/null --report /dev/null");
}

/// What belonged to the file that is replaced says nothing of the new one.
fn nothing_stale_is_left(bench: &Bench) {
    let case = bench.case("stale");
    let reads = "--ref ref.fa -1 r1.fq -2 r2.fq";
    let stale = |names: &[&str], line: &str| {
        names.iter().for_each(|name| case.write(name, "stale"));
        case.ok(line);
        let is_left = |name: &&&str| std::fs::read(case.path(name)).is_ok_and(|content| content == b"stale");
        assert_eq!(names.iter().filter(is_left).collect::<Vec<_>>(), [&""; 0], "{line}");
    };
    stale(&["k.crai", "k.cram.crai", "k.cram.bai"], &format!("align -q {reads} -o k.cram --no-index"));
    stale(&["k.bai", "k.csi", "k.bam.bai"], &format!("align -q {reads} -o k.bam --no-index"));
    // The index of another file, by its name.
    case.write("k.bai", "of k.bam");
    case.ok(&format!("align -q {reads} -o k.cram"));
    assert_eq!(bytes(&case.path("k.bai")), b"of k.bam");
    stale(&["n.bam.svala.json"], &format!("align -q {reads} -o n.bam --no-record"));
    stale(&["m.sam.svala.json"], "mem --quiet ref.fa r1.fq r2.fq -o m.sam");
    case.ok(&format!("align -q {reads} -o k.bam"));
    stale(&["j.bam.svala.json"], "merge -q k.bam -o j.bam --no-record");
    // A record that isn't left out is the new one.
    case.write("k.bam.svala.json", "stale");
    case.ok(&format!("align -q {reads} -o k.bam"));
    case.ok("verify k.bam");
}

/// By any name that the system has for it, an open file is written as it is.
fn streams_are_written_as_they_are(bench: &Bench) {
    let case = bench.case("streams");
    let align = "$svala align -q --ref ref.fa -1 r1.fq -2 r2.fq -o";
    let expected = case.ok("align -q --ref ref.fa -1 r1.fq -2 r2.fq -o -");
    let metrics = {
        case.ok("align -q --ref ref.fa -1 r1.fq -2 r2.fq -o plain.bam --metrics m.txt");
        bytes(&case.path("m.txt"))
    };
    let before = listing(&case.folder);
    for (name, script) in [
        ("a pipe", format!("{align} /dev/stdout | cat > got")),
        ("a file", format!("{align} /dev/stdout > got")),
        ("another name", format!("{align} /proc/self/fd/1 > got")),
        ("a number", format!("{align} /dev/fd/1 > got")),
        ("another number", format!("{align} /dev/fd/3 3> got")),
        ("a process", format!("{align} >(cat > got; echo > done); while [ ! -e done ]; do sleep 0.01; done; rm done")),
        ("a fifo", format!("mkfifo f; cat f > got & {align} f; wait; rm f")),
    ] {
        let output = case.shell(&format!("set -e; {script}"));
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(bytes(&case.path("got")) == expected, "{name}");
        std::fs::remove_file(case.path("got")).expect("a file");
        assert_eq!(listing(&case.folder), before, "{name}");
    }
    // A log goes on: it is the same file, and what is said before and after stays.
    let output = case.shell(&format!("(echo before; {align} o.bam --metrics /dev/stdout; echo after) > job.log"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(bytes(&case.path("job.log")), [b"before\n", &metrics[..], b"after\n"].concat());
}

fn an_index_is_asked_for_where_there_can_be_one(bench: &Bench) {
    let case = bench.case("index");
    let align = "align -q --ref ref.fa -1 r1.fq -2 r2.fq --write-index -o";
    for line in ["o.bam --sort name", "o.bam --sort none", "-", "/dev/null"] {
        case.refused(&format!("{align} {line}"), "--write-index");
    }
    case.ok(&format!("{align} o.bam"));
    assert!(case.path("o.bam.bai").exists());
    case.refused("merge o.bam -o - --write-index", "--write-index");
}

/// Nothing of what svala says may end a run, nor change how it ends.
fn nobody_needs_to_listen(bench: &Bench) {
    let case = bench.case("deaf");
    let [reference, first, second, output] = ["ref.fa", "r1.fq", "r2.fq", "o.bam"].map(|name| case.path(name));
    let [reference, first, second, output] = [&reference, &first, &second, &output].map(|path| text(path));
    let none = text(&case.path("none")).to_owned();
    let runs: [(&[&str], i32); 6] = [
        (&["align", "--ref", reference, "-1", first, "-2", second, "-o", output], 0),
        (&["mem", "-K", "1", reference, first, "-o", output], 0),
        (&["index", reference], 0),
        (&["mem", reference, &none], 1),
        (&["mem", "--no-such-option"], 2),
        (&["bwa"], 1),
    ];
    for (arguments, code) in runs {
        for deaf in ["exec 2>/dev/full", "exec 2>&-"] {
            let run = svala_behind(deaf, arguments).output().expect("sh starts");
            assert_eq!(run.status.code(), Some(code), "{arguments:?}, {deaf}");
        }
        // Its reader has gone.
        let mut child = svala_behind(":", arguments).spawn().expect("sh starts");
        drop(child.stderr.take());
        assert_eq!(child.wait().expect("svala ends").code(), Some(code), "{arguments:?}, no reader");
    }
}

/// As for any output: no complaint, a shell's code for SIGPIPE.
fn versions_may_go_unread(bench: &Bench) {
    let case = bench.case("version");
    let output = case.shell("set -o pipefail; (sleep 0.2; $svala bwa version) | true");
    assert_eq!((output.status.code(), &output.stderr[..]), (Some(141), &b""[..]));
    let output = case.shell("$svala bwa version > /dev/full");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("standard output"), "{said}");
}

/// What stands where an index's prefix leads needn't be its reference, but a reference must be the same.
fn prefixes_may_be_taken(bench: &Bench) {
    let case = bench.case("prefix");
    let expected = case.ok("mem --quiet ref.fa r1.fq r2.fq");
    let records = |sam: &[u8]| {
        let text = String::from_utf8_lossy(sam).into_owned();
        text.lines().filter(|line| !line.starts_with('@')).map(str::to_owned).collect::<Vec<_>>()
    };
    case.ok("index ref.fa -p k");
    let is_same = || assert!(records(&case.ok("mem --quiet k r1.fq r2.fq")) == records(&expected));
    let unpacked = gunzipped(&case.path("ref.fa"));
    is_same();
    std::fs::create_dir(case.path("k")).expect("a folder");
    is_same();
    std::fs::remove_dir(case.path("k")).expect("a folder");
    assert!(case.shell("mkfifo k").status.success());
    is_same();
    std::fs::remove_file(case.path("k")).expect("a pipe");
    let in_lower_case =
        unpacked.lines().map(|line| if line.starts_with('>') { line.into() } else { line.to_lowercase() });
    let in_lower_case = in_lower_case.collect::<Vec<String>>().join("\r\n");
    for other in ["", "no reference\n", &in_lower_case, &unpacked] {
        case.write("k", other);
        is_same();
    }
    let one_base = unpacked.replacen("GATCACAGGT", "GATCACAGGA", 1);
    assert_ne!(one_base, unpacked);
    let one_more = format!("{unpacked}>more\nACGT\n");
    let renamed = unpacked.replacen(">", ">x", 1);
    for other in [&one_base, &one_more, &renamed, &unpacked[..unpacked.len() - 2]] {
        case.write("k", other);
        let output = case.run("mem k r1.fq r2.fq");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains("another reference"), "{said}");
    }
    let output = case.run("mem ref.fa.svala r1.fq");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("name what it is of: ref.fa\n"), "{said}");
}

fn gunzipped(path: &Path) -> String {
    let mut content = String::new();
    let file = std::fs::File::open(path).expect("a file");
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut content).expect("gzip");
    content
}

/// A reference is read more than once.
fn a_reference_is_a_file(bench: &Bench) {
    let case = bench.case("pipe");
    let before = listing(&case.folder);
    for reference in ["<(cat ref.fa)", "/dev/stdin < ref.fa", "- < ref.fa", "."] {
        let output = case.shell(&format!("$svala bwa index -p x {reference}"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains("must be a file"), "{reference}: {said}");
        assert_eq!(listing(&case.folder), before, "{reference}");
    }
}

/// bwa's limits where they are taken, and exit code 2 where not.
fn limits_of_bwa(bench: &Bench) {
    let case = bench.case("limits");
    let expected = case.ok("mem --quiet ref.fa r1.fq r2.fq");
    assert!(case.ok("mem --quiet -t 0 ref.fa r1.fq r2.fq") == expected);
    for option in ["-d 0", "-d 100000", "-L 255"] {
        let lines = |sam: &[u8]| sam.split(|&byte| byte == b'\n').filter(|line| !line.starts_with(b"@")).count();
        assert!(lines(&case.ok(&format!("mem --quiet {option} ref.fa r1.fq r2.fq"))) > 1000, "{option}");
    }
    for (option, word) in [
        ("-E 0", "-E"),
        ("-E 1,0", "-E"),
        ("-w 0", "-w"),
        ("-w 501", "-w"),
        ("-L 256", "-L"),
        ("-U -5", "-U"),
        ("-B 255", "mismatch"),
    ] {
        case.refused(&format!("mem --quiet {option} ref.fa r1.fq r2.fq"), word);
    }
    let full = ["align", "--ref", "x", "-1", "x", "-o", "x", "-t", "0"];
    svala_refuses(&full, 2, "-t");
    assert_eq!(svala(&full).stdout, b"");
    assert!(svala_ok(&["bwa", "version"]).ends_with(b"\n"));
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        trial("inputs are not replaced", on(inputs_are_not_replaced)),
        trial("outputs do not replace each other", on(outputs_do_not_replace_each_other)),
        trial("nothing stale is left", on(nothing_stale_is_left)),
        trial("streams are written as they are", on(streams_are_written_as_they_are)),
        trial("an index is asked for where there can be one", on(an_index_is_asked_for_where_there_can_be_one)),
        trial("nobody needs to listen", on(nobody_needs_to_listen)),
        trial("versions may go unread", on(versions_may_go_unread)),
        trial("prefixes may be taken", on(prefixes_may_be_taken)),
        trial("a reference is a file", on(a_reference_is_a_file)),
        trial("limits of bwa", on(limits_of_bwa)),
    ])
}
