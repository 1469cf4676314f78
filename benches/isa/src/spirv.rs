//! WGSL to SPIR-V, as wgpu 30 does it for Vulkan.

use naga::back::{PipelineConstants, pipeline_constants::process_overrides, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};

use crate::Outcome;
use crate::kernels::{Kernel, OVERRIDES};

/// The words of the kernel's entry point, its overrides filled in, and the number of the shader's bindings.
pub fn compile(kernel: &Kernel) -> Outcome<(Vec<u32>, u32)> {
    let module = naga::front::wgsl::parse_str(&kernel.wgsl).map_err(|e| e.emit_to_string(&kernel.wgsl))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .map_err(|e| e.emit_to_string(&kernel.wgsl))?;
    let bindings = module.global_variables.iter().filter(|(_, variable)| variable.binding.is_some()).count() as u32;
    let declared = module.overrides.iter().filter_map(|(_, constant)| constant.name.as_deref());
    let value =
        |name: &str| OVERRIDES.iter().find(|(known, _)| *known == name).map(|(_, value)| (name.to_owned(), *value));
    let values: PipelineConstants = declared.filter_map(value).collect();
    let entry = (naga::ShaderStage::Compute, kernel.entry);
    let (module, info) = process_overrides(&module, &info, Some(entry), &values)?;
    let policy = if kernel.checked { BoundsCheckPolicy::Restrict } else { BoundsCheckPolicy::Unchecked };
    // RADV has robustBufferAccess2, so wgpu leaves the bounds of buffers to it.
    let buffer = BoundsCheckPolicy::Unchecked;
    let options = spv::Options {
        lang_version: (1, 3),
        flags: spv::WriterFlags::empty(),
        bounds_check_policies: BoundsCheckPolicies { index: policy, buffer, ..Default::default() },
        force_loop_bounding: kernel.checked,
        ..Default::default()
    };
    let entry = spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: kernel.entry.to_owned() };
    Ok((spv::write_vec(&module, &info, &options, Some(&entry))?, bindings))
}
