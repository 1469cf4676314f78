//! An open device and its state of health.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::GpuError;
use super::timer::Timer;
use super::unroll::unroll;
use crate::kernels::windows::gpu::Resident;
use crate::selftest::Fault;

/// The first thing that went wrong outside a call, as the driver's callbacks report it.
#[derive(Debug, Clone, Default)]
struct Health(Arc<Mutex<Option<String>>>);

impl Health {
    fn fail(&self, reason: String) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(reason);
    }

    fn check(&self) -> Result<(), GpuError> {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.clone().map_or(Ok(()), |reason| Err(GpuError(reason)))
    }
}

/// A device, its queue and its limits.
pub(crate) struct Device {
    pub(crate) raw: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    /// The most bytes one storage buffer may have.
    pub(crate) max_binding_bytes: u64,
    /// Whether loops should be written out for its compiler. Not for SwiftShader's, which takes minutes over long code.
    unrolls: bool,
    /// The time that kernels took so far, if it is to be measured.
    pub(crate) kernel_time: Option<Mutex<Duration>>,
    /// The reference, if it is here.
    pub(crate) resident: Option<Resident>,
    /// A shader's name and its text, in place of the right one; for tests.
    pub(crate) replaced: Option<(&'static str, String)>,
    health: Health,
    /// What a drill wants to go wrong.
    fault: Cell<Option<Fault>>,
}

impl Device {
    /// What packed shaders need of a device.
    pub(crate) const HALVES: wgpu::Features = wgpu::Features::SHADER_F16.union(wgpu::Features::SHADER_I16);

    /// Opens a device with all that the adapter's limits allow, since the defaults are far too small; with
    /// [`Self::HALVES`], which the adapter must then have, if it `packs`.
    pub(crate) fn open(adapter: &wgpu::Adapter, packs: bool) -> Result<Self, GpuError> {
        let limits = adapter.limits();
        let halves = if packs { Self::HALVES } else { wgpu::Features::empty() };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("svala"),
            required_features: adapter.features() & Timer::FEATURE | halves,
            required_limits: limits.clone(),
            ..Default::default()
        };
        let (raw, queue) =
            pollster::block_on(adapter.request_device(&descriptor)).map_err(|error| GpuError(error.to_string()))?;
        let health = Health::default();
        let lost = health.clone();
        raw.set_device_lost_callback(move |reason, message| {
            lost.fail(format!("device lost ({reason:?}): {message}"));
        });
        // Without a handler wgpu would panic on an error outside a scope.
        let uncaptured = health.clone();
        raw.on_uncaptured_error(Arc::new(move |error: wgpu::Error| uncaptured.fail(error.to_string())));
        // Sizes and offsets in the shaders are 32-bit, and no vendor binds more than 2 GiB.
        let max_binding_bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size).min(1 << 31);
        let info = adapter.get_info();
        let unrolls = info.device_type != wgpu::DeviceType::Cpu || info.name.contains("llvmpipe");
        Ok(Device {
            raw,
            queue,
            max_binding_bytes,
            unrolls,
            kernel_time: None,
            resident: None,
            replaced: None,
            health,
            fault: Cell::new(None),
        })
    }

    /// A shader as the device's compiler should see it.
    pub(crate) fn written_out(&self, name: &str, wgsl: &str) -> Result<String, GpuError> {
        let replaced = self.replaced.as_ref().filter(|(replaced, _)| *replaced == name);
        let wgsl = replaced.map_or(wgsl, |(_, wgsl)| wgsl);
        if !self.unrolls {
            return Ok(wgsl.to_owned());
        }
        unroll(wgsl).map_err(|line| GpuError(format!("cannot unroll {line}")))
    }

    /// Measures kernels from now on, if the device has a clock. Returns whether it has.
    pub(crate) fn time_kernels(&mut self) -> bool {
        let has_clock = self.raw.features().contains(Timer::FEATURE);
        self.kernel_time = has_clock.then(Mutex::default);
        has_clock
    }

    /// A drill: makes the next use of the device fail.
    pub(crate) fn inject(&self, fault: Fault) {
        match fault {
            Fault::Lost => self.raw.destroy(),
            other => self.fault.set(Some(other)),
        }
    }

    /// Whether a drill wants `fault` now; only once.
    pub(crate) fn has_fault(&self, fault: Fault) -> bool {
        let wanted = self.fault.get() == Some(fault);
        if wanted {
            self.fault.set(None);
        }
        wanted
    }

    /// A drill: spoils the results of a call, if that is wanted.
    pub(crate) fn spoil(&self, outputs: &mut [Vec<u32>]) {
        let last = outputs.len().saturating_sub(1);
        let mut change = |output: usize, word: usize, changed: fn(u32) -> u32| {
            if let Some(word) = outputs.get_mut(output).and_then(|words| words.get_mut(word)) {
                *word = changed(*word);
            }
        };
        if self.has_fault(Fault::WrongScore) {
            change(0, 0, |score| score ^ 1);
        } else if self.has_fault(Fault::WrongEnd) {
            change(0, 1, |end| end.wrapping_sub(1));
        } else if self.has_fault(Fault::WrongCigar) {
            // Of `Global` the runs come last. Other kernels have a score there.
            change(last, 0, |run| run ^ 1);
        } else if self.fault.get() == Some(Fault::AllZero) {
            outputs.iter_mut().for_each(|words| words.fill(0));
        }
    }

    /// Fails if the device was lost or reported an error nobody asked for.
    pub(crate) fn check(&self) -> Result<(), GpuError> {
        self.health.check()
    }

    /// Runs `work` and turns any error that wgpu reports meanwhile into a failure.
    pub(crate) fn guarded<T>(&self, work: impl FnOnce() -> T) -> Result<T, GpuError> {
        let scopes = [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal]
            .map(|filter| self.raw.push_error_scope(filter));
        let value = work();
        let mut failure = self.drill();
        // Scopes nest, so the last one pushed is popped first.
        for scope in scopes.into_iter().rev() {
            failure = pollster::block_on(scope.pop()).or(failure);
        }
        match failure {
            Some(error) => Err(GpuError(error.to_string())),
            None => self.check().map(|()| value),
        }
    }

    /// The error that a drill wants from inside an error scope: an invalid call is really made; memory is not really used
    /// up, since that would hurt others.
    fn drill(&self) -> Option<wgpu::Error> {
        if self.has_fault(Fault::Invalid) {
            let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::STORAGE;
            let descriptor = wgpu::BufferDescriptor { label: Some("drill"), size: 3, usage, mapped_at_creation: true };
            let _invalid = self.raw.create_buffer(&descriptor);
        }
        let full = self.has_fault(Fault::OutOfMemory);
        full.then(|| wgpu::Error::OutOfMemory { source: "a drill".into() })
    }
}
