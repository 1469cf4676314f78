//! The device's view of `Local`: structs, bindings and overrides of `shaders/local.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::gpu::program::Role;

/// The shader.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/local.wgsl");

/// What each binding of group 0 holds, by its number: dispatch, jobs, bases, workspace, maxima, answers.
pub(crate) const ROLES: [Role; 6] =
    [Role::Uniform, Role::Input, Role::Input, Role::Scratch, Role::Scratch, Role::Output];

/// `Dispatch` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
    pub(crate) stride: u32,
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
    /// Stop at the first cell with this score; 0 = answer with a second score too.
    pub(crate) goal: i32,
}

/// `Answer` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Answer {
    pub(crate) score: i32,
    pub(crate) query_end: u32,
    pub(crate) target_end: u32,
    pub(crate) second_score: i32,
    pub(crate) second_target_end: u32,
}

/// Bytes of workspace a row and job: H and E in 16 bits each.
pub(crate) const ROW_BYTES: u64 = 4;

/// Bytes of maxima a column and job.
pub(crate) const MAXIMUM_BYTES: u64 = 4;

/// The highest score a device takes: what half a word holds.
pub(crate) const SCORE_MAX: usize = u16::MAX as usize;

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
                ("goal", std::mem::offset_of!(Job, goal)),
            ],
        );
        shader.assert_struct(
            "Answer",
            size_of::<Answer>(),
            &[
                ("score", std::mem::offset_of!(Answer, score)),
                ("query_end", std::mem::offset_of!(Answer, query_end)),
                ("target_end", std::mem::offset_of!(Answer, target_end)),
                ("second_score", std::mem::offset_of!(Answer, second_score)),
                ("second_target_end", std::mem::offset_of!(Answer, second_target_end)),
            ],
        );
        shader.assert_bindings(&ROLES);
        shader.assert_element_bytes("workspace", ROW_BYTES as u32);
        shader.assert_element_bytes("maxima", MAXIMUM_BYTES as u32);
        shader.assert_overrides(&OVERRIDES);
    }
}
