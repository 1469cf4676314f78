//! The aligners, each one adapter. Options are those that its authors recommend for paired short reads.

use std::ffi::OsString;

use crate::aligner::{Aligner, Place, Reads, arguments};

/// svala's name.
pub const SVALA: &str = "svala";

/// Every known aligner, svala first.
pub fn all() -> Vec<Box<dyn Aligner>> {
    const BWA_MEM2_INDEX: &[&str] = &[".bwt.2bit.64", ".0123", ".amb", ".ann", ".pac"];
    vec![
        Box::new(Svala),
        Box::new(BwaLike { name: "bwa", version: &[], endings: &[".bwt", ".sa", ".amb", ".ann", ".pac"] }),
        Box::new(BwaLike { name: "bwa-mem2", version: &["version"], endings: BWA_MEM2_INDEX }),
        Box::new(BwaLike { name: "bwa-mem3", version: &["version"], endings: BWA_MEM2_INDEX }),
        Box::new(BwaLike { name: "bwa-mem4", version: &["--version"], endings: BWA_MEM2_INDEX }),
        Box::new(Minibwa),
        Box::new(Minimap2),
        Box::new(Strobealign),
        Box::new(Bowtie2),
        Box::new(Snap),
    ]
}

/// svala itself, through the command that pipelines know from bwa.
struct Svala;

impl Aligner for Svala {
    fn name(&self) -> &'static str {
        SVALA
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn index_arguments(&self, place: &Place, threads: u32) -> Vec<OsString> {
        arguments!["index", "-t", threads.to_string(), &place.reference]
    }

    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString> {
        let mut arguments = arguments!["mem", "-t", threads.to_string(), &place.reference];
        arguments.extend(reads.files.iter().map(OsString::from));
        arguments
    }
}

/// bwa and its successors with the same commands: bwa (Li, *Aligning sequence reads, clone sequences and assembly contigs
/// with BWA-MEM*, 2013), bwa-mem2 (Vasimuddin et al., *Efficient architecture-aware acceleration of BWA-MEM for multicore
/// systems*, 2019), bwa-mem3 (<https://github.com/fg-labs/bwa-mem3>), bwa-mem4 (<https://crates.io/crates/bwa-mem4>).
struct BwaLike {
    name: &'static str,
    version: &'static [&'static str],
    endings: &'static [&'static str],
}

impl Aligner for BwaLike {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        self.version
    }

    fn endings_beside(&self) -> &'static [&'static str] {
        self.endings
    }

    fn index_arguments(&self, place: &Place, _threads: u32) -> Vec<OsString> {
        arguments!["index", &place.reference]
    }

    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString> {
        let mut arguments = arguments!["mem", "-t", threads.to_string(), &place.reference];
        arguments.extend(reads.files.iter().map(OsString::from));
        arguments
    }
}

/// minibwa (<https://github.com/lh3/minibwa>); it finds out by itself that reads are short.
struct Minibwa;

impl Aligner for Minibwa {
    fn name(&self) -> &'static str {
        "minibwa"
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["version"]
    }

    fn index_arguments(&self, place: &Place, _threads: u32) -> Vec<OsString> {
        arguments!["index", &place.reference]
    }

    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString> {
        let mut arguments = arguments!["map", "-t", threads.to_string(), &place.reference];
        arguments.extend(reads.files.iter().map(OsString::from));
        arguments
    }
}

/// minimap2 (Li, *Minimap2: pairwise alignment for nucleotide sequences*, 2018).
struct Minimap2;

impl Aligner for Minimap2 {
    fn name(&self) -> &'static str {
        "minimap2"
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn index_arguments(&self, place: &Place, threads: u32) -> Vec<OsString> {
        arguments!["-x", "sr", "-t", threads.to_string(), "-d", place.with_ending(".mmi"), &place.reference]
    }

    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString> {
        let mut arguments = arguments!["-ax", "sr", "-t", threads.to_string(), place.with_ending(".mmi")];
        arguments.extend(reads.files.iter().map(OsString::from));
        arguments
    }
}

/// strobealign (Sahlin, *Strobealign: flexible seed size enables ultra-fast and accurate read alignment*, 2022).
struct Strobealign;

impl Aligner for Strobealign {
    fn name(&self) -> &'static str {
        "strobealign"
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn index_depends_on_read_length(&self) -> bool {
        true
    }

    fn index_arguments(&self, place: &Place, threads: u32) -> Vec<OsString> {
        let (threads, length) = (threads.to_string(), place.read_bp.to_string());
        arguments!["--create-index", "-t", threads, "-r", length, &place.reference]
    }

    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString> {
        let (threads, length) = (threads.to_string(), place.read_bp.to_string());
        let mut arguments = arguments!["--no-progress", "--use-index", "-t", threads, "-r", length, &place.reference];
        arguments.extend(reads.files.iter().map(OsString::from));
        arguments
    }
}

/// Bowtie 2 (Langmead and Salzberg, *Fast gapped-read alignment with Bowtie 2*, 2012), with room for inserts to 1,000 bp.
struct Bowtie2;

impl Aligner for Bowtie2 {
    fn name(&self) -> &'static str {
        "bowtie2"
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &["--version"]
    }

    fn index_program(&self) -> &'static str {
        "bowtie2-build"
    }

    fn index_arguments(&self, place: &Place, threads: u32) -> Vec<OsString> {
        arguments!["--quiet", "--threads", threads.to_string(), &place.reference, &place.reference]
    }

    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString> {
        let mut arguments = arguments!["-p", threads.to_string(), "-X", "1000", "-x", &place.reference];
        let switches: &[&str] = if reads.are_paired() { &["-1", "-2"] } else { &["-U"] };
        for (switch, file) in switches.iter().zip(&reads.files) {
            arguments.extend(arguments![switch, file]);
        }
        arguments
    }
}

/// SNAP (Bolosky et al., *Fuzzy set intersection based paired-end short-read alignment*, 2021); threads are not bound to
/// cores, since others may be on them.
struct Snap;

impl Aligner for Snap {
    fn name(&self) -> &'static str {
        "snap"
    }

    fn program(&self) -> &'static str {
        "snap-aligner"
    }

    fn version_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    fn index_arguments(&self, place: &Place, threads: u32) -> Vec<OsString> {
        arguments!["index", &place.reference, place.with_ending(".snap"), format!("-t{threads}"), "-bSpace"]
    }

    fn map_arguments(&self, place: &Place, reads: &Reads, threads: u32) -> Vec<OsString> {
        let mode = if reads.are_paired() { "paired" } else { "single" };
        let mut arguments = arguments![mode, place.with_ending(".snap")];
        arguments.extend(reads.files.iter().map(OsString::from));
        arguments.extend(arguments!["-t", threads.to_string(), "-b-", "-o", "-sam", "-"]);
        arguments
    }
}
