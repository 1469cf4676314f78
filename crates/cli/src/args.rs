//! Command-line arguments, as the user gives them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum, value_parser};
use svala_compute::{Adapters, Backend, GpuCheck, SimdLevel};
use svala_io::{CramVersion, ReadShard};

use crate::bwa_options::BwaArgs;
use crate::insert_option::InsertSizes;
use crate::label_args::LabelArgs;
use crate::memory;
use crate::record_options::RecordArgs;
use crate::scoring_options::ScoringArgs;

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 an input or output can't be used; 2 a wrong command line; 70 a fault of svala, please report it;
141 the reader of standard output has gone.

Called as bwa, bwa-mem2, bwa-meme, bwa-plus, minibwa or pbrun (fq2bam), by a symbolic link or as in `svala bwa mem`, it stands in for that program.";

/// Aligns short reads to a reference genome on any GPU or CPU, with the same bytes as its result.
#[derive(Debug, Parser)]
#[command(version, long_version = crate::version::LONG, propagate_version = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Index a reference: REF.fa[.gz] -> REF.fa[.gz].svala
    Index(IndexArgs),
    /// Align reads and write SAM to standard output, as `bwa mem` does
    #[command(disable_help_flag = true, disable_version_flag = true, args_override_self = true)]
    Mem(MemArgs),
    /// Align reads and write a BAM or CRAM file, which appears when it is complete
    #[command(disable_help_flag = true)]
    Align(AlignArgs),
    /// Check that a file is what its run wrote, by the record beside it
    Verify(VerifyArgs),
    /// Merge sorted shards of a sample and find duplicates over all of them, as one run over all reads would
    Merge(MergeArgs),
    /// Learn the insert sizes of a sample, so that all its shards are aligned with the same
    InsertSize(InsertSizeArgs),
    /// Show what svala can use on this machine and prove that it gives right results
    Doctor(DoctorArgs),
    /// Align real reads that come with svala, and write demo.bam
    Demo(DemoArgs),
    /// Prove this installation: kernels, records of known reads, refusal of damaged input; for a laboratory's files
    Selftest(SelftestArgs),
    /// Print what a shell needs to complete svala's command lines
    Completions(CompletionsArgs),
    /// Print the manual page of svala, or of one of its commands
    Man(ManArgs),
}

/// `svala completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `svala man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command
    pub command: Option<String>,
}

/// `svala index`.
#[derive(Debug, Args)]
pub struct IndexArgs {
    /// Reference in FASTA format, plain, gzip or BGZF
    #[arg(value_name = "REF")]
    pub reference: PathBuf,
    /// Name before the index's `.svala`, and to give to `svala mem` [default: REF]
    #[arg(value_name = "PREFIX")]
    pub prefix: Option<PathBuf>,
    /// Threads [default: all]
    #[arg(short = 't', long, value_parser = thread_count)]
    pub threads: Option<usize>,
    /// Write PREFIX.amb, PREFIX.ann and PREFIX.pac too, as bwa does, since pipelines look for them; not its other files
    #[arg(long)]
    pub companions: bool,
    /// As PREFIX
    #[arg(short = 'p', value_name = "PREFIX", conflicts_with = "prefix", help_heading = FOR_BWA)]
    pub prefix_option: Option<PathBuf>,
    /// No meaning here: svala has one way to index
    #[arg(short = 'a', value_name = "STR", help_heading = FOR_BWA)]
    _algorithm: Option<String>,
    /// No meaning here
    #[arg(short = 'b', value_name = "INT", help_heading = FOR_BWA)]
    _block_size: Option<String>,
    /// No meaning here: the names of the index are the same for large references
    #[arg(short = '6', help_heading = FOR_BWA)]
    _large_names: bool,
}

/// Where help tells options that are there for existing command lines.
pub const FOR_BWA: &str = "For command lines of bwa";

/// `svala mem`.
#[derive(Debug, Args)]
pub struct MemArgs {
    /// Indexed reference
    #[arg(value_name = "REF")]
    pub reference: PathBuf,
    /// Reads, FASTQ (plain, gzip, BGZF or Zstandard), BAM or CRAM; `-` for standard input
    #[arg(value_name = "R1")]
    pub first: PathBuf,
    /// Their mates; not read with -p
    #[arg(value_name = "R2")]
    pub second: Option<PathBuf>,
    /// Threads; 0 is 1, as for bwa
    #[arg(short = 't', long, default_value_t = 1, value_parser = bwa_thread_count)]
    pub threads: usize,
    /// Write SAM to this file instead, which appears when it is complete
    #[arg(short = 'o', short_alias = 'f', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write PAF, a line an alignment and none for unmapped reads, instead of SAM
    #[arg(long)]
    pub paf: bool,
    /// Say nothing but errors
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    pub mapping: MappingArgs,
    #[command(flatten)]
    pub bwa: BwaArgs,
}

