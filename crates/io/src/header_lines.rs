//! Header lines that a user adds: `@CO`, `@RG` and `@PG`. The others are what a program itself must know.

use noodles::sam;

use crate::{Error, Result};

/// Lines of a SAM header, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeaderLines(sam::Header);

impl HeaderLines {
    /// Parses whole lines, with tabs as they are.
    ///
    /// # Errors
    ///
    /// A line is malformed, or is none of those that can be added. The message does not repeat it.
    pub fn parse(text: &str) -> Result<Self> {
        let refuse = |reason: &str| Err(Error::Header { reason: reason.into() });
        let kind = |line: &str| ["@CO\t", "@RG\t", "@PG\t"].iter().any(|kind| line.starts_with(kind));
        if !text.lines().all(kind) {
            return refuse("only lines that begin with @CO, @RG or @PG and a tab can be added");
        }
        match text.parse::<sam::Header>() {
            Ok(lines) => Ok(Self(lines)),
            Err(_) => refuse("expected fields TAG:VALUE in the lines to add, each tag and ID once"),
        }
    }

    /// Adds them to a header that is being built, before its own lines of the kind.
    pub(crate) fn add_to(&self, mut builder: sam::header::Builder) -> sam::header::Builder {
        for (id, group) in self.0.read_groups() {
            builder = builder.add_read_group(id.clone(), group.clone());
        }
        for (id, program) in self.0.programs().as_ref() {
            builder = builder.add_program(id.clone(), program.clone());
        }
        for comment in self.0.comments() {
            builder = builder.add_comment(comment.clone());
        }
        builder
    }

    /// How many read groups and programs they are.
    pub(crate) fn counts(&self) -> [usize; 2] {
        [self.0.read_groups().len(), self.0.programs().as_ref().len()]
    }
}

impl Eq for HeaderLines {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_that_leave_the_rest_alone_are_taken() {
        for text in ["", "@CO\ta: b\tc", "@RG\tID:x\tSM:s\n@PG\tID:fastp\n@CO\tx\n"] {
            assert!(HeaderLines::parse(text).is_ok(), "{text:?}");
        }
        for text in ["@HD\tVN:1.6", "@SQ\tSN:1\tLN:2", "x", "@CO", "@RG\tSM:s", "@PG\tID:a\n@PG\tID:a", "@CO\tx\n\n"] {
            assert!(HeaderLines::parse(text).is_err(), "{text:?}");
        }
    }
}
