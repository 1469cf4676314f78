//! The data series: one stream a field (CRAM specification 3.0, section 8.4).

use super::{block::Packing, number::put_itf8};

/// A data series. The block of its stream has its number, counted from 1, as content id.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Series {
    Flags,
    CramFlags,
    Reference,
    ReadLength,
    Position,
    ReadGroup,
    Name,
    MateFlags,
    MateReference,
    MatePosition,
    TemplateLength,
    TagLine,
    FeatureCount,
    FeatureCode,
    FeaturePosition,
    Deletion,
    Bases,
    Substitution,
    Insertion,
    Stretch,
    SoftClip,
    Skip,
    Padding,
    HardClip,
    MappingQuality,
    Quality,
}

/// How values lie in a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Layout {
    /// ITF8 numbers, or single bytes.
    Values,
    /// Byte strings, each followed by this byte.
    Strings(u8),
}

impl Series {
    /// All of them, with the two letters that the specification names them by, in the order of their numbers.
    pub(super) const ALL: [(Self, [u8; 2]); 26] = [
        (Self::Flags, *b"BF"),
        (Self::CramFlags, *b"CF"),
        (Self::Reference, *b"RI"),
        (Self::ReadLength, *b"RL"),
        (Self::Position, *b"AP"),
        (Self::ReadGroup, *b"RG"),
        (Self::Name, *b"RN"),
        (Self::MateFlags, *b"MF"),
        (Self::MateReference, *b"NS"),
        (Self::MatePosition, *b"NP"),
        (Self::TemplateLength, *b"TS"),
        (Self::TagLine, *b"TL"),
        (Self::FeatureCount, *b"FN"),
        (Self::FeatureCode, *b"FC"),
        (Self::FeaturePosition, *b"FP"),
        (Self::Deletion, *b"DL"),
        (Self::Bases, *b"BA"),
        (Self::Substitution, *b"BS"),
        (Self::Insertion, *b"IN"),
        (Self::Stretch, *b"BB"),
        (Self::SoftClip, *b"SC"),
        (Self::Skip, *b"RS"),
        (Self::Padding, *b"PD"),
        (Self::HardClip, *b"HC"),
        (Self::MappingQuality, *b"MQ"),
        (Self::Quality, *b"QS"),
    ];

    pub(super) fn content_id(self) -> i32 {
        1 + self as i32
    }

    pub(super) fn layout(self) -> Layout {
        match self {
            Self::Name | Self::Insertion | Self::Stretch | Self::SoftClip => Layout::Strings(0),
            _ => Layout::Values,
        }
    }

    pub(super) fn packing(self) -> Packing {
        match self {
            Self::Name => Packing::Names,
            Self::Quality => Packing::Entropy,
            _ => Packing::Shortest,
        }
    }
}

/// The streams of a slice.
#[derive(Default)]
pub(super) struct SeriesStreams([Vec<u8>; Series::ALL.len()]);

impl SeriesStreams {
    pub(super) fn get(&self, series: Series) -> &[u8] {
        &self.0[series as usize]
    }

    /// The stream of a series, for single bytes.
    pub(super) fn bytes(&mut self, series: Series) -> &mut Vec<u8> {
        &mut self.0[series as usize]
    }

    pub(super) fn put_number(&mut self, series: Series, value: i32) {
        put_itf8(value, self.bytes(series));
    }

    /// Appends a string, which must not hold the byte that ends those of the series.
    pub(super) fn put_string(&mut self, series: Series, string: &[u8]) {
        let stream = self.bytes(series);
        stream.extend_from_slice(string);
        if let Layout::Strings(stop) = series.layout() {
            stream.push(stop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_places_in_the_list() {
        for (number, (series, _)) in Series::ALL.iter().enumerate() {
            assert_eq!(*series as usize, number);
        }
    }
}
