//! What `svala --version` says; `-V` says its first line.

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
macro_rules! simd {
    () => {
        "SSE4.2, AVX2, AVX-512"
    };
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86")))]
macro_rules! simd {
    () => {
        "NEON on AArch64"
    };
}
#[cfg(target_os = "macos")]
macro_rules! gpu {
    () => {
        "Metal"
    };
}
#[cfg(windows)]
macro_rules! gpu {
    () => {
        "Vulkan, DX12"
    };
}
#[cfg(not(any(target_os = "macos", windows)))]
macro_rules! gpu {
    () => {
        "Vulkan"
    };
}

/// Version, and what was built into this program.
pub const LONG: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\nSIMD, chosen at run time: ",
    simd!(),
    "\nGPU, through wgpu: ",
    gpu!(),
    "\nformats: FASTQ, BAM, CRAM 3.0 and 3.1 in; SAM, BAM, CRAM 3.0 and 3.1, PAF out"
);
