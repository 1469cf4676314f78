//! FASTQ: one file, or two files of mates.
//!
//! Format: P. Cock et al., "The Sanger FASTQ file format for sequences with quality scores",
//! Nucleic Acids Research, 2010; here every record has exactly four lines, as sequencers write.
//!
//! The parser is ours and not that of noodles because it must say which record breaks which rule,
//! tell a cut last record from a good one, and append straight to a [`ReadBatch`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memchr2;

use crate::{
    Error, ReadBatch, Result,
    input::Input,
    lines::{LineReader, Lines},
    nucleotide::{is_upper_acgtn, normalise_into},
    record::{are_qualities, is_read_name},
    watched::InputWatch,
};

/// Longest record, in bytes: far above any read, far below the memory.
const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

const FORMAT: &str = "FASTQ";

/// Reads, single or paired, from FASTQ files that may be compressed with gzip or BGZF.
pub struct ReadSource {
    first: FastqReader,
    second: Option<FastqReader>,
    read_group: Option<usize>,
}

impl ReadSource {
    /// Opens a file of reads, and a second file of their mates for paired reads. `-` is standard
    /// input; it can stand for one of the two only. Reads of more than `max_bases` bases are errors.
    ///
    /// # Errors
    ///
    /// A file cannot be opened or its first bytes cannot be read.
    pub fn open(first: &Path, second: Option<&Path>, max_bases: usize) -> Result<Self> {
        if first == Path::new("-") && second == Some(first) {
            return Err(Error::Open {
                path: "standard input".into(),
                source: std::io::Error::other("it cannot be both the first and the second file"),
            });
        }
        let first = FastqReader::open(first, max_bases)?;
        let second = second.map(|path| FastqReader::open(path, max_bases)).transpose()?;
        Ok(Self { first, second, read_group: None })
    }

    /// Takes barcodes (unique molecular identifiers) from the comments of headers: what `TAG:Z:` precedes in a field between
    /// blanks, for the two letters of `tag`. A read without one is then an error.
    #[must_use]
    pub fn with_barcodes(mut self, tag: [u8; 2]) -> Self {
        for reader in [Some(&mut self.first), self.second.as_mut()].into_iter().flatten() {
            reader.barcode_tag = Some(tag);
        }
        self
    }

    /// Computes no digests of the files; see [`watches`](Self::watches).
    #[must_use]
    pub fn without_digests(self) -> Self {
        self.watches().iter().for_each(|watch| watch.stop_digest());
        self
    }

    /// What is known of the bytes of its one or two files, also of their SHA-256.
    pub fn watches(&self) -> Vec<Arc<InputWatch>> {
        let readers = [Some(&self.first), self.second.as_ref()];
        readers.into_iter().flatten().map(|reader| Arc::clone(reader.lines.inner().watch())).collect()
    }

    /// Says which of the header's read groups the reads belong to.
    #[must_use]
    pub fn with_read_group(mut self, number: Option<usize>) -> Self {
        self.read_group = number;
        self
    }

    /// Whether mates come from a second file.
    pub fn is_paired(&self) -> bool {
        self.second.is_some()
    }

    /// Reads handed out so far, mates counted singly.
    pub fn records_read(&self) -> u64 {
        self.first.records + self.second.as_ref().map_or(0, |second| second.records)
    }

    /// Clears `batch` and fills it with at most `max_reads` reads, but at least one read or pair;
    /// for paired reads an even number. Returns false when the input is exhausted.
    ///
    /// # Errors
    ///
    /// The input cannot be read, is cut or damaged, breaks the format, holds no record, or the two
    /// files do not match. The content of `batch` is then of no use.
    pub fn read_batch(&mut self, batch: &mut ReadBatch, max_reads: usize) -> Result<bool> {
        batch.clear();
        batch.set_read_group(self.read_group);
        let Some(second) = &mut self.second else {
            while batch.len() < max_reads.max(1) && self.first.read_into(batch)? {}
            self.first.require_records()?;
            return Ok(!batch.is_empty());
        };
        while batch.len() + 1 < max_reads.max(2) && read_pair(&mut self.first, second, batch)? {}
        self.first.require_records()?;
        Ok(!batch.is_empty())
    }
}

