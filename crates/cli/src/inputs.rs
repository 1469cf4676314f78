//! What a run reads: one or two files of reads a lane, and the lane's read group.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use svala_io::{CramReference, Labelling, ReadFiles, ReadGroup, ReadSource, may_be_cram};
use svala_map::options::MAX_READ;
use svala_map::read_groups::add_group;

use crate::args::InputArgs;
use crate::error::{Error, Result};
use crate::one_sample::OneSample;
use crate::sample_sheet;

/// Files of reads as the user names them.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Reads.
    pub first: PathBuf,
    /// Their mates.
    pub second: Option<PathBuf>,
    /// Their read group.
    pub read_group: Option<ReadGroup>,
}

/// The lanes of a run, with all read groups once.
#[derive(Debug)]
pub struct Inputs {
    lanes: Vec<Lane>,
    read_groups: Vec<ReadGroup>,
}

impl Inputs {
    /// The lanes that the arguments of `align` name, in their order. `read_group`, the value of `-R`, is for those that have no
    /// group of their own.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), or a sample sheet or read group is malformed.
    pub fn resolve(args: &InputArgs, read_group: Option<&str>) -> Result<Self> {
        let read_group = read_group.map(parse_read_group).transpose()?;
        if let Some(sheet) = &args.samples {
            return Self::new(sample_sheet::read(sheet)?);
        }
        let given = args.in_fq.lanes.iter().map(|words| Lane::parse(words));
        let mut lanes = given.collect::<Result<Vec<_>>>()?;
        if !args.second.is_empty() && args.first.len() != args.second.len() {
            let (path, why) = (args.second[0].clone(), "expected as many files of mates (-2) as files of reads (-1)");
            return Err(Error::Usage { path, why });
        }
        lanes.extend(args.first.iter().enumerate().map(|(number, first)| Lane {
            first: first.clone(),
            second: args.second.get(number).cloned(),
            read_group: None,
        }));
        for lane in &mut lanes {
            lane.read_group = lane.read_group.take().or_else(|| read_group.clone());
        }
        Self::new(lanes)
    }

    /// Puts the read groups of lanes together; those with the same line are one.
    ///
    /// # Errors
    ///
    /// Some lanes have a read group and others none, groups differ but in their ID, or a file is given twice.
    pub fn new(lanes: Vec<Lane>) -> Result<Self> {
        let usage = |path: &Path, why| Err(Error::Usage { path: path.to_owned(), why });
        let mut read_groups: Vec<ReadGroup> = Vec::new();
        for lane in &lanes {
            let Some(group) = &lane.read_group else {
                if lanes.iter().any(|lane| lane.read_group.is_some()) {
                    return usage(&lane.first, "expected a read group for every input, or for none");
                }
                continue;
            };
            if !add_group(&mut read_groups, group) {
                return usage(&lane.first, "another input has a read group with the same ID and other fields");
            }
        }
        if read_groups.len() > usize::from(u16::MAX) {
            return usage(&lanes[0].first, "expected at most 65535 read groups");
        }
        let inputs = Self { lanes, read_groups };
        let files: Vec<&Path> = inputs.files().collect();
        for (i, file) in files.iter().enumerate() {
            if files[..i].iter().any(|other| is_same_file(other, file)) {
                return usage(file, "the same file is given for both mates, or for two inputs");
            }
        }
        Ok(inputs)
    }

