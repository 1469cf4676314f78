//! Alignment files: the header, encoded records, and the end.

use std::{
    fs,
    io::{self, BufWriter, Stdout, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use noodles::sam;

use crate::{
    AtomicFile, EncodedRecord, Error, Format, Header, RecordOrder, Result,
    bam_index::{BamIndexer, bam_index_path},
    bgzf_output::{BgzfOptions, BgzfWriter},
    cram::{CramOptions, CramVersion, CramWriter, IndexEntry, ReferenceBases, cram_index_path, write_index},
    file_digest::{FileDigest, FileDigester},
    header_text::{append_bam, append_text},
    output_path::descriptor,
    qc::RecordSums,
};

/// Bytes gathered before a write to standard output.
const BUFFER_BYTES: usize = 256 * 1024;

/// DEFLATE level of BGZF blocks, of libdeflate. On records of 150 bases it takes 43 % of the time of the usual level 6 and
/// makes the file 2.6 % larger.
pub const DEFAULT_COMPRESSION_LEVEL: u8 = 1;

/// How an alignment file is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WriterOptions {
    /// Threads that compress BAM or CRAM, at least one; one more writes.
    pub threads: usize,
    /// DEFLATE level of BAM's BGZF blocks and of the blocks of CRAM that get it, 0 (stored) to 9.
    pub compression_level: u8,
    /// The version of CRAM.
    pub cram_version: CramVersion,
    /// Whether an index is written beside a BAM or CRAM file; see [`bam_index_path`] and [`cram_index_path`]. Its records must
    /// then come in the order of their places, in pieces of whole records. Standard output, devices and pipes get none.
    pub index: bool,
    /// Whether [`finish`](AlignmentWriter::finish) shall know the SHA-256 of the file.
    pub digest: bool,
    /// Whether records of BAM or CRAM are counted, see [`written`](AlignmentWriter::written). They must then come in pieces of whole
    /// records.
    pub count: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            threads: 1,
            compression_level: DEFAULT_COMPRESSION_LEVEL,
            cram_version: CramVersion::default(),
            index: false,
            digest: false,
            count: false,
        }
    }
}

/// Where an alignment file goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A file, which appears under this name only when it is complete; see [`AtomicFile`].
    File(PathBuf),
}

impl Destination {
    /// Standard output for `-`, or by a name that the system has for it, else a file.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let is_stdout = path == Path::new("-") || descriptor(path) == Some(1);
        if is_stdout { Self::Stdout } else { Self::File(path.to_owned()) }
    }

    /// The path, if it is a file.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Stdout => None,
            Self::File(path) => Some(path),
        }
    }
}

/// Writes a SAM, BAM or CRAM file out of pieces that [`RecordEncoder`](crate::RecordEncoder)s made.
///
/// Dropping it without [`finish`](Self::finish) leaves no file, and no BGZF end marker on standard
/// output, so that what was written is seen to be incomplete.
pub struct AlignmentWriter {
    /// None after a failed write.
    output: Option<Output>,
    path: PathBuf,
    index: Option<IndexFile>,
    written: Option<RecordSums>,
}

/// An index that is being made.
struct IndexFile {
    /// Of a BAM file; that of a CRAM file is known when all is written.
    bam: Option<BamIndexer>,
    file: AtomicFile,
    path: PathBuf,
}

enum Output {
    /// SAM or PAF.
    Text(Sink),
    Bam(Box<BgzfWriter<Sink>>),
    Cram(Box<CramWriter<Sink>>),
}

impl AlignmentWriter {
    /// Opens the destination and writes the header.
    ///
    /// # Errors
    ///
    /// SAM cannot hold the header, or the destination cannot be opened or written.
    pub fn create(destination: &Destination, format: Format, header: &Header, options: WriterOptions) -> Result<Self> {
        let noodles_header = header.to_noodles()?;
        let (target, path) = Target::open(destination)?;
        let header_bytes = encode_header(&noodles_header, format).map_err(|source| Error::write(&path, source))?;
        let is_indexed = options.index && format == Format::Bam && target.is_file();
        let indexer = is_indexed.then(|| BamIndexer::new(header, header_bytes.len() as u64)).transpose();
        let (indexer, starts) = indexer.map_err(|source| Error::write(&path, source))?.unzip();
        let index =
            indexer.map(|indexer| IndexFile::create(bam_index_path(&path, header), Some(indexer))).transpose()?;
        let sink = Sink { target, digest: options.digest.then(Box::default) };
        let blocks = BgzfOptions { threads: options.threads, level: options.compression_level, starts };
        let output = match format {
            Format::Sam | Format::Paf => Output::Text(sink),
            Format::Bam => {
                let writer = BgzfWriter::new(sink, blocks).map_err(|source| Error::write(&path, source))?;
                Output::Bam(Box::new(writer))
            }
        };
        let written = (options.count && format == Format::Bam).then(RecordSums::default);
        let mut writer = Self { output: Some(output), path, index, written };
        writer.try_output(|output| output.write_all(&header_bytes))?;
        Ok(writer)
    }

