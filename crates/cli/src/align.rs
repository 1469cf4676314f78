//! `svala mem` and `svala align`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use svala_compute::{DeviceFailure, Engine, EngineOptions};
use svala_io::{
    AlignmentWriter, Destination, Format, Header, Program, ReadGroup, ReadSource, RecordOrder, ReferenceSequence,
    WriterOptions,
};
use svala_map::index::{Index, index_path};
use svala_map::insert_model::InsertModel;
use svala_map::options::{MAX_READ, MapOptions};
use svala_map::pipeline::{Run, Summary};
use svala_map::sort::{SortOptions, SortingWriter};

use crate::args::{AlignArgs, EngineArgs, MappingArgs, MemArgs, all_threads};
use crate::error::{Error, Result};
use crate::insert_option::InsertSource;
use crate::metrics_file::MetricsFile;
use crate::sort_option::{sort_options, sort_words};

/// A run of the aligner, resolved from either command's arguments.
pub struct Job<'a> {
    /// `mem`, `align` or `demo`.
    pub command: &'static str,
    /// Indexed reference.
    pub reference: &'a Path,
    /// Reads.
    pub first: &'a Path,
    /// Their mates.
    pub second: Option<&'a Path>,
    /// Where to.
    pub destination: Destination,
    /// SAM or BAM.
    pub format: Format,
    /// How a BAM file is sorted; none leaves the order of the input.
    pub sort: Option<SortOptions>,
    /// Where duplication metrics go.
    pub metrics: Option<&'a Path>,
    /// Compression and index; the threads are those of the job.
    pub writer: WriterOptions,
    /// Mapping threads.
    pub threads: usize,
    /// Value of `-R`.
    pub read_group: Option<&'a str>,
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
    let destination = args.output.as_deref().map_or(Destination::Stdout, destination);
    let places = Places { reference: &args.reference, first: &args.first, second: args.second.as_ref(), destination };
    report(&execute(&job("mem", places, Format::Sam, args.threads, &args.mapping))?);
    Ok(())
}

/// Runs `svala align`.
pub fn align(args: &AlignArgs) -> Result<()> {
    let destination = destination(&args.output);
    let places = Places { reference: &args.reference, first: &args.first, second: args.second.as_ref(), destination };
    let threads = args.threads.unwrap_or_else(all_threads);
    let sort = sort_options(args)?;
    let index = sort.is_some() && !args.no_index;
    let writer = WriterOptions { compression_level: args.level, index, ..WriterOptions::default() };
    report(&execute(&Job {
        sort,
        writer,
        metrics: args.metrics.as_deref(),
        barcode_tag: args.barcode_tag,
        ..job("align", places, Format::Bam, threads, &args.mapping)
    })?);
    Ok(())
}

/// Standard output for `-`.
fn destination(path: &Path) -> Destination {
    if path == Path::new("-") { Destination::Stdout } else { Destination::File(path.to_owned()) }
}

/// The files of a command.
struct Places<'a> {
    reference: &'a Path,
    first: &'a Path,
    second: Option<&'a PathBuf>,
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
        first: places.first,
        second: places.second.map(PathBuf::as_path),
        destination: places.destination,
        format,
        sort: None,
        metrics: None,
        writer: WriterOptions::default(),
        threads: threads.max(1),
        read_group: mapping.read_group.as_deref(),
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
    let read_group = job.read_group.map(ReadGroup::parse).transpose()?;
    let options = MapOptions {
        soft_clip_supplementary: job.soft_clip,
        max_alternatives: job.max_alternatives,
        barcode_tag: job.barcode_tag,
        read_group: read_group.as_ref().map(|group| group.id().as_bytes().to_vec()),
        ..MapOptions::default()
    };
    let insert_model = job.insert.model()?;
    let index = Index::open_for(job.reference)?;
    let mut source = ReadSource::open(job.first, job.second, MAX_READ)?;
    if let Some(tag) = job.barcode_tag {
        source = source.with_barcodes(tag);
    }
    let header = header(job, &index, read_group);
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
    for DeviceFailure { device, reason } in engine.set_reference(index.reference().planes()) {
        eprintln!("svala: warning: GPU {device} is sent the targets, slower, with the same results: {reason}");
    }
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
        Some(sort) => run.execute(source, SortingWriter::new(writer, sort)?, job.format, &header)?,
        None => (run.execute(source, writer, job.format, &header)?.0, None),
    };
    if let (Some(metrics), Some(counts)) = (metrics, counts) {
        metrics.write(&summary, &counts, header.read_group.as_ref())?;
    }
    for failure in engine.device_failures() {
        let (device, reason) = (failure.device, failure.reason);
        eprintln!("svala: warning: GPU {device} failed and the CPU took over, with the same results: {reason}");
    }
    Ok(Outcome { summary, elapsed: start.elapsed(), backend: engine.description() })
}

