//! Whether a machine may have a hardware GPU at all.
//!
//! To ask the Vulkan drivers, software ones among them, costs some 25 ms of CPU time: as much as to map a thousand reads.

/// What drivers of GPUs on Linux call their devices, or the folders of these: the kernel's graphics subsystem, NVIDIA, Windows
/// below (WSL), Qualcomm, Arm, Imagination.
#[cfg(target_os = "linux")]
const DEVICES: [&str; 6] = ["dri", "nvidia", "dxg", "kgsl", "mali", "pvr"];
/// Variables by which a user names drivers to the Vulkan loader. Then these are asked.
#[cfg(target_os = "linux")]
const DRIVER_VARIABLES: [&str; 3] = ["VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// False only where there is certainly none: Linux has no device of one, and no driver is named.
#[cfg(target_os = "linux")]
pub(crate) fn may_have_gpu() -> bool {
    let is_device = |name: &std::ffi::OsStr| {
        let name = name.as_encoded_bytes();
        DEVICES.iter().any(|device| name.starts_with(device.as_bytes()))
    };
    if DRIVER_VARIABLES.iter().any(|name| std::env::var_os(name).is_some()) {
        return true;
    }
    // Where the devices can't be listed, nothing is known.
    std::fs::read_dir("/dev").map_or(true, |devices| devices.flatten().any(|device| is_device(&device.file_name())))
}

/// Elsewhere the system's own interface is asked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn may_have_gpu() -> bool {
    true
}
