//! The `@PG` line: what decides the records and nothing else. No folders, threads, devices or names of reads and outputs, nor read
//! groups, which have lines of their own. So shards of a sample, and runs anywhere, have the same line, and a merge of shards the
//! line of one run over all reads.

use svala_io::Program;
use svala_map::sort::DuplicateAction;

const REMOVE: &str = " --rmdup";
const IGNORE: &str = " --no-markdup";
const BARCODE: &str = " --barcode-tag ";

/// A canonical command line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandLine {
    /// `mem`, `align` or `demo`.
    pub command: String,
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
        let barcode = self.barcode_tag.map_or_else(String::new, |tag| format!("{BARCODE}{}", tag.escape_ascii()));
        format!("svala {}{duplicates}{barcode} {}", self.command, self.rest)
    }

    /// What a line of a sorting `svala align` says; none if the line is another's.
    pub fn of_align(program: &Program) -> Option<Self> {
        let (id, command) = ("svala", "align");
        let line = program.command_line.strip_prefix(&format!("{id} {command}")).filter(|_| program.name == id)?;
        let (duplicates, line) = match (line.strip_prefix(REMOVE), line.strip_prefix(IGNORE)) {
            (Some(rest), _) => (DuplicateAction::Remove, rest),
            (_, Some(rest)) => (DuplicateAction::Ignore, rest),
            _ => (DuplicateAction::Mark, line),
        };
        let tagged = line.strip_prefix(BARCODE).and_then(|rest| rest.as_bytes().first_chunk::<2>());
        let line = if tagged.is_some() { line.get(BARCODE.len() + 2..)? } else { line };
        let rest = line.strip_prefix(' ')?.to_owned();
        Some(Self { command: command.into(), duplicates, barcode_tag: tagged.copied(), rest })
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
                    let line = CommandLine { command: "align".into(), duplicates, barcode_tag, rest: rest.into() };
                    assert_eq!(CommandLine::of_align(&line.to_program()), Some(line));
                }
            }
        }
        let program = |command_line: &str| Program {
            id: "svala".into(),
            name: "svala".into(),
            version: "1".into(),
            command_line: command_line.into(),
        };
        for other in ["", "svala mem ref.fa", "svala align", "svala align --rmdup", "bwa mem"] {
            assert_eq!(CommandLine::of_align(&program(other)), None, "{other}");
        }
    }
}
