//! Where reads come from: FASTQ in one file, two files of mates or mates in turn, or BAM or CRAM.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    CramReference, Error, ReadBatch, ReadFiles, ReadGroup, Result,
    alignment_input::{self, Probed},
    bam_header,
    bam_reads::BamReads,
    fastq::{FastqReader, Waiting, read_pair},
    input::OpenFile,
    labels::{Label, Labeller, Labelling},
    read_ahead::ReadAhead,
    watched::InputWatch,
};

/// The bytes of a file, inflated.
pub(crate) type Opened = Box<dyn Read + Send>;

/// Reads, single or paired, from FASTQ files that may be compressed with gzip, BGZF or Zstandard, or from a BAM or CRAM file. Which it is, is
/// told by content. What is said of BAM below is true of CRAM.
///
/// Reads of a BAM file keep their optional fields, but for those that svala writes itself, their read groups among them. An aligned
/// file is read as if it were not: its secondary and supplementary records are passed over, and reverse reads turned back.
pub struct ReadSource {
    reads: Reads,
    labeller: Labeller,
    /// Tags of the template that is being read.
    labels: [Label; 2],
    read_group: Option<usize>,
    /// Groups that are told by names.
    named_groups: Vec<ReadGroup>,
    /// Of its files.
    watches: Vec<Arc<InputWatch>>,
}

enum Reads {
    Single(FastqReader),
    Files(Box<[FastqReader; 2]>),
    Interleaved(Box<Interleaved>),
    Bam(Box<BamReads>),
}

/// One file, where mates stand next to each other and some reads may have none.
struct Interleaved {
    reader: FastqReader,
    waiting: Waiting,
    /// A template that is of the other kind than those of the batch before.
    next: ReadBatch,
    /// Reads without a mate.
    single: Arc<AtomicU64>,
}

impl ReadSource {
    /// Opens the files and reads their first bytes; see [`ReadFiles::open`] and [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// As theirs.
    pub fn open(
        first: &Path,
        second: Option<&Path>,
        max_bases: usize,
        reference: Option<CramReference>,
    ) -> Result<Self> {
        Self::new(ReadFiles::open(first, second)?, max_bases, reference)
    }

    /// Reads the first bytes of files. Reads of more than `max_bases` bases are errors. `reference` is what aligned
    /// records of CRAM are told by.
    ///
    /// # Errors
    ///
    /// The first bytes of a file cannot be read, a BAM file is malformed, empty or has a second file, or a CRAM file needs
    /// another reference.
    pub fn new(files: ReadFiles, max_bases: usize, reference: Option<CramReference>) -> Result<Self> {
        let Found { input, path, watch, is_bam } = find(files.first, reference.clone())?;
        let mut watches = vec![watch];
        let reads = match files.second {
            None if is_bam => Reads::Bam(Box::new(BamReads::open(input, path, max_bases)?)),
            None => Reads::Single(FastqReader::new(input, path, max_bases)),
            Some(_) if is_bam => {
                let source = std::io::Error::other("a BAM or CRAM file has both mates; expected no second file");
                return Err(Error::Open { path, source });
            }
            Some(second) => {
                let second = find(second, reference)?;
                watches.push(second.watch);
                let first = FastqReader::new(input, path, max_bases);
                Reads::Files(Box::new([first, FastqReader::new(second.input, second.path, max_bases)]))
            }
        };
        Ok(Self {
            reads,
            labeller: Labeller::default(),
            labels: Default::default(),
            read_group: None,
            named_groups: Vec::new(),
            watches,
        })
    }

    /// Says that mates follow each other in the one FASTQ file: two neighbours with the same name are, and others are single
    /// reads. It says nothing about two files, or BAM, which tells itself.
    #[must_use]
    pub fn interleaved(mut self) -> Self {
        if let Reads::Single(reader) = self.reads {
            let (waiting, next, single) = (Waiting::default(), ReadBatch::new(), Arc::default());
            self.reads = Reads::Interleaved(Box::new(Interleaved { reader, waiting, next, single }));
        }
        self
    }

    /// How many reads without a mate have been found where mates follow each other. It can be looked at later.
    pub fn single_reads(&self) -> Arc<AtomicU64> {
        if let Reads::Interleaved(interleaved) = &self.reads { Arc::clone(&interleaved.single) } else { Arc::default() }
    }

    /// Takes the comments of FASTQ headers for optional fields of SAM, between tabs, which stay with the reads. Those that svala
    /// writes itself, and `RG`, are left out. Any other comment is then an error.
    #[must_use]
    pub fn with_comments(mut self) -> Self {
        self.labeller.has_comments = true;
        self
    }

    /// Takes barcodes (unique molecular identifiers) from the comments of headers: what `TAG:Z:` precedes in a field between
    /// blanks, for the two letters of `tag`. A read without one is then an error, as is one of BAM without that field.
    #[must_use]
    pub fn with_barcodes(mut self, tag: [u8; 2]) -> Self {
        self.labeller.barcode_tag = Some(tag);
        self
    }

