//! Being called as another aligner, so that pipelines which call that one can call svala: by the name of the program (a symbolic
//! link), or by the first word, as in `svala bwa mem`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::parabricks;

/// The program of Parabricks.
const PARABRICKS: &str = "pbrun";

/// What a command line asks for.
#[derive(Debug, Eq, PartialEq)]
pub enum Invocation {
    /// A command of svala, with the program's name as the first word.
    Run(Vec<OsString>),
    /// Its version, on standard output.
    Version,
    /// How it is used, on standard error.
    Usage(String),
}

/// Understands a command line, whose first word is the name of the program.
pub fn understand(mut words: Vec<OsString>) -> Invocation {
    if words.iter().take(2).any(|word| Path::new(word).file_name() == Some(OsStr::new(PARABRICKS))) {
        return understand_parabricks(words);
    }
    let name = words.first().and_then(|word| aligner(Path::new(word).file_name()?));
    let name = name.or_else(|| {
        let name = aligner(words.get(1)?)?;
        words.remove(1);
        Some(name)
    });
    let Some(name) = name else { return Invocation::Run(words) };
    let command = words.get(1).map(|word| word.to_string_lossy().into_owned());
    match command.as_deref() {
        Some("mem") => {}
        Some("map") if name == "minibwa" => words[1] = "mem".into(),
        Some("index") if name == "minibwa" => {}
        Some("index") => words.insert(2, "--companions".into()),
        Some("version" | "--version") => return Invocation::Version,
        None => return Invocation::Usage(usage(name)),
        Some(other) => return Invocation::Usage(format!("{name}: svala has no {other} in its place\n{}", usage(name))),
    }
    words[0] = "svala".into();
    Invocation::Run(words)
}

/// Understands a command line of Parabricks, whose name is the first or the second word.
fn understand_parabricks(words: Vec<OsString>) -> Invocation {
    let is_name = |word: &OsString| Path::new(word).file_name() == Some(OsStr::new(PARABRICKS));
    let mut words = words.into_iter().skip_while(|word| !is_name(word)).skip(1);
    let command = words.next().map(|word| word.to_string_lossy().into_owned());
    match command.as_deref() {
        Some("fq2bam") => {
            let start = ["svala", "align"].map(OsString::from);
            Invocation::Run(start.into_iter().chain(parabricks::align_words(words)).collect())
        }
        Some("version" | "--version") => Invocation::Version,
        _ => Invocation::Usage(format!(
            "{PARABRICKS}: svala stands in for {PARABRICKS} fq2bam alone, with no recalibration\n"
        )),
    }
}

/// The aligner that a word names. The variants for instruction sets and kinds of index, such as bwa-mem2.avx2, are the same.
fn aligner(word: &OsStr) -> Option<&'static str> {
    let word = word.to_str()?;
    let is_variant =
        |name: &&str| word.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']));
    ["bwa", "bwa-mem2", "bwa-meme", "bwa-plus", "minibwa"].into_iter().find(is_variant)
}

/// What bwa says without a command, with the lines by which pipelines find the version.
fn usage(name: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mapping = if name == "minibwa" { "map" } else { "mem" };
    format!(
        "\nProgram: {name} (svala in its place)\nVersion: {version}\nContact: see svala --help\n\n\
         Usage:   {name} <command> [options]\n\n\
         Command: index         index a reference, for svala\n         \
         {mapping}           align reads\n         \
         version       print the version\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(line: &str) -> Invocation {
        understand(line.split(' ').map(OsString::from).collect())
    }

    fn run(line: &str) -> Invocation {
        Invocation::Run(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn names_are_told_from_programs_and_first_words() {
        for before in [
            "bwa",
            "/usr/bin/bwa-mem2",
            "svala bwa",
            "svala bwa-mem2",
            "./bwa-mem2.avx512bw",
            "bwa-meme_mode3",
            "bwa-plus",
        ] {
            assert_eq!(understood(&format!("{before} mem -t 2 ref r1")), run("svala mem -t 2 ref r1"), "{before}");
            assert_eq!(understood(&format!("{before} index ref")), run("svala index --companions ref"), "{before}");
            assert_eq!(understood(&format!("{before} version")), Invocation::Version, "{before}");
        }
        assert_eq!(understood("minibwa map ref r1"), run("svala mem ref r1"));
        assert_eq!(understood("minibwa index ref prefix"), run("svala index ref prefix"));
        for own in ["svala mem bwa r1", "svala", "/x/svala index bwa", "bwape mem", "svala bwasw"] {
            assert_eq!(understood(own), run(own));
        }
    }

    #[test]
    fn parabricks_is_told_too() {
        for before in ["pbrun", "/usr/bin/pbrun", "svala pbrun"] {
            let line = format!("{before} fq2bam --ref r.fa --in-se-fq 1.fq --out-bam o.bam");
            assert_eq!(understood(&line), run("svala align --ref r.fa --in-fq 1.fq --out-bam o.bam"), "{before}");
            assert_eq!(understood(&format!("{before} version")), Invocation::Version, "{before}");
            assert!(matches!(understood(&format!("{before} deepvariant")), Invocation::Usage(_)), "{before}");
        }
        assert_eq!(understood("svala mem pbrun r1"), run("svala mem pbrun r1"));
    }

    #[test]
    fn usage_has_the_version_where_pipelines_look() {
        for line in ["bwa", "bwa aln ref reads", "svala bwa-mem2"] {
            let Invocation::Usage(text) = understood(line) else { panic!("{line}") };
            let version = text.split("Version: ").nth(1).and_then(|rest| rest.split_once("Contact:")).unwrap().0.trim();
            assert!(version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok()));
        }
    }
}
