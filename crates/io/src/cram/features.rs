//! How a mapped read differs from the reference (CRAM specification 3.0, section 10.6).

use super::series::{Series, SeriesStreams};
use crate::{CigarKind, CigarOp};

/// The bases that have a substitution code.
const CODED: &[u8; 5] = b"ACGTN";

/// Appends the features of a read to the streams. `reference` begins where the alignment does and covers it.
///
/// Returns false if the CIGAR leads beyond the bases or the reference; the streams are then of no use.
#[must_use]
pub(super) fn append_features(
    cigar: impl Iterator<Item = CigarOp>,
    bases: &[u8],
    reference: &[u8],
    streams: &mut SeriesStreams,
) -> bool {
    let mut writer = FeatureWriter { streams, count: 0, last: 0 };
    // Bases of the read and the reference that are done.
    let (mut read_at, mut reference_at) = (0, 0);
    for op in cigar {
        let length = op.len() as usize;
        let own = bases.get(read_at..).and_then(|rest| rest.get(..length));
        match (op.kind(), own) {
            (CigarKind::Match | CigarKind::SequenceMatch | CigarKind::SequenceMismatch, Some(own)) => {
                let Some(theirs) = reference.get(reference_at..).and_then(|rest| rest.get(..length)) else {
                    return false;
                };
                writer.aligned(read_at, own, theirs);
            }
            (CigarKind::Insertion, Some(own)) => writer.string(b'I', Series::Insertion, read_at, own),
            (CigarKind::SoftClip, Some(own)) => writer.string(b'S', Series::SoftClip, read_at, own),
            (CigarKind::Deletion, _) => writer.number(b'D', Series::Deletion, read_at, length),
            (CigarKind::Skip, _) => writer.number(b'N', Series::Skip, read_at, length),
            (CigarKind::HardClip, _) => writer.number(b'H', Series::HardClip, read_at, length),
            (CigarKind::Pad, _) => writer.number(b'P', Series::Padding, read_at, length),
            _ => return false,
        }
        read_at += if op.consumes_query() { length } else { 0 };
        reference_at += if op.consumes_reference() { length } else { 0 };
    }
    let count = writer.count;
    streams.put_number(Series::FeatureCount, count);
    read_at == bases.len()
}

struct FeatureWriter<'a> {
    streams: &'a mut SeriesStreams,
    count: i32,
    /// 1-based place in the read of the feature before.
    last: usize,
}

impl FeatureWriter<'_> {
    /// Begins a feature before which `read_at` bases of the read lie.
    fn begin(&mut self, code: u8, read_at: usize) {
        self.count += 1;
        self.streams.bytes(Series::FeatureCode).push(code);
        self.streams.put_number(Series::FeaturePosition, (read_at + 1 - self.last) as i32);
        self.last = read_at + 1;
    }

    fn aligned(&mut self, read_at: usize, own: &[u8], theirs: &[u8]) {
        for (i, (&own, &theirs)) in own.iter().zip(theirs).enumerate() {
            let are_coded = CODED.contains(&own) && CODED.contains(&theirs);
            if are_coded && own == theirs {
                continue;
            }
            if are_coded {
                self.begin(b'X', read_at + i);
                let code = CODED.iter().filter(|&&base| base != theirs).position(|&base| base == own);
                self.streams.bytes(Series::Substitution).push(code.unwrap_or_default() as u8);
            } else {
                // Readers differ about ambiguous bases of the reference, so the read's is written out.
                self.string(b'b', Series::Stretch, read_at + i, &[own]);
            }
        }
    }

    fn string(&mut self, code: u8, series: Series, read_at: usize, string: &[u8]) {
        self.begin(code, read_at);
        self.streams.put_string(series, string);
    }

    fn number(&mut self, code: u8, series: Series, read_at: usize, number: usize) {
        self.begin(code, read_at);
        // CIGAR lengths have 28 bits.
        self.streams.put_number(series, number as i32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(cigar: &[(CigarKind, u32)], bases: &[u8], reference: &[u8]) -> Option<SeriesStreams> {
        let mut streams = SeriesStreams::default();
        let cigar = cigar.iter().map(|&(kind, len)| CigarOp::new(kind, len));
        append_features(cigar, bases, reference, &mut streams).then_some(streams)
    }

    #[test]
    fn every_kind_has_its_feature() {
        use CigarKind::{Deletion, HardClip, Insertion, Match, Pad, Skip, SoftClip};
        let cigar = [
            (HardClip, 7),
            (SoftClip, 2),
            (Match, 5),
            (Insertion, 1),
            (Pad, 3),
            (Match, 1),
            (Deletion, 2),
            (Skip, 300),
            (Match, 2),
        ];
        let mut reference = b"ACRNTGxx".to_vec();
        reference.extend([b'x'; 300]);
        reference.extend(b"CG");
        let streams = features(&cigar, b"ttAGGNAiGCM", &reference).unwrap();
        assert_eq!(streams.get(Series::FeatureCount), [10]);
        // Hard clip, soft clip, G for C, G for R, A for T, the insertion, the padding, the deletion, the skip, M for G.
        assert_eq!(streams.get(Series::FeatureCode), b"HSXbXIPDNb");
    }

    #[test]
    fn what_leads_beyond_is_refused() {
        use CigarKind::{Match, SoftClip};
        assert!(features(&[(Match, 4)], b"ACG", b"ACGT").is_none());
        assert!(features(&[(Match, 3)], b"ACG", b"AC").is_none());
        assert!(features(&[(Match, 2)], b"ACG", b"ACG").is_none());
        assert!(features(&[(SoftClip, 9)], b"ACG", b"ACG").is_none());
        assert!(features(&[(Match, 3)], b"ACG", b"ACG").is_some());
    }
}
