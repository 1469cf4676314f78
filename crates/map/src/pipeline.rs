//! A whole run: one thread reads, several map and encode, one writes in order.
//!
//! A batch carries its number through the threads, and the writer waits for the next number, so the output is the input's
//! order whatever the threads did. A fixed number of tokens bounds the batches under way, and with them memory.
//!
//! A run can have several inputs, lanes as a rule, each with its read group. Each learns its own insert-size model, so the records are
//! those of a run over each of them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::Builder;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use svala_compute::Engine;
use svala_io::qc::RecordSums;
use svala_io::{
    AlignmentRecord, AlignmentWriter, CompleteOutput, EncodedRecord, Format, Header, ReadBatch, ReadShard, ReadSource,
    RecordEncoder, flags,
};

use crate::covered::{Covered, Resumed};
use crate::duplicates::{Signed, Signer};
use crate::error::{Error, Result};
use crate::feeder::{Feeder, Outlets};
use crate::index::Index;
use crate::insert_model::InsertModel;
use crate::mapper::{BatchInput, Mapper, Workspace};
use crate::meter::Meter;
use crate::observer::{Observation, Observe, Observer, Written};
use crate::options::MapOptions;
use crate::sort::Sorted;

/// Reads of a batch unless told otherwise.
pub const DEFAULT_BATCH_READS: usize = 4096;

/// Encoded records of whole templates, in the order of the input.
#[derive(Debug, Default)]
pub struct EncodedBatch {
    /// The records, one after the other.
    pub bytes: Vec<u8>,
    /// A signature of each template, if the sink wants them.
    pub signed: Signed,
    /// The records in the sink's order, if it has one.
    pub sorted: Sorted,
}

/// Where encoded records go, in the order of the input.
pub trait RecordSink {
    /// What it knows at the end, beside what it saw.
    type Outcome;

    /// Whether batches shall have signatures.
    fn wants_signatures(&self) -> bool {
        false
    }

    /// Whether a later process can go on with what it holds. The digest of reads is then computed.
    fn is_resumable(&self) -> bool {
        false
    }

    /// What can be done to a batch before those that come before it are written. Mapping threads do it.
    ///
    /// # Errors
    ///
    /// The batch is not as it must be.
    fn prepare(_batch: &mut EncodedBatch) -> Result<()> {
        Ok(())
    }

    /// What it holds of an earlier process's work, whose records it adds to what was seen, using so many threads. The first batch
    /// to be written is then that after the covered ones.
    ///
    /// # Errors
    ///
    /// What it holds is damaged.
    fn resume(&mut self, _observer: &mut Observer, _threads: usize) -> Result<Option<Resumed>> {
        Ok(None)
    }

    /// Takes the next batch, with which so much of the input is covered.
    ///
    /// # Errors
    ///
    /// It can't be written.
    fn write_batch(&mut self, batch: EncodedBatch, covered: &Covered) -> Result<()>;

    /// Completes the output but for its name, if it has the records that were made, as far as these were counted.
    ///
    /// # Errors
    ///
    /// What is left can't be written, or the output has other records.
    fn finish(self, made: Option<RecordSums>) -> Result<(Self::Outcome, Written)>;
}

impl RecordSink for AlignmentWriter {
    type Outcome = ();

    fn write_batch(&mut self, batch: EncodedBatch, _: &Covered) -> Result<()> {
        Ok(self.write_encoded(&batch.bytes)?)
    }

    fn finish(self, made: Option<RecordSums>) -> Result<((), Written)> {
        let mut written = Written::default();
        written.finish(self, made)?;
        Ok(((), written))
    }
}

