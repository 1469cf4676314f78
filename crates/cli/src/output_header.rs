//! What the header of an output says: contigs, read groups, and how it was made.

use std::path::Path;

use svala_io::{Header, ReadGroup, ReferenceSequence};
use svala_map::index::{Contig, Index};
use svala_map::sort::DuplicateAction;

use crate::align::Job;
use crate::alt_contigs::AltContigs;
use crate::program_line::CommandLine;
use crate::record_options;
use crate::scoring_options;

/// The contigs of an index as a header names them.
pub fn references(index: &Index, alternates: &AltContigs) -> Vec<ReferenceSequence> {
    let reference = |contig: &Contig| ReferenceSequence {
        name: contig.name.clone(),
        length: contig.length,
        md5: contig.md5,
        alternate: alternates.contains(&contig.name),
    };
    index.reference().contigs.iter().map(reference).collect()
}

/// The header of a run's output.
pub fn header(job: &Job<'_>, index: &Index, alternates: &AltContigs, read_groups: Vec<ReadGroup>) -> Header {
    let references = references(index, alternates);
    let (program, lines) = (command_line(job).to_program(), job.lines.clone());
    Header { references, order: job.order, read_groups, program, lines }
}

fn command_line(job: &Job<'_>) -> CommandLine {
    let mut words = record_options::words(&job.options.conventions);
    if job.reading.comments {
        words.push("-C".into());
    }
    words.extend(scoring_options::words(&job.options));
    words.extend(job.reading.words.iter().cloned());
    words.extend(job.insert.words());
    words.push(file_name(job.reference));
    CommandLine {
        command: job.command.into(),
        shard: job.shard,
        duplicates: job.sort.as_ref().map_or(DuplicateAction::Mark, |sort| sort.duplicates.action),
        barcode_tag: job.reading.barcode_tag,
        rest: words.join(" "),
    }
}

/// The last part of a path, for the header.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes().escape_ascii().to_string()
}
