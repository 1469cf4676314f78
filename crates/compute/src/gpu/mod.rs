//! The GPU: adapters, the device, and programs that run on it.
//!
//! Only this module and the kernels' `gpu.rs` know wgpu. Any failure is a [`GpuError`]; the engine
//! then redoes the batch on the CPU and retires the device.

pub(crate) mod adapters;
pub(crate) mod arena;
pub(crate) mod choice;
pub(crate) mod chunks;
pub(crate) mod device;
pub(crate) mod presence;
pub(crate) mod program;
pub(crate) mod staged;
pub(crate) mod timer;
pub(crate) mod unroll;
#[cfg(test)]
pub(crate) mod wgsl_check;

use device::Device;
use program::Program;

use crate::kernels::{extend, global, local};
use crate::{EngineOptions, Precision};

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
    pub(crate) fn open(adapter: &wgpu::Adapter, options: &EngineOptions) -> Result<Self, GpuError> {
        let scoring = &options.scoring;
        let can_pack = adapter.features().contains(Device::HALVES);
        let packs = match options.precision {
            Precision::Auto | Precision::I32 => false,
            Precision::Packed => can_pack,
        };
        let mut device = Device::open(adapter, packs)?;
        device.replaced = options.shader.clone();
        let extend = extend::gpu::Kernel::new(&device, scoring)?;
        let global = global::gpu::program(&device, scoring)?;
        let local = local::gpu::program(&device, scoring)?;
        let mut gpu = Gpu { device, extend, global, local };
        if packs {
            extend::gpu::pack(&mut gpu, scoring)?;
        } else if options.precision == Precision::Packed {
            gpu.extend.unpacked = Some("its shaders have no 16-bit numbers".to_owned());
        }
        Ok(gpu)
    }
}
