//! Every reader of svala, given good inputs with random changes for a while: it may refuse them, but not panic.
//!
//! Two seconds for each; `SVALA_FUZZ_SECONDS` says otherwise, and `SVALA_FUZZ_SEED` what chance starts from. It runs on stable Rust and
//! without a fuzzer's engine, so it doesn't see which code an input reaches; what stands in for that is that the inputs are small and the
//! changes keep lengths, separators and checksums in play.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::hostile::{bam, bgzf, gzip, records, seal, zstd};
use common::{Random, bytes, conclude, svala_ok, text, trial};
use svala_io::{
    Contig, EncodedRecord, FastaReader, Labelling, NamedGroups, ReadBatch, ReadGroup, ReadSource, ReadStructure,
    ShardReader, check_alignments,
};
use svala_map::index::Index;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// Changes `seeds` at random and hands them to `target`, in a file where it wants one, until the time is over.
fn fuzz(seeds: &[Vec<u8>], mut target: impl FnMut(&[u8], &Path)) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("input");
    let (seconds, seed) = (number("SVALA_FUZZ_SECONDS", 2), number("SVALA_FUZZ_SEED", 1));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0;
    while Instant::now() < end {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9).wrapping_add(runs));
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..random.below(6) {
            change(&mut input, seeds, &mut random);
        }
        let begin = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| target(&input, &file)));
        // Far above what a busy machine makes of milliseconds.
        let is_slow = begin.elapsed() > Duration::from_secs(60);
        assert!(outcome.is_ok() && !is_slow, "SVALA_FUZZ_SEED={seed}, run {runs}: {}", input.escape_ascii());
        runs += 1;
    }
    assert!(runs > 20, "only {runs} runs");
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    const WORDS: [u32; 8] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff, 0xff, 0x0100_0000];
    const BYTES: &[u8] = b"\n\r\t\0 @+>:;,-*=~!\xffAZ09";
    let place = random.below(input.len() + 1);
    match random.below(8) {
        0 if place < input.len() => input[place] ^= 1 << random.below(8),
        1 if place < input.len() => input[place] = random.below(256) as u8,
        2 if place < input.len() => input[place] = BYTES[random.below(BYTES.len())],
        3 => input.insert(place, BYTES[random.below(BYTES.len())]),
        4 => input.truncate(place),
        5 => drop(input.drain(place..(place + random.below(40)).min(input.len()))),
        6 if place + 4 <= input.len() => {
            input[place..place + 4].copy_from_slice(&WORDS[random.below(WORDS.len())].to_le_bytes());
        }
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len() + 1);
            let part = other[from..(from + random.below(200)).min(other.len())].to_vec();
            input.splice(place..place, part);
        }
    }
}

fn written<'a>(content: &[u8], path: &'a Path) -> &'a Path {
    std::fs::write(path, content).expect("a file");
    path
}

/// Reads everything, and looks at all of it.
fn read_all(source: svala_io::Result<ReadSource>) -> svala_io::Result<usize> {
    let (mut source, mut batch, mut sum) = (source?, ReadBatch::new(), 0);
    while source.read_batch(&mut batch, 7)? {
        for i in 0..batch.len() {
            assert_eq!(batch.bases(i).len(), batch.qualities(i).len());
            assert!((1..=254).contains(&batch.name(i).len()));
            sum += batch.carried_tags(i).count() + batch.barcode(i).len();
        }
    }
    Ok(sum)
}

fn fastq_seeds() -> Vec<Vec<u8>> {
    let plain =
        b"@A1:7:HXYZ:1:1101:1:2:ACGT+rTT 1:N:0:A\nACGTN\n+\nIIII!\n@A1:7:HXYZ:2:1101:1:2:ACGT 2:N:0:A\nAC\n+\nII\n"
            .to_vec();
    let tagged =
        b"@a RX:Z:AC\tXB:B:s,1,-2\tXf:f:1.5\n\n+\n\n@a RX:Z:AC\tXI:i:-7\tXA:A:x\r\nacgu.\r\n+a\r\nIIIII\r\n".to_vec();
    let packed = [gzip(&tagged), bgzf(&plain, 20), zstd(&tagged), zstd(records(4).concat().as_bytes())];
    [&[plain, tagged, records(3).concat().into_bytes()][..], &packed].concat()
}

