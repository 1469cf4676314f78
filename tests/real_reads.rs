//! Real reads of NA12878: nothing lost, nothing invented, valid files, and placements that agree with bwa's.

mod common;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::{READS, Record, conclude, data, has_program, indexed_reference, records, svala_ok, text, trial, trial_if};

const EXPECTED: &str = "NA12878_chrM.bwa-mem-0.7.12.tsv.gz";
const READ_GROUP: &str = "@RG\\tID:lane1\\tSM:NA12878\\tLB:lib\\tPL:ILLUMINA";

/// The run that all tests look at.
struct Aligned {
    _folder: tempfile::TempDir,
    bam: PathBuf,
    header: String,
    records: Vec<Record>,
}

fn align() -> Aligned {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference = indexed_reference(folder.path());
    let reads = READS.map(data);
    let bam = folder.path().join("out.bam");
    let common = ["-R", READ_GROUP, "-t", "2"];
    let mut arguments = vec!["align", "--ref", text(&reference), "-1", text(&reads[0]), "-2", text(&reads[1])];
    arguments.extend(["-o", text(&bam)]);
    arguments.extend(common);
    svala_ok(&arguments);
    let mut arguments = vec!["mem"];
    arguments.extend(common);
    arguments.extend([text(&reference), text(&reads[0]), text(&reads[1])]);
    let sam = svala_ok(&arguments);
    let header =
        String::from_utf8_lossy(&sam).lines().take_while(|l| l.starts_with('@')).collect::<Vec<_>>().join("\n");
    Aligned { bam, header, records: records(&sam), _folder: folder }
}

fn gunzip(path: &Path) -> String {
    let mut content = String::new();
    let file = std::fs::File::open(path).expect("committed data");
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut content).expect("gzip");
    content
}

/// Name, mate, bases and qualities of every input read.
fn input() -> Vec<(String, usize, String, String)> {
    let mut reads = Vec::new();
    for (mate, file) in READS.iter().enumerate() {
        let content = gunzip(&data(file));
        let lines: Vec<&str> = content.lines().collect();
        reads.extend(lines.chunks(4).map(|r| (r[0][1..].to_owned(), mate + 1, r[1].to_owned(), r[3].to_owned())));
    }
    reads
}

fn every_read_once(aligned: &Aligned) {
    let mut primaries: HashMap<(String, usize), Vec<&Record>> = HashMap::new();
    for record in aligned.records.iter().filter(|r| r.is_primary()) {
        primaries.entry((record.name.clone(), record.mate())).or_default().push(record);
    }
    let input = input();
    assert_eq!(primaries.len(), input.len());
    for (name, mate, bases, qualities) in input {
        let found = &primaries[&(name, mate)];
        assert_eq!(found.len(), 1);
        let expected = if found[0].flags & 16 != 0 {
            let reversed: String = qualities.chars().rev().collect();
            (String::from_utf8_lossy(&common::reverse_complement(bases.as_bytes())).into_owned(), reversed)
        } else {
            (bases, qualities)
        };
        assert_eq!((&found[0].bases, &found[0].qualities), (&expected.0, &expected.1));
    }
}

fn agrees_with_bwa(aligned: &Aligned) {
    let primaries: HashMap<(&str, usize), &Record> =
        aligned.records.iter().filter(|r| r.is_primary()).map(|r| ((r.name.as_str(), r.mate()), r)).collect();
    let (mut total, mut same) = (0, 0);
    for line in gunzip(&data(EXPECTED)).lines().skip(1) {
        let f: Vec<&str> = line.split('\t').collect();
        for mate in [1, 2] {
            let column = 1 + 3 * (mate - 1);
            let position: i64 = f[column + 1].parse().expect("a position");
            let mapq: u8 = f[column + 2].parse().expect("a quality");
            if mapq < 30 {
                continue;
            }
            total += 1;
            let record = primaries[&(f[0], mate)];
            same += usize::from(
                record.is_mapped() && record.contig == f[column] && (record.position - position).abs() <= 5,
            );
        }
    }
    println!("{same} of {total} placements of bwa at MAPQ >= 30 reproduced within 5 bp");
    assert!(total > 15_000);
    assert!(same * 100 >= total * 99, "{same} of {total}");
}

fn header_is_complete(aligned: &Aligned) {
    let lines: Vec<&str> = aligned.header.lines().collect();
    assert!(lines[0].starts_with("@HD\tVN:1.6\tSO:unsorted"), "{}", lines[0]);
    // What `md5sum` says of the upper-case letters of chrM.
    assert!(lines[1].starts_with("@SQ\tSN:chrM\tLN:16571\tM5:a773f4c79670508544251a30d914c827"), "{}", lines[1]);
    assert!(lines[2].starts_with("@SQ\tSN:chrY\tLN:24316\tM5:"), "{}", lines[2]);
    assert_eq!(lines[3], READ_GROUP.replace("\\t", "\t"));
    assert!(lines[4].starts_with("@PG\tID:svala\tPN:svala\tVN:") && lines[4].contains("CL:svala"), "{}", lines[4]);
    assert!(!aligned.header.contains(env!("CARGO_MANIFEST_DIR")), "the header names a folder");
}

