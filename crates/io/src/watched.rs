//! Inputs whose bytes are watched while they are read: how many there were, and their SHA-256.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::file_digest::{FileDigest, FileDigester};

/// What is known of an input, at any time and from any thread.
#[derive(Debug)]
pub struct InputWatch {
    size: Option<u64>,
    read: AtomicU64,
    /// None if it isn't wanted.
    digest: Mutex<Option<FileDigester>>,
}

impl InputWatch {
    /// A watch over the bytes of `file`, or of a stream whose size nobody knows.
    pub(crate) fn new(file: Option<&File>, with_digest: bool) -> Arc<Self> {
        let metadata = file.and_then(|file| file.metadata().ok());
        let size = metadata.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let digest = Mutex::new(with_digest.then(FileDigester::default));
        Arc::new(Self { size, read: AtomicU64::new(0), digest })
    }

    /// Bytes of the file, compressed as they are; none for a stream.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Bytes that have been read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Leaves the digest out.
    pub(crate) fn stop_digest(&self) {
        *self.digest() = None;
    }

    /// The digest of the bytes that have been read, if it was wanted: of the whole input once that has been read.
    #[must_use]
    pub fn file_digest(&self) -> Option<FileDigest> {
        self.digest().clone().map(FileDigester::finish)
    }

    fn digest(&self) -> std::sync::MutexGuard<'_, Option<FileDigester>> {
        // A panic elsewhere leaves the digest as good as it was.
        self.digest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes bytes on and shows them to a watch.
pub(crate) struct WatchedReader<R> {
    inner: R,
    watch: Arc<InputWatch>,
}

impl<R: Read> WatchedReader<R> {
    pub(crate) fn new(inner: R, watch: Arc<InputWatch>) -> Self {
        Self { inner, watch }
    }
}

impl<R: Read> Read for WatchedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if let Some(digest) = &mut *self.watch.digest() {
            digest.update(&buffer[..count]);
        }
        self.watch.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