/// What a run works with.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The index.
    pub index: &'a Index,
    /// The extension engine.
    pub engine: &'a Engine,
    /// Mapping options.
    pub options: &'a MapOptions,
    /// The insert-size model of all inputs, if each is not to learn its own from its reads.
    pub insert_model: Option<InsertModel>,
    /// The part of the inputs that is mapped, if not all. What is learnt of insert sizes is learnt from all.
    pub shard: Option<ReadShard>,
    /// Mapping threads; 0 counts as 1.
    pub threads: usize,
    /// Reads in a batch, at least 1.
    pub batch_reads: usize,
    /// What is counted of records; for BAM only.
    pub observe: Observe,
    /// Advanced while the run goes on.
    pub meter: &'a Meter,
}

/// What a run did.
pub struct Done<T> {
    /// Counts of reads.
    pub summary: Summary,
    /// Counts of records.
    pub observation: Observation,
    /// What the sink says.
    pub outcome: T,
    /// The sink's output, which lacks its name until it is committed; none of a sink without one.
    pub output: Option<CompleteOutput>,
    /// Reads that an earlier process had mapped, if its work was taken up.
    pub resumed_after: Option<u64>,
}

/// What was read and written. Shares count primary records only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Reads, and so primary records.
    pub reads: u64,
    /// Bases of those reads.
    pub bases: u64,
    /// All records written, with supplementary ones.
    pub records: u64,
    /// Mapped reads.
    pub mapped: u64,
    /// Reads in proper pairs.
    pub properly_paired: u64,
    /// Reads with mapping quality 30 or more.
    pub confident: u64,
    /// Unmapped reads that were left out of the output on purpose.
    pub left_out_reads: u64,
    /// Their bases.
    pub left_out_bases: u64,
    /// The insert-size model of each input; none for single reads.
    pub insert_models: Vec<Option<InsertModel>>,
}

/// An input, and what was read of it to learn its insert-size model.
pub(crate) struct Lane {
    pub(crate) source: ReadSource,
    pub(crate) head: Vec<ReadBatch>,
    pub(crate) model: Option<InsertModel>,
    pub(crate) shard: Option<ReadShard>,
    /// Reads of the shard that are fewer than a task.
    pub(crate) waiting: ReadBatch,
    /// Reads of other shards.
    pub(crate) passed_over: u64,
}

/// Reads on their way to a mapping thread, whose records will be one batch.
pub(crate) struct Task {
    pub(crate) number: u64,
    /// Only where pairs and single reads take turns there is more than one, as many as turns.
    pub(crate) reads: Vec<ReadBatch>,
    pub(crate) model: Option<InsertModel>,
}

impl Task {
    fn reads(&self) -> usize {
        self.reads.iter().map(ReadBatch::len).sum()
    }

    fn bases(&self) -> usize {
        self.reads.iter().map(ReadBatch::total_bases).sum()
    }

    /// Digest of everything in it, seeded with its number.
    pub(crate) fn digest(&self) -> u128 {
        let parts = self.reads.iter().zip(0u64..).map(|(reads, part)| reads.digest(self.number ^ part << 40));
        parts.fold(0, u128::wrapping_add)
    }
}

/// A batch on its way to the writer.
pub(crate) struct Encoded {
    pub(crate) number: u64,
    pub(crate) outcome: Result<Mapped>,
}

/// A batch that is mapped.
pub(crate) struct Mapped {
    batch: EncodedBatch,
    /// Digest of its reads, if it is wanted.
    digest: u128,
    summary: Summary,
}

