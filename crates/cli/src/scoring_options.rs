//! bwa's options for scores and for pairs.

use clap::{Args, ValueEnum, value_parser};
use svala_compute::Scoring;
use svala_map::options::MapOptions;

use crate::error::{Error, Result};

/// More than any read scores with the score of a match that is usual.
const UNREACHED: u16 = 10_000;

/// Scores, penalties, limits.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Scores")]
pub struct ScoringArgs {
    /// Score of a match, by which all other scores and penalties are multiplied that aren't given [default: 1]
    #[arg(short = 'A', value_name = "SCORE", value_parser = value_parser!(u8).range(1..=25))]
    pub match_score: Option<u8>,
    /// Penalty of a mismatch [default: 4]
    #[arg(short = 'B', value_name = "PENALTY")]
    pub mismatch: Option<u8>,
    /// Penalties for opening a deletion and an insertion [default: 6,6]
    #[arg(short = 'O', value_name = "DEL[,INS]", value_parser = two)]
    pub gap_open: Option<[u8; 2]>,
    /// Penalties for each base of a deletion and an insertion [default: 1,1]
    #[arg(short = 'E', value_name = "DEL[,INS]", value_parser = two)]
    pub gap_extend: Option<[u8; 2]>,
    /// Penalty for clipping an end of the read; both ends have the same [default: 5,5]
    #[arg(short = 'L', value_name = "5'[,3']", value_parser = two)]
    pub clip: Option<[u8; 2]>,
    /// Penalty for mates that are no proper pair [default: 17]
    #[arg(short = 'U', value_name = "PENALTY")]
    pub unpaired: Option<u16>,
    /// Least score of an alignment [default: 30]
    #[arg(short = 'T', value_name = "SCORE")]
    pub min_score: Option<u16>,
    /// Widest gap that is bridged, in bases [default: 100]
    #[arg(short = 'w', value_name = "BASES", value_parser = value_parser!(u16).range(1..=500))]
    pub band: Option<u16>,
    /// Drop in score at which an extension ends; 0 for none [default: 100]
    #[arg(short = 'd', value_name = "SCORE", value_parser = drop_in_score)]
    pub z_drop: Option<u16>,
    /// Scores for a kind of reads: intractg is -B9 -O16 -L5
    #[arg(short = 'x', value_name = "KIND")]
    pub kind: Option<ReadKind>,
    /// Don't look for mates beside each other where seeds didn't find them
    #[arg(short = 'S')]
    pub no_rescue: bool,
    /// Place each mate by itself; none is flagged as properly paired
    #[arg(short = 'P')]
    pub no_pairing: bool,
}

/// bwa's read types, and minibwa's for short reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum ReadKind {
    /// Short reads.
    #[value(alias = "adap")]
    Sr,
    /// Contigs of the same species.
    Intractg,
    /// PacBio reads.
    Pacbio,
    /// Nanopore reads.
    Ont2d,
}

impl ScoringArgs {
    /// What they ask for; the conventions of records are the default.
    ///
    /// # Errors
    ///
    /// They ask for what svala can't do.
    pub fn options(&self) -> Result<MapOptions> {
        if matches!(self.kind, Some(ReadKind::Pacbio | ReadKind::Ont2d)) {
            return Err(Error::Option { option: "-x", why: "svala aligns short reads only" });
        }
        let [clip, other_clip] = self.clip.unwrap_or([5; 2]);
        if clip != other_clip {
            return Err(Error::Option { option: "-L", why: "svala has one penalty for both ends" });
        }
        if self.gap_extend.is_some_and(|penalties| penalties.contains(&0)) {
            return Err(Error::Option { option: "-E", why: "expected penalties of 1 at least" });
        }
        let is_contig = self.kind == Some(ReadKind::Intractg);
        // As in bwa, presets aren't multiplied.
        let factor = if is_contig { 1 } else { self.match_score.unwrap_or(1) };
        let given = |value: Option<u8>, default: u8, of_contigs: u8| match value {
            Some(value) => value,
            None if is_contig => of_contigs,
            None => default * factor,
        };
        let gap =
            |pair: Option<[u8; 2]>, i: usize, default, of_contigs| given(pair.map(|pair| pair[i]), default, of_contigs);
        let scoring = Scoring {
            match_score: self.match_score.unwrap_or(1),
            mismatch: given(self.mismatch, 4, 9),
            deletion_open: gap(self.gap_open, 0, 6, 16),
            insertion_open: gap(self.gap_open, 1, 6, 16),
            deletion_extend: gap(self.gap_extend, 0, 1, 1),
            insertion_extend: gap(self.gap_extend, 1, 1, 1),
            ..Scoring::default()
        };
        scoring.validate()?;
        let scaled = |value: Option<u16>, default: u16| value.unwrap_or(default * u16::from(factor));
        Ok(MapOptions {
            scoring,
            end_bonus: i32::from(gap(self.clip, 0, 5, 5)),
            unpaired_penalty: i32::from(scaled(self.unpaired, 17)),
            min_score: i32::from(scaled(self.min_score, 30)),
            band: self.band.unwrap_or(100),
            z_drop: scaled(self.z_drop, 100),
            rescue: !self.no_rescue,
            pairing: !self.no_pairing,
            ..MapOptions::default()
        })
    }
}

