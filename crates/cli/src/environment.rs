//! What svala sets of its surroundings for itself.
#![allow(unsafe_code, reason = "changing the environment is unsafe while other threads run")]

/// Switches off Mesa's device-selection layer of the Vulkan loader. It orders devices by what a desktop session prefers, which
/// nothing here needs, and to find that out it complains on standard error where there is no such session: on every server.
pub fn prepare() {
    // SAFETY: `main` calls this before anything else, so no other thread exists that could read the environment meanwhile.
    unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    #[cfg(unix)]
    leave_no_core();
}

/// Sees to it that a crash leaves no core file, which would hold reads.
#[cfg(unix)]
fn leave_no_core() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Core);
    // A system that refuses this keeps its own ways.
    let _ = setrlimit(Resource::Core, rustix::process::Rlimit { current: Some(0), ..limit });
}
