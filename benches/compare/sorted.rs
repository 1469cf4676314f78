//! From reads to the file that a variant caller reads: sorted, duplicates marked, indexed. What `--sorted` times.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::aligner::{Aligner, Place, Reads, arguments, shown};
use crate::aligners::SVALA;

/// What makes a BAM file of the output of an aligner, as the manual of `samtools markdup` has it.
const STEPS: &str = "samtools fixmate -m -u - - | samtools sort -u -@ \"$threads\" -T \"$out\" - \
    | samtools markdup -@ \"$threads\" - \"$out\" && samtools index -@ \"$threads\" \"$out\"";

/// A command to be timed.
pub struct Timed {
    /// Its executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// As a person would type it.
    pub shown: String,
}

/// The command that makes such a file in `folder` with an aligner at `program`: svala's own, or a pipeline to samtools, which the
/// shell waits for, so that its CPU time is counted.
pub fn command(
    aligner: &dyn Aligner,
    program: &Path,
    place: &Place,
    reads: &Reads,
    threads: u32,
    folder: &Path,
) -> Timed {
    let out = folder.join("sorted.bam");
    let threads_text = threads.to_string();
    if aligner.name() == SVALA {
        let mut arguments = arguments!["align", "--quiet", "-t", threads_text, "--ref", &place.reference];
        for (switch, file) in ["-1", "-2"].iter().zip(&reads.files) {
            arguments.extend(arguments![switch, file]);
        }
        arguments.extend(arguments!["-o", &out]);
        let shown = shown(aligner.program(), &arguments);
        return Timed { program: program.to_owned(), arguments, shown };
    }
    let map = aligner.map_arguments(place, reads, threads);
    let shown = format!("{} | {STEPS}", shown(aligner.program(), &map));
    let script = format!("set -euo pipefail; out=$1; threads=$2; shift 2; \"$@\" | {STEPS}");
    let mut arguments = arguments!["-c", script, "bash", &out, threads_text, program];
    arguments.extend(map);
    Timed {
        program: "bash".into(),
        arguments,
        shown: shown.replace("\"$threads\"", &threads.to_string()).replace("\"$out\"", "sorted.bam"),
    }
}
