//! Opening a file or standard input and undoing its compression.
//!
//! The container is told by its first bytes, never by the file name: gzip starts with 1f 8b, and
//! BGZF is gzip whose first member has the extra field `BC` (SAM specification v1, section 4.1,
//! "The BGZF compression format"). Zstandard has its own mark.
//!
//! A truncated input must never look finished. Plain gzip tells by itself, except for a cut
//! between two members, which no reader can see. BGZF can be cut between any two blocks, so its
//! empty end-of-file block is required here. Both may be followed by gzip, and by zeros, as gzip allows.

use std::{
    fs::File,
    io::{self, BufReader, Chain, Cursor, Read},
    num::NonZero,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use crate::{
    Error, Result,
    bgzf_input::{self, BgzfReader},
    gzip_input::GzipReader,
    watched::{InputWatch, WatchedReader},
    zstd_input::{ZstdReader, is_zstd},
};

/// Compressed bytes read from the operating system at a time.
pub(crate) const BUFFER_BYTES: usize = 256 * 1024;

/// Cores for each thread that inflates one BGZF file, of which there may be two, and such threads at the most: one keeps up with
/// what about so many cores map.
const CORES_A_THREAD: usize = 8;
const MOST_THREADS: usize = 4;

/// Bytes that tell the container: a gzip header up to the end of the BGZF extra field.
const PROBE_BYTES: usize = bgzf_input::HEADER_BYTES;

/// Marks the `io::Error` of an input that stops too soon.
///
/// It must not have the kind `UnexpectedEof`: readers above turn that kind into a clean end.
#[derive(Debug, thiserror::Error)]
#[error("the compressed data ends early")]
pub(crate) struct EndsEarly;

/// Marks the `io::Error` of compressed data that fails its own checks.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Damaged(pub(crate) io::Error);

type Source = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Whether a file is compressed, by its first bytes; CRAM always is.
///
/// # Errors
///
/// It cannot be read.
pub fn is_compressed(path: &Path) -> io::Result<bool> {
    let mut probe = Vec::with_capacity(PROBE_BYTES);
    File::open(path)?.take(PROBE_BYTES as u64).read_to_end(&mut probe)?;
    Ok(Container::detect(&probe) != Container::Plain || probe.starts_with(b"CRAM"))
}

/// A file or standard input of which nothing has been read.
///
/// To open a named pipe waits for who writes it, and to read it for what is written.
pub(crate) struct OpenFile {
    raw: Box<dyn Read + Send>,
    watch: Arc<InputWatch>,
    /// As messages name it.
    path: PathBuf,
}

impl OpenFile {
    /// Opens `path`, or standard input for `-`.
    pub(crate) fn new(path: &Path, with_digest: bool) -> Result<Self> {
        if path == Path::new("-") {
            let watch = InputWatch::new(None, with_digest);
            return Ok(Self { raw: Box::new(io::stdin()), watch, path: "standard input".into() });
        }
        let opened = File::open(path).and_then(|file| {
            // Opening a folder succeeds on Unix and only reading it fails, less clearly.
            if file.metadata()?.is_dir() {
                return Err(io::Error::from(io::ErrorKind::IsADirectory));
            }
            Ok(file)
        });
        let path = path.to_path_buf();
        let file = opened.map_err(|source| Error::Open { path: path.clone(), source })?;
        let watch = InputWatch::new(Some(&file), with_digest);
        Ok(Self { raw: Box::new(file), watch, path })
    }

    /// Its name for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Undoes its compression, with several threads where it is BGZF and the machine has many: for a file that much time goes by with.
    pub(crate) fn into_parallel_input(self) -> Result<(Input, PathBuf)> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = (cores / CORES_A_THREAD).clamp(1, MOST_THREADS);
        self.into_input(NonZero::new(threads).unwrap_or(NonZero::<usize>::MIN))
    }

    /// Undoes its compression, and returns it with its name for messages.
    fn into_input(self, threads: NonZero<usize>) -> Result<(Input, PathBuf)> {
        let input = Input::new(self.raw, self.watch, threads).map_err(|e| Error::read(&self.path, 1, e))?;
        Ok((input, self.path))
    }
}

/// Uncompressed bytes of a file or of standard input.
pub(crate) struct Input {
    decoder: Decoder,
    watch: Arc<InputWatch>,
}

