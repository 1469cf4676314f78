//! `Extend` by a work-group a job: the host's view of `shaders/extend_cooperative.wgsl`, and which jobs it is for.
//!
//! The model, in turns of a lane: one invocation takes a job of m rows and n columns in m * n cells one after another, a
//! work-group in about n + 64 steps of m / 64 cells. But the group costs about three times the instructions a cell. So it
//! is better as long as the device has lanes to spare, which is with few jobs, and only if its blocks are tall enough to
//! be worth their exchange and their barrier, which is with long queries.

use bytemuck::{Pod, Zeroable};

use crate::batch::MAX_QUERY;
use crate::gpu::program::{Role, WORKGROUP_SIZE};

/// The shader, its loops not yet written out.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/extend_cooperative.wgsl");

/// What each binding of group 0 holds, by its number: dispatch, jobs, bases, answers.
pub(crate) const ROLES: [Role; 4] = [Role::Uniform, Role::Input, Role::Input, Role::Output];

/// `Dispatch` of the shader. `Job` and `Answer` are those of [`super::layout`].
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
}

/// Queries up to this length are short: their blocks would have at most four rows.
pub(crate) const SHORT_QUERY: usize = 4 * WORKGROUP_SIZE as usize;

/// More long jobs than this fill a device with one invocation each: it stands for the lanes of a mid-size GPU, as no
/// interface tells their number.
pub(crate) const FEW_JOBS: usize = 1 << 12;

/// The most rows that an invocation keeps.
const ROWS: usize = 16;

const _: () = assert!(ROWS * WORKGROUP_SIZE as usize >= MAX_QUERY, "a group has to hold the longest query");

#[cfg(test)]
mod tests {
    use super::super::layout::assert_job_and_answer;
    use super::*;
    use crate::gpu::program::OVERRIDES;
    use crate::gpu::unroll::unroll;
    use crate::gpu::wgsl_check::Shader;

    #[test]
    fn shader_agrees() {
        for wgsl in [WGSL.to_owned(), unroll(WGSL).unwrap()] {
            let shader = Shader::parse(&wgsl);
            let offsets = [("job_count", std::mem::offset_of!(Dispatch, job_count))];
            shader.assert_struct("Dispatch", size_of::<Dispatch>(), &offsets);
            assert_job_and_answer(&shader);
            shader.assert_bindings(&ROLES);
            shader.assert_overrides(&OVERRIDES);
        }
        assert!(WGSL.contains(&format!("const ROWS = {ROWS}u;")));
        assert!(!unroll(WGSL).unwrap().contains("// unroll"));
    }
}
