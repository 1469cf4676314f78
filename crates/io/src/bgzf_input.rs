//! Inflating BGZF, on one thread or several, to its end marker.

use std::{
    io::{self, BufReader, Read},
    num::NonZero,
};

use noodles::bgzf;

use crate::input::{BUFFER_BYTES, EndsEarly, classify};

/// The empty BGZF block that ends every complete BGZF file (SAM specification v1, section 4.1.2).
pub(crate) const BGZF_END: [u8; 28] = [
    0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x06, 0, b'B', b'C', 0x02, 0, 0x1b, 0, 0x03, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];

/// The inflated bytes.
pub(crate) enum BgzfReader<R: Read> {
    Serial(Box<bgzf::io::Reader<TailReader<R>>>),
    Parallel(Box<bgzf::io::MultithreadedReader<TailReader<R>>>),
    /// All threads have ended.
    Ended,
}

impl<R: Read + Send + 'static> BgzfReader<R> {
    /// With so many threads that inflate; one is the thread that reads.
    pub(crate) fn new(source: R, threads: NonZero<usize>) -> Self {
        let source = TailReader::new(source);
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
            Self::Ended => return Ok(0),
        };
        let count = count.map_err(classify)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        let tail = match std::mem::replace(self, Self::Ended) {
            Self::Serial(reader) => reader.get_ref().tail,
            Self::Parallel(mut reader) => reader.finish().map_err(classify)?.tail,
            Self::Ended => BGZF_END,
        };
        if tail == BGZF_END { Ok(0) } else { Err(io::Error::other(EndsEarly)) }
    }
}

/// Passes bytes on and remembers the last ones, to see whether they were the BGZF end marker.
pub(crate) struct TailReader<R> {
    inner: BufReader<R>,
    tail: [u8; BGZF_END.len()],
}

impl<R: Read> TailReader<R> {
    fn new(source: R) -> Self {
        let inner = BufReader::with_capacity(BUFFER_BYTES, source);
        Self { inner, tail: [0; BGZF_END.len()] }
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

impl<R: Read> Read for TailReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.remember(&buffer[..count]);
        Ok(count)
    }
}
