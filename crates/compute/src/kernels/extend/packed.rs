//! `Extend` of two jobs in the halves of a word: the host's view of `shaders/extend_packed.wgsl`, which jobs it takes, and
//! which it takes together.

use bytemuck::{Pod, Zeroable};

use super::Bounds;
use crate::{ExtendBatch, Scoring};

/// The shader, its loops not yet written out. `Answer` and the roles of the bindings are those of [`super::layout`], and so
/// is `Job`: jobs 2k and 2k + 1 are a pair.
pub(crate) const WGSL: &str = include_str!("../../../../../shaders/extend_packed.wgsl");

/// `Dispatch` of the shader.
#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
pub(crate) struct Dispatch {
    pub(crate) job_count: u32,
    pub(crate) stride: u32,
}

/// Bytes of workspace a column and job: half of a pair's H, F, best score and row.
pub(crate) const COLUMN_BYTES: u64 = 8;

/// Columns that the shader takes in one go; a pair has whole multiples.
pub(crate) const COLUMNS: usize = 4;

/// The most jobs of a dispatch: as many invocations as the form in strips has.
pub(crate) const MAX_JOBS: usize = 2 * super::strips::MAX_JOBS;

/// The score of a job that the shader leaves undecided, because z-drop may decide it. It has to be done in another form.
pub(crate) const UNDECIDED: i32 = -1;

/// The most that a score and the deletion over all columns may come to: the largest f16 that still has a next integer,
/// less the shader's tilt of column 0.
const SUM_MAX: usize = 2047 - 512;

/// Whether the shader takes the scheme: it counts rows by a match of 1.
pub(crate) fn takes(scoring: &Scoring) -> bool {
    scoring.match_score == 1
}

/// What two jobs must have in common to be a pair, and then what they should have in common. They sort by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    query_len: usize,
    band: u16,
    target_len: usize,
    initial_score: u16,
}

impl Shape {
    fn of(batch: &ExtendBatch, job: usize, scoring: &Scoring) -> Self {
        let Bounds { query_len, target_len, .. } = Bounds::of(batch, job, scoring);
        let params = batch.params(job);
        Shape { query_len, band: params.band, target_len, initial_score: params.initial_score }
    }

    /// Whether no score can outgrow an f16 in a job of this shape beside a target of `target_len`.
    fn fits(&self, target_len: usize, scoring: &Scoring) -> bool {
        let columns = self.target_len.max(target_len).next_multiple_of(COLUMNS);
        let deletion = usize::from(scoring.deletion_extend) * columns;
        usize::from(self.initial_score) + self.query_len + deletion <= SUM_MAX
    }

    fn pairs_with(&self, other: &Shape, scoring: &Scoring) -> bool {
        (self.query_len, self.band) == (other.query_len, other.band)
            && self.fits(other.target_len, scoring)
            && other.fits(self.target_len, scoring)
    }
}

/// Jobs, sorted out for the shader.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    /// Two after two for the shader; one that finds no partner is there twice.
    pub(crate) pairs: Vec<u32>,
    /// Those it doesn't take.
    pub(crate) others: Vec<u32>,
}

impl Split {
    /// Sorts out `jobs`, none without a query, for a scheme that the shader takes.
    pub(crate) fn new(batch: &ExtendBatch, jobs: &[u32], scoring: &Scoring) -> Self {
        let mut split = Split::default();
        let mut taken = Vec::with_capacity(jobs.len());
        for &job in jobs {
            let shape = Shape::of(batch, job as usize, scoring);
            if shape.fits(0, scoring) && is_plain(batch, job as usize, shape.target_len) {
                taken.push((shape, job));
            } else {
                split.others.push(job);
            }
        }
        taken.sort_unstable();
        let mut rest = taken.as_slice();
        while let Some(((shape, job), after)) = rest.split_first() {
            let partner = after.first().filter(|(other, _)| shape.pairs_with(other, scoring));
            split.pairs.extend([*job, partner.map_or(*job, |(_, other)| *other)]);
            rest = &after[usize::from(partner.is_some())..];
        }
        split
    }
}

/// Whether there is no ambiguous base in the part of a job that counts.
fn is_plain(batch: &ExtendBatch, job: usize, target_len: usize) -> bool {
    !batch.query(job).contains(&4) && !batch.target(job)[..target_len].contains(&4)
}

#[cfg(test)]
mod tests {
    use naga::valid::Capabilities;

    use super::super::layout::{ROLES, assert_job_and_answer};
    use super::*;
    use crate::ExtendParams;
    use crate::batch::MAX_QUERY;
    use crate::gpu::program::OVERRIDES;
    use crate::gpu::unroll::unroll;
    use crate::gpu::wgsl_check::Shader;

    /// Rows of the shader's strips.
    const TALL: usize = 30;
    const SHORT: usize = 10;

