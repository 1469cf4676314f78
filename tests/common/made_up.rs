//! Made-up references and reads cut out of them.

use std::path::PathBuf;

use super::{Random, Record, fastq, records, reverse_complement, svala_ok, text};

const BASES: usize = 200_000;

/// A random reference of two contigs with a stretch of Ns, indexed, and its sequence.
pub struct World {
    folder: tempfile::TempDir,
    pub reference: PathBuf,
    pub contigs: [Vec<u8>; 2],
    pub random: Random,
}

/// A read cut out of the reference.
pub struct Cut {
    pub contig: usize,
    pub start: usize,
    pub reverse: bool,
    pub bases: Vec<u8>,
}

impl World {
    /// A random one of two contigs, with Ns.
    pub fn new(seed: u64) -> Self {
        Self::sized(seed, BASES)
    }

    /// As [`new`](Self::new), with so many bases in the first contig.
    pub fn sized(seed: u64, bases: usize) -> Self {
        let mut random = Random(seed);
        let mut contigs = [random.bases(bases), random.bases(bases / 4)];
        contigs[0][50_000..50_700].fill(b'N');
        Self::with(contigs, random)
    }

    /// One of these contigs.
    pub fn with(contigs: [Vec<u8>; 2], random: Random) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = folder.path().join("made-up.fa");
        let mut fasta = String::new();
        for (name, bases) in ["one", "two"].iter().zip(&contigs) {
            fasta += &format!(">{name} made up\r\n");
            for line in bases.chunks(61) {
                fasta += &format!("{}\r\n", String::from_utf8_lossy(line).to_lowercase());
            }
        }
        std::fs::write(&reference, fasta).expect("a temporary file");
        svala_ok(&["index", text(&reference)]);
        Self { folder, reference, contigs, random }
    }

    /// A read from anywhere, of either strand.
    pub fn cut(&mut self, length: usize) -> Cut {
        loop {
            let contig = self.random.below(2);
            let start = self.random.below(self.contigs[contig].len() - length);
            let bases = self.contigs[contig][start..start + length].to_vec();
            if bases.contains(&b'N') {
                continue;
            }
            let reverse = self.random.below(2) == 1;
            let bases = if reverse { reverse_complement(&bases) } else { bases };
            return Cut { contig, start, reverse, bases };
        }
    }

    /// A file in the reference's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Aligns one or two FASTQ files, `reads.0.fastq` and `reads.1.fastq`.
    pub fn mem(&self, files: &[Vec<u8>], options: &[&str]) -> Vec<Record> {
        let paths: Vec<PathBuf> = (0..files.len()).map(|i| self.path(&format!("reads.{i}.fastq"))).collect();
        for (path, content) in paths.iter().zip(files) {
            std::fs::write(path, content).expect("a temporary file");
        }
        let mut arguments = vec!["mem"];
        arguments.extend(options);
        arguments.push(text(&self.reference));
        arguments.extend(paths.iter().map(|path| text(path)));
        records(&svala_ok(&arguments))
    }

    /// Aligns single reads, named by their numbers.
    pub fn single(&self, reads: &[Cut]) -> Vec<Record> {
        self.mem(&[fastq(reads.iter().enumerate().map(|(i, cut)| (format!("r{i}"), &cut.bases[..])))], &[])
    }
}

impl Cut {
    /// Whether a record places the read where it is from.
    pub fn is_found_by(&self, record: &Record) -> bool {
        record.is_mapped()
            && record.contig == ["one", "two"][self.contig]
            && (record.unclipped_start() - 1 - self.start as i64).abs() <= 20
            && (record.flags & 16 != 0) == self.reverse
    }
}
