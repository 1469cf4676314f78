//! Reads that bring tags: unaligned BAM, aligned BAM to be aligned again, and FASTQ with comments, in two files or one.

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use common::{
    CRAMS, READS, Record, bytes, conclude, data, has_program, indexed_reference, records, reverse_complement, samtools,
    svala, svala_ok, svala_refuses, text, trial, trial_if,
};

const HEADER: &str = "@HD\tVN:1.6\tSO:unsorted\tGO:query\n\
                      @RG\tID:a\tSM:s\tLB:l\tPU:x.1\tPL:ILLUMINA\n@RG\tID:b\tSM:s\tLB:l\tDS:two words\n";
/// Tags that svala writes itself.
const OWN: [&str; 8] = ["NM", "MD", "MC", "MQ", "AS", "XS", "SA", "XA"];

/// A read as it comes.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Tagged {
    bases: String,
    qualities: String,
    failed: bool,
    tags: BTreeMap<String, String>,
}

/// The committed reads with tags, by name and number of the mate.
type Reads = BTreeMap<(String, usize), Tagged>;

struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    reads: Reads,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let mut reads = Reads::new();
        for (mate, path) in [1, 2].into_iter().zip(READS) {
            let fastq = unzipped(&data(path));
            let lines: Vec<&str> = fastq.lines().collect();
            for (number, read) in lines.chunks(4).enumerate() {
                let name = read[0][1..].split([' ', '/']).next().expect("a name").to_owned();
                reads.insert((name, mate), tagged(number, read));
            }
        }
        Self { folder, reference, reads }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A BAM file of SAM text.
    fn bam(&self, name: &str, sam: &str) -> PathBuf {
        let (input, output) = (self.path(&format!("{name}.sam")), self.path(name));
        std::fs::write(&input, sam).expect("a temporary file");
        samtools(&["view", "--no-PG", "-b", "-o", text(&output), text(&input)]);
        output
    }

    fn unaligned(&self, name: &str, mates: usize) -> PathBuf {
        let mut sam = HEADER.to_owned();
        for ((name, mate), read) in self.reads.iter().filter(|((_, mate), _)| *mate <= mates) {
            let flags = match (mates, mate) {
                (1, _) => 4,
                (_, 1) => 0x4d,
                _ => 0x8d,
            };
            let flags = flags | if read.failed { 0x200 } else { 0 };
            let Tagged { bases, qualities, tags, .. } = read;
            write!(sam, "{name}\t{flags}\t*\t0\t0\t*\t*\t0\t0\t{bases}\t{qualities}").expect("a String");
            for (tag, value) in tags {
                write!(sam, "\t{tag}:{value}").expect("a String");
            }
            // Those of an alignment long ago.
            sam += "\tNM:i:7\tMD:Z:1\tXA:Z:chrM,+1,1M,0;\tPG:Z:gone\n";
        }
        self.bam(name, &sam)
    }

    fn fastq(&self, name: &str, mate: usize, comments: bool) -> PathBuf {
        let reads = self.reads.iter().filter(|((_, own), _)| *own == mate);
        let content: String = reads.map(|((name, _), read)| read.fastq(name, comments)).collect();
        let path = self.path(name);
        std::fs::write(&path, content).expect("a temporary file");
        path
    }
}

fn unzipped(path: &Path) -> String {
    let mut content = String::new();
    let file = std::fs::File::open(path).expect("a file");
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut content).expect("gzip");
    content
}

fn tagged(number: usize, read: &[&str]) -> Tagged {
    let tags = [
        ("RG", format!("Z:{}", ["a", "b"][number % 2])),
        ("RX", format!("Z:ACG{}-TT.{number}", ["", "T"][number % 2])),
        ("XI", format!("i:{}", number as i64 * [1, -1, 90_000, -90_000][number % 4])),
        ("Xc", "A:!".into()),
        ("Xf", "f:0.25".into()),
        ("XH", "H:0AFF".into()),
        ("Xb", format!("B:S,1,{}", number % 65_536)),
        ("Xd", "B:f,1.5,-2".into()),
    ];
    // Not every read has every tag.
    let tags = tags.into_iter().enumerate().filter(|(i, _)| *i < 2 || !(number >> i).is_multiple_of(5));
    Tagged {
        bases: read[1].into(),
        qualities: if number.is_multiple_of(11) { "*".into() } else { read[3].into() },
        failed: number.is_multiple_of(7),
        tags: tags.map(|(_, (tag, value))| (tag.to_owned(), value)).collect(),
    }
}

