//! The logic of `benches/compare`, which has no test harness of its own: judging SAM, statistics, commands, indexes, table.
#![allow(dead_code, reason = "the bench uses what these tests don't")]

#[path = "../benches/compare/aligner.rs"]
mod aligner;
#[path = "../benches/compare/aligners.rs"]
mod aligners;
#[path = "../benches/compare/cache.rs"]
mod cache;
#[path = "../benches/compare/error.rs"]
mod error;
#[path = "../benches/compare/json.rs"]
mod json;
#[path = "../benches/compare/machine.rs"]
mod machine;
#[path = "../benches/compare/measure.rs"]
mod measure;
#[path = "../benches/compare/number.rs"]
mod number;
#[path = "../benches/compare/report.rs"]
mod report;
#[path = "../benches/compare/sam.rs"]
mod sam;
#[path = "../benches/compare/stats.rs"]
mod stats;
#[path = "../benches/compare/table.rs"]
mod table;

use sam::{SamError, Tally};
use stats::Spread;

/// Simulated from `chr_1`: the first mate starts at 1000, the second at 1300.
const NAME: &str = "chr_1_1000_1300_0_1_0_0_1:0:0_2:0:0_a4";

fn record(flags: u16, contig: &str, start: i64, mapq: u8, cigar: &str) -> String {
    format!("{NAME}\t{flags}\t{contig}\t{start}\t{mapq}\t{cigar}\t=\t1\t0\tACGT\tIIII\tNM:i:0\n")
}

fn judged(records: &[String]) -> Tally {
    let text = format!("@SQ\tSN:chr_1\tLN:5000\n{}", records.concat());
    Tally::of(text.as_bytes(), true).expect("valid SAM")
}

/// Whether a single record counts as correct.
fn is_correct(flags: u16, contig: &str, start: i64, cigar: &str) -> bool {
    let tally = judged(&[record(flags, contig, start, 60, cigar)]);
    assert_eq!((tally.records, tally.correct + tally.wrong_20), (1, 1));
    tally.correct == 1
}

#[test]
fn correct_is_within_20_bases_of_the_mates_own_start() {
    const FIRST: u16 = 0x41;
    const SECOND: u16 = 0x81;
    for (flags, truth) in [(FIRST, 1000), (SECOND, 1300), (0, 1000), (0x10, 1000)] {
        for (start, expected) in [(truth - 21, false), (truth - 20, true), (truth + 20, true), (truth + 21, false)] {
            assert_eq!(is_correct(flags, "chr_1", start, "150M"), expected, "flags {flags}, start {start}");
        }
    }
}

#[test]
fn the_contig_must_be_right_underscores_and_all() {
    assert!(!is_correct(0, "chr_2", 1000, "150M"));
    assert!(!is_correct(0, "chr", 1000, "150M"));
}

#[test]
fn leading_clips_are_taken_off_and_nothing_else() {
    for cigar in ["50S100M", "50H100M", "50H10S90M"] {
        assert!(is_correct(0, "chr_1", 1050, cigar), "{cigar}");
        assert!(!is_correct(0, "chr_1", 1080, cigar), "{cigar}");
    }
    for cigar in ["100M50S", "50M1I99M", "50I100M", "*"] {
        assert!(!is_correct(0, "chr_1", 1050, cigar), "{cigar}");
    }
    // POS itself is accepted too, as a read whose clipped bases don't belong there is still in its place.
    assert!(is_correct(0, "chr_1", 1000, "50S100M"));
}

#[test]
fn supplementary_and_secondary_records_are_ignored() {
    let primary = record(0x43, "chr_1", 1000, 60, "150M");
    let wrong = |flags| record(flags, "chr_9", 1, 60, "150M");
    let alone = judged(std::slice::from_ref(&primary));
    assert_eq!(judged(&[wrong(0x843), primary, wrong(0x143), wrong(0x943)]), alone);
    assert_eq!((alone.records, alone.correct, alone.proper), (1, 1, 1));
}

#[test]
fn counts_split_by_mapq_and_unmapped_reads_are_not_wrong() {
    let mut records: Vec<String> =
        [0, 19, 20, 29, 30, 60].iter().map(|&mapq| record(0, "chr_9", 7, mapq, "150M")).collect();
    records.push(record(0, "chr_1", 1000, 30, "150M"));
    // An unmapped read at its mate's place, with a MAPQ that means nothing.
    records.push(record(0x4, "chr_1", 1000, 60, "*"));
    let expected =
        Tally { records: 8, mapped: 7, proper: 0, mapq_20: 5, mapq_30: 3, correct: 1, wrong_20: 4, wrong_30: 2 };
    let tally = judged(&records);
    assert_eq!(tally, expected);
    assert_eq!(tally.percent(tally.mapped), 87.5);
    assert_eq!(tally.per_million(tally.wrong_30), 250_000.0);
    assert_eq!(Tally::default().percent(0), 0.0);
}

