//! Inflating BGZF, on one thread or several, to its end marker.
//!
//! Lanes that were put together with `cat` may be compressed differently: gzip that is not BGZF may follow the end marker, and is
//! then read to its end as plain gzip is.

use std::{
    io::{self, BufReader, Chain, Cursor, Read},
    num::NonZero,
};

use noodles::bgzf;

use crate::{
    gzip_input::GzipReader,
    input::{BUFFER_BYTES, Damaged, EndsEarly, classify},
};

/// Bytes of a block's header, which end with the block's size less one.
pub(crate) const HEADER_BYTES: usize = 18;

/// The empty BGZF block that ends every complete BGZF file (SAM specification v1, section 4.1.2).
pub(crate) const BGZF_END: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, b'B', b'C', 0x02, 0, 0x1b, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// Whether a block begins with these bytes, a whole header at least.
///
/// FLG.FEXTRA is set, XLEN 6 and a subfield `BC` of two bytes: the form every BGZF writer uses. Any other layout of extra fields
/// is still valid gzip.
pub(crate) fn is_header(head: &[u8]) -> bool {
    head.len() >= HEADER_BYTES && head[..4] == [0x1f, 0x8b, 0x08, 0x04] && head[10..16] == [6, 0, b'B', b'C', 2, 0]
}

/// The inflated bytes.
pub(crate) enum BgzfReader<R: Read> {
    Serial(Box<bgzf::io::Reader<BlockReader<R>>>),
    Parallel(Box<bgzf::io::MultithreadedReader<BlockReader<R>>>),
    /// Behind the blocks; all threads have ended.
    Gzip(GzipReader<Rest<R>>),
    Ended,
}

impl<R: Read + Send + 'static> BgzfReader<R> {
    /// With so many threads that inflate; one is the thread that reads.
    pub(crate) fn new(source: R, threads: NonZero<usize>) -> Self {
        let source = BlockReader::new(source);
        if threads.get() == 1 {
            return Self::Serial(Box::new(bgzf::io::Reader::new(source)));
        }
        Self::Parallel(Box::new(bgzf::io::MultithreadedReader::with_worker_count(threads, source)))
    }
}

impl<R: Read + Send + 'static> Read for BgzfReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match self {
            Self::Serial(reader) => reader.read(buffer),
            Self::Parallel(reader) => reader.read(buffer),
            Self::Gzip(reader) => return reader.read(buffer).map_err(classify),
            Self::Ended => return Ok(0),
        };
        let count = count.map_err(classify)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        let blocks = match std::mem::replace(self, Self::Ended) {
            Self::Serial(reader) => reader.into_inner(),
            Self::Parallel(mut reader) => reader.finish().map_err(classify)?,
            Self::Gzip(_) | Self::Ended => return Ok(0),
        };
        *self = Self::Gzip(GzipReader::new(blocks.into_rest()?));
        self.read(buffer)
    }
}

/// What follows the last block.
type Rest<R> = Chain<Cursor<Vec<u8>>, BufReader<R>>;

/// Passes blocks on, up to where none begins, and remembers the last bytes, to see whether they were the BGZF end marker.
pub(crate) struct BlockReader<R> {
    inner: BufReader<R>,
    /// The header of the block, or at the end what is none.
    head: Vec<u8>,
    /// Bytes of the header that have been passed on.
    passed: usize,
    /// Bytes of the block behind its header that have not.
    left: usize,
    has_ended: bool,
    tail: [u8; BGZF_END.len()],
}

impl<R: Read> BlockReader<R> {
    fn new(source: R) -> Self {
        let inner = BufReader::with_capacity(BUFFER_BYTES, source);
        Self { inner, head: Vec::new(), passed: 0, left: 0, has_ended: false, tail: [0; BGZF_END.len()] }
    }

    fn read_head(&mut self) -> io::Result<()> {
        self.head.clear();
        self.passed = 0;
        self.inner.by_ref().take(HEADER_BYTES as u64).read_to_end(&mut self.head)?;
        self.has_ended = !is_header(&self.head);
        if let (false, Some(size)) = (self.has_ended, self.head.last_chunk()) {
            self.left = (usize::from(u16::from_le_bytes(*size)) + 1).saturating_sub(HEADER_BYTES);
        }
        Ok(())
    }

    /// What follows the end marker.
    fn into_rest(self) -> io::Result<Rest<R>> {
        if self.tail == BGZF_END {
            return Ok(Cursor::new(self.head).chain(self.inner));
        }
        if self.head.len() < HEADER_BYTES {
            return Err(io::Error::other(EndsEarly));
        }
        let source = io::Error::new(io::ErrorKind::InvalidData, "expected a BGZF block");
        Err(io::Error::other(Damaged(source)))
    }

    fn remember(&mut self, bytes: &[u8]) {
        let length = self.tail.len();
        if let Some(last) = bytes.last_chunk() {
            self.tail = *last;
        } else {
            self.tail.rotate_left(bytes.len());
            self.tail[length - bytes.len()..].copy_from_slice(bytes);
        }
    }
}

impl<R: Read> Read for BlockReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.passed == self.head.len() && self.left == 0 {
            self.read_head()?;
        }
        if self.has_ended {
            return Ok(0);
        }
        let count = if self.passed < self.head.len() {
            let count = (&self.head[self.passed..]).read(buffer)?;
            self.passed += count;
            count
        } else {
            let most = buffer.len().min(self.left);
            let count = self.inner.read(&mut buffer[..most])?;
            self.left -= count;
            count
        };
        self.remember(&buffer[..count]);
        Ok(count)
    }
}
