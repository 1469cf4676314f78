//! Writes out the marked loops of a shader.
//!
//! WGSL has no attribute that unrolls a loop, and an array indexed by a variable may end in slow memory rather than in
//! registers. A marked loop stays readable, and valid, in the shader's text:
//!
//! ```wgsl
//! for (var row = 0u; row < ROWS; row++) { // unroll
//!     h[row] = 0;
//! }
//! ```
//!
//! It becomes one block a turn, with `row` replaced by `0u`, `1u` and so on. The limit is a number or a constant of the
//! same text, and the closing brace stands at the loop's own indentation, as a formatter leaves it.

/// The text with every marked loop written out, inner ones too.
///
/// # Errors
///
/// The line of a marked loop that has another form, no end, or an unknown limit.
pub(crate) fn unroll(wgsl: &str) -> Result<String, String> {
    let mut out = String::with_capacity(8 * wgsl.len());
    let lines: Vec<&str> = wgsl.lines().collect();
    write_lines(&lines, &|name| constant(wgsl, name), &mut out)?;
    Ok(out)
}

fn write_lines(lines: &[&str], limit_of: &dyn Fn(&str) -> Option<usize>, out: &mut String) -> Result<(), String> {
    let mut k = 0;
    while k < lines.len() {
        let line = lines[k];
        if !line.ends_with("// unroll") {
            out.push_str(line);
            out.push('\n');
            k += 1;
            continue;
        }
        let (variable, limit) = parse_loop(line).ok_or_else(|| line.to_owned())?;
        let turns = limit_of(limit).ok_or_else(|| line.to_owned())?;
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let length = lines[k + 1..].iter().position(|line| *line == end).ok_or_else(|| line.to_owned())?;
        let body = &lines[k + 1..k + 1 + length];
        for turn in 0..turns {
            let written: Vec<String> = body.iter().map(|line| replace_word(line, variable, turn)).collect();
            let written: Vec<&str> = written.iter().map(String::as_str).collect();
            out.push_str(indent);
            out.push_str("{\n");
            write_lines(&written, limit_of, out)?;
            out.push_str(indent);
            out.push_str("}\n");
        }
        k += length + 2;
    }
    Ok(())
}

/// The variable and the limit of `for (var V = 0u; V < LIMIT; V++) { // unroll`.
fn parse_loop(line: &str) -> Option<(&str, &str)> {
    let (variable, rest) = line.trim_start().strip_prefix("for (var ")?.split_once(" = 0u; ")?;
    let (limit, rest) = rest.strip_prefix(variable)?.strip_prefix(" < ")?.split_once("; ")?;
    let whole = rest.strip_prefix(variable)? == "++) { // unroll";
    whole.then_some((variable, limit))
}

/// The value of `const NAME = 30u;`, or of a number.
fn constant(wgsl: &str, name: &str) -> Option<usize> {
    let value = |text: &str| text.strip_suffix('u')?.parse().ok();
    let declared =
        |line: &str| value(line.strip_prefix("const ")?.strip_prefix(name)?.strip_prefix(" = ")?.strip_suffix(';')?);
    value(name).or_else(|| wgsl.lines().find_map(declared))
}

/// `line` with each whole word `word` replaced by the literal `value`.
fn replace_word(line: &str, word: &str, value: usize) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let alone = !out_ends_in_part(&out, before, is_part) && !after.starts_with(is_part);
        out.push_str(before);
        if alone {
            out.push_str(&format!("{value}u"));
        } else {
            out.push_str(word);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether the text before a word, in two pieces, ends in a character that makes it a part of a longer word.
fn out_ends_in_part(out: &str, before: &str, is_part: impl Fn(char) -> bool) -> bool {
    before.chars().next_back().or_else(|| out.chars().next_back()).is_some_and(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_only() {
        assert_eq!(
            replace_word("row + arrow[row] - rows - row_bits, row", "row", 7),
            "7u + arrow[7u] - rows - row_bits, 7u"
        );
        assert_eq!(replace_word("rowrow row", "row", 1), "rowrow 1u");
    }

    #[test]
    fn loops_are_written_out() {
        let text = "const N = 2u;\nfor (var a = 0u; a < N; a++) { // unroll\n    for (var b = 0u; b < 1u; b++) { // unroll\n        x[a] = b;\n    }\n}\nend\n";
        let written = unroll(text).unwrap();
        let words: Vec<&str> = written.split_whitespace().collect();
        let expected = "const N = 2u; { { x[0u] = 0u; } } { { x[1u] = 0u; } } end";
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn what_is_no_plain_loop_is_refused() {
        assert!(unroll("for (var a = 1u; a < 2u; a++) { // unroll\n}\n").is_err());
        assert!(unroll("for (var a = 0u; a < MISSING; a++) { // unroll\n}\n").is_err());
        assert!(unroll("for (var a = 0u; a < 2u; a++) { // unroll\n").is_err());
    }
}
