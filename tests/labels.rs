//! Tags that svala gives to reads: molecular identifiers out of names and bases, read groups out of names, scores of mates.

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use common::{
    READS, Record, bytes, conclude, data, fastq_records, has_program, indexed_reference, records, samtools, svala,
    svala_ok, svala_refuses, text, trial, trial_if,
};

const IDENTIFIERS: [&str; 3] = ["ACGT", "TTGN", "GGGA"];
/// Pairs that the tests take; enough for an insert-size model.
const PAIRS: usize = 2000;

struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    /// Lines of the two mates of each pair.
    pairs: Vec<[Vec<String>; 2]>,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let lines = |record: String| record.lines().map(String::from).collect();
        let [first, second] = READS.map(|path| fastq_records(&data(path)));
        let pairs = first.into_iter().zip(second).take(PAIRS).map(|(one, other)| [lines(one), lines(other)]);
        Self { folder, reference, pairs: pairs.collect() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Two files with the pairs, whose headers, bases and qualities `change` gives, for the pair's number and mate.
    fn files(&self, name: &str, change: impl Fn(usize, usize, &[String]) -> [String; 3]) -> [String; 2] {
        [0, 1].map(|mate| {
            let records = self.pairs.iter().enumerate().map(|(number, pair)| {
                let [header, bases, qualities] = change(number, mate, &pair[mate]);
                format!("@{header}\n{bases}\n+\n{qualities}\n")
            });
            let path = self.path(&format!("{name}.{mate}.fq"));
            std::fs::write(&path, records.collect::<String>()).expect("a temporary file");
            text(&path).to_owned()
        })
    }

    fn mem(&self, options: &[&str], files: &[String]) -> Vec<u8> {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        svala_ok(&[&["mem"][..], options, &[text(&self.reference)], &files].concat())
    }
}

fn name(number: usize) -> String {
    format!("A1:7:HXYZ:{}:1101:{number}:1000", 1 + number % 2)
}

fn identifier(number: usize) -> &'static str {
    IDENTIFIERS[number % 3]
}

/// The tag of every record, which is that of `expected` for its pair's number.
fn assert_tag(sam: &[u8], tag: &str, expected: impl Fn(usize) -> Option<String>) {
    let all = records(sam);
    assert!(all.len() >= 2 * PAIRS);
    for record in &all {
        let number: usize = record.name.split(':').nth(5).and_then(|x| x.parse().ok()).expect("a number");
        assert_eq!(record.tags.get(tag).cloned(), expected(number), "{}", record.name);
    }
}

/// What alignment made of the records, whatever their other tags.
fn placements(sam: &[u8]) -> Vec<(u16, String, i64, u8, String, String)> {
    let place = |r: &Record| (r.flags, r.contig.clone(), r.position, r.mapq, r.cigar.clone(), r.bases.clone());
    records(sam).iter().map(place).collect()
}