    #[test]
    fn shader_agrees() {
        for wgsl in [WGSL.to_owned(), unroll(WGSL).unwrap()] {
            let shader = Shader::parse_with(&wgsl, Capabilities::SHADER_FLOAT16 | Capabilities::SHADER_INT16);
            let offsets = [
                ("job_count", std::mem::offset_of!(Dispatch, job_count)),
                ("stride", std::mem::offset_of!(Dispatch, stride)),
            ];
            shader.assert_struct("Dispatch", size_of::<Dispatch>(), &offsets);
            assert_job_and_answer(&shader);
            shader.assert_bindings(&ROLES);
            shader.assert_element_bytes("workspace", 2 * COLUMN_BYTES as u32);
            shader.assert_overrides(&OVERRIDES);
        }
        for (name, value) in [("TALL", TALL), ("SHORT", SHORT), ("COLUMNS", COLUMNS)] {
            assert!(WGSL.contains(&format!("const {name} = {value}u;")), "{name}");
        }
        for (name, value) in [("UNDECIDED", UNDECIDED), ("TILT", 2047 - SUM_MAX as i32)] {
            assert!(WGSL.contains(&format!("const {name} = {value};")), "{name}");
        }
        assert!(!unroll(WGSL).unwrap().contains("// unroll"));
    }

    /// See the test of the same name in `strips.rs`.
    #[test]
    fn the_largest_job_stays_within_the_iterations_of_an_invocation() {
        let worst = (1..=MAX_QUERY).map(|rows| {
            let columns = SUM_MAX - rows;
            let rest = rows % TALL;
            let (short, tall) = (rest.div_ceil(SHORT), rows / TALL);
            let edges = 2 * (TALL + 2 * COLUMNS);
            // The first row, the answers of two jobs, and the strips.
            3 * columns + short * columns + tall * (columns / COLUMNS + 2 * edges)
        });
        assert!(worst.max().is_some_and(|iterations| iterations < 65_535));
    }

    /// The product of what two bases are written as is 1.0 if they are equal; else it is no more than 1/4, and a number.
    #[test]
    fn factors_tell_equal_bases() {
        let nibbles = |name: &str| {
            let line = WGSL.lines().find_map(|line| line.strip_prefix(&format!("const {name} = 0x")));
            u32::from_str_radix(line.unwrap().trim_end_matches("u;"), 16).unwrap()
        };
        let (queries, targets) = (nibbles("QUERY_FACTORS"), nibbles("TARGET_FACTORS"));
        for (a, b) in (0..16).map(|k| (k / 4, k % 4)) {
            let product = ((queries >> (4 * a) & 15) as u16).wrapping_mul((targets >> (4 * b) & 15) as u16) << 10;
            let (negative, exponent) = (product >> 15 == 1, product >> 10 & 31);
            if a == b {
                assert_eq!((product, exponent), (15 << 10, 15));
            } else {
                assert!(exponent <= 13 && exponent > 0 || negative && exponent < 31, "{a} {b}: {product:#x}");
            }
        }
    }

    #[test]
    fn the_bound_is_exact() {
        let scoring = Scoring { deletion_extend: 2, ..Scoring::default() };
        // 100 bases, 203 columns made up to 204.
        let edge = (SUM_MAX - 100 - 2 * 204) as u16;
        for (initial_score, fits) in [(edge - 1, true), (edge, true), (edge + 1, false)] {
            let shape = Shape { query_len: 100, band: 200, target_len: 203, initial_score };
            assert_eq!(shape.fits(0, &scoring), fits, "{initial_score}");
            assert_eq!(Shape { target_len: 9, ..shape }.fits(204, &scoring), fits, "{initial_score}");
        }
    }

    #[test]
    fn jobs_are_sorted_out() {
        let scoring = Scoring::default();
        let mut batch = ExtendBatch::new();
        let mut push = |query: &[u8], target: &[u8], initial_score, band| {
            let params = ExtendParams { initial_score, band, z_drop: 0 };
            batch.push(query.to_vec(), target.to_vec(), params).unwrap() as u32
        };
        let (query, target) = (&[1; 10][..], &[1; 40][..]);
        let narrow = push(query, target, 20, 5);
        let wide = push(query, target, 20, 50);
        let short = push(query, &target[..7], 20, 50);
        let in_query = push(&[1, 4, 1], target, 20, 50);
        let in_target = push(query, &[1, 4, 1], 20, 50);
        // Behind what the band reaches.
        let out_of_reach = push(&query[..1], &[1, 1, 1, 1, 4], 20, 3);
        let high = push(query, &target[..7], 1536 - 10 - 8, 50);
        // Fits beside a target of at most 8 bases only.
        let alone = push(query, &target[..8], 1535 - 10 - 8, 50);
        let all: Vec<u32> = (0..batch.len() as u32).collect();
        let split = Split::new(&batch, &all, &scoring);
        assert_eq!(split.pairs, [out_of_reach, out_of_reach, narrow, narrow, short, alone, wide, wide]);
        assert_eq!(split.others, [in_query, in_target, high]);
    }
}
