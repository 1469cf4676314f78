//! The driver: compiles a compute pipeline and says what came out of it.
//!
//! The only file with `unsafe`: every call into Vulkan is. Handles are made once, used while the device lives, and freed
//! by the end of the process, which follows at once.

use std::ffi::{CStr, CString};

use ash::{khr, vk};

use crate::Outcome;

/// A Vulkan device of RADV.
pub struct Device {
    raw: ash::Device,
    executables: khr::pipeline_executable_properties::Device,
    // Dropping these would unload the driver.
    _instance: ash::Instance,
    _entry: ash::Entry,
}

/// A pipeline in the driver's words.
pub struct Compiled {
    /// The assembly.
    pub assembly: String,
    statistics: Vec<(String, u64)>,
}

impl Compiled {
    /// A statistic by RADV's name for it.
    pub fn statistic(&self, name: &str) -> Outcome<u64> {
        let found = self.statistics.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| *value).ok_or_else(|| {
            let known: Vec<&str> = self.statistics.iter().map(|(known, _)| known.as_str()).collect();
            format!("the driver has no statistic {name}, but {}", known.join(", ")).into()
        })
    }
}

impl Device {
    /// Opens the first device of the loader.
    pub fn open() -> Outcome<Self> {
        // SAFETY: loads the system's Vulkan loader, which is made to be loaded so.
        let entry = unsafe { ash::Entry::load()? };
        let application = vk::ApplicationInfo::default().api_version(vk::API_VERSION_1_3);
        let instance_info = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: the structs outlive the call, and the entry outlives the instance.
        let instance = unsafe { entry.create_instance(&instance_info, None)? };
        // SAFETY: the instance is alive.
        let physical = unsafe { instance.enumerate_physical_devices()? };
        let physical = *physical.first().ok_or("no Vulkan device")?;
        let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
        let names = [khr::pipeline_executable_properties::NAME.as_ptr()];
        let mut report =
            vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
        let mut model = vk::PhysicalDeviceVulkan12Features::default()
            .vulkan_memory_model(true)
            .vulkan_memory_model_device_scope(true)
            .shader_float16(true);
        let mut halves = vk::PhysicalDevice16BitStorageFeatures::default().storage_buffer16_bit_access(true);
        let core = vk::PhysicalDeviceFeatures::default().shader_int16(true);
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&names)
            .enabled_features(&core)
            .push_next(&mut report)
            .push_next(&mut halves)
            .push_next(&mut model);
        // SAFETY: as above; a missing feature is an error, not undefined behaviour.
        let raw = unsafe { instance.create_device(physical, &info, None)? };
        let executables = khr::pipeline_executable_properties::Device::new(&instance, &raw);
        Ok(Device { raw, executables, _instance: instance, _entry: entry })
    }

    /// Compiles an entry point of SPIR-V; binding 0 of group 0 is a uniform and the rest is storage.
    pub fn compile(&self, words: &[u32], entry: &str, bindings: u32) -> Outcome<Compiled> {
        let pipeline = self.pipeline(words, entry, bindings)?;
        let info = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline);
        // SAFETY: the pipeline was made with the flags that both calls ask for.
        let statistics = unsafe { self.executables.get_pipeline_executable_statistics(&info)? };
        let statistics = statistics.iter().map(|row| {
            // SAFETY: all members of the union are 64-bit numbers or shorter, and RADV writes u64.
            let value = unsafe { row.value.u64 };
            Ok((text_of(&row.name)?, value))
        });
        Ok(Compiled { statistics: statistics.collect::<Outcome<_>>()?, assembly: self.assembly(&info)? })
    }

    fn pipeline(&self, words: &[u32], entry: &str, bindings: u32) -> Outcome<vk::Pipeline> {
        let kind = |binding| match binding {
            0 => vk::DescriptorType::UNIFORM_BUFFER,
            _ => vk::DescriptorType::STORAGE_BUFFER,
        };
        let slots = (0..bindings).map(|binding| {
            vk::DescriptorSetLayoutBinding::default()
                .binding(binding)
                .descriptor_type(kind(binding))
                .descriptor_count(1)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        });
        let slots: Vec<_> = slots.collect();
        let sets = vk::DescriptorSetLayoutCreateInfo::default().bindings(&slots);
        // SAFETY: every struct lives until its call returns, and naga validated the module behind the words.
        unsafe {
            let sets = [self.raw.create_descriptor_set_layout(&sets, None)?];
            let layout = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
            let layout = self.raw.create_pipeline_layout(&layout, None)?;
            let module = vk::ShaderModuleCreateInfo::default().code(words);
            let module = self.raw.create_shader_module(&module, None)?;
            let entry = CString::new(entry)?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(&entry);
            let flags = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
                | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
            let info = vk::ComputePipelineCreateInfo::default().flags(flags).stage(stage).layout(layout);
            let made = self.raw.create_compute_pipelines(vk::PipelineCache::null(), &[info], None);
            let made = made.map_err(|(_, error)| error)?;
            Ok(*made.first().ok_or("no pipeline")?)
        }
    }

    fn assembly(&self, info: &vk::PipelineExecutableInfoKHR<'_>) -> Outcome<String> {
        // SAFETY: as for the statistics; without memory the call only says how much there is.
        let mut found = unsafe { self.executables.get_pipeline_executable_internal_representations(info)? };
        let mut texts: Vec<Vec<u8>> = found.iter().map(|row| vec![0; row.data_size]).collect();
        for (row, text) in found.iter_mut().zip(&mut texts) {
            row.p_data = text.as_mut_ptr().cast();
        }
        let mut count = found.len() as u32;
        let call = self.executables.fp().get_pipeline_executable_internal_representations_khr;
        // SAFETY: `count` rows, each with the memory that the driver asked for, which outlives the call.
        unsafe { call(self.raw.handle(), info, &mut count, found.as_mut_ptr()).result()? };
        for (row, text) in found.iter().zip(&texts) {
            if text_of(&row.name)?.contains("Assembly") {
                return Ok(CStr::from_bytes_until_nul(text)?.to_string_lossy().into_owned());
            }
        }
        Err("the driver shows no assembly".into())
    }
}

fn text_of(name: &[std::ffi::c_char]) -> Outcome<String> {
    let bytes: Vec<u8> = name.iter().map(|&c| c as u8).collect();
    Ok(CStr::from_bytes_until_nul(&bytes)?.to_string_lossy().into_owned())
}
