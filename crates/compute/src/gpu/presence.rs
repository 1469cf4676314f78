//! Whether a machine may have a hardware GPU at all.
//!
//! To ask the Vulkan drivers, software ones among them, costs some 25 ms of CPU time: as much as to map a thousand reads.

/// What drivers of GPUs on Linux call their devices, or the folders of these: the kernel's graphics subsystem, NVIDIA, Windows
/// below (WSL), Qualcomm, Arm, Imagination, NVIDIA's boards.
#[cfg(target_os = "linux")]
const DEVICES: [&str; 7] = ["dri", "nvidia", "dxg", "kgsl", "mali", "pvr", "nvhost"];
/// Variables by which a user names drivers to the Vulkan loader. Then these are asked.
#[cfg(target_os = "linux")]
const DRIVER_VARIABLES: [&str; 3] = ["VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// False only where there is certainly none: Linux has no device of one, and no driver is named.
#[cfg(target_os = "linux")]
pub(crate) fn may_have_gpu() -> bool {
    if DRIVER_VARIABLES.iter().any(|name| std::env::var_os(name).is_some()) {
        return true;
    }
    // Where the devices can't be listed, nothing is known.
    std::fs::read_dir("/dev")
        .map_or(true, |devices| devices.flatten().any(|device| is_gpu(device.file_name().as_encoded_bytes())))
}

/// Whether a device of that name, or a folder of devices, is a GPU's.
#[cfg(target_os = "linux")]
fn is_gpu(name: &[u8]) -> bool {
    DEVICES.iter().any(|device| name.starts_with(device.as_bytes()))
}

/// Elsewhere the system's own interface is asked.
#[cfg(not(target_os = "linux"))]
pub(crate) fn may_have_gpu() -> bool {
    true
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::is_gpu;

    #[test]
    fn gpus_are_told_from_other_devices() {
        for name in ["dri", "nvidia0", "nvidiactl", "dxg", "kgsl-3d0", "mali0", "pvr_sync", "nvhost-gpu"] {
            assert!(is_gpu(name.as_bytes()), "{name}");
        }
        for name in ["null", "nvme0n1", "nvram", "tty0", "fb0", "kmsg", "shm"] {
            assert!(!is_gpu(name.as_bytes()), "{name}");
        }
    }
}
