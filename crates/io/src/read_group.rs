//! Read groups: the reads of one lane of a library, as a rule.

use std::fmt;

use noodles::sam::{
    self,
    header::record::value::{Map, map},
};

use crate::{
    Error, Result,
    header_text::{Flaw, check_read_group},
};

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
    /// The text is no single `@RG` line, a field is malformed, repeated or empty or has control characters, or `ID` is missing or has
    /// characters that are not ASCII. The message names the field and does not repeat the text.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |reason: &str| Err(Error::ReadGroup { reason: reason.into() });
        let line = text.replace("\\t", "\t");
        if !line.starts_with("@RG\t") {
            return refuse("expected '@RG', a tab (or \\t) and fields such as ID:NAME");
        }
        if line.contains(['\n', '\r']) {
            return refuse("expected a single line");
        }
        let Ok(header) = line.parse::<sam::Header>() else {
            return refuse("expected fields TAG:VALUE, each tag once and ID among them");
        };
        let Some((id, fields)) = header.read_groups().first() else {
            return refuse("expected a line with an ID field");
        };
        Self::from_fields(id, fields).map_err(|reason| Error::ReadGroup { reason })
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

    /// Of a header that has been read.
    ///
    /// # Errors
    ///
    /// It can't be written again.
    pub(crate) fn from_fields(id: &[u8], fields: &Map<map::ReadGroup>) -> std::result::Result<Self, Flaw> {
        check_read_group(id, fields.other_fields())?;
        // It is ASCII.
        let id = String::from_utf8_lossy(id).into_owned();
        Ok(Self { id, fields: fields.clone() })
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
            "@RG\tID:secret\tDS:a\u{7f}",
            "@RG\tID:secret\r",
            r"@PG\tID:secret",
        ] {
            let error = ReadGroup::parse(text).unwrap_err();
            assert!(matches!(error, Error::ReadGroup { .. }), "{text:?}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{text:?}");
        }
    }

    #[test]
    fn values_may_have_any_characters_and_messages_name_the_field() {
        for field in ["DS:M\u{fc}ller", "SM:\u{4e2d}\u{6587}", "LB:caf\u{e9} 1", "PM:\u{1f9ec}"] {
            assert!(ReadGroup::parse(&format!("@RG\\tID:1\\t{field}")).is_ok(), "{field}");
        }
        assert_eq!(ReadGroup::parse("@RG\tID:1\tLB:\u{e9}").unwrap().library().as_deref(), Some("\u{e9}"));
        let error = |text: &str| ReadGroup::parse(text).unwrap_err().to_string();
        assert!(error("@RG\tID:1\tCN:a\u{1}b").contains("field CN"));
        assert!(error("@RG\tID:caf\u{e9}\tCN:a").contains("field ID"));
    }

    #[test]
    fn what_can_be_read_but_not_written_is_refused() {
        let group = |line: &str| {
            let header: sam::Header = line.parse().unwrap();
            let (id, fields) = header.read_groups().first().unwrap();
            ReadGroup::from_fields(id, fields)
        };
        assert!(group("@RG\tID:a\tSM:s\n").is_ok());
        assert!(group("@RG\tID:a\t\u{1}M:s\n").is_err());
    }

    #[test]
    fn debug_output_shows_no_value() {
        let group = ReadGroup::parse(r"@RG\tID:secret\tSM:secret").unwrap();
        assert!(!format!("{group:?}").contains("secret"));
    }
}
