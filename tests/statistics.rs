//! The statistics of `--qc` are those that samtools and Picard compute from the same BAM file.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::{READS, conclude, data, has_program, indexed_reference, svala_ok, text, trial, trial_if};

/// The committed reads, some of them twice and some with half of another's bases, in files.
struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    reads: [PathBuf; 2],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let reads = READS.map(|name| {
            let mut original = String::new();
            let file = std::fs::File::open(data(name)).expect("committed data");
            std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut original).expect("gzip");
            let path = folder.path().join(name).with_extension("");
            std::fs::write(&path, with_copies(&original)).expect("a temporary file");
            path
        });
        Self { folder, reference, reads }
    }

    /// Aligns `mates` files and writes statistics under `name`.
    fn align(&self, name: &str, mates: usize, options: &[&str]) -> Output {
        let (bam, prefix) = (self.folder.path().join(format!("{name}.bam")), self.folder.path().join(name));
        let mut arguments = vec!["align", "--ref", text(&self.reference), "--qc", text(&prefix)];
        if !options.contains(&"-o") {
            arguments.extend(["-o", text(&bam)]);
        }
        for (option, file) in ["-1", "-2"].iter().zip(&self.reads[..mates]) {
            arguments.extend([option, text(file)]);
        }
        arguments.extend(options);
        svala_ok(&arguments);
        Output { bam, prefix }
    }
}

/// Every fifth read comes twice; every seventh gets the start of the one before as its own, so that it is chimeric; every
/// eleventh lacks its last bases.
fn with_copies(fastq: &str) -> String {
    let lines: Vec<&str> = fastq.lines().collect();
    let mut output = String::new();
    for (number, record) in lines.chunks_exact(4).enumerate() {
        let (name, mut bases, mut qualities) = (record[0], record[1].to_owned(), record[3]);
        if number % 7 == 3 {
            bases.replace_range(..50, &lines[4 * (number - 1) + 1][50..]);
        }
        if number % 11 == 5 {
            bases.truncate(71);
            qualities = &qualities[..71];
        }
        for copy in 0..1 + usize::from(number % 5 == 0) {
            let (name, comment) = name.split_once(['/', ' ']).map_or((name, ""), |(name, comment)| (name, comment));
            output += &format!("{name}_{copy} {comment}\n{bases}\n+\n{qualities}\n");
        }
    }
    output
}

struct Output {
    bam: PathBuf,
    prefix: PathBuf,
}