impl Tagged {
    fn fastq(&self, name: &str, comments: bool) -> String {
        let fields: Vec<String> = self.tags.iter().map(|(tag, value)| format!("{tag}:{value}")).collect();
        let comment = if comments { format!(" {}", fields.join("\t")) } else { String::new() };
        let qualities = if self.qualities == "*" { "I".repeat(self.bases.len()) } else { self.qualities.clone() };
        format!("@{name}{comment}\n{}\n+\n{qualities}\n", self.bases)
    }
}

/// The reads of primary records as they came, with the tags that svala doesn't write.
fn reads_of(sam: &[u8]) -> Reads {
    let mut reads = Reads::new();
    let lines = std::str::from_utf8(sam).expect("SAM is text").lines().filter(|line| !line.starts_with('@'));
    for (record, line) in records(sam).into_iter().zip(lines).filter(|(record, _)| record.is_primary()) {
        let turned = record.flags & 0x10 != 0;
        let qualities = if turned { record.qualities.chars().rev().collect() } else { record.qualities.clone() };
        let bases =
            if turned { reverse_complement(record.bases.as_bytes()) } else { record.bases.clone().into_bytes() };
        let tags = line.split('\t').skip(11).map(|field| (field[..2].to_owned(), field[3..].to_owned()));
        let read = Tagged {
            bases: String::from_utf8(bases).expect("letters"),
            qualities,
            failed: record.flags & 0x200 != 0,
            tags: tags.filter(|(tag, _)| !OWN.contains(&tag.as_str())).collect(),
        };
        let before = reads.insert((record.name.clone(), record.mate()), read);
        assert!(before.is_none(), "a read is there twice");
    }
    reads
}

/// The fields of records that svala decides.
fn own_fields(sam: &[u8]) -> Vec<String> {
    let own = |r: &Record| {
        let tags: BTreeMap<_, _> = r.tags.iter().filter(|(tag, _)| OWN.contains(&tag.as_str())).collect();
        let flags = r.flags & !0x600;
        format!(
            "{} {flags} {} {} {} {} {} {} {} {} {tags:?}",
            r.name, r.contig, r.position, r.mapq, r.cigar, r.mate_contig, r.mate_position, r.template_length, r.bases
        )
    };
    records(sam).iter().map(own).collect()
}

fn assert_same(found: &Reads, expected: &Reads) {
    let difference = expected.iter().find(|(key, read)| found.get(key) != Some(read));
    assert!(difference.is_none(), "{difference:#?} became {:#?}", difference.and_then(|(key, _)| found.get(key)));
    assert_eq!(found.len(), expected.len());
}

fn unaligned_reads_keep_everything(bench: &Bench) {
    let input = bench.unaligned("paired.bam", 2);
    let reference = text(&bench.reference);
    // samtools doesn't read a reference that is compressed with gzip.
    let plain = bench.path("plain.fa");
    std::fs::write(&plain, unzipped(&bench.reference)).expect("a temporary file");
    let mut sorted = Vec::new();
    for name in ["paired.out.bam", "paired.out.cram"] {
        let output = bench.path(name);
        svala_ok(&["align", "--ref", reference, "-1", text(&input), "-o", text(&output), "-t", "2"]);
        let header = String::from_utf8(samtools(&["view", "-H", text(&output)])).expect("SAM is text");
        let groups: Vec<&str> = header.lines().filter(|line| line.starts_with("@RG")).collect();
        assert_eq!(groups, HEADER.lines().skip(1).collect::<Vec<_>>());
        sorted = samtools(&["view", "-T", text(&plain), text(&output)]);
        assert_same(&reads_of(&sorted), &bench.reads);
    }
    // SAM says the same, and the alignments are those of FASTQ.
    let sam = svala_ok(&["mem", reference, text(&input)]);
    assert_same(&reads_of(&sam), &bench.reads);
    let [first, second] = [1, 2].map(|mate| bench.fastq(&format!("plain.{mate}.fq"), mate, false));
    let of_fastq = svala_ok(&["mem", reference, text(&first), text(&second)]);
    assert!(own_fields(&sam) == own_fields(&of_fastq), "alignments differ from those of FASTQ");
    let (mut ours, mut theirs) = (own_fields(&sorted), own_fields(&sam));
    ours.sort();
    theirs.sort();
    assert!(ours == theirs, "sorted records are others");
}