#[test]
fn without_truth_names_are_not_read_and_nothing_is_right_or_wrong() {
    let text = "SRR1.1\t0\tchr1\t1\t60\t4M\t*\t0\t0\tACGT\tIIII\n";
    let tally = Tally::of(text.as_bytes(), false).expect("valid SAM");
    assert_eq!((tally.records, tally.mapq_30, tally.correct, tally.wrong_20), (1, 1, 0, 0));
    assert!(matches!(Tally::of(text.as_bytes(), true), Err(SamError::Name(1))));
}

#[test]
fn broken_sam_is_an_error_that_says_where_but_not_whose() {
    for line in ["x\n", "x\t0\tchr1\n", "x\tzero\tchr1\t1\t60\t4M\n", "x\t0\tchr1\t1\t256\t4M\n"] {
        let text = record(0, "chr_1", 1000, 60, "150M") + line;
        let error = Tally::of(text.as_bytes(), true).expect_err(line);
        assert!(matches!(error, SamError::Record(2)), "{line}: {error}");
        assert!(!error.to_string().contains("chr_1"));
    }
}

#[test]
fn medians_and_spreads() {
    let of = |values: &[f64]| Spread::of(values.iter().copied());
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[3.0]), Some(Spread { median: 3.0, low: 3.0, high: 3.0 }));
    assert_eq!(of(&[9.0, 1.0, 2.0]), Some(Spread { median: 2.0, low: 1.0, high: 9.0 }));
    assert_eq!(of(&[4.0, 1.0, 2.0, 9.0]), Some(Spread { median: 3.0, low: 1.0, high: 9.0 }));
}

#[test]
fn ratios_are_paired_by_round() {
    // Everything is three times as slow in the second round; the paired ratio doesn't see it, a ratio of medians would.
    let (svala, peer) = ([1.0, 3.0, 1.0, 3.0], [2.0, 6.0, 2.0, 6.0]);
    assert_eq!(Spread::of_ratios(&svala, &peer), Some(Spread { median: 0.5, low: 0.5, high: 0.5 }));
    assert_eq!(Spread::of_ratios(&[1.0, 6.0, 4.0], &[2.0, 2.0, 4.0]).map(|ratio| ratio.median), Some(1.0));
    assert_eq!(Spread::of_ratios(&svala, &peer[1..]), None);
}

#[test]
fn versions_are_found_among_other_words() {
    for (text, expected) in [
        (
            "\nProgram: bwa (alignment via Burrows-Wheeler transformation)\nVersion: 0.7.17-r1188\n",
            Some("0.7.17-r1188"),
        ),
        ("Welcome to SNAP version 2.0.2.\n", Some("2.0.2")),
        ("/usr/bin/bowtie2-align-s version 2.5.0\n64-bit\n", Some("2.5.0")),
        ("2.24-r1122\n", Some("2.24-r1122")),
        ("tool v1.2", Some("1.2")),
        ("usage: tool -t 4", None),
    ] {
        assert_eq!(aligner::version_in(text), expected, "{text}");
    }
}

#[test]
fn every_adapter_maps_single_and_paired_reads() {
    let file = |name: &str| std::path::Path::new("some").join("folder").join(name);
    let place = aligner::Place { reference: file("ref.fa"), read_bp: 150 };
    let reads = |names: &[&str]| {
        let files = names.iter().map(|name| file(name)).collect();
        aligner::Reads { files, count: 1, length_bp: 150 }
    };
    let mut names = Vec::new();
    for aligner in aligners::all() {
        let command = |reads| aligner::shown(aligner.program(), &aligner.map_arguments(&place, &reads, 7));
        let (single, paired) = (command(reads(&["a.fq"])), command(reads(&["a.fq", "b.fq"])));
        assert!(single.contains("a.fq") && !single.contains("b.fq"), "{single}");
        assert!(paired.find("a.fq") < paired.find("b.fq") && paired.contains("b.fq"), "{paired}");
        for command in [single, paired] {
            assert!(command.contains(" 7") && command.contains("ref.fa") && !command.contains("folder"), "{command}");
        }
        names.push(aligner.name());
    }
    assert_eq!(names[0], aligners::SVALA);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), aligners::all().len());
}

