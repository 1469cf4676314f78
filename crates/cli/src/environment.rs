//! Environment variables that svala sets for itself.
#![allow(unsafe_code, reason = "changing the environment is unsafe while other threads run")]

/// Switches off Mesa's device-selection layer of the Vulkan loader. It orders devices by what a desktop session prefers, which
/// nothing here needs, and to find that out it complains on standard error where there is no such session: on every server.
pub fn prepare() {
    // SAFETY: `main` calls this before anything else, so no other thread exists that could read the environment meanwhile.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
}
