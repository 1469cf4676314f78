//! Writing BGZF (SAM specification v1, section 4.1): threads compress blocks, and one more writes them in order.
//!
//! Blocks are cut by their content's bytes alone, so threads can't show in the file. A thread keeps its compressor, and buffers go
//! round. noodles' writer gives the same bytes (a test compares them) and makes all of these anew for each block.

use std::{
    io::{self, Write},
    thread::{Builder, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use libdeflater::{CompressionLvl, Compressor, Crc};

use crate::bgzf_input::BGZF_END;

/// Blocks that a thread is given at a time, so that threads seldom wake each other.
const BLOCKS_AT_ONCE: usize = 4;
/// Bytes of a block's content: with what surrounds them they fit a block even if they can't be compressed.
const CONTENT_BYTES: usize = 65_495;
/// Most bytes of a block.
const MAX_BLOCK_BYTES: usize = 1 << 16;
/// What a block starts with, but for its size.
const HEADER: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, b'B', b'C', 2, 0];
/// Bytes of a block before its compressed data: the header, and the size less one.
const HEADER_BYTES: usize = HEADER.len() + 2;
/// Bytes behind it: checksum and size of the content.
const TRAILER_BYTES: usize = 8;

/// Where a block starts, in the file and in the uncompressed stream.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct BlockStart {
    pub(crate) compressed: u64,
    pub(crate) uncompressed: u64,
}

/// How a BGZF file is written.
pub(crate) struct BgzfOptions {
    /// Threads that compress, at least one.
    pub(crate) threads: usize,
    /// DEFLATE level, 0 to 9.
    pub(crate) level: u8,
    /// Is told of each block but the first where it starts, once the one before has been written.
    pub(crate) starts: Option<Sender<BlockStart>>,
}

/// Writes BGZF. Dropping it without [`finish`](Self::finish) leaves the end marker out.
pub(crate) struct BgzfWriter<W> {
    /// The content at hand.
    content: Vec<u8>,
    /// None after an error.
    threads: Option<Threads<W>>,
}

struct Threads<W> {
    jobs: Sender<Job>,
    /// Pieces to come, in order.
    order: Sender<Receiver<io::Result<Piece>>>,
    /// Pieces that have been written.
    spare: Receiver<Piece>,
    writer: JoinHandle<io::Result<W>>,
}

struct Job {
    piece: Piece,
    done: Sender<io::Result<Piece>>,
}

/// The content of some blocks, and room for the blocks.
struct Piece {
    content: Vec<u8>,
    /// The blocks, one after the other, and what is left of the room.
    bytes: Vec<u8>,
    /// Bytes of each block.
    sizes: Vec<usize>,
}

/// Bytes of a piece's content.
const PIECE_BYTES: usize = BLOCKS_AT_ONCE * CONTENT_BYTES;

impl Piece {
    fn new() -> Self {
        let bytes = vec![0; BLOCKS_AT_ONCE * MAX_BLOCK_BYTES];
        Self { content: Vec::with_capacity(PIECE_BYTES), bytes, sizes: Vec::new() }
    }

    /// Makes the blocks.
    fn compress(&mut self, compressor: &mut Compressor) -> io::Result<()> {
        self.sizes.clear();
        let mut start = 0;
        for content in self.content.chunks(CONTENT_BYTES) {
            let size = compress(compressor, content, &mut self.bytes[start..start + MAX_BLOCK_BYTES])?;
            self.sizes.push(size);
            start += size;
        }
        Ok(())
    }

    fn blocks(&self) -> &[u8] {
        &self.bytes[..self.sizes.iter().sum()]
    }
}

impl<W: Write + Send + 'static> BgzfWriter<W> {
    /// Starts the threads.
    pub(crate) fn new(output: W, options: BgzfOptions) -> io::Result<Self> {
        let threads = options.threads.max(1);
        let level = level(options.level)?;
        let (jobs, jobs_in) = unbounded();
        // Bounds the blocks under way.
        let (order, order_in) = bounded(2 * threads);
        let (spare_out, spare) = unbounded();
        for _ in 0..threads {
            let jobs = jobs_in.clone();
            Builder::new().spawn(move || compress_all(level, &jobs))?;
        }
        let write = move || write_all(output, &order_in, &spare_out, options.starts.as_ref());
        let writer = Builder::new().spawn(write)?;
        let threads = Some(Threads { jobs, order, spare, writer });
        Ok(Self { content: Vec::with_capacity(PIECE_BYTES), threads })
    }

    /// Appends to the uncompressed stream. An error of the output may come some pieces later, and nothing can be written then.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while self.content.len() + bytes.len() >= PIECE_BYTES {
            let (head, rest) = bytes.split_at(PIECE_BYTES - self.content.len());
            self.content.extend_from_slice(head);
            bytes = rest;
            self.hand_out()?;
        }
        self.content.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes what is left and the end marker, and returns the output.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if !self.content.is_empty() {
            self.hand_out()?;
        }
        let mut output = self.end()?;
        output.write_all(&BGZF_END)?;
        Ok(output)
    }

    /// Gives the content at hand to a thread.
    fn hand_out(&mut self) -> io::Result<()> {
        let Some(threads) = &self.threads else { return Err(threads_gone()) };
        let mut piece = threads.spare.try_recv().unwrap_or_else(|_| Piece::new());
        piece.content.clear();
        std::mem::swap(&mut piece.content, &mut self.content);
        let (done, result) = bounded(1);
        if threads.order.send(result).is_ok() && threads.jobs.send(Job { piece, done }).is_ok() {
            return Ok(());
        }
        // It stopped at an error.
        self.end().and_then(|_| Err(threads_gone()))
    }
}

