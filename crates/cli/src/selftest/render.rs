//! A report as text, JSON and HTML.

use serde_json::{Value, json};

use super::Report;
use super::checks::Check;
use crate::report::{escaped, head, section};

/// What the member `format` of the JSON says.
const FORMAT: &str = "svala self-test 1";

/// For a terminal.
pub fn text(report: &Report) -> String {
    let mut text = String::from("svala self-test\n\n");
    for (what, value) in &report.facts {
        text += &format!("  {what:<24} {value}\n");
    }
    text.push('\n');
    for Check { name, expected, found, passed, seconds } in &report.checks {
        let word = if *passed { "passed" } else { "FAILED" };
        text += &format!("  {word}  {name} ({seconds:.1} s)\n          {found}\n");
        if !passed {
            text += &format!("          expected: {expected}\n");
        }
    }
    text + &format!("\n{}\n", verdict(report))
}

/// For a program.
pub fn json(report: &Report) -> String {
    let facts: Vec<Value> = report.facts.iter().map(|(what, value)| json!({ "what": what, "value": value })).collect();
    let checks: Vec<Value> = report
        .checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "expected": check.expected,
                "found": check.found,
                "passed": check.passed,
                "seconds": check.seconds,
            })
        })
        .collect();
    let passed = report.failed() == 0;
    format!("{:#}\n", json!({ "format": FORMAT, "passed": passed, "facts": facts, "checks": checks }))
}

/// For a laboratory's files: one page without scripts or other files, with a line to sign.
pub fn html(report: &Report) -> String {
    let mut page = head("Self-test", &escaped(&verdict(report)));
    let row = |cells: &[&str]| {
        let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let facts: String = report.facts.iter().map(|(what, value)| row(&[what, value])).collect();
    let table = |rows: &str| format!("<div class=\"scroll\"><table>{rows}</table></div>");
    section("Program and machine", &table(&facts), " class=\"wide\"", &mut page);
    let mut checks =
        String::from("<tr><th>Check</th><th>Outcome</th><th>Expected</th><th>Found</th><th>Seconds</th></tr>\n");
    for Check { name, expected, found, passed, seconds } in &report.checks {
        let word = if *passed { "passed" } else { "FAILED" };
        checks += &row(&[name, word, expected, found, &format!("{seconds:.1}")]);
    }
    section("Checks", &table(&checks), " class=\"wide\"", &mut page);
    let lines = "<p>Date, name, signature: ______________________________________</p>";
    section("Verified by", lines, " class=\"wide\"", &mut page);
    page + "</main></body></html>\n"
}

fn verdict(report: &Report) -> String {
    match report.failed() {
        0 => format!("passed: all {} checks", report.checks.len()),
        failed => format!("FAILED: {failed} of {} checks", report.checks.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(passed: bool) -> Report {
        let check = |name: &str, passed| Check {
            name: name.into(),
            expected: "a < b".into(),
            found: "b".into(),
            passed,
            seconds: 1.0,
        };
        Report { facts: vec![("version", "1".into())], checks: vec![check("one", true), check("two", passed)] }
    }

    #[test]
    fn a_failure_shows_in_every_form() {
        for (passed, word) in [(true, "passed: all 2 checks"), (false, "FAILED: 1 of 2 checks")] {
            let report = report(passed);
            assert!(text(&report).contains(word) && html(&report).contains(word));
            let value: Value = serde_json::from_str(&json(&report)).unwrap();
            assert_eq!(value["passed"], json!(passed));
        }
        assert!(html(&report(false)).contains("a &lt; b") && text(&report(false)).contains("expected: a < b"));
    }
}