/// In each version, with each codec that samtools has.
fn unaligned_cram_is_as_bam(bench: &Bench) {
    let input = bench.unaligned("for-cram.bam", 2);
    let reference = text(&bench.reference);
    let expected = own_fields(&svala_ok(&["mem", reference, text(&input)]));
    let cram = bench.path("unaligned.cram");
    for version in ["3.0", "3.1"] {
        for profile in ["fast", "normal", "small", "archive"] {
            let format = format!("cram,version={version},{profile}");
            samtools(&["view", "--no-PG", "-O", &format, "-o", text(&cram), text(&input)]);
            let sam = svala_ok(&["mem", reference, text(&cram)]);
            assert_same(&reads_of(&sam), &bench.reads);
            assert!(own_fields(&sam) == expected, "{format}: alignments differ from those of BAM");
        }
    }
    let header = svala_ok(&["mem", reference, text(&cram)]);
    let header = String::from_utf8(header).expect("SAM is text");
    let groups: Vec<&str> = header.lines().filter(|line| line.starts_with("@RG")).collect();
    assert_eq!(groups, HEADER.lines().skip(1).collect::<Vec<_>>());
    // From standard input, too.
    let run = with_input(&["mem", reference, "-"], bytes(&cram));
    assert!(run.status.success() && own_fields(&run.stdout) == expected, "{}", String::from_utf8_lossy(&run.stderr));
}

/// Files that samtools has made once, so that no samtools is needed.
fn committed_cram_is_read(bench: &Bench) {
    let [old, new] = CRAMS.map(|name| svala_ok(&["mem", text(&bench.reference), text(&data(name))]));
    assert!(old == new, "the two files are read in other ways");
    let primary = records(&new).into_iter().filter(Record::is_primary).collect::<Vec<_>>();
    assert_eq!(primary.len(), 500);
    for record in primary {
        let expected = &bench.reads[&(record.name.clone(), record.mate())];
        let bases =
            if record.flags & 16 != 0 { reverse_complement(record.bases.as_bytes()) } else { record.bases.into() };
        assert_eq!(String::from_utf8(bases).expect("letters"), expected.bases);
        assert_eq!(record.tags["RG"], "a");
    }
}

fn aligned_cram_is_aligned_again(bench: &Bench) {
    let [first, second] = READS.map(data);
    let reference = text(&bench.reference);
    let model = bench.path("cram-model.json");
    svala_ok(&["insert-size", reference, text(&first), text(&second), "-o", text(&model)]);
    let options = ["align", "--ref", reference, "--insert-model", text(&model), "-R", "@RG\\tID:x\\tSM:s"];
    let [once, by_name, cram, twice] =
        ["cram.once.bam", "cram.by-name.bam", "cram.by-name.cram", "cram.twice.bam"].map(|name| bench.path(name));
    svala_ok(&[&options[..], &["-1", text(&first), "-2", text(&second), "-o", text(&once)]].concat());
    samtools(&["collate", "-o", text(&by_name), text(&once)]);
    let plain = bench.path("for-cram.fa");
    std::fs::write(&plain, unzipped(&bench.reference)).expect("a temporary file");
    samtools(&["view", "-T", text(&plain), "-O", "cram,version=3.0", "-o", text(&cram), text(&by_name)]);
    svala_ok(&[&options[..], &["-1", text(&cram), "-o", text(&twice)]].concat());
    assert!(bytes(&once) == bytes(&twice), "aligned again, the file is another");
    // Another reference has no such contigs, or other bases under their names.
    let fasta = unzipped(&bench.reference);
    let changed = bench.path("changed.fa");
    let place = fasta.find('\n').expect("a line") + 2000;
    let base = if fasta.as_bytes()[place].eq_ignore_ascii_case(&b'A') { "C" } else { "A" };
    std::fs::write(&changed, [&fasta[..place], base, &fasta[place + 1..]].concat()).expect("a temporary file");
    svala_ok(&["index", text(&changed)]);
    let run = svala(&["mem", text(&changed), text(&cram)]);
    let error = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{error}");
    assert!(error.contains("is not in the reference"), "{error}");
}

