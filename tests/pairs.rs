//! Libraries of all four orientations, and insert-size models that are given instead of learnt.

mod common;

use std::process::ExitCode;

use common::made_up::World;
use common::{Record, conclude, fastq_pair, reverse_complement, svala, svala_ok, text, trial};

/// Bases of a mate.
const MATE: usize = 100;

/// The mates of a fragment of either strand, in one of the orientations.
fn mates(fragment: &[u8], orientation: &str) -> [Vec<u8>; 2] {
    let (left, right) = (fragment[..MATE].to_vec(), fragment[fragment.len() - MATE..].to_vec());
    match orientation {
        "FR" => [left, reverse_complement(&right)],
        "RF" => [reverse_complement(&left), right],
        "FF" => [left, right],
        "RR" => [right, left],
        other => panic!("no orientation: {other}"),
    }
}

type Mates = Vec<(String, Vec<u8>)>;

/// Pairs named by orientation and number. Every tenth second mate has a mismatch every 9 bases, which leaves no seed.
fn library(world: &mut World, orientation: &str, pairs: usize, size: usize) -> (Mates, Mates, Vec<usize>) {
    let (mut first, mut second, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..pairs {
        let fragment = world.cut(size + (i * 37) % 200);
        let [one, mut two] = mates(&fragment.bases, orientation);
        if i % 10 == 0 {
            (4..MATE).step_by(9).for_each(|at| two[at] = if two[at] == b'A' { b'C' } else { b'A' });
        }
        first.push((format!("{orientation}{i}"), one));
        second.push((format!("{orientation}{i}"), two));
        starts.push(fragment.start);
    }
    (first, second, starts)
}

/// Both mates of a pair lie within the fragment and are flagged as proper or not.
fn check_pair(pair: &[Record], start: usize, size: usize, proper: bool) {
    for record in pair {
        let position = record.position as usize;
        assert!(record.is_mapped() && position + 5 > start && position < start + size + 200, "{start}: {pair:?}");
        assert_eq!(record.flags & 2 != 0, proper, "{pair:?}");
    }
}

/// Each orientation is learnt, its pairs are proper, and mates without seeds are rescued.
fn every_orientation_is_learnt() {
    let mut world = World::new(21);
    for (orientation, size) in [("FR", 300), ("RF", 3_000), ("FF", 500), ("RR", 1_500)] {
        let (first, second, starts) = library(&mut world, orientation, 400, size);
        let got = world.mem(&fastq_pair(&first, &second), &[]);
        assert_eq!(got.len(), 800);
        for (pair, &start) in got.chunks(2).zip(&starts) {
            check_pair(pair, start, size, true);
        }
    }
}

/// A mate-pair library with a share of short fragments: both orientations are proper; a rare one is not.
fn orientations_share_a_library() {
    let mut world = World::new(22);
    let (mut first, mut second, mut starts) = library(&mut world, "RF", 600, 2_500);
    for (orientation, pairs) in [("FR", 100), ("FF", 15)] {
        let more = library(&mut world, orientation, pairs, 250);
        first.extend(more.0);
        second.extend(more.1);
        starts.extend(more.2);
    }
    let got = world.mem(&fastq_pair(&first, &second), &[]);
    for (pair, &start) in got.chunks(2).zip(&starts) {
        // A mate without seeds can't be rescued in an orientation that has no model.
        if pair[0].name.starts_with("FF") {
            assert!(pair.iter().all(|record| record.flags & 2 == 0), "{pair:?}");
        } else {
            check_pair(pair, start, 2_500, true);
        }
    }
}

/// Too few pairs teach nothing; a model given as numbers or in a file makes them proper.
fn models_can_be_given() {
    let mut world = World::new(23);
    let (first, second, starts) = library(&mut world, "FR", 8, 300);
    let few = fastq_pair(&first, &second);
    assert!(world.mem(&few, &[]).iter().all(|record| record.flags & 2 == 0));
    let (first, second, _) = library(&mut world, "FR", 400, 300);
    world.mem(&fastq_pair(&first, &second), &[]);
    let path = world.path("model.json");
    let [one, two] = ["reads.0.fastq", "reads.1.fastq"].map(|name| world.path(name));
    svala_ok(&["insert-size", text(&world.reference), text(&one), text(&two), "-o", text(&path)]);
    for options in [&["-I", "400"][..], &["-I", "400.5,60,800,100"], &["--insert-model", text(&path)]] {
        let got = world.mem(&few, options);
        for (pair, &start) in got.chunks(2).zip(&starts) {
            check_pair(pair, start, 300, true);
        }
    }
    // Sizes out of the range given aren't proper.
    assert!(world.mem(&few, &["-I", "900,10"]).iter().all(|record| record.flags & 2 == 0));
}

/// A model file that is none, and options that contradict each other, are refused.
fn bad_models_are_refused() {
    let world = World::new(24);
    let run = |options: &[&str]| {
        let mut arguments = vec!["mem"];
        arguments.extend(options);
        arguments.extend([text(&world.reference), text(&world.reference)]);
        svala(&arguments)
    };
    let path = world.path("model.json");
    for content in ["", "{}", "[1]", r#"{"format":"svala insert-size model 1","FR":{"low":1}}"#] {
        std::fs::write(&path, content).expect("a temporary file");
        let output = run(&["--insert-model", text(&path)]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{content}: {error}");
        assert!(error.contains("model.json") && error.lines().count() == 1, "{error}");
    }
    assert_eq!(run(&["--insert-model", "absent.json"]).status.code(), Some(1));
    for usage in
        [&["-I", "x"][..], &["-I", "400,10,300,350"], &["-I", "400", "--insert-model", text(&path)], &["-h", "x"]]
    {
        assert_eq!(run(usage).status.code(), Some(2), "{usage:?}");
    }
}

fn main() -> ExitCode {
    conclude(vec![
        trial("every orientation is learnt", every_orientation_is_learnt),
        trial("orientations share a library", orientations_share_a_library),
        trial("models can be given", models_can_be_given),
        trial("bad models are refused", bad_models_are_refused),
    ])
}
