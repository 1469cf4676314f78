//! Inflating Zstandard (RFC 8878): frames one after the other, as several programs write them, skippable ones between them.
//!
//! A file that is cut within a frame is an error; a cut between two frames no reader can see.

use std::{
    error::Error as _,
    io::{self, BufRead, BufReader, Read},
};

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::input::{BUFFER_BYTES, Damaged, EndsEarly};

/// The first bytes of a frame, and the last three of those of a skippable one, whose first is 0x50 to 0x5f.
const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Whether a file that starts with these bytes is compressed so.
pub(crate) fn is_zstd(start: &[u8]) -> bool {
    start.starts_with(&FRAME) || start.first().is_some_and(|byte| byte >> 4 == 5) && start[1..].starts_with(&SKIPPABLE)
}

/// The inflated bytes.
pub(crate) struct ZstdReader<R> {
    source: BufReader<R>,
    frame: FrameDecoder,
    in_frame: bool,
}

impl<R: Read> ZstdReader<R> {
    pub(crate) fn new(source: R) -> Self {
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        Self { source, frame: FrameDecoder::new(), in_frame: false }
    }

    /// Starts the next frame, or passes over a skippable one.
    fn start_frame(&mut self) -> io::Result<()> {
        match self.frame.reset(&mut self.source) {
            Ok(()) => self.in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                let length = u64::from(length);
                if io::copy(&mut self.source.by_ref().take(length), &mut io::sink())? < length {
                    return Err(io::Error::other(EndsEarly));
                }
            }
            Err(error) => return Err(classify(error)),
        }
        Ok(())
    }

    /// Ends a frame all of which has been handed out.
    fn end_frame(&mut self) -> io::Result<()> {
        self.in_frame = false;
        let expected = self.frame.get_checksum_from_data();
        if expected.is_some() && expected != self.frame.get_calculated_checksum() {
            return Err(io::Error::other(Damaged(io::Error::other("a checksum differs"))));
        }
        Ok(())
    }
}

impl<R: Read> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.in_frame && self.frame.can_collect() > 0 {
                return self.frame.read(buffer);
            }
            if !self.in_frame {
                if self.source.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.start_frame()?;
            } else if self.frame.is_finished() {
                self.end_frame()?;
            } else {
                self.frame.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1)).map_err(classify)?;
            }
        }
    }
}

/// Separates an early end and damaged data from failures of the device below.
fn classify(error: FrameDecoderError) -> io::Error {
    let mut cause = error.source();
    while let Some(inner) = cause {
        match inner.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::UnexpectedEof) => return io::Error::other(EndsEarly),
            Some(kind) => return io::Error::new(kind, error),
            None => cause = inner.source(),
        }
    }
    io::Error::other(Damaged(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn read(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        ZstdReader::new(data).read_to_end(&mut output)?;
        Ok(output)
    }

    fn compressed(data: &[u8]) -> Vec<u8> {
        compress_to_vec(data, CompressionLevel::Fastest)
    }

    #[test]
    fn frames_are_joined_and_skippable_ones_passed_over() {
        let text = b"GATTACA and so on\n".repeat(40_000);
        let skippable = [&[0x53][..], &SKIPPABLE, &[3, 0, 0, 0], b"xyz"].concat();
        let file = [skippable.clone(), compressed(&text), skippable, compressed(b""), compressed(b"end")].concat();
        assert!(is_zstd(&file) && is_zstd(&compressed(b"")) && !is_zstd(b"@read") && !is_zstd(b""));
        assert!(read(&file).unwrap() == [&text[..], b"end"].concat());
    }

    #[test]
    fn every_cut_within_a_frame_is_an_early_end() {
        let data: Vec<u8> = (0..3000u32).flat_map(|i| (i * i * 7).to_le_bytes()).collect();
        let file = compressed(&data);
        for end in 1..file.len() {
            let error = read(&file[..end]).unwrap_err();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<EndsEarly>()), "{end}: {error}");
        }
        assert!(read(&file).unwrap() == data);
    }

    #[test]
    fn damage_is_told() {
        // "hello\n" as zstd -c writes it, with the checksum of its content.
        let file = [
            0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x31, 0x00, 0x00, b'h', b'e', b'l', b'l', b'o', b'\n', 0x00, 0x00,
            0x00, 0x00,
        ];
        for data in [
            &file[..],
            b"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            &[&compressed(b"x")[..], b"rubbish"].concat(),
        ] {
            let error = read(data).unwrap_err();
            assert!(error.get_ref().is_some_and(|inner| inner.is::<Damaged>()), "{error}");
        }
    }
}