/// `svala align`.
#[derive(Debug, Args)]
pub struct AlignArgs {
    /// Indexed reference
    #[arg(long = "ref", value_name = "REF")]
    pub reference: PathBuf,
    #[command(flatten)]
    pub inputs: InputArgs,
    /// BAM file to write, or CRAM if its name ends in .cram; `-` for BAM on standard output
    #[arg(short = 'o', long = "output", visible_alias = "out-bam", value_name = "OUT.bam|OUT.cram")]
    pub output: PathBuf,
    /// Threads [default: all]
    #[arg(short = 't', long, value_parser = thread_count)]
    pub threads: Option<usize>,
    /// Align only the reads of shard I of N, told by a hash of their names; `svala merge` makes one file of all shards
    #[arg(long, value_name = "I/N", conflicts_with = "rmdup")]
    pub shard: Option<ReadShard>,
    /// Order of the records: coordinate, name (digits as numbers), or none for that of the reads
    #[arg(long, value_enum, default_value_t = Sort::Coordinate, value_name = "HOW")]
    pub sort: Sort,
    #[command(flatten)]
    pub sorted: SortedArgs,
    /// Keep the sorted runs of an interrupted run in --tmp-dir, and go on with those that one before has kept there
    #[arg(long)]
    pub resume: bool,
    #[command(flatten)]
    pub quality: QualityArgs,
    /// Say nothing but errors
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Compare only reads with the same barcode (unique molecular identifier) when looking for duplicates: that in this tag, which
    /// --umi-from-name or --umi-structure makes, or BAM has, or which is taken from the reads' comments, as in RX:Z:ACGT
    #[arg(long, value_name = "RX", value_parser = barcode_tag)]
    pub barcode_tag: Option<[u8; 2]>,
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// How a sorted file is made.
#[derive(Debug, Args)]
pub struct SortedArgs {
    /// Memory for sorting and for finding duplicates, in MiB, or with K, M or G [default: a quarter of the machine's, at most 8G]
    #[arg(long = "max-mem", value_name = "SIZE", value_parser = memory::parse)]
    pub max_mem_bytes: Option<usize>,
    /// Folder for the temporary files of sorting [default: the output's, or the working folder for a stream]
    #[arg(long, value_name = "FOLDER")]
    pub tmp_dir: Option<PathBuf>,
    /// Leave duplicates out instead of flagging them
    #[arg(long)]
    pub rmdup: bool,
    /// Don't look for duplicates
    #[arg(long, conflicts_with_all = ["rmdup", "metrics"])]
    pub no_markdup: bool,
    /// Write duplication metrics to this file, as Picard does
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Most pixels in x and in y between optical duplicates: 100, or 2500 for patterned flow cells
    #[arg(long, default_value_t = 100, value_name = "PIXELS")]
    pub optical_distance: u32,
    /// Write no index beside the sorted file
    #[arg(long)]
    pub no_index: bool,
    /// Write an index beside the file; it is the default for one that is sorted by coordinate, and refused for others
    #[arg(long, conflicts_with = "no_index")]
    pub write_index: bool,
    /// Compression of the BAM or CRAM file, 0 (none) to 9
    #[arg(short = 'l', long, default_value_t = svala_io::DEFAULT_COMPRESSION_LEVEL, value_name = "LEVEL",
          value_parser = value_parser!(u8).range(..=9))]
    pub level: u8,
    /// Version of a CRAM file: 3.0 or 3.1 [default: 3.0]
    #[arg(long, value_name = "VERSION", value_parser = cram_version)]
    pub cram_version: Option<CramVersion>,
}

/// The reads of `align`, in one of three ways.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("input").args(["first", "in_fq", "samples"]).required(true))]
pub struct InputArgs {
    /// Reads, FASTQ (plain, gzip, BGZF or Zstandard), BAM or CRAM; `-` for standard input; again for each lane
    #[arg(short = '1', long = "in1", value_name = "R1")]
    pub first: Vec<PathBuf>,
    /// Their mates, as often
    #[arg(short = '2', long = "in2", value_name = "R2", requires = "first", conflicts_with = "interleaved")]
    pub second: Vec<PathBuf>,
    #[command(flatten)]
    pub in_fq: InFq,
    /// Table of the lanes of one sample, separated by tabs, with columns read_group, sample, library, platform, unit, center,
    /// description, fastq_1 and fastq_2; paths count from its folder
    #[arg(long, value_name = "SHEET.tsv", conflicts_with_all = ["read_group", "rg_from_name"])]
    pub samples: Option<PathBuf>,
}

