//! How much of its input a run has done, and going on from there.

use std::path::PathBuf;

use xxhash_rust::xxh3::xxh3_128;

use crate::error::Error;
use crate::insert_model::InsertModel;
use crate::pipeline::Summary;

/// The batches at the start of the input that are done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Covered {
    /// How many.
    pub batches: u64,
    /// Digest of their reads: the sum, modulo 2^128, of [`ReadBatch::digest`](svala_io::ReadBatch::digest) of all parts of each, seeded with the
    /// numbers of batch and part. Zero unless the sink wants it.
    pub reads_digest: u128,
    /// Digest of the insert-size models of all inputs.
    pub models_digest: u128,
    /// Counts over those batches, without insert-size models.
    pub summary: Summary,
}

impl Covered {
    /// Nothing yet, of inputs with these insert-size models.
    pub(crate) fn nothing(models: &[Option<InsertModel>]) -> Self {
        // Each field of a model shows in its Debug form.
        Self { models_digest: xxh3_128(format!("{models:?}").as_bytes()), ..Self::default() }
    }

    /// Adds the next batch.
    pub(crate) fn add(&mut self, reads_digest: u128, summary: &Summary) {
        self.batches += 1;
        self.reads_digest = self.reads_digest.wrapping_add(reads_digest);
        self.summary.add(summary);
    }
}

/// What a sink holds of an earlier process's work.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// The input that need not be mapped again.
    pub covered: Covered,
    /// Where it was found.
    pub folder: PathBuf,
}

impl Resumed {
    /// Why the run ends if its input is another.
    pub(crate) fn refusal(&self, why: &str) -> Error {
        Error::resume(&self.folder, why)
    }
}
