//! The engine: one scoring scheme, any number of places to run, any number of callers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fearless_simd::Level;

use crate::counters::{LiveCounters, add};
use crate::gpu::adapters::{self, Opened};
use crate::gpu::chunks::Size;
use crate::gpu::{Gpu, GpuError};
use crate::instructions::Instructions;
use crate::kernels::global::results::Unordered;
use crate::kernels::lanes::Task;
use crate::kernels::windows::gpu::Resident;
use crate::kernels::{extend, global, local};
use crate::observer::Observed;
use crate::scheduler::{Feed, Pool, Queue, Sharing, share};
use crate::self_check::Checker;
use crate::selftest::Fault;
use crate::{
    Backend, Counters, DeviceFailure, EngineOptions, Error, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults,
    GpuCheck, LocalBatch, LocalResult, Scoring, SimdLevel,
};

/// Answers batches of jobs. It can be shared by threads, whose calls run side by side and share the devices.
///
/// # Memory
///
/// On the host at the most, in bytes, with what vectors have twice while they grow (`tests/memory.rs` holds it to that):
///
/// | | a base | a job | beside that |
/// |---|---|---|---|
/// | a batch | 3 | 96 | |
/// | a call, its results included | | 128 | 12 a run of a CIGAR, and for lanes 2 MiB; 40 MiB where `Global` bands are wide |
/// | a call that devices share, more | 4 | 512 | what drivers keep: copies of what is on its way |
///
/// On the device each kernel has two sets of buffers, so that one is filled while the other is in use: each buffer as large as
/// the largest dispatch so far needed, rounded up to a power of two, and never larger than the device can bind; and the
/// reference of [`Engine::set_reference`], 2 bits a base.
pub struct Engine {
    scoring: Scoring,
    simd: (SimdLevel, Level),
    /// Answer on the CPU with the scalar reference.
    scalar: bool,
    devices: Pool,
    /// The devices that should be used and can't be opened.
    unopened: Vec<DeviceFailure>,
    /// The devices that should run packed kernels and can't.
    unpacked: Vec<DeviceFailure>,
    sharing: Sharing,
    /// Bytes of a binding of the reference, in place of what a device can bind; for tests.
    piece_bytes: Option<u64>,
    check: GpuCheck,
    /// Batches so far.
    batches: AtomicU64,
    counters: LiveCounters,
    pub(crate) observed: Observed,
}

impl Engine {
    /// Builds an engine.
    ///
    /// # Errors
    ///
    /// A scoring scheme outside its limits, a forced SIMD level that this CPU lacks, an adapter number
    /// that does not exist or whose adapter is not usable, or [`Backend::Gpu`] without a usable adapter.
    pub fn new(options: EngineOptions) -> Result<Engine, Error> {
        options.scoring.validate()?;
        let level = options.simd.unwrap_or_else(SimdLevel::detect);
        let token = level.token().ok_or(Error::SimdLevel(level))?;
        let opened = match options.backend {
            Backend::Cpu | Backend::Scalar => Opened::default(),
            Backend::Auto => adapters::open(&options, options.software)?,
            Backend::Gpu => adapters::open(&options, true)?,
        };
        if options.backend == Backend::Gpu && opened.devices.is_empty() {
            return Err(Error::Gpu(opened.reasons()));
        }
        let Opened { devices, failed } = opened;
        let unpacked = |(gpu, title): &(Gpu, String)| {
            let reason = gpu.extend.unpacked.clone()?;
            Some(DeviceFailure { device: title.clone(), reason })
        };
        Ok(Engine {
            unopened: failed,
            unpacked: devices.iter().filter_map(unpacked).collect(),
            scoring: options.scoring,
            simd: (level, token),
            scalar: options.backend == Backend::Scalar,
            devices: Pool::new(devices),
            sharing: Sharing { cpu: options.backend != Backend::Gpu, chunk_cells: options.chunk_cells },
            piece_bytes: options.piece_bytes,
            check: options.check,
            batches: AtomicU64::new(0),
            counters: LiveCounters::default(),
            observed: Observed::default(),
        })
    }

    /// Puts the reference on every device, where it stays, so that the targets of jobs that were pushed with a window need
    /// not be sent with each batch. It is in planes: of every 64 bases a word with the low bits of their codes and one with the
    /// high bits, bit i for base i; 2 bits a base on the host and on a device.
    ///
    /// Returns the devices that refused it, for want of room, say, or because a call is using them, each worth one line in the
    /// log: on these, as on the CPU, jobs run from their own bases, with the same results.
    #[must_use = "a device that refuses the reference is slower"]
    pub fn set_reference(&self, planes: &[[u64; 2]]) -> Vec<DeviceFailure> {
        self.devices.prepare(|gpu| {
            let max_piece_bytes = self.piece_bytes.unwrap_or(gpu.device.max_binding_bytes);
            gpu.device.resident = None;
            gpu.device.resident = Some(Resident::new(&gpu.device, planes, max_piece_bytes)?);
            Ok(())
        })
    }

