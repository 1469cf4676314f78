//! Bad input ends in one clear line, exit code 1, and nothing under the final name.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use common::{READS, REFERENCE, conclude, data, indexed_reference, svala, svala_ok, text, trial};
use flate2::Compression;
use flate2::write::GzEncoder;

const PAIR: &str = "@r1\nACGTACGTAC\n+\nIIIIIIIIII\n@r2\nACGTACGTAC\n+\nIIIIIIIIII\n";

/// A folder with an indexed reference and a good pair of read files.
struct Setup {
    folder: tempfile::TempDir,
    reference: PathBuf,
}

impl Setup {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let setup = Self { folder, reference };
        setup.file("good_1.fq", PAIR);
        setup.file("good_2.fq", PAIR);
        setup
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).expect("a temporary file");
        self.path(name)
    }

    /// Aligns to a BAM file, which must fail with exit code 1 and one line that has all of `words`.
    fn fails(&self, reference: &Path, first: &Path, second: Option<&Path>, words: &[&str]) {
        let output = self.path("out.bam");
        let mut arguments = vec!["align", "--ref", text(reference), "-1", text(first), "-o", text(&output)];
        if let Some(second) = second {
            arguments.extend(["-2", text(second)]);
        }
        let before = self.listing();
        expect_failure(&arguments, words);
        assert_eq!(self.listing(), before, "a failed run may not leave files or take any away");
    }

    /// Names of all files, hidden ones too.
    fn listing(&self) -> Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    }
}

