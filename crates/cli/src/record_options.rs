//! Options for how alignments are written.

use clap::{Args, ValueEnum};
use svala_map::conventions::{Conventions, OtherHits};

/// bwa's limit for alternatives some of which are on alternate loci.
const MOST_ALTERNATE: usize = 200;

/// Which records there are and how they look.
#[derive(Debug, Args)]
#[command(next_help_heading = "Records")]
pub struct RecordArgs {
    /// Soft-clip supplementary alignments instead of hard-clipping them
    #[arg(short = 'Y', long = "soft-clip")]
    pub soft_clip: bool,
    /// Flag the further pieces of split reads as secondary (0x100) instead of supplementary (0x800)
    #[arg(short = 'M')]
    pub split_as_secondary: bool,
    /// Make that piece of a split read primary that has the read's 5' end
    #[arg(short = '5')]
    pub five_prime_primary: bool,
    /// Write other alignments of reads that are in no proper pair as secondary records, and no XA
    #[arg(short = 'a', conflicts_with = "secondary")]
    pub all: bool,
    /// Write the N best other alignments of each as secondary records, and no XA
    #[arg(long, value_name = "N")]
    pub secondary: Option<usize>,
    /// Name the other alignments that score more than 80 % of the best in XA, if there are no more than N, or M with some on
    /// alternate loci
    #[arg(short = 'h', value_name = "N[,M]", default_value = "5,200", value_parser = max_alternatives)]
    pub max_alternatives: MaxAlternatives,
    /// The share of the best score for -h
    #[arg(short = 'z', value_name = "SHARE", default_value = "0.8", value_parser = share_milli)]
    pub share_milli: i32,
    /// Write XB instead of XA, which has score and mapping quality too
    #[arg(short = 'u')]
    pub scored: bool,
    /// Write = and X in CIGARs instead of M
    #[arg(long)]
    pub eqx: bool,
    /// Whether templates of which no read is mapped are written
    #[arg(long, value_enum, default_value_t = Unmapped::Keep, value_name = "HOW")]
    pub unmapped: Unmapped,
}

/// How many alternatives are named at the most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MaxAlternatives {
    /// All on the primary assembly.
    most: usize,
    /// Some on alternate loci.
    most_alternate: usize,
}

/// What is done with templates of which no read is mapped.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Unmapped {
    /// They are written.
    Keep,
    /// They are left out.
    Drop,
}

impl RecordArgs {
    /// What they ask for.
    pub fn conventions(&self) -> Conventions {
        let MaxAlternatives { most, most_alternate } = self.max_alternatives;
        let tag = OtherHits::Tag { most, most_alternate, share_milli: self.share_milli, scored: self.scored };
        Conventions {
            soft_clip_supplementary: self.soft_clip,
            split_as_secondary: self.split_as_secondary,
            five_prime_primary: self.five_prime_primary,
            other_hits: match self.secondary {
                Some(most) => OtherHits::Records { most },
                None if self.all => OtherHits::UnpairedRecords,
                None => tag,
            },
            explicit_matches: self.eqx,
            drop_unmapped: self.unmapped == Unmapped::Drop,
            contig_descriptions: false,
        }
    }
}

/// The words of the canonical command line for what isn't the default.
pub fn words(conventions: &Conventions) -> Vec<String> {
    let default = Conventions::default();
    let flags = [
        (conventions.soft_clip_supplementary, "-Y"),
        (conventions.split_as_secondary, "-M"),
        (conventions.five_prime_primary, "-5"),
        (conventions.other_hits == OtherHits::UnpairedRecords, "-a"),
        (conventions.explicit_matches, "--eqx"),
        (conventions.drop_unmapped, "--unmapped drop"),
        (conventions.contig_descriptions, "-V"),
    ];
    let mut words: Vec<String> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| (*word).into()).collect();
    match conventions.other_hits {
        OtherHits::Records { most } => words.push(format!("--secondary {most}")),
        OtherHits::Tag { most, most_alternate, share_milli, scored }
            if conventions.other_hits != default.other_hits =>
        {
            let alternate = if most_alternate == MOST_ALTERNATE { String::new() } else { format!(",{most_alternate}") };
            words.push(format!("-h {most}{alternate}"));
            if share_milli != 800 {
                words.push(format!("-z {}.{:03}", share_milli / 1000, share_milli % 1000));
            }
            words.extend(scored.then(|| "-u".into()));
        }
        OtherHits::Tag { .. } | OtherHits::UnpairedRecords => {}
    }
    words
}

/// The numbers of bwa's `-h`, the second of which is bwa's default if it isn't given.
fn max_alternatives(text: &str) -> Result<MaxAlternatives, String> {
    let numbers = text.splitn(2, ',').map(str::parse).collect::<Result<Vec<usize>, _>>();
    let numbers = numbers.map_err(|_| "expected N or N,M")?;
    Ok(MaxAlternatives { most: numbers[0], most_alternate: *numbers.get(1).unwrap_or(&MOST_ALTERNATE) })
}

/// A share from 0 to 1, in thousandths.
fn share_milli(text: &str) -> Result<i32, String> {
    let milli = crate::insert_option::milli(text).filter(|milli| (0..=1000).contains(milli));
    milli.map(|milli| milli as i32).ok_or_else(|| "expected a number from 0 to 1".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_has_no_words() {
        assert!(words(&Conventions::default()).is_empty());
        let tag = OtherHits::Tag { most: 7, most_alternate: 200, share_milli: 750, scored: true };
        let all = Conventions {
            soft_clip_supplementary: true,
            drop_unmapped: true,
            other_hits: tag,
            ..Conventions::default()
        };
        assert_eq!(words(&all).join(" "), "-Y --unmapped drop -h 7 -z 0.750 -u");
        let limits = ["7", "7,90"].map(|text| max_alternatives(text).map(|limits| limits.most_alternate));
        assert_eq!(limits, [Ok(200), Ok(90)]);
        let tag = OtherHits::Tag { most: 5, most_alternate: 90, share_milli: 800, scored: false };
        assert_eq!(words(&Conventions { other_hits: tag, ..Conventions::default() }), ["-h 5,90"]);
        let records = Conventions { other_hits: OtherHits::Records { most: 3 }, ..Conventions::default() };
        assert_eq!(words(&records), ["--secondary 3"]);
    }

    #[test]
    fn shares_are_thousandths() {
        assert_eq!(
            ["0.8", "0.80000", "1", "0"].map(|text| share_milli(text).ok()),
            [Some(800), Some(800), Some(1000), Some(0)]
        );
        assert!(["1.1", "x", "-1", ""].iter().all(|text| share_milli(text).is_err()));
    }
}
