//! Clocks that jump while a run goes on.

use std::path::PathBuf;

use super::common::bytes;
use super::common::running::{Running, listing, svala_command};
use super::{Bench, words};

/// libfaketime, which shows a program whatever time a file says.
pub fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
}

/// Back before all files were made, and on by decades: the time of day decides nothing.
pub fn jumps(bench: &Bench) {
    let case = bench.case("clock");
    let clock = tempfile::NamedTempFile::new().expect("a file");
    let set = |time: &str| std::fs::write(clock.path(), time).expect("a file");
    set("@2001-01-01 00:00:00");
    let mut command = svala_command(&words(&case.align_single("-")));
    command.env("LD_PRELOAD", library().expect("it was looked for"));
    command.env("FAKETIME_TIMESTAMP_FILE", clock.path()).env("FAKETIME_NO_CACHE", "1");
    // No system turns back the clock that measures how long something takes.
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    let reads = bytes(&bench.reads[0]);
    let begun = || listing(&case.folder).len() == 3;
    let mut run = Running::start(command, &reads[..1000], begun);
    let mut input = run.child.stdin.take().expect("a pipe");
    for (part, time) in
        reads[1000..].chunks(reads.len() / 20).zip(["+40y", "-20y", "@1970-01-02 00:00:00"].iter().cycle())
    {
        set(time);
        std::io::Write::write_all(&mut input, part).expect("svala reads");
    }
    run.child.stdin = Some(input);
    assert!(case.is_whole(&run.finish(b""), &bench.expected_single, "jumps"));
}
