//! The device's view of `Local`: structs, bindings and overrides of `shaders/local.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::gpu::program::Role;

/// The shader, its loops not yet written out.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/local.wgsl");

/// What each binding of group 0 holds, by its number: dispatch, jobs, bases, workspace, answers.
pub(crate) const ROLES: [Role; 5] = [Role::Uniform, Role::Input, Role::Input, Role::Scratch, Role::Output];

/// `Dispatch` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
    pub(crate) stride: u32,
}

/// `Job` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Job {
    pub(crate) query_word: u32,
    pub(crate) target_word: u32,
    pub(crate) query_len: u32,
    pub(crate) target_len: u32,
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

/// Bytes of workspace a column and job: H and F in 16 bits each, and the column's key.
pub(crate) const COLUMN_BYTES: u64 = 8;

/// Columns that the shader takes in one go; the workspace has whole multiples.
pub(crate) const COLUMNS: usize = 4;

/// The most jobs of a dispatch. Their boundary rows are written and read once a strip, so they should stay in a cache.
pub(crate) const MAX_JOBS: usize = 1 << 15;

/// The highest score a device takes: what half a word holds.
pub(crate) const SCORE_MAX: usize = u16::MAX as usize;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{MAX_QUERY, MAX_TARGET};
    use crate::gpu::chunks::MAX_ITERATIONS;
    use crate::gpu::program::OVERRIDES;
    use crate::gpu::unroll::unroll;
    use crate::gpu::wgsl_check::Shader;

    /// Rows of the shader's strips.
    const TALL: usize = 24;
    const SHORT: usize = 8;

    #[test]
    fn shader_agrees() {
        for wgsl in [WGSL.to_owned(), unroll(WGSL).unwrap()] {
            agrees(&Shader::parse(&wgsl));
        }
        for (name, value) in [("TALL", TALL), ("SHORT", SHORT), ("COLUMNS", COLUMNS)] {
            assert!(WGSL.contains(&format!("const {name} = {value}u;")), "{name}");
        }
        assert!(!unroll(WGSL).unwrap().contains("// unroll"));
    }

    /// A job is one pass of one invocation.
    #[test]
    fn the_largest_job_stays_within_the_iterations_of_an_invocation() {
        let worst = (1..=MAX_QUERY).map(|rows| {
            let strips = rows / TALL + (rows % TALL).div_ceil(SHORT);
            // The first row, the best score and the second one go column by column.
            strips * (MAX_TARGET / COLUMNS + 1) + 3 * MAX_TARGET
        });
        assert!(worst.max().is_some_and(|iterations| iterations < MAX_ITERATIONS));
    }

    fn agrees(shader: &Shader) {
        shader.assert_struct(
            "Dispatch",
            size_of::<Dispatch>(),
            &[
                ("job_count", std::mem::offset_of!(Dispatch, job_count)),
                ("stride", std::mem::offset_of!(Dispatch, stride)),
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
        shader.assert_element_bytes("workspace", COLUMN_BYTES as u32);
        shader.assert_overrides(&OVERRIDES);
    }
}
