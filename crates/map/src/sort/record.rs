//! Encoded records as items of a sort.

use std::cmp::Ordering;
use std::io::{self, Read, Write};
use std::marker::PhantomData;

use svala_io::{EncodedRecord, SpillReader};

use super::merge::{Item, read_whole};
use super::order::Order;

/// An encoded record and the template it belongs to, in an order.
#[derive(Default)]
pub(crate) struct Record<O> {
    pub(crate) key: u64,
    /// The template's number in the input. It decides between records that are the same in every byte, and so nothing.
    pub(crate) template: u64,
    pub(crate) bytes: Vec<u8>,
    order: PhantomData<fn() -> O>,
}

/// Writes a record as [`Record`] reads it.
pub(super) fn write_record(template: u64, bytes: &[u8], run: &mut dyn Write) -> io::Result<()> {
    run.write_all(&template.to_le_bytes())?;
    run.write_all(bytes)
}

impl<O: Order> Item for Record<O> {
    fn write(&self, run: &mut dyn Write) -> io::Result<()> {
        write_record(self.template, &self.bytes, run)
    }

    fn read(&mut self, run: &mut SpillReader) -> io::Result<bool> {
        let mut template = [0; 8];
        if !read_whole(run, &mut template)? {
            return Ok(false);
        }
        self.template = u64::from_le_bytes(template);
        let mut size = [0; 4];
        run.read_exact(&mut size)?;
        self.bytes.resize(4 + u32::from_le_bytes(size) as usize, 0);
        self.bytes[..4].copy_from_slice(&size);
        run.read_exact(&mut self.bytes[4..])?;
        self.set_key()?;
        Ok(true)
    }
}

impl<O: Order> Record<O> {
    /// Finds the key of new bytes.
    pub(crate) fn set_key(&mut self) -> io::Result<()> {
        let (record, _) = EncodedRecord::split_first(&self.bytes).ok_or(io::ErrorKind::InvalidData)?;
        self.key = O::key(record);
        Ok(())
    }
}

impl<O: Order> Ord for Record<O> {
    fn cmp(&self, other: &Self) -> Ordering {
        let tie = || O::compare_same_key(&self.bytes, &other.bytes);
        self.key.cmp(&other.key).then_with(tie).then(self.template.cmp(&other.template))
    }
}

impl<O: Order> PartialOrd for Record<O> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<O: Order> PartialEq for Record<O> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<O: Order> Eq for Record<O> {}