enum Decoder {
    Plain(Source),
    Gzip(GzipReader<BufReader<Source>>),
    Bgzf(BgzfReader<Source>),
    Zstd(Box<ZstdReader<Source>>),
}

impl Input {
    /// Opens `path`, or standard input for `-`, and returns it with the name for messages.
    pub(crate) fn open(path: &Path) -> Result<(Self, PathBuf)> {
        Self::open_watched(path, false, NonZero::<usize>::MIN)
    }

    /// As [`open`](Self::open); its watch also computes the digest.
    pub(crate) fn open_with_digest(path: &Path) -> Result<(Self, PathBuf)> {
        Self::open_watched(path, true, NonZero::<usize>::MIN)
    }

    fn open_watched(path: &Path, with_digest: bool, threads: NonZero<usize>) -> Result<(Self, PathBuf)> {
        OpenFile::new(path, with_digest)?.into_input(threads)
    }

    /// Whether its bytes are inflated.
    pub(crate) fn is_compressed(&self) -> bool {
        !matches!(self.decoder, Decoder::Plain(_))
    }

    /// What is known of its bytes as they are in the file.
    pub(crate) fn watch(&self) -> &Arc<InputWatch> {
        &self.watch
    }

    /// Detects the container of `raw` and puts the fitting decoder in front of it, of BGZF with so many threads.
    pub(crate) fn new(raw: Box<dyn Read + Send>, watch: Arc<InputWatch>, threads: NonZero<usize>) -> io::Result<Self> {
        let mut raw: Box<dyn Read + Send> = Box::new(WatchedReader::new(raw, Arc::clone(&watch)));
        let mut probe = Vec::with_capacity(PROBE_BYTES);
        raw.by_ref().take(PROBE_BYTES as u64).read_to_end(&mut probe)?;
        let container = Container::detect(&probe);
        let source = Cursor::new(probe).chain(raw);
        let decoder = match container {
            Container::Plain => Decoder::Plain(source),
            Container::Gzip => {
                let buffered = BufReader::with_capacity(BUFFER_BYTES, source);
                Decoder::Gzip(GzipReader::new(buffered))
            }
            Container::Bgzf => Decoder::Bgzf(BgzfReader::new(source, threads)),
            Container::Zstd => Decoder::Zstd(Box::new(ZstdReader::new(source))),
        };
        Ok(Self { decoder, watch })
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.decoder {
            Decoder::Plain(source) => source.read(buffer),
            Decoder::Gzip(decoder) => decoder.read(buffer).map_err(classify),
            Decoder::Bgzf(reader) => reader.read(buffer),
            Decoder::Zstd(reader) => reader.read(buffer),
        }
    }
}

/// Separates an early end and damaged data from failures of the device below.
pub(crate) fn classify(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => io::Error::other(EndsEarly),
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => io::Error::other(Damaged(error)),
        _ => error,
    }
}

#[derive(Debug, Eq, PartialEq)]
enum Container {
    Plain,
    Gzip,
    Bgzf,
    Zstd,
}

