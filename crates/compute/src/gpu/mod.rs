//! The GPU: adapters, the device, and programs that run on it.
//!
//! Only this module and the kernels' `gpu.rs` know wgpu. Any failure is a [`GpuError`]; the engine
//! then redoes the batch on the CPU and retires the device.

pub(crate) mod adapters;
pub(crate) mod arena;
pub(crate) mod chunks;
pub(crate) mod device;
pub(crate) mod program;
pub(crate) mod timer;
pub(crate) mod unroll;
#[cfg(test)]
pub(crate) mod wgsl_check;

use device::Device;
use program::Program;

use crate::Scoring;
use crate::kernels::{extend, global, local};

/// A failure of the device, in words for the log.
#[derive(Debug, Clone)]
pub(crate) struct GpuError(pub(crate) String);

impl std::fmt::Display for GpuError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An open device with all kernels compiled for one scoring scheme.
pub(crate) struct Gpu {
    pub(crate) device: Device,
    pub(crate) extend: extend::gpu::Kernel,
    pub(crate) global: Program,
    pub(crate) local: Program,
}

impl Gpu {
    pub(crate) fn open(adapter: &wgpu::Adapter, scoring: &Scoring) -> Result<Self, GpuError> {
        let device = Device::open(adapter)?;
        let extend = extend::gpu::Kernel::new(&device, scoring)?;
        let global = global::gpu::program(&device, scoring)?;
        let local = local::gpu::program(&device, scoring)?;
        Ok(Gpu { device, extend, global, local })
    }
}
