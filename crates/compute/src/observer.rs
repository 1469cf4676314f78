//! Watching an engine: every batch it answers, with the answers. For capturing the jobs of a real run, and for checking each
//! of them.

use std::sync::Arc;

use crate::{Engine, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults, LocalBatch, LocalResult};

/// Sees every batch after it was answered, on the caller's thread. It cannot change an answer.
pub trait Observer: Send + Sync {
    /// An extension batch and one result a job.
    fn extend(&self, _batch: &ExtendBatch, _results: &[ExtendResult]) {}

    /// A global batch and one result a job.
    fn global(&self, _batch: &GlobalBatch, _results: &GlobalResults) {}

    /// A local batch and one result a job.
    fn local(&self, _batch: &LocalBatch, _results: &[LocalResult]) {}
}

/// The engine's observer, if it has one.
#[derive(Default)]
pub(crate) struct Observed(Option<Arc<dyn Observer>>);

impl Engine {
    /// The same engine, watched by `observer` from now on.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observed = Observed(Some(observer));
        self
    }

    /// Answers an extension batch: `results` is overwritten with one row a job, in the batch's order.
    pub fn extend(&self, batch: &ExtendBatch, results: &mut Vec<ExtendResult>) {
        self.answer_extend(batch, results);
        if let Some(observer) = &self.observed.0 {
            observer.extend(batch, results);
        }
    }

    /// Answers a global batch: `results` is overwritten with one row a job, in the batch's order.
    pub fn global(&self, batch: &GlobalBatch, results: &mut GlobalResults) {
        self.answer_global(batch, results);
        if let Some(observer) = &self.observed.0 {
            observer.global(batch, results);
        }
    }

    /// Answers a local batch: `results` is overwritten with one row a job, in the batch's order.
    pub fn local(&self, batch: &LocalBatch, results: &mut Vec<LocalResult>) {
        self.answer_local(batch, results);
        if let Some(observer) = &self.observed.0 {
            observer.local(batch, results);
        }
    }
}
