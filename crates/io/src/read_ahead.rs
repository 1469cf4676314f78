//! Inflating an input in a thread of its own, a few chunks ahead of whoever reads it.

use std::{
    io::{self, Read},
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Inflated bytes that go from thread to thread at a time unless told otherwise.
const CHUNK_BYTES: usize = 256 * 1024;
/// Chunks that wait at most.
const WAITING_CHUNKS: usize = 4;

/// The bytes of an input, and its error if it has one.
pub(crate) struct ReadAhead {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    /// Bytes of `chunk` that have been handed out.
    taken: usize,
    at_end: bool,
}

impl ReadAhead {
    /// Starts the thread, which ends with the input or when nobody waits for it any more.
    pub(crate) fn new(input: impl Read + Send + 'static) -> io::Result<Self> {
        Self::with_chunks(input, CHUNK_BYTES)
    }

    /// The same, with so many bytes at a time.
    pub(crate) fn with_chunks(input: impl Read + Send + 'static, chunk_bytes: usize) -> io::Result<Self> {
        let (sender, chunks) = bounded(WAITING_CHUNKS);
        thread::Builder::new().name("read-ahead".into()).spawn(move || read_all(input, chunk_bytes, &sender))?;
        Ok(Self { chunks, chunk: Vec::new(), taken: 0, at_end: false })
    }
}

/// Sends chunks until the input ends, for which an empty one stands, or fails.
fn read_all(mut input: impl Read, chunk_bytes: usize, chunks: &Sender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = Vec::with_capacity(chunk_bytes);
        let outcome = input.by_ref().take(chunk_bytes as u64).read_to_end(&mut chunk);
        let is_last = chunk.is_empty();
        // What came before an error is good.
        if !(is_last && outcome.is_err()) && chunks.send(Ok(chunk)).is_err() {
            return;
        }
        if let Err(error) = outcome {
            // Nobody may wait for it.
            let _ = chunks.send(Err(error));
            return;
        }
        if is_last {
            return;
        }
    }
}

impl Read for ReadAhead {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() && !self.at_end {
            // A thread that died without an end is no end.
            self.chunk = self.chunks.recv().map_err(|_| io::Error::other("the thread that reads has stopped"))??;
            (self.taken, self.at_end) = (0, self.chunk.is_empty());
        }
        let count = (&self.chunk[self.taken..]).read(buffer)?;
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes, then an error or a panic.
    struct Failing {
        left: usize,
        panics: bool,
    }

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.left).min(1000);
            buffer[..count].fill(b'x');
            self.left -= count;
            assert!(count > 0 || !self.panics, "as it should");
            if count == 0 { Err(io::Error::other("broken")) } else { Ok(count) }
        }
    }

    #[test]
    fn all_bytes_come_and_the_end_stays() {
        for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 10 * CHUNK_BYTES] {
            let data: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let mut reader = ReadAhead::new(io::Cursor::new(data.clone())).unwrap();
            let mut found = Vec::new();
            reader.read_to_end(&mut found).unwrap();
            assert!(found == data, "{length}");
            assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        }
    }

    #[test]
    fn an_error_comes_after_what_was_read_and_a_lost_thread_is_one() {
        for (left, panics) in [(0, false), (5000, false), (3 * CHUNK_BYTES, false), (0, true), (5000, true)] {
            let mut found = Vec::new();
            let outcome = ReadAhead::new(Failing { left, panics }).unwrap().read_to_end(&mut found);
            assert!(outcome.is_err());
            assert!(panics || found.len() == left, "{left}");
        }
    }

    #[test]
    fn a_reader_that_goes_away_ends_the_thread() {
        struct Endless(#[expect(dead_code, reason = "dropped with the thread")] Sender<()>);
        impl Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                buffer.fill(0);
                Ok(buffer.len())
            }
        }
        let (sender, ended) = bounded(0);
        drop(ReadAhead::new(Endless(sender)).unwrap());
        assert!(ended.recv().is_err());
    }
}