/// `--in-fq`, as often as there are lanes. By hand, since clap's derived code forgets which values stand together.
#[derive(Debug)]
pub struct InFq {
    /// The values of each.
    pub lanes: Vec<Vec<OsString>>,
}

impl FromArgMatches for InFq {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let lanes = matches.get_occurrences::<OsString>("in_fq").into_iter().flatten();
        Ok(Self { lanes: lanes.map(|values| values.cloned().collect()).collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for InFq {
    fn augment_args(command: clap::Command) -> clap::Command {
        let help =
            "Reads of a lane, perhaps their mates, perhaps the lane's read group; may be given for several lanes";
        let argument = Arg::new("in_fq").long("in-fq").action(ArgAction::Append).num_args(1..=3);
        command.arg(argument.value_names(["R1", "R2", "@RG"]).value_parser(value_parser!(OsString)).help(help))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// `svala merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Sorted BAM or CRAM files that `svala align` wrote of parts of a sample, in the order of the parts
    #[arg(value_name = "SHARD", required = true)]
    pub shards: Vec<PathBuf>,
    /// BAM file to write, or CRAM, by its name; `-` for BAM on standard output
    #[arg(short = 'o', long = "output", visible_alias = "out-bam", value_name = "OUT.bam|OUT.cram")]
    pub output: PathBuf,
    /// Indexed reference, which CRAM shards and a CRAM output need
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<PathBuf>,
    /// Threads that compress [default: all]
    #[arg(short = 't', long, value_parser = thread_count)]
    pub threads: Option<usize>,
    #[command(flatten)]
    pub sorted: SortedArgs,
    #[command(flatten)]
    pub quality: QualityArgs,
    /// Say nothing but errors
    #[arg(short = 'q', long)]
    pub quiet: bool,
}

/// How `align` orders records.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Sort {
    /// By contig and position.
    Coordinate,
    /// By read name.
    Name,
    /// As the reads came.
    None,
}

/// What `align` tells of its result.
#[derive(Debug, Args)]
pub struct QualityArgs {
    /// Write statistics beside the result, in the formats of samtools (PREFIX.stats, .flagstat, .coverage), Picard
    /// (.insert_size_metrics, .duplicate_metrics) and MultiQC (.svala_mqc.json), and a report (.html)
    #[arg(long = "qc", value_name = "PREFIX")]
    pub prefix: Option<PathBuf>,
    /// Write a report with plots to this HTML file [default with --qc: PREFIX.html]
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write no record of the run (OUT.bam.svala.json), which has the digests of inputs and output and is for `svala verify`
    #[arg(long)]
    pub no_record: bool,
}

/// What `mem` and `align` share.
#[derive(Debug, Args)]
pub struct MappingArgs {
    /// Read group header line, such as '@RG\tID:1\tSM:sample'
    #[arg(short = 'R', long = "read-group", value_name = "LINE")]
    pub read_group: Option<String>,
    /// Mates follow each other in the one file of reads: neighbours with the same name; others are single reads
    #[arg(short = 'p', long = "interleaved")]
    pub interleaved: bool,
    /// The comments of the reads are optional fields of SAM, between tabs, such as RX:Z:ACGT: write them as tags
    #[arg(short = 'C', long = "comments")]
    pub comments: bool,
    #[command(flatten)]
    pub labels: LabelArgs,
    #[command(flatten)]
    pub records: RecordArgs,
    #[command(flatten)]
    pub scoring: ScoringArgs,
    #[command(flatten)]
    pub insert: InsertArgs,
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
    #[command(flatten)]
    pub engine: EngineArgs,
    /// Reads in a batch; for tests, since it can't change the output
    #[arg(long, hide = true, default_value_t = svala_map::pipeline::DEFAULT_BATCH_READS, value_name = "N")]
    pub batch_reads: usize,
}

/// Where the insert-size model comes from, if not from the reads.
#[derive(Debug, Args)]
pub struct InsertArgs {
    /// Insert sizes of mates that face each other, in bases, instead of learning them [defaults: a tenth of the mean, and four
    /// deviations to both sides]
    #[arg(short = 'I', value_name = "MEAN[,DEVIATION[,MAX[,MIN]]]", conflicts_with = "insert_model")]
    pub insert_sizes: Option<InsertSizes>,
    /// Take the insert-size model from this file of `svala insert-size`, for all shards of a sample
    #[arg(long, value_name = "FILE")]
    pub insert_model: Option<PathBuf>,
}

/// What runs the extension kernels.
#[derive(Debug, Args)]
pub struct EngineArgs {
    /// auto (the CPU, and hardware GPUs beside it), gpu (any, software too), cpu or scalar
    #[arg(long, default_value_t = Backend::Auto, value_name = "WHAT")]
    pub backend: Backend,
    /// GPUs to use: best (and all of its kind), all, or numbers as `svala doctor` shows them, such as 0,1
    #[arg(long, default_value_t = Adapters::Best, value_name = "LIST")]
    pub adapters: Adapters,
    /// Answer one in N of the GPUs' jobs again on the CPU, or none (off); a GPU with a wrong answer is put out of use
    #[arg(long, default_value_t = GpuCheck::default(), value_name = "N|off")]
    pub gpu_check: GpuCheck,
    /// Force a SIMD level; for tests, since it can't change the output
    #[arg(long, hide = true, value_name = "LEVEL")]
    pub simd: Option<SimdLevel>,
}

/// `svala insert-size`.
#[derive(Debug, Args)]
pub struct InsertSizeArgs {
    /// Indexed reference
    #[arg(value_name = "REF")]
    pub reference: PathBuf,
    /// Reads of the whole sample or its first shard, plain, gzip or BGZF; `-` for standard input
    #[arg(value_name = "R1")]
    pub first: PathBuf,
    /// Their mates
    #[arg(value_name = "R2")]
    pub second: PathBuf,
    /// JSON file for `--insert-model` [default: standard output]
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Threads
    #[arg(short = 't', long, default_value_t = 1, value_parser = thread_count)]
    pub threads: usize,
    #[command(flatten)]
    pub engine: EngineArgs,
}

/// `svala verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// BAM or CRAM file that `svala align` or `svala merge` wrote
    #[arg(value_name = "OUT.bam")]
    pub file: PathBuf,
    /// Record of the run [default: OUT.bam.svala.json]
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
}

/// `svala doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Generated jobs for the proof of each backend
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub jobs: u32,
}

/// `svala selftest`.
#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Write the report to this file too: HTML if its name ends in .html, else JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Generated jobs for the proof of each backend
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    pub jobs: u32,
    /// Threads of the runs that have several [default: all]
    #[arg(short = 't', long, value_parser = thread_count)]
    pub threads: Option<usize>,
}

