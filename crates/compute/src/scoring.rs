//! The scoring scheme of a batch.

use crate::Error;

/// Match score and penalties, all given as positive numbers. A gap of length k costs open + k * extend.
///
/// The default is bwa mem's: 1, -4, N -1, gaps 6 + k (Li 2013).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scoring {
    /// Score of a pair of equal, unambiguous bases; at least 1.
    pub match_score: u8,
    /// Penalty of a pair of different, unambiguous bases.
    pub mismatch: u8,
    /// Penalty of a pair in which either base is ambiguous (code 4).
    pub ambiguous: u8,
    /// Penalty for opening a deletion (bases in the target, not in the query).
    pub deletion_open: u8,
    /// Penalty for each base of a deletion; at least 1.
    pub deletion_extend: u8,
    /// Penalty for opening an insertion (bases in the query, not in the target).
    pub insertion_open: u8,
    /// Penalty for each base of an insertion; at least 1.
    pub insertion_extend: u8,
}

impl Default for Scoring {
    fn default() -> Self {
        Scoring {
            match_score: 1,
            mismatch: 4,
            ambiguous: 1,
            deletion_open: 6,
            deletion_extend: 1,
            insertion_open: 6,
            insertion_extend: 1,
        }
    }
}

impl Scoring {
    /// Checks the limits that the 8-bit lanes rely on.
    ///
    /// # Errors
    ///
    /// [`Error::Scoring`] if the match score or a gap extension is 0, or if match + mismatch,
    /// match + ambiguous or the cost of a gap of length 1 exceeds 255.
    pub fn validate(&self) -> Result<(), Error> {
        let positive = [
            (self.match_score, "match score"),
            (self.deletion_extend, "deletion extension penalty"),
            (self.insertion_extend, "insertion extension penalty"),
        ];
        if let Some((_, name)) = positive.iter().find(|(value, _)| *value == 0) {
            return Err(Error::Scoring(format!("the {name} must be at least 1")));
        }
        let sums = [
            (self.match_score, self.mismatch, "match + mismatch"),
            (self.match_score, self.ambiguous, "match + ambiguous"),
            (self.deletion_open, self.deletion_extend, "deletion open + extend"),
            (self.insertion_open, self.insertion_extend, "insertion open + extend"),
        ];
        match sums.iter().find(|(a, b, _)| a.checked_add(*b).is_none()) {
            Some((a, b, name)) => {
                let sum = u16::from(*a) + u16::from(*b);
                Err(Error::Scoring(format!("{name} is {sum}: at most 255")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert_eq!(Scoring::default().validate(), Ok(()));
        let zero = Scoring { match_score: 0, ..Default::default() };
        assert!(zero.validate().is_err());
        let endless = Scoring { insertion_extend: 0, ..Default::default() };
        assert!(endless.validate().is_err());
        let edge = Scoring { mismatch: 254, ..Default::default() };
        assert_eq!(edge.validate(), Ok(()));
        let over = Scoring { mismatch: 255, ..Default::default() };
        assert!(over.validate().unwrap_err().to_string().contains("match + mismatch is 256"));
    }
}
