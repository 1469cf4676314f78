//! Read groups: the reads of one lane of a library, as a rule.

use std::{fmt, io};

use noodles::sam::{
    self,
    header::record::value::{Map, map},
};

use crate::{Error, Result};

/// A `@RG` header line (SAM specification v1, section 1.3).
#[derive(Clone, Eq, PartialEq)]
pub struct ReadGroup {
    id: String,
    fields: Map<map::ReadGroup>,
}

impl ReadGroup {
    /// Parses the value of `bwa mem -R`: a whole `@RG` line whose tabs may be written `\t`.
    ///
    /// # Errors
    ///
    /// The text is no single `@RG` line, a field is malformed or repeated, or `ID` is missing or
    /// empty. The message does not repeat the text.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |reason| Err(Error::ReadGroup { reason });
        let line = text.replace("\\t", "\t");
        if !line.starts_with("@RG\t") {
            return refuse("expected '@RG', a tab (or \\t) and fields such as ID:NAME");
        }
        if !line.bytes().all(|byte| byte == b'\t' || matches!(byte, b' '..=b'~')) {
            return refuse("expected a single line of printable ASCII characters");
        }
        let Ok(header) = line.parse::<sam::Header>() else {
            return refuse("expected fields TAG:VALUE, each tag once and ID among them");
        };
        let Some((id, fields)) = header.read_groups().first() else {
            return refuse("expected a line with an ID field");
        };
        let has_empty_value = fields.other_fields().values().any(|value| value.is_empty());
        if id.is_empty() || has_empty_value {
            return refuse("expected a value after every tag");
        }
        Ok(Self { id: id.to_string(), fields: fields.clone() })
    }

    /// The group's identifier, which every record repeats in its `RG` tag.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its library, `LB`.
    pub fn library(&self) -> Option<String> {
        self.fields.other_fields().get(&map::read_group::tag::LIBRARY).map(ToString::to_string)
    }

    /// Its sample, `SM`.
    pub fn sample(&self) -> Option<String> {
        self.fields.other_fields().get(&map::read_group::tag::SAMPLE).map(ToString::to_string)
    }

    /// Of a header that has been read, if it can be written again.
    pub(crate) fn from_fields(id: &[u8], fields: &Map<map::ReadGroup>) -> Option<Self> {
        let id = std::str::from_utf8(id).ok()?.to_owned();
        let header = sam::Header::builder().add_read_group(id.as_str(), fields.clone()).build();
        sam::io::Writer::new(io::sink()).write_header(&header).ok()?;
        Some(Self { id, fields: fields.clone() })
    }

    pub(crate) fn fields(&self) -> &Map<map::ReadGroup> {
        &self.fields
    }
}

/// Without values: sample names are patient data and stay out of logs.
impl fmt::Debug for ReadGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGroup").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_tab_are_understood() {
        let escaped = ReadGroup::parse(r"@RG\tID:lane1\tSM:sample\tPL:ILLUMINA").unwrap();
        assert_eq!(escaped.library(), None);
        assert_eq!(escaped.sample().as_deref(), Some("sample"));
        assert_eq!(ReadGroup::parse(r"@RG\tID:1\tLB:lib 2").unwrap().library().as_deref(), Some("lib 2"));
        let literal = ReadGroup::parse("@RG\tID:lane1\tSM:sample\tPL:ILLUMINA").unwrap();
        assert!(escaped == literal);
        assert_eq!(escaped.id(), "lane1");
    }

    #[test]
    fn malformed_groups_are_refused_without_repeating_them() {
        for text in [
            "",
            "@RG",
            "ID:secret",
            r"@RG\tSM:secret",
            r"@RG\tID:",
            r"@RG\tID:secret\tSM:",
            r"@RG\tID:secret\tID:secret",
            r"@RG\tID:secret\tsecret",
            r"@RG ID:secret",
            "@RG\tID:secret\n@CO\tsecret",
            "@RG\tID:secret\u{e9}",
            r"@PG\tID:secret",
        ] {
            let error = ReadGroup::parse(text).unwrap_err();
            assert!(matches!(error, Error::ReadGroup { .. }), "{text:?}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{text:?}");
        }
    }

    #[test]
    fn what_can_be_read_but_not_written_is_none() {
        let group = |line: &str| {
            let header: sam::Header = line.parse().unwrap();
            let (id, fields) = header.read_groups().first().unwrap();
            ReadGroup::from_fields(id, fields)
        };
        assert!(group("@RG\tID:a\tSM:s\n").is_some());
        assert!(group("@RG\tID:a\t\u{1}M:s\n").is_none());
    }

    #[test]
    fn debug_output_shows_no_value() {
        let group = ReadGroup::parse(r"@RG\tID:secret\tSM:secret").unwrap();
        assert!(!format!("{group:?}").contains("secret"));
    }
}