impl Container {
    fn detect(probe: &[u8]) -> Self {
        match probe {
            _ if bgzf_input::is_header(probe) => Self::Bgzf,
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ if is_zstd(probe) => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use noodles::bgzf;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;
    use crate::bgzf_input::BGZF_END;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn bgzf(data: &[u8]) -> Vec<u8> {
        let mut writer = bgzf::io::Writer::new(Vec::new());
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    fn read_with(threads: usize, data: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        let (watch, threads) = (InputWatch::new(None, false), NonZero::new(threads).unwrap());
        let mut input = Input::new(Box::new(Cursor::new(data)), watch, threads)?;
        input.read_to_end(&mut output)?;
        assert_eq!(input.read(&mut [0; 9])?, 0);
        Ok(output)
    }

    /// Reads with one thread and with three, which must do the same.
    fn read(data: Vec<u8>) -> io::Result<Vec<u8>> {
        let [serial, parallel] = [1, 3].map(|threads| read_with(threads, data.clone()));
        match (&serial, &parallel) {
            (Ok(serial), Ok(parallel)) => assert!(serial == parallel),
            (Err(serial), Err(parallel)) => assert_eq!(serial.to_string(), parallel.to_string()),
            _ => panic!("{:?}, but {:?}", serial.err(), parallel.err()),
        }
        serial
    }

    #[test]
    fn every_container_gives_the_same_bytes() {
        let data: Vec<u8> = (0..200_000u32).flat_map(|i| (i * i).to_le_bytes()).collect();
        assert_eq!(read(data.clone()).unwrap(), data);
        assert_eq!(read(gzip(&data)).unwrap(), data);
        assert_eq!(read(bgzf(&data)).unwrap(), data);
        assert_eq!(read(compress_to_vec(&data[..], CompressionLevel::Fastest)).unwrap(), data);
    }

    #[test]
    fn members_and_blocks_are_joined() {
        assert_eq!(read([gzip(b"left "), gzip(b"right")].concat()).unwrap(), b"left right");
        assert_eq!(read([bgzf(b"left "), bgzf(b"right")].concat()).unwrap(), b"left right");
        assert_eq!(read([bgzf(b"left "), gzip(b"right")].concat()).unwrap(), b"left right");
        assert_eq!(read([gzip(b"left "), bgzf(b"right")].concat()).unwrap(), b"left right");
        let many = [bgzf(b"a"), bgzf(b"b"), gzip(b"c"), gzip(b""), bgzf(b"d"), gzip(b"e")];
        assert_eq!(read(many.concat()).unwrap(), b"abcde");
    }

    #[test]
    fn zeros_may_follow_and_nothing_else() {
        for data in [gzip(b"text"), bgzf(b"text"), [bgzf(b"te"), gzip(b"xt")].concat()] {
            for zeros in [1, 17, 18, 19, 511, 2 * BUFFER_BYTES] {
                assert_eq!(read([&data[..], &vec![0; zeros]].concat()).unwrap(), b"text", "{zeros} zeros");
            }
            for garbage in
                [&b"x"[..], b"more text, as long as a header", &[&[0; 20][..], b"text and more text"].concat()]
            {
                let error = read([&data[..], garbage].concat()).unwrap_err();
                assert!(error.get_ref().is_some_and(|inner| inner.is::<Damaged>()), "{garbage:?}: {error}");
            }
        }
    }

    #[test]
    fn bgzf_without_its_end_marker_is_cut_also_before_gzip() {
        let block = bgzf(b"left ");
        let error = read([&block[..block.len() - BGZF_END.len()], &gzip(b"right")].concat()).unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<Damaged>()), "{error}");
    }

    #[test]
    fn every_prefix_of_bgzf_and_gzip_is_an_error() {
        let (blocks, member) = (bgzf(&b"GATTACA\n".repeat(20)), gzip(b"and more of them"));
        let data = [&blocks[..], &member].concat();
        for end in (2..data.len()).filter(|&end| end != blocks.len()) {
            assert!(read(data[..end].to_vec()).is_err(), "prefix of {end} bytes");
        }
    }

    #[test]
    fn the_container_is_told_by_content() {
        assert_eq!(Container::detect(b""), Container::Plain);
        assert_eq!(Container::detect(b"@read"), Container::Plain);
        assert_eq!(Container::detect(&[0x1f]), Container::Plain);
        assert_eq!(Container::detect(&gzip(b"data that is long enough")[..18]), Container::Gzip);
        assert_eq!(Container::detect(&bgzf(b"x")[..18]), Container::Bgzf);
        assert_eq!(Container::detect(&bgzf(b"x")[..17]), Container::Gzip);
        assert_eq!(Container::detect(&compress_to_vec(&b""[..], CompressionLevel::Fastest)), Container::Zstd);
    }

    #[test]
    fn a_bgzf_file_without_its_end_marker_is_truncated() {
        let mut data = bgzf(b"some text");
        data.truncate(data.len() - BGZF_END.len());
        let error = read(data).unwrap_err();
        assert!(error.get_ref().is_some_and(|inner| inner.is::<EndsEarly>()));
    }

    #[test]
    fn every_prefix_of_a_bgzf_file_is_an_error() {
        let data = bgzf(&b"GATTACA\n".repeat(20_000));
        for end in (2..data.len()).rev() {
            assert!(read(data[..end].to_vec()).is_err(), "prefix of {end} bytes");
        }
        assert!(read(data).is_ok());
    }

    #[test]
    fn a_flipped_bit_is_damage() {
        for mut data in [gzip(b"some text to damage"), bgzf(b"some text to damage")] {
            // Within the first member's deflate data, whatever the header's length.
            data[24] ^= 0x10;
            let error = read(data).unwrap_err();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Damaged>()), "{error}");
        }
    }
}
