//! `svala merge`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use svala_compute::Counters;
use svala_io::{
    AlignmentWriter, CramReference, Destination, Format, Header, RecordOrder, ReferenceSequence, ShardReader,
    WriterOptions, may_be_cram,
};
use svala_map::index::Index;
use svala_map::merge::Merge;
use svala_map::pipeline::{Done, Summary};
use svala_map::read_groups::{ReadGroups, add_group};
use svala_map::sort::{DuplicateAction, Watch};

use crate::align::{cram_reference, is_cram};
use crate::alt_contigs::AltContigs;
use crate::args::{MergeArgs, all_threads};
use crate::companions::{CompanionPlan, Companions};
use crate::error::{Error, Result};
use crate::inputs::is_same_file;
use crate::interrupt;
use crate::one_sample::OneSample;
use crate::open_index::open_index;
use crate::output_header::{file_name, references};
use crate::program_line::CommandLine;
use crate::run_facts::RunFacts;
use crate::run_files::RunFiles;
use crate::say;
use crate::shard_sets::ShardSets;
use crate::space::{self, Places};

/// Merges shards.
pub fn run(args: &MergeArgs) -> Result<()> {
    let begin = Instant::now();
    let qc_metrics = args.quality.duplicate_metrics(!args.sorted.no_markdup);
    let mut plan = args.quality.plan(&args.output, true);
    plan.metrics = [args.sorted.metrics.as_deref(), qc_metrics.as_deref()];
    check_files(args, plan)?;
    args.sorted.check_format(&args.output)?;
    args.sorted.check_index(&args.output, true)?;
    let threads = args.threads.unwrap_or_else(all_threads);
    let mut options = args.sorted.sort_options(&args.output, threads);
    options.watch = Watch { observe: plan.observe(), depth: true, ..Watch::default() };
    let index = reference(args, threads)?;
    let reference = index.as_ref().map(cram_reference);
    let Shards { header, line } = open(&args.shards, options.duplicates.action, reference.as_ref())?;
    let read_groups = ReadGroups::new(&header.read_groups);
    interrupt::remove_on_signal(std::iter::once(args.output.clone()).chain(plan.paths()).collect())?;
    let destination = Destination::of(&args.output);
    let runs = Some((options.folder.as_path(), options.max_memory_bytes));
    let inputs = args.shards.iter().map(PathBuf::as_path).collect();
    space::check(&Places { inputs, shards: 1, output: &destination, runs, quiet: args.quiet })?;
    let digest = plan.record_of.is_some();
    let writer =
        writer(args, &destination, &header, index, WriterOptions { digest, ..args.sorted.writer_options(threads) })?;
    // Whether a shard has pairs is known when all its records have been read.
    let companions = Companions::create(plan, true)?;
    let start = Instant::now();
    let merge = Merge {
        shards: &args.shards,
        read_groups: &read_groups,
        barcode_tag: line.barcode_tag,
        options,
        digest,
        reference,
    };
    let Done { summary, observation, outcome, output, .. } = merge.execute(writer)?;
    let facts = RunFacts {
        inputs: args.shards.iter().map(|path| file_name(path)).zip(outcome.shards).collect(),
        // The last word of a canonical command line.
        reference: line.rest.rsplit(' ').next().unwrap_or_default().to_owned(),
        header,
        shard: None,
        summary,
        observation,
        duplicates: outcome.counts,
        resumed_after: None,
        counters: Counters::default(),
        backend: format!("merge of {} files", args.shards.len()),
        device_failures: Vec::new(),
        unopened_devices: Vec::new(),
        threads,
        start: start.duration_since(begin),
        elapsed: start.elapsed(),
    };
    companions.finish(output, &facts, &read_groups)?;
    if !args.quiet {
        let (shards, seconds) = (args.shards.len(), begin.elapsed().as_secs_f64());
        let Summary { reads, records, .. } = facts.summary;
        say::line(format_args!("svala: {reads} reads ({records} records) of {shards} shards merged in {seconds:.1} s"));
    }
    Ok(())
}

