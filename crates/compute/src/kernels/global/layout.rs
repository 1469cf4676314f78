//! The lanes' and the device's view of `Global`: limits, and the structs, bindings and overrides of
//! `shaders/global.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::gpu::program::Role;

/// The most memory that the directions of one group of lanes may take.
pub(crate) const LANE_DIRECTIONS_MAX_BYTES: usize = 32 << 20;

/// The shader.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/global.wgsl");

/// What each binding of group 0 holds, by its number: dispatch, jobs, bases, workspace, directions,
/// answers, cigars.
pub(crate) const ROLES: [Role; 7] =
    [Role::Uniform, Role::Input, Role::Input, Role::Scratch, Role::Scratch, Role::Output, Role::Output];

/// `Dispatch` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
    pub(crate) stride: u32,
    pub(crate) direction_words: u32,
    pub(crate) cigar_capacity: u32,
    pub(crate) first_column: u32,
    pub(crate) last_column: u32,
}

/// `Job` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Job {
    pub(crate) query_word: u32,
    pub(crate) target_word: u32,
    pub(crate) query_len: u32,
    pub(crate) target_len: u32,
    pub(crate) band: u32,
}

/// `Answer` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Answer {
    pub(crate) score: i32,
    pub(crate) run_count: u32,
}

/// Bytes of workspace a row and job.
pub(crate) const ROW_BYTES: u64 = 8;

/// Cells whose directions share a word.
pub(crate) const CELLS_A_WORD: usize = 8;

/// Runs of CIGAR that a device returns; a job with more is redone on the CPU.
pub(crate) const CIGAR_CAPACITY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::program::OVERRIDES;
    use crate::gpu::wgsl_check::Shader;

    #[test]
    fn shader_agrees() {
        let shader = Shader::parse(WGSL);
        shader.assert_struct(
            "Dispatch",
            size_of::<Dispatch>(),
            &[
                ("job_count", std::mem::offset_of!(Dispatch, job_count)),
                ("stride", std::mem::offset_of!(Dispatch, stride)),
                ("direction_words", std::mem::offset_of!(Dispatch, direction_words)),
                ("cigar_capacity", std::mem::offset_of!(Dispatch, cigar_capacity)),
                ("first_column", std::mem::offset_of!(Dispatch, first_column)),
                ("last_column", std::mem::offset_of!(Dispatch, last_column)),
            ],
        );
        shader.assert_struct(
            "Job",
            size_of::<Job>(),
            &[
                ("query_word", std::mem::offset_of!(Job, query_word)),
                ("target_word", std::mem::offset_of!(Job, target_word)),
                ("query_len", std::mem::offset_of!(Job, query_len)),
                ("target_len", std::mem::offset_of!(Job, target_len)),
                ("band", std::mem::offset_of!(Job, band)),
            ],
        );
        shader.assert_struct(
            "Answer",
            size_of::<Answer>(),
            &[("score", std::mem::offset_of!(Answer, score)), ("run_count", std::mem::offset_of!(Answer, run_count))],
        );
        shader.assert_bindings(&ROLES);
        shader.assert_element_bytes("workspace", ROW_BYTES as u32);
        shader.assert_overrides(&OVERRIDES);
    }
}
