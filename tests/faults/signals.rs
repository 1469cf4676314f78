//! Signals whenever they come.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::{Duration, Instant};

use super::common::running::{listing, svala_command};
use super::common::{Random, bytes, text};
use super::{Bench, words};

/// SIGINT and SIGTERM leave nothing or all of it, with a shell's code for the signal, whatever is being written. Before a run has begun
/// to write, the signal itself ends it.
pub fn at_random(bench: &Bench) {
    let case = bench.case("signals");
    let whole = tempfile::tempdir().expect("a folder");
    let fasta = case.path("ref.fa.gz");
    std::fs::copy(&bench.reference, &fasta).expect("a copy");
    let shard = whole.path().join("shard.bam");
    std::fs::write(&shard, &bench.expected).expect("a file");
    let (sam, merged) = (case.path("out.sam"), case.path("merged.bam"));
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let [first, second] = bench.reads.each_ref().map(|path| text(path));
    let runs = [
        case.align(&["--metrics", text(&case.path("m.txt"))]),
        owned(&["mem", "--quiet", "-o", text(&sam), text(&bench.reference), first, second]),
        owned(&["index", text(&fasta), "--companions"]),
        owned(&["merge", "-q", text(&shard), "-o", text(&merged)]),
    ];
    let mut random = Random(11);
    let mut ended = 0;
    for run in runs {
        let before = listing(&case.folder);
        let begin = Instant::now();
        assert!(svala_command(&words(&run)).output().expect("svala starts").status.success());
        let most = begin.elapsed().as_micros() as usize;
        let content = || {
            let names: Vec<String> = listing(&case.folder).into_iter().filter(|name| !before.contains(name)).collect();
            // Times of the run are in its record.
            let compared = |name: &String| if name.ends_with(".json") { Vec::new() } else { bytes(&case.path(name)) };
            names.iter().map(|name| (name.clone(), compared(name))).collect::<Vec<_>>()
        };
        let remove = || content().iter().for_each(|(name, _)| std::fs::remove_file(case.path(name)).expect("a file"));
        let complete = content();
        remove();
        for turn in 0..12 {
            let mut child = svala_command(&words(&run)).spawn().expect("svala starts");
            std::thread::sleep(Duration::from_micros(random.below(most) as u64));
            let (signal, number) = [("-TERM", 15), ("-INT", 2)][turn % 2];
            let _ = Command::new("kill").args([signal, &child.id().to_string()]).output().expect("kill starts");
            let status = child.wait().expect("svala ends");
            let left = content();
            if status.success() {
                assert!(left == complete, "{run:?}");
            } else {
                let by_signal = status.code() == Some(128 + number) || status.signal() == Some(number);
                assert!(by_signal, "{run:?}: {status:?}");
                // Files that got their names are whole; between the first name and the last there is a moment.
                assert!(left.iter().all(|file| complete.contains(file)), "{run:?}: {:?}", listing(&case.folder));
                ended += 1;
            }
            remove();
        }
    }
    assert!(ended > 20, "only {ended} runs were ended");
}
