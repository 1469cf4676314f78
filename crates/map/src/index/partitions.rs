//! The seeds of a reference, gathered in partitions of neighbouring buckets.
//!
//! Threads take pieces of contigs in any order and put each seed into the partition of its bucket; sorting a partition afterwards
//! makes the result the same whatever they did. A partition is about as large as a core's cache, so that neither filling nor
//! sorting it waits for memory, however large the reference is. A seed takes 12 bytes meanwhile.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use svala_compute::Instructions;

use super::reference::{Contig, Reference};
use super::seeds::{EntryLayout, bucket_of};
use crate::meter::{IndexMeter, IndexStage};
use crate::syncmer::{FLANK, K, Spacing, flanks, for_each_seed};

/// Bases of a contig that a thread takes at a time.
const PIECE: u64 = 1 << 20;
/// Buckets of a partition, in bits, unless there are too many partitions.
const PARTITION_BITS: u32 = 16;
/// Partitions at the most, in bits: each thread has a chunk of each.
const MAX_PARTITIONS_BITS: u32 = 12;
/// Seeds that a thread gathers before it hands them over.
const CHUNK: usize = 256;

/// Seeds as they were found: the numbers of their buckets in the partition, and their entries.
#[derive(Default)]
struct Chunk {
    buckets: Vec<u32>,
    entries: Vec<u64>,
}

impl Chunk {
    fn with_room() -> Self {
        Self { buckets: Vec::with_capacity(CHUNK), entries: Vec::with_capacity(CHUNK) }
    }
}

/// The seeds of neighbouring buckets, in no order.
#[derive(Default)]
pub struct Partition(Vec<Chunk>);

/// A partition in order.
pub struct SortedPartition {
    /// Seeds of each bucket.
    pub sizes: Vec<usize>,
    /// Their entries, bucket by bucket, sorted.
    pub entries: Vec<u64>,
}

impl Partition {
    /// Sorts it. It has `2^bucket_bits` buckets.
    pub fn sorted(self, bucket_bits: u32) -> SortedPartition {
        let mut sizes = vec![0usize; 1 << bucket_bits];
        for &bucket in self.0.iter().flat_map(|chunk| &chunk.buckets) {
            sizes[bucket as usize] += 1;
        }
        let mut total = 0;
        let mut next = Vec::with_capacity(sizes.len());
        for &size in &sizes {
            next.push(total);
            total += size;
        }
        let mut entries = vec![0; total];
        for chunk in self.0 {
            for (&bucket, &entry) in chunk.buckets.iter().zip(&chunk.entries) {
                let place = &mut next[bucket as usize];
                entries[*place] = entry;
                *place += 1;
            }
        }
        let mut rest = &mut entries[..];
        for &size in &sizes {
            let bucket;
            (bucket, rest) = rest.split_at_mut(size);
            bucket.sort_unstable();
        }
        SortedPartition { sizes, entries }
    }
}

/// All seeds of a reference.
pub struct Partitions {
    /// Partitions in the order of their buckets.
    pub partitions: Vec<Partition>,
    /// Each has `2^bucket_bits` of them.
    pub bucket_bits: u32,
}

impl Partitions {
    /// Gathers the seeds of `reference` with several threads.
    pub fn gather(reference: &Reference<'_>, layout: EntryLayout, threads: usize, meter: &IndexMeter) -> Self {
        let own_bits =
            layout.bucket_bits.min(PARTITION_BITS.max(layout.bucket_bits.saturating_sub(MAX_PARTITIONS_BITS)));
        let count = 1 << (layout.bucket_bits - own_bits);
        let partitions: Vec<Mutex<Partition>> = (0..count).map(|_| Mutex::default()).collect();
        let gathering = Gathering { reference, layout, own_bits, partitions: &partitions };
        let pieces = pieces(reference.contigs);
        let taken = AtomicUsize::new(0);
        let work = || {
            let mut own: Vec<Chunk> = (0..count).map(|_| Chunk::default()).collect();
            let mut codes = Vec::new();
            while let Some(&piece) = pieces.get(taken.fetch_add(1, Ordering::Relaxed)) {
                gathering.add_piece(piece, &mut codes, &mut own);
                meter.advance(IndexStage::Seeding, 1, pieces.len() as u64);
            }
            for (partition, chunk) in own.into_iter().enumerate() {
                gathering.hand_over(partition, chunk);
            }
        };
        std::thread::scope(|scope| {
            // A thread that the system refuses leaves its share to the others.
            let _ = (1..threads).try_for_each(|_| Builder::new().spawn_scoped(scope, work).map(drop));
            work();
        });
        let inner = |partition: Mutex<Partition>| partition.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self { partitions: partitions.into_iter().map(inner).collect(), bucket_bits: own_bits }
    }

    /// How many seeds there are.
    pub fn seeds(&self) -> u64 {
        let chunks = self.partitions.iter().flat_map(|partition| &partition.0);
        chunks.map(|chunk| chunk.entries.len() as u64).sum()
    }
}

/// Numbers of contigs and where in them pieces start.
fn pieces(contigs: &[Contig]) -> Vec<(usize, u64)> {
    let starts = |contig: &Contig| (0..contig.length).step_by(PIECE as usize);
    contigs.iter().enumerate().flat_map(|(i, contig)| starts(contig).map(move |start| (i, start))).collect()
}

/// What threads that gather seeds share.
struct Gathering<'a> {
    reference: &'a Reference<'a>,
    layout: EntryLayout,
    /// Bits of a bucket's number in its partition.
    own_bits: u32,
    partitions: &'a [Mutex<Partition>],
}

impl Gathering<'_> {
    /// Adds the seeds of one contig that start at `start..start + PIECE`, with the context they need on either side.
    fn add_piece(&self, (contig, start): (usize, u64), codes: &mut Vec<u8>, own: &mut [Chunk]) {
        let contig = &self.reference.contigs[contig];
        let end = (start + PIECE).min(contig.length);
        let from = start.saturating_sub(FLANK as u64);
        let to = (end + (K - 1 + FLANK) as u64).min(contig.length);
        codes.clear();
        self.reference.decode_into(contig.start + from..contig.start + to, codes);
        let codes = &codes[..];
        Instructions::detect().run(
            #[inline(always)]
            || {
                for_each_seed(codes, Spacing::Any, |seed| {
                    let position = from + u64::from(seed.position);
                    if (start..end).contains(&position) {
                        let bucket = bucket_of(seed.hash, self.layout.bucket_bits);
                        let entry = self.layout.pack(&seed, flanks(codes, &seed), contig.start + position);
                        self.add(bucket, entry, own);
                    }
                });
            },
        );
    }

    #[inline]
    fn add(&self, bucket: usize, entry: u64, own: &mut [Chunk]) {
        let partition = bucket >> self.own_bits;
        let chunk = &mut own[partition];
        if chunk.entries.len() == CHUNK {
            self.hand_over(partition, std::mem::take(chunk));
        }
        if chunk.entries.capacity() == 0 {
            *chunk = Chunk::with_room();
        }
        chunk.buckets.push((bucket & ((1 << self.own_bits) - 1)) as u32);
        chunk.entries.push(entry);
    }

    fn hand_over(&self, partition: usize, chunk: Chunk) {
        // A thread that panicked ends the program's work anyway.
        self.partitions[partition].lock().unwrap_or_else(PoisonError::into_inner).0.push(chunk);
    }
}