fn identifiers_of_names(bench: &Bench) {
    let files = bench.files("names", |number, mate, read| {
        let header = format!("{}:{}+rAACC {}:N:0:ACGT", name(number), identifier(number), mate + 1);
        [header, read[1].clone(), read[3].clone()]
    });
    let expected = |number: usize| Some(format!("{}-GGTT", identifier(number)));
    let sam = bench.mem(&["--umi-from-name"], &files);
    assert_tag(&sam, "RX", expected);
    assert_tag(&sam, "QX", |_| None);
    assert!(String::from_utf8_lossy(&sam).contains("CL:svala mem --umi-from-name "));
    // Duplicates are told by it, and the tag is there once; so of BAM.
    let [plain, told, unaligned, again] =
        ["plain", "told", "unaligned", "again"].map(|n| bench.path(&format!("{n}.bam")));
    let align = |options: &[&str], output: &PathBuf| {
        svala_ok(&[&["align", "--ref", text(&bench.reference), "-o", text(output)], options].concat());
        samtools(&["view", text(output)])
    };
    let pair = ["-1", &files[0], "-2", &files[1]];
    let copies = |sam: &[u8]| records(sam).iter().filter(|record| record.flags & 0x400 != 0).count();
    let without = copies(&align(&pair, &plain));
    let sam = align(&[&pair[..], &["--umi-from-name", "--barcode-tag", "RX"]].concat(), &told);
    assert_tag(&sam, "RX", expected);
    assert!(String::from_utf8_lossy(&sam).lines().all(|line| line.matches("\tRX:Z:").count() == 1));
    assert!(copies(&sam) < without, "identifiers tell no copies apart");
    samtools(&["import", "-1", &files[0], "-2", &files[1], "-o", text(&unaligned)]);
    let of_bam = align(&["-1", text(&unaligned), "--umi-from-name", "--barcode-tag", "RX"], &again);
    let essence = |sam: &[u8]| {
        let all = records(sam);
        let mut lines: Vec<_> =
            all.iter().map(|r| (r.name.clone(), r.flags, r.position, r.tags["RX"].clone())).collect();
        lines.sort();
        lines
    };
    assert!(essence(&of_bam) == essence(&sam), "BAM gives other records");
    let groups = ["--rg-from-name", "--rg-sm", "s", "--rg-lb", "l"];
    let arguments = [&["mem"][..], &groups, &[text(&bench.reference), text(&unaligned)]].concat();
    svala_refuses(&arguments, 2, "--rg-from-name: read group: expected FASTQ");
    let bad = bench.files("bad", |number, _, read| {
        let umi = if number == 4 { "SECRET" } else { "ACGT" };
        [format!("{}:{umi}", name(number)), read[1].clone(), read[3].clone()]
    });
    let arguments = ["mem", "--umi-from-name", text(&bench.reference), &bad[0], &bad[1]];
    let error = svala_refuses(&arguments, 1, "bad.0.fq: record 5: expected a molecular identifier");
    assert!(!error.contains("SECRET"));
}

fn identifiers_of_bases(bench: &Bench) {
    let qualities = |number: usize| ["IIII", "#5AI", "!!!!"][number % 3];
    // Four bases of identifier, one that is skipped; the mate has two of identifier, and some of a sample and a cell.
    let files = bench.files("bases", |number, mate, read| {
        let (bases, own) = match mate {
            0 => (format!("{}A", identifier(number)), format!("{}~", qualities(number))),
            _ => ("ttGGGCC".to_owned(), "56ABC78".to_owned()),
        };
        [name(number), format!("{bases}{}", read[1]), format!("{own}{}", read[3])]
    });
    let structure = ["--umi-structure", "4M1S+T,2M3B2C+T"];
    let sam = bench.mem(&structure, &files);
    assert_tag(&sam, "RX", |number| Some(format!("{}-TT", identifier(number))));
    assert_tag(&sam, "QX", |number| Some(format!("{} 56", qualities(number))));
    for (tag, value) in [("BC", "GGG"), ("QT", "ABC"), ("CR", "CC"), ("CY", "78")] {
        assert_tag(&sam, tag, |_| Some(value.into()));
    }
    // The rest is aligned as if it had come alone.
    let rest = bench.files("rest", |number, _, read| [name(number), read[1].clone(), read[3].clone()]);
    assert!(placements(&sam) == placements(&bench.mem(&[], &rest)), "what is left is aligned in another way");
    // One file has the same.
    let mates: Vec<String> = (0..2).map(|mate| String::from_utf8(bytes(files[mate].as_ref())).expect("text")).collect();
    let lines: Vec<Vec<&str>> = mates.iter().map(|file| file.lines().collect()).collect();
    let pairs = lines[0].chunks(4).zip(lines[1].chunks(4));
    let content: Vec<String> = pairs.map(|(one, other)| [one, other].concat().join("\n") + "\n").collect();
    let one_file = bench.path("one.fq");
    std::fs::write(&one_file, content.concat()).expect("a temporary file");
    let options = [&structure[..], &["-p"]].concat();
    assert!(bench.mem(&options, &[text(&one_file).into()]) == sam, "one file gives other records");
}

