//! What large references need: wide positions, long contigs, many contigs; and a word to those who have an old index.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use common::{
    READS, REFERENCE, Random, Record, bytes, conclude, data, has_program, indexed_reference, records,
    reverse_complement, samtools, svala_ok, svala_refuses, text, trial, trial_if,
};
use flate2::{Compression, write::GzEncoder};
use svala_map::index::{BuildOptions, Index, build, index_path};
use svala_map::meter::IndexMeter;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Builds the index of `reference`, with wide positions if asked for.
fn index(reference: &Path, position_bits: Option<u32>, threads: usize) -> Vec<u8> {
    let options = BuildOptions { threads, meter: &IndexMeter::default(), position_bits };
    build(reference, &index_path(reference), &options).expect("an index");
    bytes(&index_path(reference))
}

/// Entries with wide positions name the same places. Their tags are shorter, so that here, where there are few buckets, some
/// seeds seem to occur once more than they do; that may show in how sure a read is, not in where it is.
fn wide_positions_change_no_place() {
    let folder = folder();
    let reference = folder.path().join(REFERENCE);
    std::fs::copy(data(REFERENCE), &reference).expect("the reference can be copied");
    let reads = READS.map(data);
    let map = || svala_ok(&["mem", text(&reference), text(&reads[0]), text(&reads[1])]);
    let narrow = index(&reference, None, 1);
    let expected = map();
    for bits in [33, 40] {
        let wide = index(&reference, Some(bits), 2);
        assert!(wide.len() == narrow.len() && wide != narrow);
        let loaded = Index::open_for(&reference, 1).expect("an index");
        assert_eq!(loaded.seeds().layout.position_bits, bits);
        let place = |record: Record| (record.name, record.flags, record.contig, record.position, record.cigar);
        let [expected, found] = [&expected, &map()].map(|sam| records(sam).into_iter().map(place).collect::<Vec<_>>());
        assert!(found.len() > 19_000 && found.len() == expected.len());
        let elsewhere = expected.iter().zip(&found).filter(|(a, b)| a != b).count();
        println!("{bits} bits: {elsewhere} records elsewhere");
        assert_eq!(elsewhere, 0, "with {bits} bits");
    }
}

/// Neither for building nor for checking does it matter how many threads there are.
fn threads_do_not_show_in_an_index() {
    let folder = folder();
    let reference = folder.path().join("ref.fa");
    let mut random = Random(3);
    // Copies, so that buckets have several entries; more than one piece of checksums.
    let block = random.bases(1_200_000);
    let mut fasta = Vec::new();
    for contig in 0..3 {
        fasta.extend(format!(">c{contig}\n").bytes());
        fasta.extend(random.bases(700_000));
        fasta.extend(&block);
        fasta.push(b'\n');
    }
    std::fs::write(&reference, fasta).expect("a reference");
    let one = index(&reference, None, 1);
    for threads in [2, 5] {
        assert!(index(&reference, None, threads) == one, "{threads} threads make another index");
        let loaded = Index::open_for(&reference, threads).expect("an index");
        assert!(loaded.seeds().entries.len() > 1_000_000);
    }
}

/// Any flipped bit is seen, by one thread and by several.
fn damage_is_seen() {
    let folder = folder();
    let reference = indexed_reference(folder.path());
    let path = index_path(&reference);
    let whole = bytes(&path);
    let mut random = Random(4);
    let mut refused = 0;
    for case in 0..60 {
        let mut changed = whole.clone();
        let place = random.below(whole.len());
        changed[place] ^= 1 << random.below(8);
        std::fs::write(&path, &changed).expect("an index");
        let loaded = [1, 3].map(|threads| Index::open(&path, threads).map(|_| ()).map_err(|e| e.to_string()));
        assert_eq!(loaded[0], loaded[1], "case {case}");
        refused += usize::from(loaded[0].is_err());
    }
    // Only between sections does a bit mean nothing.
    assert!(refused > 45, "{refused} of 60 are refused");
}

fn an_old_index_is_refused() {
    let folder = folder();
    let reference = indexed_reference(folder.path());
    let mut old = bytes(&index_path(&reference));
    old[8] = 3;
    std::fs::write(index_path(&reference), old).expect("an index");
    let reads = data(READS[0]);
    svala_refuses(&["mem", text(&reference), text(&reads)], 1, "index format 3, this svala reads 4; run `svala index`");
}

/// Reads of `bases`, forward and reverse in turn, 100 bases each, named by where they start.
fn reads(bases: &[u8], name: &str, step: usize) -> String {
    let starts = (0..bases.len() - 99).step_by(step);
    let read = |(number, start): (usize, usize)| {
        let read = &bases[start..start + 100];
        let read = if number % 2 == 0 { read.to_vec() } else { reverse_complement(read) };
        format!("@{name}:{}\n{}\n+\n{}\n", start + 1, String::from_utf8_lossy(&read), "I".repeat(100))
    };
    starts.enumerate().map(read).collect()
}