impl Run<'_> {
    /// Maps everything in `inputs`, one after the other, to `writer`, which expects `format`, and finishes it but for the name of
    /// the output.
    ///
    /// # Errors
    ///
    /// The first error in the order of the input: of reading, mapping or writing. The output is then not finished.
    pub fn execute<S: RecordSink>(
        &self,
        inputs: Vec<ReadSource>,
        mut writer: S,
        format: Format,
        header: &Header,
    ) -> Result<Done<S::Outcome>> {
        let observe = if format == Format::Bam { self.observe } else { Observe::Nothing };
        let mut observer = Observer::new(observe);
        let threads = self.threads.max(1);
        let encoders = (0..threads).map(|_| RecordEncoder::new(format, header));
        let encoders = encoders.collect::<svala_io::Result<Vec<_>>>()?;
        let lanes = inputs.into_iter().map(|source| self.lane(source)).collect::<Result<Vec<_>>>()?;
        let insert_models: Vec<_> = lanes.iter().map(|lane| lane.model).collect();
        let nothing = Covered::nothing(&insert_models);
        let resumed = writer.resume(&mut observer, threads)?;
        if let Some(resumed) = resumed.as_ref().filter(|resumed| resumed.covered.models_digest != nothing.models_digest)
        {
            return Err(resumed.refusal("its reads had other insert sizes"));
        }
        let mut covered = resumed.as_ref().map_or(nothing, |resumed| resumed.covered.clone());
        let resumed_after = resumed.as_ref().map(|resumed| resumed.covered.summary.reads);
        let mapper = Mapper::new(self.index, self.engine, self.options);
        let (sign, digest) = (writer.wants_signatures(), writer.is_resumable());
        std::thread::scope(|scope| {
            let (tokens_out, tokens) = bounded::<()>(4 * threads + 2);
            for _ in 0..4 * threads + 2 {
                // The channel holds exactly this many and its receiver lives.
                let _ = tokens_out.send(());
            }
            let (tasks_out, tasks) = bounded::<Task>(threads);
            let (encoded_out, encoded) = unbounded::<Encoded>();
            let failures = encoded_out.clone();
            let read = move || {
                let outlets = Outlets { tokens, tasks: tasks_out, failures };
                Feeder::new(outlets, resumed).read(lanes, self.batch_reads)
            };
            let reader = Builder::new().spawn_scoped(scope, read).map_err(Error::Thread)?;
            let mut mappers = Vec::new();
            for encoder in encoders {
                let (tasks, encoded_out) = (tasks.clone(), encoded_out.clone());
                let shared = Shared { mapper: &mapper, sign, digest, options: self.options, observe };
                let map = move || map_tasks::<S>(shared, encoder, &tasks, &encoded_out);
                mappers.push(Builder::new().spawn_scoped(scope, map).map_err(Error::Thread)?);
            }
            drop((tasks, encoded_out));
            write_in_order(&encoded, &tokens_out, &mut writer, &mut covered, self.meter)?;
            for mapper in mappers {
                observer.merge(&mapper.join().map_err(|_| Error::WorkerLost)?);
            }
            let reads = reader.join().map_err(|_| Error::WorkerLost)?;
            let written = covered.summary.reads;
            if reads == written { Ok(()) } else { Err(Error::ReadsLost { read: reads, written }) }
        })?;
        let total = Summary { insert_models, ..covered.summary };
        total.check(observer.sums.as_ref())?;
        let (outcome, written) = writer.finish(observer.sums)?;
        let (observation, output) = Observation::new(observer, written);
        Ok(Done { summary: total, observation, outcome, resumed_after, output })
    }

    /// An input with its insert-size model.
    fn lane(&self, mut source: ReadSource) -> Result<Lane> {
        let mut head = Vec::new();
        let model = match self.insert_model {
            _ if !source.is_paired() => None,
            Some(model) => Some(model),
            None => self.learn(&mut source, &mut head)?,
        };
        Ok(Lane { source, head, model, shard: self.shard, waiting: ReadBatch::default(), passed_over: 0 })
    }

    /// The insert-size model that [`execute`](Self::execute) would learn from these pairs, an empty one from none.
    ///
    /// # Errors
    ///
    /// Of reading or mapping.
    pub fn insert_model(&self, mut source: ReadSource) -> Result<InsertModel> {
        Ok(self.learn(&mut source, &mut Vec::new())?.unwrap_or_default())
    }
}

/// What all tasks share.
#[derive(Clone, Copy)]
struct Shared<'a> {
    mapper: &'a Mapper<'a>,
    /// Whether signatures are wanted.
    sign: bool,
    /// Whether digests of reads are wanted.
    digest: bool,
    options: &'a MapOptions,
    observe: Observe,
}

