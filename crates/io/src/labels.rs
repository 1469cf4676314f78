//! What reads are given beside their names, bases and qualities: tags out of names, comments and bases.

use crate::{
    ReadBatch, ReadGroup, ReadStructure, Result,
    bam_reads::is_own_field,
    name_fields::{append_umi, lane_of_header},
    read_structure::Barcodes,
    tag_bytes::{TagField, TagFields},
    tag_text::{append_field, append_integer_field},
};

/// Qualities from here on count for the score of a mate, as `samtools fixmate -m` counts.
const LEAST_SCORED: u8 = 15;

/// Which tags reads are given.
#[derive(Clone, Debug, Default)]
pub struct Labelling {
    /// The unique molecular identifier is the last field of a read's name, between colons: it becomes the tag `RX`.
    pub umi_from_name: bool,
    /// What the bases of the first and of the second mate are for; empty if all are aligned. Barcodes become the tags `RX` and
    /// `QX`, `BC` and `QT`, `CR` and `CY`, the same for both mates.
    pub structures: Vec<ReadStructure>,
    /// Mates tell each other the sum of their qualities from 15, in the tag `ms`.
    pub mate_score: bool,
    /// Read groups are those of flow cells and lanes in the reads' names, as Illumina's are.
    pub groups: Option<NamedGroups>,
}

/// Read groups after flow cells and lanes.
#[derive(Clone, Debug, Default)]
pub struct NamedGroups {
    /// Flow cell and lane, with a dot between them, that reads may be of, beside those of the first read.
    pub lanes: Vec<String>,
    /// Stands before flow cell and lane in `ID` and `PU`.
    pub prefix: String,
    /// Other fields, each with its tag, and with a tab before it.
    pub fields: String,
}

impl NamedGroups {
    /// The group of a lane.
    ///
    /// # Errors
    ///
    /// A field can't be one.
    pub(crate) fn group(&self, lane: &str) -> Result<ReadGroup> {
        let Self { prefix, fields, .. } = self;
        ReadGroup::parse(&format!("@RG\tID:{prefix}{lane}{fields}\tPU:{prefix}{lane}"))
    }
}

/// A lane that reads may be of.
#[derive(Clone, Debug)]
struct Lane {
    flow_cell: Vec<u8>,
    lane: Vec<u8>,
    /// The tag `RG` as BAM holds it.
    field: Vec<u8>,
}

/// What labels reads with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labeller {
    pub(crate) labelling: Labelling,
    /// Which field of the comment holds a barcode.
    pub(crate) barcode_tag: Option<[u8; 2]>,
    /// Whether comments are optional fields.
    pub(crate) has_comments: bool,
    lanes: Vec<Lane>,
    /// The lane of the read before.
    last_lane: usize,
}

/// Tags of one read, until its template is whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Label {
    /// Fields as BAM holds them.
    fields: Vec<u8>,
    barcode: Vec<u8>,
    umi_of_name: Vec<u8>,
    pub(crate) barcodes: Barcodes,
}

type Flaw<T> = std::result::Result<T, String>;

impl Labeller {
    /// Whether reads get anything.
    pub(crate) fn is_on(&self) -> bool {
        self.barcode_tag.is_some() || self.has_fields()
    }

    /// Whether reads can have fields.
    fn has_fields(&self) -> bool {
        let Labelling { umi_from_name, structures, mate_score, .. } = &self.labelling;
        self.has_comments || *umi_from_name || !structures.is_empty() || *mate_score || !self.lanes.is_empty()
    }

    /// Learns the read groups: of the lanes that are named, and of the first read.
    pub(crate) fn learn_groups(&mut self, first_header: &[u8]) -> Flaw<Vec<ReadGroup>> {
        let Some(named) = &self.labelling.groups else { return Ok(Vec::new()) };
        let (flow_cell, lane) = lane_of_header(first_header).ok_or(NO_LANE)?;
        let own = [flow_cell, b".", lane].concat();
        let mut lanes: Vec<Vec<u8>> = named.lanes.iter().map(|lane| lane.clone().into_bytes()).collect();
        if !lanes.contains(&own) {
            lanes.push(own);
        }
        let mut groups = Vec::new();
        for lane in lanes {
            let dot = memchr::memrchr(b'.', &lane).ok_or("expected lanes such as HXXXXXXXX.1")?;
            let group = named.group(&String::from_utf8_lossy(&lane)).map_err(|error| error.to_string())?;
            let field = [b"RGZ", group.id().as_bytes(), b"\0"].concat();
            self.lanes.push(Lane { flow_cell: lane[..dot].into(), lane: lane[dot + 1..].into(), field });
            groups.push(group);
        }
        Ok(groups)
    }

    /// Takes from a header what it says of its read, whose name is `name`.
    pub(crate) fn read_header(&mut self, header: &[u8], name: &[u8], label: &mut Label) -> Flaw<()> {
        label.fields.clear();
        label.barcode.clear();
        label.umi_of_name.clear();
        if !self.lanes.is_empty() {
            let number = self.lane(header)?;
            label.fields.extend_from_slice(&self.lanes[number].field);
        }
        if self.labelling.umi_from_name {
            append_umi(name, &mut label.umi_of_name).ok_or(NO_UMI)?;
        }
        if let Some(tag) = self.barcode_tag.filter(|tag| !self.is_made(*tag)) {
            label.barcode.extend_from_slice(barcode(header, tag)?);
        }
        if self.has_comments {
            self.append_comment(header, &mut label.fields)?;
        }
        Ok(())
    }

