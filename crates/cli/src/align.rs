//! `svala mem` and `svala align`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use svala_compute::{DeviceFailure, Engine, EngineOptions};
use svala_io::{
    AlignmentWriter, CramReference, Destination, Format, Header, HeaderLines, ReadShard, ReadSource, RecordOrder,
    WriterOptions,
};
use svala_map::duplicates::LibraryCounts;
use svala_map::index::Index;
use svala_map::meter::Meter;
use svala_map::options::MapOptions;
use svala_map::pipeline::{Done, Run};
use svala_map::read_groups::ReadGroups;
use svala_map::sort::order::{ByName, ByPlace};
use svala_map::sort::{SortOptions, SortingWriter};

use crate::alt_contigs::AltContigs;
use crate::args::{AlignArgs, EngineArgs, MappingArgs, MemArgs, Sort, all_threads};
use crate::companions::{CompanionPlan, Companions};
use crate::error::{Error, Result};
use crate::inputs::{Inputs, Lane, Reading, parse_read_group};
use crate::insert_file;
use crate::insert_option::InsertSource;
use crate::interrupt;
use crate::open_index::open_index;
use crate::output_header::{file_name, header, references};
use crate::progress::{Progress, Show};
use crate::resume_option;
use crate::run_facts::RunFacts;
use crate::run_files::RunFiles;
use crate::say;
use crate::sort_option::{record_order, sort_options};
use crate::space;

/// A run of the aligner, resolved from either command's arguments.
pub struct Job<'a> {
    /// `mem`, `align` or `demo`.
    pub command: &'static str,
    /// Indexed reference.
    pub reference: &'a Path,
    /// Reads and their read groups.
    pub inputs: Inputs,
    /// Where to.
    pub destination: Destination,
    /// The form of encoded records.
    pub format: Format,
    /// Whether BAM records are written as CRAM.
    pub cram: bool,
    /// The order of the records.
    pub order: RecordOrder,
    /// How a BAM or CRAM file is sorted, if its order is not that of the input.
    pub sort: Option<SortOptions>,
    /// Whether a sort goes on with what an interrupted run has kept, and keeps its own.
    pub resume: bool,
    /// Files beside the output.
    pub companions: CompanionPlan<'a>,
    /// How far it is.
    pub meter: Arc<Meter>,
    /// Whether nothing but errors is said.
    pub quiet: bool,
    /// Compression and index; the threads are those of the job.
    pub writer: WriterOptions,
    /// Mapping threads.
    pub threads: usize,
    /// How reads are mapped and records written, but for read groups and barcodes.
    pub options: MapOptions,
    /// Whether contigs that are alternate loci are told from others.
    pub alternates: bool,
    /// Header lines to add.
    pub lines: HeaderLines,
    /// How files of reads are read.
    pub reading: Reading,
    /// Where the insert-size model comes from.
    pub insert: InsertSource<'a>,
    /// Other files that are read: of lanes, or of header lines.
    pub other_inputs: Vec<&'a Path>,
    /// Which part of the reads is aligned, if not all.
    pub shard: Option<ReadShard>,
    /// What runs the kernels.
    pub engine: &'a EngineArgs,
    /// Reads in a batch.
    pub batch_reads: usize,
}

impl Job<'_> {
    fn warn(&self, what: std::fmt::Arguments<'_>) {
        if !self.quiet {
            say::line(format_args!("svala: warning: {what}"));
        }
    }

    /// All files that it writes, or may write, but for the index.
    fn outputs(&self) -> Vec<PathBuf> {
        self.destination.file().map(Path::to_owned).into_iter().chain(self.companions.paths()).collect()
    }

    /// What is shown of its progress.
    fn show(&self) -> Show {
        match (self.quiet, &self.destination) {
            (true, _) => Show::Nothing,
            (_, Destination::Stdout) => Show::BesideRecords,
            (_, Destination::File(_)) => Show::Progress,
        }
    }
}

/// Runs `svala mem`.
pub fn mem(args: &MemArgs) -> Result<()> {
    let destination = args.output.as_deref().map_or(Destination::Stdout, Destination::of);
    let read_group = args.mapping.read_group.as_deref().map(parse_read_group).transpose()?;
    // As in bwa, mates in one file leave no place for another.
    let second = args.second.as_ref().filter(|_| !args.mapping.interleaved);
    let lane = Lane { first: args.first.clone(), second: second.cloned(), read_group };
    let places = Places { reference: &args.reference, inputs: Inputs::new(vec![lane])?, destination };
    let format = if args.paf { Format::Paf } else { Format::Sam };
    args.bwa.check()?;
    let mut job = Job {
        quiet: args.quiet || args.bwa.is_quiet(),
        alternates: !args.bwa.all_primary,
        lines: args.bwa.header_lines()?,
        other_inputs: args.bwa.header_files().collect(),
        ..job("mem", places, format, args.threads, &args.mapping)?
    };
    job.options.conventions.contig_descriptions = args.bwa.contig_descriptions;
    let ignored = args.bwa.search.given();
    if !ignored.is_empty() {
        job.warn(format_args!("no meaning here, so not used: {}", ignored.join(" ")));
    }
    if second.is_none() && args.second.is_some() {
        job.warn(format_args!("with -p the second file of reads is not used"));
    }
    run(&job)
}

