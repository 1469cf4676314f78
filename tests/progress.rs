//! What is said while aligning: nothing if so asked, a bar on terminals only, and never on standard output.

mod common;

use std::process::{Command, ExitCode, Output};
use std::sync::Arc;

use common::{Indexed as Bench, READS, conclude, data, has_program, svala, text, trial, trial_if};

impl Bench {
    /// Aligns to a file on a terminal of its own, or as it is.
    fn align(&self, options: &[&str], on_terminal: bool) -> Output {
        let (output, reads) = (self.folder.path().join("out.bam"), READS.map(data));
        let mut arguments = vec!["align", "--ref", text(&self.reference), "-o", text(&output)];
        arguments.extend(["-1", text(&reads[0]), "-2", text(&reads[1])]);
        arguments.extend(options);
        if on_terminal { on_a_terminal(&arguments) } else { svala(&arguments) }
    }
}

/// Runs svala on a terminal of its own.
fn on_a_terminal(arguments: &[&str]) -> Output {
    let command = format!("{} {}", env!("CARGO_BIN_EXE_svala"), arguments.join(" "));
    Command::new("script").args(["-qec", &command, "/dev/null"]).output().expect("script starts")
}

/// What it said, on whichever stream.
fn said(output: &Output) -> String {
    assert!(output.status.success());
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn quiet_says_nothing(bench: &Bench) {
    assert_eq!(said(&bench.align(&["-q"], false)), "");
    let output = bench.align(&[], false);
    assert!(output.stdout.is_empty());
    assert!(said(&output).contains("reads/s") && !said(&output).contains('\r'));
    // Records are on standard output, and nothing else.
    let reads = data(READS[0]);
    let mem = svala(&["mem", text(&bench.reference), text(&reads), "--quiet"]);
    assert!(mem.stderr.is_empty() && mem.stdout.starts_with(b"@HD\t"));
}

fn a_terminal_has_a_bar(bench: &Bench) {
    let shown = said(&bench.align(&[], true));
    assert!(shown.contains("svala [") && shown.contains(" % of the input, "), "{shown:?}");
    // The bar is gone when the summary comes.
    let last = shown.rfind("\x1b[2K").expect("a bar");
    assert!(shown[last..].starts_with("\x1b[2Ksvala: "), "{shown:?}");
    assert_eq!(said(&bench.align(&["-q"], true)), "");
}

fn indexing_has_a_bar_too(bench: &Bench) {
    let other = bench.folder.path().join("other");
    let arguments = ["index", text(&bench.reference), text(&other)];
    let shown = said(&on_a_terminal(&arguments));
    assert!(shown.contains("svala [") && shown.contains("reading the reference"), "{shown:?}");
    let last = shown.rfind("\x1b[2K").expect("a bar");
    assert!(shown[last..].starts_with("\x1b[2Ksvala: indexed "), "{shown:?}");
    let shown = said(&svala(&arguments));
    assert!(shown.starts_with("svala: indexed ") && shown.lines().count() == 1, "{shown:?}");
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    let script = has_program("script");
    conclude(vec![
        trial("quiet says nothing", on(quiet_says_nothing)),
        trial_if(
            "a terminal has a bar",
            script,
            "no script (util-linux)",
            "SVALA_REQUIRE_TOOLS",
            on(a_terminal_has_a_bar),
        ),
        trial_if(
            "indexing has a bar too",
            script,
            "no script (util-linux)",
            "SVALA_REQUIRE_TOOLS",
            on(indexing_has_a_bar_too),
        ),
    ])
}
