//! `svala mem` and `svala align`.

use std::path::Path;
use std::time::{Duration, Instant};

use svala_compute::{DeviceFailure, Engine, EngineOptions};
use svala_io::{
    AlignmentWriter, Destination, Format, Header, ReadGroup, RecordOrder, ReferenceSequence, WriterOptions,
};
use svala_map::index::{Index, index_path};
use svala_map::insert_model::{InsertModel, SizeModel};
use svala_map::insert_size::Orientation;
use svala_map::options::MapOptions;
use svala_map::pipeline::{Run, Summary};
use svala_map::read_groups::ReadGroups;
use svala_map::sort::order::{ByName, ByPlace};
use svala_map::sort::{DuplicateAction, SortOptions, SortingWriter};

use crate::args::{AlignArgs, EngineArgs, MappingArgs, MemArgs, all_threads};
use crate::error::{Error, Result};
use crate::inputs::{Inputs, Lane, is_same_file};
use crate::insert_option::InsertSource;
use crate::interrupt;
use crate::metrics_file::MetricsFile;
use crate::program_line::CommandLine;
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
    /// SAM or BAM.
    pub format: Format,
    /// The order of the records.
    pub order: RecordOrder,
    /// How a BAM file is sorted, if its order is not that of the input.
    pub sort: Option<SortOptions>,
    /// Where duplication metrics go.
    pub metrics: Option<&'a Path>,
    /// Compression and index; the threads are those of the job.
    pub writer: WriterOptions,
    /// Mapping threads.
    pub threads: usize,
    /// Whether supplementary records are soft-clipped.
    pub soft_clip: bool,
    /// Alternatives named in XA.
    pub max_alternatives: usize,
    /// Tag of barcodes.
    pub barcode_tag: Option<[u8; 2]>,
    /// Where the insert-size model comes from.
    pub insert: InsertSource<'a>,
    /// What runs the kernels.
    pub engine: &'a EngineArgs,
    /// Reads in a batch.
    pub batch_reads: usize,
}

/// What a job did.
pub struct Outcome {
    /// Counts.
    pub summary: Summary,
    /// Mapping time, without loading the index.
    pub elapsed: Duration,
    /// The backend in words.
    pub backend: String,
}

/// Runs `svala mem`.
pub fn mem(args: &MemArgs) -> Result<()> {
    let destination = args.output.as_deref().map_or(Destination::Stdout, Destination::of);
    let read_group = args.mapping.read_group.as_deref().map(ReadGroup::parse).transpose()?;
    let lane = Lane { first: args.first.clone(), second: args.second.clone(), read_group };
    let places = Places { reference: &args.reference, inputs: Inputs::new(vec![lane])?, destination };
    report(&execute(&job("mem", places, Format::Sam, args.threads, &args.mapping))?);
    Ok(())
}

/// Runs `svala align`.
pub fn align(args: &AlignArgs) -> Result<()> {
    let destination = Destination::of(&args.output);
    let inputs = Inputs::resolve(&args.inputs, args.mapping.read_group.as_deref())?;
    let places = Places { reference: &args.reference, inputs, destination };
    let threads = args.threads.unwrap_or_else(all_threads);
    let sort = sort_options(args)?;
    let writer = args.sorted.writer_options(threads);
    let order = record_order(args.sort);
    let writer = WriterOptions { index: order == RecordOrder::Coordinate && writer.index, ..writer };
    report(&execute(&Job {
        order,
        sort,
        writer,
        metrics: args.sorted.metrics.as_deref(),
        barcode_tag: args.barcode_tag,
        ..job("align", places, Format::Bam, threads, &args.mapping)
    })?);
    Ok(())
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
) -> Job<'a> {
    Job {
        command,
        reference: places.reference,
        inputs: places.inputs,
        destination: places.destination,
        format,
        order: RecordOrder::Input,
        sort: None,
        metrics: None,
        writer: WriterOptions::default(),
        threads: threads.max(1),
        soft_clip: mapping.soft_clip,
        max_alternatives: mapping.max_alternatives,
        barcode_tag: None,
        insert: InsertSource::new(&mapping.insert),
        engine: &mapping.engine,
        batch_reads: mapping.batch_reads,
    }
}