fn tags_and_mates_agree(aligned: &Aligned) {
    let mut templates: HashMap<&str, [Option<&Record>; 2]> = HashMap::new();
    for record in aligned.records.iter().filter(|r| r.is_primary()) {
        templates.entry(&record.name).or_default()[record.mate() - 1] = Some(record);
    }
    for record in &aligned.records {
        assert_eq!(record.tags["RG"], "lane1");
        let mate = templates[record.name.as_str()][2 - record.mate()].expect("a mate");
        assert_eq!(record.flags & 0x20 != 0, mate.flags & 0x10 != 0);
        assert_eq!(record.flags & 8 != 0, !mate.is_mapped());
        if mate.is_mapped() {
            assert_eq!((&record.mate_contig, record.mate_position), (&mate.contig, mate.position));
            assert_eq!(record.tags["MC"], mate.cigar);
            assert_eq!(record.tags["MQ"], mate.mapq.to_string());
        }
        if record.is_mapped() {
            check_alignment_tags(record);
        } else {
            assert_eq!((record.mapq, record.cigar.as_str()), (0, "*"));
        }
    }
}

/// NM and AS must be exactly what CIGAR, MD and bases say.
fn check_alignment_tags(record: &Record) {
    let tag = |name: &str| record.tags[name].parse::<i64>().expect("a number");
    let mut reference = reference_letters(&record.tags["MD"]).into_iter();
    let mut bases = record.bases.chars();
    let (mut edits, mut score) = (0, 0);
    for (length, kind) in record.operations() {
        match kind {
            'M' => {
                for _ in 0..length {
                    let base = bases.next().expect("a base");
                    match reference.next().expect("MD covers the CIGAR") {
                        Letter::Same => score += 1,
                        Letter::Other(letter) => {
                            // As in samtools, N is never a match.
                            assert!(base != letter || base == 'N', "{record:?}");
                            edits += 1;
                            score -= if "ACGT".contains(base) && "ACGT".contains(letter) { 4 } else { 1 };
                        }
                        Letter::Deleted => panic!("MD deletes where the CIGAR does not: {record:?}"),
                    }
                }
            }
            'I' => {
                bases.by_ref().take(length as usize).for_each(drop);
                edits += length;
                score -= 6 + length;
            }
            'D' => {
                let deleted = reference.by_ref().take(length as usize);
                assert!(deleted.eq(vec![Letter::Deleted; length as usize]), "{record:?}");
                edits += length;
                score -= 6 + length;
            }
            'S' => bases.by_ref().take(length as usize).for_each(drop),
            _ => assert_eq!(kind, 'H', "{record:?}"),
        }
    }
    assert_eq!((bases.next(), reference.next()), (None, None), "{record:?}");
    assert_eq!((tag("NM"), tag("AS")), (edits, score), "{record:?}");
    assert!(tag("XS") >= 0);
    assert!(record.flags & 0x800 == 0 || record.tags.contains_key("SA"), "{record:?}");
}

/// What MD says of a reference base.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Letter {
    Same,
    Other(char),
    Deleted,
}

fn reference_letters(md: &str) -> Vec<Letter> {
    let (mut letters, mut number, mut deleting) = (Vec::new(), 0, false);
    for c in md.chars() {
        if let Some(digit) = c.to_digit(10) {
            (number, deleting) = (number * 10 + digit as usize, false);
            continue;
        }
        letters.extend(std::iter::repeat_n(Letter::Same, std::mem::take(&mut number)));
        match c {
            '^' => deleting = true,
            _ if deleting => letters.push(Letter::Deleted),
            _ => letters.push(Letter::Other(c)),
        }
    }
    letters.extend(std::iter::repeat_n(Letter::Same, number));
    letters
}

fn samtools_accepts(aligned: &Aligned) {
    let output = Command::new("samtools").args(["quickcheck", "-v", text(&aligned.bam)]).output().expect("samtools");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let view = Command::new("samtools").args(["view", "-c", text(&aligned.bam)]).output().expect("samtools");
    let count: usize = String::from_utf8_lossy(&view.stdout).trim().parse().expect("a count");
    assert_eq!(count, aligned.records.len());
}

fn picard_accepts(aligned: &Aligned) {
    let output = Command::new("PicardCommandLine")
        .args(["ValidateSamFile", &format!("INPUT={}", text(&aligned.bam)), "MODE=SUMMARY", "QUIET=true"])
        .output()
        .expect("picard");
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && words.contains("No errors found"),
        "{words}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn main() -> ExitCode {
    let aligned = Arc::new(align());
    let on = |check: fn(&Aligned)| common::looking_at(&aligned, check);
    let tool = |test: &str, program: &str, check: fn(&Aligned)| {
        let reason = format!("{program} is not installed");
        trial_if(test, has_program(program), &reason, "SVALA_REQUIRE_TOOLS", on(check))
    };
    conclude(vec![
        trial("every read is in the output exactly once as primary", on(every_read_once)),
        trial("99 % of bwa's confident placements are reproduced", on(agrees_with_bwa)),
        trial("the header is complete and names no folder", on(header_is_complete)),
        trial("tags, CIGARs and mate fields agree", on(tags_and_mates_agree)),
        tool("samtools quickcheck accepts the BAM file", "samtools", samtools_accepts),
        tool("picard ValidateSamFile accepts the BAM file", "PicardCommandLine", picard_accepts),
    ])
}