/// `svala demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Threads [default: all]
    #[arg(short = 't', long, value_parser = thread_count)]
    pub threads: Option<usize>,
    /// BAM file to write, CRAM if its name ends in .cram
    #[arg(short = 'o', long = "output", value_name = "OUT.bam", default_value = "demo.bam")]
    pub output: PathBuf,
    #[command(flatten)]
    pub engine: EngineArgs,
}

fn cram_version(text: &str) -> Result<CramVersion, &'static str> {
    match text {
        "3.0" => Ok(CramVersion::V3_0),
        "3.1" => Ok(CramVersion::V3_1),
        _ => Err("expected 3.0 or 3.1"),
    }
}

/// A tag that svala doesn't write itself.
fn barcode_tag(text: &str) -> Result<[u8; 2], String> {
    const OWN: [&str; 11] = ["NM", "MD", "MC", "MQ", "AS", "XS", "RG", "SA", "XA", "PG", "MI"];
    match text.as_bytes() {
        &[first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphanumeric() && !OWN.contains(&text) => {
            Ok([first, second])
        }
        _ => Err("expected a tag such as RX or BX".into()),
    }
}

/// A number of threads that a machine can be asked for.
fn thread_count(text: &str) -> Result<usize, String> {
    const MOST: usize = 1024;
    match text.parse() {
        Ok(threads) if (1..=MOST).contains(&threads) => Ok(threads),
        _ => Err(format!("expected a number from 1 to {MOST}")),
    }
}

/// As [`thread_count`]; like bwa, it takes none for one.
fn bwa_thread_count(text: &str) -> Result<usize, String> {
    if text == "0" { Ok(1) } else { thread_count(text) }
}

/// All hardware threads.
pub fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
