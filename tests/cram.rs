//! `svala align -o OUT.cram`: the records of the BAM file, the same bytes whatever the memory and threads, with an index.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::made_up::World;
use common::{
    READS, Random, bytes, conclude, data, fastq_pair, has_program, indexed_reference, reverse_complement, samtools,
    svala, svala_ok, text, trial, trial_if,
};
use svala_io::{CramReference, ReferenceSequence, check_alignments};
use svala_map::index::Index;

const READ_BASES: usize = 120;
const GROUP: [&str; 2] = ["-R", "@RG\\tID:lane\\tSM:s\\tPL:ILLUMINA"];

/// Reads that have everything a record can show, and where they are aligned.
struct Bench {
    world: World,
    reads: [PathBuf; 2],
}

impl Bench {
    fn new() -> Self {
        let mut random = Random(7);
        let mut contigs = [random.bases(150_000), random.bases(40_000)];
        for contig in &mut contigs {
            contig[20_000..20_300].fill(b'N');
            (30_000..39_000).step_by(50).for_each(|i| contig[i] = b"RYSWKMBDHVN"[i / 50 % 11]);
        }
        let mut world = World::with(contigs, random);
        let mut mates = [Vec::new(), Vec::new()];
        for number in 0..6000 {
            for (mates, bases) in mates.iter_mut().zip(pair(&mut world)) {
                mates.push((format!("r{number}"), bases));
            }
        }
        let reads = ["cram.1.fq", "cram.2.fq"].map(|name| world.path(name));
        for (path, content) in reads.iter().zip(fastq_pair(&mates[0], &mates[1])) {
            std::fs::write(path, content).expect("a temporary file");
        }
        Self { world, reads }
    }

    fn align(&self, name: &str, options: &[&str]) -> PathBuf {
        align(&self.world.reference, &self.world.path(name), [&self.reads[0], &self.reads[1]], options)
    }

    /// The records of a CRAM or BAM file, all or those of a region, with their tags in the order of the alphabet.
    fn view(&self, path: &Path, region: &[&str]) -> Vec<String> {
        view(&self.world.reference, path, region)
    }
}

fn view(reference: &Path, path: &Path, region: &[&str]) -> Vec<String> {
    let sam = samtools(&[&["view", "-T", text(reference), text(path)], region].concat());
    let sorted_tags = |line: &str| {
        let mut fields: Vec<&str> = line.split('\t').collect();
        fields[11..].sort_unstable();
        fields.join("\t")
    };
    String::from_utf8(sam).expect("SAM is text").lines().map(sorted_tags).collect()
}

/// Mates with errors, gaps, ambiguous bases, chimeric, from anywhere or from nowhere.
fn pair(world: &mut World) -> [Vec<u8>; 2] {
    let length = 200 + world.random.below(200);
    let fragment = world.cut(length).bases;
    let mut mates = [fragment[..READ_BASES].to_vec(), reverse_complement(&fragment)[..READ_BASES].to_vec()];
    let elsewhere = world.cut(READ_BASES / 2).bases;
    let random = &mut world.random;
    for mate in &mut mates {
        for base in mate.iter_mut() {
            // One base of 60 becomes another letter.
            *base = b"ACGTNR".get(random.below(6 * 60)).copied().unwrap_or(*base);
        }
        let gap = 1 + random.below(9);
        match random.below(12) {
            0 => mate[READ_BASES / 2..].copy_from_slice(&elsewhere),
            1 => drop(mate.drain(50..50 + gap)),
            2 => drop(mate.splice(60..60, random.bases(gap))),
            3 => *mate = random.bases(READ_BASES),
            4 => mate.clear(),
            _ => {}
        }
    }
    if random.below(10) == 0 {
        mates.swap(0, 1);
    }
    mates
}

fn align(reference: &Path, output: &Path, reads: [&Path; 2], options: &[&str]) -> PathBuf {
    let mut arguments = vec!["align", "--ref", text(reference), "-o", text(output)];
    arguments.extend(["-1", text(reads[0]), "-2", text(reads[1])]);
    arguments.extend(options);
    svala_ok(&arguments);
    output.to_owned()
}

