//! `svala align` sorts: the same bytes whatever the memory and threads, in the order of `samtools sort`, with an index.

mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use common::{
    READS, Record, bytes, conclude, data, fastq_records, has_program, indexed_reference, records, samtools, svala_ok,
    svala_refuses, text, trial, trial_if,
};

/// The committed reads, and where they are aligned.
struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    reads: [PathBuf; 2],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        Self { folder, reference, reads: READS.map(data) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments<'a>(&'a self, output: &'a Path, options: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec!["align", "--ref", text(&self.reference), "-o", text(output)];
        arguments.extend(["-1", text(&self.reads[0]), "-2", text(&self.reads[1])]);
        arguments.extend(options);
        arguments
    }

    /// Aligns to a file of this name.
    fn align(&self, name: &str, options: &[&str]) -> PathBuf {
        let output = self.path(name);
        svala_ok(&self.arguments(&output, options));
        output
    }

    fn listing(&self) -> Vec<std::ffi::OsString> {
        let mut names: Vec<_> = std::fs::read_dir(self.folder.path())
            .expect("the folder")
            .map(|e| e.expect("an entry").file_name())
            .collect();
        names.sort();
        names
    }
}

fn view(path: &Path) -> Vec<Record> {
    records(&samtools(&["view", text(path)]))
}

fn memory_and_threads_do_not_show(bench: &Bench) {
    let all_in_memory = bench.align("memory.bam", &["-t", "1", "--max-mem", "1024"]);
    let (expected, index) = (bytes(&all_in_memory), bytes(&bench.path("memory.bam.bai")));
    assert!(expected.len() > 100_000 && index.len() > 100);
    // One MiB makes about ten runs.
    let cases: [&[&str]; 5] = [
        &["-t", "1", "--max-mem", "1"],
        &["-t", "2", "--max-mem", "3", "--batch-reads", "333"],
        &["-t", "3", "--max-mem", "1", "--batch-reads", "7"],
        &["-t", "2", "--max-mem", "2", "--batch-reads", "4096"],
        &["-t", "3"],
    ];
    for options in cases {
        let output = bench.align("other.bam", options);
        assert!(bytes(&output) == expected, "{options:?} give another file");
        assert!(bytes(&bench.path("other.bam.bai")) == index, "{options:?} give another index");
    }
}

/// Mates that take turns with single reads come in batches of a few.
fn small_batches_do_not_show(bench: &Bench) {
    let [first, second] = bench.reads.each_ref().map(|reads| fastq_records(reads));
    let mixed = first.iter().zip(&second).enumerate().map(|(number, (first, second))| match number % 3 {
        0 => first.clone(),
        1 => second.clone(),
        _ => first.clone() + second,
    });
    let (input, output) = (bench.path("mixed.fq"), bench.path("mixed.bam"));
    std::fs::write(&input, mixed.collect::<String>()).expect("a temporary file");
    let align = |options: &[&str]| {
        let fixed = ["align", "--ref", text(&bench.reference), "-p", "-1", text(&input), "-o", text(&output)];
        svala_ok(&[&fixed[..], options].concat());
        bytes(&output)
    };
    let expected = align(&["-t", "2"]);
    assert!(align(&["-t", "1", "--max-mem", "1"]) == expected && align(&["--batch-reads", "3"]) == expected);
}

