//! `svala selftest`: this installation passes, the digest it expects is that of this version, and a failure is one.

mod common;

use std::process::ExitCode;

use common::{Random, conclude, svala, text, trial};
use serde_json::Value;

fn report(arguments: &[&str]) -> (std::process::Output, Value) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.json");
    let output = svala(&[&["selftest", "--jobs", "300", "-t", "2", "--report", text(&path)], arguments].concat());
    let content = std::fs::read(&path).expect("a report");
    (output, serde_json::from_slice(&content).expect("JSON"))
}

fn passes() {
    let (output, report) = report(&[]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert_eq!(report["passed"], true);
    let checks = report["checks"].as_array().expect("checks");
    let count = |start: &str| {
        let name = |check: &Value| check["name"].as_str().is_some_and(|name| name.starts_with(start));
        checks.iter().filter(|check| name(check)).count()
    };
    // Scalar once, and each level with one thread and several.
    assert!(count("kernels, cpu") >= 1 && count("known reads, cpu") == 2 * count("kernels, cpu"), "{said}");
    assert_eq!(count("known reads, gpu"), 2 * count("kernels, gpu"), "{said}");
    assert_eq!([count("known reads, scalar"), count("a truncated input"), count("the output, read back")], [1; 3]);
    for check in checks {
        assert_eq!(check["passed"], true, "{check}");
        assert!(said.contains(check["name"].as_str().expect("a name")));
    }
    let program = std::fs::read(env!("CARGO_BIN_EXE_svala")).expect("the program");
    let facts = report["facts"].as_array().expect("facts");
    let fact = |what: &str| facts.iter().find(|fact| fact["what"] == what).map(|fact| fact["value"].clone());
    assert_eq!(fact("version"), Some(env!("CARGO_PKG_VERSION").into()));
    assert_eq!(fact("bytes of the program"), Some(program.len().to_string().into()));
    assert!(fact("adapter").is_some());
}

/// The expectation is a text in the program: a program with another one must fail.
fn a_wrong_digest_fails() {
    let (_, whole) = report(&[]);
    let known = |check: &&Value| check["name"].as_str().is_some_and(|name| name.starts_with("known reads"));
    let expected = whole["checks"].as_array().expect("checks").iter().find(known).expect("known reads")["expected"]
        .as_str()
        .expect("a text")
        .to_owned();
    let digest = expected.rsplit(' ').next().expect("a digest").to_owned();
    let mut program = std::fs::read(env!("CARGO_BIN_EXE_svala")).expect("the program");
    let places: Vec<usize> =
        (0..program.len() - digest.len()).filter(|&at| program[at..].starts_with(digest.as_bytes())).collect();
    assert!(!places.is_empty(), "the digest is in the program");
    for at in places {
        program[at] = if program[at] == b'0' { b'1' } else { b'0' };
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let changed = folder.path().join(format!("svala{}", Random(1).below(9)));
    std::fs::write(&changed, program).expect("a program");
    make_executable(&changed);
    let output = std::process::Command::new(&changed).args(["selftest", "--jobs", "50", "-t", "2"]).output();
    let output = output.expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAILED  known reads, scalar"), "{said}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("don't use svala here"));
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("a program");
}

#[cfg(not(unix))]
fn make_executable(_: &std::path::Path) {}

fn html_stands_by_itself() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("report.html");
    let output = svala(&["selftest", "--jobs", "50", "-t", "2", "--report", text(&path)]);
    assert!(output.status.success());
    let page = std::fs::read_to_string(&path).expect("a report");
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(page.contains("passed: all") && !page.contains("<script") && !page.contains("http"));
}

fn main() -> ExitCode {
    conclude(vec![
        trial("this installation passes", passes),
        trial("a wrong digest fails", a_wrong_digest_fails),
        trial("the HTML report stands by itself", html_stands_by_itself),
    ])
}
