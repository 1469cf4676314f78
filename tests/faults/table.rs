//! The table of faults in the documentation.

use std::path::Path;

/// Every test that `docs/faults.md` names is there: in rows of its table, behind the file's path in backticks, in quotes.
pub fn every_test_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/faults.md")).expect("the table");
    let mut named = 0;
    let rows =
        table.lines().skip_while(|line| !line.starts_with("| fault")).skip(1).take_while(|line| line.starts_with('|'));
    for row in rows.filter(|line| line.starts_with("| ")) {
        let tests = row.trim_end_matches(['|', ' ']).rsplit('|').next().expect("a cell");
        let mut parts = tests.split('`').skip(1);
        let mut in_row = 0;
        while let (Some(path), Some(names)) = (parts.next(), parts.next()) {
            let source = std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            for name in names.split('"').skip(1).step_by(2) {
                let is_there = source.contains(&format!("\"{name}\"")) || source.contains(&format!("fn {name}("));
                assert!(is_there, "{path} has no test \"{name}\"");
                in_row += 1;
            }
        }
        assert!(in_row > 0, "no test is named: {row}");
        named += in_row;
    }
    assert!(named > 30, "only {named} tests are named");
}
