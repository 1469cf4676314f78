//! What `bwa index` leaves beside a reference that others look at: `.ann` (its contigs), `.amb` (where bases are ambiguous) and
//! `.pac` (two bits a base). The same bytes as of bwa 0.7, which fills ambiguous bases with a fixed series of random ones.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::{AtomicFile, Contig, Error, Result};

/// The seed of bwa's random bases.
const SEED: u32 = 11;

/// Companions that are being made.
pub struct ReferenceCompanions {
    bases: u64,
    contigs: Vec<String>,
    holes: Vec<Hole>,
    random: Random,
    packed: Packed,
    /// Of `.ann` and `.amb`.
    texts: [(PathBuf, AtomicFile); 2],
}

/// A run of the same ambiguous letter.
struct Hole {
    start: u64,
    length: u64,
    letter: u8,
}

impl ReferenceCompanions {
    /// The paths of the companions of a prefix.
    #[must_use]
    pub fn paths(prefix: &Path) -> [PathBuf; 3] {
        ["ann", "amb", "pac"].map(|extension| {
            let mut path = prefix.as_os_str().to_owned();
            path.push(".");
            path.push(extension);
            path.into()
        })
    }

    /// Begins the companions of a prefix; they appear when they are complete.
    ///
    /// # Errors
    ///
    /// A file can't be made.
    pub fn create(prefix: &Path) -> Result<Self> {
        let [ann, amb, pac] = Self::paths(prefix);
        let [ann_file, amb_file, pac_file] = [&ann, &amb, &pac].map(|path| AtomicFile::create(path));
        Ok(Self {
            bases: 0,
            contigs: Vec::new(),
            holes: Vec::new(),
            random: Random::new(SEED),
            packed: Packed { path: pac, file: BufWriter::new(pac_file?), byte: 0, bases: 0 },
            texts: [(ann, ann_file?), (amb, amb_file?)],
        })
    }

    /// Adds the next contig.
    ///
    /// # Errors
    ///
    /// A file can't be written.
    pub fn add(&mut self, contig: &Contig) -> Result<()> {
        let first = self.holes.len();
        let mut before = 0;
        for &letter in &contig.sequence {
            let code = match letter.to_ascii_uppercase() {
                b'A' => 0,
                b'C' => 1,
                b'G' => 2,
                b'T' => 3,
                _ => {
                    match self.holes.last_mut().filter(|_| letter == before) {
                        Some(hole) => hole.length += 1,
                        None => self.holes.push(Hole { start: self.bases, length: 1, letter }),
                    }
                    (self.random.next() & 3) as u8
                }
            };
            before = letter;
            self.packed.push(code)?;
            self.bases += 1;
        }
        let [name, description] = [&contig.name, &contig.description].map(|text| String::from_utf8_lossy(text));
        let description = if description.is_empty() { "(null)".into() } else { description };
        let length = contig.sequence.len();
        let (start, holes) = (self.bases - length as u64, self.holes.len() - first);
        self.contigs.push(format!("0 {name} {description}\n{start} {length} {holes}\n"));
        Ok(())
    }

    /// Writes what is left and gives the files their names.
    ///
    /// # Errors
    ///
    /// A file can't be written.
    pub fn finish(self) -> Result<()> {
        let Self { bases, contigs, holes, packed, texts, .. } = self;
        let lines = holes.iter().map(|h| format!("{} {} {}\n", h.start, h.length, char::from(h.letter)));
        let amb = format!("{bases} {} {}\n{}", contigs.len(), holes.len(), lines.collect::<String>());
        let ann = format!("{bases} {} {SEED}\n{}", contigs.len(), contigs.concat());
        packed.finish()?;
        for ((path, mut file), text) in texts.into_iter().zip([ann, amb]) {
            file.write_all(text.as_bytes()).map_err(|source| Error::write(&path, source))?;
            file.commit()?;
        }
        Ok(())
    }
}

/// The `.pac` file: four bases a byte, the first in the highest bits, and at the end how many bases the last byte holds.
struct Packed {
    path: PathBuf,
    file: BufWriter<AtomicFile>,
    byte: u8,
    bases: u64,
}

impl Packed {
    fn push(&mut self, code: u8) -> Result<()> {
        self.byte = self.byte << 2 | code;
        self.bases += 1;
        if self.bases.is_multiple_of(4) { self.write(self.byte) } else { Ok(()) }
    }

    fn finish(mut self) -> Result<()> {
        let rest = (self.bases % 4) as u8;
        // A last byte without bases is written too.
        self.write(if rest == 0 { 0 } else { self.byte << (8 - 2 * rest) })?;
        self.write(rest)?;
        let Self { path, file, .. } = self;
        let file = file.into_inner().map_err(|error| Error::write(&path, error.into_error()))?;
        file.commit()
    }

    fn write(&mut self, byte: u8) -> Result<()> {
        self.file.write_all(&[byte]).map_err(|source| Error::write(&self.path, source))
    }
}

/// POSIX's `lrand48`: a linear congruential generator of 48 bits.
struct Random(u64);

impl Random {
    fn new(seed: u32) -> Self {
        Self(u64::from(seed) << 16 | 0x330E)
    }

    /// 31 bits.
    fn next(&mut self) -> u64 {
        self.0 = (self.0.wrapping_mul(0x5_DEEC_E66D).wrapping_add(0xB)) & 0xFFFF_FFFF_FFFF;
        self.0 >> 17
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contigs_holes_and_bases_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path().join("ref.fa");
        let contig = |name: &str, description: &str, sequence: &str| Contig {
            name: name.into(),
            description: description.into(),
            sequence: sequence.into(),
        };
        let mut companions = ReferenceCompanions::create(&prefix).unwrap();
        companions.add(&contig("a", "", "ACGTN")).unwrap();
        companions.add(&contig("b", "two words", "NNRRANtn")).unwrap();
        companions.finish().unwrap();
        let [ann, amb, pac] = ReferenceCompanions::paths(&prefix).map(|path| std::fs::read(path).unwrap());
        assert_eq!(String::from_utf8(ann).unwrap(), "13 2 11\n0 a (null)\n0 5 1\n0 b two words\n5 8 4\n");
        let holes = "4 1 N\n5 2 N\n7 2 R\n10 1 N\n12 1 n\n";
        assert_eq!(String::from_utf8(amb).unwrap(), format!("13 2 5\n{holes}"));
        assert_eq!((pac.len(), pac[0], pac[4]), (5, 0b00_01_10_11, 1));
    }
}
