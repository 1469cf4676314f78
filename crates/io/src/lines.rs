//! Groups of lines out of any byte source, without copying them.

use std::{
    io::{self, Read},
    ops::Range,
};

use memchr::memchr;

/// First size of the buffer; it stays in the second-level cache and holds whole BGZF blocks.
const INITIAL_BYTES: usize = 512 * 1024;

/// A buffer that hands out `N` lines at a time as slices of itself.
///
/// `BufRead::read_until` would copy every line once more and check its buffer once a line.
pub(crate) struct LineReader<R> {
    inner: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are read but not handed out.
    pending: Range<usize>,
    limit: usize,
    at_end: bool,
}

/// Up to `N` lines; fewer only at the end of the input.
pub(crate) struct Lines<'a, const N: usize> {
    /// The lines without `\n` or `\r\n`; empty beyond `count`.
    pub(crate) lines: [&'a [u8]; N],
    /// Lines that are there; a missing line end at the end of the input is tolerated.
    pub(crate) count: usize,
}

impl<R: Read> LineReader<R> {
    /// Reads lines from `inner`; a group of lines longer than `limit` bytes is an error, so that a
    /// binary file given by mistake does not fill the memory.
    pub(crate) fn new(inner: R, limit: usize) -> Self {
        let buffer = vec![0; INITIAL_BYTES.min(limit)];
        Self { inner, buffer, pending: 0..0, limit, at_end: false }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&mut self) -> io::Result<bool> {
        while self.pending.is_empty() && !self.at_end {
            self.fill()?;
        }
        Ok(self.pending.is_empty())
    }

    /// The next line, which stays unread.
    pub(crate) fn first_line(&mut self) -> io::Result<&[u8]> {
        let mut searched = 0;
        loop {
            let pending = &self.buffer[self.pending.clone()];
            let end = memchr(b'\n', &pending[searched..]).map(|found| searched + found);
            if let Some(end) = end.or(self.at_end.then_some(pending.len())) {
                let line = &self.buffer[self.pending.start..self.pending.start + end];
                return Ok(line.strip_suffix(b"\r").unwrap_or(line));
            }
            searched = pending.len();
            self.fill()?;
        }
    }

    /// The next `N` lines.
    pub(crate) fn next<const N: usize>(&mut self) -> io::Result<Lines<'_, N>> {
        // Offsets of the line ends, relative to the start of what is pending: they stay valid
        // when `fill` moves the pending bytes.
        let mut ends = [0; N];
        let mut count = 0;
        let mut searched = 0;
        while count < N {
            let pending = &self.buffer[self.pending.clone()];
            if let Some(found) = memchr(b'\n', &pending[searched..]) {
                ends[count] = searched + found;
                searched = ends[count] + 1;
                count += 1;
                continue;
            }
            let last_line_start = if count == 0 { 0 } else { ends[count - 1] + 1 };
            searched = pending.len();
            if !self.at_end {
                self.fill()?;
            } else {
                if last_line_start < searched {
                    ends[count] = searched;
                    count += 1;
                }
                break;
            }
        }
        let group = self.pending.start;
        self.pending.start += searched;
        Ok(Lines { lines: slice_lines(&self.buffer[group..], &ends[..count]), count })
    }

    /// Reads once more, after moving the pending bytes to the front and growing a full buffer.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.pending.clone(), 0);
        self.pending = 0..self.pending.len();
        if self.pending.end == self.buffer.len() {
            if self.buffer.len() >= self.limit {
                let message = format!("a record is longer than {} bytes", self.limit);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            let size = (2 * self.buffer.len()).min(self.limit);
            self.buffer.resize(size, 0);
        }
        loop {
            match self.inner.read(&mut self.buffer[self.pending.end..]) {
                Ok(0) => self.at_end = true,
                Ok(count) => self.pending.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}

fn slice_lines<'a, const N: usize>(group: &'a [u8], ends: &[usize]) -> [&'a [u8]; N] {
    let mut lines: [&[u8]; N] = [&[]; N];
    let mut start = 0;
    for (line, &end) in lines.iter_mut().zip(ends) {
        let bytes = &group[start..end];
        *line = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        start = end + 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives at most `step` bytes at a time, as a pipe may.
    struct Trickle<'a> {
        data: &'a [u8],
        step: usize,
    }

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let size = self.step.min(buffer.len());
            self.data.read(&mut buffer[..size])
        }
    }

    fn collect<const N: usize>(data: &[u8], step: usize, limit: usize) -> Vec<Vec<Vec<u8>>> {
        let mut reader = LineReader::new(Trickle { data, step }, limit);
        let mut groups = Vec::new();
        loop {
            let group = reader.next::<N>().unwrap();
            if group.count == 0 {
                return groups;
            }
            groups.push(group.lines[..group.count].iter().map(|line| line.to_vec()).collect());
        }
    }

    #[test]
    fn groups_are_the_same_however_the_bytes_arrive() {
        let data = b"one\r\n\nthree\nfour\r\nfive";
        for step in 1..=data.len() + 1 {
            assert_eq!(
                collect::<2>(data, step, 64),
                [vec![b"one".to_vec(), vec![]], vec![b"three".to_vec(), b"four".to_vec()], vec![b"five".to_vec()]],
                "step {step}"
            );
        }
    }

    #[test]
    fn the_first_line_stays() {
        for (data, first) in [(&b"one\r\ntwo\n"[..], &b"one"[..]), (b"one", b"one"), (b"\ntwo", b""), (b"", b"")] {
            for step in 1..5 {
                let mut reader = LineReader::new(Trickle { data, step }, 64);
                assert_eq!(reader.first_line().unwrap(), first);
                let lines = reader.next::<1>().unwrap();
                assert_eq!((lines.lines[0], lines.count), (first, usize::from(!data.is_empty())));
            }
        }
    }

    #[test]
    fn a_final_line_end_adds_no_line() {
        assert_eq!(collect::<1>(b"a\n", 8, 64).len(), 1);
        assert_eq!(collect::<1>(b"a\n\n", 8, 64).len(), 2);
        assert_eq!(collect::<1>(b"", 8, 64).len(), 0);
    }

    #[test]
    fn the_buffer_grows_up_to_the_limit_and_no_further() {
        let long = [vec![b'A'; 100], b"\n".to_vec()].concat();
        let mut reader = LineReader::new(long.as_slice(), 101);
        assert_eq!(reader.next::<1>().unwrap().lines[0].len(), 100);
        let mut reader = LineReader::new(long.as_slice(), 100);
        assert!(reader.next::<1>().is_err());
    }
}
