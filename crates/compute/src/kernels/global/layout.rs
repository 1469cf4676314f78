//! The lanes' and the device's view of `Global`: limits, and the structs, bindings and overrides of
//! `shaders/global.wgsl`.

use bytemuck::{Pod, Zeroable};

use crate::gpu::program::Role;

/// The most memory that the directions of one group of lanes may take.
pub(crate) const LANE_DIRECTIONS_MAX_BYTES: usize = 32 << 20;

/// The shader, its loops not yet written out.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/global.wgsl");

/// What each binding of group 0 holds, by its number: dispatch, jobs, bases, workspace, directions,
/// answers, cigars.
pub(crate) const ROLES: [Role; 7] =
    [Role::Uniform, Role::Input, Role::Input, Role::Scratch, Role::Scratch, Role::Output, Role::Output];

/// The entry points: one fills the matrix, the other reads the paths back.
pub(crate) const ENTRIES: [&str; 2] = ["main", "trace"];

/// `Dispatch` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
    pub(crate) stride: u32,
    pub(crate) strip_words: u32,
    pub(crate) cigar_capacity: u32,
    pub(crate) first_strip: u32,
    pub(crate) end_strip: u32,
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

/// Bytes of workspace a column and job: H and F.
pub(crate) const COLUMN_BYTES: u64 = 8;

/// Rows of a strip; in each column they share a word of directions.
pub(crate) const ROWS: usize = 8;

/// Columns that the shader takes in one go; the workspace and the words of a strip come in whole multiples.
pub(crate) const COLUMNS: usize = 4;

/// Strips of a matrix: row 0 is in one of them.
pub(crate) fn strips(rows: usize) -> usize {
    (rows + 1).div_ceil(ROWS)
}

/// The most words of directions that a strip needs: its columns that have a cell inside the band, made up to whole
/// multiples at both ends.
pub(crate) fn strip_words(columns: usize, band: usize) -> usize {
    (ROWS + 2 * band + COLUMNS - 1).min(columns).next_multiple_of(COLUMNS)
}

/// Runs of CIGAR that a device returns; a job with more is redone on the CPU.
pub(crate) const CIGAR_CAPACITY: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::program::OVERRIDES;
    use crate::gpu::unroll::unroll;
    use crate::gpu::wgsl_check::Shader;

    #[test]
    fn shader_agrees() {
        for wgsl in [WGSL.to_owned(), unroll(WGSL).unwrap()] {
            agrees(&Shader::parse(&wgsl));
        }
        for (name, value) in [("ROWS", ROWS), ("COLUMNS", COLUMNS)] {
            assert!(WGSL.contains(&format!("const {name} = {value}u;")), "{name}");
        }
        assert!(!unroll(WGSL).unwrap().contains("// unroll"));
    }

    fn agrees(shader: &Shader) {
        shader.assert_struct(
            "Dispatch",
            size_of::<Dispatch>(),
            &[
                ("job_count", std::mem::offset_of!(Dispatch, job_count)),
                ("stride", std::mem::offset_of!(Dispatch, stride)),
                ("strip_words", std::mem::offset_of!(Dispatch, strip_words)),
                ("cigar_capacity", std::mem::offset_of!(Dispatch, cigar_capacity)),
                ("first_strip", std::mem::offset_of!(Dispatch, first_strip)),
                ("end_strip", std::mem::offset_of!(Dispatch, end_strip)),
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
        shader.assert_element_bytes("workspace", COLUMN_BYTES as u32);
        shader.assert_overrides(&OVERRIDES);
    }

    /// The shader's arithmetic, in the plainest form: no strip of any job has more columns than words.
    #[test]
    fn a_strip_fits_its_words() {
        for (m, n) in [(1usize, 1usize), (7, 9), (8, 40), (40, 8), (150, 155), (31, 33)] {
            for band in [m.abs_diff(n), m.abs_diff(n) + 1, m.abs_diff(n) + 6, m + n] {
                let padding = ROWS - 1 - m % ROWS;
                for strip in 0..strips(m) {
                    let top = (strip * ROWS) as i64 - padding as i64;
                    let touches = |j: &i64| (top..top + ROWS as i64).any(|i| (i - j).abs() <= band as i64);
                    let mut in_band = (1..=n as i64).filter(touches);
                    let first = in_band.next().expect("every strip has a column in the band");
                    let last = in_band.next_back().unwrap_or(first);
                    let first = (first as usize - 1) / COLUMNS * COLUMNS;
                    assert!((last as usize).next_multiple_of(COLUMNS) - first <= strip_words(n, band));
                }
                assert_eq!(strips(m) * ROWS, padding + m + 1);
            }
        }
    }
}