    pub(crate) fn answer_extend(&self, batch: &ExtendBatch, results: &mut Vec<ExtendResult>) {
        results.clear();
        results.resize(batch.len(), ExtendResult::default());
        add(&self.counters.extend_jobs, batch.len());
        if self.scalar {
            for (job, result) in results.iter_mut().enumerate() {
                let (query, target) = (batch.query(job), batch.target(job));
                *result = extend::reference(query, target, batch.params(job), &self.scoring);
            }
            return;
        }
        let (task, checker) = (&Task::new(batch, &self.scoring), self.checker());
        let answers = self.run(
            batch.len(),
            |job| extend::gpu::size(batch, job, &self.scoring),
            |gpu, feed| {
                let answers = extend::gpu::extend(gpu, (batch, &self.scoring), feed, &self.counters)?;
                checker.extend(batch, &answers).map(|()| answers)
            },
            |jobs| add(&self.counters.widened_jobs, extend::simd::extend(self.simd.1, task, jobs, results)),
        );
        self.take(answers, results);
    }

    pub(crate) fn answer_global(&self, batch: &GlobalBatch, results: &mut GlobalResults) {
        results.clear();
        add(&self.counters.global_jobs, batch.len());
        if self.scalar {
            for job in 0..batch.len() {
                let (query, target) = (batch.query(job), batch.target(job));
                let (score, cigar) = global::reference(query, target, batch.params(job), &self.scoring);
                results.push(score, &cigar);
            }
            return;
        }
        let (task, checker) = (&Task::new(batch, &self.scoring), self.checker());
        let mut found = Unordered::default();
        let mut on_cpu = |jobs: &mut dyn Iterator<Item = usize>| {
            add(&self.counters.widened_jobs, global::simd::global(self.simd.1, task, jobs, &mut found));
        };
        let answers = self.run(
            batch.len(),
            |job| global::gpu::size(batch, job),
            |gpu, feed| {
                let (answers, left) = global::gpu::global(gpu, batch, feed)?;
                checker.global(batch, &answers).map(|()| (answers, left))
            },
            &mut on_cpu,
        );
        let mut rows = Vec::new();
        for (answered, left) in answers {
            on_cpu(&mut left.into_iter());
            rows.push(answered);
        }
        rows.into_iter().for_each(|rows| {
            add(&self.counters.gpu_jobs, rows.len());
            found.absorb(rows);
        });
        found.finish(results);
    }

    pub(crate) fn answer_local(&self, batch: &LocalBatch, results: &mut Vec<LocalResult>) {
        results.clear();
        results.resize(batch.len(), LocalResult::default());
        add(&self.counters.local_jobs, batch.len());
        if self.scalar {
            for (job, result) in results.iter_mut().enumerate() {
                let (query, target) = (batch.query(job), batch.target(job));
                *result = local::reference(query, target, batch.params(job), &self.scoring);
            }
            return;
        }
        let (task, checker) = (&Task::new(batch, &self.scoring), self.checker());
        let answers = self.run(
            batch.len(),
            |job| local::gpu::size(batch, job, &self.scoring),
            |gpu, feed| {
                let answers = local::gpu::local(gpu, task, feed)?;
                checker.local(batch, &answers).map(|()| answers)
            },
            |jobs| add(&self.counters.widened_jobs, local::simd::local(self.simd.1, task, jobs, results)),
        );
        self.take(answers, results);
    }