    /// Gives reads more tags. Read groups of names come in the place of none only, so not with
    /// [`with_read_group`](Self::with_read_group), which comes before, nor for BAM.
    ///
    /// # Errors
    ///
    /// There is not a read structure for each mate, or some for BAM; the first read's name tells no read group, or groups of names are wanted
    /// of BAM.
    pub fn labelled(mut self, mut labelling: Labelling) -> Result<Self> {
        let (mates, reader) = self.reads.of_fastq();
        if !labelling.structures.is_empty() && labelling.structures.len() != mates {
            return Err(Error::ReadStructure {
                reason: match mates {
                    0 => "expected FASTQ; there is none for BAM",
                    1 => "expected one for single reads",
                    _ => "expected two, with a comma between them, for mates",
                },
            });
        }
        if self.read_group.is_some() {
            labelling.groups = None;
        }
        if reader.is_none() && labelling.groups.is_some() {
            let reason = "expected FASTQ; reads of BAM have their own groups";
            return Err(Error::ReadGroup { reason: reason.to_owned() });
        }
        self.labeller.labelling = labelling;
        if let Some(reader) = reader {
            self.named_groups = reader.learn_groups(&mut self.labeller)?;
        }
        Ok(self)
    }

    /// Says which of the header's read groups the reads belong to, instead of the groups that reads of BAM have.
    #[must_use]
    pub fn with_read_group(mut self, number: Option<usize>) -> Self {
        self.read_group = number;
        if let Reads::Bam(reads) = &mut self.reads {
            reads.regrouped = number.is_some();
        }
        self
    }

    /// Computes no digests of the files; see [`watches`](Self::watches).
    #[must_use]
    pub fn without_digests(self) -> Self {
        self.watches.iter().for_each(|watch| watch.stop_digest());
        self
    }

    /// What is known of the bytes of its one or two files, also of their SHA-256.
    pub fn watches(&self) -> Vec<Arc<InputWatch>> {
        self.watches.clone()
    }

    /// The read groups of a BAM file's header, or those that names tell.
    pub fn read_groups(&self) -> &[ReadGroup] {
        if let Reads::Bam(reads) = &self.reads { reads.read_groups() } else { &self.named_groups }
    }

    /// How many hard-clipped reads of a BAM file have been handed out: their other bases are lost. It can be looked at later.
    pub fn hard_clipped(&self) -> Arc<AtomicU64> {
        if let Reads::Bam(reads) = &self.reads { reads.hard_clipped() } else { Arc::default() }
    }

    /// The name of the first read of FASTQ, which is read none the less.
    ///
    /// # Errors
    ///
    /// The file can't be read.
    pub fn first_name(&mut self) -> Result<Option<Vec<u8>>> {
        self.reads.of_fastq().1.map_or(Ok(None), FastqReader::first_name)
    }

    /// Whether reads come in pairs, or some may.
    pub fn is_paired(&self) -> bool {
        match &self.reads {
            Reads::Single(_) => false,
            Reads::Files(..) | Reads::Interleaved(_) => true,
            Reads::Bam(reads) => reads.is_paired(),
        }
    }

    /// Reads handed out so far, mates counted singly.
    pub fn records_read(&self) -> u64 {
        match &self.reads {
            Reads::Single(reader) => reader.records,
            Reads::Interleaved(interleaved) => interleaved.reader.records,
            Reads::Files(readers) => readers.iter().map(|reader| reader.records).sum(),
            Reads::Bam(reads) => reads.reads,
        }
    }

    /// Whether there are no reads at all, as in a control without any: the file has no byte, or is gzip of none, or BAM without a
    /// record. To be asked before reads are handed out.
    ///
    /// # Errors
    ///
    /// The input cannot be read, is cut or damaged.
    pub fn is_empty(&mut self) -> Result<bool> {
        match &mut self.reads {
            Reads::Single(reader) => reader.is_empty(),
            Reads::Interleaved(interleaved) => interleaved.reader.is_empty(),
            Reads::Files(readers) => Ok(readers[0].is_empty()? && readers[1].is_empty()?),
            Reads::Bam(reads) => Ok(reads.is_empty()),
        }
    }

