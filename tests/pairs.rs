//! Libraries of all four orientations, and insert-size models that are given instead of learnt.

mod common;

use std::process::ExitCode;

use common::made_up::World;
use common::running::said;
use common::{Record, conclude, fastq, fastq_pair, records, reverse_complement, svala, svala_ok, text, trial};

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

/// Random pairs, of something else.
fn others(world: &mut World, pairs: usize) -> Mates {
    (0..pairs).map(|i| (format!("other{i}"), world.random.bases(50))).collect()
}

/// Aligns pairs, and returns the SAM text and what was said. More threads, other batches and the model in a file must give the same.
fn aligned(world: &World, files: &[Vec<u8>; 2]) -> (Vec<u8>, String) {
    let paths = ["many.0.fastq", "many.1.fastq", "many.json"].map(|name| world.path(name));
    paths.iter().zip(files).for_each(|(path, content)| std::fs::write(path, content).expect("a temporary file"));
    let [first, second, model] = [0, 1, 2].map(|i| text(&paths[i]));
    let run = |options: &[&str]| {
        let output = svala(&[&["mem"], options, &[text(&world.reference), first, second]].concat());
        assert!(output.status.success(), "{output:?}");
        let said = said(&output);
        (output.stdout, said)
    };
    let (sam, said) = run(&["-t", "1"]);
    let body = |sam: &[u8]| {
        let lines = sam.split(|&byte| byte == b'\n').filter(|line| !line.starts_with(b"@"));
        lines.map(<[u8]>::to_vec).collect::<Vec<_>>()
    };
    assert!(run(&["-t", "3", "--batch-reads", "700"]).0 == sam, "threads and batches show");
    svala_ok(&["insert-size", text(&world.reference), first, second, "-o", model]);
    assert!(body(&run(&["--insert-model", model]).0) == body(&sam), "the model in the file is another");
    (sam, said)
}

/// How many reads of the library are in proper pairs.
fn proper(sam: &[u8]) -> usize {
    records(sam).iter().filter(|record| record.name.starts_with("FR") && record.flags & 2 != 0).count()
}

/// What stands before the library, or between its pairs, doesn't keep it from having a model; if there is none, that is said.
fn a_model_is_found_behind_other_reads() {
    let mut world = World::new(25);
    let [others_1, others_2] = [(); 2].map(|()| others(&mut world, 9_000));
    let (first, second, _) = library(&mut world, "FR", 300, 300);
    let behind = fastq_pair(&[&others_1[..], &first].concat(), &[&others_2[..], &second].concat());
    let (sam, said) = aligned(&world, &behind);
    assert_eq!(proper(&sam), 600, "{said}");
    assert!(!said.contains("warning"), "{said}");

    // Twelve of 9,012: bwa's rule, which takes ten.
    let among = |few: &Mates, others: &Mates| {
        let parts = few.iter().zip(others.chunks(750));
        parts.flat_map(|(read, others)| others.iter().chain([read])).cloned().collect::<Mates>()
    };
    let seeded = |mates: &Mates| mates.iter().skip(1).step_by(10).take(12).cloned().collect::<Mates>();
    let [few_1, few_2] = [seeded(&first), seeded(&second)];
    let rare = fastq_pair(&among(&few_1, &others_1), &among(&few_2, &others_2));
    assert_eq!(proper(&aligned(&world, &rare).0), 24);

    let (sam, said) = aligned(&world, &fastq_pair(&few_1[..9], &few_2[..9]));
    assert_eq!(proper(&sam), 0);
    assert_eq!(said.matches("warning: too few clear pairs for an insert-size model").count(), 1, "{said}");
}

/// Single reads where mates follow each other don't count as pairs; if there is nothing else, there is no model to miss.
fn single_reads_teach_nothing() {
    let mut world = World::new(26);
    let single = others(&mut world, 16_400);
    let (first, second, _) = library(&mut world, "FR", 300, 300);
    let in_turn: Mates = first.into_iter().zip(second).flat_map(|(one, two)| [one, two]).collect();
    let text_of =
        |reads: &[&Mates]| fastq(reads.iter().flat_map(|reads| reads.iter().map(|(n, b)| (n.clone(), &b[..]))));
    let path = world.path("in-turn.fastq");
    let run = |content: Vec<u8>| {
        std::fs::write(&path, content).expect("a temporary file");
        let output = svala(&["mem", "-p", text(&world.reference), text(&path)]);
        assert!(output.status.success(), "{output:?}");
        (proper(&output.stdout), said(&output).contains("too few clear pairs"))
    };
    assert_eq!(run(text_of(&[&single, &in_turn])), (600, false));
    assert_eq!(run(text_of(&[&single])), (0, false));
}

/// A file of reads taken for that of the mates too is no library.
fn the_same_reads_twice_are_no_pairs() {
    let mut world = World::new(27);
    let (first, ..) = library(&mut world, "FR", 100, 300);
    let (sam, said) = aligned(&world, &fastq_pair(&first, &first));
    assert_eq!((proper(&sam), said.contains("too few clear pairs")), (0, true));
}

/// The bounds of `-I` are distances of 5' ends, as in bwa, one less than TLEN, and may be large.
fn bounds_are_those_of_bwa() {
    let mut world = World::new(28);
    let sizes = [199, 200, 201, 202, 600, 601, 602, 45_000];
    let (mut first, mut second) = (Mates::new(), Mates::new());
    for size in sizes {
        let [one, two] = mates(&world.cut(size).bases, "FR");
        first.push((format!("FR{size}"), one));
        second.push((format!("FR{size}"), two));
    }
    let pairs = fastq_pair(&first, &second);
    let proper = |sizes: &str| {
        let records = world.mem(&pairs, &["-I", sizes]).into_iter().step_by(2).filter(|record| record.flags & 2 != 0);
        records.map(|record| record.name[2..].parse().expect("a size")).collect::<Vec<usize>>()
    };
    assert_eq!(proper("400,100,600,200"), [201, 202, 600, 601]);
    assert_eq!(proper("30000,8000,44999,201"), [202, 600, 601, 602, 45_000]);
    assert_eq!(proper("30000,8000,44998,600"), [601, 602]);
    assert_eq!(proper("40000,2000"), [45_000]);
}

fn main() -> ExitCode {
    conclude(vec![
        trial("every orientation is learnt", every_orientation_is_learnt),
        trial("orientations share a library", orientations_share_a_library),
        trial("models can be given", models_can_be_given),
        trial("bad models are refused", bad_models_are_refused),
        trial("a model is found behind other reads", a_model_is_found_behind_other_reads),
        trial("single reads teach nothing", single_reads_teach_nothing),
        trial("the same reads twice are no pairs", the_same_reads_twice_are_no_pairs),
        trial("bounds are those of bwa", bounds_are_those_of_bwa),
    ])
}
