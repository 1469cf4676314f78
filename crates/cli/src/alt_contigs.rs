//! Alternate loci of an assembly: named in `REF.alt` (SAM records of them against the primary assembly, as bwa's bwakit has it) or,
//! as beside indexes of bwa with 64 in their names, `REF.64.alt`; else only guessed from names, which decides nothing but a warning.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::qc_files::with_suffix;

/// Where a file of a reference's alternate loci may be: that which is there first counts.
pub fn paths(reference: &Path) -> [PathBuf; 2] {
    [".alt", ".64.alt"].map(|extension| with_suffix(reference, extension))
}

/// The alternate loci among the contigs of a reference.
#[derive(Debug, Default)]
pub struct AltContigs {
    /// Names; none if there is no file.
    named: Option<HashSet<Vec<u8>>>,
}

impl AltContigs {
    /// Reads the file beside a reference, if there is one. Only `names` count.
    ///
    /// # Errors
    ///
    /// It can't be read, or names none of the reference's contigs.
    pub fn read<'a>(reference: &Path, names: impl Iterator<Item = &'a [u8]>) -> Result<Self> {
        for path in paths(reference) {
            match std::fs::read(&path) {
                Ok(text) => return Self::parse(&text, path, names),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(source) => return Err(Error::File { path, source }),
            }
        }
        Ok(Self::default())
    }

    fn parse<'a>(text: &[u8], path: PathBuf, names: impl Iterator<Item = &'a [u8]>) -> Result<Self> {
        let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"@"));
        let first = |line: &'_ [u8]| line.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default().to_vec();
        let listed: HashSet<Vec<u8>> = lines.map(first).collect();
        let named: HashSet<Vec<u8>> = names.filter(|name| listed.contains(*name)).map(<[u8]>::to_vec).collect();
        if named.is_empty() {
            return Err(Error::Usage { path, why: "expected records of alternate loci that the reference has" });
        }
        Ok(Self { named: Some(named) })
    }

    /// Whether a contig is one.
    pub fn contains(&self, name: &[u8]) -> bool {
        self.named.as_ref().is_some_and(|named| named.contains(name))
    }

    /// How many there are, if they are named.
    pub fn count(&self) -> Option<usize> {
        self.named.as_ref().map(HashSet::len)
    }

    /// What a user should know of a reference that may have such contigs but no file of them.
    pub fn warning<'a>(&self, names: impl Iterator<Item = &'a [u8]>) -> Option<String> {
        if self.named.is_some() {
            return None;
        }
        let (count, first) = names
            .filter(|name| looks_alternate(name))
            .fold((0, None), |(n, first), name| (n + 1, first.or(Some(name))));
        let first = String::from_utf8_lossy(first?).into_owned();
        Some(format!(
            "{count} contigs, {first} the first, have names of alternate loci, but there is no file REF.alt: reads are placed on them \
             as on any contig, so reads that fit one of them too get a low mapping quality"
        ))
    }
}

/// Whether a contig is named as alternate loci of GRCh38 are.
fn looks_alternate(name: &[u8]) -> bool {
    name.ends_with(b"_alt") || name.starts_with(b"HLA-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&[u8]; 4] = [b"chr1", b"chr1_KI270762v1_alt", b"HLA-A*01:01:01:01", b"chrM"];

    fn with_file(text: &str) -> Result<AltContigs> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ref.fa.alt"), text).unwrap();
        AltContigs::read(&folder.path().join("ref.fa"), NAMES.into_iter())
    }

    #[test]
    fn the_file_decides() {
        let alternates = with_file("@SQ\tSN:x\nHLA-A*01:01:01:01\t0\tchr6\nother_alt\t4\n").unwrap();
        assert_eq!(NAMES.map(|name| alternates.contains(name)), [false, false, true, false]);
        assert_eq!(alternates.warning(NAMES.into_iter()), None);
        assert!(with_file("other_alt\t4\n").is_err());
    }

    #[test]
    fn a_file_with_64_in_its_name_counts_where_there_is_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let named = || AltContigs::read(&path("ref.fa"), NAMES.into_iter()).unwrap().named.unwrap();
        std::fs::write(path("ref.fa.64.alt"), "chrM\t0\n").unwrap();
        assert!(named().contains(&b"chrM"[..]));
        std::fs::write(path("ref.fa.alt"), "chr1\t0\n").unwrap();
        assert!(named().contains(&b"chr1"[..]) && named().len() == 1);
    }

    #[test]
    fn names_only_warn() {
        let alternates = AltContigs::read(Path::new("no-such-reference"), NAMES.into_iter()).unwrap();
        assert!(NAMES.iter().all(|name| !alternates.contains(name)));
        let warning = alternates.warning(NAMES.into_iter()).unwrap();
        assert!(warning.starts_with("2 contigs, chr1_KI270762v1_alt the first") && warning.contains("REF.alt"));
        assert_eq!(alternates.warning([NAMES[0], NAMES[3]].into_iter()), None);
    }
}
