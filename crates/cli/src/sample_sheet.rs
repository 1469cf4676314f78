//! Sample sheets: tables of the lanes of a sample, separated by tabs, with a header.
//!
//! Columns, in any order: `read_group` (`ID`) and `fastq_1` must be there; `sample` (`SM`), `library` (`LB`), `platform` (`PL`), `unit`
//! (`PU`), `center` (`CN`), `description` (`DS`) and `fastq_2` may be, and may be empty. Blank lines and those that start with `#` are passed over. Relative paths count from the
//! sheet's folder.

use std::path::Path;

use svala_io::ReadGroup;

use crate::error::{Error, Result};
use crate::inputs::Lane;

/// Columns that are fields of the read group, with their tags.
const FIELDS: [(&str, &str); 7] = [
    ("read_group", "ID"),
    ("sample", "SM"),
    ("library", "LB"),
    ("platform", "PL"),
    ("unit", "PU"),
    ("center", "CN"),
    ("description", "DS"),
];
const FIRST: &str = "fastq_1";
const SECOND: &str = "fastq_2";

/// Reads a sheet.
///
/// # Errors
///
/// It can't be read, has no lane, an unknown or missing column, a row that doesn't fit the header, or more than one sample.
pub fn read(path: &Path) -> Result<Vec<Lane>> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&text, folder).map_err(|(line, why)| Error::SampleSheet { path: path.to_owned(), line, why })
}

/// What is wrong, and in which line.
type Flaw = (usize, String);

fn parse(text: &str, folder: &Path) -> std::result::Result<Vec<Lane>, Flaw> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let mut lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let (header_line, header) = lines.next().ok_or((1, "expected a header".to_owned()))?;
    let columns: Vec<&str> = header.split('\t').map(str::trim).collect();
    check_columns(&columns).map_err(|why| (header_line, why))?;
    let mut sample: Option<&str> = None;
    let mut lanes = Vec::new();
    for (number, line) in lines {
        let row = Row { columns: &columns, values: line.split('\t').map(str::trim).collect() };
        lanes.push(row.lane(folder).map_err(|why| (number, why))?);
        let own = row.get("sample").unwrap_or_default();
        if *sample.get_or_insert(own) != own {
            return Err((
                number,
                "another sample than in the lines before; expected one sample, for one output".into(),
            ));
        }
    }
    if lanes.is_empty() {
        Err((header_line, "expected a line for each lane below the header".into()))
    } else {
        Ok(lanes)
    }
}

fn check_columns(columns: &[&str]) -> std::result::Result<(), String> {
    let known = || FIELDS.iter().map(|(column, _)| *column).chain([FIRST, SECOND]);
    if let Some(column) = columns.iter().find(|column| !known().any(|name| name == **column)) {
        let names = known().collect::<Vec<_>>().join(", ");
        return Err(format!("unknown column {column:?}; expected some of {names}"));
    }
    if known().any(|name| columns.iter().filter(|column| **column == name).count() > 1) {
        return Err("a column is there twice".into());
    }
    match [FIELDS[0].0, FIRST].iter().find(|name| !columns.contains(name)) {
        Some(missing) => Err(format!("expected a column {missing}")),
        None => Ok(()),
    }
}

/// A line under the columns of the header.
struct Row<'a> {
    columns: &'a [&'a str],
    values: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// The value of a column; none if it is empty or not there.
    fn get(&self, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|name| *name == column)?;
        self.values.get(at).copied().filter(|value| !value.is_empty())
    }

    fn lane(&self, folder: &Path) -> std::result::Result<Lane, String> {
        if self.values.len() != self.columns.len() {
            return Err(format!("{} values; the header has {}", self.values.len(), self.columns.len()));
        }
        let mut line = String::from("@RG");
        for (column, tag) in FIELDS {
            if let Some(value) = self.get(column) {
                line += &format!("\t{tag}:{value}");
            }
        }
        let required = |column| self.get(column).ok_or_else(|| format!("expected a value in column {column}"));
        required(FIELDS[0].0)?;
        let read_group = ReadGroup::parse(&line).map_err(|error| error.to_string())?;
        let second = self.get(SECOND).map(|path| folder.join(path));
        Ok(Lane { first: folder.join(required(FIRST)?), second, read_group: Some(read_group) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(text: &str) -> std::result::Result<Vec<Lane>, Flaw> {
        parse(text, Path::new("folder"))
    }

    #[test]
    fn columns_come_in_any_order_and_may_be_empty() {
        let text = "# a comment\r\nfastq_2\tfastq_1\tread_group\tsample\tlibrary\tcenter\tdescription\r\n\r\n\
                    b.fq\ta.fq\tlane1\ts\tlib 1\tc\ttwo words\r\n\t/c.fq\tlane2\ts\t\t\t\n";
        let lanes = lanes(text).unwrap();
        let group = |line| Some(ReadGroup::parse(line).unwrap());
        assert_eq!(lanes.len(), 2);
        assert_eq!((&lanes[0].first, &lanes[0].second), (&"folder/a.fq".into(), &Some("folder/b.fq".into())));
        assert!(lanes[0].read_group == group("@RG\tID:lane1\tSM:s\tLB:lib 1\tCN:c\tDS:two words"));
        assert_eq!((&lanes[1].first, &lanes[1].second), (&"/c.fq".into(), &None));
        assert!(lanes[1].read_group == group("@RG\tID:lane2\tSM:s"));
    }

    #[test]
    fn flaws_are_told_by_line_and_without_values() {
        let head = "read_group\tfastq_1\tsample\n";
        for (text, line, word) in [
            (String::new(), 1, "header"),
            (head.into(), 1, "lane"),
            ("read_group\tsample\n1\ts\n".into(), 1, "fastq_1"),
            ("fastq_1\n1\n".into(), 1, "read_group"),
            ("read_group\tfastq_1\tpath\n".into(), 1, "path"),
            ("read_group\tfastq_1\tfastq_1\n".into(), 1, "twice"),
            (format!("{head}secret\ta.fq\n"), 2, "2 values"),
            (format!("{head}secret\t\ts\n"), 2, "fastq_1"),
            (format!("{head}\ta.fq\ts\n"), 2, "read_group"),
            (format!("{head}1\ta.fq\tsecret\n\n2\tb.fq\tsecret2\n"), 4, "one sample"),
            (format!("{head}1\ta.fq\tsecr\u{e9}t\n"), 2, "ASCII"),
        ] {
            let (found, why) = lanes(&text).unwrap_err();
            assert_eq!(found, line, "{text:?}: {why}");
            assert!(why.contains(word) && !why.contains("secret"), "{text:?}: {why}");
        }
    }
}