    /// The number of a read's lane.
    fn lane(&mut self, header: &[u8]) -> Flaw<usize> {
        let (flow_cell, lane) = lane_of_header(header).ok_or(NO_LANE)?;
        let is_it = |own: &Lane| own.flow_cell == flow_cell && own.lane == lane;
        if !is_it(&self.lanes[self.last_lane]) {
            self.last_lane = self.lanes.iter().position(is_it).ok_or(OTHER_LANE)?;
        }
        Ok(self.last_lane)
    }

    /// Whether svala makes a tag of names or bases, so that one that comes with a read is left out.
    pub(crate) fn is_made(&self, tag: [u8; 2]) -> bool {
        let Labelling { umi_from_name, structures, mate_score, .. } = &self.labelling;
        let is_cut = |kind| structures.iter().any(|structure| structure.makes(kind));
        (*umi_from_name && tag == *b"RX")
            || (*mate_score && tag == *b"ms")
            || Barcodes::kind_of(tag).is_some_and(is_cut)
    }

    /// Appends the optional fields that a header's comment is, but for the barcode, which has been taken. Of a tag that is there twice
    /// the first counts.
    fn append_comment(&self, header: &[u8], fields: &mut Vec<u8>) -> Flaw<()> {
        let Some(end) = memchr::memchr2(b' ', b'\t', header) else { return Ok(()) };
        let mut names = Vec::new();
        for text in header[end + 1..].split(|&byte| byte == b'\t').filter(|text| !text.is_empty()) {
            let start = fields.len();
            let appended = append_field(text, fields);
            let field = appended.and_then(|()| TagFields(&fields[start..]).next()?.ok());
            let Some(name) = field.filter(TagField::is_printable).map(|field| field.name) else {
                return Err("expected optional fields in the comment, between tabs, as in RX:Z:ACGT".into());
            };
            let is_made = name == *b"RG" || Some(name) == self.barcode_tag || self.is_made(name);
            if is_made || is_own_field(name) || names.contains(&name) {
                fields.truncate(start);
            }
            names.push(name);
        }
        Ok(())
    }

    /// Gives the reads pushed last, which are those of one template, their tags.
    pub(crate) fn push(&self, labels: &mut [Label], batch: &mut ReadBatch) {
        let common = self.common_fields(labels);
        let first = batch.len() - labels.len();
        for (number, label) in labels.iter().enumerate() {
            if let Some(tag) = self.barcode_tag {
                let made = labels[0].barcodes.text(tag).filter(|_| self.is_made(tag));
                batch.push_barcode(made.unwrap_or(&label.barcode));
            }
            if self.has_fields() {
                let score = (self.labelling.mate_score && labels.len() == 2)
                    .then(|| score_of_text(batch.qualities(first + 1 - number)));
                batch.push_fields(|fields| {
                    fields.extend_from_slice(&label.fields);
                    fields.extend_from_slice(&common);
                    if let Some(score) = score {
                        append_integer_field(*b"ms", score, fields);
                    }
                });
            }
        }
    }

    /// The fields of barcodes that all reads of a template get; those are then together in its first label.
    fn common_fields(&self, labels: &mut [Label]) -> Vec<u8> {
        let mut fields = Vec::new();
        let Some((first, mates)) = labels.split_first_mut() else { return fields };
        mates.iter().for_each(|mate| first.barcodes.join(&mate.barcodes));
        if self.labelling.umi_from_name {
            if self.labelling.structures.is_empty() {
                first.barcodes.clear();
            }
            first.barcodes.0[0].prepend(&first.umi_of_name);
        }
        for (joined, tags) in first.barcodes.0.iter().zip(Barcodes::TAGS) {
            let texts = [&joined.bases, &joined.qualities].into_iter().zip(tags);
            for (text, tag) in texts.filter(|(text, tag)| !text.is_empty() && Some(*tag) != self.barcode_tag) {
                append_text_field(tag, text, &mut fields);
            }
        }
        fields
    }
}

const NO_LANE: &str = "expected a name as Illumina's, INSTRUMENT:RUN:FLOWCELL:LANE:TILE:X:Y, to tell the read group";
const OTHER_LANE: &str = "of another lane than the first read, by its name; name all lanes with --rg-lanes";
/// What is wrong with a name without a molecular identifier.
pub(crate) const NO_UMI: &str = "expected a molecular identifier of A, C, G, T and N after the last colon of the name";

/// The barcode in a header's comment.
fn barcode(header: &[u8], tag: [u8; 2]) -> Flaw<&[u8]> {
    let mut fields = header.split(|byte| matches!(byte, b' ' | b'\t')).skip(1);
    let found = fields.find_map(|field| field.strip_prefix(&tag)?.strip_prefix(b":Z:"));
    let found = found.filter(|barcode| !barcode.is_empty() && barcode.iter().all(u8::is_ascii_graphic));
    found.ok_or_else(|| format!("expected a barcode in the comment, as in {}:Z:ACGT", tag.escape_ascii()))
}

/// Appends a field of the type `Z`.
pub(crate) fn append_text_field(tag: [u8; 2], text: &[u8], fields: &mut Vec<u8>) {
    fields.extend(tag);
    fields.push(b'Z');
    fields.extend_from_slice(text);
    fields.push(0);
}

/// What a read scores for its mate, by its qualities as Phred + 33; 0 if it has none.
fn score_of_text(qualities: &[u8]) -> i64 {
    // What stands for missing qualities is below all others.
    score(qualities.iter().map(|quality| quality.saturating_sub(b'!')))
}

/// What a read scores for its mate, by its qualities.
pub(crate) fn score(qualities: impl Iterator<Item = u8>) -> i64 {
    qualities.filter(|&quality| quality >= LEAST_SCORED).map(i64::from).sum()
}
