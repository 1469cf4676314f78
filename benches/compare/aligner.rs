//! What a comparison asks of an aligner, and the small types that its commands are made of.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How one aligner is asked for its version, an index and alignments.
pub trait Aligner {
    /// Its name, for people and for `--only`.
    fn name(&self) -> &'static str;

    /// Its executable on PATH.
    fn program(&self) -> &'static str {
        self.name()
    }

    /// Arguments that make it print its version, among other words, on either output and with any exit code.
    fn version_arguments(&self) -> &'static [&'static str];

    /// The executable that builds its index.
    fn index_program(&self) -> &'static str {
        self.program()
    }

    /// Endings of the files of an index that its users have lying beside their FASTA file; if all are there they are used.
    fn endings_beside(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether an index serves one length of reads only.
    fn index_depends_on_read_length(&self) -> bool {
        false
    }

    /// Arguments that build the index at `place`.
    fn index_arguments(&self, place: &Place, threads: u32) -> Vec<OsString>;

    /// Arguments that map `reads` and write SAM to standard output, with the options that its authors recommend.
    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString>;
}

/// Where an aligner finds its index.
#[derive(Clone, Debug)]
pub struct Place {
    /// The reference, or a link to it: indexes named after it lie beside it.
    pub reference: PathBuf,
    /// Usual length of the reads, in bases.
    pub read_bp: usize,
}

impl Place {
    /// The path of the reference with `ending` appended.
    pub fn with_ending(&self, ending: &str) -> PathBuf {
        let mut path = self.reference.clone().into_os_string();
        path.push(ending);
        path.into()
    }
}

/// The reads to map.
#[derive(Clone, Debug)]
pub struct Reads {
    /// One file, or two files of mates.
    pub files: Vec<PathBuf>,
    /// Number of reads, mates counted singly.
    pub count: u64,
    /// Length of the longest of the first reads, in bases: simulated reads and untrimmed ones all have it.
    pub length_bp: usize,
}

impl Reads {
    /// Reads first in `batch` that decide `length_bp`.
    const BATCH: usize = 4096;

    /// Counts the reads of one file, or of two files of mates.
    ///
    /// # Errors
    ///
    /// The files can't be read or are not valid FASTQ.
    pub fn count(files: &[PathBuf]) -> svala_io::Result<Self> {
        let (first, second) = (files.first().map(PathBuf::as_path), files.get(1).map(PathBuf::as_path));
        let mut source = svala_io::ReadSource::open(first.unwrap_or(Path::new("")), second, usize::MAX, None)?;
        let mut batch = svala_io::ReadBatch::new();
        let mut length_bp = 0;
        while source.read_batch(&mut batch, Self::BATCH)? {
            if length_bp == 0 {
                length_bp = (0..batch.len()).map(|i| batch.bases(i).len()).max().unwrap_or(0);
            }
        }
        Ok(Self { files: files.to_vec(), count: source.records_read(), length_bp })
    }

    /// Whether mates come from a second file.
    pub fn are_paired(&self) -> bool {
        self.files.len() == 2
    }
}

/// A list of arguments from anything that can be one.
macro_rules! arguments {
    ($($argument:expr),* $(,)?) => { vec![$(std::ffi::OsString::from($argument)),*] };
}
pub(crate) use arguments;

/// The version of `aligner` as its executable at `path` says it, or "unknown".
pub fn version(aligner: &dyn Aligner, path: &Path) -> String {
    let output = Command::new(path).args(aligner.version_arguments()).stdin(Stdio::null()).output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    version_in(&String::from_utf8_lossy(&text)).unwrap_or("unknown").to_owned()
}

/// The first word that looks like a version: it begins with a digit and holds a point.
pub fn version_in(text: &str) -> Option<&str> {
    text.split_whitespace()
        .map(|word| word.trim_start_matches('v').trim_end_matches(['.', ',', ';']))
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.'))
}

/// The first executable called `program` on PATH.
pub fn on_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// A command as a person would type it in the folder of the data: folders are left out, so that it reads the same
/// wherever it ran.
pub fn shown(program: &str, arguments: &[OsString]) -> String {
    let words = arguments.iter().map(|argument| {
        let path = Path::new(argument);
        path.file_name().filter(|_| argument_is_path(argument)).unwrap_or(argument).to_string_lossy()
    });
    std::iter::once(program.into()).chain(words).collect::<Vec<_>>().join(" ")
}

fn argument_is_path(argument: &OsStr) -> bool {
    argument.to_string_lossy().contains(std::path::MAIN_SEPARATOR)
}
