//! Real reads of NA12878: nothing lost, nothing invented, valid files, and placements that agree with bwa's.

mod common;

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
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

/// Name, mate and bases of every input read.
fn input() -> Vec<(String, usize, String)> {
    let mut reads = Vec::new();
    for (mate, file) in READS.iter().enumerate() {
        let content = gunzip(&data(file));
        let lines: Vec<&str> = content.lines().collect();
        reads.extend(lines.chunks(4).map(|r| (r[0][1..].to_owned(), mate + 1, r[1].to_owned())));
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
    for (name, mate, bases) in input {
        let found = &primaries[&(name, mate)];
        assert_eq!(found.len(), 1);
        let reverse = found[0].flags & 16 != 0;
        let expected = if reverse { common::reverse_complement(bases.as_bytes()) } else { bases.clone().into_bytes() };
        assert_eq!(found[0].bases.as_bytes(), expected);
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

/// NM, MD and AS must follow from each other and from the CIGAR.
fn check_alignment_tags(record: &Record) {
    let tag = |name: &str| record.tags[name].parse::<i64>().expect("a number");
    let sum = |kinds: &str| record.operations().iter().filter(|(_, k)| kinds.contains(*k)).map(|(n, _)| n).sum::<i64>();
    let md = &record.tags["MD"];
    let matches: i64 = md.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<i64>().ok()).sum();
    let deleted: i64 =
        md.split('^').skip(1).map(|d| d.chars().take_while(char::is_ascii_alphabetic).count() as i64).sum();
    assert_eq!(deleted, sum("D"), "{record:?}");
    let mismatches = sum("M") - matches;
    assert_eq!(tag("NM"), mismatches + sum("ID"), "{record:?}");
    let gaps = record.operations().iter().filter(|(_, k)| "ID".contains(*k)).map(|(n, _)| 6 + n).sum::<i64>();
    let penalty = matches - tag("AS") - gaps;
    assert!((mismatches..=4 * mismatches).contains(&penalty), "{record:?}");
    assert!(tag("AS") >= 30 && tag("XS") >= 0);
    if record.flags & 0x800 == 0 {
        assert_eq!(sum("MIS"), record.bases.len() as i64);
    }
    assert!(record.flags & 0x800 == 0 || record.tags.contains_key("SA"), "{record:?}");
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

fn main() {
    let aligned = Arc::new(align());
    let on = |check: fn(&Aligned)| {
        let aligned = Arc::clone(&aligned);
        move || check(&aligned)
    };
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
