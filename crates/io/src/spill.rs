//! Temporary runs of bytes, compressed: without a name, so that no exit can leave them behind, or kept for a later process.
//!
//! They are LZ4 frames, one after the other, so that several threads can compress a run, and light, so that merging needn't wait.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write},
    path::Path,
};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use crate::{Error, FileDigest, Result, file_digest::FileDigester, read_ahead::ReadAhead};

/// Bytes gathered before a read or write of the file.
const BUFFER_BYTES: usize = 64 * 1024;
/// Bytes of a frame of what is written piecemeal, before compression.
const FRAME_BYTES: usize = 256 * 1024;
/// Bytes that are decompressed ahead at a time.
const AHEAD_BYTES: usize = 64 * 1024;

/// A part of a run, compressed.
pub struct SpillFrame {
    compressed: Vec<u8>,
    /// Bytes before compression.
    bytes: u64,
}

impl SpillFrame {
    /// Compresses these bytes.
    ///
    /// # Errors
    ///
    /// Of the compressor.
    pub fn of(bytes: &[u8]) -> io::Result<Self> {
        let blocks = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
        let room = Vec::with_capacity(bytes.len() / 2);
        let mut encoder = FrameEncoder::with_frame_info(blocks.block_checksums(true), room);
        encoder.write_all(bytes)?;
        Ok(Self { compressed: encoder.finish()?, bytes: bytes.len() as u64 })
    }
}

/// A run being written. On Unix its file has mode 0600, and unless it is to be kept no name: then it is gone when the process is,
/// however that ends.
pub struct SpillWriter {
    file: BufWriter<RunFile>,
    /// What came piecemeal and is no frame yet.
    rest: Vec<u8>,
    /// Bytes of the frames before compression.
    bytes: u64,
}

impl SpillWriter {
    /// Starts a run in `folder`.
    ///
    /// # Errors
    ///
    /// No file can be made there.
    pub fn create(folder: &Path) -> Result<Self> {
        let file = private_file(folder).map_err(|source| Error::write(folder, source))?;
        Ok(Self::over(RunFile { file, digest: None }))
    }

    /// Starts a run that stays, in the new file `path`.
    ///
    /// # Errors
    ///
    /// The file is there already or can't be made.
    pub fn create_kept(path: &Path) -> Result<Self> {
        let file = new_private_file(path).map_err(|source| Error::write(path, source))?;
        Ok(Self::over(RunFile { file, digest: Some(FileDigester::default()) }))
    }

    fn over(file: RunFile) -> Self {
        Self { file: BufWriter::with_capacity(BUFFER_BYTES, file), rest: Vec::new(), bytes: 0 }
    }

    /// Appends what was compressed elsewhere.
    ///
    /// # Errors
    ///
    /// The file can't be written.
    pub fn append(&mut self, frame: &SpillFrame) -> io::Result<()> {
        self.flush_rest()?;
        self.append_frame(frame)
    }

    fn append_frame(&mut self, frame: &SpillFrame) -> io::Result<()> {
        self.bytes += frame.bytes;
        self.file.write_all(&frame.compressed)
    }

    fn flush_rest(&mut self) -> io::Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let frame = SpillFrame::of(&self.rest)?;
        self.rest.clear();
        self.append_frame(&frame)
    }

    /// Ends the run and turns to reading it from its start.
    ///
    /// # Errors
    ///
    /// What is left cannot be written.
    pub fn into_reader(mut self) -> io::Result<SpillReader> {
        self.flush_rest()?;
        let bytes = self.bytes;
        let mut file = self.end()?.file;
        file.rewind()?;
        Ok(SpillReader::over(file, Some(bytes)))
    }

    /// Ends the run when all of it is on the device, and returns the digest of its file, unless that is not to be kept.
    ///
    /// # Errors
    ///
    /// What is left cannot be written.
    pub fn into_kept(mut self) -> io::Result<Option<FileDigest>> {
        self.flush_rest()?;
        let file = self.end()?;
        file.file.sync_data()?;
        Ok(file.digest.map(FileDigester::finish))
    }

    fn end(self) -> io::Result<RunFile> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)
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
        self.rest.extend_from_slice(buffer);
        if self.rest.len() >= FRAME_BYTES {
            self.flush_rest()?;
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_rest()?;
        self.file.flush()
    }
}

/// The file of a run, and the digest of what has been written if it is to be kept.
struct RunFile {
    file: File,
    digest: Option<FileDigester>,
}

impl Write for RunFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.file.write(buffer)?;
        if let Some(digest) = &mut self.digest {
            digest.update(&buffer[..count]);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A run being read; damage is an error, by the checksums of its blocks.
pub struct SpillReader {
    source: Source,
    /// Bytes that are still to come, unless nobody knows: the last frame's end isn't told from the file's. Of a kept run the digest says
    /// whether it is whole.
    left: Option<u64>,
}

enum Source {
    Frames(Frames),
    /// Frames that a thread decompresses.
    Ahead(ReadAhead),
}

impl SpillReader {
    /// Opens a run that was kept.
    ///
    /// # Errors
    ///
    /// There is none or it can't be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::Open { path: path.to_owned(), source })?;
        Ok(Self::over(file, None))
    }

    fn over(file: File, left: Option<u64>) -> Self {
        let frames = FrameDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file));
        Self { source: Source::Frames(Frames(frames)), left }
    }

    /// The same, decompressed by a thread of its own from now on.
    ///
    /// # Errors
    ///
    /// There can't be another thread.
    pub fn ahead(self) -> io::Result<Self> {
        let source = match self.source {
            Source::Frames(frames) => Source::Ahead(ReadAhead::with_chunks(frames, AHEAD_BYTES)?),
            other => other,
        };
        Ok(Self { source, left: self.left })
    }
}

