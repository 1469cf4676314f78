//! The tests that docs/validation.md names exist.

use std::collections::BTreeSet;
use std::path::Path;

/// The rows of requirements: the number, and the tests that are named.
fn rows(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let rows = text.lines().filter(|line| line.starts_with("| R"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, tests] = cells[..] else { panic!("three cells: {line}") };
        (number.to_owned(), named(tests))
    };
    rows.map(row).collect()
}

/// From "`FILE`: test; test. `FILE`: test" to pairs of file and test.
fn named(tests: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = tests.split('`').collect();
    let names = |file: &str, names: &str| {
        let names = names.trim_start_matches(':').trim().trim_end_matches('.').split(';').map(str::trim);
        names.map(|name| (file.to_owned(), name.to_owned())).collect::<Vec<_>>()
    };
    parts[1..].chunks(2).flat_map(|pair| names(pair[0], pair.get(1).copied().unwrap_or_default())).collect()
}

/// Whether a file of tests has one of this name.
fn has(content: &str, name: &str) -> bool {
    content.contains(&format!("\"{name}\"")) || content.contains(&format!("fn {name}()"))
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_requirement_has_tests_that_exist() {
    let rows = rows(&read("docs/validation.md"));
    assert!(rows.len() >= 15, "{} requirements", rows.len());
    for (expected, (number, tests)) in (1..).zip(&rows) {
        assert_eq!(*number, format!("R{expected}"));
        assert!(!tests.is_empty(), "{number} has no test");
        for (file, name) in tests {
            assert!(has(&read(file), name), "{number}: {file} has no test {name:?}");
        }
    }
}

#[test]
fn files_that_the_kit_links_to_exist() {
    let text = read("docs/validation.md");
    let links: BTreeSet<&str> = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() >= 4, "{links:?}");
    for link in links {
        read(&format!("docs/{link}"));
    }
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    let tests = named("`tests/a.rs`: one thing; another. `tests/b.rs`: a third");
    let expected = [("tests/a.rs", "one thing"), ("tests/a.rs", "another"), ("tests/b.rs", "a third")];
    assert_eq!(tests, expected.map(|(file, name)| (file.to_owned(), name.to_owned())));
    assert!(has("trial(\"one thing\", body)", "one thing") && has("fn one_thing() {", "one_thing"));
    assert!(!has("trial(\"one thing\", body)", "one") && !has("// one thing", "one thing"));
}