fn header(job: &Job<'_>, index: &Index, read_group: Option<ReadGroup>) -> Header {
    let references = index
        .reference()
        .contigs
        .iter()
        .map(|contig| ReferenceSequence { name: contig.name.clone(), length: contig.length, md5: contig.md5 })
        .collect();
    let order = if job.sort.is_some() { RecordOrder::Coordinate } else { RecordOrder::Input };
    let program = Program {
        id: "svala".into(),
        name: "svala".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        command_line: canonical_command_line(job),
    };
    Header { references, order, read_group, program }
}

/// Refuses an output that would replace an input, and one file as both mates.
fn check_files(job: &Job<'_>) -> Result<()> {
    let index = index_path(job.reference);
    let inputs = [job.reference, &index, job.first].into_iter().chain(job.second).chain(job.insert.file());
    let output = match &job.destination {
        Destination::File(path) => Some(path.as_path()),
        Destination::Stdout => None,
    };
    for output in output.into_iter().chain(job.metrics) {
        if inputs.clone().any(|input| is_same_file(input, output)) {
            return Err(Error::Usage { path: output.to_owned(), why: "the output would replace an input" });
        }
    }
    if job.metrics.is_some() && job.metrics == output {
        let path = output.unwrap_or(job.reference).to_owned();
        return Err(Error::Usage { path, why: "the same file is given for records and metrics" });
    }
    match job.second {
        Some(second) if is_same_file(job.first, second) => {
            Err(Error::Usage { path: second.to_owned(), why: "the same file is given for both mates" })
        }
        _ => Ok(()),
    }
}

/// Whether both paths lead to one regular file.
fn is_same_file(a: &Path, b: &Path) -> bool {
    let regular = |path: &Path| path.is_file().then(|| path.canonicalize().ok()).flatten();
    regular(a).is_some_and(|a| regular(b) == Some(a))
}

/// The command line with what decides the records and nothing else: no folders, threads, devices or names of reads and
/// outputs. So shards of a sample, and runs anywhere, have the same header.
fn canonical_command_line(job: &Job<'_>) -> String {
    let mut words = vec!["svala".to_owned(), job.command.to_owned()];
    if job.soft_clip {
        words.push("-Y".into());
    }
    if job.max_alternatives != MapOptions::default().max_alternatives {
        words.extend(["-h".into(), job.max_alternatives.to_string()]);
    }
    words.extend(job.insert.words());
    if let Some(tag) = job.barcode_tag {
        words.extend(["--barcode-tag".into(), tag.escape_ascii().to_string()]);
    }
    if let Some(sort) = &job.sort {
        words.extend(sort_words(sort));
    }
    if let Some(group) = job.read_group {
        words.extend(["-R".into(), group.to_owned()]);
    }
    words.push(file_name(job.reference));
    words.join(" ")
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
    for (orientation, m) in s.insert_model.iter().flat_map(InsertModel::orientations) {
        let [mean, deviation] = [m.mean_milli, m.deviation_milli].map(|milli| milli as f64 / 1000.0);
        let source = if m.pairs > 0 { format!("from {} clear pairs", m.pairs) } else { "as given".into() };
        eprintln!(
            "svala: insert size {} {mean:.1} ± {deviation:.1}, proper {} to {}, {source}",
            orientation.letters(),
            m.low,
            m.high
        );
    }
}

/// A share in per cent.
pub fn share(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}
