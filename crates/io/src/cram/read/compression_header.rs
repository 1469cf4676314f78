//! The compression header: how the records of a container are encoded (section 8.4).

use std::collections::HashMap;

use super::{
    bytes::Bytes,
    encoding::{Slots, Strings, Values},
    flaw::{Decoded, Flaw, damaged},
};

/// A tag's letters and type.
pub(super) type TagKey = [u8; 3];

/// What the header says.
pub(super) struct CompressionHeader {
    /// Whether every record has its name.
    pub(super) has_names: bool,
    /// Whether positions are told by the ones before.
    pub(super) are_deltas: bool,
    /// Whether bases can't be told without the reference.
    pub(super) needs_reference: bool,
    /// For the reference bases A, C, G, T and N, the base of each code.
    pub(super) substitutions: [[u8; 4]; 5],
    /// Lines of tags that records have.
    pub(super) tag_lines: Vec<Vec<TagKey>>,
    pub(super) series: SeriesValues,
    pub(super) tags: HashMap<TagKey, Strings>,
    pub(super) slots: Slots,
}

/// The encoding of each data series.
#[derive(Default)]
pub(super) struct SeriesValues {
    pub(super) flags: Values,
    pub(super) cram_flags: Values,
    pub(super) reference: Values,
    pub(super) read_length: Values,
    pub(super) position: Values,
    pub(super) read_group: Values,
    pub(super) name: Strings,
    pub(super) mate_flags: Values,
    pub(super) mate_reference: Values,
    pub(super) mate_position: Values,
    pub(super) template_length: Values,
    pub(super) mate_distance: Values,
    pub(super) tag_line: Values,
    pub(super) feature_count: Values,
    pub(super) feature_code: Values,
    pub(super) feature_position: Values,
    pub(super) deletion: Values,
    pub(super) bases: Values,
    pub(super) qualities: Values,
    pub(super) substitution: Values,
    pub(super) insertion: Strings,
    pub(super) soft_clip: Strings,
    pub(super) base_stretch: Strings,
    pub(super) quality_stretch: Strings,
    pub(super) skip: Values,
    pub(super) padding: Values,
    pub(super) hard_clip: Values,
    pub(super) mapping_quality: Values,
}

impl CompressionHeader {
    /// Reads the content of its block.
    pub(super) fn read(content: &[u8]) -> Decoded<Self> {
        let mut input = Bytes(content);
        let mut header = Self {
            has_names: true,
            are_deltas: true,
            needs_reference: true,
            substitutions: [*b"CGTN", *b"AGTN", *b"ACTN", *b"ACGN", *b"ACGT"],
            tag_lines: Vec::new(),
            series: SeriesValues::default(),
            tags: HashMap::new(),
            slots: Slots::default(),
        };
        header.read_preservation(&mut map(&mut input)?)?;
        header.read_series(&mut map(&mut input)?)?;
        header.read_tags(&mut map(&mut input)?)?;
        Ok(header)
    }

    fn read_preservation(&mut self, input: &mut Bytes<'_>) -> Decoded<()> {
        for _ in 0..input.count()? {
            let key = input.array::<2>()?;
            match &key {
                b"RN" => self.has_names = input.byte()? != 0,
                b"AP" => self.are_deltas = input.byte()? != 0,
                b"RR" => self.needs_reference = input.byte()? != 0,
                b"SM" => self.read_substitutions(input.array()?),
                b"TD" => {
                    let size = input.count()?;
                    self.tag_lines = read_tag_lines(input.take(size)?)?;
                }
                _ => return damaged("a compression header says something unknown"),
            }
        }
        Ok(())
    }

    /// A byte for each reference base, two bits for each other base that say its code.
    fn read_substitutions(&mut self, matrix: [u8; 5]) {
        const BASES: &[u8; 5] = b"ACGTN";
        for ((codes, own), base) in matrix.into_iter().zip(&mut self.substitutions).zip(BASES) {
            let others = BASES.iter().filter(|other| *other != base);
            for (number, other) in others.enumerate() {
                own[usize::from(codes >> (6 - 2 * number) & 3)] = *other;
            }
        }
    }

    fn read_series(&mut self, input: &mut Bytes<'_>) -> Decoded<()> {
        let (series, slots) = (&mut self.series, &mut self.slots);
        for _ in 0..input.count()? {
            let values = match &input.array::<2>()? {
                b"BF" => &mut series.flags,
                b"CF" => &mut series.cram_flags,
                b"RI" => &mut series.reference,
                b"RL" => &mut series.read_length,
                b"AP" => &mut series.position,
                b"RG" => &mut series.read_group,
                b"MF" => &mut series.mate_flags,
                b"NS" => &mut series.mate_reference,
                b"NP" => &mut series.mate_position,
                b"TS" => &mut series.template_length,
                b"NF" => &mut series.mate_distance,
                b"TL" => &mut series.tag_line,
                b"FN" => &mut series.feature_count,
                b"FC" => &mut series.feature_code,
                b"FP" => &mut series.feature_position,
                b"DL" => &mut series.deletion,
                b"BA" => &mut series.bases,
                b"QS" => &mut series.qualities,
                b"BS" => &mut series.substitution,
                b"RS" => &mut series.skip,
                b"PD" => &mut series.padding,
                b"HC" => &mut series.hard_clip,
                b"MQ" => &mut series.mapping_quality,
                name => {
                    let strings = match name {
                        b"RN" => &mut series.name,
                        b"IN" => &mut series.insertion,
                        b"SC" => &mut series.soft_clip,
                        b"BB" => &mut series.base_stretch,
                        b"QQ" => &mut series.quality_stretch,
                        // Of old versions, or of later ones: no record has a value of it.
                        _ => {
                            let (_, size) = (input.itf8()?, input.count()?);
                            input.take(size)?;
                            continue;
                        }
                    };
                    *strings = Strings::read(input, slots)?;
                    continue;
                }
            };
            *values = Values::read(input, slots)?;
        }
        Ok(())
    }

    fn read_tags(&mut self, input: &mut Bytes<'_>) -> Decoded<()> {
        for _ in 0..input.count()? {
            let [_, key @ ..] = input.itf8()?.to_be_bytes();
            let strings = Strings::read(input, &mut self.slots)?;
            self.tags.insert(key, strings);
        }
        Ok(())
    }
}

/// The content of a map, from its count on.
fn map<'a>(input: &mut Bytes<'a>) -> Decoded<Bytes<'a>> {
    let size = input.count()?;
    Ok(Bytes(input.take(size)?))
}

/// Lines of tags of three bytes each, each line followed by a zero.
fn read_tag_lines(dictionary: &[u8]) -> Decoded<Vec<Vec<TagKey>>> {
    const PARTS: Flaw = Flaw::Damaged("a dictionary of tags has parts of tags");
    if dictionary.is_empty() {
        return Ok(vec![Vec::new()]);
    }
    let lines = dictionary.strip_suffix(b"\0").ok_or(PARTS)?.split(|&byte| byte == 0);
    lines
        .map(|line| {
            let (tags, rest) = line.as_chunks::<3>();
            if rest.is_empty() { Ok(tags.to_vec()) } else { Err(PARTS) }
        })
        .collect()
}