/// A structure makes the tags of its own segments; others come from where they come without it.
fn other_tags_stay_with_a_structure(bench: &Bench) {
    let files = bench.files("commented", |number, _, read| {
        let header = format!("{} RX:Z:{}\tBC:Z:GATTACA", name(number), identifier(number));
        [header, format!("CA{}", read[1]), format!("II{}", read[3])]
    });
    let given = |number: usize| Some(identifier(number).to_owned());
    let cut = |_| Some("CA-CA".to_owned());
    for (structure, expected) in [("2S+T,2S+T", &given as &dyn Fn(usize) -> _), ("2M+T,2M+T", &cut)] {
        let sam = bench.mem(&["-C", "--umi-structure", structure], &files);
        assert_tag(&sam, "RX", expected);
        assert_tag(&sam, "BC", |_| Some("GATTACA".into()));
        let output = bench.path("commented.bam");
        let fixed = ["align", "--ref", text(&bench.reference), "-o", text(&output), "-1", &files[0], "-2", &files[1]];
        for (tag, expected) in [("RX", expected), ("BC", &|_| Some("GATTACA".into()))] {
            svala_ok(&[&fixed[..], &["--umi-structure", structure, "--barcode-tag", tag]].concat());
            assert_tag(&samtools(&["view", text(&output)]), tag, expected);
        }
        let options = ["--umi-structure", structure, "--barcode-tag", "CR"];
        svala_refuses(&[&fixed[..], &options].concat(), 1, "record 1: expected a barcode");
    }
}

fn structures_that_do_not_fit(bench: &Bench) {
    let files = bench.files("short", |number, mate, _| {
        let bases = match (number, mate) {
            (1, 1) => "ACG",
            (2, 1) => "AC",
            _ => "ACGTACGT",
        };
        [format!("secret{number}"), bases.into(), "I".repeat(bases.len())]
    });
    let reference = text(&bench.reference);
    let mem = |structure| ["mem", "--umi-structure", structure, reference, &files[0], &files[1]];
    let error = svala_refuses(&mem("+T,3M+T"), 1, "short.1.fq: record 3: fewer bases than the read structure needs");
    assert!(!error.contains("secret"));
    // Of a read with nothing left a single N stays, as fgbio has it.
    let sam = svala_ok(&mem("+T,2M+T"));
    let empty = records(&sam).into_iter().find(|record| record.name == "secret2" && record.mate() == 2);
    assert_eq!(empty.map(|record| (record.bases, record.qualities)), Some(("N".into(), "#".into())));
    for (structure, code, word) in [
        ("+T", 2, "--umi-structure: read structure: expected two"),
        ("3M,+T", 2, "one template"),
        ("+M3T,+T", 2, "last"),
    ] {
        svala_refuses(&mem(structure), code, word);
    }
    svala_refuses(&["mem", "--umi-structure", "1M+T,+T", reference, &files[0]], 2, "expected one for single reads");
}

fn groups_of_names(bench: &Bench) {
    let files = bench.files("lanes", |number, mate, read| {
        [format!("{} {}:N:0:ACGT", name(number), mate + 1), read[1].clone(), read[3].clone()]
    });
    let options = ["--rg-from-name", "--rg-sm", "s", "--rg-lb", "l", "--rg-cn", "c", "--rg-lanes", "HXYZ.2,HXYZ.1"];
    let sam = bench.mem(&options, &files);
    let group = |lane: usize| format!("@RG\tID:HXYZ.{lane}\tSM:s\tLB:l\tPL:ILLUMINA\tCN:c\tPU:HXYZ.{lane}");
    let text_of = |sam: &[u8]| String::from_utf8(sam.to_vec()).expect("SAM is text");
    let header = text_of(&sam);
    let groups: Vec<&str> = header.lines().filter(|line| line.starts_with("@RG")).collect();
    assert_eq!(groups, [group(2), group(1)]);
    assert_tag(&sam, "RG", |number| Some(format!("HXYZ.{}", 1 + number % 2)));
    // Without naming them, a second lane is an error and never a read in the wrong group.
    let arguments = ["mem", "--rg-from-name", "--rg-sm", "s", text(&bench.reference), &files[0], &files[1]];
    svala_refuses(&arguments, 1, "lanes.0.fq: record 2: of another lane");
    let others = bench.files("others", |number, _, read| [format!("r{number}"), read[1].clone(), read[3].clone()]);
    let arguments = ["mem", "--rg-from-name", "--rg-sm", "s", text(&bench.reference), &others[0], &others[1]];
    svala_refuses(&arguments, 1, "others.0.fq: record 1: expected a name as Illumina's");
    assert_eq!(svala(&["mem", "--rg-from-name", text(&bench.reference), &files[0]]).status.code(), Some(2));
    // Of one lane, records say what -R makes them say, and two inputs of one lane share a group.
    let one = bench.files("one-lane", |number, _, read| {
        [format!("A1:7:HXYZ:1:1101:{number}:1000"), read[1].clone(), read[3].clone()]
    });
    let sam = bench.mem(&["--rg-from-name", "--rg-sm", "s", "--rg-id-prefix", "p."], &one);
    let line = "@RG\tID:p.HXYZ.1\tSM:s\tPL:ILLUMINA\tPU:p.HXYZ.1";
    let given = bench.mem(&["-R", line], &one);
    let sorted = |sam: &[u8]| -> Vec<BTreeMap<String, String>> {
        records(sam).iter().map(|record| record.tags.clone().into_iter().collect()).collect()
    };
    assert!(sorted(&sam) == sorted(&given) && text_of(&sam).contains(line));
}

