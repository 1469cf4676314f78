//! Several inputs a run: the records are those of a run over each input, every record under its read group.

mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use common::{
    READS, Record, conclude, data, fastq_records, has_program, indexed_reference, records, svala_ok, svala_refuses,
    text, trial, trial_if,
};

/// Read groups of two lanes of one library and one of another.
const GROUPS: [&str; 3] =
    [r"@RG\tID:a1\tSM:s\tLB:a\tPL:ILLUMINA\tPU:u 1", r"@RG\tID:a2\tSM:s\tLB:a", r"@RG\tID:b1\tSM:s\tLB:b"];

/// The committed reads, dealt out to lanes of different sizes, the last one of single reads.
struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    lanes: [Vec<PathBuf>; 3],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let reads = READS.map(|name| fastq_records(&data(name)));
        let parts = [(0..5001, 2), (5001..5601, 2), (5601..usize::MAX, 1)];
        let lanes = parts.map(|(range, mates)| {
            let write = |mate: usize| {
                let path = folder.path().join(format!("from{}.{mate}.fq", range.start));
                let end = range.end.min(reads[mate].len());
                std::fs::write(&path, reads[mate][range.start..end].concat()).expect("a temporary file");
                path
            };
            (0..mates).map(write).collect()
        });
        Self { folder, reference, lanes }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `--in-fq` for some lanes.
    fn inputs(&self, lanes: &[usize], groups: bool) -> Vec<&str> {
        let mut arguments = Vec::new();
        for &lane in lanes {
            arguments.push("--in-fq");
            arguments.extend(self.lanes[lane].iter().map(|path| text(path)));
            arguments.extend(groups.then_some(GROUPS[lane]));
        }
        arguments
    }

    fn arguments<'a>(&'a self, output: &'a Path, options: &[&'a str]) -> Vec<&'a str> {
        [&["align", "--ref", text(&self.reference), "--out-bam", text(output)], options].concat()
    }

    fn align(&self, name: &str, options: &[&str]) -> PathBuf {
        let output = self.path(name);
        svala_ok(&self.arguments(&output, options));
        output
    }
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

fn view(path: &Path) -> Vec<Record> {
    let run = std::process::Command::new("samtools").args(["view", text(path)]).output().expect("samtools starts");
    records(&run.stdout)
}

fn header(path: &Path) -> String {
    let run =
        std::process::Command::new("samtools").args(["view", "-H", text(path)]).output().expect("samtools starts");
    String::from_utf8(run.stdout).expect("text")
}

/// What identifies a record.
fn key(record: &Record) -> (String, u16, i64, String, u8, Option<String>) {
    let Record { name, flags, position, cigar, mapq, tags, .. } = record.clone();
    (name, flags, position, cigar, mapq, tags.get("RG").cloned())
}

fn each_input_is_aligned_as_if_it_were_alone(bench: &Bench) {
    let unsorted = |name: &str, lanes: &[usize]| {
        view(&bench.align(name, &[&["--sort", "none"], &bench.inputs(lanes, true)[..]].concat()))
    };
    let all: Vec<_> = unsorted("all.bam", &[0, 1, 2]).iter().map(key).collect();
    let each = [0, 1, 2].map(|lane| unsorted(&format!("lane{lane}.bam"), &[lane]));
    assert!(each.iter().all(|records| records.len() > 1000));
    assert!(each.concat().iter().map(key).collect::<Vec<_>>() == all);
    let groups = each.map(|records| {
        let mut groups: Vec<String> = records.iter().map(|record| record.tags["RG"].clone()).collect();
        groups.dedup();
        groups.concat()
    });
    assert_eq!(groups, ["a1", "a2", "b1"]);
}

fn the_header_has_all_read_groups(bench: &Bench) {
    let output = bench.align("header.bam", &bench.inputs(&[1, 0, 2], true));
    let header = header(&output);
    let lines: Vec<&str> = header.lines().filter(|line| line.starts_with("@RG")).collect();
    let expected = [GROUPS[1], GROUPS[0], GROUPS[2]].map(|group| group.replace("\\t", "\t"));
    assert_eq!(lines, expected);
}

