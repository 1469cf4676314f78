//! Sample sheets: tables of the lanes of a sample, separated by tabs, with a header.
//!
//! Columns, in any order: `read_group` (`ID`) and `fastq_1` must be there; `sample` (`SM`), `library` (`LB`), `platform` (`PL`), `unit`
//! (`PU`), `center` (`CN`), `description` (`DS`) and `fastq_2` may be, and may be empty. Blank lines and those that start with `#` are passed over. Relative paths count from the
//! sheet's folder. It is UTF-8, and may begin with a byte-order mark, as spreadsheets write it.

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
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const FIRST: &str = "fastq_1";
const SECOND: &str = "fastq_2";

/// Reads a sheet.
///
/// # Errors
///
/// It can't be read, has no lane, an unknown or missing column, a row that doesn't fit the header, or more than one sample.
pub fn read(path: &Path) -> Result<Vec<Lane>> {
    let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let lanes = decode(&bytes).and_then(|text| parse(text, folder));
    lanes.map_err(|(line, why)| Error::SampleSheet { path: path.to_owned(), line, why })
}

/// What is wrong, and in which line.
type Flaw = (usize, String);

/// The text of a sheet, without a byte-order mark.
fn decode(bytes: &[u8]) -> std::result::Result<&str, Flaw> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        let value = 1 + before[start..].iter().filter(|&&byte| byte == b'\t').count();
        (line, format!("value {value} is not UTF-8; save the sheet as UTF-8 text"))
    })
}

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
    fn sheets_of_spreadsheets_are_read() {
        let sheet = "\u{feff}read_group\tfastq_1\tsample\tdescription\r\n1\ta.fq\ts\u{e9}\tM\u{fc}ller\r\n";
        let lanes = lanes(decode(sheet.as_bytes()).unwrap()).unwrap();
        assert!(lanes[0].read_group == Some(ReadGroup::parse("@RG\tID:1\tSM:s\u{e9}\tDS:M\u{fc}ller").unwrap()));
        let latin = b"read_group\tfastq_1\tsample\n1\ta.fq\ts\n1\ta.fq\tM\xfcller\n";
        let (line, why) = decode(latin).unwrap_err();
        assert!(line == 3 && why.starts_with("value 3 is not UTF-8"), "{line}: {why}");
        // As "Unicode text" in UTF-16.
        assert_eq!(decode(b"\xff\xfer\0e\0").unwrap_err().0, 1);
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
            (format!("{head}secr\u{e9}t\ta.fq\ts\n"), 2, "field ID"),
            (format!("{head}1\ta.fq\tsecret\u{1}\n"), 2, "field SM"),
        ] {
            let (found, why) = lanes(&text).unwrap_err();
            assert_eq!(found, line, "{text:?}: {why}");
            assert!(why.contains(word) && !why.contains("secret"), "{text:?}: {why}");
        }
    }
}