fn barcodes_are_there_once(bench: &Bench) {
    let [first, second] = [1, 2].map(|mate| bench.fastq(&format!("barcodes.{mate}.fq"), mate, true));
    let unaligned = bench.unaligned("barcodes.unaligned.bam", 2);
    let output = bench.path("barcodes.bam");
    let inputs: [&[&str]; 3] = [
        &["-1", text(&first), "-2", text(&second)],
        &["-C", "-1", text(&first), "-2", text(&second)],
        &["-1", text(&unaligned)],
    ];
    for input in inputs {
        let options = ["align", "--ref", text(&bench.reference), "--barcode-tag", "RX", "-o", text(&output)];
        svala_ok(&[&options[..], input].concat());
        let sam = String::from_utf8(samtools(&["view", text(&output)])).expect("SAM is text");
        assert!(sam.lines().count() > 19_000 && sam.lines().all(|line| line.matches("\tRX:Z:ACG").count() == 1));
    }
    let run = svala(&[
        "align",
        "--ref",
        text(&bench.reference),
        "--barcode-tag",
        "BX",
        "-o",
        text(&output),
        "-1",
        text(&unaligned),
    ]);
    assert!(String::from_utf8_lossy(&run.stderr).contains("record 1: expected a field with a barcode"), "{run:?}");
}

fn single_reads_too(bench: &Bench) {
    let input = bench.unaligned("single.bam", 1);
    let sam = svala_ok(&["mem", text(&bench.reference), text(&input)]);
    let expected: Reads = bench.reads.clone().into_iter().filter(|((_, mate), _)| *mate == 1).collect();
    assert_same(&reads_of(&sam), &expected);
    // A read group that is asked for takes the place of the reads' own.
    let run = svala(&["mem", "-R", "@RG\\tID:new", text(&bench.reference), text(&input)]);
    assert!(records(&run.stdout).iter().all(|record| record.tags["RG"] == "new"));
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(said.contains("warning: the read group that is given replaces 2 read groups of the input"), "{said}");
}

fn aligned_reads_are_aligned_again(bench: &Bench) {
    let [first, second] = READS.map(data);
    let reference = text(&bench.reference);
    let model = bench.path("model.json");
    svala_ok(&["insert-size", reference, text(&first), text(&second), "-o", text(&model)]);
    let options = ["align", "--ref", reference, "--insert-model", text(&model), "-R", "@RG\\tID:x\\tSM:s"];
    let [once, by_name, twice] = ["once.bam", "by-name.bam", "twice.bam"].map(|name| bench.path(name));
    svala_ok(&[&options[..], &["-1", text(&first), "-2", text(&second), "-o", text(&once)]].concat());
    samtools(&["collate", "-o", text(&by_name), text(&once)]);
    svala_ok(&[&options[..], &["-1", text(&by_name), "-o", text(&twice)]].concat());
    assert!(bytes(&once) == bytes(&twice), "aligned again, the file is another");
    let run = svala(&[&options[..], &["-1", text(&once), "-o", text(&twice)]].concat());
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("samtools collate"), "{run:?}");
}