fn expect_failure(arguments: &[&str], words: &[&str]) {
    let output = svala(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "svala {arguments:?}\n{error}");
    assert_eq!(error.lines().count(), 1, "one line expected:\n{error}");
    assert!(error.starts_with("svala: "), "{error}");
    for word in words {
        assert!(error.contains(word), "no {word:?} in: {error}");
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

fn missing_files() {
    let s = Setup::new();
    let good = s.path("good_1.fq");
    s.fails(&s.reference, &s.path("absent.fq"), None, &["absent.fq"]);
    s.fails(&s.reference, &good, Some(&s.path("absent_2.fq")), &["absent_2.fq"]);
    let bare = s.file("bare.fa", ">c\nACGT\n");
    s.fails(&bare, &good, None, &["bare.fa.svala", "svala index"]);
    expect_failure(&["index", text(&s.path("absent.fa"))], &["absent.fa"]);
}

/// A control without reads is no bad input, as for bwa: one line of warning, and whole files without records.
fn inputs_without_reads() {
    let s = Setup::new();
    let (good, output, statistics) = (s.path("good_1.fq"), s.path("out.bam"), s.path("qc"));
    let header = svala_ok(&["mem", text(&s.reference), text(&good)]);
    let header: Vec<&[u8]> = header.split_inclusive(|&byte| byte == b'\n').take_while(|line| line[0] == b'@').collect();
    let no_records = s.path("none.bam");
    let [empty, empty_2, packed] =
        [("e.fq", vec![]), ("e_2.fq", vec![]), ("e.fq.gz", gzip(b""))].map(|(n, c)| s.file(n, c));
    let align = |inputs: &[&str], output: &Path| {
        let run = svala(&[&["align", "--ref", text(&s.reference), "-o", text(output)], inputs].concat());
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success(), "{inputs:?}: {error}");
        error.lines().filter(|line| line.contains("there are no reads in it")).count()
    };
    let name = |path: &Path| text(path).to_owned();
    let (e, e2, gz) = (name(&empty), name(&empty_2), name(&packed));
    assert_eq!(
        align(&["-1", &e, "-2", &e2, "--qc", text(&statistics), "--rg-from-name", "--rg-sm", "s"], &no_records),
        1
    );
    assert!(s.path("none.bam.bai").exists() && s.path("none.bam.svala.json").exists() && s.path("qc.stats").exists());
    let stats = std::fs::read_to_string(s.path("qc.stats")).expect("text");
    assert!(stats.contains("average quality:\t0.0") && !stats.contains("NaN"), "{stats}");
    svala_ok(&["verify", text(&no_records)]);
    for output in [s.path("none.cram"), s.path("name.bam")] {
        let order = if text(&output).ends_with("cram") { "coordinate" } else { "name" };
        assert_eq!(align(&["-1", &gz, "--sort", order], &output), 1);
        svala_ok(&["verify", text(&output)]);
    }
    // BAM with a header alone; and one of two lanes.
    for (input, lanes) in [(&no_records, 1), (&empty, 2), (&packed, 2)] {
        let lane = ["--in-fq", text(input)];
        let inputs = if lanes == 2 { [&lane[..], &["--in-fq", text(&good)]].concat() } else { lane.to_vec() };
        assert_eq!(align(&inputs, &output), 1, "{inputs:?}");
    }
    let whole = std::fs::read(&output).expect("an output");
    align(&["-1", text(&good)], &output);
    assert!(std::fs::read(&output).expect("an output") == whole);
    svala_ok(&["merge", "--no-record", text(&no_records), "-o", text(&s.path("merged.bam"))]);
    for inputs in [&[&e[..]][..], &[&gz], &[&e, &e2], &["-p", &e], &[text(&no_records)]] {
        let (options, files) = inputs.split_at(usize::from(inputs[0] == "-p"));
        let run = svala(&[&["mem", text(&s.reference)], files, options].concat());
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(run.status.success() && error.contains("no reads"), "{inputs:?}: {error}");
        assert!(
            run.stdout.starts_with(&header[..2].concat())
                && !run.stdout.split(|&b| b == b'\n').any(|l| l.first().is_some_and(|&b| b != b'@'))
        );
    }
    // But a mate is missing, what should be compressed isn't, or blank lines are not nothing.
    s.fails(&s.reference, &empty, Some(&s.path("good_2.fq")), &["e.fq", "good_2.fq"]);
    for (name, content, word) in
        [("cut.fq.gz", "", "truncated"), ("cut.bam", "", "truncated"), ("blank.fq", "\n", "no record")]
    {
        s.fails(&s.reference, &s.file(name, content), None, &[name, word]);
    }
}

fn truncated_gzip() {
    let s = Setup::new();
    let whole = std::fs::read(data(READS[0])).expect("committed data");
    for share in [0.1, 0.5, 0.9, 0.999_99] {
        let cut = s.file("cut.fq.gz", &whole[..(whole.len() as f64 * share) as usize]);
        s.fails(&s.reference, &cut, None, &["cut.fq.gz"]);
    }
}

fn malformed_records() {
    let s = Setup::new();
    let bad = s.file("bad.fq", "@r1\nACGT\n+\nIIII\n@r2\nACGTA\n+\nIIII\n");
    s.fails(&s.reference, &bad, None, &["bad.fq", "record 2", "4", "5"]);
    let bad = s.file("bad.fq", "@r1\nACGT\n+\nIIII\n@r2\nACGTA\n");
    s.fails(&s.reference, &bad, None, &["bad.fq", "record 2"]);
    let bad = s.file("bad.fq", "r1\nACGT\n+\nIIII\n");
    s.fails(&s.reference, &bad, None, &["bad.fq", "record 1", "@"]);
    let long = format!("@r1\n{}\n+\n{}\n", "A".repeat(1025), "I".repeat(1025));
    let bad = s.file("bad.fq", long);
    s.fails(&s.reference, &bad, None, &["bad.fq", "record 1", "1025", "1024"]);
}

fn mates_that_do_not_match() {
    let s = Setup::new();
    let good = s.path("good_1.fq");
    let short = s.file("short.fq", &PAIR[..PAIR.len() / 2]);
    s.fails(&s.reference, &good, Some(&short), &["short.fq", "good_1.fq"]);
    s.fails(&s.reference, &short, Some(&good), &["short.fq", "good_1.fq"]);
    let other = s.file("other.fq", PAIR.replace("@r2", "@secret"));
    s.fails(&s.reference, &good, Some(&other), &["record 2", "other.fq"]);
    let output = svala(&["mem", text(&s.reference), text(&good), text(&other)]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"), "read names are patient data");
}

fn inputs_that_would_be_lost_or_doubled() {
    let s = Setup::new();
    let good = s.path("good_1.fq");
    let refused = |first: &Path, second: Option<&Path>, output: &Path, word: &str| {
        let mut arguments = vec!["align", "--ref", text(&s.reference), "-1", text(first), "-o", text(output)];
        arguments.extend(second.into_iter().flat_map(|path| ["-2", text(path)]));
        let done = svala(&arguments);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains(word), "{arguments:?}");
    };
    let index = PathBuf::from(format!("{}.svala", text(&s.reference)));
    for output in [&good, &s.reference, &index] {
        let before = std::fs::read(output).expect("an input");
        refused(&good, None, output, "replace an input");
        assert!(std::fs::read(output).expect("an input") == before);
    }
    refused(&good, Some(&good), &s.path("out.bam"), "both mates");
    for comment in ["/1", " 1:N:0:ACGT"] {
        let one = s.file("one.fq", PAIR.replace("r1", &format!("r1{comment}")));
        let two = s.file("two.fq", PAIR.replace("r1", &format!("r1{comment}")));
        s.fails(&s.reference, &one, Some(&two), &["one.fq", "two.fq", "record 1"]);
    }
}

fn not_a_reference() {
    let s = Setup::new();
    for (name, content) in
        [("reads.fa", PAIR), ("empty.fa", ""), ("digits.fa", ">c\nACGT\nAC7T\n"), ("nothing.fa", ">c\n")]
    {
        let path = s.file(name, content);
        expect_failure(&["index", text(&path)], &[name]);
        assert!(!s.path(&format!("{name}.svala")).exists());
    }
}

fn damaged_indexes() {
    let s = Setup::new();
    let good = s.path("good_1.fq");
    let path = PathBuf::from(format!("{}.svala", text(&s.reference)));
    let whole = std::fs::read(&path).expect("the index");
    let with = |change: &dyn Fn(&mut Vec<u8>), words: &[&str]| {
        let mut bytes = whole.clone();
        change(&mut bytes);
        std::fs::write(&path, bytes).expect("the index");
        s.fails(&s.reference, &good, None, words);
    };
    with(&|bytes| bytes[8] += 1, &[".svala", "format 5, this svala reads 4", "format", "svala index"]);
    with(&|bytes| bytes[0] = b'X', &["not a svala index"]);
    with(&|bytes| bytes.truncate(bytes.len() - 1), &["damaged"]);
    with(&|bytes| bytes.clear(), &[".svala"]);
    // A flipped bit in the header, the section table and the start of each page of the rest.
    let places = [20, 40, 100].into_iter().chain((4096..whole.len()).step_by(4096));
    for place in places {
        with(&|bytes| bytes[place] ^= 1, &["damaged"]);
    }
    std::fs::write(&path, &whole).expect("the index");
    svala_ok(&["mem", text(&s.reference), text(&good)]);
}

fn index_of_another_reference() {
    let s = Setup::new();
    let other = s.file("other.fa", ">c\nACGTACGTACGTACGTACGTACGT\n");
    std::fs::copy(format!("{}.svala", text(&s.reference)), s.path("other.fa.svala")).expect("a copy");
    s.fails(&other, &s.path("good_1.fq"), None, &["another reference", "other.fa"]);
    // One base changed, nothing else: same length, another time of change.
    let changed = s.file("changed.fa", format!(">c\n{}\n", "ACGTTGCA".repeat(1_000)));
    svala_ok(&["index", text(&changed)]);
    s.file("changed.fa", format!(">c\n{}A\n", &"ACGTTGCA".repeat(1_000)[..7_999]));
    svala_ok(&["mem", text(&changed), text(&s.path("good_1.fq"))]);
    s.file("changed.fa", format!(">c\n{}C\n", &"ACGTTGCA".repeat(1_000)[..7_999]));
    s.fails(&changed, &s.path("good_1.fq"), None, &["another reference", "changed.fa"]);
}

fn unwritable_output() {
    let s = Setup::new();
    let good = s.path("good_1.fq");
    let nowhere = s.path("no/such/folder/out.bam");
    expect_failure(
        &["align", "--ref", text(&s.reference), "-1", text(&good), "-o", text(&nowhere)],
        &["no/such/folder"],
    );
    let nowhere = s.path("no/such/ref.fa");
    expect_failure(&["index", text(&nowhere)], &["ref.fa"]);
    std::fs::create_dir(s.path("folder.bam")).expect("a folder");
    let folder = s.path("folder.bam");
    expect_failure(&["align", "--ref", text(&s.reference), "-1", text(&good), "-o", text(&folder)], &["folder.bam"]);
}

fn bad_options() {
    let s = Setup::new();
    let good = s.path("good_1.fq");
    let mem = |options: &[&str]| {
        let mut arguments = vec!["mem"];
        arguments.extend(options);
        arguments.extend([text(&s.reference), text(&good)]);
        svala(&arguments)
    };
    for usage in [
        &["-R", "ID:x"][..],
        &["-R", "@RG\\tSM:x"],
        &["--adapters", "999"],
        &["--umi-structure", "3M+T,+T"],
        &["--rg-from-name", "--rg-sm", "s", "--rg-pl", ""],
        &["--rg-from-name", "--rg-sm", "a\\tb"],
    ] {
        let run = mem(usage);
        let (error, option) = (String::from_utf8_lossy(&run.stderr), usage[usage.len() - 2]);
        assert_eq!(run.status.code(), Some(2), "{usage:?}: {error}");
        assert!(run.stdout.is_empty() && error.contains(option), "{usage:?}: {error}");
    }
    for usage in [&["--backend", "abacus"][..], &["-t", "many"], &["-t", "-1"], &["-t", "1025"], &["--no-such-option"]]
    {
        assert_eq!(mem(usage).status.code(), Some(2), "{usage:?}");
    }
}

fn main() -> ExitCode {
    assert!(data(REFERENCE).exists());
    conclude(vec![
        trial("missing files", missing_files),
        trial("inputs without reads", inputs_without_reads),
        trial("truncated gzip", truncated_gzip),
        trial("malformed records", malformed_records),
        trial("mates that do not match", mates_that_do_not_match),
        trial("inputs that would be lost or doubled", inputs_that_would_be_lost_or_doubled),
        trial("not a reference", not_a_reference),
        trial("damaged indexes", damaged_indexes),
        trial("index of another reference", index_of_another_reference),
        trial("unwritable output", unwritable_output),
        trial("bad options", bad_options),
    ])
}