/// Maps and encodes tasks until there are no more, or nobody wants the results. Returns what was counted of the records.
fn map_tasks<S: RecordSink>(
    shared: Shared<'_>,
    mut encoder: RecordEncoder,
    tasks: &Receiver<Task>,
    encoded: &Sender<Encoded>,
) -> Observer {
    let Shared { mapper, sign, digest, options, observe } = shared;
    let (mut work, mut observer) = (Workspace::default(), Observer::new(observe));
    let mut room = Room::default();
    for task in tasks {
        let mut bytes = Vec::with_capacity(room.bytes_of(task.reads()));
        let mut signer = Signer::new(&options.read_groups, options.barcode_tag);
        let mut summary = Summary { bases: task.bases() as u64, ..Summary::default() };
        // A panic here is a bug; without its batch the other threads would wait for ever.
        let mapped = catch_unwind(AssertUnwindSafe(|| {
            let mut take = |record: &AlignmentRecord<'_>| -> Result<()> {
                summary.count(record);
                if options.conventions.drop_unmapped && is_of_unmapped_template(record) {
                    summary.leave_out(record);
                    return Ok(());
                }
                let start = bytes.len();
                encoder.encode(record, &mut bytes)?;
                if sign {
                    let (record, _) = EncodedRecord::split_first(&bytes[start..]).ok_or(Error::BrokenRecord)?;
                    signer.add(record);
                }
                Ok(())
            };
            task.reads.iter().try_for_each(|reads| {
                let input = BatchInput { reads, paired: reads.is_paired() };
                mapper.map_batch(input, task.model.as_ref(), &mut work, &mut take)
            })
        }));
        let mapped: Result<()> = mapped.unwrap_or(Err(Error::WorkerLost));
        let mapped = mapped.and_then(|()| observer.add_all(&bytes));
        let digest = if digest { task.digest() } else { 0 };
        room.learn(task.reads(), &mut bytes);
        let mut batch = EncodedBatch { bytes, signed: signer.finish(), sorted: Sorted::default() };
        let outcome = mapped.and_then(|()| S::prepare(&mut batch)).map(|()| Mapped { batch, digest, summary });
        if encoded.send(Encoded { number: task.number, outcome }).is_err() {
            break;
        }
    }
    observer
}

/// How many bytes a batch is given before it is encoded, by those before it: it is seldom larger than the largest, so it needn't grow. One of
/// few reads gets no more than these ever took.
#[derive(Debug, Default)]
struct Room {
    most_bytes: usize,
    most_bytes_of_read: usize,
}

impl Room {
    fn bytes_of(&self, reads: usize) -> usize {
        self.most_bytes.min(reads.saturating_mul(self.most_bytes_of_read))
    }

    /// Learns from a batch, and gives back what it left empty: many wait in memory.
    fn learn(&mut self, reads: usize, batch: &mut Vec<u8>) {
        self.most_bytes = self.most_bytes.max(batch.len());
        self.most_bytes_of_read = self.most_bytes_of_read.max(batch.len().div_ceil(reads.max(1)));
        if batch.len() + batch.len() / 4 < batch.capacity() {
            batch.shrink_to_fit();
        }
    }
}

/// Writes batches by number, from that on which comes after the covered ones.
fn write_in_order(
    encoded: &Receiver<Encoded>,
    tokens: &Sender<()>,
    writer: &mut impl RecordSink,
    covered: &mut Covered,
    meter: &Meter,
) -> Result<()> {
    let mut waiting = BTreeMap::new();
    for batch in encoded {
        waiting.insert(batch.number, batch.outcome);
        while let Some(outcome) = waiting.remove(&covered.batches) {
            let Mapped { batch, digest, summary } = outcome?;
            covered.add(digest, &summary);
            writer.write_batch(batch, covered)?;
            meter.set_reads(covered.summary.reads, covered.summary.records);
            // The reader may have ended; then nobody needs the token.
            let _ = tokens.try_send(());
        }
    }
    // A batch can only be missing if the thread that had it died.
    if waiting.is_empty() { Ok(()) } else { Err(Error::WorkerLost) }
}

