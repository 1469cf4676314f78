//! What the whole-program tests share: running svala, reading SAM text, making reads.
#![allow(dead_code, reason = "each test program uses its own part of this module")]

pub mod hostile;
pub mod made_up;
mod random;
pub mod running;
pub mod sam_check;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};

pub use random::Random;

/// The reference of the committed reads.
pub const REFERENCE: &str = "hg19_chrM_chrY-trunc.fa.gz";
/// First and second mates.
pub const READS: [&str; 2] = ["NA12878_chrM.R1.fastq.gz", "NA12878_chrM.R2.fastq.gz"];

/// The first 250 pairs of them as unaligned CRAM 3.0 and 3.1, with codecs that svala doesn't write.
pub const CRAMS: [&str; 2] = ["unaligned.3.0.cram", "unaligned.3.1.cram"];

/// A committed data file.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Runs svala and returns what it did.
pub fn svala(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_svala")).args(arguments).output().expect("svala starts")
}

/// Runs svala, which must succeed, and returns its standard output.
pub fn svala_ok(arguments: &[&str]) -> Vec<u8> {
    let output = svala(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "svala {arguments:?}: {}\n{error}", output.status);
    output.stdout
}

/// Runs svala, which must refuse with this exit code and one of its words, and returns what it says.
pub fn svala_refuses(arguments: &[&str], code: i32, word: &str) -> String {
    let output = svala(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "svala {arguments:?}: {error}");
    assert!(error.contains(word), "svala {arguments:?}: {error}");
    error
}

/// The FASTQ records of a gzipped file.
pub fn fastq_records(path: &Path) -> Vec<String> {
    let mut content = String::new();
    let file = std::fs::File::open(path).expect("a file");
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(file), &mut content).expect("gzip");
    let lines: Vec<&str> = content.split_inclusive('\n').collect();
    lines.chunks(4).map(<[&str]>::concat).collect()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("test paths are UTF-8")
}

/// The content of a file.
pub fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

/// The output of samtools, which must succeed.
pub fn samtools(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("samtools").args(arguments).output().expect("samtools starts");
    assert!(output.status.success(), "samtools {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A copy of the committed reference in `folder`, indexed.
pub fn indexed_reference(folder: &Path) -> PathBuf {
    let path = folder.join(REFERENCE);
    std::fs::copy(data(REFERENCE), &path).expect("the reference can be copied");
    svala_ok(&["index", text(&path)]);
    path
}

/// One record of SAM text.
#[derive(Clone, Debug)]
pub struct Record {
    pub name: String,
    pub flags: u16,
    pub contig: String,
    pub position: i64,
    pub mapq: u8,
    pub cigar: String,
    pub mate_contig: String,
    pub mate_position: i64,
    pub template_length: i64,
    pub bases: String,
    pub qualities: String,
    pub tags: HashMap<String, String>,
}

impl Record {
    /// Whether it is the one record that stands for its read.
    pub fn is_primary(&self) -> bool {
        self.flags & 0x900 == 0
    }

    /// Whether the read is placed.
    pub fn is_mapped(&self) -> bool {
        self.flags & 4 == 0
    }

    /// 1 or 2.
    pub fn mate(&self) -> usize {
        if self.flags & 0x80 != 0 { 2 } else { 1 }
    }

    /// Operations of the CIGAR.
    pub fn operations(&self) -> Vec<(i64, char)> {
        operations(&self.cigar)
    }

    /// Position of the read's first base if it were not clipped.
    pub fn unclipped_start(&self) -> i64 {
        match self.operations().first() {
            Some((bases, 'S' | 'H')) => self.position - bases,
            _ => self.position,
        }
    }
}

/// Operations of CIGAR text.
pub fn operations(cigar: &str) -> Vec<(i64, char)> {
    let mut all = Vec::new();
    let mut number = 0;
    for c in cigar.chars().filter(|&c| c != '*') {
        match c.to_digit(10) {
            Some(digit) => number = number * 10 + i64::from(digit),
            None => all.push((std::mem::take(&mut number), c)),
        }
    }
    all
}

/// Records of SAM text; header lines are passed over.
pub fn records(sam: &[u8]) -> Vec<Record> {
    let sam = std::str::from_utf8(sam).expect("SAM is text");
    sam.lines().filter(|line| !line.starts_with('@')).map(record).collect()
}

fn record(line: &str) -> Record {
    let f: Vec<&str> = line.split('\t').collect();
    let number = |i: usize| f[i].parse().expect("a number");
    Record {
        name: f[0].into(),
        flags: number(1) as u16,
        contig: f[2].into(),
        position: number(3),
        mapq: number(4) as u8,
        cigar: f[5].into(),
        mate_contig: if f[6] == "=" { f[2].into() } else { f[6].into() },
        mate_position: number(7),
        template_length: number(8),
        bases: f[9].into(),
        qualities: f[10].into(),
        tags: f[11..].iter().map(|t| (t[..2].to_owned(), t[5..].to_owned())).collect(),
    }
}

/// FASTQ text of reads. Each base has another quality than its neighbours, so that a quality out of place shows.
pub fn fastq<'a>(reads: impl IntoIterator<Item = (String, &'a [u8])>) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, bases) in reads {
        let letters = String::from_utf8_lossy(bases);
        text.extend(format!("@{name}\n{letters}\n+\n{}\n", qualities(bases.len())).bytes());
    }
    text
}