fn memory_and_threads_do_not_show() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = indexed_reference(folder.path());
    let reads = READS.map(data);
    let cram =
        |name: &str, options: &[&str]| align(&reference, &folder.path().join(name), [&reads[0], &reads[1]], options);
    let index = |cram: &Path| bytes(&cram.with_extension("cram.crai"));
    let first = cram("first.cram", &["-t", "1"]);
    assert!(bytes(&first).len() > 100_000);
    let cases: [&[&str]; 3] = [
        &["-t", "2", "--max-mem", "1"],
        &["-t", "3", "--max-mem", "3", "--batch-reads", "333"],
        &["-t", "1", "--max-mem", "1", "--backend", "scalar"],
    ];
    for options in cases {
        let other = cram("other.cram", options);
        assert!(bytes(&other) == bytes(&first), "{options:?} give another file");
        assert!(index(&other) == index(&first), "{options:?} give another index");
    }
}

fn records_are_those_of_bam(bench: &Bench) {
    let cases: [&[&str]; 4] = [&GROUP, &["-Y"], &["--sort", "none"], &["--sort", "none", GROUP[0], GROUP[1]]];
    for (options, version) in cases.into_iter().flat_map(|options| ["3.0", "3.1"].map(|version| (options, version))) {
        let bam = bench.align("records.bam", options);
        let cram = bench.align("records.cram", &[options, &["--cram-version", version]].concat());
        assert!(bytes(&cram).starts_with(&[b'C', b'R', b'A', b'M', 3, version.as_bytes()[2] - b'0']));
        samtools(&["quickcheck", "-v", text(&cram)]);
        let (ours, expected) = (bench.view(&cram, &[]), bench.view(&bam, &[]));
        assert!(expected.len() > 12_000, "there are supplementary records");
        let difference = ours.iter().zip(&expected).find(|(ours, expected)| ours != expected);
        assert!(difference.is_none(), "{options:?}, {version}: {difference:#?}");
        assert_eq!(ours.len(), expected.len());
        let header = |path: &Path| samtools(&["view", "--no-PG", "-H", text(path)]);
        assert_eq!(String::from_utf8(header(&cram)), String::from_utf8(header(&bam)));
    }
}

/// The reference as CRAM files are read with it.
fn cram_reference(path: &Path) -> CramReference {
    let index = Arc::new(Index::open_for(path, 1).expect("an index"));
    let contigs = index.reference().contigs.iter().map(|contig| ReferenceSequence {
        name: contig.name.clone(),
        length: contig.length,
        md5: contig.md5,
        alternate: false,
    });
    CramReference::new(contigs.collect(), Arc::<Index>::clone(&index))
}

/// Read back, the records have the bytes that they have in BAM. Without a read group, whose place among the fields CRAM doesn't tell.
fn records_come_back(bench: &Bench) {
    let reference = cram_reference(&bench.world.reference);
    let check = |path: &Path| check_alignments(path, Some(reference.clone())).expect("a good file").records;
    let cases: [&[&str]; 3] = [&[], &["-Y", "--sort", "none"], &["--secondary", "2", "-l", "0"]];
    for options in cases {
        let bam = check(&bench.align("back.bam", options));
        assert!(bam.records > 12_000);
        for version in ["3.0", "3.1"] {
            let cram = bench.align("back.cram", &[options, &["--cram-version", version]].concat());
            assert_eq!(check(&cram), bam, "{options:?}, {version}");
            let unknown = check_alignments(&cram, Some(CramReference::unknown())).expect("a good file").records;
            assert_eq!((unknown.records, unknown.bases), (bam.records, bam.bases));
            let without = check_alignments(&cram, None).expect_err("no reference").to_string();
            assert!(without.contains("without the reference"), "{without}");
        }
    }
}