fn batches_threads_and_the_way_of_naming_do_not_show(bench: &Bench) {
    let inputs = bench.inputs(&[0, 1, 2], true);
    let metrics = bench.path("one.txt");
    let expected = bytes(&bench.align("one.bam", &[&inputs[..], &["--metrics", text(&metrics)]].concat()));
    let mut sheet = "sample\tread_group\tlibrary\tplatform\tunit\tfastq_1\tfastq_2\n".to_owned();
    for (lane, row) in ["s\ta1\ta\tILLUMINA\tu 1", "s\ta2\ta\t\t", "s\tb1\tb\t\t"].iter().enumerate() {
        let names =
            bench.lanes[lane].iter().map(|path| path.file_name().and_then(|name| name.to_str()).expect("a name"));
        let names: Vec<&str> = names.chain([""]).take(2).collect();
        sheet += &format!("{row}\t{}\n", names.join("\t"));
    }
    let path = bench.path("sheet.tsv");
    std::fs::write(&path, sheet).expect("a temporary file");
    let more_metrics = bench.path("other.txt");
    let cases: [Vec<&str>; 3] = [
        [&inputs[..], &["-t", "3", "--batch-reads", "333", "--max-mem", "1"]].concat(),
        [&inputs[..], &["-t", "1", "--batch-reads", "8"]].concat(),
        vec!["--samples", text(&path)],
    ];
    for mut options in cases {
        options.extend(["--metrics", text(&more_metrics)]);
        assert!(bytes(&bench.align("other.bam", &options)) == expected, "{options:?}");
        assert!(bytes(&more_metrics) == bytes(&metrics), "{options:?}");
    }
}

/// One group for all inputs that have none, and one input that has.
fn a_common_group_is_for_those_without(bench: &Bench) {
    let inputs = [bench.inputs(&[0], false), bench.inputs(&[1], true)].concat();
    let output = bench.align("common.bam", &[&inputs[..], &["-R", GROUPS[2]]].concat());
    let mut groups: Vec<String> = view(&output).iter().map(|record| record.tags["RG"].clone()).collect();
    groups.sort();
    groups.dedup();
    assert_eq!(groups, ["a2", "b1"]);
}

fn inputs_that_do_not_fit_are_refused(bench: &Bench) {
    let output = bench.path("refused.bam");
    let sheet = bench.path("bad.tsv");
    std::fs::write(&sheet, "sample\tread_group\tfastq_1\nx\t1\ta.fq\ny\t2\tb.fq\n").expect("a temporary file");
    let [first, second] = [text(&bench.lanes[0][0]), text(&bench.lanes[0][1])];
    let missing = bench.path("missing.fq");
    let cases: [(Vec<&str>, i32, &str); 10] = [
        (vec![], 2, "--in-fq"),
        ([&bench.inputs(&[0], true)[..], &["-1", first]].concat(), 2, "cannot be used with"),
        (vec!["--samples", text(&sheet), "-R", GROUPS[0]], 2, "cannot be used with"),
        (vec!["--samples", text(&sheet)], 1, "line 3: another sample"),
        ([bench.inputs(&[0], true), bench.inputs(&[1], false)].concat(), 2, "a read group for every input"),
        (vec!["--in-fq", first, GROUPS[0], "--in-fq", second, r"@RG\tID:a1\tSM:t"], 2, "the same ID"),
        (vec!["--in-fq", first, GROUPS[0], "--in-fq", second, r"@RG\tID:a2\tSM:t"], 2, "another sample"),
        (bench.inputs(&[0, 0], true), 2, "given for"),
        (vec!["--in-fq", first, second, "--in-fq", text(&missing)], 1, "missing.fq"),
        (vec!["--in-fq", first, second, "@RG ID:secret"], 2, "--in-fq: read group: expected"),
    ];
    for (options, code, word) in cases {
        let error = svala_refuses(&bench.arguments(&output, &options), code, word);
        assert!(!error.contains("secret"), "{options:?}: {error}");
        assert!(!output.exists());
    }
}

/// An input that is cut ends the run, whichever it is.
fn a_broken_input_ends_the_run(bench: &Bench) {
    let broken = bench.path("broken.fq");
    std::fs::write(&broken, &bytes(&bench.lanes[1][0])[..1000]).expect("a temporary file");
    let output = bench.path("broken.bam");
    for broken_first in [true, false] {
        let (good, bad) = (bench.inputs(&[2], false), vec!["--in-fq", text(&broken)]);
        let inputs = if broken_first { [bad, good] } else { [good, bad] }.concat();
        svala_refuses(&bench.arguments(&output, &inputs), 1, "broken.fq");
        assert!(!output.exists());
    }
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let with_samtools = |name: &str, check: fn(&Bench)| {
        trial_if(name, has_program("samtools"), "no samtools", "SVALA_REQUIRE_TOOLS", on(check))
    };
    conclude(vec![
        with_samtools("each input is aligned as if it were alone", each_input_is_aligned_as_if_it_were_alone),
        with_samtools("the header has all read groups", the_header_has_all_read_groups),
        with_samtools("a common group is for those without", a_common_group_is_for_those_without),
        trial(
            "batches, threads and the way of naming don't show",
            on(batches_threads_and_the_way_of_naming_do_not_show),
        ),
        trial("inputs that don't fit are refused", on(inputs_that_do_not_fit_are_refused)),
        trial("a broken input ends the run", on(a_broken_input_ends_the_run)),
    ])
}
