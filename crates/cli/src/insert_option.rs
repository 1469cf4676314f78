//! Where the insert-size model comes from: `-I`, `--insert-model`, or the reads.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use svala_map::insert_model::{InsertModel, MILLI, SizeModel};
use svala_map::insert_size::Orientation;

use crate::args::InsertArgs;
use crate::error::Result;
use crate::insert_file;

/// The value of `-I`, as in bwa: mean, and perhaps deviation, largest and smallest insert size of mates that face each other.
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
        let bases = |milli: &i64| (milli + MILLI / 2) / MILLI;
        model.high = values.get(2).map_or(model.high, bases);
        model.low = values.get(3).map_or(model.low, bases);
        if !model.is_valid() {
            return Err("expected sizes from 1 to 10000 bases, MIN no larger than MAX".into());
        }
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
        let expected = SizeModel { mean_milli: 400_000, deviation_milli: 40_000, low: 240, high: 560, pairs: 0 };
        assert_eq!(model("400"), expected);
        assert_eq!(model("400.0"), expected);
        assert_eq!(model("400,40,560,240"), expected);
        let precise = SizeModel { mean_milli: 350_250, deviation_milli: 50_125, low: 150, high: 551, pairs: 0 };
        assert_eq!(model("350.2509,50.125"), precise);
        assert_eq!(model("100,50.5").low, 1);
        for bad in ["", "x", "400,", "-1", "0", "1e3", "20000", "400,50,100,200", "1,2,3,4,5", "99999999999999999999"] {
            assert!(bad.parse::<InsertSizes>().is_err(), "{bad}");
        }
    }
}