/// What samtools writes reads as samtools reads it: with all that its profiles and options turn on, mates that are worked out too.
fn other_files_are_read(bench: &Bench) {
    let path = |name: &str| bench.world.path(name);
    let fasta = text(&bench.world.reference);
    let sorted = bench.align("theirs.sorted.bam", &[]);
    let collated = path("theirs.collated.bam");
    samtools(&["collate", "-o", text(&collated), text(&sorted)]);
    let reference = cram_reference(&bench.world.reference);
    let check = |path: &Path| check_alignments(path, Some(reference.clone())).expect("a good file").records;
    let cases = [
        ("version=3.0", &sorted),
        ("version=3.0,fast", &collated),
        ("version=3.0,small,seqs_per_slice=500,slices_per_container=3", &sorted),
        ("version=3.0,archive,use_lzma", &sorted),
        ("version=3.0,multi_seq_per_slice=1,seqs_per_slice=1000", &sorted),
        ("version=3.0,embed_ref", &sorted),
        ("version=3.0,no_ref", &collated),
        ("version=3.1", &collated),
        ("version=3.1,fast", &sorted),
        ("version=3.1,small", &sorted),
        ("version=3.1,archive,seqs_per_slice=2000", &collated),
    ];
    for (options, input) in cases {
        let [cram, bam] = ["theirs.cram", "theirs.bam"].map(path);
        let output = format!("cram,{options}");
        samtools(&["view", "--no-PG", "-T", fasta, "-O", &output, "-o", text(&cram), text(input)]);
        let decode = ["--input-fmt-option", "decode_md=0", "-b", "--no-PG"];
        samtools(&[&["view"], &decode[..], &["-T", fasta, "-o", text(&bam), text(&cram)]].concat());
        let (ours, theirs) = (check(&cram), check(&bam));
        assert!(theirs.records > 12_000);
        assert_eq!(ours, theirs, "{options}");
    }
}

/// Secondary records have a CIGAR and no bases.
fn secondary_records_are_those_of_bam() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = indexed_reference(folder.path());
    let reads = READS.map(data);
    let plain = folder.path().join("plain.fa");
    let unpacked = Command::new("gzip").args(["-dc", text(&reference)]).output().expect("gzip starts").stdout;
    std::fs::write(&plain, unpacked).expect("a file");
    for options in [&["--secondary", "3"][..], &["--secondary", "3", "--sort", "none"]] {
        let [cram, bam] = ["secondary.cram", "secondary.bam"]
            .map(|name| align(&reference, &folder.path().join(name), [&reads[0], &reads[1]], options));
        samtools(&["quickcheck", "-v", text(&cram)]);
        let [ours, expected] = [cram, bam].map(|path| view(&plain, &path, &[]));
        let is_bare = |line: &&String| line.split('\t').nth(9) == Some("*");
        assert!(expected.iter().filter(is_bare).count() > 5, "{options:?}: there are secondary records");
        let difference = ours.iter().zip(&expected).find(|(ours, expected)| ours != expected);
        assert!(difference.is_none() && ours.len() == expected.len(), "{options:?}: {difference:#?}");
    }
}

fn regions_are_those_of_bam(bench: &Bench) {
    let [cram, bam] = ["regions.cram", "regions.bam"].map(|name| bench.align(name, &GROUP));
    for region in ["one", "two", "one:1-100", "one:19500-20500", "two:39000", "one:77777-77777", "*"] {
        let (ours, expected) = (bench.view(&cram, &[region]), bench.view(&bam, &[region]));
        assert!(ours == expected, "{region}: {} records, expected {}", ours.len(), expected.len());
    }
    assert!(!bench.view(&cram, &["one:77777-77777"]).is_empty() && !bench.view(&cram, &["*"]).is_empty());
}

