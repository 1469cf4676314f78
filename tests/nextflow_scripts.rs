//! The scripts of the Nextflow modules, run by bash with values put in: they make the outputs that they declare, and lanes in shards, merged,
//! are one run. What Nextflow itself does with them is not tested here.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use common::{READS, REFERENCE, bytes, conclude, data, fastq_records, has_program, svala_ok, text, trial_if};

/// A process of `workflows/nextflow/modules/svala`.
struct Module {
    source: String,
}

/// What stands for Groovy's expressions.
type Values<'a> = HashMap<&'a str, String>;

impl Module {
    fn read(name: &str) -> Self {
        let path = format!("workflows/nextflow/modules/svala/{name}/main.nf");
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a module");
        Self { source }
    }

    /// The text of a section, from its label to the next's.
    fn section(&self, label: &str, next: &str) -> &str {
        let (_, text) = self.source.split_once(&format!("\n    {label}:\n")).expect("the section");
        text.split_once(next).map_or(text, |(text, _)| text)
    }

    /// The command of a section, between its triple quotes.
    fn command(&self, section: &str, values: &Values<'_>) -> String {
        let text = self.section(section, "\n    stub:\n");
        let command = text.split("\"\"\"").nth(1).expect("a command");
        with_values(&command.replace("\\\\", "\\"), values)
    }

    /// Patterns of outputs that must be there.
    fn outputs(&self, values: &Values<'_>) -> Vec<String> {
        let lines = self.section("output", "\n    when:\n").lines();
        let required = lines.filter(|line| !line.contains("optional: true"));
        let patterns = required.filter_map(|line| line.split_once("path(\"")?.1.split_once("\")"));
        patterns.map(|(pattern, _)| with_values(pattern, values)).collect()
    }

    /// Runs a section in a new folder with these files, and checks that the outputs are there.
    fn run(&self, section: &str, files: &[&Path], values: &Values<'_>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for file in files {
            let name = file.file_name().expect("a file");
            std::fs::copy(file, folder.path().join(name)).expect("a copy");
        }
        bash(folder.path(), &self.command(section, values));
        let outputs = self.outputs(values);
        assert!(!outputs.is_empty());
        for pattern in outputs {
            let is_there = format!("shopt -s nullglob; for f in {pattern}; do [ ! -e $f ] || exit 0; done; exit 1");
            bash(folder.path(), &is_there);
        }
        folder
    }

    /// The version that it reports.
    fn version(&self) -> String {
        let (_, rest) = self.source.split_once("eval(\"").expect("a version");
        let (command, _) = rest.split_once("\")").expect("the end of it");
        bash(Path::new("."), command)
    }
}

fn with_values(text: &str, values: &Values<'_>) -> String {
    let mut parts = text.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once('}').expect("a closed expression");
        filled += values.get(expression).unwrap_or_else(|| panic!("no value for {expression}"));
        filled += rest;
    }
    filled
}

/// Runs a command as Nextflow does, with svala in the path, and returns what it prints.
fn bash(folder: &Path, command: &str) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_svala")).parent().expect("a folder");
    let path = format!("{}:{}", text(programs), std::env::var("PATH").unwrap_or_default());
    let mut bash = Command::new("bash");
    let bash = bash.args(["-euo", "pipefail", "-c", command]).env("PATH", path).current_dir(folder);
    let output = bash.output().expect("bash starts");
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

fn values<'a>(pairs: &[(&'a str, &str)]) -> Values<'a> {
    [("args", ""), ("task.cpus", "2")].iter().chain(pairs).map(|&(name, value)| (name, value.to_owned())).collect()
}

/// Values for a shard of a lane, as `main.nf` makes them.
fn align_values(lane: &str, mates: &[PathBuf], shard: &str) -> Values<'static> {
    let file = |path: &Path| path.file_name().expect("a file").to_string_lossy().into_owned();
    let mut values = values(&[("index.baseName", REFERENCE), ("format", "bam")]);
    values.insert("args", format!(r"-R '@RG\tID:{lane}\tSM:s'"));
    values.insert("mates", format!("-1 {} -2 {}", file(&mates[0]), file(&mates[1])));
    values.insert("part", format!("--shard {shard}"));
    values.insert("prefix", format!("s.{lane}.{}", shard.replace('/', "-of-")));
    values
}

fn lanes_in_shards_are_one_run() {
    let [index, align, merge] = ["index", "align", "merge"].map(Module::read);
    let inputs = tempfile::tempdir().expect("a temporary folder");
    let lanes: Vec<Vec<PathBuf>> = (0..2)
        .map(|lane| {
            let write = |mate: usize| {
                let reads = fastq_records(&data(READS[mate]));
                let path = inputs.path().join(format!("lane{lane}.{mate}.fq"));
                std::fs::write(&path, reads[reads.len() * lane / 2..reads.len() * (lane + 1) / 2].concat())
                    .expect("a temporary file");
                path
            };
            (0..2).map(write).collect()
        })
        .collect();
    let indexed = index.run("script", &[&data(REFERENCE)], &values(&[("fasta", REFERENCE)]));
    let reference = indexed.path().join(format!("{REFERENCE}.svala"));
    let mut shards: Vec<PathBuf> = Vec::new();
    let mut folders = Vec::new();
    for (lane, mates) in lanes.iter().enumerate() {
        for shard in ["1/2", "2/2"] {
            let values = align_values(&format!("L{lane}"), mates, shard);
            let folder = align.run("script", &[&mates[0], &mates[1], &reference], &values);
            shards.push(folder.path().join(format!("{}.bam", values["prefix"])));
            folders.push(folder);
        }
    }
    let names: Vec<&str> =
        shards.iter().map(|path| path.file_name().expect("a file").to_str().expect("text")).collect();
    assert!(names.is_sorted());
    let files: Vec<&Path> = shards.iter().map(PathBuf::as_path).collect();
    let merged = merge.run("script", &files, &values(&[("prefix", "s"), ("shards", &names.join(" "))]));
    let whole = inputs.path().join("whole.bam");
    let lane = |lane: usize| {
        let mut words = vec!["--in-fq".to_owned()];
        words.extend(lanes[lane].iter().map(|path| text(path).to_owned()));
        words.push(format!(r"@RG\tID:L{lane}\tSM:s"));
        words
    };
    let lanes = [lane(0), lane(1)].concat();
    let base = indexed.path().join(REFERENCE);
    let mut arguments = vec!["align", "--ref", text(&base), "-o", text(&whole)];
    arguments.extend(lanes.iter().map(String::as_str));
    svala_ok(&arguments);
    for suffix in ["bam", "bam.bai"] {
        assert!(bytes(&merged.path().join(format!("s.{suffix}"))) == bytes(&whole.with_extension(suffix)), "{suffix}");
    }
}

fn stubs_make_what_is_declared() {
    let cases = [
        ("index", values(&[("fasta", "x.fa")])),
        ("align", values(&[("prefix", "s"), ("format", "cram")])),
        ("merge", values(&[("prefix", "s")])),
    ];
    for (name, values) in cases {
        let module = Module::read(name);
        module.run("stub", &[], &values);
        assert_eq!(module.version(), env!("CARGO_PKG_VERSION"));
    }
}

fn main() -> ExitCode {
    let with_bash = |name, body: fn()| trial_if(name, has_program("bash"), "no bash here", "SVALA_REQUIRE_TOOLS", body);
    conclude(vec![
        with_bash("lanes in shards are one run", lanes_in_shards_are_one_run),
        with_bash("stubs make what is declared", stubs_make_what_is_declared),
    ])
}