    /// The check of what devices answer of the next batch.
    fn checker(&self) -> Checker<'_> {
        Checker {
            check: self.check,
            turn: self.batches.fetch_add(1, Ordering::Relaxed),
            scoring: &self.scoring,
            level: self.simd.1,
            counters: &self.counters,
        }
    }

    /// Has each of `jobs` jobs answered by `cpu` or `device` and returns what devices answered. A device takes only what has
    /// a size.
    fn run<A: Send>(
        &self,
        jobs: usize,
        size: impl Fn(usize) -> Option<Size>,
        device: impl Fn(&mut Gpu, &mut Feed<'_>) -> Result<A, GpuError> + Sync,
        mut cpu: impl FnMut(&mut dyn Iterator<Item = usize>),
    ) -> Vec<A> {
        if jobs == 0 {
            return Vec::new();
        }
        if self.devices.in_service() == 0 {
            cpu(&mut (0..jobs));
            return Vec::new();
        }
        let (mut takes, mut left) = (Vec::with_capacity(jobs), Vec::new());
        for job in 0..jobs {
            match size(job) {
                Some(size) => takes.push((size, job as u32)),
                None => left.push(job),
            }
        }
        let queue = Queue::new(takes);
        if !self.sharing.pays(queue.cells()) {
            cpu(&mut (0..jobs));
            return Vec::new();
        }
        let mut on_cpu = |jobs: &[u32]| cpu(&mut jobs.iter().map(|&job| job as usize));
        let shared = share(&self.devices, &queue, self.sharing, device, &mut on_cpu);
        if !shared.failed.is_empty() {
            on_cpu(&shared.failed);
        }
        if !left.is_empty() {
            cpu(&mut left.into_iter());
        }
        add(&self.counters.gpu_batches, usize::from(!shared.answers.is_empty()));
        add(&self.counters.gpu_failures, shared.failures);
        add(&self.counters.redone_jobs, shared.failed.len());
        shared.answers
    }

    /// Puts devices' answers in their places.
    fn take<R>(&self, answers: Vec<Vec<(u32, R)>>, results: &mut [R]) {
        for answers in answers {
            add(&self.counters.gpu_jobs, answers.len());
            for (job, answer) in answers {
                results[job as usize] = answer;
            }
        }
    }

    /// What the CPU can do besides the kernels, at the level that they run at.
    pub fn instructions(&self) -> Instructions {
        Instructions::new(self.simd.1)
    }

    /// The scoring scheme.
    pub fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    /// Where jobs run, in words, such as `cpu (AVX-512)`, `gpu (llvmpipe, Vulkan, software)`, or both with a plus sign.
    pub fn description(&self) -> String {
        if self.scalar {
            return "scalar".to_owned();
        }
        let mut places: Vec<String> = self.devices.titles().into_iter().map(|title| format!("gpu ({title})")).collect();
        if self.sharing.cpu || places.is_empty() {
            places.push(format!("cpu ({})", self.simd.0.title()));
        }
        places.join(" + ")
    }

    /// The devices that failed and why, each worth one line in the log. Their jobs were redone on the CPU.
    pub fn device_failures(&self) -> Vec<DeviceFailure> {
        self.devices.failures()
    }

    /// The devices that should be used and can't be opened, and why, each worth one line in the log. Without them the results
    /// are the same.
    pub fn unopened_devices(&self) -> &[DeviceFailure] {
        &self.unopened
    }

    /// The devices that should run two extension jobs a word and run one, slower, with the same results; and why.
    pub fn unpacked_devices(&self) -> &[DeviceFailure] {
        &self.unpacked
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        self.counters.snapshot()
    }

    /// How many jobs a batch should have to keep the backend busy. A hint: any number is right.
    pub fn preferred_jobs(&self) -> usize {
        // On the CPU, enough full groups that sorting by length pays.
        if self.devices.in_service() > 0 { 1 << 16 } else { 1 << 12 }
    }

    /// Measures from now on how long kernels take on the GPUs, by their own clocks and without transfers; for benchmarks.
    /// Returns whether there is a GPU and each has a clock.
    pub fn time_kernels(&self) -> bool {
        self.devices.time_kernels()
    }

    /// How long kernels took on the GPUs since [`Engine::time_kernels`], if that can be told.
    pub fn kernel_time(&self) -> Option<Duration> {
        self.devices.kernel_time()
    }

    /// A drill: makes the next use of every idle device fail as a driver could, so that the CPU has to redo jobs. Returns
    /// the number of those devices.
    #[doc(hidden)]
    pub fn inject(&self, fault: Fault) -> usize {
        self.devices.inject(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Adapters;

    #[test]
    fn threads_can_share_an_engine() {
        fn shared<T: Send + Sync>() {}
        shared::<Engine>();
    }

    #[test]
    fn what_this_machine_lacks_is_refused() {
        let missing = SimdLevel::ALL.into_iter().find(|level| level.token().is_none());
        if let Some(level) = missing {
            let options = EngineOptions { backend: Backend::Cpu, simd: Some(level), ..Default::default() };
            assert_eq!(Engine::new(options).err(), Some(Error::SimdLevel(level)));
        }
        let options = EngineOptions { adapters: Adapters::Numbers(vec![usize::MAX]), ..Default::default() };
        assert!(matches!(Engine::new(options).err(), Some(Error::NoSuchAdapter { .. })));
    }
}
