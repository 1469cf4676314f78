//! Records agree with each other, with the reference and with what samtools and Picard say, for each way to write them; and the
//! checker finds what is wrong.

mod common;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use common::sam_check::{Reference, check, problem};
use common::{
    READS, Random, Record, conclude, data, has_program, indexed_reference, records, samtools, svala_ok, text, trial,
    trial_if,
};

/// Ways to write records.
const WAYS: [&[&str]; 10] = [
    &[],
    &["-Y"],
    &["-M"],
    &["-a"],
    &["--secondary", "3"],
    &["-5", "-Y"],
    &["-5SP"],
    &["--eqx"],
    &["--unmapped", "drop"],
    &["-A", "2", "-B", "3"],
];

struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    contigs: Reference,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let unpacked = Command::new("gzip").args(["-dc", text(&reference)]).output().expect("gzip starts").stdout;
        std::fs::write(folder.path().join("plain.fa"), unpacked).expect("a file");
        Self { contigs: Reference::of(&reference), folder, reference }
    }

    fn mem(&self, options: &[&str]) -> Vec<u8> {
        let [first, second] = READS.map(data);
        svala_ok(&[&["mem", "-t", "2"], options, &[text(&self.reference), text(&first), text(&second)]].concat())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn every_way_is_consistent(bench: &Bench) {
    for way in WAYS {
        let problems = check(&bench.mem(way), &bench.contigs);
        assert!(problems.is_empty(), "{way:?}: {} of them: {:?}", problems.len(), &problems[..problems.len().min(5)]);
    }
}

/// What each way changes, and that it changes nothing else.
fn ways_differ_as_they_should(bench: &Bench) {
    let count = |all: &[Record], bit: u16| all.iter().filter(|r| r.flags & bit != 0).count();
    let plain = records(&bench.mem(&[]));
    let split = records(&bench.mem(&["-M"]));
    assert_eq!((count(&plain, 0x800), count(&plain, 0x100)), (count(&split, 0x100), count(&split, 0x800)));
    assert!(count(&plain, 0x800) > 0);
    let more = records(&bench.mem(&["--secondary", "3"]));
    assert_eq!(more.iter().filter(|r| r.flags & 0x100 == 0).count(), plain.len());
    assert!(count(&more, 0x100) > 0 && more.iter().all(|r| !r.tags.contains_key("XA")));
    let unpaired = records(&bench.mem(&["-P"]));
    assert_eq!((count(&unpaired, 2), unpaired.iter().filter(|r| r.is_primary()).count()), (0, 19_524));
    let kept = records(&bench.mem(&["--unmapped", "drop"]));
    let lost = plain.iter().filter(|r| r.flags & 12 == 12).count();
    assert!(lost > 0 && kept.len() + lost == plain.len());
    let told = records(&bench.mem(&["--eqx"]));
    assert!(
        told.iter().zip(&plain).all(|(told, plain)| told.cigar.replace(['=', 'X'], "M").len() >= plain.cigar.len())
    );
    assert!(told.iter().all(|r| !r.cigar.contains('M')));
    let scored = records(&bench.mem(&["-u"]));
    let named = |all: &[Record], tag: &str| all.iter().filter(|r| r.tags.contains_key(tag)).count();
    assert_eq!((named(&plain, "XA"), named(&plain, "XB")), (named(&scored, "XB"), named(&scored, "XA")));
}

/// PAF says of each placed record what SAM says.
fn paf_is_the_same(bench: &Bench) {
    let placed = records(&bench.mem(&[])).into_iter().filter(Record::is_mapped);
    let expected: Vec<String> = placed
        .map(|r| {
            let bases: i64 = r.operations().iter().filter(|op| "MD".contains(op.1)).map(|op| op.0).sum();
            let strand = if r.flags & 16 != 0 { '-' } else { '+' };
            format!(
                "{}/{} {strand} {} {} {} {}",
                r.name,
                r.mate(),
                r.contig,
                r.position - 1,
                r.position - 1 + bases,
                r.mapq
            )
        })
        .collect();
    let paf = String::from_utf8(bench.mem(&["--paf"])).expect("PAF is text");
    let got = paf.lines().map(|line| {
        let f: Vec<&str> = line.split('\t').collect();
        format!("{} {} {} {} {} {}", f[0], f[4], f[5], f[7], f[8], f[11])
    });
    assert!(got.eq(expected));
}

/// A checker that finds nothing proves nothing.
fn broken_records_are_found(bench: &Bench) {
    let sam = String::from_utf8(bench.mem(&[])).expect("SAM is text");
    let split = sam
        .lines()
        .find(|line| line.contains("\tSA:Z:"))
        .and_then(|line| line.split('\t').next())
        .expect("a split read");
    let of_it = |line: &&str| line.split('\t').next() == Some(split);
    let template: Vec<&str> = sam.lines().filter(of_it).collect();
    let whole = template.join("\n") + "\n";
    let piece = template.iter().position(|line| line.contains("\tSA:Z:")).expect("a piece");
    let broken = |change: &dyn Fn(&mut Vec<String>)| {
        let mut fields: Vec<String> = template[piece].split('\t').map(str::to_owned).collect();
        change(&mut fields);
        let mut changed: Vec<String> = template.iter().map(|line| (*line).to_owned()).collect();
        changed[piece] = fields.join("\t");
        let changed = changed.join("\n");
        check(changed.as_bytes(), &bench.contigs).len() == 1
    };
    assert!(check(whole.as_bytes(), &bench.contigs).is_empty());
    let number = |text: &str, by: i64| (text.parse::<i64>().expect("a number") + by).to_string();
    for (column, by) in [(1, 2), (1, 8), (1, 0x20), (3, 1), (7, 1), (8, 1)] {
        assert!(broken(&|fields| fields[column] = number(&fields[column], by)), "column {column}");
    }
    for (tag, value) in [("NM", "i:77"), ("MD", "Z:1A1"), ("MC", "Z:1M"), ("MQ", "i:61"), ("SA", "Z:chrM,1,+,1M,60,0;")]
    {
        let change = |fields: &mut Vec<String>| {
            let field = fields.iter_mut().find(|field| field.starts_with(tag)).expect("the tag");
            *field = format!("{tag}:{value}");
        };
        assert!(broken(&change), "{tag}");
    }
    let alone = template[..template.len() - 1].join("\n");
    assert_eq!(check(alone.as_bytes(), &bench.contigs).len(), 1);
}

/// `calmd` writes NM and MD anew, `fixmate` the mate fields.
fn samtools_changes_nothing(bench: &Bench) {
    let [plain, reference] = ["plain.sam", "plain.fa"].map(|name| bench.path(name));
    std::fs::write(&plain, bench.mem(&[])).expect("a file");
    let key = |r: &Record| {
        // fixmate writes a star for the CIGAR of an unmapped mate.
        let tags = ["NM", "MD", "MC", "MQ"].map(|tag| r.tags.get(tag).filter(|value| *value != "*").cloned());
        (r.name.clone(), r.flags, r.mate_contig.clone(), r.mate_position, tags)
    };
    let ours: Vec<_> = records(&common::bytes(&plain)).iter().map(key).collect();
    let calmd = samtools(&["calmd", text(&plain), text(&reference)]);
    assert!(records(&calmd).iter().map(key).eq(ours.iter().cloned()));
    let fixmate = samtools(&["fixmate", "-m", "-O", "sam", text(&plain), "-"]);
    // A piece of a split read gets no fields from it, and a proper pair is one by its own rule.
    let primary = |key: &&(String, u16, String, i64, [Option<String>; 4])| key.1 & 0x900 == 0;
    let fixed: Vec<_> = records(&fixmate).iter().map(key).collect();
    for (ours, fixed) in ours.iter().filter(primary).zip(fixed.iter().filter(primary)) {
        assert_eq!(
            (&ours.0, ours.1 & !2, &ours.2, ours.3, &ours.4),
            (&fixed.0, fixed.1 & !2, &fixed.2, fixed.3, &fixed.4)
        );
    }
}

/// N and other ambiguous letters in the reference: by the specification of optional fields only A, C, G and T can match, as samtools
/// counts too. Picard takes N and N for a match, so it isn't asked here.
fn ambiguous_bases_never_match(bench: &Bench) {
    let plain = String::from_utf8(common::bytes(&bench.path("plain.fa"))).expect("FASTA is text");
    let mut random = Random(7);
    let changed: String = plain
        .lines()
        .map(|line| {
            let mut line = line.to_owned();
            if !line.starts_with('>') {
                let at = random.below(line.len());
                line.replace_range(at..=at, ["N", "R", "y", "n"][random.below(4)]);
            }
            line + "\n"
        })
        .collect();
    let reference = bench.path("ambiguous.fa");
    std::fs::write(&reference, changed).expect("a file");
    svala_ok(&["index", text(&reference)]);
    let [first, second] = READS.map(data);
    let sam = svala_ok(&["mem", "-t", "2", text(&reference), text(&first), text(&second)]);
    let problems = check(&sam, &Reference::of(&reference));
    assert!(problems.is_empty(), "{:?}", &problems[..problems.len().min(5)]);
    let path = bench.path("ambiguous.sam");
    std::fs::write(&path, &sam).expect("a file");
    let key = |r: &Record| ["NM", "MD"].map(|tag| r.tags.get(tag).cloned());
    let calmd = samtools(&["calmd", text(&path), text(&reference)]);
    let ours: Vec<_> = records(&sam).iter().map(key).collect();
    assert!(ours.iter().any(|[_, md]| md.as_ref().is_some_and(|md| md.contains(['N', 'R']))));
    assert!(records(&calmd).iter().map(key).eq(ours));
}

/// Without the reference, since Picard counts NM another way, and can't for records without bases.
fn picard_accepts(bench: &Bench) {
    for (number, way) in WAYS.iter().enumerate() {
        let sam = bench.path(&format!("picard{number}.sam"));
        let options = [&["-R", r"@RG\tID:a\tSM:s\tPL:ILLUMINA"], *way].concat();
        std::fs::write(&sam, bench.mem(&options)).expect("a file");
        let command = ["ValidateSamFile", "MODE=SUMMARY", "QUIET=true", &format!("INPUT={}", text(&sam))];
        let output = Command::new("picard-tools").args(command).output().expect("Picard starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("No errors found"), "{way:?}: {said}");
    }
}

/// Whatever stands in `SVALA_CHECK_SET`: a reference and two files of reads, between colons.
fn a_large_set(set: &str) {
    let [reference, first, second] = set.split(':').collect::<Vec<_>>()[..] else { panic!("expected REF:R1:R2") };
    let contigs = Reference::of(Path::new(reference));
    let mut child = Command::new(env!("CARGO_BIN_EXE_svala"))
        .args(["mem", "-t", "2", "--quiet", reference, first, second])
        .stdout(Stdio::piped())
        .spawn()
        .expect("svala starts");
    let (mut template, mut seen, mut problems) = (Vec::<Record>::new(), 0, Vec::new());
    let mut finish = |template: &mut Vec<Record>| {
        problems.extend(if template.is_empty() { None } else { problem(template, &contigs) });
        template.clear();
    };
    for line in BufReader::new(child.stdout.take().expect("a pipe")).split(b'\n') {
        for record in records(&line.expect("a line")) {
            if template.last().is_some_and(|last| last.name != record.name) {
                finish(&mut template);
            }
            seen += 1;
            template.push(record);
        }
    }
    finish(&mut template);
    assert!(child.wait().expect("svala ends").success());
    println!("{seen} records, {} problems", problems.len());
    assert!(seen > 0 && problems.is_empty(), "{:?}", &problems[..problems.len().min(20)]);
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let with = |name: &str, program: &str, check: fn(&Bench)| {
        trial_if(name, has_program(program), &format!("no {program}"), "SVALA_REQUIRE_TOOLS", on(check))
    };
    let set = std::env::var("SVALA_CHECK_SET");
    let (has_set, named) = (set.is_ok(), set.unwrap_or_default());
    conclude(vec![
        trial("every way to write records is consistent", on(every_way_is_consistent)),
        trial("ways differ as they should", on(ways_differ_as_they_should)),
        trial("PAF says what SAM says", on(paf_is_the_same)),
        trial("broken records are found", on(broken_records_are_found)),
        with("samtools calmd and fixmate change nothing", "samtools", samtools_changes_nothing),
        with("ambiguous bases never match", "samtools", ambiguous_bases_never_match),
        with("Picard accepts all", "picard-tools", picard_accepts),
        trial_if("a large set", has_set, "SVALA_CHECK_SET=REF:R1:R2 is not set", "", move || a_large_set(&named)),
    ])
}