/// The reference, if the output or a shard is CRAM.
fn reference(args: &MergeArgs, threads: usize) -> Result<Option<Arc<Index>>> {
    let cram = std::iter::once(&args.output).filter(|path| is_cram(path));
    let Some(cram) = cram.chain(args.shards.iter().filter(|path| may_be_cram(path))).next() else { return Ok(None) };
    let why = "CRAM needs the reference; name it with --ref";
    let path = args.reference.as_ref().ok_or_else(|| Error::Usage { path: cram.clone(), why })?;
    Ok(Some(Arc::new(open_index(path, threads)?)))
}

/// Opens the output. `index` is there for CRAM.
fn writer(
    args: &MergeArgs,
    destination: &Destination,
    header: &Header,
    index: Option<Arc<Index>>,
    options: WriterOptions,
) -> Result<AlignmentWriter> {
    let Some(index) = index else {
        return Ok(AlignmentWriter::create(destination, Format::Bam, header, options)?);
    };
    let own = references(&index, &AltContigs::default());
    let identity = |r: &ReferenceSequence| (r.name.clone(), r.length, r.md5);
    if !own.iter().map(identity).eq(header.references.iter().map(identity)) {
        let path = args.reference.clone().unwrap_or_default();
        return Err(Error::Usage { path, why: "another reference than that of the shards" });
    }
    if !is_cram(&args.output) {
        return Ok(AlignmentWriter::create(destination, Format::Bam, header, options)?);
    }
    Ok(AlignmentWriter::create_cram(destination, header, index, options)?)
}

/// Refuses an output that would replace an input, one file for two outputs, and a shard given twice.
fn check_files(args: &MergeArgs, plan: CompanionPlan<'_>) -> Result<()> {
    let usage = |path: &Path, why| Err(Error::Usage { path: path.to_owned(), why });
    let files = RunFiles::default().reads_all(args.shards.iter().map(PathBuf::as_path));
    let files = args.reference.iter().fold(files, |files, reference| files.reads_reference(reference));
    files.writes_alignments(&Destination::of(&args.output)).writes_all(plan.named()).check()?;
    for (i, shard) in args.shards.iter().enumerate() {
        // A folder is told better when it is opened.
        let is_stream = |path: &Path| path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
        if shard == Path::new("-") || is_stream(shard) {
            return usage(shard, "shards are read twice and can't come from standard input or a pipe");
        }
        if args.shards[..i].iter().any(|other| is_same_file(other, shard)) {
            return usage(shard, "the same shard is given twice");
        }
    }
    Ok(())
}

/// What shards are parts of.
struct Shards {
    /// The header of one run over all reads.
    header: Header,
    /// That of its command.
    line: CommandLine,
}

/// Looks at what the shards say of themselves.
fn open(shards: &[PathBuf], action: DuplicateAction, reference: Option<&CramReference>) -> Result<Shards> {
    let mut common = None::<(Header, CommandLine)>;
    let (mut sets, mut samples) = (ShardSets::default(), OneSample::default());
    for path in shards {
        let refuse = |why| Error::Map(svala_map::Error::Shard { path: path.clone(), why });
        let (_, mut header) = ShardReader::open(path, reference.cloned())?;
        let line = CommandLine::of_align(&header.program).filter(|_| header.order == RecordOrder::Coordinate);
        let mut line = line.ok_or_else(|| refuse("expected a file that `svala align` sorted by coordinate"))?;
        if line.duplicates == DuplicateAction::Remove {
            return Err(refuse("duplicates have been removed, so those of other shards can't be told any more"));
        }
        sets.add(path, &header.read_groups, line.shard.take());
        line.duplicates = action;
        header.program.command_line = line.to_program().command_line;
        let is_of_sample = samples.fits(&header.read_groups);
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
        if !is_of_sample {
            return Err(refuse("another sample (SM) than in the shards before; expected one sample, for one output"));
        }
    }
    sets.check()?;
    let why = || Error::Usage { path: PathBuf::new(), why: "expected shards" };
    common.map(|(header, line)| Shards { header, line }).ok_or_else(why)
}
