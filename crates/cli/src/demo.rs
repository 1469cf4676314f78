//! `svala demo`: the whole path on real human reads that are part of the program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svala_io::{Destination, Format, HeaderLines, ReadGroup, RecordOrder, WriterOptions};
use svala_map::index::{BuildOptions, BuildReport, build, index_path};
use svala_map::meter::IndexMeter;
use svala_map::options::MapOptions;
use svala_map::pipeline::DEFAULT_BATCH_READS;
use svala_map::sort::{DuplicateAction, DuplicateOptions, SortOptions, Watch};

use crate::align::{Job, execute, is_cram};
use crate::args::{DemoArgs, EngineArgs, all_threads};
use crate::companions::CompanionPlan;
use crate::error::{Error, Result};
use crate::inputs::{Inputs, Lane, Reading};
use crate::insert_option::InsertSource;
use crate::run_facts::{RunFacts, share};

const REFERENCE: (&str, &[u8]) =
    ("hg19_chrM_chrY-trunc.fa.gz", include_bytes!("../../../tests/data/hg19_chrM_chrY-trunc.fa.gz"));
const FIRST: (&str, &[u8]) =
    ("NA12878_chrM.R1.fastq.gz", include_bytes!("../../../tests/data/NA12878_chrM.R1.fastq.gz"));
const SECOND: (&str, &[u8]) =
    ("NA12878_chrM.R2.fastq.gz", include_bytes!("../../../tests/data/NA12878_chrM.R2.fastq.gz"));

/// Memory for sorting, in bytes.
const SORT_BYTES: usize = 64 << 20;

/// The data, unpacked and indexed.
pub struct Demo {
    /// The reference.
    pub reference: PathBuf,
    /// Its index.
    pub index: BuildReport,
    /// First and last mates.
    pub reads: [PathBuf; 2],
}

/// How it is aligned.
pub struct DemoRun<'a> {
    /// Where to, as BAM or, by its name, as CRAM.
    pub output: &'a Path,
    /// Whether it is sorted, with duplicates marked and an index.
    pub sorted: bool,
    /// Mapping threads.
    pub threads: usize,
    /// What runs the kernels.
    pub engine: &'a EngineArgs,
    /// Whether nothing is said.
    pub quiet: bool,
}

/// Unpacks the data into a temporary folder, indexes, aligns and reports.
pub fn run(args: &DemoArgs) -> Result<()> {
    let folder = tempfile::tempdir().map_err(|source| Error::File { path: std::env::temp_dir(), source })?;
    let threads = args.threads.unwrap_or_else(all_threads).max(1);
    let demo = Demo::unpack(folder.path(), threads)?;
    let run = DemoRun { output: &args.output, sorted: false, threads, engine: &args.engine, quiet: false };
    let (index, outcome) = (&demo.index, demo.align(&run)?);
    let s = &outcome.summary;
    let text = format!(
        "reference        hg19 chrM and the start of chrY: {} contigs, {} bases\n\
         reads            {} (NA12878 exome, 2 x 100 bp)\n\
         mapped           {} ({:.2} %)\n\
         properly paired  {} ({:.2} %)\n\
         MAPQ >= 30       {} ({:.2} %)\n\
         reads per second {:.0} on {threads} threads\n\
         backend          {}\n\
         written          {}\n",
        index.contigs.len(),
        index.bases,
        s.reads,
        s.mapped,
        share(s.mapped, s.reads),
        s.properly_paired,
        share(s.properly_paired, s.reads),
        s.confident,
        share(s.confident, s.reads),
        s.reads as f64 / outcome.elapsed.as_secs_f64().max(1e-9),
        outcome.backend,
        args.output.display(),
    );
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::Output)
}

impl Demo {
    /// Unpacks the data into a folder and indexes the reference.
    pub fn unpack(folder: &Path, threads: usize) -> Result<Self> {
        let [reference, first, second] = [REFERENCE, FIRST, SECOND].map(|(name, bytes)| unpack(folder, name, bytes));
        let (reference, reads) = (reference?, [first?, second?]);
        let building = BuildOptions { threads, meter: &IndexMeter::default(), position_bits: None };
        let index = build(&reference, &index_path(&reference), &building)?;
        Ok(Self { reference, index, reads })
    }

    /// Aligns the reads.
    pub fn align(&self, run: &DemoRun<'_>) -> Result<RunFacts> {
        let read_group = ReadGroup::parse("@RG\tID:demo\tSM:NA12878\tPL:ILLUMINA")?;
        let [first, second] = self.reads.clone();
        let companions = CompanionPlan { sorted: run.sorted, ..CompanionPlan::default() };
        let sort = run.sorted.then(|| SortOptions {
            max_memory_bytes: SORT_BYTES,
            folder: run.output.parent().map(Path::to_owned).unwrap_or_default(),
            threads: run.threads,
            duplicates: DuplicateOptions { action: DuplicateAction::Mark, optical_distance: 100 },
            watch: Watch { observe: companions.observe(), depth: true, meter: Arc::default() },
            resume: None,
        });
        execute(&Job {
            command: "demo",
            reference: &self.reference,
            inputs: Inputs::new(vec![Lane { first, second: Some(second), read_group: Some(read_group) }])?,
            destination: Destination::File(run.output.to_owned()),
            format: Format::Bam,
            cram: is_cram(run.output),
            order: if run.sorted { RecordOrder::Coordinate } else { RecordOrder::Input },
            sort,
            resume: false,
            companions,
            meter: Arc::default(),
            alternates: false,
            lines: HeaderLines::default(),
            quiet: run.quiet,
            writer: WriterOptions { index: run.sorted, ..WriterOptions::default() },
            threads: run.threads,
            options: MapOptions::default(),
            reading: Reading::default(),
            insert: InsertSource::Reads,
            other_inputs: Vec::new(),
            shard: None,
            engine: run.engine,
            batch_reads: DEFAULT_BATCH_READS,
        })
    }
}

fn unpack(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(path)
}
