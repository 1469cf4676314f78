//! The command line of Parabricks' `pbrun fq2bam`, as a command line of `svala align`.

use std::ffi::{OsStr, OsString};

/// Options that have a name here.
const RENAMED: [(&str, &str); 2] = [("--in-se-fq", "--in-fq"), ("--out-duplicate-metrics", "--metrics")];
/// Options that change nothing here, with and without a value.
const VALUES_WITHOUT_MEANING: [&str; 5] =
    ["--num-gpus", "--bwa-nstreams", "--bwa-cpu-thread-pool", "--memory-limit", "--logfile"];
const FLAGS_WITHOUT_MEANING: [&str; 5] = ["--low-memory", "--gpuwrite", "--gpusort", "--fix-mate", "--x3"];
/// What tells read groups by the names of reads.
const GROUP_OPTION: &str = "--read-group-sm";

/// The words behind `svala align` for those behind `pbrun fq2bam`. What is not known is left as it is, for `align` to refuse.
pub fn align_words(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words = words.flat_map(split_value);
    let mut out: Vec<OsString> = Vec::new();
    while let Some(word) = words.next() {
        let is = |name: &&str| word.as_os_str() == OsStr::new(*name);
        if VALUES_WITHOUT_MEANING.iter().any(&is) {
            words.next();
        } else if word == "--bwa-options" {
            out.extend(bwa_words(&words.next().unwrap_or_default().to_string_lossy()));
        } else if let Some((_, own)) = RENAMED.iter().find(|(name, _)| is(name)) {
            out.push(own.into());
        } else if !FLAGS_WITHOUT_MEANING.iter().any(is) {
            out.extend((word == GROUP_OPTION).then(|| "--rg-from-name".into()));
            out.push(word);
        }
    }
    out
}

/// An option and its value, if a word holds both.
fn split_value(word: OsString) -> Vec<OsString> {
    match word.to_str().and_then(|text| text.split_once('=')) {
        Some((name, value)) if name.starts_with("--") => vec![name.into(), value.into()],
        _ => vec![word],
    }
}

/// The options of `bwa mem` in the value of `--bwa-options`, but for that of batches.
fn bwa_words(options: &str) -> Vec<OsString> {
    let mut words = options.split_whitespace();
    let mut out = Vec::new();
    while let Some(word) = words.next() {
        if word == "-K" {
            words.next();
        } else if !word.starts_with("-K") {
            out.push(word.into());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &[&str]) -> String {
        let words = align_words(line.iter().map(OsString::from));
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn options_are_renamed_dropped_and_unpacked() {
        let line = [
            "--ref",
            "r.fa",
            "--in-fq",
            "1.fq",
            "2.fq",
            "--num-gpus",
            "2",
            "--low-memory",
            "--read-group-sm",
            "s",
            "--bwa-options=-K 100000000 -Y -B 3",
            "--out-duplicate-metrics",
            "m.txt",
            "--out-bam",
            "o.bam",
        ];
        let expected =
            "--ref r.fa --in-fq 1.fq 2.fq --rg-from-name --read-group-sm s -Y -B 3 --metrics m.txt --out-bam o.bam";
        assert_eq!(translated(&line), expected);
        assert_eq!(translated(&["--in-se-fq", "1.fq", "--num-gpus=1", "--bwa-options", "-K10 -M"]), "--in-fq 1.fq -M");
        assert_eq!(translated(&["--knownSites", "k.vcf", "--num-gpus"]), "--knownSites k.vcf");
    }
}