fn picard_finds_it_as_valid_as_bam(bench: &Bench) {
    // Picard doesn't allow pairs in which one mate has no bases at all.
    let reads = bench.reads.each_ref().map(|path| {
        let content = String::from_utf8(bytes(path)).expect("FASTQ is text");
        let filled = content.replace("\n\n+\n\n", "\nA\n+\nI\n");
        let path = path.with_extension("filled.fq");
        std::fs::write(&path, filled).expect("a temporary file");
        path
    });
    let reference = &bench.world.reference;
    samtools(&["faidx", text(reference)]);
    samtools(&["dict", text(reference), "-o", text(&reference.with_extension("dict"))]);
    let [of_cram, of_bam] = ["picard.cram", "picard.bam"].map(|name| {
        let output = align(reference, &bench.world.path(name), [&reads[0], &reads[1]], &GROUP);
        let mut command = Command::new("PicardCommandLine");
        command.args(["ValidateSamFile", "MODE=SUMMARY"]);
        command.arg(format!("I={}", text(&output))).arg(format!("R={}", text(reference)));
        let output = command.output().expect("picard starts").stdout;
        let errors: Vec<String> = String::from_utf8_lossy(&output).lines().map(str::to_owned).collect();
        errors.into_iter().filter(|line| line.contains("ERROR") || line.contains("WARNING")).collect::<Vec<_>>()
    });
    // It counts ambiguous bases of the reference in NM another way than the specification and samtools do.
    assert!(of_cram.len() == 1 && of_cram[0].contains("INVALID_TAG_NM"), "{of_cram:#?}");
    assert_eq!(of_cram, of_bam);
}

/// The header says which reference it is, and the slices of which bases they are.
fn another_reference_is_noticed(bench: &Bench) {
    let cram = bench.align("other-reference.cram", &GROUP);
    let other = bench.world.path("changed.fa");
    let fasta = String::from_utf8(bytes(&bench.world.reference)).expect("FASTA is text");
    let position = fasta.len() / 2;
    let base = if fasta.as_bytes()[position] == b'a' { "c" } else { "a" };
    std::fs::write(&other, [&fasta[..position], base, &fasta[position + 1..]].concat()).expect("a file");
    let whole = Command::new("samtools").args(["view", "-o", "/dev/null", "-T", text(&other), text(&cram)]).output();
    assert!(!whole.expect("samtools starts").status.success());
}

fn failures_leave_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = indexed_reference(folder.path());
    let cut = folder.path().join("cut.fastq.gz");
    let reads = READS.map(data);
    let whole = bytes(&reads[1]);
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("a file");
    std::fs::create_dir(folder.path().join("indexed.cram.crai")).expect("a folder");
    let listing = || std::fs::read_dir(folder.path()).expect("the folder").count();
    let before = listing();
    let options: [&[&str]; 2] = [&[], &["--sort", "none"]];
    for (name, second, options) in
        [("cut.cram", &cut, options[0]), ("cut.cram", &cut, options[1]), ("indexed.cram", &reads[1], options[0])]
    {
        let output = folder.path().join(name);
        let mut arguments = vec!["align", "--ref", text(&reference), "-o", text(&output)];
        arguments.extend(["-1", text(&reads[0]), "-2", text(second)]);
        arguments.extend(options);
        let run = svala(&arguments);
        assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(listing(), before, "{name} {options:?} leaves something");
    }
}

fn the_demo_writes_what_its_name_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = folder.path().join("demo.cram");
    svala_ok(&["demo", "-o", text(&output)]);
    assert!(bytes(&output).starts_with(b"CRAM"));
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let with = |program: &'static str, name: &str, check: fn(&Bench)| {
        let bench = Arc::clone(&bench);
        let available = has_program("samtools") && has_program(program);
        let reason = format!("no samtools or {program}");
        trial_if(name, available, &reason, "SVALA_REQUIRE_TOOLS", move || check(&bench))
    };
    conclude(vec![
        trial("memory and threads don't show", memory_and_threads_do_not_show),
        trial("failures leave nothing", failures_leave_nothing),
        trial("the demo writes what its name says", the_demo_writes_what_its_name_says),
        trial("records come back", {
            let bench = Arc::clone(&bench);
            move || records_come_back(&bench)
        }),
        with("samtools", "records are those of BAM", records_are_those_of_bam),
        with("samtools", "regions are those of BAM", regions_are_those_of_bam),
        with("samtools", "other programs' files are read", other_files_are_read),
        with("samtools", "secondary records are those of BAM", |_| secondary_records_are_those_of_bam()),
        with("samtools", "another reference is noticed", another_reference_is_noticed),
        with("PicardCommandLine", "picard finds it as valid as BAM", picard_finds_it_as_valid_as_bam),
    ])
}