/// What an aligner and Picard said of the old alignment is not said of the new one, nor twice.
fn old_alignments_are_forgotten(bench: &Bench) {
    let bases = &bench.reads.values().next().expect("reads").bases;
    let old = "\tpa:f:0.9\tXB:Z:chrM,+1,1M,0,1;\tXR:Z:x\tDT:Z:LB\tDI:i:3\tDS:i:70000\tXZ:Z:kept";
    let new = "\tDT:Z:LB\tDI:i:3\tDS:i:70000\tXZ:Z:kept";
    let length = bases.len();
    let sam = format!(
        "@SQ\tSN:other\tLN:1000\nm\t1024\tother\t1\t60\t{length}M\t*\t0\t0\t{bases}\t*{old}\nu\t4\t*\t0\t0\t*\t*\t0\t0\t{bases}\t*{new}\n"
    );
    let again = svala_ok(&["mem", text(&bench.reference), text(&bench.bam("old.bam", &sam))]);
    let tags = |name: &str| -> BTreeMap<String, String> {
        let record = records(&again).into_iter().find(|record| record.name == name).expect("a record");
        record.tags.into_iter().filter(|(tag, _)| !OWN.contains(&tag.as_str())).collect()
    };
    let kept = ("XZ".to_owned(), "kept".to_owned());
    assert_eq!(tags("m").into_iter().collect::<Vec<_>>(), [kept]);
    assert_eq!(tags("u").len(), 4, "{:?}", tags("u"));
}

fn lost_bases_are_told(bench: &Bench) {
    let bases = &bench.reads.values().next().expect("reads").bases;
    let head = "@SQ\tSN:other\tLN:1000\n";
    let sam = |cigar: &str| format!("{head}r\t0\tother\t1\t60\t{cigar}\t*\t0\t0\t{bases}\t*\n");
    let length = bases.len();
    for (cigar, is_told) in [(format!("{length}M"), false), (format!("5H{length}M"), true)] {
        let run = svala(&["mem", text(&bench.reference), text(&bench.bam("clipped.bam", &sam(&cigar)))]);
        assert!(run.status.success());
        assert_eq!(String::from_utf8_lossy(&run.stderr).contains("warning: 1 reads came hard-clipped"), is_told);
    }
}

fn broken_files_are_refused(bench: &Bench) {
    let read = |name: &str, flags: u16, tags: &str| format!("{name}\t{flags}\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII{tags}\n");
    let paired = |name: &str| read(name, 0x4d, "") + &read(name, 0x8d, "");
    let cases = [
        (read("secret", 0x104, ""), "no record"),
        (read("secret", 0x4d, ""), "record 1: expected its mate"),
        (paired("secret") + &read("secret1", 0x4d, "") + &read("secret2", 0x8d, ""), "record 3: expected its mate"),
        (read("secret", 0x4d, "") + &read("secret", 0x4d, ""), "record 1: expected its mate"),
        (read("secret", 4, "") + &paired("secret2"), "record 2: expected only"),
        (paired("secret") + &read("secret2", 4, "") + &read("secret2", 4, ""), "record 3: expected"),
        (read("secret", 4, "\tRG:Z:secret"), "record 1: its read group"),
    ];
    for (reads, word) in cases {
        let input = bench.bam("broken.bam", &format!("{HEADER}{reads}"));
        let run = svala(&["mem", text(&bench.reference), text(&input)]);
        let error = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{error}");
        assert!(error.contains(word) && !error.contains("secret"), "{word}: {error}");
    }
    let whole = bytes(&bench.unaligned("whole.bam", 2));
    let cut = bench.path("cut.bam");
    for end in [whole.len() / 2, whole.len() - 28] {
        std::fs::write(&cut, &whole[..end]).expect("a file");
        let run = svala(&["mem", text(&bench.reference), text(&cut)]);
        assert!(String::from_utf8_lossy(&run.stderr).contains("truncated"), "{run:?}");
    }
    let run = svala(&["mem", text(&bench.reference), text(&bench.path("whole.bam")), text(&data(READS[1]))]);
    assert!(String::from_utf8_lossy(&run.stderr).contains("no second file"), "{run:?}");
}

/// Runs svala with standard input.
fn with_input(arguments: &[&str], input: Vec<u8>) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svala"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("svala starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // It may end before it has read all.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().expect("svala ends");
    let _ = writer.join();
    output
}