fn entry(name: &str, cpu_s: [f64; 3], tally: Tally) -> report::Entry {
    let rounds = cpu_s.map(|cpu_s| measure::Usage { wall_s: cpu_s / 2.0, cpu_s, peak_bytes: 1 << 30 }).to_vec();
    report::Entry { name: name.into(), version: "1.0".into(), command: format!("{name} mem"), rounds, tally }
}

fn sample_report(with_truth: bool) -> report::Report {
    let tally = Tally { records: 1000, mapped: 990, mapq_20: 980, correct: 985, wrong_20: 1, ..Tally::default() };
    report::Report {
        machine: machine::Machine::this(),
        reference: "ref.fa".into(),
        read_files: vec!["1.fq".into(), "2.fq".into()],
        reads: 1000,
        read_bp: 150,
        threads: 2,
        with_truth,
        entries: vec![
            entry("svala", [1.0, 2.0, 1.0], tally),
            entry("other", [2.0, 4.0, 4.0], Tally { records: 998, ..tally }),
        ],
    }
}

#[test]
fn the_table_shows_ratios_and_lost_reads() {
    let text = table::render(&sample_report(true));
    let row = text.lines().find(|line| line.starts_with("| other")).expect("a row");
    assert!(row.contains(" 0.50 (0.25–0.50) "), "{row}");
    assert!(text.contains(" 1.00 (1.00–1.00) "), "{text}");
    assert!(text.contains("note: other returned 998 primary records of 1000 reads"), "{text}");
    assert_eq!(text.matches("- note:").count(), 1, "{text}");
    let widths: Vec<usize> =
        text.lines().filter(|line| line.starts_with('|')).map(|line| line.chars().count()).collect();
    assert!(widths.len() == 4 && widths.iter().all(|&width| width == widths[0]), "{text}");
    assert!(!table::render(&sample_report(false)).contains("correct"));
    let mut short = sample_report(true);
    short.entries[0].rounds.pop();
    assert!(table::render(&short).contains("note: fewer than 3 rounds"));
}

#[test]
fn json_holds_every_round() {
    let json = json::render(&sample_report(true));
    assert_eq!(json["aligners"][1]["rounds"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["aligners"][1]["rounds"][2]["cpu_s"], 4.0);
    assert_eq!(json["aligners"][1]["ratio_to_svala"]["median"], 0.5);
    assert_eq!(json["aligners"][0]["truth"]["correct"], 985);
    assert!(json::render(&sample_report(false))["aligners"][0]["truth"].is_null());
}

#[test]
fn an_index_is_built_once_and_again_when_its_reference_changes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = folder.path().join("ref.fa.gz");
    std::fs::copy("tests/data/hg19_chrM_chrY-trunc.fa.gz", &reference).expect("a copy");
    let files = ["R1", "R2"].map(|mate| format!("tests/data/NA12878_chrM.{mate}.fastq.gz").into());
    let reads = aligner::Reads::count(&files).expect("valid reads");
    assert_eq!((reads.count, reads.length_bp, reads.are_paired()), (19_524, 100, true));

    let (svala, program) = (&*aligners::all().swap_remove(0), std::path::Path::new(env!("CARGO_BIN_EXE_svala")));
    let cache = cache::Cache::open(&folder.path().join("cache"), svala, &reference, &reads).expect("a cache");
    let index = || {
        let place = cache.index(svala, program, &reference, &reads, 1).expect("an index");
        let built = std::fs::metadata(place.with_ending(".svala")).and_then(|file| file.modified()).expect("a file");
        (place, built)
    };
    let (place, built) = index();
    assert_ne!(place.reference, reference, "the index is kept in the cache");
    assert_eq!(index().1, built, "the second one is the first one");

    let arguments = svala.map_arguments(&place, &reads, 1);
    let log = cache.log("test");
    let tally = measure::judge("svala", program, &arguments, &log, false).expect("SAM");
    assert_eq!(tally.records, reads.count);
    let usage = measure::time("svala", program, &arguments, &log).expect("a run");
    assert!(usage.cpu_s > 0.0 && usage.wall_s > 0.0 && usage.peak_bytes > 1 << 20, "{usage:?}");
    let failed = measure::judge("svala", program, &["mem".into()], &log, false);
    assert!(matches!(failed, Err(error::Error::Failed { .. })), "{failed:?}");
    let no_truth = measure::judge("svala", program, &arguments, &log, true);
    assert!(matches!(no_truth, Err(error::Error::Output { source: SamError::Name(1), .. })), "{no_truth:?}");

    let changed = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    std::fs::File::options()
        .append(true)
        .open(&reference)
        .and_then(|file| file.set_modified(changed))
        .expect("a touch");
    assert_ne!(index().1, built, "a changed reference has a new index");
}
