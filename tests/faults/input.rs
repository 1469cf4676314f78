//! Inputs that change or vanish under a run.

use std::fs::OpenOptions;

use super::common::running::{Running, listing, said, svala_command};
use super::common::{READS, bytes, data, svala, text};
use super::{Bench, Case, words};

/// Starts a run over standard input, of which it gets the first half, and more lanes. It then has files beside each other.
fn start(case: &Case<'_>, lanes: &[&str]) -> (Running, Vec<u8>) {
    let input = bytes(&case.bench.reads[0]);
    let (half, rest) = input.split_at(input.len() / 2);
    let arguments = [case.align_single("-"), lanes.iter().map(|lane| (*lane).to_owned()).collect()].concat();
    let begun = || listing(&case.folder).iter().filter(|name| name.ends_with(".partial")).count() == 3;
    (Running::start(svala_command(&words(&arguments)), half, begun), rest.to_vec())
}

/// Files that are open stay readable.
pub fn removed(bench: &Bench) {
    let case = bench.case("removed");
    let lane = tempfile::NamedTempFile::new().expect("a file");
    std::fs::copy(data(READS[1]), lane.path()).expect("a copy");
    let expected = {
        let (run, rest) = start(&case, &["-1", text(lane.path())]);
        assert!(run.finish(&rest).status.success());
        bytes(&case.output())
    };
    case.empty();
    let name = text(lane.path()).to_owned();
    let (run, rest) = start(&case, &["-1", &name]);
    drop(lane);
    assert!(case.is_whole(&run.finish(&rest), &expected, "removed"));
    // Before it starts, a file that isn't there is an error, and so is the second of two.
    for inputs in [vec!["-1", &name], vec!["-1", text(&bench.reads[0]), "-1", &name]] {
        let output = svala(&words(&case.arguments(&inputs)));
        case.must_fail(&output, &[&name], "before the start");
    }
}

pub fn cut(bench: &Bench) {
    let case = bench.case("cut");
    let lane = tempfile::Builder::new().suffix(".fq.gz").tempfile().expect("a file");
    // Far longer than what is read ahead.
    let content = bytes(&data(READS[1])).repeat(3);
    std::fs::write(lane.path(), &content).expect("a file");
    let (run, rest) = start(&case, &["-1", text(lane.path())]);
    let file = OpenOptions::new().write(true).open(lane.path()).expect("the file");
    file.set_len(content.len() as u64 - 1000).expect("it can be cut");
    case.must_fail(&run.finish(&rest), &[text(lane.path()), "record ", "truncated"], "cut");
}

/// A writer that dies within a record; between two, nobody could tell plain text from a whole one.
pub fn broken_pipes(bench: &Bench) {
    let case = bench.case("pipes");
    let (run, rest) = start(&case, &[]);
    case.must_fail(&run.finish(&rest[..rest.len() - 30]), &["standard input", "record "], "plain");
    let packed = bytes(&data(READS[0]));
    for bytes in [20, packed.len() / 2, packed.len() - 1] {
        let run = Running::start(svala_command(&words(&case.align_single("-"))), b"", || true);
        case.must_fail(&run.finish(&packed[..bytes]), &["standard input", "truncated"], "gzip");
    }
}

pub fn unreadable(bench: &Bench) {
    let case = bench.case("unreadable");
    let folder = text(&bench.folder.path().join("unreadable")).to_owned();
    let mut unreadable = vec![folder.as_str()];
    // Address 0 of a process can't be read: EIO, as of a bad disk.
    if cfg!(target_os = "linux") {
        unreadable.push("/proc/self/mem");
    }
    for path in unreadable {
        for inputs in [vec!["-1", path], vec!["-1", text(&bench.reads[0]), "-2", path]] {
            case.must_fail(&svala(&words(&case.arguments(&inputs))), &[path], path);
        }
    }
}

/// The one mapped file: a replaced or removed one is still there for a run, one that is cut in place is not.
pub fn lost_index(bench: &Bench) {
    let case = bench.case("index");
    let own = tempfile::tempdir().expect("a folder");
    let [reference, index] = ["ref.fa.gz", "ref.fa.gz.svala"].map(|name| own.path().join(name));
    let copy = || {
        std::fs::copy(&bench.reference, &reference).expect("a copy");
        std::fs::copy(format!("{}.svala", text(&bench.reference)), &index).expect("a copy");
    };
    let named = |word: String| if word == text(&bench.reference) { text(&reference).to_owned() } else { word };
    let arguments: Vec<String> = case.align_single("-").into_iter().map(named).collect();
    let reads = bytes(&bench.reads[0]);
    let start = || {
        let begun = || listing(&case.folder).len() >= 3;
        Running::start(svala_command(&words(&arguments)), &reads[..1000], begun)
    };
    copy();
    let run = start();
    std::fs::remove_file(&index).expect("the index");
    std::fs::write(&index, "another").expect("an index");
    let output = run.finish(&reads[1000..]);
    assert!(output.status.success(), "{}", said(&output));
    case.empty();
    copy();
    let run = start();
    OpenOptions::new().write(true).open(&index).and_then(|file| file.set_len(4096)).expect("it can be cut");
    let output = run.finish(&reads[1000..]);
    let error = said(&output);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("svala: the index was cut short") && error.lines().count() == 1, "{error}");
    // No name, and the next run removes the rest.
    assert!(!case.output().exists() && listing(&case.folder).iter().all(|name| name.ends_with(".partial")));
    copy();
    assert!(start().finish(&reads[1000..]).status.success());
    assert_eq!(listing(&case.folder), ["out.bam", "out.bam.bai", "out.bam.svala.json"]);
}