    /// Opens a CRAM file for encoded BAM records, which must come in pieces of whole records and, if the header
    /// says so, in the order of their places. Readers need the reference with the `M5` of the header; it is not in the file.
    ///
    /// # Errors
    ///
    /// SAM cannot hold the header, or the destination cannot be opened or written.
    pub fn create_cram(
        destination: &Destination,
        header: &Header,
        reference: Arc<dyn ReferenceBases>,
        options: WriterOptions,
    ) -> Result<Self> {
        let noodles_header = header.to_noodles()?;
        let (target, path) = Target::open(destination)?;
        let is_indexed = options.index && target.is_file();
        let index = is_indexed.then(|| IndexFile::create(cram_index_path(&path), None)).transpose()?;
        let sink = Sink { target, digest: options.digest.then(Box::default) };
        let cram_options = CramOptions {
            reference,
            sorted: header.order == RecordOrder::Coordinate,
            version: options.cram_version,
            level: options.compression_level,
            threads: options.threads,
        };
        let writer = CramWriter::new(sink, &noodles_header, cram_options);
        let writer = writer.map_err(|source| Error::write(&path, source))?;
        let written = options.count.then(RecordSums::default);
        Ok(Self { output: Some(Output::Cram(Box::new(writer))), path, index, written })
    }

    /// Appends encoded records: whole SAM lines or whole BAM records, or any pieces of them in
    /// order. The bytes of the file do not depend on how they are cut into pieces.
    ///
    /// # Errors
    ///
    /// The destination cannot be written; for BAM this may surface some pieces later.
    pub fn write_encoded(&mut self, bytes: &[u8]) -> Result<()> {
        self.try_output(|output| output.write_all(bytes))?;
        self.try_note(bytes, None)
    }

    /// Appends whole records that have been counted: `sums` are theirs.
    ///
    /// # Errors
    ///
    /// As of [`write_encoded`](Self::write_encoded).
    pub fn write_counted(&mut self, bytes: &[u8], sums: &RecordSums) -> Result<()> {
        self.try_output(|output| output.write_all(bytes))?;
        self.try_note(bytes, Some(sums))
    }

    fn try_note(&mut self, bytes: &[u8], sums: Option<&RecordSums>) -> Result<()> {
        self.take_note(bytes, sums).map_err(|source| {
            self.output = None;
            Error::write(&self.path, source)
        })
    }

    /// [`complete`](Self::complete), then [`commit`](CompleteOutput::commit). Returns the file's digest if that was asked for.
    ///
    /// # Errors
    ///
    /// Of both.
    pub fn finish(self) -> Result<Option<FileDigest>> {
        let output = self.complete()?;
        let digest = output.digest();
        output.commit().map(|()| digest)
    }

    /// Writes what is left, for BAM the end marker, so that nothing but its name is missing of a file and of its index.
    ///
    /// # Errors
    ///
    /// The destination or the index cannot be written, or an earlier write has failed.
    pub fn complete(mut self) -> Result<CompleteOutput> {
        let failed = |source| Error::write(&self.path, source);
        let (sink, slices) = match self.output.take() {
            None => return Err(self.failed_before()),
            Some(Output::Text(sink)) => (sink, Vec::new()),
            Some(Output::Bam(writer)) => (writer.finish().map_err(failed)?, Vec::new()),
            Some(Output::Cram(writer)) => writer.finish().map_err(failed)?,
        };
        let digest = sink.digest.map(|digest| digest.finish());
        let file = match sink.target {
            Target::File(mut file) => {
                file.complete()?;
                Some(file)
            }
            Target::Stdout(mut stdout) => {
                stdout.flush().map_err(failed)?;
                None
            }
        };
        let index = self.index.take().map(|index| index.complete(&slices)).transpose()?;
        Ok(CompleteOutput { file, index, path: std::mem::take(&mut self.path), digest })
    }

    /// The records so far, if they are counted: what the output must hold, before any of it is under the final name.
    #[must_use]
    pub fn written(&self) -> Option<&RecordSums> {
        self.written.as_ref()
    }

    /// Counts what was written, if it isn't, and indexes it.
    fn take_note(&mut self, bytes: &[u8], sums: Option<&RecordSums>) -> io::Result<()> {
        match (&mut self.written, sums) {
            (Some(written), Some(sums)) => written.merge(sums),
            (Some(written), None) => {
                for record in EncodedRecord::all(bytes) {
                    written.add(record.map_err(|_| io::Error::other("a record is not whole"))?);
                }
            }
            (None, _) => {}
        }
        let indexer = self.index.as_mut().and_then(|index| index.bam.as_mut());
        indexer.map_or(Ok(()), |indexer| indexer.add(bytes))
    }