/// The qualities that [`fastq`] gives a read.
pub fn qualities(bases: usize) -> String {
    (0..bases).map(|i| char::from(b'!' + (i % 41) as u8)).collect()
}

/// The FASTQ text of a pair of files, from named reads.
pub fn fastq_pair(first: &[(String, Vec<u8>)], second: &[(String, Vec<u8>)]) -> [Vec<u8>; 2] {
    [first, second].map(|reads| fastq(reads.iter().map(|(name, bases)| (name.clone(), &bases[..]))))
}

/// Reverse complement of ACGT letters.
pub fn reverse_complement(bases: &[u8]) -> Vec<u8> {
    let complement = |b: &u8| match b {
        b'A' => b'T',
        b'C' => b'G',
        b'G' => b'C',
        b'T' => b'A',
        _ => b'N',
    };
    bases.iter().rev().map(complement).collect()
}

/// Whether this machine must have all devices and programs that tests use.
pub fn required(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "1")
}

/// Whether a program can be started.
pub fn has_program(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
}

/// A test that runs only if `available`; else it is ignored and says why, or fails if `variable` demands it.
pub fn trial_if(
    name: &str,
    available: bool,
    reason: &str,
    variable: &str,
    body: impl FnOnce() + Send + 'static,
) -> Trial {
    if available {
        return trial(name, body);
    }
    if required(variable) {
        let message = format!("{variable}=1, but {reason}");
        return Trial::test(name, move || Err(message.into()));
    }
    // Run all the same (`--include-ignored`), it must not read as passed.
    let message = reason.to_owned();
    let name = format!("{name} (ignored: {reason})");
    Trial::test(name, move || Err(message.into())).with_ignored_flag(true)
}

/// A test that fails if `body` panics.
pub fn trial(name: &str, body: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        body();
        Ok(())
    })
}

/// The body of a trial that looks at what the trials of a program share.
pub fn looking_at<T: Send + Sync + 'static>(shared: &Arc<T>, check: fn(&T)) -> impl FnOnce() + Send + 'static + use<T> {
    let shared = Arc::clone(shared);
    move || check(&shared)
}

/// A folder with the committed reference, indexed.
pub struct Indexed {
    pub folder: tempfile::TempDir,
    pub reference: PathBuf,
}

impl Indexed {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        Self { folder, reference }
    }
}

/// Runs trials as a test program. `main` returns what this does, so that the folders it holds are removed.
pub fn conclude(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