impl<W> BgzfWriter<W> {
    /// Waits until all that was handed out is written.
    fn end(&mut self) -> io::Result<W> {
        let Some(Threads { jobs, order, writer, .. }) = self.threads.take() else { return Err(threads_gone()) };
        drop((jobs, order));
        writer.join().unwrap_or_else(|_| Err(threads_gone()))
    }
}

impl<W> Drop for BgzfWriter<W> {
    fn drop(&mut self) {
        // The output is gone when this is.
        let _ = self.end();
    }
}

fn write_all<W: Write>(
    mut output: W,
    pieces: &Receiver<Receiver<io::Result<Piece>>>,
    spare: &Sender<Piece>,
    starts: Option<&Sender<BlockStart>>,
) -> io::Result<W> {
    let mut next = BlockStart::default();
    for piece in pieces {
        let piece = piece.recv().map_err(|_| threads_gone())??;
        output.write_all(piece.blocks())?;
        for (size, content) in piece.sizes.iter().zip(piece.content.chunks(CONTENT_BYTES)) {
            next.compressed += *size as u64;
            next.uncompressed += content.len() as u64;
            if let Some(starts) = starts {
                // Nobody listens any more after an error.
                let _ = starts.send(next);
            }
        }
        // At the end nobody needs it.
        let _ = spare.send(piece);
    }
    Ok(output)
}

fn compress_all(level: CompressionLvl, jobs: &Receiver<Job>) {
    let mut compressor = Compressor::new(level);
    for Job { mut piece, done } in jobs {
        let result = piece.compress(&mut compressor).map(|()| piece);
        // Nobody waits any more after an error.
        let _ = done.send(result);
    }
}

/// Makes a block, at the start of `block`, and returns its size.
fn compress(compressor: &mut Compressor, content: &[u8], block: &mut [u8]) -> io::Result<usize> {
    let (header, data) = block.split_at_mut(HEADER_BYTES);
    let room = data.len() - TRAILER_BYTES;
    let deflated = match compressor.deflate_compress(content, &mut data[..room]) {
        Ok(size) => size,
        // Several stored pieces, as higher levels make them, may need more room than one.
        Err(_) => Compressor::new(level(0)?).deflate_compress(content, &mut data[..room]).map_err(io::Error::other)?,
    };
    let trailer = &mut data[deflated..deflated + TRAILER_BYTES];
    let mut crc = Crc::new();
    crc.update(content);
    trailer[..4].copy_from_slice(&crc.sum().to_le_bytes());
    trailer[4..].copy_from_slice(&(content.len() as u32).to_le_bytes());
    let size = HEADER_BYTES + deflated + TRAILER_BYTES;
    header[..HEADER.len()].copy_from_slice(&HEADER);
    header[HEADER.len()..].copy_from_slice(&(size as u16).wrapping_sub(1).to_le_bytes());
    Ok(size)
}

fn level(number: u8) -> io::Result<CompressionLvl> {
    CompressionLvl::new(number.into()).map_err(|_| io::Error::other("expected a level that DEFLATE has"))
}