fn comments_become_tags(bench: &Bench) {
    let reference = text(&bench.reference);
    let [first, second] = [1, 2].map(|mate| bench.fastq(&format!("tagged.{mate}.fq"), mate, true));
    let of_files = svala_ok(&["mem", "-C", reference, text(&first), text(&second)]);
    let without_groups = |reads: &Reads| -> Reads {
        let mut reads = reads.clone();
        for read in reads.values_mut() {
            read.tags.remove("RG");
            read.failed = false;
            if read.qualities == "*" {
                read.qualities = "I".repeat(read.bases.len());
            }
        }
        reads
    };
    assert_same(&reads_of(&of_files), &without_groups(&bench.reads));
    // In turn, from standard input.
    let interleaved: String = bench.reads.iter().map(|((name, _), read)| read.fastq(name, true)).collect();
    let run = with_input(&["mem", "-p", "-C", reference, "-"], interleaved.clone().into_bytes());
    assert!(run.status.success() && run.stdout == of_files, "{}", String::from_utf8_lossy(&run.stderr));
    // Without -C they are comments.
    let plain = svala_ok(&["mem", reference, text(&first), text(&second)]);
    assert!(reads_of(&plain).values().all(|read| read.tags.is_empty()));
    assert_eq!(own_fields(&plain), own_fields(&of_files));
}

/// SAM allows each tag once: what svala writes is left out, and of one that is there twice the first counts.
fn tags_are_there_once(bench: &Bench) {
    let reads = bench.reads.iter().filter(|((_, mate), _)| *mate == 1).take(200).map(|((name, _), read)| {
        let Tagged { bases, qualities, .. } = read;
        let qualities = if qualities == "*" { "I".repeat(bases.len()) } else { qualities.clone() };
        format!("@{name} XB:Z:foo\tRX:Z:A\tRX:Z:B\tXA:Z:own\tpa:f:0.5\n{bases}\n+\n{qualities}\n")
    });
    let reads: String = reads.collect();
    let mem = |options: &[&str]| {
        let run = with_input(&[&["mem", "-C"], options, &[text(&bench.reference), "-"]].concat(), reads.clone().into());
        assert!(run.status.success(), "{run:?}");
        let sam = String::from_utf8(run.stdout).expect("SAM is text");
        for line in sam.lines().filter(|line| !line.starts_with('@')) {
            let tags: Vec<&str> = line.split('\t').skip(11).map(|field| &field[..2]).collect();
            assert!(tags.iter().all(|tag| tags.iter().filter(|other| *other == tag).count() == 1), "{line}");
        }
        records(sam.as_bytes())
    };
    let has = |record: &Record, tag: &str, value: &str| record.tags.get(tag).is_some_and(|own| own == value);
    assert!(mem(&[]).iter().all(|r| has(r, "XB", "foo") && has(r, "RX", "A") && has(r, "pa", "0.5")));
    assert!(mem(&["-u"]).iter().all(|r| !has(r, "XB", "foo") && has(r, "RX", "A")));
    // BAM with repeated fields, which samtools writes as they come.
    let sam = format!("{HEADER}r\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\tRX:Z:A\tXB:Z:foo\tRX:Z:B\n");
    let got = svala_ok(&["mem", "-u", text(&bench.reference), text(&bench.bam("repeated.bam", &sam))]);
    let line = String::from_utf8(got).expect("SAM is text");
    assert!(line.ends_with("\tRX:Z:A\n"), "{line}");
}