    /// All files of reads.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.lanes
            .iter()
            .flat_map(|lane| [Some(&lane.first), lane.second.as_ref()].into_iter().flatten().map(PathBuf::as_path))
    }

    /// Whether a file may be CRAM, which needs the reference. Of what can be read only once that isn't known.
    pub fn may_have_cram(&self) -> bool {
        self.files().any(may_be_cram)
    }

    /// Opens all files, and reads their first bytes only then. Aligned records of CRAM need the reference.
    ///
    /// # Errors
    ///
    /// A file can't be opened, or is none of reads.
    pub fn open(&self, reading: &Reading, reference: Option<&CramReference>) -> Result<Vec<ReadSource>> {
        let files = self.lanes.iter().map(|lane| ReadFiles::open(&lane.first, lane.second.as_deref()));
        let files = files.collect::<svala_io::Result<Vec<_>>>()?;
        let open = |(lane, files): (&Lane, ReadFiles)| {
            let group = lane.read_group.as_ref();
            let number = group.and_then(|group| self.read_groups.iter().position(|known| known.id() == group.id()));
            let mut source = ReadSource::new(files, MAX_READ, reference.cloned())?;
            source = source.with_read_group(number);
            if reading.interleaved {
                source = source.interleaved();
            }
            if reading.comments {
                source = source.with_comments();
            }
            if let Some(tag) = reading.barcode_tag {
                source = source.with_barcodes(tag);
            }
            source.labelled(reading.labelling.clone()).map_err(|error| match error {
                svala_io::Error::ReadStructure { .. } => Error::value("--umi-structure", error),
                svala_io::Error::ReadGroup { .. } => Error::value("--rg-from-name", error),
                error => error.into(),
            })
        };
        self.lanes.iter().zip(files).map(open).collect()
    }

    /// The first files of lanes without reads.
    ///
    /// # Errors
    ///
    /// A file can't be read, is cut or damaged.
    pub fn empty<'a>(&'a self, sources: &mut [ReadSource]) -> Result<Vec<&'a Path>> {
        let mut empty = Vec::new();
        for (lane, source) in self.lanes.iter().zip(sources) {
            empty.extend(source.is_empty()?.then_some(lane.first.as_path()));
        }
        Ok(empty)
    }

    /// Refuses inputs that as shards can't be merged, as far as their first reads tell: [`svala merge`](crate::merge) knows a template by its
    /// name and read group.
    ///
    /// # Errors
    ///
    /// Two of one read group start with the same name, or one can't be read.
    pub fn check_for_shards(&self, sources: &mut [ReadSource]) -> Result<()> {
        let mut firsts = Vec::new();
        for (lane, source) in self.lanes.iter().zip(sources) {
            let Some(name) = source.first_name()? else { continue };
            let first = (lane.read_group.as_ref().map(ReadGroup::id), name);
            if firsts.contains(&first) {
                let why = "starts with a read of the same name as another input of its read group, so shards couldn't be merged; \
                           give each input its own group with --in-fq";
                return Err(Error::Usage { path: lane.first.clone(), why });
            }
            firsts.push(first);
        }
        Ok(())
    }

    /// All read groups: of the lanes, and of BAM files and of names, for lanes that have none.
    ///
    /// # Errors
    ///
    /// Groups differ but in their ID, are of several samples, or are too many.
    pub fn all_read_groups(&self, sources: &[ReadSource]) -> Result<Vec<ReadGroup>> {
        self.check_samples(sources)?;
        let mut groups = self.read_groups.clone();
        for (lane, source) in self.lanes.iter().zip(sources).filter(|(lane, _)| lane.read_group.is_none()) {
            for group in source.read_groups() {
                if !add_group(&mut groups, group) {
                    let why = "another input has a read group with the same ID and other fields";
                    return Err(Error::Usage { path: lane.first.clone(), why });
                }
            }
            if groups.len() > usize::from(u16::MAX) {
                return Err(Error::Usage { path: lane.first.clone(), why: "expected at most 65535 read groups" });
            }
        }
        Ok(groups)
    }

    /// How many read groups of BAM files are replaced by those of their lanes.
    pub fn replaced_groups(&self, sources: &[ReadSource]) -> usize {
        let regrouped = self.lanes.iter().zip(sources).filter(|(lane, _)| lane.read_group.is_some());
        regrouped.map(|(_, source)| source.read_groups().len()).sum()
    }

    /// Refuses lanes of different samples, which one output would mix up.
    fn check_samples(&self, sources: &[ReadSource]) -> Result<()> {
        let mut samples = OneSample::default();
        for (lane, source) in self.lanes.iter().zip(sources) {
            if !samples.fits(lane.read_group.as_ref().map_or(source.read_groups(), std::slice::from_ref)) {
                let why = "another sample (SM) than that of the inputs before; expected one sample, for one output";
                return Err(Error::Usage { path: lane.first.clone(), why });
            }
        }
        Ok(())
    }
}

