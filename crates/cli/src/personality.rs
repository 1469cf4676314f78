//! Being called as another aligner, so that pipelines which call that one can call svala: by the name of the program (a symbolic
//! link), or by the first word, as in `svala bwa mem`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

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

/// The aligner that a word names. The variants for instruction sets and kinds of index, such as bwa-mem2.avx2, are the same.
fn aligner(word: &OsStr) -> Option<&'static str> {
    let word = word.to_str()?;
    let is_variant =
        |name: &&str| word.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']));
    ["bwa", "bwa-mem2", "bwa-meme", "minibwa"].into_iter().find(is_variant)
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
        for before in
            ["bwa", "/usr/bin/bwa-mem2", "svala bwa", "svala bwa-mem2", "./bwa-mem2.avx512bw", "bwa-meme_mode3"]
        {
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
    fn usage_has_the_version_where_pipelines_look() {
        for line in ["bwa", "bwa aln ref reads", "svala bwa-mem2"] {
            let Invocation::Usage(text) = understood(line) else { panic!("{line}") };
            let version = text.split("Version: ").nth(1).and_then(|rest| rest.split_once("Contact:")).unwrap().0.trim();
            assert!(version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok()));
        }
    }
}