/// Fields of read groups may have any characters but control characters, wherever they come from; identifiers may not.
fn read_groups_are_of_any_letters(bench: &Bench) {
    const GROUP: &str = "@RG\tID:a\tSM:M\u{fc}ller\tLB:caf\u{e9} 1\tDS:\u{4e2d}\u{6587} \u{1f9ec}";
    let (reference, reads) = (text(&bench.reference), data(READS[0]));
    let header = |sam: &[u8]| {
        let sam = String::from_utf8_lossy(sam).into_owned();
        sam.lines().filter(|line| line.starts_with("@RG")).map(String::from).collect::<Vec<_>>()
    };
    assert_eq!(header(&svala_ok(&["mem", "-R", GROUP, reference, text(&reads)])), [GROUP]);
    let more = GROUP.replace("ID:a", "ID:h");
    assert_eq!(header(&svala_ok(&["mem", "-H", &more, reference, text(&reads)])), [more.as_str()]);
    let read = "r\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\tRG:Z:a\n";
    let bam = bench.bam("letters.bam", &format!("{GROUP}\n{read}"));
    for name in ["letters.out.bam", "letters.out.cram"] {
        let output = bench.path(name);
        svala_ok(&["align", "--ref", reference, "-1", text(&bam), "-o", text(&output)]);
        assert_eq!(header(&samtools(&["view", "-H", "--no-PG", text(&output)])), [GROUP], "{name}");
        let again = svala_ok(&["mem", reference, text(&output)]);
        assert_eq!(header(&again), [GROUP], "{name}");
    }
    let sheet = bench.path("letters.tsv");
    let row = format!("a\tM\u{fc}ller\tcaf\u{e9} 1\t\u{4e2d}\u{6587} \u{1f9ec}\t{}\r\n", text(&reads));
    let sheet_of = |row: &[u8]| [b"\xef\xbb\xbfread_group\tsample\tlibrary\tdescription\tfastq_1\r\n", row].concat();
    std::fs::write(&sheet, sheet_of(row.as_bytes())).expect("a file");
    let output = bench.path("letters.sheet.bam");
    let align = ["align", "--ref", reference, "--samples", text(&sheet), "-o", text(&output)];
    svala_ok(&align);
    assert_eq!(header(&samtools(&["view", "-H", "--no-PG", text(&output)])), [GROUP]);

    // In Latin-1.
    std::fs::write(&sheet, sheet_of(b"a\tM\xfcller\tl\td\treads.fq\r\n")).expect("a file");
    let said = svala_refuses(&align, 1, "value 2 is not UTF-8");
    assert!(said.contains("letters.tsv") && said.contains("line 2") && !said.contains("ller"), "{said}");
    svala_refuses(&["mem", "-R", "@RG\tID:a\tDS:\u{7f}", reference, text(&reads)], 2, "field DS");
    svala_refuses(&["mem", "-R", "@RG\tID:\u{e9}", reference, text(&reads)], 2, "field ID");
    let latin = bench.path("latin.sam");
    std::fs::write(&latin, [b"@RG\tID:a\tSM:s\tDS:M\xfcller\n", read.as_bytes()].concat()).expect("a file");
    let bam = bench.path("latin.bam");
    samtools(&["view", "--no-PG", "-b", "-o", text(&bam), text(&latin)]);
    let said = svala_refuses(&["mem", reference, text(&bam)], 1, "field DS");
    assert!(said.contains("latin.bam") && !said.contains("ller"), "{said}");
}

