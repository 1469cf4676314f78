//! Alignment files: the header, encoded records, and the end.

use std::{
    io::{self, BufWriter, Stdout, Write},
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use noodles::{bam, bgzf, sam};

use crate::{AtomicFile, Error, Format, Header, Result};

/// Bytes gathered before a write to standard output.
const BUFFER_BYTES: usize = 256 * 1024;

/// DEFLATE level of BGZF blocks. On records of 150 bases it takes 63 % of the time of the usual
/// level 6 and makes the file 1.5 % larger.
const COMPRESSION_LEVEL: u8 = 5;

/// Where an alignment file goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A file, which appears under this name only when it is complete; see [`AtomicFile`].
    File(PathBuf),
}

/// Writes a SAM or BAM file out of pieces that [`RecordEncoder`](crate::RecordEncoder)s made.
///
/// Dropping it without [`finish`](Self::finish) leaves no file, and no BGZF end marker on standard
/// output, so that what was written is seen to be incomplete.
pub struct AlignmentWriter {
    /// None after a failed write: noodles' writer must not be used again.
    output: Option<Output>,
    abandoned: Arc<AtomicBool>,
    path: PathBuf,
}

enum Output {
    Sam(Sink),
    Bam(Box<bgzf::io::MultithreadedWriter<Sink>>),
}

impl AlignmentWriter {
    /// Opens the destination and writes the header. BAM is compressed in `compression_threads`
    /// threads (at least one) and written by one more; SAM needs none.
    ///
    /// # Errors
    ///
    /// SAM cannot hold the header, or the destination cannot be opened or written.
    pub fn create(
        destination: &Destination,
        format: Format,
        header: &Header,
        compression_threads: usize,
    ) -> Result<Self> {
        let header = header.to_noodles()?;
        let (target, path) = Target::open(destination)?;
        let abandoned = Arc::new(AtomicBool::new(false));
        let sink = Sink { target, abandoned: Arc::clone(&abandoned) };
        let output = match format {
            Format::Sam => Output::Sam(sink),
            Format::Bam => Output::Bam(Box::new(compress(sink, compression_threads))),
        };
        let mut writer = Self { output: Some(output), abandoned, path };
        writer.try_output(|output| output.write_header(&header))?;
        Ok(writer)
    }

    /// Appends encoded records: whole SAM lines or whole BAM records, or any pieces of them in
    /// order. The bytes of the file do not depend on how they are cut into pieces.
    ///
    /// # Errors
    ///
    /// The destination cannot be written; for BAM this may surface some pieces later.
    pub fn write_encoded(&mut self, bytes: &[u8]) -> Result<()> {
        self.try_output(|output| output.write_all(bytes))
    }

    /// Writes what is left, for BAM the end marker, and gives a file its final name.
    ///
    /// # Errors
    ///
    /// The destination cannot be written, or an earlier write has failed.
    pub fn finish(mut self) -> Result<()> {
        let sink = match self.output.take() {
            None => return Err(self.failed_before()),
            Some(Output::Sam(sink)) => sink,
            Some(Output::Bam(mut writer)) => writer.finish().map_err(|source| Error::write(&self.path, source))?,
        };
        match sink.target {
            Target::File(file) => file.commit(),
            Target::Stdout(mut stdout) => stdout.flush().map_err(|source| Error::write(&self.path, source)),
        }
    }

    fn try_output(&mut self, write: impl FnOnce(&mut Output) -> io::Result<()>) -> Result<()> {
        let Some(output) = &mut self.output else {
            return Err(self.failed_before());
        };
        write(output).map_err(|source| {
            self.abandon();
            Error::write(&self.path, source)
        })
    }

    /// Drops the output so that nothing more is written, not even the end marker.
    fn abandon(&mut self) {
        self.abandoned.store(true, Ordering::Relaxed);
        self.output = None;
    }

    fn failed_before(&self) -> Error {
        Error::write(&self.path, io::Error::other("an earlier write has failed"))
    }
}

fn compress(sink: Sink, threads: usize) -> bgzf::io::MultithreadedWriter<Sink> {
    let level = bgzf::io::writer::CompressionLevel::new(COMPRESSION_LEVEL).unwrap_or_default();
    bgzf::io::multithreaded_writer::Builder::default()
        .set_compression_level(level)
        .set_worker_count(NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN))
        .build_from_writer(sink)
}

impl Drop for AlignmentWriter {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl Output {
    fn write_header(&mut self, header: &sam::Header) -> io::Result<()> {
        match self {
            Self::Sam(sink) => sam::io::Writer::new(sink).write_header(header),
            Self::Bam(writer) => bam::io::Writer::from(writer.as_mut()).write_header(header),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Sam(sink) => sink.write_all(bytes),
            Self::Bam(writer) => writer.write_all(bytes),
        }
    }
}

/// The destination, and a switch that closes it to all further bytes.
///
/// noodles' writer appends the end marker when it is dropped; after an error that would make an
/// incomplete file look complete.
struct Sink {
    target: Target,
    abandoned: Arc<AtomicBool>,
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
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(io::Error::other("the output was given up"));
        }
        match &mut self.target {
            Target::Stdout(stdout) => stdout.write(buffer),
            Target::File(file) => file.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Stdout(stdout) => stdout.flush(),
            Target::File(file) => file.flush(),
        }
    }
}