/// Runs `svala align`.
pub fn align(args: &AlignArgs) -> Result<()> {
    let destination = Destination::of(&args.output);
    let inputs = Inputs::resolve(&args.inputs, args.mapping.read_group.as_deref())?;
    let places = Places { reference: &args.reference, inputs, destination };
    let threads = args.threads.unwrap_or_else(all_threads);
    let qc_metrics = args.quality.duplicate_metrics(args.sort != Sort::None && !args.sorted.no_markdup);
    let mut companions = args.quality.plan(&args.output, args.sort == Sort::Coordinate);
    companions.metrics = [args.sorted.metrics.as_deref(), qc_metrics.as_deref()];
    let meter = Arc::default();
    let sort = sort_options(args, companions.observe(), &meter)?;
    let writer = args.sorted.writer_options(threads);
    let order = record_order(args.sort);
    let writer = WriterOptions { index: order == RecordOrder::Coordinate && writer.index, ..writer };
    resume_option::check(args)?;
    args.sorted.check_format(&args.output)?;
    args.sorted.check_index(&args.output, args.sort == Sort::Coordinate)?;
    run(&Job {
        order,
        sort,
        shard: args.shard,
        resume: args.resume,
        writer,
        cram: is_cram(&args.output),
        companions,
        meter,
        quiet: args.quiet,
        other_inputs: args.inputs.samples.as_deref().into_iter().collect(),
        reading: Reading { barcode_tag: args.barcode_tag, ..reading(&args.mapping) },
        ..job("align", places, Format::Bam, threads, &args.mapping)?
    })
}

/// Maps all reads of a job and says what was done.
fn run(job: &Job<'_>) -> Result<()> {
    let facts = execute(job)?;
    if !job.quiet {
        facts.tell();
    }
    Ok(())
}

/// Whether a file is to be CRAM, by its extension.
pub fn is_cram(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("cram"))
}

/// The files of a command.
struct Places<'a> {
    reference: &'a Path,
    inputs: Inputs,
    destination: Destination,
}

fn job<'a>(
    command: &'static str,
    places: Places<'a>,
    format: Format,
    threads: usize,
    mapping: &'a MappingArgs,
) -> Result<Job<'a>> {
    mapping.labels.check()?;
    Ok(Job {
        command,
        reference: places.reference,
        inputs: places.inputs,
        destination: places.destination,
        format,
        cram: false,
        order: RecordOrder::Input,
        sort: None,
        resume: false,
        companions: CompanionPlan::default(),
        meter: Arc::default(),
        quiet: false,
        writer: WriterOptions::default(),
        threads: threads.max(1),
        options: MapOptions { conventions: mapping.records.conventions(), ..mapping.scoring.options()? },
        alternates: true,
        lines: HeaderLines::default(),
        reading: reading(mapping),
        insert: InsertSource::new(&mapping.insert),
        other_inputs: Vec::new(),
        shard: None,
        engine: &mapping.engine,
        batch_reads: mapping.batch_reads,
    })
}

fn reading(mapping: &MappingArgs) -> Reading {
    let (labelling, words) = (mapping.labels.labelling(), mapping.labels.words());
    Reading { interleaved: mapping.interleaved, comments: mapping.comments, barcode_tag: None, labelling, words }
}

