//! `svala demo`: the whole path on real human reads that are part of the program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svala_io::{Destination, Format, HeaderLines, ReadGroup, RecordOrder, WriterOptions};
use svala_map::index::{BuildOptions, build, index_path};
use svala_map::meter::IndexMeter;
use svala_map::options::MapOptions;
use svala_map::pipeline::DEFAULT_BATCH_READS;

use crate::align::{Job, execute, share};
use crate::args::{DemoArgs, all_threads};
use crate::companions::CompanionPlan;
use crate::error::{Error, Result};
use crate::inputs::{Inputs, Lane, Reading};
use crate::insert_option::InsertSource;

const REFERENCE: (&str, &[u8]) =
    ("hg19_chrM_chrY-trunc.fa.gz", include_bytes!("../../../tests/data/hg19_chrM_chrY-trunc.fa.gz"));
const FIRST: (&str, &[u8]) =
    ("NA12878_chrM.R1.fastq.gz", include_bytes!("../../../tests/data/NA12878_chrM.R1.fastq.gz"));
const SECOND: (&str, &[u8]) =
    ("NA12878_chrM.R2.fastq.gz", include_bytes!("../../../tests/data/NA12878_chrM.R2.fastq.gz"));

/// Unpacks the data into a temporary folder, indexes, aligns and reports.
pub fn run(args: &DemoArgs) -> Result<()> {
    let folder = tempfile::tempdir().map_err(|source| Error::File { path: std::env::temp_dir(), source })?;
    let threads = args.threads.unwrap_or_else(all_threads).max(1);
    let [reference, first, second] = [REFERENCE, FIRST, SECOND].map(|(name, bytes)| unpack(folder.path(), name, bytes));
    let (reference, first, second) = (reference?, first?, second?);
    let building = BuildOptions { threads, meter: &IndexMeter::default(), position_bits: None };
    let index = build(&reference, &index_path(&reference), &building)?;
    let read_group = ReadGroup::parse("@RG\tID:demo\tSM:NA12878\tPL:ILLUMINA")?;
    let outcome = execute(&Job {
        command: "demo",
        reference: &reference,
        inputs: Inputs::new(vec![Lane { first, second: Some(second), read_group: Some(read_group) }])?,
        destination: Destination::File(args.output.clone()),
        format: Format::Bam,
        cram: false,
        order: RecordOrder::Input,
        sort: None,
        companions: CompanionPlan::default(),
        meter: Arc::default(),
        alternates: false,
        lines: HeaderLines::default(),
        quiet: false,
        writer: WriterOptions::default(),
        threads,
        options: MapOptions::default(),
        reading: Reading::default(),
        insert: InsertSource::Reads,
        shard: None,
        engine: &args.engine,
        batch_reads: DEFAULT_BATCH_READS,
    })?;
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
        index.contigs,
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

fn unpack(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(path)
}