    fn try_output(&mut self, write: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<()> {
        let Some(output) = &mut self.output else {
            return Err(self.failed_before());
        };
        write(output).map_err(|source| {
            self.output = None;
            Error::write(&self.path, source)
        })
    }

    fn failed_before(&self) -> Error {
        Error::write(&self.path, io::Error::other("an earlier write has failed"))
    }
}

/// An output of which only the name is missing. Dropping it without a [`commit`](Self::commit) leaves no file.
#[must_use = "without its name the output is lost"]
pub struct CompleteOutput {
    /// None: standard output.
    file: Option<AtomicFile>,
    index: Option<AtomicFile>,
    path: PathBuf,
    digest: Option<FileDigest>,
}

impl CompleteOutput {
    /// The SHA-256 of the file, if it was asked for.
    #[must_use]
    pub fn digest(&self) -> Option<FileDigest> {
        self.digest
    }

    /// Its path, if it is a file that gets a name.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.file.as_ref().filter(|file| !file.is_direct()).map(|_| self.path.as_path())
    }

    /// Gives the file and its index their final names.
    ///
    /// # Errors
    ///
    /// The system refuses, or an index of a file of that name can't be removed.
    pub fn commit(self) -> Result<()> {
        let Some(file) = self.file else { return Ok(()) };
        if !file.is_direct() {
            // The same index is that of another attempt at this output, and whoever reads that must not miss it.
            remove_stale_indexes(&self.path, self.index.as_ref().and_then(AtomicFile::twin))?;
        }
        file.commit()?;
        self.index.map_or(Ok(()), AtomicFile::commit)
    }
}

/// Removes indexes of the file that a new one replaces, but for `kept`; readers would take them for the new one's.
fn remove_stale_indexes(path: &Path, kept: Option<&Path>) -> Result<()> {
    for index in possible_indexes(path).filter(|index| Some(index.as_path()) != kept) {
        match fs::remove_file(&index) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => return Err(Error::write(&index, source)),
            _ => {}
        }
    }
    Ok(())
}

/// All paths at which readers look for an index of an alignment file: its own with an extension behind it, or in the place of its own.
pub fn possible_indexes(path: &Path) -> impl Iterator<Item = PathBuf> {
    let appended = [".bai", ".csi", ".crai"].map(|extension| {
        let mut index = path.as_os_str().to_owned();
        index.push(extension);
        PathBuf::from(index)
    });
    let is = |name: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
    let replacing: &[&str] = match () {
        () if is("bam") => &["bai", "csi"],
        () if is("cram") => &["crai"],
        () => &[],
    };
    appended.into_iter().chain(replacing.iter().map(|extension| path.with_extension(extension)))
}

fn encode_header(header: &sam::Header, format: Format) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match format {
        Format::Sam => append_text(header, &mut bytes)?,
        Format::Bam => append_bam(header, &mut bytes)?,
        Format::Paf => {}
    }
    Ok(bytes)
}

impl IndexFile {
    fn create(path: PathBuf, bam: Option<BamIndexer>) -> Result<Self> {
        Ok(Self { bam, file: AtomicFile::create(&path)?, path })
    }

    /// Writes all of it; `slices` are those of a CRAM file.
    fn complete(mut self, slices: &[IndexEntry]) -> Result<AtomicFile> {
        let written = match self.bam {
            Some(indexer) => indexer.write(&mut self.file),
            None => write_index(slices, &mut self.file),
        };
        written.map_err(|source| Error::write(&self.path, source))?;
        self.file.complete()?;
        Ok(self.file)
    }
}

impl Output {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Text(sink) => sink.write_all(bytes),
            Self::Bam(writer) => writer.write(bytes),
            Self::Cram(writer) => writer.write_records(bytes),
        }
    }
}

/// The destination, and the digest of what goes there if that is asked for.
struct Sink {
    target: Target,
    digest: Option<Box<FileDigester>>,
}

enum Target {
    Stdout(BufWriter<Stdout>),
    File(AtomicFile),
}

impl Target {
    fn open(destination: &Destination) -> Result<(Self, PathBuf)> {
        match destination {
            Destination::Stdout => {
                let stdout = BufWriter::with_capacity(BUFFER_BYTES, io::stdout());
                Ok((Self::Stdout(stdout), Path::new("standard output").to_path_buf()))
            }
            Destination::File(path) => Ok((Self::File(AtomicFile::create(path)?), path.clone())),
        }
    }

    /// Whether it is a file that stays, neither a stream nor a device.
    fn is_file(&self) -> bool {
        matches!(self, Self::File(file) if !file.is_direct())
    }
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = match &mut self.target {
            Target::Stdout(stdout) => stdout.write(buffer),
            Target::File(file) => file.write(buffer),
        }?;
        if let Some(digest) = &mut self.digest {
            digest.update(&buffer[..written]);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Stdout(stdout) => stdout.flush(),
            Target::File(file) => file.flush(),
        }
    }
}