/// Maps all reads of a job.
pub fn execute(job: &Job<'_>) -> Result<RunFacts> {
    let begin = Instant::now();
    check_files(job)?;
    let early = job.inputs.may_have_cram().then(|| Reference::open(job)).transpose()?;
    let mut sources = open_reads(job, early.as_ref())?;
    look_at_first_reads(job, &mut sources)?;
    let (read_groups, oddities) = (job.inputs.all_read_groups(&sources)?, Oddities::of(&sources));
    let options = MapOptions {
        barcode_tag: job.reading.barcode_tag,
        read_groups: ReadGroups::new(&read_groups),
        ..job.options.clone()
    };
    check_space(job)?;
    let insert_model = job.insert.model()?;
    let Reference { index, alternates } = early.map_or_else(|| Reference::open(job), Ok)?;
    let header = header(job, &index, &alternates, read_groups);
    let engine = start_engine(job, &options, &index)?;
    interrupt::remove_on_signal(job.outputs())?;
    let writer = writer(job, &header, &index)?;
    let start = Instant::now();
    let run = Run {
        index: &index,
        engine: &engine,
        options: &options,
        insert_model,
        shard: job.shard,
        threads: job.threads,
        batch_reads: job.batch_reads,
        observe: job.companions.observe(),
        meter: &job.meter,
    };
    let sort = resume_option::sort_options(job, &run, &header)?;
    let paired = sources.iter().any(ReadSource::is_paired);
    let watches: Vec<_> = sources.iter().flat_map(ReadSource::watches).collect();
    let companions = Companions::create(job.companions, paired)?;
    let progress = Progress::start(&job.meter, watches.clone(), job.show());
    let done = run_sorted(job, &run, sort, sources, writer, &header)?;
    drop(progress);
    oddities.warn(job);
    if let Some(what) = insert_file::lacking(&done.summary.insert_models) {
        job.warn(format_args!("{what}"));
    }
    let elapsed = start.elapsed();
    let failures = engine.device_failures();
    for DeviceFailure { device, reason } in &failures {
        job.warn(format_args!("GPU {device} is out of use, and the CPU redid its jobs: {reason}"));
    }
    let facts = RunFacts {
        inputs: job.inputs.files().map(file_name).zip(watches.iter().map(|watch| watch.file_digest())).collect(),
        reference: file_name(job.reference),
        shard: job.shard,
        header,
        summary: done.summary,
        observation: done.observation,
        duplicates: done.outcome,
        resumed_after: done.resumed_after,
        counters: engine.counters(),
        backend: engine.description(),
        device_failures: in_words(&failures),
        unopened_devices: in_words(engine.unopened_devices()),
        threads: job.threads,
        start: start.duration_since(begin),
        elapsed,
    };
    companions.finish(done.output, &facts, &options.read_groups)?;
    Ok(facts)
}

/// Warns of inputs without reads and of read groups that are replaced, and refuses inputs that couldn't be merged as shards.
fn look_at_first_reads(job: &Job<'_>, sources: &mut [ReadSource]) -> Result<()> {
    for file in job.inputs.empty(sources)? {
        job.warn(format_args!("{}: there are no reads in it", file.display()));
    }
    if job.shard.is_some() {
        job.inputs.check_for_shards(sources)?;
    }
    let replaced = job.inputs.replaced_groups(sources);
    if replaced > 0 {
        let groups = if replaced == 1 { "1 read group" } else { &format!("{replaced} read groups") };
        job.warn(format_args!("the read group that is given replaces {groups} of the input"));
    }
    Ok(())
}

/// Opens all inputs, those of CRAM with the reference, with digests of them if there is to be a record.
fn open_reads(job: &Job<'_>, reference: Option<&Reference>) -> Result<Vec<ReadSource>> {
    let sources = job.inputs.open(&job.reading, reference.map(Reference::for_cram).as_ref())?;
    if job.companions.record_of.is_some() {
        return Ok(sources);
    }
    Ok(sources.into_iter().map(ReadSource::without_digests).collect())
}

/// Whether the run can fit on its disks.
fn check_space(job: &Job<'_>) -> Result<()> {
    let runs = job.sort.as_ref().map(|sort| (sort.folder.as_path(), sort.max_memory_bytes));
    let shards = job.shard.map_or(1, ReadShard::shards);
    space::check(&space::Places {
        inputs: job.inputs.files().collect(),
        shards,
        output: &job.destination,
        runs,
        quiet: job.quiet,
    })
}

/// The reference of a job.
struct Reference {
    index: Arc<Index>,
    alternates: AltContigs,
}

impl Reference {
    /// Opens the index and tells it which contigs are alternate loci.
    fn open(job: &Job<'_>) -> Result<Self> {
        let mut index = open_index(job.reference, job.threads)?;
        let alternates = alternates(job, &index)?;
        index.mark_alternates(|name| alternates.contains(name));
        Ok(Self { index: Arc::new(index), alternates })
    }

    fn for_cram(&self) -> CramReference {
        cram_reference(&self.index)
    }
}

/// An index as what CRAM files are read with.
pub fn cram_reference(index: &Arc<Index>) -> CramReference {
    CramReference::new(references(index, &AltContigs::default()), Arc::<Index>::clone(index))
}

fn in_words(failures: &[DeviceFailure]) -> Vec<String> {
    failures.iter().map(|f| format!("{}: {}", f.device, f.reason)).collect()
}

