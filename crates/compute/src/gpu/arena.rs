//! The bases of a dispatch: what the host sends, and what the device gathers from the resident reference.

use super::chunks::{pack, words};
use crate::kernels::windows::Window;
use crate::kernels::windows::layout::{Entry, REVERSED};

/// Sequences of eight 4-bit codes a word. Words that the device gathers come first, those that the host sends behind them.
#[derive(Debug, Default)]
pub(crate) struct Arena {
    sent: Vec<u32>,
    gathered: Vec<Entry>,
    /// Words left free for what is gathered, and how many of them are in use.
    room: usize,
    used: usize,
}

impl Arena {
    /// Empties the arena and keeps its memory, for targets of these lengths in the reference, and any others.
    pub(crate) fn restart(&mut self, gathered_lengths: impl Iterator<Item = usize>) {
        self.sent.clear();
        self.gathered.clear();
        self.room = gathered_lengths.map(words).sum();
        self.used = 0;
    }

    /// Adds a sequence to send; returns its first word.
    pub(crate) fn send(&mut self, codes: &[u8]) -> u32 {
        self.room as u32 + pack(&mut self.sent, codes)
    }

    /// Adds the first `length` bases of a target of `whole` bases to gather, for which there has to be room; returns its
    /// first word.
    pub(crate) fn gather(&mut self, window: Window, whole: usize, length: usize) -> u32 {
        // The first bases of a reversed target are the last of its window.
        let skipped = if window.reversed { whole - length } else { 0 };
        let reversed = if window.reversed { REVERSED } else { 0 };
        let word = self.used as u32;
        self.used += words(length);
        let start = window.start + skipped as u32;
        self.gathered.push(Entry { start, shape: length as u32 | reversed, word });
        word
    }

    /// The words to send, the byte that they start at, and what to gather before it.
    pub(crate) fn parts(&self) -> (&[u32], u64, &[Entry]) {
        (&self.sent, 4 * self.room as u64, &self.gathered)
    }

    /// Bytes of all words.
    pub(crate) fn size(&self) -> u64 {
        4 * (self.room + self.sent.len()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gathered_words_come_first() {
        let mut arena = Arena::default();
        // What was there before leaves no trace.
        arena.restart([70].into_iter());
        arena.send(&[1; 70]);
        arena.gather(Window { start: 7, reversed: false }, 70, 70);
        arena.restart([9, 3].into_iter());
        assert_eq!(arena.send(&[1, 2]), 3);
        assert_eq!(arena.gather(Window { start: 70, reversed: false }, 20, 9), 0);
        assert_eq!(arena.send(&[3; 9]), 4);
        assert_eq!(arena.gather(Window { start: 70, reversed: true }, 20, 3), 2);
        let (sent, offset, gathered) = arena.parts();
        assert_eq!((sent, offset, arena.size()), (&[0x21, 0x3333_3333, 3][..], 12, 24));
        let entries = [Entry { start: 70, shape: 9, word: 0 }, Entry { start: 87, shape: 3 | REVERSED, word: 2 }];
        assert_eq!(gathered, entries);
    }
}
