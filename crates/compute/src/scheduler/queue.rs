//! The jobs of a batch that devices may take, in one queue with two ends.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::gpu::chunks::{Size, cells_of};

/// Jobs sorted by size. Devices take the largest that are left, so that what the caller waits for at the end is small; the
/// CPU takes the smallest. Neighbours have like sizes, so every chunk fills its lanes or its dispatch evenly.
pub(crate) struct Queue {
    jobs: Vec<u32>,
    /// Cells of all jobs before each place, and of all jobs in the end.
    cells_before: Vec<u64>,
    /// Places that nobody has taken yet.
    rest: Mutex<Range<usize>>,
}

impl Queue {
    /// A queue of jobs with their sizes.
    pub(crate) fn new(mut jobs: Vec<(Size, u32)>) -> Self {
        jobs.sort_unstable();
        let mut cells_before = Vec::with_capacity(jobs.len() + 1);
        let mut sum = 0;
        cells_before.push(sum);
        cells_before.extend(jobs.iter().map(|(size, _)| {
            sum += cells_of(*size);
            sum
        }));
        let rest = Mutex::new(0..jobs.len());
        Queue { jobs: jobs.into_iter().map(|(_, job)| job).collect(), cells_before, rest }
    }

    /// Cells of all its jobs, taken or not.
    pub(crate) fn cells(&self) -> u64 {
        self.cells_before.last().copied().unwrap_or(0)
    }

    /// Whether all jobs are taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Takes the smallest jobs: one, and more while they have no more than `cells` together. `None`: nothing is left.
    pub(crate) fn take_small(&self, cells: u64) -> Option<&[u32]> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let from = rest.start;
        let limit = self.cells_before.get(from)?.saturating_add(cells);
        let end = self.cells_before.partition_point(|&before| before <= limit).saturating_sub(1);
        rest.start = end.max(from + 1).min(rest.end);
        Some(&self.jobs[from..rest.start]).filter(|jobs| !jobs.is_empty())
    }

    /// Takes the largest jobs: one, and more while they have no more than `cells` together, nor more than one part in
    /// `parts` of what is left. Returns their cells too. `None`: nothing is left.
    pub(crate) fn take_large(&self, cells: u64, parts: u64) -> Option<(&[u32], u64)> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        if rest.is_empty() {
            return None;
        }
        let (to, all) = (rest.end, self.cells_before[rest.end]);
        let part = (all - self.cells_before[rest.start]) / parts.max(1);
        let limit = all - cells.min(part);
        let start = self.cells_before.partition_point(|&before| before < limit);
        rest.end = start.min(to - 1).max(rest.start);
        Some((&self.jobs[rest.end..to], all - self.cells_before[rest.end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(sizes: &[usize]) -> Queue {
        let job = |(job, &columns): (u32, &usize)| ((1, columns, 9), job);
        Queue::new((0..).zip(sizes).map(job).collect())
    }

    #[test]
    fn both_ends_meet_and_no_job_is_lost_or_taken_twice() {
        for (small, large, parts) in [(1, 1, 1), (10, 3, 2), (5, 100, 3), (100, 1, 1), (0, 0, 1), (u64::MAX, 7, 2)] {
            let sizes: Vec<usize> = (0..40).map(|k| k * 7 % 11).collect();
            let queue = queue(&sizes);
            let mut taken: Vec<u32> = Vec::new();
            loop {
                let ends = [queue.take_large(large, parts).map(|(jobs, _)| jobs), queue.take_small(small)];
                if ends == [None, None] {
                    break;
                }
                taken.extend(ends.into_iter().flatten().flatten().copied());
            }
            taken.sort_unstable();
            assert!(taken.into_iter().eq(0..40), "{small}, {large}, {parts}");
        }
    }

    #[test]
    fn chunks_have_the_cells_asked_for() {
        let queue = queue(&[4, 4, 2, 8, 4, 2]);
        assert_eq!(queue.cells(), 24);
        assert_eq!(queue.take_small(4), Some(&[2, 5][..]));
        assert_eq!(queue.take_large(11, 1), Some((&[3][..], 8)));
        assert_eq!(queue.take_large(100, 3), Some((&[4][..], 4)));
        assert_eq!(queue.take_large(100, 1), Some((&[0, 1][..], 8)));
        assert_eq!((queue.take_large(100, 1), queue.take_small(100)), (None, None));
        assert_eq!(self::queue(&[]).take_small(1), None);
    }
}