fn nothing_is_lost(bench: &Bench) {
    let sorted = bench.align("multiset.sorted.bam", &["--no-markdup", "--max-mem", "1"]);
    let unsorted = bench.align("multiset.unsorted.bam", &["--sort", "none"]);
    let lines = |path: &Path| {
        let sam = String::from_utf8(samtools(&["view", text(path)])).expect("SAM is text");
        let mut lines: Vec<String> = sam.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let expected = lines(&unsorted);
    assert!(expected.len() > 19_000);
    assert!(lines(&sorted) == expected, "sorting changes records");
}

fn order_is_that_of_samtools(bench: &Bench) {
    let ours = bench.align("order.bam", &["--max-mem", "1"]);
    let unsorted = bench.align("order.unsorted.bam", &["--sort", "none"]);
    let theirs = bench.path("order.samtools.bam");
    samtools(&["sort", "-o", text(&theirs), text(&unsorted)]);
    let key = |r: &Record| (r.contig.clone(), r.position, r.flags & 0x10);
    let keys = |path: &Path| view(path).iter().map(key).collect::<Vec<_>>();
    assert!(keys(&ours) == keys(&theirs), "samtools sorts otherwise");
    let header = String::from_utf8(samtools(&["view", "-H", text(&ours)])).expect("SAM is text");
    assert!(header.starts_with("@HD\tVN:1.6\tSO:coordinate\n"), "{header}");
    // The rest of the order: name, then flags.
    let records = view(&ours);
    let full = |r: &Record| (r.name.clone(), r.flags & !0x400);
    let ties: Vec<_> = records.windows(2).filter(|w| key(&w[0]) == key(&w[1])).collect();
    assert!(ties.len() > 1000 && ties.iter().all(|w| full(&w[0]) <= full(&w[1])));
}

fn order_of_names_is_that_of_samtools(bench: &Bench) {
    let ours = bench.align("name.bam", &["--sort", "name", "--max-mem", "1", "-t", "2"]);
    assert!(!bench.path("name.bam.bai").exists());
    let memory = bench.align("name.memory.bam", &["--sort", "name", "-t", "1", "--batch-reads", "77"]);
    assert!(bytes(&ours) == bytes(&memory));
    let by_place = bench.align("place.bam", &[]);
    let theirs = bench.path("name.samtools.bam");
    samtools(&["sort", "-n", "-o", text(&theirs), text(&by_place)]);
    // Duplicates are marked as in the other order. samtools leaves supplementary records of a read as they came.
    let primary = |path: &Path| {
        let records = view(path).into_iter().filter(Record::is_primary);
        records.map(|r| (r.name, r.flags, r.position, r.cigar)).collect::<Vec<_>>()
    };
    let names = |path: &Path| view(path).into_iter().map(|r| r.name).collect::<Vec<_>>();
    assert!(primary(&ours) == primary(&theirs) && names(&ours) == names(&theirs), "samtools sorts otherwise");
    assert!(primary(&ours).iter().any(|(_, flags, ..)| flags & 0x400 != 0));
    let header = String::from_utf8(samtools(&["view", "-H", text(&ours)])).expect("SAM is text");
    assert!(header.starts_with("@HD\tVN:1.6\tSO:queryname\tSS:queryname:natural\n"), "{header}");
}

/// Also of names whose numbers are the same.
fn leading_zeros_are_as_in_samtools(bench: &Bench) {
    let reads = fastq_records(&bench.reads[0]);
    let names =
        ["a1", "a01:3", "a001:1", "a1:2", "0", "00", "0a", "00b", "x7y", "x007y", "b0c00", "b00c0", "10b", "010b"];
    let named = names.iter().zip(&reads).map(|(name, read)| {
        let (_, rest) = read.split_once('\n').expect("lines");
        format!("@{name}\n{rest}")
    });
    let [input, ours, by_place, theirs] =
        ["zeros.fq", "zeros.bam", "zeros.place.bam", "zeros.samtools.bam"].map(|name| bench.path(name));
    std::fs::write(&input, named.collect::<String>()).expect("a temporary file");
    for (output, sort) in [(&ours, "name"), (&by_place, "coordinate")] {
        let reference = text(&bench.reference);
        svala_ok(&["align", "--ref", reference, "-1", text(&input), "-o", text(output), "--sort", sort]);
    }
    samtools(&["sort", "-n", "-o", text(&theirs), text(&by_place)]);
    let names = |path: &Path| view(path).into_iter().map(|record| record.name).collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
}

fn input_order_does_not_show(bench: &Bench) {
    let model = bench.path("model.json");
    let [first, second] = bench.reads.each_ref().map(|path| text(path));
    svala_ok(&["insert-size", text(&bench.reference), first, second, "-o", text(&model)]);
    let reversed = bench.reads.each_ref().map(|reads| {
        let path = bench.path(&format!("reversed.{}", reads.file_stem().and_then(|s| s.to_str()).expect("a name")));
        std::fs::write(&path, fastq_records(reads).into_iter().rev().collect::<String>()).expect("a file");
        path
    });
    let options = ["--insert-model", text(&model), "--max-mem", "1"];
    let expected = bytes(&bench.align("forward.bam", &options));
    let output = bench.path("reversed.bam");
    let mut arguments = vec!["align", "--ref", text(&bench.reference), "-o", text(&output)];
    arguments.extend(["-1", text(&reversed[0]), "-2", text(&reversed[1])]);
    arguments.extend(options);
    svala_ok(&arguments);
    assert!(bytes(&output) == expected, "the order of the input shows");
}

fn index_finds_what_is_there(bench: &Bench) {
    let output = bench.align("index.bam", &["-l", "1"]);
    let path = text(&output);
    samtools(&["quickcheck", "-v", path]);
    let records = view(&output);
    for (contig, start, end) in
        [("chrM", 1, 20_000), ("chrM", 3000, 3100), ("chrM", 16_384, 16_384), ("chrY", 1, 30_000)]
    {
        let reaches = |r: &&Record| {
            let covered: i64 = r.operations().iter().filter(|op| "MDN=X".contains(op.1)).map(|op| op.0).sum();
            r.contig == contig && r.position <= end && r.position + covered.max(1) > start
        };
        let expected = records.iter().filter(reaches).count();
        let found = samtools(&["view", "-c", path, &format!("{contig}:{start}-{end}")]);
        assert_eq!(String::from_utf8_lossy(&found).trim(), expected.to_string(), "{contig}:{start}-{end}");
    }
    let statistics = samtools(&["idxstats", path]);
    let copy = bench.path("indexed-by-samtools.bam");
    std::fs::copy(&output, &copy).expect("a copy");
    samtools(&["index", text(&copy)]);
    assert_eq!(statistics, samtools(&["idxstats", text(&copy)]));
}

fn options_do_what_they_say(bench: &Bench) {
    let stored = bench.align("l0.bam", &["-l", "0", "--no-index"]);
    let packed = bench.align("l9.bam", &["-l", "9", "--write-index"]);
    assert!(bytes(&stored).len() > 2 * bytes(&packed).len());
    assert!(!bench.path("l0.bam.bai").exists() && bench.path("l9.bam.bai").exists());
    let [prefix, named, beside] = ["both", "both.txt", "both.duplicate_metrics"].map(|name| bench.path(name));
    bench.align("both.bam", &["--qc", text(&prefix), "--metrics", text(&named)]);
    assert!(bytes(&named) == bytes(&beside) && bytes(&named).starts_with(b"##"));
    bench.align("both.bam", &["--qc", text(&prefix), "--metrics", text(&beside)]);
    assert!(bytes(&named) == bytes(&beside));
    bench.align("unsorted.bam", &["--sort", "none"]);
    assert!(!bench.path("unsorted.bam.bai").exists());
    // An index of the file that is replaced must go.
    for options in [&["--no-index"][..], &["--sort", "none"], &["--sort", "name"], &[]] {
        let stale = ["l9.bam.bai", "l9.bam.csi", "l9.bai", "l9.csi"].map(|name| bench.path(name));
        stale.iter().for_each(|path| std::fs::write(path, "stale").expect("a temporary file"));
        bench.align("l9.bam", options);
        let left = stale.iter().filter(|path| std::fs::read(path).is_ok_and(|content| content == b"stale"));
        assert_eq!(left.count(), 0, "{options:?}");
        assert_eq!(stale[0].exists(), options.is_empty());
    }
    assert!(svala_ok(&bench.arguments(Path::new("-"), &[])) == bytes(&bench.align("file.bam", &[])));
}

fn failures_leave_nothing(bench: &Bench) {
    let output = bench.path("failed.bam");
    let nowhere = bench.path("nowhere");
    let metrics = nowhere.join("m.txt");
    let folder = bench.path("failed.bam.bai");
    std::fs::create_dir(&folder).expect("a folder");
    let before = bench.listing();
    let cases: [(&[&str], i32, &str); 7] = [
        (&["--tmp-dir", text(&nowhere), "--no-index"], 1, "nowhere"),
        (&["--metrics", text(&metrics), "--no-index"], 1, "m.txt"),
        (&[], 1, "failed.bam.bai"),
        (&["--sort", "none", "--rmdup"], 2, "--sort none"),
        (&["--metrics", text(&output)], 2, "two outputs"),
        (&["-l", "10"], 2, "10"),
        (&["--max-mem", "0K"], 2, "1 MiB"),
    ];
    for (options, code, word) in cases {
        svala_refuses(&bench.arguments(&output, options), code, word);
        assert_eq!(bench.listing(), before, "{options:?} leave something");
    }
}

/// `--unmapped drop` leaves out templates of which no read is mapped, and the rest is as it was.
fn unmapped_templates_can_be_left_out(bench: &Bench) {
    for sort in ["coordinate", "none"] {
        let [all, mapped] = [("all.bam", "keep"), ("mapped.bam", "drop")]
            .map(|(name, how)| view(&bench.align(name, &["--sort", sort, "--unmapped", how])));
        let (lost, kept): (Vec<Record>, Vec<Record>) = all.into_iter().partition(|r| r.flags & 12 == 12);
        assert!(!lost.is_empty() && kept.len() > 19_000);
        let fields = |r: &Record| (r.name.clone(), r.flags, r.position, r.cigar.clone(), r.mapq, r.tags.clone());
        assert!(kept.iter().map(fields).eq(mapped.iter().map(fields)), "{sort}");
    }
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let with_samtools = |name: &str, check: fn(&Bench)| {
        trial_if(name, has_program("samtools"), "no samtools", "SVALA_REQUIRE_TOOLS", on(check))
    };
    // Its own folder: it looks at everything in it.
    let failing = || failures_leave_nothing(&Bench::new());
    conclude(vec![
        trial("memory and threads don't show", on(memory_and_threads_do_not_show)),
        trial("small batches don't show", on(small_batches_do_not_show)),
        trial("the order of the input doesn't show", on(input_order_does_not_show)),
        trial("options do what they say", on(options_do_what_they_say)),
        trial("failures leave nothing", failing),
        with_samtools("the records are those of --sort none", nothing_is_lost),
        with_samtools("the order is that of samtools sort", order_is_that_of_samtools),
        with_samtools("the order of names is that of samtools sort -n", order_of_names_is_that_of_samtools),
        with_samtools("leading zeros are as in samtools", leading_zeros_are_as_in_samtools),
        with_samtools("the index finds what is there", index_finds_what_is_there),
        with_samtools("unmapped templates can be left out", unmapped_templates_can_be_left_out),
    ])
}
