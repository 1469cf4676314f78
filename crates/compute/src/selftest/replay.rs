//! A CIGAR is right about its score if replaying it gives that score.

use crate::{CigarOp, Scoring};

/// The score of an alignment of all of `query` to all of `target` along packed `cigar` runs. `None` if
/// the runs do not consume both exactly, if neighbours have the same operation, if an insertion is
/// next to a deletion, or if an operation is none of M, I and D.
pub fn replay(query: &[u8], target: &[u8], cigar: &[u32], scoring: &Scoring) -> Option<i32> {
    let (mut query, mut target) = (query, target);
    let mut score = 0;
    let mut last = None;
    for &run in cigar {
        let (length, op) = CigarOp::unpack(run)?;
        let touching = last == Some(op) || (op != CigarOp::Match && last.is_some_and(|l| l != CigarOp::Match));
        if length == 0 || touching {
            return None;
        }
        last = Some(op);
        let gap = |open: u8, extend: u8| -i32::from(open) - i32::from(extend) * length as i32;
        let bases = length as usize;
        match op {
            CigarOp::Match => {
                let (q, t) = (query.split_off(..bases)?, target.split_off(..bases)?);
                score += q.iter().zip(t).map(|pair| substitution(pair, scoring)).sum::<i32>();
            }
            CigarOp::Insertion => {
                query.split_off(..bases)?;
                score += gap(scoring.insertion_open, scoring.insertion_extend);
            }
            CigarOp::Deletion => {
                target.split_off(..bases)?;
                score += gap(scoring.deletion_open, scoring.deletion_extend);
            }
        }
    }
    (query.is_empty() && target.is_empty()).then_some(score)
}

fn substitution(pair: (&u8, &u8), scoring: &Scoring) -> i32 {
    match pair {
        (4, _) | (_, 4) => -i32::from(scoring.ambiguous),
        (a, b) if a == b => i32::from(scoring.match_score),
        _ => -i32::from(scoring.mismatch),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replays_and_refuses() {
        let scoring = Scoring::default();
        let run = |op: CigarOp, length| op.run(length);
        let good = [run(CigarOp::Match, 2), run(CigarOp::Deletion, 1), run(CigarOp::Match, 1)];
        assert_eq!(replay(&[0, 1, 2], &[0, 1, 3, 2], &good, &scoring), Some(3 - 7));
        assert_eq!(replay(&[0, 1, 2], &[0, 1, 3], &good, &scoring), None);
        let split = [run(CigarOp::Match, 1), run(CigarOp::Match, 2)];
        assert_eq!(replay(&[0, 1, 2], &[0, 1, 2], &split, &scoring), None);
        let touching = [run(CigarOp::Insertion, 1), run(CigarOp::Deletion, 1)];
        assert_eq!(replay(&[0], &[0], &touching, &scoring), None);
    }
}
