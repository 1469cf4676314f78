//! Options of `bwa mem` that only `svala mem` takes: those that steer bwa's own search or output, for command lines that exist.

use std::path::Path;

use clap::Args;
use svala_io::HeaderLines;

use crate::error::{Error, Result};

/// What bwa takes beside what svala shares with it.
#[derive(Debug, Args)]
#[command(next_help_heading = "For command lines of bwa")]
pub struct BwaArgs {
    /// Add header lines: @CO, @RG or @PG lines, or a file of them
    #[arg(short = 'H', value_name = "LINE|FILE")]
    pub header: Vec<String>,
    /// Say nothing but errors if N is 0 or 1
    #[arg(short = 'v', value_name = "N", default_value_t = 3)]
    pub verbosity: u8,
    /// Taken as said: svala doesn't lower the mapping quality of supplementary alignments
    #[arg(short = 'q')]
    _keep_quality: bool,
    /// Don't read REF.alt (or REF.64.alt): no contig is an alternate locus
    #[arg(short = 'j')]
    pub all_primary: bool,
    /// Write what followed the contig's name in the reference's FASTA file as the tag XR
    #[arg(short = 'V')]
    pub contig_descriptions: bool,
    /// Refused, since svala's mapping quality has no such parameter
    #[arg(short = 'Q', value_name = "INT")]
    pub quality_length: Option<String>,
    #[command(flatten)]
    pub search: SearchArgs,
}

/// Options without a meaning here, since svala searches otherwise, and its output doesn't depend on threads or batches.
#[derive(Debug, Default, Args)]
pub struct SearchArgs {
    #[arg(short = 'K', value_name = "INT", help = NO_MEANING)]
    batch_bases: Option<String>,
    #[arg(short = 'k', value_name = "INT", help = NO_MEANING)]
    seed_length: Option<String>,
    #[arg(short = 'r', value_name = "FLOAT", help = NO_MEANING)]
    reseed: Option<String>,
    #[arg(short = 'y', value_name = "INT", help = NO_MEANING)]
    third_round: Option<String>,
    #[arg(short = 's', value_name = "INT", hide = true)]
    split_width: Option<String>,
    #[arg(short = 'c', value_name = "INT", help = NO_MEANING)]
    seed_occurrence: Option<String>,
    #[arg(short = 'D', value_name = "FLOAT", help = NO_MEANING)]
    drop_chains: Option<String>,
    #[arg(short = 'W', value_name = "INT", help = NO_MEANING)]
    chain_weight: Option<String>,
    #[arg(short = 'm', value_name = "INT", help = NO_MEANING)]
    rescue_rounds: Option<String>,
    #[arg(short = 'G', value_name = "INT", hide = true)]
    chain_gap: Option<String>,
    #[arg(short = 'N', value_name = "INT", hide = true)]
    chain_extensions: Option<String>,
    #[arg(short = 'X', value_name = "FLOAT", hide = true)]
    mask_level: Option<String>,
    #[arg(short = 'F', value_name = "INT", hide = true)]
    debugging: Option<String>,
    #[arg(short = '1', hide = true)]
    one_reader: bool,
    /// Of bwa-meme.
    #[arg(short = '7', hide = true)]
    learned_index: bool,
}

const NO_MEANING: &str = "No meaning here; taken and said";

impl BwaArgs {
    /// Whether nothing but errors is said.
    pub fn is_quiet(&self) -> bool {
        self.verbosity <= 1
    }

    /// Refuses what would change results and can't be done.
    ///
    /// # Errors
    ///
    /// There is such an option.
    pub fn check(&self) -> Result<()> {
        if self.quality_length.is_some() {
            return Err(Error::Option { option: "-Q", why: "svala's mapping quality has no such parameter" });
        }
        Ok(())
    }

    /// The files of header lines.
    pub fn header_files(&self) -> impl Iterator<Item = &Path> {
        self.header.iter().filter(|value| !value.starts_with('@')).map(Path::new)
    }

    /// The header lines to add.
    ///
    /// # Errors
    ///
    /// A file can't be read, or a line is not one that can be added.
    pub fn header_lines(&self) -> Result<HeaderLines> {
        let mut lines = String::new();
        for value in &self.header {
            if value.starts_with('@') {
                lines += &value.replace("\\t", "\t");
            } else {
                let path = Path::new(value);
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|source| Error::File { path: path.to_owned(), source })?;
                // As in bwa, other lines of a file don't count.
                let added: Vec<&str> = text.lines().filter(|line| line.starts_with('@')).collect();
                lines += &added.join("\n");
            }
            if !lines.is_empty() && !lines.ends_with('\n') {
                lines.push('\n');
            }
        }
        Ok(HeaderLines::parse(&lines)?)
    }
}

impl SearchArgs {
    /// The names of those that are given.
    pub fn given(&self) -> Vec<&'static str> {
        let all = [
            ("-K", self.batch_bases.is_some()),
            ("-k", self.seed_length.is_some()),
            ("-r", self.reseed.is_some()),
            ("-y", self.third_round.is_some()),
            ("-s", self.split_width.is_some()),
            ("-c", self.seed_occurrence.is_some()),
            ("-D", self.drop_chains.is_some()),
            ("-W", self.chain_weight.is_some()),
            ("-m", self.rescue_rounds.is_some()),
            ("-G", self.chain_gap.is_some()),
            ("-N", self.chain_extensions.is_some()),
            ("-X", self.mask_level.is_some()),
            ("-F", self.debugging.is_some()),
            ("-1", self.one_reader),
            ("-7", self.learned_index),
        ];
        all.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }
}
