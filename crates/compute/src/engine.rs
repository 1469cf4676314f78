//! The engine: one scoring scheme, one place to run, any number of callers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fearless_simd::Level;

use crate::counters::{LiveCounters, add};
use crate::gpu::adapters::{self, Wanted};
use crate::gpu::{Gpu, GpuError};
use crate::kernels::global::results::Unordered;
use crate::kernels::lanes::Task;
use crate::kernels::{extend, global, local};
use crate::observer::Observed;
use crate::{
    Backend, Counters, EngineOptions, Error, ExtendBatch, ExtendResult, GlobalBatch, GlobalResults, LocalBatch,
    LocalResult, Scoring, SimdLevel,
};

/// Answers batches of jobs. It can be shared by threads: SIMD calls run side by side, GPU calls take
/// turns.
pub struct Engine {
    scoring: Scoring,
    simd: (SimdLevel, Level),
    /// Answer on the CPU with the scalar reference.
    scalar: bool,
    gpu: Option<Device>,
    counters: LiveCounters,
    pub(crate) observed: Observed,
}

/// A GPU, its name, and whether it has failed.
struct Device {
    gpu: Mutex<Gpu>,
    title: String,
    retired: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl Engine {
    /// Builds an engine.
    ///
    /// # Errors
    ///
    /// A scoring scheme outside its limits, a forced SIMD level that this CPU lacks, an adapter number
    /// that does not exist, or [`Backend::Gpu`] without a usable adapter.
    pub fn new(options: EngineOptions) -> Result<Engine, Error> {
        options.scoring.validate()?;
        let level = options.simd.unwrap_or_else(SimdLevel::detect);
        let token = level.token().ok_or(Error::SimdLevel(level))?;
        let wanted = match (options.backend, options.adapter) {
            (Backend::Cpu | Backend::Scalar, _) => None,
            (_, Some(index)) => Some(Wanted::Number(index)),
            (Backend::Auto, None) => Some(Wanted::Hardware),
            (Backend::Gpu, None) => Some(Wanted::Any),
        };
        let opened = wanted.map(|wanted| adapters::open(wanted, &options.scoring)).transpose();
        let opened = match (opened, options.backend) {
            // Auto without a working GPU is the CPU, but a wrong adapter number is a mistake.
            (Err(Error::Gpu(_)), Backend::Auto) => None,
            (opened, _) => opened?,
        };
        Ok(Engine {
            scoring: options.scoring,
            simd: (level, token),
            scalar: options.backend == Backend::Scalar,
            gpu: opened.map(|(gpu, title)| Device {
                gpu: Mutex::new(gpu),
                title,
                retired: AtomicBool::new(false),
                failure: Mutex::new(None),
            }),
            counters: LiveCounters::default(),
            observed: Observed::default(),
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
        let task = &Task::new(batch, &self.scoring);
        let on_gpu = self.try_gpu(batch.is_empty(), |gpu| extend::gpu::extend(gpu, batch, &self.scoring, results));
        let widened = match on_gpu {
            Some(left) => extend::simd::extend(self.simd.1, task, left.into_iter(), results),
            None => extend::simd::extend(self.simd.1, task, 0..batch.len(), results),
        };
        add(&self.counters.widened_jobs, widened);
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
        let task = &Task::new(batch, &self.scoring);
        let mut found = Unordered::default();
        let on_gpu = self.try_gpu(batch.is_empty(), |gpu| global::gpu::global(gpu, batch, &mut found));
        let widened = match on_gpu {
            Some(left) => global::simd::global(self.simd.1, task, left.into_iter(), &mut found),
            None => {
                // A failed device may have answered some of the jobs.
                found = Unordered::default();
                global::simd::global(self.simd.1, task, 0..batch.len(), &mut found)
            }
        };
        add(&self.counters.widened_jobs, widened);
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
        let task = &Task::new(batch, &self.scoring);
        let on_gpu = self.try_gpu(batch.is_empty(), |gpu| local::gpu::local(gpu, task, results));
        let widened = match on_gpu {
            Some(left) => local::simd::local(self.simd.1, task, left.into_iter(), results),
            None => {
                // A failed device may have answered some of the jobs.
                results.fill(LocalResult::default());
                local::simd::local(self.simd.1, task, 0..batch.len(), results)
            }
        };
        add(&self.counters.widened_jobs, widened);
    }

    /// Runs `work` on the GPU if there is one in service. `None`: the CPU has to do it.
    fn try_gpu<T>(&self, empty: bool, work: impl FnOnce(&mut Gpu) -> Result<T, GpuError>) -> Option<T> {
        let device = self.gpu.as_ref()?;
        if empty || device.retired.load(Ordering::Relaxed) {
            return None;
        }
        // A caller that panicked leaves only buffers behind, which the next call overwrites.
        let mut gpu = device.gpu.lock().unwrap_or_else(PoisonError::into_inner);
        if device.retired.load(Ordering::Relaxed) {
            return None;
        }
        match work(&mut gpu) {
            Ok(value) => {
                add(&self.counters.gpu_batches, 1);
                Some(value)
            }
            Err(error) => {
                add(&self.counters.gpu_failures, 1);
                device.retired.store(true, Ordering::Relaxed);
                let mut failure = device.failure.lock().unwrap_or_else(PoisonError::into_inner);
                *failure = Some(error.to_string());
                None
            }
        }
    }

    /// The scoring scheme.
    pub fn scoring(&self) -> &Scoring {
        &self.scoring
    }

    /// Where jobs run, in words, such as `cpu (AVX-512)` or `gpu (llvmpipe, Vulkan, software)`.
    pub fn description(&self) -> String {
        match &self.gpu {
            Some(device) if !device.retired.load(Ordering::Relaxed) => {
                format!("gpu ({})", device.title)
            }
            _ if self.scalar => "scalar".to_owned(),
            _ => format!("cpu ({})", self.simd.0.title()),
        }
    }

    /// Why the GPU was retired, if it was; for one line in the log.
    pub fn gpu_failure(&self) -> Option<String> {
        let failure = &self.gpu.as_ref()?.failure;
        failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was done so far.
    pub fn counters(&self) -> Counters {
        self.counters.snapshot()
    }

    /// How many jobs a batch should have to keep the backend busy. A hint: any number is right.
    pub fn preferred_jobs(&self) -> usize {
        match &self.gpu {
            Some(device) if !device.retired.load(Ordering::Relaxed) => 1 << 16,
            // Enough full groups that sorting by length pays.
            _ => 1 << 12,
        }
    }

    /// Measures from now on how long kernels take on the GPU, by its own clock and without transfers; for benchmarks. Returns
    /// whether there is a GPU that has a clock.
    pub fn time_kernels(&self) -> bool {
        let gpu = self.gpu.as_ref().map(|device| device.gpu.lock().unwrap_or_else(PoisonError::into_inner));
        gpu.is_some_and(|mut gpu| gpu.device.time_kernels())
    }

    /// How long kernels took on the GPU since [`Engine::time_kernels`], if that can be told.
    pub fn kernel_time(&self) -> Option<Duration> {
        let gpu = self.gpu.as_ref()?.gpu.lock().unwrap_or_else(PoisonError::into_inner);
        let total = gpu.device.kernel_time.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(*total)
    }

    /// A drill: destroys the GPU's device, as a driver reset would, so that the next batch has to be
    /// redone on the CPU. Returns whether there was a GPU.
    pub fn lose_device(&self) -> bool {
        let Some(device) = &self.gpu else {
            return false;
        };
        device.gpu.lock().unwrap_or_else(PoisonError::into_inner).device.raw.destroy();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let options = EngineOptions { adapter: Some(usize::MAX), ..Default::default() };
        assert!(matches!(Engine::new(options).err(), Some(Error::NoSuchAdapter { .. })));
    }
}
