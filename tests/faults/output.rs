//! Outputs that can't be written.

use std::fs::{File, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use super::common::hostile::BGZF_END;
use super::common::running::{Running, listing, said, svala_command, svala_unprivileged};
use super::common::{bytes, text};
use super::{Bench, words};

pub fn read_only(bench: &Bench) {
    let case = bench.case("read-only");
    let locked = tempfile::tempdir().expect("a folder");
    let set_mode = |mode| std::fs::set_permissions(locked.path(), Permissions::from_mode(mode)).expect("a mode");
    let inside = |name: &str| text(&locked.path().join(name)).to_owned();
    let options = [["--tmp-dir", text(locked.path())], ["--metrics", &inside("m.txt")], ["--qc", &inside("qc")]];
    for option in options {
        set_mode(0o555);
        let output = svala_unprivileged(&words(&case.align(&option))).output().expect("svala starts");
        case.must_fail(&output, &[text(locked.path()), "ermission denied"], option[0]);
        set_mode(0o755);
        let output = svala_unprivileged(&words(&case.align(&option))).output().expect("svala starts");
        assert!(output.status.success(), "{}", said(&output));
        case.empty();
        listing(locked.path()).iter().for_each(|name| std::fs::remove_file(inside(name)).expect("a file"));
    }
    // The output's own folder.
    std::fs::set_permissions(&case.folder, Permissions::from_mode(0o555)).expect("a mode");
    let output = svala_unprivileged(&words(&case.align(&[]))).output().expect("svala starts");
    case.must_fail(&output, &["out.bam", "ermission denied"], "the output");
    std::fs::set_permissions(&case.folder, Permissions::from_mode(0o755)).expect("a mode");
}

/// The folder goes while the run writes into it.
pub fn removed_folder(bench: &Bench) {
    let case = bench.case("gone");
    let reads = bytes(&bench.reads[0]);
    let begun = || listing(&case.folder).len() == 3;
    let run = Running::start(svala_command(&words(&case.align_single("-"))), &reads[..reads.len() / 2], begun);
    std::fs::remove_dir_all(&case.folder).expect("a folder");
    let output = run.finish(&reads[reads.len() / 2..]);
    let error = said(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(text(&case.folder)) && error.lines().count() == 1, "{error}");
    assert!(!case.folder.exists());
}

/// What stands beside the output is complete before the output has its name.
pub fn full_companions(bench: &Bench) {
    let case = bench.case("companions");
    for option in ["--metrics", "--report"] {
        let output = svala_command(&words(&case.align(&[option, "/dev/full"]))).output().expect("svala starts");
        case.must_fail(&output, &["/dev/full", "No space left"], option);
    }
}

pub fn full_stdout(bench: &Bench) {
    let [first, second] = bench.reads.each_ref().map(|path| text(path));
    let reference = text(&bench.reference);
    let runs = [
        vec!["mem", "--quiet", reference, first, second],
        vec!["mem", "--quiet", "--paf", reference, first],
        vec!["align", "-q", "--ref", reference, "-1", first, "-o", "-"],
        vec!["insert-size", reference, first, second],
    ];
    for run in runs {
        let full = File::options().write(true).open("/dev/full").expect("a device");
        let output = svala_command(&run).stdout(full).output().expect("svala starts");
        let error = said(&output);
        assert_eq!(output.status.code(), Some(1), "{run:?}: {error}");
        assert!(error.contains("standard output") && error.contains("No space left"), "{run:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{run:?}: {error}");
    }
}

/// As of `| head`: no complaint, a shell's code for SIGPIPE, and no end marker in what came.
pub fn closed_stdout(bench: &Bench) {
    let [first, second] = bench.reads.each_ref().map(|path| text(path));
    let reference = text(&bench.reference);
    let sam = vec!["mem", "--quiet", reference, first, second];
    let bam = vec!["align", "-q", "--sort", "none", "--ref", reference, "-1", first, "-o", "-"];
    for (run, most) in [(&sam, 1), (&sam, 3000), (&bam, 1), (&bam, 3000)] {
        let mut child = svala_command(run).stdout(Stdio::piped()).spawn().expect("svala starts");
        let mut some = vec![0; most];
        child.stdout.take().expect("a pipe").read_exact(&mut some).expect("svala writes");
        let output = child.wait_with_output().expect("svala ends");
        assert_eq!((output.status.code(), said(&output)), (Some(141), String::new()), "{run:?}");
    }
    // Read by somebody slow it is whole.
    let output = svala_command(&bam).output().expect("svala starts");
    assert!(output.status.success() && output.stdout.ends_with(&BGZF_END), "{}", said(&output));
}