/// Appends the next two mates; false when both files end here.
fn read_pair(first: &mut FastqReader, second: &mut FastqReader, batch: &mut ReadBatch) -> Result<bool> {
    let has_first = first.read_into(batch)?;
    let has_second = second.read_into(batch)?;
    if has_first != has_second {
        let (shorter, longer) = if has_first { (second, first) } else { (first, second) };
        shorter.require_records()?;
        return Err(Error::UnequalCount {
            shorter: shorter.path.clone(),
            longer: longer.path.clone(),
            records: shorter.records,
        });
    }
    let count = batch.len();
    if has_first && first.mate.is_some() && first.mate == second.mate {
        return Err(Error::SameMate {
            first_path: first.path.clone(),
            second_path: second.path.clone(),
            record: first.records,
        });
    }
    if has_first && batch.name(count - 2) != batch.name(count - 1) {
        return Err(Error::MateNames {
            first_path: first.path.clone(),
            second_path: second.path.clone(),
            record: first.records,
        });
    }
    Ok(has_first)
}

/// One file.
struct FastqReader {
    lines: LineReader<Input>,
    path: PathBuf,
    /// Records handed out.
    records: u64,
    /// Which mate the header of the last record says it is, `1` or `2`, if it says so.
    mate: Option<u8>,
    /// Bases that a read may have.
    max_bases: usize,
    /// Bases of the rare read that needs more than a copy.
    scratch: Vec<u8>,
    /// Which field of the comment holds a barcode.
    barcode_tag: Option<[u8; 2]>,
}

impl FastqReader {
    fn open(path: &Path, max_bases: usize) -> Result<Self> {
        let (input, path) = Input::open_with_digest(path)?;
        let lines = LineReader::new(input, MAX_RECORD_BYTES);
        Ok(Self { lines, path, records: 0, mate: None, max_bases, scratch: Vec::new(), barcode_tag: None })
    }

    fn require_records(&self) -> Result<()> {
        if self.records == 0 {
            return Err(Error::Empty { path: self.path.clone() });
        }
        Ok(())
    }

    /// Appends the next record to `batch`; false at the end of the file.
    fn read_into(&mut self, batch: &mut ReadBatch) -> Result<bool> {
        let record = self.records + 1;
        let mut blank_lines = false;
        loop {
            let group = self.lines.next::<4>();
            let group = group.map_err(|source| Error::read(&self.path, record, source))?;
            if group.count == 0 {
                return Ok(false);
            }
            // Blank lines are tolerated at the end of the file and nowhere else.
            if group.lines.iter().all(|line| line.is_empty()) {
                blank_lines = true;
                continue;
            }
            let checked = if blank_lines {
                Err(Flaw::Broken("blank line before the record".into()))
            } else {
                Fields::check(&group, self.max_bases)
            };
            let header = group.lines[0];
            let appended = checked.and_then(|fields| {
                let mate = fields.mate;
                fields.append(batch, &mut self.scratch)?;
                if let Some(tag) = self.barcode_tag {
                    batch.push_barcode(barcode(header, tag)?);
                }
                Ok(mate)
            });
            self.mate = appended.map_err(|flaw| flaw.locate(&self.path, record))?;
            self.records = record;
            return Ok(true);
        }
    }
}

/// What is wrong with a record, before file and number are added.
enum Flaw {
    Broken(String),
    Cut,
}

impl Flaw {
    fn locate(self, path: &Path, record: u64) -> Error {
        let path = path.to_path_buf();
        match self {
            Self::Broken(reason) => Error::Format { path, record, format: FORMAT, reason },
            Self::Cut => Error::Truncated { path, record },
        }
    }
}

/// The fields of a record whose layout is right.
struct Fields<'a> {
    name: &'a [u8],
    mate: Option<u8>,
    bases: &'a [u8],
    qualities: &'a [u8],
}