fn parse_group(group: &OsStr) -> Result<ReadGroup> {
    let not_text = || Error::Option { option: "--in-fq", why: "expected a read group of UTF-8 text" };
    ReadGroup::parse(group.to_str().ok_or_else(not_text)?).map_err(|error| Error::value("--in-fq", error))
}

/// How files of reads are read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Mates follow each other in one file.
    pub interleaved: bool,
    /// Comments are optional fields.
    pub comments: bool,
    /// Which field is a barcode.
    pub barcode_tag: Option<[u8; 2]>,
    /// Which tags reads are given.
    pub labelling: Labelling,
    /// The words in the header for it.
    pub words: Vec<String>,
}

impl Lane {
    /// The words of one `--in-fq`: a file, perhaps one of mates, perhaps a read group.
    fn parse(words: &[OsString]) -> Result<Self> {
        let is_group = |word: &&OsString| word.as_encoded_bytes().starts_with(b"@RG");
        let (files, group) = match words.split_last().filter(|(last, _)| is_group(last)) {
            Some((group, files)) => (files, Some(group)),
            None => (words, None),
        };
        let read_group = group.map(|group| parse_group(group)).transpose()?;
        match files {
            [first] => Ok(Self { first: first.into(), second: None, read_group }),
            [first, second] => Ok(Self { first: first.into(), second: Some(second.into()), read_group }),
            _ => {
                let path = words.first().map(PathBuf::from).unwrap_or_default();
                Err(Error::Usage { path, why: "expected --in-fq R1 [R2] ['@RG\\tID:…']" })
            }
        }
    }
}

/// The read group that `-R` says.
///
/// # Errors
///
/// It is malformed.
pub fn parse_read_group(line: &str) -> Result<ReadGroup> {
    ReadGroup::parse(line).map_err(|error| Error::value("-R", error))
}

/// Whether both paths lead to one regular file, or both are standard input.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    let regular = |path: &Path| path.is_file().then(|| path.canonicalize().ok()).flatten();
    let standard = Path::new("-");
    (a == standard && b == standard) || regular(a).is_some_and(|a| regular(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(words: &[&str]) -> Result<Lane> {
        Lane::parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn an_input_is_one_or_two_files_and_perhaps_a_group() {
        let shape = |words: &[&str]| lane(words).ok().map(|lane| (lane.second.is_some(), lane.read_group.is_some()));
        assert_eq!(shape(&["a"]), Some((false, false)));
        assert_eq!(shape(&["a", "b"]), Some((true, false)));
        assert_eq!(shape(&["a", r"@RG\tID:1"]), Some((false, true)));
        assert_eq!(shape(&["a", "b", "@RG\tID:1"]), Some((true, true)));
        assert_eq!(shape(&["a", "b", "c"]), None);
        assert_eq!(shape(&[r"@RG\tID:1"]), None);
        assert_eq!(shape(&["a", "@RG"]), None);
    }

    #[test]
    fn groups_are_united_if_they_are_the_same() {
        let inputs = |groups: &[&str]| {
            let lanes = groups.iter().enumerate().map(|(i, group)| {
                let file = format!("no-file-{i}");
                if group.is_empty() { lane(&[&file]) } else { lane(&[&file, group]) }
            });
            Inputs::new(lanes.collect::<Result<_>>()?)
        };
        let count = |groups: &[&str]| inputs(groups).ok().map(|inputs| inputs.read_groups.len());
        assert_eq!(count(&["@RG\tID:1", "@RG\tID:2", "@RG\tID:1"]), Some(2));
        assert_eq!(count(&["", ""]), Some(0));
        assert_eq!(count(&["@RG\tID:1", ""]), None);
        assert_eq!(count(&["@RG\tID:1\tLB:a", "@RG\tID:1\tLB:b"]), None);
    }

    #[test]
    fn standard_input_is_there_once() {
        assert!(Inputs::new(vec![lane(&["-"]).unwrap(), lane(&["-"]).unwrap()]).is_err());
        assert!(Inputs::new(vec![lane(&["-", "no-file"]).unwrap()]).is_ok());
    }
}
