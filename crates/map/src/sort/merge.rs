//! Merging sorted runs.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io::{self, Read};

use svala_io::SpillReader;

use super::order::{FIXED_BYTES, compare_same_key, key};

/// The next record of a run. The heap's greatest is the record that comes first.
struct Head {
    key: u64,
    record: Vec<u8>,
    run: SpillReader,
}

impl Head {
    /// Reads the next record; false at the end of the run.
    fn advance(&mut self) -> io::Result<bool> {
        let mut size = [0; 4];
        if self.run.read(&mut size[..1])? == 0 {
            return Ok(false);
        }
        self.run.read_exact(&mut size[1..])?;
        self.record.resize((4 + u32::from_le_bytes(size) as usize).max(FIXED_BYTES), 0);
        self.record[..4].copy_from_slice(&size);
        self.run.read_exact(&mut self.record[4..])?;
        self.key = key(&self.record);
        Ok(true)
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then_with(|| compare_same_key(&other.record, &self.record))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// Hands the records of all `runs` to `sink`, in order. `failed` names the place of a failed read.
pub(super) fn merge<E>(
    runs: Vec<SpillReader>,
    failed: impl Fn(io::Error) -> E,
    mut sink: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut heads = BinaryHeap::with_capacity(runs.len());
    for run in runs {
        let mut head = Head { key: 0, record: Vec::new(), run };
        if head.advance().map_err(&failed)? {
            heads.push(head);
        }
    }
    while let Some(mut head) = heads.pop() {
        sink(&head.record)?;
        if head.advance().map_err(&failed)? {
            heads.push(head);
        }
    }
    Ok(())
}
