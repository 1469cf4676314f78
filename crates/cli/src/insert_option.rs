//! Where the insert-size model comes from: `-I`, `--insert-model`, or the reads.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use svala_map::insert_model::{InsertModel, MILLI, SizeModel};
use svala_map::insert_size::{MAX_INSERT, Orientation};

use crate::args::InsertArgs;
use crate::error::Result;
use crate::insert_file;

/// The value of `-I`, as in bwa: mean, and perhaps deviation, largest and smallest insert size of mates that face each other.
///
/// bwa's sizes are distances of 5' ends, one less than `TLEN`: the bounds that it would set are taken, so `-I 400,100,600,200` is
/// for a `TLEN` of 201 to 601.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InsertSizes {
    text: String,
    model: SizeModel,
}

impl FromStr for InsertSizes {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let parsed = text.split(',').map(milli).collect::<Option<Vec<i64>>>();
        let values = parsed.filter(|values| values.len() <= 4).unwrap_or_default();
        let mean = *values.first().ok_or("expected MEAN[,DEVIATION[,MAX[,MIN]]], in bases")?;
        let mut model = SizeModel::around(mean, values.get(1).copied().unwrap_or(mean / 10));
        let reach = 4 * model.deviation_milli;
        // As bwa rounds.
        let bases = |milli: i64| (milli + MILLI / 2 - 1) / MILLI;
        model.high = values.get(2).map_or_else(|| bases(mean + reach).min(MAX_INSERT), |&most| bases(most));
        model.low = bases(values.get(3).copied().unwrap_or(mean - reach)).max(1);
        if !model.is_valid() {
            return Err(format!("expected sizes from 1 to {MAX_INSERT} bases, MIN no larger than MAX"));
        }
        [model.low, model.high] = [model.low, model.high].map(|distance| (distance + 1).min(MAX_INSERT));
        Ok(Self { text: text.into(), model })
    }
}

/// A decimal number in thousandths; further decimals are left out.
pub fn milli(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = [whole, decimals].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if !all_digits || whole.is_empty() || whole.len() > 9 {
        return None;
    }
    let three: String = decimals.chars().chain("000".chars()).take(3).collect();
    Some(whole.parse::<i64>().ok()? * MILLI + three.parse::<i64>().ok()?)
}

/// Where the model comes from.
#[derive(Clone, Copy, Debug)]
pub enum InsertSource<'a> {
    /// The first pairs of the input.
    Reads,
    /// `-I`.
    Given(&'a InsertSizes),
    /// `--insert-model`.
    File(&'a PathBuf),
}

impl<'a> InsertSource<'a> {
    /// What the arguments say; they can't say both.
    pub fn new(args: &'a InsertArgs) -> Self {
        let file = args.insert_model.as_ref().map_or(Self::Reads, Self::File);
        args.insert_sizes.as_ref().map_or(file, Self::Given)
    }

    /// The model, if it isn't to be learnt from the reads.
    ///
    /// # Errors
    ///
    /// The file can't be read or is no model.
    pub fn model(self) -> Result<Option<InsertModel>> {
        match self {
            Self::Reads => Ok(None),
            Self::Given(sizes) => Ok(Some(InsertModel::of(Orientation::ForwardReverse, sizes.model))),
            Self::File(path) => insert_file::read(path).map(Some),
        }
    }

    /// The file, if there is one.
    pub fn file(self) -> Option<&'a Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    /// The words of the canonical command line.
    pub fn words(self) -> Vec<String> {
        match self {
            Self::Reads => Vec::new(),
            Self::Given(sizes) => vec!["-I".into(), sizes.text.clone()],
            Self::File(path) => vec!["--insert-model".into(), crate::output_header::file_name(path)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_bwa_reads_them() {
        let model = |text: &str| text.parse::<InsertSizes>().unwrap().model;
        let expected = SizeModel { mean_milli: 400_000, deviation_milli: 40_000, low: 241, high: 561, pairs: 0 };
        assert_eq!(model("400"), expected);
        assert_eq!(model("400.0"), expected);
        assert_eq!(model("400,40,560,240"), expected);
        let precise = SizeModel { mean_milli: 350_250, deviation_milli: 50_125, low: 151, high: 552, pairs: 0 };
        assert_eq!(model("350.2509,50.125"), precise);
        assert_eq!(model("100,50.5").low, 2);
        assert_eq!(model("400,40,560.5,240.501"), SizeModel { low: 242, ..expected });
        let bounds = |text| (model(text).low, model(text).high);
        assert_eq!(bounds("400,100,600,200"), (201, 601));
        assert_eq!(bounds("400,50.125"), (200, 601));
        assert_eq!(bounds("400,100,600,0"), (2, 601));
        assert_eq!(bounds("40000,10000,100000"), (2, 100_000));
        assert_eq!(bounds("300,100,50000"), (2, 50_001));
        for bad in [
            "",
            "x",
            "400,",
            "-1",
            "0",
            "1e3",
            "100001",
            "400,50,100001",
            "400,50,100,200",
            "1,2,3,4,5",
            "99999999999999999999",
        ] {
            assert!(bad.parse::<InsertSizes>().is_err(), "{bad}");
        }
    }
}