/// A contig longer than a BAI index can address has reads at its far end, which a CSI index finds.
fn long_contigs_have_a_csi_index() {
    const UNKNOWN: usize = (1 << 29) + 1000;
    let folder = folder();
    let reference = folder.path().join("long.fa.gz");
    let mut random = Random(5);
    let end = random.bases(20_000);
    let mut fasta = GzEncoder::new(std::fs::File::create(&reference).expect("a file"), Compression::fast());
    fasta.write_all(b">short\n").expect("a disk");
    fasta.write_all(&random.bases(500)).expect("a disk");
    fasta.write_all(b"\n>long\n").expect("a disk");
    let unknown = vec![b'N'; 1 << 20];
    let mut left = UNKNOWN;
    while left > 0 {
        let now = left.min(unknown.len());
        fasta.write_all(&unknown[..now]).expect("a disk");
        left -= now;
    }
    fasta.write_all(&end).expect("a disk");
    fasta.finish().expect("a disk");
    svala_ok(&["index", text(&reference)]);
    let (fastq, bam) = (folder.path().join("reads.fq"), folder.path().join("out.bam"));
    std::fs::write(&fastq, reads(&end, "far", 50)).expect("reads");
    svala_ok(&["align", "--ref", text(&reference), "-1", text(&fastq), "-o", text(&bam)]);
    assert!(folder.path().join("out.bam.csi").exists() && !folder.path().join("out.bam.bai").exists());
    let region = format!("long:{}-{}", UNKNOWN + 10_001, UNKNOWN + 10_100);
    let found = records(&samtools(&["view", text(&bam), &region]));
    assert_eq!(found.len(), 3, "reads that start at 9951, 10001 and 10051");
    for record in found {
        let start: i64 = record.name.split(':').nth(1).and_then(|at| at.parse().ok()).expect("a name");
        assert_eq!((record.position, record.mapq), (start + UNKNOWN as i64, 60), "{}", record.name);
    }
}

/// Reads of many contigs, each barely longer than a few reads, are found in theirs, also those at the ends.
fn many_contigs_are_told_apart() {
    const CONTIGS: usize = 5000;
    let folder = folder();
    let mut random = Random(6);
    let contigs: Vec<Vec<u8>> = (0..CONTIGS).map(|number| random.bases(150 + number % 300)).collect();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let (reference, fastq, bam) = (path("many.fa"), path("reads.fq"), path("out.bam"));
    let named = || contigs.iter().enumerate().map(|(number, bases)| (format!("c{number}"), bases));
    let fasta = named().map(|(name, bases)| format!(">{name} of many\n{}\n", String::from_utf8_lossy(bases)));
    std::fs::write(&reference, fasta.collect::<String>()).expect("a reference");
    let last = |bases: &[u8], name: &str| {
        let start = bases.len() - 100;
        let read = &bases[start..];
        format!("@{name}:{}\n{}\n+\n{}\n", start + 1, String::from_utf8_lossy(read), "I".repeat(100))
    };
    let all = named().map(|(name, bases)| reads(bases, &name, 1000) + &last(bases, &name));
    std::fs::write(&fastq, all.collect::<String>()).expect("reads");
    svala_ok(&["index", text(&reference)]);
    let (input, output, prefix) = (text(&fastq), text(&bam), path("stats"));
    svala_ok(&["align", "--ref", text(&reference), "-1", input, "-o", output, "--qc", text(&prefix)]);
    let found = records(&samtools(&["view", text(&bam)]));
    assert_eq!(found.len(), 2 * CONTIGS);
    for record in found {
        let place = format!("{}:{}", record.contig, record.position);
        assert_eq!((record.name, record.mapq, &record.cigar[..]), (place, 60, "100M"));
    }
    let listed = samtools(&["idxstats", text(&bam)]);
    let listed = String::from_utf8_lossy(&listed);
    assert_eq!(listed.lines().filter(|line| line.contains("\t2\t0")).count(), CONTIGS);
}

fn main() -> ExitCode {
    let samtools = has_program("samtools");
    let with_samtools = |name: &str, test: fn()| trial_if(name, samtools, "no samtools", "SVALA_REQUIRE_TOOLS", test);
    conclude(vec![
        trial("wide positions change no place", wide_positions_change_no_place),
        trial("threads do not show in an index", threads_do_not_show_in_an_index),
        trial("damage is seen", damage_is_seen),
        trial("an old index is refused", an_old_index_is_refused),
        with_samtools("long contigs have a CSI index", long_contigs_have_a_csi_index),
        with_samtools("many contigs are told apart", many_contigs_are_told_apart),
    ])
}