fn threads_gone() -> io::Error {
    io::Error::other("a thread that compresses stopped early")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use noodles::bgzf;

    use super::*;

    fn options(threads: usize, level: u8) -> BgzfOptions {
        BgzfOptions { threads, level, starts: None }
    }

    /// Bytes that can't be compressed.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..bytes).map(|_| next()).collect()
    }

    fn text(bytes: usize) -> Vec<u8> {
        noise(bytes).into_iter().map(|byte| b"ACGTTTTN"[usize::from(byte >> 5)]).collect()
    }

    fn written(pieces: &[&[u8]], options: BgzfOptions) -> Vec<u8> {
        let mut writer = BgzfWriter::new(Vec::new(), options).unwrap();
        pieces.iter().for_each(|piece| writer.write(piece).unwrap());
        writer.finish().unwrap()
    }

    fn by_noodles(data: &[u8], level: u8) -> Vec<u8> {
        let level = bgzf::io::writer::CompressionLevel::new(level).unwrap();
        let builder = bgzf::io::multithreaded_writer::Builder::default().set_compression_level(level);
        let mut writer = builder.build_from_writer(Vec::new());
        writer.write_all(data).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_noodles_however_the_content_is_cut() {
        let sizes = [0, 1, CONTENT_BYTES - 1, CONTENT_BYTES, CONTENT_BYTES + 1, PIECE_BYTES, 2 * PIECE_BYTES + 5];
        for data in sizes.map(text) {
            for level in [0, 1, 6, 9] {
                let expected = by_noodles(&data, level);
                for (piece, threads) in [(100, 1), (CONTENT_BYTES, 2), (data.len().max(1), 3)] {
                    let pieces: Vec<_> = data.chunks(piece).collect();
                    assert!(written(&pieces, options(threads, level)) == expected, "{} {level} {piece}", data.len());
                }
            }
        }
    }

    #[test]
    fn noise_fits_its_blocks() {
        let data = noise(2 * CONTENT_BYTES + 7);
        for level in 0..=12 {
            let mut content = Vec::new();
            let file = written(&[&data], options(1, level));
            bgzf::io::Reader::new(&file[..]).read_to_end(&mut content).unwrap();
            assert!(content == data, "{level}");
        }
        assert!(BgzfWriter::new(Vec::new(), options(1, 13)).is_err());
    }

    #[test]
    fn blocks_start_where_it_says() {
        let data = text(2 * CONTENT_BYTES + 7);
        let (starts, told) = unbounded();
        let file = written(&[&data], BgzfOptions { starts: Some(starts), ..options(2, 1) });
        let mut reader = bgzf::io::Reader::new(io::Cursor::new(&file));
        let starts: Vec<BlockStart> = told.iter().collect();
        assert_eq!(starts.len(), 3);
        for (start, before) in starts.iter().zip(1..) {
            assert_eq!(start.uncompressed, (before * CONTENT_BYTES).min(data.len()) as u64);
            reader.get_mut().seek(io::SeekFrom::Start(start.compressed)).unwrap();
            let mut rest = Vec::new();
            bgzf::io::Reader::new(reader.get_mut()).read_to_end(&mut rest).unwrap();
            assert!(rest == data[start.uncompressed as usize..], "{start:?}");
        }
    }

    /// Takes so many bytes.
    struct Full(usize);

    impl Write for Full {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(buffer.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(buffer.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_error_of_the_output_is_told_whenever_it_comes() {
        let block = noise(CONTENT_BYTES);
        let blocks = 2 * BLOCKS_AT_ONCE + 1;
        let all = blocks * (CONTENT_BYTES + 5 + HEADER_BYTES + TRAILER_BYTES) + BGZF_END.len();
        let write = |room| {
            let mut writer = BgzfWriter::new(Full(room), options(2, 1))?;
            (0..blocks).try_for_each(|_| writer.write(&block))?;
            writer.finish().map(|output| output.0)
        };
        assert_eq!(write(all).unwrap(), 0);
        for room in [0, 1, all / 2, all - BGZF_END.len(), all - 1] {
            assert_eq!(write(room).unwrap_err().kind(), io::ErrorKind::StorageFull, "{room}");
        }
        let mut writer = BgzfWriter::new(Full(0), options(1, 1)).unwrap();
        assert!((0..100).any(|_| writer.write(&block).is_err()));
        assert!(writer.finish().is_err(), "an error that has been told stays one");
    }

    #[test]
    fn without_its_end_there_is_no_end_marker() {
        let (bytes_out, bytes) = unbounded();
        struct Teller(Sender<Vec<u8>>);
        impl Write for Teller {
            fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
                self.0.send(buffer.to_vec()).map_err(io::Error::other)?;
                Ok(buffer.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut writer = BgzfWriter::new(Teller(bytes_out), options(1, 1)).unwrap();
        let data = text(PIECE_BYTES + 1);
        writer.write(&data).unwrap();
        drop(writer);
        // All that was written has been by now: the output is gone, so the channel ends.
        let file: Vec<u8> = bytes.iter().flatten().collect();
        let whole = by_noodles(&data[..PIECE_BYTES], 1);
        assert!(file == whole[..whole.len() - BGZF_END.len()]);
    }
}