impl Output {
    fn file(&self, suffix: &str) -> String {
        let path = PathBuf::from(format!("{}{suffix}", text(&self.prefix)));
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn has(&self, suffix: &str) -> bool {
        Path::new(&format!("{}{suffix}", text(&self.prefix))).exists()
    }

    fn samtools(&self, command: &str) -> String {
        let output = Command::new("samtools").args([command, text(&self.bam)]).output().expect("samtools starts");
        assert!(output.status.success(), "samtools {command}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

/// Lines but for comments and some sections.
fn lines<'a>(text: &'a str, without: &[&str]) -> Vec<&'a str> {
    let is_left_out = |line: &str| without.iter().any(|section| line.split('\t').next() == Some(section));
    text.lines().filter(|line| !line.starts_with('#') && !is_left_out(line)).collect()
}

fn assert_same(ours: &[&str], theirs: &[&str], what: &str) {
    let different = ours.iter().zip(theirs).find(|(ours, theirs)| ours != theirs);
    assert!(
        different.is_none() && ours.len() == theirs.len(),
        "{what}: {different:?}, {} and {} lines",
        ours.len(),
        theirs.len()
    );
    assert!(!ours.is_empty(), "{what}");
}

fn statistics_are_those_of_samtools(bench: &Bench) {
    let cases: [(&str, usize, &[&str]); 7] = [
        ("marked", 2, &["-t", "2"]),
        ("soft", 2, &["-Y", "--max-mem", "1"]),
        ("removed", 2, &["--rmdup"]),
        ("ignored", 2, &["--no-markdup"]),
        ("unsorted", 2, &["--sort", "none"]),
        ("named", 2, &["--sort", "name"]),
        ("single", 1, &[]),
    ];
    for (name, mates, options) in cases {
        let output = bench.align(name, mates, options);
        // Ours is of a later version that has MAPQ, and lacks CHK and GCD; without order we have no coverage.
        let theirs = output.samtools("stats");
        let mut without = vec!["CHK", "GCD", "MAPQ"];
        let sorted = !matches!(name, "unsorted" | "named");
        if !sorted {
            without.push("COV");
        }
        assert_same(&lines(&output.file(".stats"), &without), &lines(&theirs, &without), &format!("{name}: stats"));
        assert_eq!(output.file(".flagstat"), output.samtools("flagstat"), "{name}");
        assert_eq!(output.has(".coverage"), sorted);
        if sorted {
            assert_eq!(output.file(".coverage"), output.samtools("coverage"), "{name}");
        }
        let duplicates = output.file(".flagstat").lines().nth(4).map(str::to_owned).expect("a line");
        let is_marked = matches!(name, "marked" | "soft" | "named" | "single");
        assert_eq!(!duplicates.starts_with("0 "), is_marked, "{name}: {duplicates}");
        assert_eq!(output.has(".duplicate_metrics"), !matches!(name, "ignored" | "unsorted"));
    }
}

/// Reads that a sequencer failed, some of them duplicates, and reads that trimming left nothing of.
fn failed_and_empty_reads_are_counted_as_by_samtools(bench: &Bench) {
    let records: Vec<Vec<String>> = bench.reads.each_ref().map(|path| fastq_lines(path)).into_iter().collect();
    let mut sam = String::from("@HD\tVN:1.6\tSO:unsorted\tGO:query\n");
    for (pair, mates) in records[0].chunks_exact(4).zip(records[1].chunks_exact(4)).take(4000).enumerate() {
        for (mate, (flags, lines)) in [(77, mates.0), (141, mates.1)].into_iter().enumerate() {
            let flags = flags | if pair % 3 == 0 { 512 } else { 0 };
            let is_empty = pair % 50 == 7 && (mate == 1 || pair % 100 == 7);
            let (bases, qualities) = if is_empty { ("*", "*") } else { (&lines[1][..], &lines[3][..]) };
            sam += &format!("r{pair}\t{flags}\t*\t0\t0\t*\t*\t0\t0\t{bases}\t{qualities}\n");
        }
    }
    let input = bench.folder.path().join("failed.sam");
    std::fs::write(&input, sam).expect("a temporary file");
    let (bam, prefix) = (bench.folder.path().join("failed.bam"), bench.folder.path().join("failed"));
    let unaligned = bench.folder.path().join("failed.unaligned.bam");
    common::samtools(&["view", "-b", "-o", text(&unaligned), text(&input)]);
    let reference = text(&bench.reference);
    svala_ok(&["align", "--ref", reference, "-1", text(&unaligned), "--qc", text(&prefix), "-o", text(&bam)]);
    let output = Output { bam, prefix };
    let without = ["CHK", "GCD", "MAPQ"];
    let theirs = output.samtools("stats");
    assert_same(&lines(&output.file(".stats"), &without), &lines(&theirs, &without), "stats");
    assert_eq!(output.file(".flagstat"), output.samtools("flagstat"));
    assert_eq!(output.file(".coverage"), output.samtools("coverage"));
    // Neither unmapped nor supplementary, failed or duplicates.
    let passed = common::samtools(&["view", "-c", "-F", "3844", text(&output.bam)]);
    let counts = output.file(".stats");
    let counts = counts.lines().filter(|line| line.starts_with("MAPQ\t")).filter_map(|line| line.split('\t').nth(2));
    let sum: u64 = counts.map(|count| count.parse::<u64>().expect("a count")).sum();
    assert_eq!(sum.to_string(), String::from_utf8_lossy(&passed).trim());
}

fn fastq_lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).expect("reads").lines().map(str::to_owned).collect()
}