/// Maps all reads of a job.
pub fn execute(job: &Job<'_>) -> Result<Outcome> {
    check_files(job)?;
    let options = MapOptions {
        soft_clip_supplementary: job.soft_clip,
        max_alternatives: job.max_alternatives,
        barcode_tag: job.barcode_tag,
        read_groups: ReadGroups::new(job.inputs.read_groups()),
        ..MapOptions::default()
    };
    let runs = job.sort.as_ref().map(|sort| (sort.folder.as_path(), sort.max_memory_bytes));
    space::check(&space::Places { inputs: job.inputs.files().collect(), output: &job.destination, runs })?;
    let insert_model = job.insert.model()?;
    let index = Index::open_for(job.reference)?;
    let inputs = job.inputs.open(job.barcode_tag)?;
    let header = header(job, &index);
    let engine = Engine::new(EngineOptions {
        backend: job.engine.backend,
        adapters: job.engine.adapters.clone(),
        simd: job.engine.simd,
        scoring: options.scoring,
        ..EngineOptions::default()
    })?;
    for DeviceFailure { device, reason } in engine.unpacked_devices() {
        eprintln!("svala: warning: GPU {device} extends in 32 bits, slower, with the same results: {reason}");
    }
    engine.set_reference(index.reference().planes());
    let outputs = [job.destination.file(), job.metrics].into_iter().flatten();
    interrupt::remove_on_signal(outputs.map(Path::to_owned).collect())?;
    let writer = AlignmentWriter::create(
        &job.destination,
        job.format,
        &header,
        WriterOptions { threads: job.threads, ..job.writer },
    )?;
    let start = Instant::now();
    let run = Run {
        index: &index,
        engine: &engine,
        options: &options,
        insert_model,
        threads: job.threads,
        batch_reads: job.batch_reads,
    };
    let metrics = job.metrics.map(MetricsFile::create).transpose()?;
    let (summary, counts) = match job.sort.clone() {
        Some(sort) if job.order == RecordOrder::Name => {
            run.execute(inputs, SortingWriter::<ByName>::new(writer, sort)?, job.format, &header)?
        }
        Some(sort) => run.execute(inputs, SortingWriter::<ByPlace>::new(writer, sort)?, job.format, &header)?,
        None => (run.execute(inputs, writer, job.format, &header)?.0, None),
    };
    if let (Some(metrics), Some(counts)) = (metrics, counts) {
        metrics.write(&counts, &options.read_groups)?;
    }
    for failure in engine.device_failures() {
        let (device, reason) = (failure.device, failure.reason);
        eprintln!("svala: warning: GPU {device} failed and the CPU took over, with the same results: {reason}");
    }
    Ok(Outcome { summary, elapsed: start.elapsed(), backend: engine.description() })
}

fn header(job: &Job<'_>, index: &Index) -> Header {
    let references = index
        .reference()
        .contigs
        .iter()
        .map(|contig| ReferenceSequence { name: contig.name.clone(), length: contig.length, md5: contig.md5 })
        .collect();
    Header {
        references,
        order: job.order,
        read_groups: job.inputs.read_groups().to_vec(),
        program: command_line(job).to_program(),
    }
}

/// Refuses an output that would replace an input, and one file for two outputs.
fn check_files(job: &Job<'_>) -> Result<()> {
    let index = index_path(job.reference);
    let inputs = || [job.reference, &index].into_iter().chain(job.inputs.files()).chain(job.insert.file());
    let output = job.destination.file();
    for output in output.into_iter().chain(job.metrics) {
        if inputs().any(|input| is_same_file(input, output)) {
            return Err(Error::Usage { path: output.to_owned(), why: "the output would replace an input" });
        }
    }
    if job.metrics.is_some() && job.metrics == output {
        let path = output.unwrap_or(job.reference).to_owned();
        return Err(Error::Usage { path, why: "the same file is given for records and metrics" });
    }
    Ok(())
}

fn command_line(job: &Job<'_>) -> CommandLine {
    let mut words = Vec::new();
    if job.soft_clip {
        words.push("-Y".into());
    }
    if job.max_alternatives != MapOptions::default().max_alternatives {
        words.extend(["-h".into(), job.max_alternatives.to_string()]);
    }
    words.extend(job.insert.words());
    words.push(file_name(job.reference));
    CommandLine {
        command: job.command.into(),
        duplicates: job.sort.as_ref().map_or(DuplicateAction::Mark, |sort| sort.duplicates.action),
        barcode_tag: job.barcode_tag,
        rest: words.join(" "),
    }
}

/// The last part of a path, for the header.
pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes().escape_ascii().to_string()
}

/// Says on standard error what was done.
fn report(outcome: &Outcome) {
    let s = &outcome.summary;
    let seconds = outcome.elapsed.as_secs_f64();
    eprintln!(
        "svala: {} reads ({} bases) in {seconds:.1} s, {:.0} reads/s; {:.2} % mapped, {:.2} % properly paired; {}",
        s.reads,
        s.bases,
        s.reads as f64 / seconds.max(1e-9),
        share(s.mapped, s.reads),
        share(s.properly_paired, s.reads),
        outcome.backend,
    );
    let models = &s.insert_models;
    let is_one = models.iter().all(|model| *model == models[0]);
    for (number, model) in models.iter().enumerate().take(if is_one { 1 } else { models.len() }) {
        let input = if is_one { String::new() } else { format!("input {}: ", number + 1) };
        model.iter().flat_map(InsertModel::orientations).for_each(|sizes| report_sizes(&input, sizes));
    }
}

fn report_sizes(input: &str, (orientation, m): (Orientation, &SizeModel)) {
    let [mean, deviation] = [m.mean_milli, m.deviation_milli].map(|milli| milli as f64 / 1000.0);
    let source = if m.pairs > 0 { format!("from {} clear pairs", m.pairs) } else { "as given".into() };
    let (letters, low, high) = (orientation.letters(), m.low, m.high);
    eprintln!("svala: {input}insert size {letters} {mean:.1} ± {deviation:.1}, proper {low} to {high}, {source}");
}

/// A share in per cent.
pub fn share(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
