//! `svala merge`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use svala_io::{AlignmentWriter, Destination, Format, Header, RecordOrder, ShardReader};
use svala_map::merge::{Merge, MergeSummary};
use svala_map::read_groups::{ReadGroups, add_group};
use svala_map::sort::DuplicateAction;

use crate::align::is_cram;
use crate::args::{MergeArgs, all_threads};
use crate::error::{Error, Result};
use crate::inputs::is_same_file;
use crate::interrupt;
use crate::metrics_file::MetricsFile;
use crate::program_line::CommandLine;
use crate::space::{self, Places};

/// Merges shards.
pub fn run(args: &MergeArgs) -> Result<()> {
    let start = Instant::now();
    check_files(args)?;
    let options = args.sorted.sort_options(&args.output);
    let (header, barcode_tag) = header(&args.shards, options.duplicates.action)?;
    let read_groups = ReadGroups::new(&header.read_groups);
    let outputs = [Some(&args.output), args.sorted.metrics.as_ref()].into_iter().flatten();
    interrupt::remove_on_signal(outputs.cloned().collect())?;
    let metrics = args.sorted.metrics.as_deref().map(MetricsFile::create).transpose()?;
    let writer_options = args.sorted.writer_options(args.threads.unwrap_or_else(all_threads));
    let destination = Destination::of(&args.output);
    let runs = Some((options.folder.as_path(), options.max_memory_bytes));
    let inputs = args.shards.iter().map(PathBuf::as_path).collect();
    space::check(&Places { inputs, output: &destination, runs })?;
    let writer = AlignmentWriter::create(&destination, Format::Bam, &header, writer_options)?;
    let merge = Merge { shards: &args.shards, read_groups: &read_groups, barcode_tag, options };
    let MergeSummary { records, reads, counts } = merge.execute(writer)?;
    if let (Some(metrics), Some(counts)) = (metrics, counts) {
        metrics.write(&counts, &read_groups)?;
    }
    let (shards, seconds) = (args.shards.len(), start.elapsed().as_secs_f64());
    eprintln!("svala: {reads} reads ({records} records) of {shards} shards merged in {seconds:.1} s");
    Ok(())
}

/// Refuses an output that would replace a shard, one file for two outputs, and a shard given twice.
fn check_files(args: &MergeArgs) -> Result<()> {
    let usage = |path: &Path, why| Err(Error::Usage { path: path.to_owned(), why });
    if is_cram(&args.output) {
        return usage(&args.output, "merge writes BAM only");
    }
    let metrics = args.sorted.metrics.as_ref();
    for output in [Some(&args.output), metrics].into_iter().flatten() {
        if args.shards.iter().any(|shard| is_same_file(shard, output)) {
            return usage(output, "the output would replace a shard");
        }
    }
    if metrics == Some(&args.output) {
        return usage(&args.output, "the same file is given for records and metrics");
    }
    for (i, shard) in args.shards.iter().enumerate() {
        if shard == Path::new("-") {
            return usage(shard, "shards are read twice and can't come from standard input");
        }
        if args.shards[..i].iter().any(|other| is_same_file(other, shard)) {
            return usage(shard, "the same shard is given twice");
        }
    }
    Ok(())
}

/// The header of one run over all reads, and the tag of its barcodes.
fn header(shards: &[PathBuf], action: DuplicateAction) -> Result<(Header, Option<[u8; 2]>)> {
    let mut common: Option<(Header, CommandLine)> = None;
    for path in shards {
        let refuse = |why| Error::Map(svala_map::Error::Shard { path: path.clone(), why });
        let (_, mut header) = ShardReader::open(path)?;
        let line = CommandLine::of_align(&header.program).filter(|_| header.order == RecordOrder::Coordinate);
        let mut line = line.ok_or_else(|| refuse("expected a file that `svala align` sorted by coordinate"))?;
        if line.duplicates == DuplicateAction::Remove {
            return Err(refuse("duplicates have been removed, so those of other shards can't be told any more"));
        }
        line.duplicates = action;
        header.program.command_line = line.to_program().command_line;
        let Some((known, _)) = &mut common else {
            common = Some((header, line));
            continue;
        };
        if header.references != known.references {
            return Err(refuse("another reference than in the shards before"));
        }
        if header.program != known.program {
            return Err(refuse("made by another version of svala or with other options than the shards before"));
        }
        if !header.read_groups.iter().all(|group| add_group(&mut known.read_groups, group)) {
            return Err(refuse("a shard before has a read group with the same ID and other fields"));
        }
    }
    let why = || Error::Usage { path: PathBuf::new(), why: "expected shards" };
    common.map(|(header, line)| (header, line.barcode_tag)).ok_or_else(why)
}
