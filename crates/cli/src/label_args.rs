//! Options about tags that reads are given: molecular identifiers, scores of mates and read groups.

use clap::Args;
use svala_io::{Labelling, NamedGroups, ReadGroup, ReadStructure};

use crate::error::{Error, Result};

/// What reads are labelled with.
#[derive(Debug, Args)]
pub struct LabelArgs {
    /// Take unique molecular identifiers from the names of reads, after the last colon, and write them as the tag RX; of two, joined
    /// by +, and with an r before one that is turned, as Illumina's software writes them
    #[arg(long)]
    pub umi_from_name: bool,
    /// What the bases of each mate are for, as fgbio writes it: 3M2S+T,3M2S+T. M is a molecular identifier (tags RX and QX), B a sample
    /// barcode (BC, QT), C a cell barcode (CR, CY), S is skipped, T is aligned; + stands for the rest
    #[arg(long, value_name = "R1[,R2]", value_delimiter = ',', num_args = 1)]
    pub umi_structure: Vec<ReadStructure>,
    /// Write the tag ms, the sum of the mate's qualities from 15, as samtools fixmate -m does for samtools markdup
    #[arg(long)]
    pub mate_score: bool,
    /// Tell read groups by the flow cells and lanes in Illumina's names of reads: ID and PU are FLOWCELL.LANE. All reads of an input must
    /// be of the lane of its first, or of one in --rg-lanes
    #[arg(long, requires = "sample", conflicts_with = "read_group")]
    pub rg_from_name: bool,
    /// Lanes that reads may be of, for files of several: each read gets its own read group
    #[arg(long, value_name = "FLOWCELL.LANE,...", value_delimiter = ',', num_args = 1, requires = "rg_from_name",
          value_parser = lane)]
    pub rg_lanes: Vec<String>,
    /// Sample of the read groups that names tell
    #[arg(
        id = "sample",
        long = "rg-sm",
        visible_alias = "read-group-sm",
        value_name = "SM",
        requires = "rg_from_name"
    )]
    pub sample: Option<String>,
    /// Their library
    #[arg(long = "rg-lb", visible_alias = "read-group-lb", value_name = "LB", requires = "rg_from_name")]
    pub library: Option<String>,
    /// Their platform
    #[arg(long = "rg-pl", visible_alias = "read-group-pl", value_name = "PL", default_value = "ILLUMINA")]
    pub platform: String,
    /// Their sequencing centre
    #[arg(long = "rg-cn", value_name = "CN", requires = "rg_from_name")]
    pub centre: Option<String>,
    /// Their description
    #[arg(long = "rg-ds", value_name = "DS", requires = "rg_from_name")]
    pub description: Option<String>,
    /// What stands before flow cell and lane in their ID and PU
    #[arg(
        long = "rg-id-prefix",
        visible_alias = "read-group-id-prefix",
        value_name = "PREFIX",
        default_value = "",
        hide_default_value = true
    )]
    pub id_prefix: String,
}

impl LabelArgs {
    /// Refuses values that a read group can't have. Not left to the parser of arguments, since that would repeat them.
    ///
    /// # Errors
    ///
    /// There is one.
    pub fn check(&self) -> Result<()> {
        let prefix = format!("{}.", self.id_prefix);
        let values = [
            ("--rg-sm", self.sample.as_deref()),
            ("--rg-lb", self.library.as_deref()),
            ("--rg-pl", Some(self.platform.as_str())),
            ("--rg-cn", self.centre.as_deref()),
            ("--rg-ds", self.description.as_deref()),
            ("--rg-id-prefix", Some(&prefix)),
        ];
        let mut values = values.into_iter().filter_map(|(option, value)| Some((option, value?)));
        values.try_for_each(|(option, value)| {
            let field = if option == "--rg-id-prefix" { "ID:" } else { "ID:1\tDS:" };
            check_value(field, value).map_err(|error| Error::value(option, error))
        })
    }

    /// What they ask for.
    pub fn labelling(&self) -> Labelling {
        let fields = [
            ("SM", self.sample.as_deref()),
            ("LB", self.library.as_deref()),
            ("PL", Some(self.platform.as_str())),
            ("CN", self.centre.as_deref()),
            ("DS", self.description.as_deref()),
        ];
        let fields = fields.into_iter().filter_map(|(tag, value)| Some(format!("\t{tag}:{}", value?))).collect();
        let groups = NamedGroups { lanes: self.rg_lanes.clone(), prefix: self.id_prefix.clone(), fields };
        Labelling {
            umi_from_name: self.umi_from_name,
            structures: self.umi_structure.clone(),
            mate_score: self.mate_score,
            groups: self.rg_from_name.then_some(groups),
        }
    }

    /// The words of those that show in records, for the header; read groups have lines of their own.
    pub fn words(&self) -> Vec<String> {
        let flags = [(self.umi_from_name, "--umi-from-name"), (self.mate_score, "--mate-score")];
        let mut words: Vec<String> =
            flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| (*word).into()).collect();
        if !self.umi_structure.is_empty() {
            let structures: Vec<String> = self.umi_structure.iter().map(ToString::to_string).collect();
            words.extend(["--umi-structure".into(), structures.join(",")]);
        }
        words
    }
}

/// Whether a text can be the value of a read group's field, given how that begins.
fn check_value(field: &str, text: &str) -> svala_io::Result<()> {
    if text.contains('\t') || text.contains("\\t") {
        return Err(svala_io::Error::ReadGroup { reason: "expected a value without tabs".into() });
    }
    ReadGroup::parse(&format!("@RG\t{field}{text}")).map(drop)
}

/// Flow cell and lane with a dot between them.
fn lane(text: &str) -> std::result::Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match text.rsplit_once('.') {
        Some((cell, lane))
            if !cell.is_empty()
                && cell.bytes().all(is_plain)
                && !lane.is_empty()
                && lane.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Ok(text.into())
        }
        _ => Err("expected a flow cell and a lane, as in HXXXXXXXX.1".into()),
    }
}