/// Whether no read of the record's template is mapped.
fn is_of_unmapped_template(record: &AlignmentRecord<'_>) -> bool {
    let bits = flags::UNMAPPED | if record.flags & flags::PAIRED != 0 { flags::MATE_UNMAPPED } else { 0 };
    record.flags & bits == bits
}

impl Summary {
    /// Counts a record and, if it is primary, its read.
    fn count(&mut self, record: &AlignmentRecord<'_>) {
        self.count_record(record.flags, record.mapping_quality);
    }

    /// Takes a record that was counted, of an unmapped read, out of those to be written.
    fn leave_out(&mut self, record: &AlignmentRecord<'_>) {
        self.records -= 1;
        self.left_out_reads += 1;
        self.left_out_bases += record.bases.len() as u64;
    }

    /// Counts a record and, if it is primary, its read and bases.
    pub(crate) fn count_encoded(&mut self, record: EncodedRecord<'_>) {
        if self.count_record(record.flags(), record.mapping_quality()) {
            self.bases += record.sequence_length() as u64;
        }
    }

    /// Counts a record and, if it is primary, its read. Tells whether it is.
    fn count_record(&mut self, bits: u16, mapping_quality: u8) -> bool {
        self.records += 1;
        if bits & (flags::SUPPLEMENTARY | flags::SECONDARY) != 0 {
            return false;
        }
        let is_mapped = bits & flags::UNMAPPED == 0;
        self.reads += 1;
        self.mapped += u64::from(is_mapped);
        self.properly_paired += u64::from(bits & flags::PROPER_PAIR != 0);
        self.confident += u64::from(is_mapped && mapping_quality >= 30);
        true
    }

    /// Whether the records that were made have all reads and all their bases, but for those left out on purpose.
    fn check(&self, made: Option<&RecordSums>) -> Result<()> {
        let Some(made) = made else { return Ok(()) };
        let (reads, bases) = (made.primary + self.left_out_reads, made.bases + self.left_out_bases);
        if reads != self.reads {
            return Err(Error::ReadsLost { read: self.reads, written: reads });
        }
        if bases != self.bases {
            return Err(Error::BasesLost { read: self.bases, written: bases });
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, part: &Self) {
        self.reads += part.reads;
        self.bases += part.bases;
        self.records += part.records;
        self.mapped += part.mapped;
        self.properly_paired += part.properly_paired;
        self.confident += part.confident;
        self.left_out_reads += part.left_out_reads;
        self.left_out_bases += part.left_out_bases;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_left_out_on_purpose_are_not_lost_and_others_are() {
        let summary = Summary { reads: 10, bases: 1000, left_out_reads: 2, left_out_bases: 200, ..Summary::default() };
        let made = |primary, bases| RecordSums { primary, bases, ..RecordSums::default() };
        assert!(summary.check(None).is_ok() && summary.check(Some(&made(8, 800))).is_ok());
        assert!(matches!(summary.check(Some(&made(10, 1000))), Err(Error::ReadsLost { .. })));
        assert!(matches!(summary.check(Some(&made(7, 700))), Err(Error::ReadsLost { .. })));
        assert!(matches!(summary.check(Some(&made(8, 799))), Err(Error::BasesLost { .. })));
    }

    #[test]
    fn small_batches_get_little_memory_and_large_ones_need_not_grow() {
        let mut room = Room::default();
        for reads in [4096, 1, 2, 4096, 3, 4096] {
            let mut batch = Vec::with_capacity(room.bytes_of(reads));
            let given = batch.capacity();
            batch.resize(reads * 300, 0);
            assert!(room.most_bytes == 0 || batch.capacity() == given, "{reads} reads needed more than {given}");
            room.learn(reads, &mut batch);
            assert!(batch.capacity() <= reads * 375, "{reads} reads have {}", batch.capacity());
        }
    }
}
