//! `Extend` in strips: the host's view of `shaders/extend_strips.wgsl`, and which scoring schemes it takes.

use bytemuck::{Pod, Zeroable};

use crate::Scoring;

/// The shader, its loops not yet written out.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/extend_strips.wgsl");

/// `Dispatch` of the shader. `Job`, `Answer` and the roles of the bindings are those of [`super::layout`].
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
    pub(crate) stride: u32,
}

/// Bytes of workspace a column and job: H and F in 16 bits each, and the column's key.
pub(crate) const COLUMN_BYTES: u64 = 8;

/// Columns that the shader takes in one go; the workspace has whole multiples.
pub(crate) const COLUMNS: usize = 4;

/// The most jobs of a dispatch. Their boundary rows are written and read once a strip, so they should stay in a cache.
pub(crate) const MAX_JOBS: usize = 1 << 15;

/// The largest number that a profile holds in its 6 signed bits.
const PROFILE_MAX: u16 = 31;

/// Whether a profile can hold the scheme's scores, the tilt of a step included. Gap extensions are then small enough for
/// tilted scores and keys to fit in 32 bits: a column tilts by less than 31, so a score stays within 2^18, and its key
/// within 2^29.
pub(crate) fn takes(scoring: &Scoring) -> bool {
    let [gain, delete, insert] =
        [scoring.match_score, scoring.deletion_extend, scoring.insertion_extend].map(u16::from);
    let loss = u16::from(scoring.mismatch.max(scoring.ambiguous));
    gain + delete + insert <= PROFILE_MAX && loss <= PROFILE_MAX
}

#[cfg(test)]
mod tests {
    use super::super::layout::{ROLES, assert_job_and_answer};
    use super::*;
    use crate::batch::{MAX_QUERY, MAX_TARGET};
    use crate::gpu::program::OVERRIDES;
    use crate::gpu::unroll::unroll;
    use crate::gpu::wgsl_check::Shader;

    /// Rows of the shader's strips.
    const TALL: usize = 28;
    const SHORT: usize = 10;

    #[test]
    fn shader_agrees() {
        for wgsl in [WGSL.to_owned(), unroll(WGSL).unwrap()] {
            let shader = Shader::parse(&wgsl);
            let offsets = [
                ("job_count", std::mem::offset_of!(Dispatch, job_count)),
                ("stride", std::mem::offset_of!(Dispatch, stride)),
            ];
            shader.assert_struct("Dispatch", size_of::<Dispatch>(), &offsets);
            assert_job_and_answer(&shader);
            shader.assert_bindings(&ROLES);
            shader.assert_element_bytes("workspace", COLUMN_BYTES as u32);
            shader.assert_overrides(&OVERRIDES);
        }
        for (name, value) in [("TALL", TALL), ("SHORT", SHORT), ("COLUMNS", COLUMNS)] {
            assert!(WGSL.contains(&format!("const {name} = {value}u;")), "{name}");
        }
        assert!(!unroll(WGSL).unwrap().contains("// unroll"));
    }

    /// llvmpipe silently ends all loops of an invocation after 65,535 iterations in total, and a job is one invocation.
    #[test]
    fn the_largest_job_stays_within_the_iterations_of_an_invocation() {
        let worst = (1..=MAX_QUERY).map(|rows| {
            let rest = rows % TALL;
            let (short, tall) = (rest.div_ceil(SHORT), rows / TALL);
            // The first row, the answer, short strips a column, tall ones a few; both edges of a band and the
            // columns that begin or end off a word go one at a time.
            let edges = 2 * (TALL + 2 * COLUMNS);
            2 * MAX_TARGET + short * MAX_TARGET + tall * (MAX_TARGET / COLUMNS + 2 * edges)
        });
        assert!(worst.max().is_some_and(|iterations| iterations < 65_535));
    }

    #[test]
    fn schemes_that_a_profile_holds() {
        let scoring = Scoring::default();
        assert!(takes(&scoring));
        assert!(takes(&Scoring { mismatch: 31, deletion_open: 200, ..scoring }));
        assert!(!takes(&Scoring { mismatch: 32, ..scoring }));
        assert!(!takes(&Scoring { ambiguous: 32, ..scoring }));
        assert!(takes(&Scoring { match_score: 29, ..scoring }));
        assert!(!takes(&Scoring { match_score: 30, ..scoring }));
        assert!(!takes(&Scoring { deletion_extend: 255, insertion_extend: 255, ..scoring }));
    }
}