fn insert_sizes_are_those_of_picard(bench: &Bench) {
    // Picard runs R for a plot of its own, and refuses to work without.
    let r = bench.folder.path().join("Rscript");
    std::fs::write(&r, "#!/bin/sh\nexit 0\n").expect("a file");
    #[cfg(unix)]
    std::fs::set_permissions(&r, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("permissions");
    let path = std::env::join_paths(
        [bench.folder.path().to_owned()]
            .into_iter()
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    // Reads of one mate number first give every orientation.
    for (name, options) in [("inserts", &[][..]), ("inserts.removed", &["--rmdup"])] {
        let output = bench.align(name, 2, options);
        let theirs = bench.folder.path().join("picard.insert_size_metrics");
        let run = Command::new("PicardCommandLine")
            .env("PATH", path.as_ref().expect("paths"))
            .args(["CollectInsertSizeMetrics", &format!("I={}", text(&output.bam)), &format!("O={}", text(&theirs))])
            .arg(format!("H={}.pdf", text(&theirs)))
            .output()
            .expect("Picard starts");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let theirs = std::fs::read_to_string(&theirs).expect("Picard's metrics");
        let ours = output.file(".insert_size_metrics");
        assert_same(&lines(&ours, &[]), &lines(&theirs, &[]), name);
    }
}

/// Files that say the same in every run.
const SUFFIXES: [&str; 6] =
    [".stats", ".flagstat", ".coverage", ".insert_size_metrics", ".duplicate_metrics", ".svala_mapq_mqc.json"];

/// Sums don't depend on who added them.
fn threads_and_batches_do_not_show(bench: &Bench) {
    let all = |name: &str, options: &[&str]| {
        let output = bench.align(name, 2, options);
        SUFFIXES.map(|suffix| output.file(suffix).replace(&format!("\"{name}\""), "\"sample\""))
    };
    let expected = all("one", &["-t", "1"]);
    assert!(all("many", &["-t", "3", "--batch-reads", "77", "--max-mem", "1"]) == expected);
}

/// They are taken of records, not of what holds them.
fn cram_has_the_same_statistics(bench: &Bench) {
    let bam = bench.align("bam", 2, &[]);
    let cram = bench.align("cram", 2, &["-o", text(&bench.folder.path().join("cram.cram"))]);
    for suffix in SUFFIXES {
        let name = |name: &str| format!("\"{name}\"");
        assert!(bam.file(suffix).replace(&name("bam"), "") == cram.file(suffix).replace(&name("cram"), ""), "{suffix}");
    }
}

fn multiqc_finds_every_file(bench: &Bench) {
    let folder = bench.folder.path().join("multiqc");
    std::fs::create_dir(&folder).expect("a folder");
    let output = bench.align("multiqc/sample", 2, &[]);
    let run =
        Command::new("multiqc").args(["--outdir", text(&folder), text(&folder)]).output().expect("MultiQC starts");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let sources = std::fs::read_to_string(folder.join("multiqc_data/multiqc_sources.txt")).expect("its sources");
    for suffix in [".stats", ".flagstat", ".coverage", ".insert_size_metrics", ".duplicate_metrics"] {
        assert!(sources.contains(&format!("sample{suffix}")), "{suffix}: {sources}");
    }
    let html = std::fs::read_to_string(folder.join("multiqc_report.html")).expect("its report");
    assert!(["svala_run", "svala_mapq"].iter().all(|section| html.contains(section)));
    assert!(output.has(".svala_mqc.json"));
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let with = |program: &str, name: &str, check: fn(&Bench)| {
        trial_if(name, has_program(program), &format!("no {program}"), "SVALA_REQUIRE_TOOLS", on(check))
    };
    conclude(vec![
        trial("threads and batches don't show", on(threads_and_batches_do_not_show)),
        trial("CRAM has the same statistics", on(cram_has_the_same_statistics)),
        with("samtools", "statistics are those of samtools", statistics_are_those_of_samtools),
        with(
            "samtools",
            "failed and empty reads are counted as by samtools",
            failed_and_empty_reads_are_counted_as_by_samtools,
        ),
        with("PicardCommandLine", "insert sizes are those of Picard", insert_sizes_are_those_of_picard),
        // CI installs MultiQC where it can be had, so it isn't required.
        trial_if(
            "MultiQC finds every file",
            has_program("multiqc"),
            "no multiqc",
            "SVALA_REQUIRE_MULTIQC",
            on(multiqc_finds_every_file),
        ),
    ])
}
