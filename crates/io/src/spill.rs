//! Temporary runs of bytes, compressed, that no exit can leave behind.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::Path,
};

use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};

use crate::{Error, Result};

/// Bytes gathered before a read or write of the file.
const BUFFER_BYTES: usize = 64 * 1024;

/// A run being written. On Unix its file has no name and mode 0600: it is gone when the process is, however that ends.
pub struct SpillWriter {
    encoder: ZlibEncoder<BufWriter<File>>,
}

impl SpillWriter {
    /// Starts a run in `folder`.
    ///
    /// # Errors
    ///
    /// No file can be made there.
    pub fn create(folder: &Path) -> Result<Self> {
        let file = private_file(folder).map_err(|source| Error::write(folder, source))?;
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { encoder: ZlibEncoder::new(file, Compression::fast()) })
    }

    /// Ends the run and turns to reading it from its start.
    ///
    /// # Errors
    ///
    /// What is left cannot be written.
    pub fn into_reader(self) -> io::Result<SpillReader> {
        let file = self.encoder.finish()?.into_inner().map_err(io::IntoInnerError::into_error);
        let mut file = file?;
        file.rewind()?;
        Ok(SpillReader { decoder: BufReader::with_capacity(BUFFER_BYTES, ZlibDecoder::new(file)) })
    }
}

/// A file without a name that only its owner may read, whatever the umask.
fn private_file(folder: &Path) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    if let Ok(file) = never_named(folder) {
        return Ok(file);
    }
    // It has a name for a moment.
    tempfile::Builder::new().tempfile_in(folder).map(tempfile::NamedTempFile::into_file)
}

/// Not every file system has such files.
#[cfg(target_os = "linux")]
fn never_named(folder: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let flags = rustix::fs::OFlags::TMPFILE.bits().cast_signed();
    std::fs::OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(flags).open(folder)
}

impl Write for SpillWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.encoder.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush()
    }
}

/// A run being read; damage is an error, by the checksum of its compression.
pub struct SpillReader {
    decoder: BufReader<ZlibDecoder<File>>,
}

impl Read for SpillReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(buffer)
    }
}
