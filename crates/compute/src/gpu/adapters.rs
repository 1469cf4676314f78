//! The adapters of this machine: what each can do, and how to open them.

use super::Gpu;
use super::choice::{Likeness, open_chosen};
use super::presence::may_have_gpu;
use crate::{Adapters, EngineOptions, Error};

/// One adapter as `svala doctor` shows it; its place in the list is the number that
/// [`crate::Adapters`] takes.
#[derive(Debug, Clone)]
pub struct AdapterReport {
    /// The device's name.
    pub name: String,
    /// The PCI vendor number.
    pub vendor: u32,
    /// Discrete, integrated, virtual, cpu or other.
    pub kind: &'static str,
    /// The interface it is driven through, such as Vulkan.
    pub api: String,
    /// The driver's name and version.
    pub driver: String,
    /// The most bytes one storage binding may have.
    pub max_storage_binding_bytes: u64,
    /// The most invocations a work-group may have.
    pub max_invocations_per_workgroup: u32,
    /// What offsets of storage bindings must be a multiple of, in bytes.
    pub min_storage_offset_alignment: u32,
    /// Those of SUBGROUP, SHADER_F16, SHADER_I16 and SHADER_INT64 that it has.
    pub features: Vec<&'static str>,
    /// Whether it is software on the CPU rather than a GPU.
    pub software: bool,
    /// Whether a device could be opened and all kernels compiled, or why not.
    pub usable: Result<(), String>,
}

/// Lists every adapter and tries to open each. This may take a second an adapter.
pub fn usable_adapters() -> Vec<AdapterReport> {
    let options = EngineOptions::default();
    enumerate().iter().map(|adapter| report(adapter, &options)).collect()
}

pub(crate) fn enumerate() -> Vec<wgpu::Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()))
}

fn report(adapter: &wgpu::Adapter, options: &EngineOptions) -> AdapterReport {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let known = [
        (wgpu::Features::SUBGROUP, "SUBGROUP"),
        (wgpu::Features::SHADER_F16, "SHADER_F16"),
        (wgpu::Features::SHADER_I16, "SHADER_I16"),
        (wgpu::Features::SHADER_INT64, "SHADER_INT64"),
    ];
    let has = adapter.features();
    AdapterReport {
        vendor: info.vendor,
        kind: kind(info.device_type),
        api: api(&info),
        driver: [info.driver.as_str(), &info.driver_info].join(" ").trim().to_owned(),
        max_storage_binding_bytes: limits.max_storage_buffer_binding_size,
        max_invocations_per_workgroup: limits.max_compute_invocations_per_workgroup,
        min_storage_offset_alignment: limits.min_storage_buffer_offset_alignment,
        features: known.iter().filter(|(bit, _)| has.contains(*bit)).map(|(_, name)| *name).collect(),
        software: is_software(adapter),
        usable: Gpu::open(adapter, options).map(|_| ()).map_err(|error| error.0),
        name: info.name,
    }
}

fn kind(device_type: wgpu::DeviceType) -> &'static str {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "cpu",
        wgpu::DeviceType::Other => "other",
    }
}

fn api(info: &wgpu::AdapterInfo) -> String {
    format!("{:?}", info.backend)
}

fn likeness(adapter: &wgpu::Adapter) -> Likeness {
    let info = adapter.get_info();
    Likeness { kind: kind(info.device_type), api: api(&info) }
}

fn is_software(adapter: &wgpu::Adapter) -> bool {
    adapter.get_info().device_type == wgpu::DeviceType::Cpu
}

/// The adapter in words: name, interface, and whether it is software.
pub(crate) fn title(adapter: &wgpu::Adapter) -> String {
    let info = adapter.get_info();
    // Drivers append their own details in parentheses; the report has them.
    let name = info.name.split(" (").next().unwrap_or(&info.name);
    let software = if is_software(adapter) { ", software" } else { "" };
    format!("{name}, {}{software}", api(&info))
}

/// Opens the wanted adapters that work, with their titles; without `software` only hardware, unless numbers are given. The
/// error says why none did, or why one of those with a number did not.
pub(crate) fn open(options: &EngineOptions, software: bool) -> Result<Vec<(Gpu, String)>, Error> {
    let are_named = matches!(options.adapters, Adapters::Numbers(_));
    if !software && !are_named && !may_have_gpu() {
        return Err(Error::Gpu("this machine has no GPU".to_owned()));
    }
    let adapters = enumerate();
    if let Adapters::Numbers(numbers) = &options.adapters {
        let count = adapters.len();
        let open_one = |&index: &usize| {
            let adapter = adapters.get(index).ok_or(Error::NoSuchAdapter { index, count })?;
            open_one(adapter, options).map_err(Error::Gpu)
        };
        return numbers.iter().map(open_one).collect();
    }
    let alike: Vec<Likeness> = adapters.iter().map(likeness).collect();
    let open = |k: usize| open_one(&adapters[k], options);
    let (opened, mut reasons) = open_chosen(&alike, (options.adapters == Adapters::Best, software), open);
    if !opened.is_empty() {
        return Ok(opened);
    }
    if reasons.is_empty() {
        reasons.push("no adapter was found".to_owned());
    }
    Err(Error::Gpu(reasons.join("; ")))
}

fn open_one(adapter: &wgpu::Adapter, options: &EngineOptions) -> Result<(Gpu, String), String> {
    let title = title(adapter);
    match Gpu::open(adapter, options) {
        Ok(gpu) => Ok((gpu, title)),
        Err(error) => Err(format!("{title}: {error}")),
    }
}
