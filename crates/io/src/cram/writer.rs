//! Writing containers in order that several threads make.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use noodles::sam;

use super::{
    CramVersion, IndexEntry, RECORDS_A_SLICE, ReferenceBases, SLICE_SPAN,
    block::Coding,
    container::{Container, Context, Group},
    file,
};
use crate::EncodedRecord;

/// How a CRAM file is written.
pub(crate) struct CramOptions {
    /// What records are compared with.
    pub(crate) reference: Arc<dyn ReferenceBases>,
    /// Whether the records come in the order of their places.
    pub(crate) sorted: bool,
    pub(crate) version: CramVersion,
    /// DEFLATE level, 0 to 9.
    pub(crate) level: u8,
    /// Threads that make containers, at least one.
    pub(crate) threads: usize,
}

/// Writes CRAM out of encoded BAM records.
pub(crate) struct CramWriter<W> {
    output: W,
    /// Bytes written.
    written: u64,
    group: Group,
    /// Contig and position of the group's first record.
    place: Option<(usize, u32)>,
    sorted: bool,
    groups: Sender<(u64, Group)>,
    containers: Receiver<(u64, io::Result<Container>)>,
    /// Containers that came before their turn.
    early: BTreeMap<u64, io::Result<Container>>,
    /// Groups handed out.
    handed_out: u64,
    /// Containers written.
    done: u64,
    /// Groups that may be under way; bounds memory.
    most_under_way: u64,
    entries: Vec<IndexEntry>,
}

impl<W: Write> CramWriter<W> {
    /// Starts the threads and writes the header.
    pub(crate) fn new(mut output: W, header: &sam::Header, options: CramOptions) -> io::Result<Self> {
        let start = file::file_start(header, options.version)?;
        output.write_all(&start)?;
        let threads = options.threads.max(1);
        let context = Arc::new(Context {
            reference: options.reference,
            read_groups: header.read_groups().keys().map(|id| id.to_vec()).collect(),
            sorted: options.sorted,
            coding: Coding { version: options.version, level: options.level },
        });
        let (groups, groups_in) = bounded(threads);
        let (containers_out, containers) = unbounded();
        for _ in 0..threads {
            let (context, groups, containers) = (Arc::clone(&context), groups_in.clone(), containers_out.clone());
            // They end when this writer is gone.
            thread::Builder::new().spawn(move || make_containers(&context, &groups, &containers))?;
        }
        Ok(Self {
            output,
            written: start.len() as u64,
            group: Group::default(),
            place: None,
            sorted: options.sorted,
            groups,
            containers,
            early: BTreeMap::new(),
            handed_out: 0,
            done: 0,
            most_under_way: 2 * threads as u64,
            entries: Vec::new(),
        })
    }

    /// Takes whole encoded records.
    pub(crate) fn write_records(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let not_whole = || io::Error::other("a record is not whole");
            let (record, rest) = EncodedRecord::split_first(bytes).ok_or_else(not_whole)?;
            self.push(record)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Writes what is left and the end, and returns the output and an entry for each slice.
    pub(crate) fn finish(mut self) -> io::Result<(W, Vec<IndexEntry>)> {
        self.hand_out()?;
        while self.done < self.handed_out {
            self.write_next()?;
        }
        self.output.write_all(&file::END)?;
        Ok((self.output, self.entries))
    }

    fn push(&mut self, record: EncodedRecord<'_>) -> io::Result<()> {
        let place = record.reference().zip(record.position());
        if self.group.records >= RECORDS_A_SLICE || (self.sorted && !belongs_together(self.place, place)) {
            self.hand_out()?;
        }
        if self.group.records == 0 {
            self.place = place;
        }
        self.group.bytes.extend_from_slice(record.bytes());
        self.group.records += 1;
        Ok(())
    }

    /// Gives the group at hand to a thread.
    fn hand_out(&mut self) -> io::Result<()> {
        if self.group.records == 0 {
            return Ok(());
        }
        let records_before = self.group.records_before + self.group.records as u64;
        let next = Group { records_before, ..Group::default() };
        let group = std::mem::replace(&mut self.group, next);
        while self.handed_out - self.done >= self.most_under_way {
            self.write_next()?;
        }
        self.groups.send((self.handed_out, group)).map_err(|_| threads_gone())?;
        self.handed_out += 1;
        Ok(())
    }

    /// Waits for the next container in order and writes it.
    fn write_next(&mut self) -> io::Result<()> {
        let container = loop {
            if let Some(container) = self.early.remove(&self.done) {
                break container?;
            }
            let (number, container) = self.containers.recv().map_err(|_| threads_gone())?;
            self.early.insert(number, container);
        };
        self.output.write_all(&container.bytes)?;
        self.entries.push(IndexEntry { container: self.written, ..container.entry });
        self.written += container.bytes.len() as u64;
        self.done += 1;
        Ok(())
    }
}

/// Whether a slice that begins at `first` may have a record at `place`.
fn belongs_together(first: Option<(usize, u32)>, place: Option<(usize, u32)>) -> bool {
    match (first, place) {
        (Some((first_contig, first)), Some((contig, position))) => {
            first_contig == contig && position.saturating_sub(first) < SLICE_SPAN
        }
        (None, None) => true,
        _ => false,
    }
}

fn make_containers(
    context: &Context,
    groups: &Receiver<(u64, Group)>,
    containers: &Sender<(u64, io::Result<Container>)>,
) {
    for (number, group) in groups {
        // A panic is a bug; without its container the writer would wait for ever.
        let container = catch_unwind(AssertUnwindSafe(|| context.container(&group)));
        if containers.send((number, container.unwrap_or_else(|_| Err(threads_gone())))).is_err() {
            return;
        }
    }
}

fn threads_gone() -> io::Error {
    io::Error::other("a thread that compresses stopped early")
}