    /// Clears `batch` and fills it with at most `max_reads` reads, but at least one read or pair;
    /// with paired reads only or with single ones only. Returns false when the input is exhausted.
    ///
    /// # Errors
    ///
    /// The input cannot be read, is cut or damaged, breaks the format, holds nothing but blank lines, or mates
    /// do not match. The content of `batch` is then of no use.
    pub fn read_batch(&mut self, batch: &mut ReadBatch, max_reads: usize) -> Result<bool> {
        batch.clear();
        batch.set_read_group(self.read_group);
        batch.set_paired(self.is_paired());
        let step = if self.is_paired() { 2 } else { 1 };
        let max_reads = max_reads.max(step);
        if let Reads::Interleaved(interleaved) = &mut self.reads {
            let (labeller, labels) = (&mut self.labeller, &mut self.labels);
            while interleaved.read_template(labeller, labels, self.read_group)?
                && interleaved.move_next(batch, max_reads)
            {}
        } else {
            while batch.len() + step <= max_reads && self.read_template(batch)? {}
        }
        match &self.reads {
            Reads::Single(reader) => reader.refuse_blank()?,
            Reads::Interleaved(interleaved) => interleaved.reader.refuse_blank()?,
            Reads::Files(readers) => readers[0].refuse_blank()?,
            Reads::Bam(_) => {}
        }
        Ok(!batch.is_empty())
    }
}

impl ReadSource {
    /// Appends the next read or pair; false at the end.
    fn read_template(&mut self, batch: &mut ReadBatch) -> Result<bool> {
        let (labeller, labels) = (&mut self.labeller, &mut self.labels);
        let (is_there, reads) = match &mut self.reads {
            Reads::Single(reader) => (reader.read_into(labeller, 0, &mut labels[0], batch)?, 1),
            Reads::Files(readers) => (read_pair(readers, labeller, labels, batch)?, 2),
            // Its templates are not all of one kind, and so read by itself.
            Reads::Interleaved(_) => return Ok(false),
            Reads::Bam(reads) => return reads.read_into(labeller, batch),
        };
        if is_there && labeller.is_on() {
            labeller.push(&mut labels[..reads], batch);
        }
        Ok(is_there)
    }
}

impl Reads {
    /// How many mates FASTQ has, and its reader, that of first mates if there are two; 0 of BAM.
    fn of_fastq(&mut self) -> (usize, Option<&mut FastqReader>) {
        match self {
            Self::Single(reader) => (1, Some(reader)),
            Self::Files(readers) => (2, readers.first_mut()),
            Self::Interleaved(interleaved) => (2, Some(&mut interleaved.reader)),
            Self::Bam(_) => (0, None),
        }
    }
}

impl Interleaved {
    /// Reads the next template, unless there is one already; false at the end.
    fn read_template(
        &mut self,
        labeller: &mut Labeller,
        labels: &mut [Label; 2],
        read_group: Option<usize>,
    ) -> Result<bool> {
        if !self.next.is_empty() {
            return Ok(true);
        }
        let reads = self.reader.read_template_into(labeller, labels, &mut self.waiting, &mut self.next)?;
        if reads > 0 && labeller.is_on() {
            labeller.push(&mut labels[..reads], &mut self.next);
        }
        self.next.set_read_group(read_group);
        self.next.set_paired(reads == 2);
        self.single.fetch_add(u64::from(reads == 1), Ordering::Relaxed);
        Ok(reads > 0)
    }

    /// Moves the next template to a batch, if that has room and templates of its kind.
    fn move_next(&mut self, batch: &mut ReadBatch, max_reads: usize) -> bool {
        let is_alike = batch.is_empty() || batch.is_paired() == self.next.is_paired();
        let fits = is_alike && batch.len() + self.next.len() <= max_reads;
        if fits {
            batch.append_range(&self.next, 0..self.next.len());
            self.next.clear();
        }
        fits
    }
}

/// A file whose first bytes have been looked at.
struct Found {
    input: Opened,
    path: PathBuf,
    watch: Arc<InputWatch>,
    is_bam: bool,
}

/// Looks at the first bytes of a file. A compressed one is inflated in a thread of its own.
fn find(file: OpenFile, reference: Option<CramReference>) -> Result<Found> {
    if is_cut_to_nothing(file.path()) {
        return Err(Error::Truncated { path: file.path().to_owned(), record: 1 });
    }
    let (input, path) = file.into_parallel_input()?;
    let (watch, is_inflated) = (Arc::clone(input.watch()), input.is_compressed());
    let probed = alignment_input::probe(input, reference).map_err(|source| Error::read(&path, 1, source))?;
    let Probed { head, input, is_decoded } = probed;
    let input: Opened = if is_inflated || is_decoded {
        Box::new(ReadAhead::new(input).map_err(|source| Error::Read { path: path.clone(), source })?)
    } else {
        input
    };
    Ok(Found { input, path, watch, is_bam: head == bam_header::MAGIC })
}

/// Whether a file that should be compressed, by its name, has no byte. Compressors write some even of nothing.
fn is_cut_to_nothing(path: &Path) -> bool {
    const COMPRESSED: [&str; 6] = ["gz", "bgz", "bgzf", "zst", "bam", "cram"];
    let is_compressed = |name: &std::ffi::OsStr| COMPRESSED.iter().any(|known| name.eq_ignore_ascii_case(known));
    path.extension().is_some_and(is_compressed) && path.metadata().is_ok_and(|file| file.is_file() && file.len() == 0)
}
