//! The `@PG` line: what decides the records and nothing else. No folders, threads, devices or names of reads and outputs, nor read
//! groups, which have lines of their own. So parts of a sample, and runs anywhere, have the same line, and a merge of shards the
//! line of one run over all reads. A shard of `--shard` says which it is, so that a merge can tell whether it has all.

use svala_io::{Program, ReadShard};
use svala_map::sort::DuplicateAction;

const SHARD: &str = " --shard ";
const REMOVE: &str = " --rmdup";
const IGNORE: &str = " --no-markdup";
const BARCODE: &str = " --barcode-tag ";

/// A canonical command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandLine {
    /// `mem`, `align` or `demo`.
    pub command: String,
    /// Which part of the reads was aligned, if not all.
    pub shard: Option<ReadShard>,
    /// What is done about duplicates; marking them has no word, nor has not sorting.
    pub duplicates: DuplicateAction,
    /// The tag of barcodes.
    pub barcode_tag: Option<[u8; 2]>,
    /// All other words.
    pub rest: String,
}

impl CommandLine {
    /// The `@PG` line of this version.
    pub fn to_program(&self) -> Program {
        let (id, version) = ("svala", env!("CARGO_PKG_VERSION"));
        Program { id: id.into(), name: id.into(), version: version.into(), command_line: self.to_text() }
    }

    fn to_text(&self) -> String {
        let duplicates = match self.duplicates {
            DuplicateAction::Mark => "",
            DuplicateAction::Remove => REMOVE,
            DuplicateAction::Ignore => IGNORE,
        };
        let shard = self.shard.map_or_else(String::new, |shard| format!("{SHARD}{shard}"));
        let barcode = self.barcode_tag.map_or_else(String::new, |tag| format!("{BARCODE}{}", tag.escape_ascii()));
        format!("svala {}{shard}{duplicates}{barcode} {}", self.command, self.rest)
    }

    /// What a line of a sorting `svala align` says; none if the line is another's.
    pub fn of_align(program: &Program) -> Option<Self> {
        let (id, command) = ("svala", "align");
        let line = program.command_line.strip_prefix(&format!("{id} {command}")).filter(|_| program.name == id)?;
        let (shard, line) = match line.strip_prefix(SHARD) {
            Some(line) => {
                let (shard, _) = line.split_once(' ')?;
                (Some(shard.parse().ok()?), &line[shard.len()..])
            }
            None => (None, line),
        };
        let (duplicates, line) = match (line.strip_prefix(REMOVE), line.strip_prefix(IGNORE)) {
            (Some(rest), _) => (DuplicateAction::Remove, rest),
            (_, Some(rest)) => (DuplicateAction::Ignore, rest),
            _ => (DuplicateAction::Mark, line),
        };
        let tagged = line.strip_prefix(BARCODE).and_then(|rest| rest.as_bytes().first_chunk::<2>());
        let line = if tagged.is_some() { line.get(BARCODE.len() + 2..)? } else { line };
        let rest = line.strip_prefix(' ')?.to_owned();
        Some(Self { command: command.into(), shard, duplicates, barcode_tag: tagged.copied(), rest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back_as_they_were_written() {
        for duplicates in [DuplicateAction::Mark, DuplicateAction::Remove, DuplicateAction::Ignore] {
            for barcode_tag in [None, Some(*b"RX")] {
                for rest in ["ref.fa", "-Y --rmdup --barcode-tag.fa"] {
                    for shard in [None, ReadShard::new(2, 6)] {
                        let (command, rest) = ("align".into(), rest.into());
                        let line = CommandLine { command, shard, duplicates, barcode_tag, rest };
                        assert_eq!(CommandLine::of_align(&line.to_program()), Some(line));
                    }
                }
            }
        }
        let program = |command_line: &str| Program {
            id: "svala".into(),
            name: "svala".into(),
            version: "1".into(),
            command_line: command_line.into(),
        };
        let foreign = ["", "svala mem ref.fa", "svala align", "svala align --rmdup", "bwa mem"];
        for other in foreign.into_iter().chain(["svala align --shard 3/2 ref.fa", "svala align --shard 1/2"]) {
            assert_eq!(CommandLine::of_align(&program(other)), None, "{other}");
        }
    }
}