impl Read for SpillReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.source {
            Source::Frames(frames) => frames.read(buffer),
            Source::Ahead(ahead) => ahead.read(buffer),
        }?;
        if let Some(left) = &mut self.left {
            let is_cut = count == 0 && !buffer.is_empty() && *left > 0;
            *left = left.checked_sub(count as u64).filter(|_| !is_cut).ok_or(io::ErrorKind::UnexpectedEof)?;
        }
        Ok(count)
    }
}

/// All frames of a file as one stream.
struct Frames(FrameDecoder<BufReader<File>>);

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            // Nothing comes at the end of a frame, too.
            let count = self.0.read(buffer)?;
            if count > 0 || buffer.is_empty() || self.0.get_mut().fill_buf()?.is_empty() {
                return Ok(count);
            }
        }
    }
}

fn new_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_run_is_read_by_its_name_and_has_its_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let mut run = SpillWriter::create_kept(&path).unwrap();
        run.write_all(b"records").unwrap();
        let digest = run.into_kept().unwrap().unwrap();
        assert_eq!(FileDigest::of_file(&path).unwrap(), digest);
        let mut content = Vec::new();
        SpillReader::open(&path).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(content, b"records");
        assert!(SpillWriter::create_kept(&path).is_err(), "it would be written over");
    }

    #[test]
    fn frames_and_what_comes_piecemeal_stay_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = SpillWriter::create(folder.path()).unwrap();
        let mut expected = Vec::new();
        for number in 0..200u32 {
            let bytes = number.to_le_bytes().repeat(1 + number as usize * 37 % 5000);
            if number % 3 == 0 {
                run.write_all(&bytes).unwrap();
            } else {
                run.append(&SpillFrame::of(&bytes).unwrap()).unwrap();
            }
            expected.extend_from_slice(&bytes);
        }
        let mut found = Vec::new();
        run.into_reader().unwrap().read_to_end(&mut found).unwrap();
        assert!(expected.len() > 4 * FRAME_BYTES && found == expected);
    }

    #[test]
    fn a_run_of_nothing_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = SpillWriter::create(folder.path()).unwrap();
        assert_eq!(SpillWriter::create(folder.path()).unwrap().into_reader().unwrap().read(&mut [0]).unwrap(), 0);
        run.append(&SpillFrame::of(&[]).unwrap()).unwrap();
        run.append(&SpillFrame::of(b"x").unwrap()).unwrap();
        let mut found = Vec::new();
        run.into_reader().unwrap().ahead().unwrap().read_to_end(&mut found).unwrap();
        assert_eq!(found, b"x");
    }

    #[test]
    fn a_run_that_is_cut_or_changed_is_an_error() {
        let content: Vec<u8> = (0..300_000u32).flat_map(|i| (i / 3).to_le_bytes()).collect();
        let read_by = |ahead: bool, harm: &dyn Fn(&File, u64)| {
            let folder = tempfile::tempdir().unwrap();
            let mut run = SpillWriter::create(folder.path()).unwrap();
            run.write_all(&content).unwrap();
            let mut reader = run.into_reader().unwrap();
            let Source::Frames(Frames(frames)) = &reader.source else { panic!("nobody reads ahead") };
            let file = frames.get_ref().get_ref();
            harm(file, file.metadata().unwrap().len());
            if ahead {
                reader = reader.ahead().unwrap();
            }
            let mut found = Vec::new();
            reader.read_to_end(&mut found).map(|_| found)
        };
        let read = |harm: &dyn Fn(&File, u64)| {
            let [direct, ahead] = [false, true].map(|ahead| read_by(ahead, harm).ok());
            assert!(direct == ahead, "reading ahead makes a difference");
            direct
        };
        assert!(read(&|_, _| ()) == Some(content.clone()));
        // The last four bytes only say that this is all.
        for part in [1, 2, 5, 50, 99, 100] {
            assert!(read(&|file, bytes| file.set_len(bytes * part / 100 - 5).unwrap()).is_none(), "{part}");
        }
        for part in [1, 50, 99] {
            let change = |file: &File, bytes: u64| {
                let mut file = file;
                let mut byte = [0];
                file.seek(io::SeekFrom::Start(bytes * part / 100)).unwrap();
                file.read_exact(&mut byte).unwrap();
                file.seek(io::SeekFrom::Current(-1)).unwrap();
                file.write_all(&[byte[0] ^ 4]).unwrap();
                file.rewind().unwrap();
            };
            assert!(read(&change).is_none(), "{part}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_kept_run_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        drop(SpillWriter::create_kept(&path).unwrap());
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