/// The words of the canonical command line for what isn't the default.
pub fn words(options: &MapOptions) -> Vec<String> {
    let s = &options.scoring;
    let (d, default) = (&Scoring::default(), &MapOptions::default());
    let scales = s.match_score != d.match_score;
    let pair = |[a, b]: [u8; 2]| if a == b { a.to_string() } else { format!("{a},{b}") };
    let opens = |s: &Scoring| pair([s.deletion_open, s.insertion_open]);
    let extensions = |s: &Scoring| pair([s.deletion_extend, s.insertion_extend]);
    let values = [
        ("-A", s.match_score.to_string(), d.match_score.to_string()),
        ("-B", s.mismatch.to_string(), d.mismatch.to_string()),
        ("-O", opens(s), opens(d)),
        ("-E", extensions(s), extensions(d)),
        ("-L", options.end_bonus.to_string(), default.end_bonus.to_string()),
        ("-U", options.unpaired_penalty.to_string(), default.unpaired_penalty.to_string()),
        ("-T", options.min_score.to_string(), default.min_score.to_string()),
        ("-d", options.z_drop.to_string(), default.z_drop.to_string()),
    ];
    // Where matches score otherwise, a value left out would be another's.
    let told = values.into_iter().filter(|(_, value, default)| scales || value != default);
    let mut words: Vec<String> = told.map(|(name, value, _)| format!("{name} {value}")).collect();
    words.extend((options.band != default.band).then(|| format!("-w {}", options.band)));
    words.extend((!options.rescue).then(|| "-S".into()));
    words.extend((!options.pairing).then(|| "-P".into()));
    words
}

/// One number for both, or two.
fn two(text: &str) -> std::result::Result<[u8; 2], String> {
    let numbers = text.split(',').map(str::parse).collect::<std::result::Result<Vec<u8>, _>>();
    match numbers.as_deref() {
        Ok(&[both]) => Ok([both; 2]),
        Ok(&[first, second]) => Ok([first, second]),
        _ => Err("expected one or two numbers from 0 to 255".into()),
    }
}

/// A drop in score, of which what no read reaches is as good as [`UNREACHED`].
fn drop_in_score(text: &str) -> std::result::Result<u16, String> {
    let number: u32 = text.parse().map_err(|_| "expected a number")?;
    Ok(u16::try_from(number).map_or(UNREACHED, |number| number.min(UNREACHED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(args: &ScoringArgs) -> String {
        words(&args.options().unwrap()).join(" ")
    }

    #[test]
    fn the_score_of_a_match_multiplies_what_is_not_given() {
        assert_eq!(resolved(&ScoringArgs::default()), "");
        let two = ScoringArgs { match_score: Some(2), mismatch: Some(7), ..ScoringArgs::default() };
        assert_eq!(resolved(&two), "-A 2 -B 7 -O 12 -E 2 -L 10 -U 34 -T 60 -d 200");
        let most = ScoringArgs { match_score: Some(25), ..ScoringArgs::default() };
        assert_eq!(resolved(&most), "-A 25 -B 100 -O 150 -E 25 -L 125 -U 425 -T 750 -d 2500");
    }

    #[test]
    fn presets_give_way_to_what_is_given() {
        let kind = Some(ReadKind::Intractg);
        assert_eq!(resolved(&ScoringArgs { kind, ..ScoringArgs::default() }), "-B 9 -O 16");
        let given =
            ScoringArgs { kind, gap_open: Some([6, 7]), band: Some(50), no_rescue: true, ..ScoringArgs::default() };
        assert_eq!(resolved(&given), "-B 9 -O 6,7 -w 50 -S");
    }

    #[test]
    fn drops_that_no_read_reaches_are_all_the_same() {
        let drops = ["0", "100", "10000", "10001", "2147483647"].map(drop_in_score);
        assert_eq!(drops, [0, 100, 10_000, 10_000, 10_000].map(Ok));
        assert_eq!(["", "-1", "x", "4294967296"].map(|text| drop_in_score(text).is_err()), [true; 4]);
    }

    #[test]
    fn what_cannot_be_done_is_an_error() {
        let long = ScoringArgs { kind: Some(ReadKind::Ont2d), ..ScoringArgs::default() };
        let lopsided = ScoringArgs { clip: Some([0, 5]), ..ScoringArgs::default() };
        let endless = ScoringArgs { gap_extend: Some([0, 0]), ..ScoringArgs::default() };
        for args in [long, lopsided, endless] {
            assert!(args.options().is_err(), "{args:?}");
        }
    }
}
