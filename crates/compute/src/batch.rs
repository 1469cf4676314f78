//! Batches of jobs as flat columns: one arena of bases a sequence, one row of parameters a job.

use crate::kernels::windows::Window;
use crate::{JobError, Sequence};

/// The most bases a query may have.
pub const MAX_QUERY: usize = 1024;
/// The most bases a target may have.
pub const MAX_TARGET: usize = 4096;

/// Parameters of one extension; see [`crate::kernels::extend`] for their exact meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendParams {
    /// Score of the anchor, h0.
    pub initial_score: u16,
    /// Cells more than this many diagonals from the anchor's are dead.
    pub band: u16,
    /// Stop once the best score was left behind by more than this; 0 = never.
    pub z_drop: u16,
}

/// Parameters of one global alignment; see [`crate::kernels::global`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalParams {
    /// Half the width of the band, widened to the difference of the lengths where that is more.
    pub band: u16,
}

/// Parameters of one local alignment; see [`crate::kernels::local`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalParams {
    /// The least score that is an alignment. Jobs without one are answered sooner.
    pub min_score: u16,
}

/// Sequences back to back, with where each ends.
#[derive(Debug, Clone, Default)]
struct Arena {
    bases: Vec<u8>,
    ends: Vec<usize>,
}

impl Arena {
    fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bases[start..self.ends[index]]
    }

    fn clear(&mut self) {
        self.bases.clear();
        self.ends.clear();
    }

    /// Appends one sequence, or leaves the arena as it was.
    fn push(&mut self, codes: impl IntoIterator<Item = u8>, sequence: Sequence) -> Result<(), JobError> {
        let max = match sequence {
            Sequence::Query => MAX_QUERY,
            Sequence::Target => MAX_TARGET,
        };
        let start = self.bases.len();
        // One more than allowed is enough to know that the rest is too long.
        self.bases.extend(codes.into_iter().take(max + 1));
        let added = &self.bases[start..];
        let error = if added.len() > max {
            Some(JobError::TooLong { sequence, max })
        } else {
            let bad = added.iter().position(|&code| code > 4);
            bad.map(|position| JobError::BadCode { sequence, code: added[position], position })
        };
        if let Some(error) = error {
            self.bases.truncate(start);
            return Err(error);
        }
        self.ends.push(self.bases.len());
        Ok(())
    }

    /// Appends a sequence of another arena.
    fn copy(&mut self, codes: &[u8]) {
        self.bases.extend_from_slice(codes);
        self.ends.push(self.bases.len());
    }

    fn pop(&mut self) {
        self.ends.pop();
        self.bases.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

/// Queries, targets and parameters of jobs of one kind.
#[derive(Debug, Clone)]
struct Jobs<P> {
    queries: Arena,
    targets: Arena,
    /// Where targets lie in the reference, if that is known.
    windows: Vec<Option<Window>>,
    params: Vec<P>,
}

impl<P> Default for Jobs<P> {
    fn default() -> Self {
        Jobs { queries: Arena::default(), targets: Arena::default(), windows: Vec::new(), params: Vec::new() }
    }
}

impl<P: Copy> Jobs<P> {
    fn clear(&mut self) {
        self.queries.clear();
        self.targets.clear();
        self.windows.clear();
        self.params.clear();
    }

    fn push(
        &mut self,
        query: impl IntoIterator<Item = u8>,
        target: (impl IntoIterator<Item = u8>, Option<Window>),
        params: P,
    ) -> Result<usize, JobError> {
        self.queries.push(query, Sequence::Query)?;
        if let Err(error) = self.targets.push(target.0, Sequence::Target) {
            self.queries.pop();
            return Err(error);
        }
        self.windows.push(target.1);
        self.params.push(params);
        Ok(self.params.len() - 1)
    }

    fn picked(&self, jobs: impl Iterator<Item = u32>) -> Self {
        let mut picked = Self::default();
        for job in jobs.map(|job| job as usize) {
            picked.queries.copy(self.queries.get(job));
            picked.targets.copy(self.targets.get(job));
            picked.windows.push(self.windows[job]);
            picked.params.push(self.params[job]);
        }
        picked
    }
}

/// The batch types differ in their parameters alone; this stamps their shared interface.
macro_rules! batch {
    ($(#[$doc:meta])* $name:ident, $params:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $name(Jobs<$params>);

        impl $name {
            /// An empty batch.
            pub fn new() -> Self {
                Self::default()
            }

            /// Removes all jobs and keeps the memory.
            pub fn clear(&mut self) {
                self.0.clear();
            }

            /// The number of jobs.
            pub fn len(&self) -> usize {
                self.0.params.len()
            }

            /// Whether there is no job.
            pub fn is_empty(&self) -> bool {
                self.0.params.is_empty()
            }

            /// Adds a job and returns its number. Bases are codes: 0 to 3 = A, C, G, T; 4 = any
            /// ambiguous base.
            ///
            /// # Errors
            ///
            /// A query longer than [`MAX_QUERY`], a target longer than [`MAX_TARGET`], or a code
            /// above 4. The batch is then unchanged.
            pub fn push(
                &mut self,
                query: impl IntoIterator<Item = u8>,
                target: impl IntoIterator<Item = u8>,
                params: $params,
            ) -> Result<usize, JobError> {
                self.0.push(query, (target, None), params)
            }

            /// Adds a job whose target lies in the reference of [`crate::Engine::set_reference`], if it has a window, so
            /// that a device that holds the reference need not be sent its bases; of local jobs it is sent them all the same.
            ///
            /// # Errors
            ///
            /// As of [`Self::push`].
            pub fn push_window(
                &mut self,
                query: impl IntoIterator<Item = u8>,
                (target, window): (impl IntoIterator<Item = u8>, Option<Window>),
                params: $params,
            ) -> Result<usize, JobError> {
                self.0.push(query, (target, window), params)
            }

            /// A batch of some of its jobs.
            pub(crate) fn picked(&self, jobs: impl Iterator<Item = u32>) -> Self {
                $name(self.0.picked(jobs))
            }

            /// Where the target of job `index` lies in the reference, if that is known.
            ///
            /// # Panics
            ///
            /// If there is no such job.
            pub fn window(&self, index: usize) -> Option<Window> {
                self.0.windows[index]
            }

            /// The query of job `index`, as base codes.
            ///
            /// # Panics
            ///
            /// If there is no such job.
            pub fn query(&self, index: usize) -> &[u8] {
                self.0.queries.get(index)
            }

            /// The target of job `index`, as base codes.
            ///
            /// # Panics
            ///
            /// If there is no such job.
            pub fn target(&self, index: usize) -> &[u8] {
                self.0.targets.get(index)
            }

            /// The parameters of job `index`.
            ///
            /// # Panics
            ///
            /// If there is no such job.
            pub fn params(&self, index: usize) -> $params {
                self.0.params[index]
            }
        }
    };
}

batch!(
    /// Extension jobs: query and target run away from the anchor, which lies before their first base.
    ExtendBatch,
    ExtendParams
);
batch!(
    /// Global jobs: the alignment starts before both first bases and ends after both last ones.
    GlobalBatch,
    GlobalParams
);
batch!(
    /// Local jobs: the alignment is wherever in the two it scores most.
    LocalBatch,
    LocalParams
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_job_leaves_no_trace() {
        let params = GlobalParams { band: 1 };
        let mut batch = GlobalBatch::new();
        assert_eq!(batch.push([0, 1], [2], params), Ok(0));
        let bad = JobError::BadCode { sequence: Sequence::Target, code: 5, position: 1 };
        assert_eq!(batch.push([3], [0, 5], params), Err(bad));
        let long = JobError::TooLong { sequence: Sequence::Query, max: MAX_QUERY };
        assert_eq!(batch.push(std::iter::repeat(0), [], params), Err(long));
        assert_eq!(batch.push([4], [], params), Ok(1));
        assert_eq!((batch.query(0), batch.target(0)), (&[0, 1][..], &[2][..]));
        assert_eq!((batch.query(1), batch.target(1), batch.len()), (&[4][..], &[][..], 2));
    }
}
