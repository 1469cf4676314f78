//! WGSL to SPIR-V, as wgpu 30 does it for Vulkan.

use naga::back::{PipelineConstants, pipeline_constants::process_overrides, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};

use crate::Outcome;
use crate::kernels::Kernel;

/// The words of the kernel's entry point `main`, its overrides filled in.
pub fn compile(kernel: &Kernel) -> Outcome<Vec<u32>> {
    let module = naga::front::wgsl::parse_str(&kernel.wgsl).map_err(|e| e.emit_to_string(&kernel.wgsl))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::all())
        .validate(&module)
        .map_err(|e| e.emit_to_string(&kernel.wgsl))?;
    let values: PipelineConstants = kernel.overrides.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    let (module, info) = process_overrides(&module, &info, Some((naga::ShaderStage::Compute, "main")), &values)?;
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
    let entry = spv::PipelineOptions { shader_stage: naga::ShaderStage::Compute, entry_point: "main".to_owned() };
    Ok(spv::write_vec(&module, &info, &options, Some(&entry))?)
}
