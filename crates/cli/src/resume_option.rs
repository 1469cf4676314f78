//! `--resume`: what makes a run the same as an interrupted one.

use svala_io::{Header, is_stream};
use svala_map::options::MapOptions;
use svala_map::pipeline::Run;
use svala_map::read_groups::ReadGroups;
use svala_map::sort::{ResumeOptions, SortOptions, resume_folder};

use crate::align::Job;
use crate::args::{AlignArgs, Sort};
use crate::error::{Error, Result};

/// Refuses `--resume` where there is nothing to be kept.
pub fn check(args: &AlignArgs) -> Result<()> {
    let option = "--resume";
    if args.resume && args.sort == Sort::None {
        return Err(Error::Option { option, why: "only a sorted file is made of runs that can be kept" });
    }
    if args.resume && is_stream(&args.output) {
        return Err(Error::Option { option, why: "expected an output file, by whose name kept runs are found" });
    }
    Ok(())
}

/// What the sort of a job may use, if there is to be one.
pub fn sort_options(job: &Job<'_>, run: &Run<'_>, header: &Header) -> Result<Option<SortOptions>> {
    let mut sort = job.sort.clone();
    if let (Some(sort), Some(output)) = (sort.as_mut().filter(|_| job.resume), job.destination.file()) {
        let folder = resume_folder(&sort.folder, output)?;
        sort.resume = Some(ResumeOptions { folder, identity: identity(job, sort, run, header)? });
    }
    Ok(sort)
}

/// All that records and their batches depend on, but for the reads themselves: those are compared as they are read again. The names
/// of the files of reads may be others.
fn identity(job: &Job<'_>, sort: &SortOptions, run: &Run<'_>, header: &Header) -> Result<Vec<(&'static str, String)>> {
    // Read groups are in the header.
    let options = MapOptions { read_groups: ReadGroups::default(), ..run.options.clone() };
    let size = |path: &std::path::Path| path.metadata().ok().filter(|file| file.is_file()).map(|file| file.len());
    let sizes: Vec<_> = job.inputs.files().map(size).collect();
    Ok(vec![
        ("version of svala", env!("CARGO_PKG_VERSION").into()),
        ("index", format!("{:016x}", run.index.fingerprint())),
        ("header", header.digest()?.hex()),
        ("options", format!("{options:?} {:?} {:?} {}", job.reading, sort.duplicates, job.batch_reads)),
        ("insert sizes", format!("{:?}", run.insert_model)),
        ("sizes of the files of reads", format!("{sizes:?}")),
    ])
}
