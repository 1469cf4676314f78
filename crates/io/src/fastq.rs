//! FASTQ: one file, or two files of mates.
//!
//! Format: P. Cock et al., "The Sanger FASTQ file format for sequences with quality scores",
//! Nucleic Acids Research, 2010; here every record has exactly four lines, as sequencers write.
//!
//! The parser is ours and not that of noodles because it must say which record breaks which rule,
//! tell a cut last record from a good one, and append straight to a [`ReadBatch`].

use std::path::{Path, PathBuf};

use memchr::memchr2;

use crate::{
    Error, ReadBatch, ReadGroup, ReadStructure, Result,
    labels::{Label, Labeller},
    lines::{LineReader, Lines},
    nucleotide::{is_upper_acgtn, normalise_into},
    read_source::Opened,
    record::{are_qualities, is_read_name},
};

/// Longest record, in bytes: far above any read, far below the memory.
const MAX_RECORD_BYTES: usize = 64 * 1024 * 1024;

const FORMAT: &str = "FASTQ";

/// What fgbio writes for a read of which nothing is left beside its barcodes.
const NO_TEMPLATE: (&[u8], &[u8]) = (b"N", b"#");

/// Appends the next two mates; false when both files end here.
pub(crate) fn read_pair(
    [first, second]: &mut [FastqReader; 2],
    labeller: &mut Labeller,
    labels: &mut [Label; 2],
    batch: &mut ReadBatch,
) -> Result<bool> {
    let has_first = first.read_into(labeller, 0, &mut labels[0], batch)?;
    let has_second = second.read_into(labeller, 1, &mut labels[1], batch)?;
    if has_first != has_second {
        let (shorter, longer) = if has_first { (second, first) } else { (first, second) };
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
pub(crate) struct FastqReader {
    lines: LineReader<Opened>,
    path: PathBuf,
    /// Records handed out.
    pub(crate) records: u64,
    /// Whether there have been blank lines.
    blank_lines: bool,
    /// Which mate the header of the last record says it is, `1` or `2`, if it says so.
    mate: Option<u8>,
    /// Bases that a read may have.
    max_bases: usize,
    /// Bases of the rare read that needs more than a copy.
    scratch: Vec<u8>,
}

impl FastqReader {
    pub(crate) fn new(input: Opened, path: PathBuf, max_bases: usize) -> Self {
        let lines = LineReader::new(input, MAX_RECORD_BYTES);
        Self { lines, path, records: 0, blank_lines: false, mate: None, max_bases, scratch: Vec::new() }
    }

    /// The name of the first record, which stays unread; none if there is nothing or something else.
    pub(crate) fn first_name(&mut self) -> Result<Option<Vec<u8>>> {
        let line = self.lines.first_line().map_err(|source| Error::read(&self.path, 1, source))?;
        Ok(line.strip_prefix(b"@").map(|header| template_name(header).to_vec()))
    }

    /// Learns the labeller's read groups from the first record, which stays unread.
    pub(crate) fn learn_groups(&mut self, labeller: &mut Labeller) -> Result<Vec<ReadGroup>> {
        let line = self.lines.first_line().map_err(|source| Error::read(&self.path, 1, source))?;
        if line.is_empty() {
            // Without reads there is no group.
            return Ok(Vec::new());
        }
        let header = line.strip_prefix(b"@").unwrap_or(line);
        labeller.learn_groups(header).map_err(|reason| Flaw::Broken(reason).locate(&self.path, 1))
    }

    /// Whether the file has no byte, of what it is when inflated. Nothing is read that won't be handed out later.
    pub(crate) fn is_empty(&mut self) -> Result<bool> {
        self.lines.is_empty().map_err(|source| Error::read(&self.path, 1, source))
    }

    /// Refuses a file of blank lines alone. One without a byte has no reads: a control without any, say.
    pub(crate) fn refuse_blank(&self) -> Result<()> {
        if self.records == 0 && self.blank_lines {
            return Err(Error::Empty { path: self.path.clone() });
        }
        Ok(())
    }

    /// Appends the next template, two records of one name or a single one, and returns its reads; 0 at the end of the file.
    ///
    /// The record after a single one has been read by then and waits.
    pub(crate) fn read_template_into(
        &mut self,
        labeller: &mut Labeller,
        labels: &mut [Label; 2],
        waiting: &mut Waiting,
        batch: &mut ReadBatch,
    ) -> Result<usize> {
        if waiting.read.is_empty() {
            if !self.read_into(labeller, 0, &mut waiting.label, &mut waiting.read)? {
                return Ok(0);
            }
            waiting.mate = self.mate;
        }
        let mate = waiting.mate;
        waiting.take(&mut labels[0], batch);
        let is_there = self.read_into(labeller, 1, &mut waiting.label, &mut waiting.read)?;
        waiting.mate = self.mate;
        let first = batch.len() - 1;
        let are_mates = is_there && batch.name(first) == waiting.read.name(0);
        if (are_mates && mate.is_some() && mate == self.mate)
            || (!are_mates && !labeller.labelling.structures.is_empty())
        {
            let reason = "expected its mate next to it, with the same name".into();
            return Err(Flaw::Broken(reason).locate(&self.path, self.records));
        }
        if are_mates {
            waiting.take(&mut labels[1], batch);
        }
        Ok(1 + usize::from(are_mates))
    }

    /// Appends the next record, one of first mates or of second ones, to `batch`, and fills its label; false at the end of the file.
    pub(crate) fn read_into(
        &mut self,
        labeller: &mut Labeller,
        mate: usize,
        label: &mut Label,
        batch: &mut ReadBatch,
    ) -> Result<bool> {
        let record = self.records + 1;
        loop {
            let group = self.lines.next::<4>();
            let group = group.map_err(|source| Error::read(&self.path, record, source))?;
            if group.count == 0 {
                return Ok(false);
            }
            // Blank lines are tolerated at the end of the file and nowhere else.
            if group.lines.iter().all(|line| line.is_empty()) {
                self.blank_lines = true;
                continue;
            }
            let checked = if self.blank_lines {
                Err(Flaw::Broken("blank line before the record".into()))
            } else {
                Fields::check(&group, self.max_bases)
            };
            let appended = checked.and_then(|fields| {
                let own_mate = fields.mate;
                if labeller.is_on() {
                    labeller.read_header(fields.header, fields.name, label).map_err(Flaw::Broken)?;
                }
                let structure = labeller.labelling.structures.get(mate).map(|structure| (structure, label));
                fields.append(structure, batch, &mut self.scratch)?;
                Ok(own_mate)
            });
            self.mate = appended.map_err(|flaw| flaw.locate(&self.path, record))?;
            self.records = record;
            return Ok(true);
        }
    }
}

/// A record that was read to see whether it is the mate of the one before.
#[derive(Default)]
pub(crate) struct Waiting {
    /// One read or none.
    read: ReadBatch,
    label: Label,
    mate: Option<u8>,
}

impl Waiting {
    fn take(&mut self, label: &mut Label, batch: &mut ReadBatch) {
        batch.append_range(&self.read, 0..self.read.len());
        self.read.clear();
        std::mem::swap(&mut self.label, label);
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
    /// Without its `@`.
    header: &'a [u8],
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
        Ok(Self { header, name: template_name(header), mate: mate_number(header), bases, qualities })
    }

    /// Checks the characters and appends the read to `batch`, cut as its structure says.
    fn append(
        self,
        structure: Option<(&ReadStructure, &mut Label)>,
        batch: &mut ReadBatch,
        scratch: &mut Vec<u8>,
    ) -> std::result::Result<(), Flaw> {
        if !is_read_name(self.name) {
            let reason = "expected a name of 1 to 254 printable characters other than '@'";
            return Err(Flaw::Broken(reason.into()));
        }
        if !are_qualities(self.qualities) {
            let reason = "quality line has a character outside '!' to '~'";
            return Err(Flaw::Broken(reason.into()));
        }
        let mut bases = self.bases;
        if !is_upper_acgtn(bases) {
            scratch.clear();
            if !normalise_into(bases, scratch) {
                let reason = "sequence has a character that is no IUPAC nucleotide letter";
                return Err(Flaw::Broken(reason.into()));
            }
            bases = scratch;
        }
        let mut template = (bases, self.qualities);
        if let Some((structure, label)) = structure {
            label.barcodes.clear();
            let cut = structure.cut(bases, self.qualities, &mut label.barcodes);
            template = cut.map_err(|reason| Flaw::Broken(reason.into()))?;
            if template.0.is_empty() {
                template = NO_TEMPLATE;
            }
        }
        batch.push(self.name, template.0, template.1);
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

/// Which mate a header says the read is: `/1` or `/2` at the end of the name, or a comment that begins with `1:N:`, say, as
/// Illumina's does since Casava 1.8: the mate and whether it was filtered. Other comments may begin with a lane, as those of the
/// Sequence Read Archive do.
fn mate_number(header: &[u8]) -> Option<u8> {
    let end = memchr2(b' ', b'\t', header).unwrap_or(header.len());
    let (name, comment) = header.split_at(end);
    match (name, comment) {
        ([.., b'/', mate @ (b'1' | b'2')], _) | (_, [_, mate @ (b'1' | b'2'), b':', b'Y' | b'N', b':', ..]) => {
            Some(*mate)
        }
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
            ("r1\t1:Y:0:1", Some(b'1')),
            ("SRR1.7 1:1101:7:200 length=100", None),
            ("r1 2:N", None),
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
