//! The device's view of `Extend`: structs, bindings and overrides of `shaders/extend.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::gpu::program::Role;

/// The shader.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/extend.wgsl");

/// What each binding of group 0 holds, by its number: dispatch, jobs, bases, workspace, answers.
pub(crate) const ROLES: [Role; 5] = [Role::Uniform, Role::Input, Role::Input, Role::Scratch, Role::Output];

/// `Dispatch` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
    pub(crate) stride: u32,
    pub(crate) first_column: u32,
    pub(crate) last_column: u32,
}

/// `Job` of the shader. `Answer` is [`crate::ExtendResult`].
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Job {
    pub(crate) query_word: u32,
    pub(crate) target_word: u32,
    pub(crate) query_len: u32,
    pub(crate) target_len: u32,
    pub(crate) initial_score: i32,
    pub(crate) band: u32,
    pub(crate) z_drop: i32,
}

/// Bytes of workspace a row and job: H and E in 16 bits each.
pub(crate) const ROW_BYTES: u64 = 4;

/// The highest score a device takes: what half a word holds.
pub(crate) const SCORE_MAX: usize = u16::MAX as usize;

/// Test support: a shader's `Job` and `Answer` must be the host's.
#[cfg(test)]
pub(super) fn assert_job_and_answer(shader: &crate::gpu::wgsl_check::Shader) {
    use crate::ExtendResult;
    shader.assert_struct(
        "Job",
        size_of::<Job>(),
        &[
            ("query_word", std::mem::offset_of!(Job, query_word)),
            ("target_word", std::mem::offset_of!(Job, target_word)),
            ("query_len", std::mem::offset_of!(Job, query_len)),
            ("target_len", std::mem::offset_of!(Job, target_len)),
            ("initial_score", std::mem::offset_of!(Job, initial_score)),
            ("band", std::mem::offset_of!(Job, band)),
            ("z_drop", std::mem::offset_of!(Job, z_drop)),
        ],
    );
    shader.assert_struct(
        "Answer",
        size_of::<ExtendResult>(),
        &[
            ("score", std::mem::offset_of!(ExtendResult, score)),
            ("query_end", std::mem::offset_of!(ExtendResult, query_end)),
            ("target_end", std::mem::offset_of!(ExtendResult, target_end)),
            ("end_score", std::mem::offset_of!(ExtendResult, end_score)),
            ("end_target", std::mem::offset_of!(ExtendResult, end_target)),
            ("max_offset", std::mem::offset_of!(ExtendResult, max_offset)),
        ],
    );
}

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
        assert_job_and_answer(&shader);
        shader.assert_bindings(&ROLES);
        shader.assert_element_bytes("workspace", ROW_BYTES as u32);
        shader.assert_overrides(&OVERRIDES);
    }
}
