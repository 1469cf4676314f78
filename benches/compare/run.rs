//! A comparison from its arguments to its report: select, prepare, judge, time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::aligner::{self, Aligner, Reads};
use crate::aligners::{self, SVALA};
use crate::args::Args;
use crate::cache::Cache;
use crate::error::Error;
use crate::machine::Machine;
use crate::measure;
use crate::report::{Entry, Report};
use crate::sorted::{self, Timed};

/// An aligner and its executable.
struct Contender {
    aligner: Box<dyn Aligner>,
    program: PathBuf,
}

/// An aligner that is ready to map, and what it has shown so far.
struct Prepared {
    program: PathBuf,
    arguments: Vec<OsString>,
    /// What the rounds run, if not the same.
    timed: Option<Timed>,
    cache: Cache,
    entry: Entry,
}

/// Runs a comparison of `args.reads` on `reference`.
///
/// # Errors
///
/// There is nothing to compare, a file can't be read or written, or an aligner fails.
pub fn compare(args: &Args, reference: &Path) -> Result<Report, Error> {
    let contenders = select(args)?;
    let reads = Reads::count(&args.reads)?;
    let mut prepared = Vec::new();
    for contender in contenders {
        let is_svala = contender.aligner.name() == SVALA;
        let ready = prepare(contender, args, reference, &reads)?;
        let alone = (args.sorted && is_svala).then(|| mapping_alone(&ready));
        prepared.push(ready);
        prepared.extend(alone);
    }
    for ready in &mut prepared {
        judge(ready, args)?;
    }
    for round in 1..=args.rounds {
        for ready in &mut prepared {
            time(ready, round, args.rounds)?;
        }
    }
    Ok(Report {
        machine: Machine::this(),
        reference: file_name(reference),
        read_files: args.reads.iter().map(|path| file_name(path)).collect(),
        reads: reads.count,
        read_bp: reads.length_bp,
        threads: args.threads,
        with_truth: args.truth.is_some(),
        entries: prepared.into_iter().map(|ready| ready.entry).collect(),
    })
}

/// svala and all that are on PATH, or those of `--only`, which must be there.
fn select(args: &Args) -> Result<Vec<Contender>, Error> {
    let mut known = aligners::all();
    let names = |known: &[Box<dyn Aligner>]| known.iter().map(|aligner| aligner.name()).collect::<Vec<_>>().join(", ");
    if args.only.is_empty() {
        let peers = names(&known[1..]);
        let found: Vec<Contender> = known
            .into_iter()
            .filter_map(|aligner| executable(aligner.as_ref(), args).map(|program| Contender { aligner, program }))
            .collect();
        return if found.len() > 1 { Ok(found) } else { Err(Error::NoPeer { known: peers }) };
    }
    let all = names(&known);
    let asked_before = |&(i, name): &(usize, &String)| args.only[..i].contains(name);
    let wanted = args.only.iter().enumerate().filter(|asked| !asked_before(asked)).map(|(_, name)| {
        let position = known.iter().position(|aligner| aligner.name() == name);
        let position = position.ok_or_else(|| Error::Unknown { name: name.clone(), known: all.clone() })?;
        let aligner = known.remove(position);
        let program = executable(aligner.as_ref(), args)
            .ok_or_else(|| Error::NotFound { name: name.clone(), program: aligner.program().to_owned() })?;
        Ok(Contender { aligner, program })
    });
    wanted.collect()
}

/// svala is the one that cargo built with this bench, unless told otherwise; the others are looked for.
fn executable(aligner: &dyn Aligner, args: &Args) -> Option<PathBuf> {
    if aligner.name() == SVALA {
        return Some(args.svala.clone().unwrap_or_else(|| env!("CARGO_BIN_EXE_svala").into()));
    }
    aligner::on_path(aligner.program())
}

/// Asks for the version, sees to the index and makes up the command.
fn prepare(contender: Contender, args: &Args, reference: &Path, reads: &Reads) -> Result<Prepared, Error> {
    let Contender { aligner, program } = contender;
    let name = aligner.name().to_owned();
    let cache = Cache::open(&args.cache, aligner.as_ref(), reference, reads)?;
    let builder = if aligner.index_program() == aligner.program() {
        program.clone()
    } else {
        aligner::on_path(aligner.index_program())
            .ok_or_else(|| Error::NotFound { name: name.clone(), program: aligner.index_program().to_owned() })?
    };
    let place = cache.index(aligner.as_ref(), &builder, reference, reads, args.threads)?;
    let arguments = aligner.map_arguments(&place, reads, args.threads);
    let version = aligner::version(aligner.as_ref(), &program);
    let folder = cache.folder();
    let timed = args.sorted.then(|| sorted::command(aligner.as_ref(), &program, &place, reads, args.threads, folder));
    let mapping = || aligner::shown(aligner.program(), &arguments);
    let command = timed.as_ref().map_or_else(mapping, |timed| timed.shown.clone());
    let entry = Entry { name, version, command, rounds: Vec::new(), tally: Default::default() };
    Ok(Prepared { program, arguments, timed, cache, entry })
}

/// svala without sorting, for what that costs.
fn mapping_alone(svala: &Prepared) -> Prepared {
    let Prepared { program, arguments, cache, entry, .. } = svala;
    let command = aligner::shown(SVALA, arguments);
    let entry = Entry { name: format!("{SVALA} mem"), command, ..entry.clone() };
    let (program, arguments) = (program.clone(), arguments.clone());
    Prepared { program, arguments, timed: None, cache: cache.clone(), entry }
}

/// A pass that isn't timed: it judges the output, and it brings index and reads into the page cache for the rounds.
fn judge(ready: &mut Prepared, args: &Args) -> Result<(), Error> {
    let entry = &mut ready.entry;
    eprintln!("compare: judging {} {}", entry.name, entry.version);
    let log = ready.cache.log("judge");
    entry.tally = measure::judge(&entry.name, &ready.program, &ready.arguments, &log, args.truth.is_some())?;
    Ok(())
}

fn time(ready: &mut Prepared, round: u32, rounds: u32) -> Result<(), Error> {
    let entry = &mut ready.entry;
    let mapping = (&ready.program, &ready.arguments);
    let (program, arguments) = ready.timed.as_ref().map_or(mapping, |timed| (&timed.program, &timed.arguments));
    let usage = measure::time(&entry.name, program, arguments, &ready.cache.log("time"))?;
    let (wall_s, cpu_s) = (usage.wall_s, usage.cpu_s);
    eprintln!("compare: round {round} of {rounds}: {}: {cpu_s:.2} s of CPU in {wall_s:.2} s", entry.name);
    entry.rounds.push(usage);
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
