//! FASTA: the contigs of a reference genome.
//!
//! The reader is ours and not that of noodles because it must name the line of a character that
//! is no nucleotide, and refuse duplicate names and empty contigs, before an index is built.

use std::{
    collections::HashSet,
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    Error, Result,
    header::is_reference_name,
    input::Input,
    lines::LineReader,
    nucleotide::{is_acgtn, is_reference_letter},
};

const FORMAT: &str = "FASTA";

/// A reference sequence.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Contig {
    /// The header line up to the first white space.
    pub name: Vec<u8>,
    /// The header line after that white space; often empty.
    pub description: Vec<u8>,
    /// Nucleotide letters as in the file, in either case, without white space.
    pub sequence: Vec<u8>,
}

/// Whether a file, which may be compressed, looks like FASTA: its first character that is no white space is `>`.
///
/// # Errors
///
/// The file cannot be opened or read, or what is compressed is cut or damaged.
pub fn is_fasta(path: &Path) -> Result<bool> {
    /// What is looked at.
    const PROBE_BYTES: u64 = 4096;
    let (input, path) = Input::open(path)?;
    let mut probe = Vec::new();
    input.take(PROBE_BYTES).read_to_end(&mut probe).map_err(|source| Error::read(&path, 1, source))?;
    Ok(probe.trim_ascii_start().starts_with(b">"))
}

/// Reads contigs one by one from a FASTA file that may be compressed with gzip or BGZF.
pub struct FastaReader {
    lines: LineReader<Input>,
    path: PathBuf,
    /// Number of the line that was read last; between contigs, of the pending header.
    line: u64,
    /// Header line of the next contig, without `>`; none at the end of the file.
    header: Option<Vec<u8>>,
    names: HashSet<Vec<u8>>,
}

impl FastaReader {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, holds no contig, or does not start with `>`.
    pub fn open(path: &Path) -> Result<Self> {
        let (input, path) = Input::open(path)?;
        // A line may hold a whole chromosome, so there is no limit on its length.
        let lines = LineReader::new(input, usize::MAX);
        let names = HashSet::new();
        let mut reader = Self { lines, path, line: 0, header: None, names };
        reader.read_first_header()?;
        Ok(reader)
    }

    fn read_first_header(&mut self) -> Result<()> {
        loop {
            let group = self.lines.next::<1>();
            let group = group.map_err(|source| Error::read(&self.path, 1, source))?;
            if group.count == 0 {
                return Err(Error::Empty { path: self.path.clone() });
            }
            self.line += 1;
            let text = group.lines[0].trim_ascii();
            if text.is_empty() {
                continue;
            }
            let Some(header) = text.strip_prefix(b">") else {
                let reason = "expected '>' at the start of a FASTA file";
                return Err(broken(&self.path, self.line, reason));
            };
            self.header = Some(header.to_vec());
            return Ok(());
        }
    }

    /// Reads the next contig into `contig`, whose memory is reused; false at the end of the file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is cut or damaged; a name is missing, unfit for SAM or used twice;
    /// a sequence is empty or has a character that is no IUPAC nucleotide letter.
    pub fn read_contig(&mut self, contig: &mut Contig) -> Result<bool> {
        contig.name.clear();
        contig.description.clear();
        contig.sequence.clear();
        let Some(header) = self.header.take() else {
            return Ok(false);
        };
        let header_line = self.line;
        self.parse_header(&header, contig)?;
        self.read_sequence(contig)?;
        if contig.sequence.is_empty() {
            let name = String::from_utf8_lossy(&contig.name);
            return Err(broken(&self.path, header_line, format!("contig {name} has no sequence")));
        }
        Ok(true)
    }

    fn parse_header(&mut self, header: &[u8], contig: &mut Contig) -> Result<()> {
        let name_end = header.iter().position(u8::is_ascii_whitespace).unwrap_or(header.len());
        let (name, description) = header.split_at(name_end);
        let shown = String::from_utf8_lossy(name);
        let reason = if name.is_empty() {
            "expected a contig name right after '>'".into()
        } else if !is_reference_name(name) {
            format!("contig name {shown:?} has a character that SAM does not allow")
        } else if !self.names.insert(name.to_vec()) {
            format!("contig name {shown} is used twice")
        } else {
            contig.name.extend_from_slice(name);
            contig.description.extend_from_slice(description.trim_ascii());
            return Ok(());
        };
        Err(broken(&self.path, self.line, reason))
    }

    /// Appends lines up to the next header, which is kept, or to the end of the file.
    fn read_sequence(&mut self, contig: &mut Contig) -> Result<()> {
        let contig_number = self.names.len() as u64;
        loop {
            let group = self.lines.next::<1>();
            let group = group.map_err(|source| Error::read(&self.path, contig_number, source))?;
            if group.count == 0 {
                return Ok(());
            }
            self.line += 1;
            let text = group.lines[0];
            if let Some(header) = text.strip_prefix(b">") {
                self.header = Some(header.to_vec());
                return Ok(());
            }
            if !append_letters(text, &mut contig.sequence) {
                let reason = "sequence has a character that is no IUPAC nucleotide letter";
                return Err(broken(&self.path, self.line, reason));
            }
        }
    }
}

/// Appends a line of a sequence without white space; false where a byte is no nucleotide letter.
fn append_letters(text: &[u8], sequence: &mut Vec<u8>) -> bool {
    if is_acgtn(text) {
        sequence.extend_from_slice(text);
        return true;
    }
    let letters = text.iter().copied().filter(|letter| !letter.is_ascii_whitespace());
    let start = sequence.len();
    sequence.extend(letters);
    sequence[start..].iter().all(|&letter| is_reference_letter(letter))
}

fn broken(path: &Path, line: u64, reason: impl Into<String>) -> Error {
    let (path, reason) = (path.to_path_buf(), reason.into());
    Error::FormatLine { path, line, format: FORMAT, reason }
}