fn fastq() {
    let structures: Vec<ReadStructure> = ["1M1S+T", "+T"].map(|text| text.parse().expect("a structure")).into();
    let groups = NamedGroups { lanes: vec!["HXYZ.2".into()], ..NamedGroups::default() };
    fuzz(&fastq_seeds(), |content, path| {
        let path = written(content, path);
        let open = || ReadSource::open(path, None, 100);
        let _ = read_all(open());
        let _ = read_all(open().map(|source| source.interleaved().with_comments()));
        let labelling =
            Labelling { umi_from_name: true, mate_score: true, groups: Some(groups.clone()), ..Labelling::default() };
        let _ = read_all(open().and_then(|source| source.with_barcodes(*b"RX").labelled(labelling)));
        let labelling = Labelling { structures: structures.clone(), mate_score: true, ..Labelling::default() };
        let _ = read_all(open().and_then(|source| source.interleaved().labelled(labelling)));
        let _ = read_all(ReadSource::open(path, Some(path), 100));
    });
}

fn unaligned_bam() {
    let whole = bam();
    let compressed = bgzf(&whole, 5000);
    fuzz(&[whole, compressed], |content, path| {
        let path = written(content, path);
        let _ = read_all(ReadSource::open(path, None, 100));
        let labelling = Labelling { umi_from_name: true, mate_score: true, ..Labelling::default() };
        let _ = read_all(
            ReadSource::open(path, None, 100).and_then(|source| source.with_barcodes(*b"RX").labelled(labelling)),
        );
    });
}

fn bam_files() {
    let whole = bam();
    let compressed = bgzf(&whole, 5000);
    fuzz(&[whole, compressed], |content, path| {
        let path = written(content, path);
        let _ = check_alignments(path);
        if let Ok((mut shard, _)) = ShardReader::open(path) {
            let mut record = Vec::new();
            while shard.read(&mut record).is_ok_and(|is_there| is_there) {}
        }
        for record in EncodedRecord::all(content).map_while(Result::ok) {
            let _ = (record.name(), record.reference_bases(), record.text_tag(*b"RX"), record.integer_tag(*b"NM"));
        }
    });
}

fn fasta() {
    let plain = b">c one\nACGTN\r\nacgtryk\n\n>d\nAC\n".to_vec();
    let packed = [gzip(&plain), bgzf(&plain, 9), zstd(&plain)];
    fuzz(&[&[plain][..], &packed].concat(), |content, path| {
        let mut contig = Contig::default();
        if let Ok(mut reader) = FastaReader::open(written(content, path)) {
            while reader.read_contig(&mut contig).is_ok_and(|is_there| is_there) {}
        }
    });
}

fn options() {
    let lines = ["@RG\\tID:a\\tSM:s\\tPL:ILLUMINA", "@RG\tID:a\tDS:two words", "3M2S+T", "2B3C+T", "10T"];
    fuzz(&lines.map(|line| line.as_bytes().to_vec()), |content, _| {
        let text = String::from_utf8_lossy(content);
        let _ = ReadGroup::parse(&text).map(|group| group.library());
        if let Ok(structure) = text.parse::<ReadStructure>() {
            assert_eq!(structure.to_string().parse::<ReadStructure>().ok(), Some(structure));
        }
    });
}

/// With checksums that hold, so that the checks behind them are reached.
fn index_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reference: PathBuf = folder.path().join("ref.fa");
    let mut random = Random(9);
    let bases: String = (0..3000).map(|_| ['A', 'C', 'G', 'T'][random.below(4)]).collect();
    std::fs::write(&reference, format!(">c\n{}NN{}\n>d\nACGT\n", &bases[..1000], &bases[1000..])).expect("a reference");
    svala_ok(&["index", text(&reference), "-t", "1"]);
    let whole = bytes(&folder.path().join("ref.fa.svala"));
    fuzz(&[whole], |content, path| {
        let mut content = content.to_vec();
        if content.len() > 256 {
            seal(&mut content);
        }
        if let Ok(index) = Index::open(written(&content, path), 1) {
            let letters: usize = index.reference().contigs.iter().map(|contig| contig.name.len()).sum();
            assert!(letters > 0 && !index.seeds().buckets.is_empty());
        }
    });
}

/// The runner sees a panic.
fn panics_are_seen() {
    let seeds = [b"abc".to_vec()];
    let outcome = catch_unwind(|| fuzz(&seeds, |content, _| assert!(content.starts_with(b"a"), "as it should")));
    let message = outcome.expect_err("a panic").downcast::<String>().expect("a message");
    assert!(message.contains("SVALA_FUZZ_SEED="), "{message}");
}

fn main() {
    conclude(vec![
        trial("panics are seen", panics_are_seen),
        trial("FASTQ", fastq),
        trial("unaligned BAM", unaligned_bam),
        trial("BAM files", bam_files),
        trial("FASTA", fasta),
        trial("read groups and structures", options),
        trial("index files", index_files),
    ])
}