/// Fields with a character for each base follow the bases, through strands, hard clips and another alignment.
fn fields_turn_with_the_bases(bench: &Bench) {
    let files = bench.files("turned", |number, _, read| {
        let qualities: String = (0..read[1].len()).map(|i| char::from(b'!' + (i % 90) as u8)).collect();
        [format!("{} OQ:Z:{qualities}\tE2:Z:{}", name(number), read[1]), read[1].clone(), qualities]
    });
    let assert_turned = |sam: &[u8]| {
        let all = records(sam);
        for r in &all {
            assert_eq!((r.tags.get("OQ"), r.tags.get("E2")), (Some(&r.qualities), Some(&r.bases)), "{}", r.name);
        }
        let is_clipped = |record: &Record| record.cigar.contains('H');
        (all.iter().filter(|record| record.flags & 0x10 != 0).count(), all.iter().any(is_clipped))
    };
    let (turned, has_clips) = assert_turned(&bench.mem(&["-C"], &files));
    assert!(turned > PAIRS / 2 && has_clips);
    let [aligned, again] = ["turned.bam", "again-turned.bam"].map(|name| bench.path(name));
    let align = |options: &[&str], output: &PathBuf| {
        let fixed = ["align", "--ref", text(&bench.reference), "--sort", "none", "-o", text(output)];
        svala_ok(&[&fixed[..], options].concat());
        assert_turned(&samtools(&["view", text(output)]))
    };
    let expected = align(&["-C", "-1", &files[0], "-2", &files[1]], &aligned);
    assert_eq!(align(&["-1", text(&aligned)], &again), expected);
}

/// `samtools fixmate -m` finds nothing to add or change.
fn mates_need_no_extra_pass(bench: &Bench) {
    let files = bench.files("mates", |number, _, read| [name(number), read[1].clone(), read[3].clone()]);
    let [ours, fixed] = ["mates.sam", "fixed.sam"].map(|name| bench.path(name));
    std::fs::write(&ours, bench.mem(&["--mate-score"], &files)).expect("a temporary file");
    samtools(&["fixmate", "-m", "--no-PG", "-O", "sam", text(&ours), text(&fixed)]);
    let (ours, fixed) = (records(&bytes(&ours)), records(&bytes(&fixed)));
    assert_eq!(ours.len(), fixed.len());
    let mut scores = 0;
    for (own, other) in ours.iter().zip(&fixed) {
        // It writes `*` for mates without a CIGAR, svala and bwa nothing.
        let tags = |record: &Record| ["ms", "MC", "MQ"].map(|tag| record.tags.get(tag).filter(|v| *v != "*").cloned());
        // fixmate looks at primary records only.
        if own.is_primary() {
            assert_eq!(tags(own), tags(other), "{}", own.name);
            scores += usize::from(own.tags.contains_key("ms"));
        }
    }
    assert_eq!(scores, 2 * PAIRS);
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let with_samtools =
        |name, check| trial_if(name, has_program("samtools"), "no samtools", "SVALA_REQUIRE_TOOLS", on(check));
    conclude(vec![
        with_samtools("identifiers of names", identifiers_of_names),
        trial("identifiers of bases", on(identifiers_of_bases)),
        with_samtools("other tags stay with a structure", other_tags_stay_with_a_structure),
        trial("structures that do not fit", on(structures_that_do_not_fit)),
        trial("groups of names", on(groups_of_names)),
        with_samtools("fields turn with the bases", fields_turn_with_the_bases),
        with_samtools("mates need no extra pass", mates_need_no_extra_pass),
    ])
}