fn start_engine(job: &Job<'_>, options: &MapOptions, index: &Index) -> Result<Engine> {
    let engine = Engine::new(EngineOptions {
        backend: job.engine.backend,
        adapters: job.engine.adapters.clone(),
        check: job.engine.gpu_check,
        simd: job.engine.simd,
        scoring: options.scoring,
        ..EngineOptions::default()
    });
    let engine = engine.map_err(|error| match error {
        svala_compute::Error::NoSuchAdapter { .. } => Error::value("--adapters", error),
        svala_compute::Error::SimdLevel(_) => Error::value("--simd", error),
        error => error.into(),
    })?;
    for DeviceFailure { device, reason } in engine.unopened_devices() {
        job.warn(format_args!("GPU {device} can't be opened and isn't used, with the same results: {reason}"));
    }
    for DeviceFailure { device, reason } in engine.unpacked_devices() {
        job.warn(format_args!("GPU {device} extends in 32 bits, slower, with the same results: {reason}"));
    }
    for DeviceFailure { device, reason } in engine.set_reference(index.reference().planes()) {
        job.warn(format_args!("GPU {device} is sent the targets, slower, with the same results: {reason}"));
    }
    Ok(engine)
}

/// Runs it with the sort that is asked for.
fn run_sorted(
    job: &Job<'_>,
    run: &Run<'_>,
    sort: Option<SortOptions>,
    inputs: Vec<ReadSource>,
    writer: AlignmentWriter,
    header: &Header,
) -> Result<Done<Option<LibraryCounts>>> {
    Ok(match sort {
        Some(sort) if job.order == RecordOrder::Name => {
            run.execute(inputs, SortingWriter::<ByName>::new(writer, sort)?, job.format, header)?
        }
        Some(sort) => run.execute(inputs, SortingWriter::<ByPlace>::new(writer, sort)?, job.format, header)?,
        None => {
            let Done { summary, observation, resumed_after, outcome: (), output } =
                run.execute(inputs, writer, job.format, header)?;
            Done { summary, observation, resumed_after, outcome: None, output }
        }
    })
}

/// Reads that users should hear of, counted while they are read.
struct Oddities {
    hard_clipped: Vec<Arc<AtomicU64>>,
    single: Vec<Arc<AtomicU64>>,
}

impl Oddities {
    fn of(sources: &[ReadSource]) -> Self {
        Self {
            hard_clipped: sources.iter().map(ReadSource::hard_clipped).collect(),
            single: sources.iter().map(ReadSource::single_reads).collect(),
        }
    }

    /// Says that bases are lost which the aligner before left out, and that reads had no mate where mates follow each other.
    fn warn(&self, job: &Job<'_>) {
        let sum = |counts: &[Arc<AtomicU64>]| counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        let [hard_clipped, single]: [u64; 2] = [sum(&self.hard_clipped), sum(&self.single)];
        if hard_clipped > 0 {
            job.warn(format_args!(
                "{hard_clipped} reads came hard-clipped: their other bases are lost, and were aligned without them"
            ));
        }
        if single > 0 {
            job.warn(format_args!("{single} reads had no mate next to them and were aligned as single reads"));
        }
    }
}

/// Opens the output.
fn writer(job: &Job<'_>, header: &Header, index: &Arc<Index>) -> Result<AlignmentWriter> {
    let digest = job.companions.record_of.is_some();
    let options = WriterOptions { threads: job.threads, digest, count: true, ..job.writer };
    if !job.cram {
        return Ok(AlignmentWriter::create(&job.destination, job.format, header, options)?);
    }
    // The writer's threads read the reference for as long as they live.
    Ok(AlignmentWriter::create_cram(&job.destination, header, Arc::<Index>::clone(index), options)?)
}

/// Which contigs are alternate loci; if they are only guessed, that is said, since reads that fit them too get low mapping qualities.
fn alternates(job: &Job<'_>, index: &Index) -> Result<AltContigs> {
    if !job.alternates {
        return Ok(AltContigs::default());
    }
    let names = || index.reference().contigs.iter().map(|contig| &contig.name[..]);
    let alternates = AltContigs::read(job.reference, names())?;
    if let Some(count) = alternates.count().filter(|_| !job.quiet) {
        // Pipelines look for bwa's words.
        say::line(format_args!("svala: read {count} ALT contigs"));
    }
    if let Some(what) = alternates.warning(names()) {
        job.warn(format_args!("{what}"));
    }
    Ok(alternates)
}

/// Refuses an output that would replace an input, and one file for two outputs.
fn check_files(job: &Job<'_>) -> Result<()> {
    let files = RunFiles::default().reads_reference(job.reference).reads_all(job.inputs.files());
    let files = files.reads_all(job.insert.file()).reads_all(job.other_inputs.iter().copied());
    files.writes_alignments(&job.destination).writes_all(job.companions.named()).check()
}