/// As bwa does: a pair is two neighbours with one name, and any other read is single.
fn reads_without_mates_stand_among_pairs(bench: &Bench) {
    let reference = text(&bench.reference);
    // Every 50th pair loses a mate, some twice in turn, and so does the last.
    let is_single = |number: usize| number.is_multiple_of(50) || number.is_multiple_of(51);
    let names: Vec<&String> = bench.reads.keys().filter(|(_, mate)| *mate == 1).map(|(name, _)| name).collect();
    let (mut all, mut singles, mut pairs) = (String::new(), String::new(), String::new());
    for (number, name) in names.iter().enumerate() {
        let [one, other] = [1, 2].map(|mate| bench.reads[&((*name).clone(), mate)].fastq(name, true));
        let own = if !is_single(number) && number + 1 < names.len() {
            pairs += &(one.clone() + &other);
            one + &other
        } else {
            singles += &other;
            other
        };
        all += &own;
    }
    let model = bench.path("mixed.json");
    let [first, second] = [1, 2].map(|mate| bench.fastq(&format!("mixed.{mate}.fq"), mate, false));
    svala_ok(&["insert-size", reference, text(&first), text(&second), "-o", text(&model)]);
    let mem = |options: &[&str], input: &str| {
        let fixed = ["mem", "-C", "--insert-model", text(&model), reference, "-"];
        let run = with_input(&[&fixed[..1], options, &fixed[1..]].concat(), input.as_bytes().to_vec());
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let lines = String::from_utf8(run.stdout).expect("SAM is text");
        let lines: Vec<String> = lines.lines().filter(|line| !line.starts_with('@')).map(String::from).collect();
        (lines, String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let (mixed, said) = mem(&["-p"], &all);
    let count = singles.lines().count() / 4;
    assert!(said.contains(&format!("warning: {count} reads had no mate")), "{said}");
    let (mut apart, _) = mem(&["-p"], &pairs);
    apart.extend(mem(&[], &singles).0);
    let order: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    apart.sort_by_key(|line| order[line.split('\t').next().expect("a name")]);
    assert!(mixed == apart, "mixed reads are aligned in another way");
    for threads in ["1", "4"] {
        assert!(mem(&["-p", "-t", threads, "--batch-reads", "77"], &all).0 == mixed);
    }
    // The model is learnt from pairs only, wherever single reads stand.
    let learnt = |input: &str| {
        let run = with_input(&["mem", "-p", "-C", reference, "-"], input.as_bytes().to_vec());
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        said.lines().find(|line| line.contains("insert size")).expect("a model").to_owned()
    };
    assert_eq!(learnt(&all), learnt(&pairs));
}

fn broken_fastq_is_refused(bench: &Bench) {
    let read = |header: &str| format!("@{header}\nACGT\n+\nIIII\n");
    let cases = [
        (["-C", "-"], read("r RX:Z:A") + &read("secret 1:N:0:ACGT"), "record 2: expected optional fields"),
        (["-C", "-"], read("secret RX:i:secret"), "record 1: expected optional fields"),
        (["-C", "-"], read("secret RX:Z:secr\u{e9}t"), "record 1: expected optional fields"),
        (["-p", "-"], read("secret/1") + &read("secret/1"), "record 2: expected its mate"),
    ];
    for ([option, file], content, word) in cases {
        let run = with_input(&["mem", option, text(&bench.reference), file], content.into_bytes());
        let error = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{error}");
        assert!(error.contains(word) && !error.contains("secr"), "{word}: {error}");
    }
    // As in bwa, a second file isn't read; and in the first mates don't follow each other. Both are said.
    let run = svala(&["mem", "-p", text(&bench.reference), text(&data(READS[0])), text(&data(READS[1]))]);
    let said = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{said}");
    assert!(
        said.contains("the second file of reads is not used") && said.contains("had no mate next to them"),
        "{said}"
    );
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let with_samtools = |name: &str, check: fn(&Bench)| {
        let bench = Arc::clone(&bench);
        trial_if(name, has_program("samtools"), "no samtools", "SVALA_REQUIRE_TOOLS", move || check(&bench))
    };
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        with_samtools("unaligned reads keep everything", unaligned_reads_keep_everything),
        with_samtools("unaligned CRAM is as BAM", unaligned_cram_is_as_bam),
        with_samtools("aligned CRAM is aligned again", aligned_cram_is_aligned_again),
        with_samtools("single reads too", single_reads_too),
        with_samtools("barcodes are there once", barcodes_are_there_once),
        with_samtools("aligned reads are aligned again", aligned_reads_are_aligned_again),
        with_samtools("old alignments are forgotten", old_alignments_are_forgotten),
        with_samtools("lost bases are told", lost_bases_are_told),
        with_samtools("broken files are refused", broken_files_are_refused),
        trial("committed CRAM is read", on(committed_cram_is_read)),
        trial("comments become tags", on(comments_become_tags)),
        trial("reads without mates stand among pairs", on(reads_without_mates_stand_among_pairs)),
        trial("broken FASTQ is refused", on(broken_fastq_is_refused)),
        with_samtools("tags are there once", tags_are_there_once),
        with_samtools("read groups are of any letters", read_groups_are_of_any_letters),
    ])
}