impl<'a> Fields<'a> {
    fn check(group: &Lines<'a, 4>, max_bases: usize) -> std::result::Result<Self, Flaw> {
        let [header, bases, plus, qualities] = group.lines;
        let Some(header) = header.strip_prefix(b"@") else {
            return Err(Flaw::Broken("expected '@' at the start of the record".into()));
        };
        if group.count >= 3 && !plus.starts_with(b"+") {
            return Err(Flaw::Broken("expected '+' at the start of its third line".into()));
        }
        // The quality line of an empty read may be missing with the last line end.
        if group.count < 3 || (group.count == 3 && !bases.is_empty()) {
            return Err(Flaw::Cut);
        }
        if bases.len() != qualities.len() {
            return Err(Flaw::Broken(format!(
                "quality line has {} characters, the sequence {}",
                qualities.len(),
                bases.len()
            )));
        }
        if bases.len() > max_bases {
            let reason = format!("{} bases, more than the {max_bases} that are supported", bases.len());
            return Err(Flaw::Broken(reason));
        }
        Ok(Self { name: template_name(header), mate: mate_number(header), bases, qualities })
    }

    /// Checks the characters and appends the read to `batch`.
    fn append(self, batch: &mut ReadBatch, scratch: &mut Vec<u8>) -> std::result::Result<(), Flaw> {
        if !is_read_name(self.name) {
            let reason = "expected a name of 1 to 254 printable characters other than '@'";
            return Err(Flaw::Broken(reason.into()));
        }
        if !are_qualities(self.qualities) {
            let reason = "quality line has a character outside '!' to '~'";
            return Err(Flaw::Broken(reason.into()));
        }
        if is_upper_acgtn(self.bases) {
            batch.push(self.name, self.bases, self.qualities);
            return Ok(());
        }
        scratch.clear();
        if !normalise_into(self.bases, scratch) {
            let reason = "sequence has a character that is no IUPAC nucleotide letter";
            return Err(Flaw::Broken(reason.into()));
        }
        batch.push(self.name, scratch, self.qualities);
        Ok(())
    }
}

/// The name that both mates share: up to the first white space, without `/1` or `/2`.
fn template_name(header: &[u8]) -> &[u8] {
    let end = memchr2(b' ', b'\t', header).unwrap_or(header.len());
    let name = &header[..end];
    match name {
        [template @ .., b'/', b'1' | b'2'] => template,
        _ => name,
    }
}

/// The barcode in a header's comment.
fn barcode(header: &[u8], tag: [u8; 2]) -> std::result::Result<&[u8], Flaw> {
    let mut fields = header.split(|byte| matches!(byte, b' ' | b'\t')).skip(1);
    let found = fields.find_map(|field| field.strip_prefix(&tag)?.strip_prefix(b":Z:"));
    let found = found.filter(|barcode| !barcode.is_empty() && barcode.iter().all(u8::is_ascii_graphic));
    found.ok_or_else(|| {
        let tag = tag.escape_ascii();
        Flaw::Broken(format!("expected a barcode in the comment, as in {tag}:Z:ACGT"))
    })
}

/// Which mate a header says the read is: `/1` or `/2` at the end of the name, or a comment that
/// begins with `1:` or `2:` as Illumina's does since Casava 1.8.
fn mate_number(header: &[u8]) -> Option<u8> {
    let end = memchr2(b' ', b'\t', header).unwrap_or(header.len());
    let (name, comment) = header.split_at(end);
    match (name, comment) {
        ([.., b'/', mate @ (b'1' | b'2')], _) | (_, [_, mate @ (b'1' | b'2'), b':', ..]) => Some(*mate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mates_say_which_they_are() {
        for (header, mate) in [
            ("r1", None),
            ("r1/1", Some(b'1')),
            ("r1/2 comment", Some(b'2')),
            ("r1 2:N:0:ACGT", Some(b'2')),
            ("r1 1", None),
            ("r1 comment", None),
            ("", None),
        ] {
            assert_eq!(mate_number(header.as_bytes()), mate, "{header:?}");
        }
    }

    #[test]
    fn names_lose_comment_and_mate_number() {
        for (header, name) in [
            ("r1", "r1"),
            ("r1/1", "r1"),
            ("r1/2 comment", "r1"),
            ("r1\tcomment/1", "r1"),
            ("r1 1:N:0:ACGT", "r1"),
            ("r1/3", "r1/3"),
            ("r/1/1", "r/1"),
            ("/1", ""),
            ("", ""),
        ] {
            assert_eq!(template_name(header.as_bytes()), name.as_bytes(), "{header:?}");
        }
    }
}
