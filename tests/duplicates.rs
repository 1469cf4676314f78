//! Duplicates are those of Picard MarkDuplicates, but for ties where names have no place on the flow cell, and so are the metrics.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;

use common::made_up::World;
use common::{
    READS, Random, Record, conclude, data, fastq_pair, fastq_records, has_program, records, reverse_complement,
    samtools, svala_ok, text, trial_if,
};

/// Templates that are cut out of the reference, unless `SVALA_MOLECULES` says how many.
const MOLECULES: usize = 20_000;
/// Bases of the reference for each.
const BASES_EACH: usize = 10;
const READ_BASES: usize = 100;
const DUPLICATE: u16 = 0x400;
const FAILED: u16 = 0x200;

type NamedReads = Vec<(String, Vec<u8>)>;

/// Made-up reads with copies: PCR copies with errors, optical copies, lost mates, chimeric reads, swapped mates.
fn make_reads(world: &mut World, molecules: usize) -> [NamedReads; 2] {
    let mut reads = [Vec::new(), Vec::new()];
    for molecule in 0..molecules {
        let length = 150 + world.random.below(350);
        let fragment = world.cut(length).bases;
        let mut mates = [fragment[..READ_BASES].to_vec(), reverse_complement(&fragment)[..READ_BASES].to_vec()];
        if molecule % 50 == 0 {
            let elsewhere = world.cut(READ_BASES / 2).bases;
            mates[0][READ_BASES / 2..].copy_from_slice(&elsewhere);
        }
        let random = &mut world.random;
        let copies = if random.below(4) == 0 { 2 + random.below(6) } else { 1 };
        let mut spot = Spot::new(random);
        for copy_number in 0..copies {
            spot = if random.below(2) == 0 { Spot::new(random) } else { spot.neighbour(random) };
            let mut copy = mates.each_ref().map(|mate| with_errors(mate, random));
            match random.below(20) {
                0 => copy[0] = random.bases(READ_BASES),
                1 => copy[1] = random.bases(READ_BASES),
                2 => copy.reverse(),
                _ => {}
            }
            let umi = if random.below(5) == 0 { 1 + random.below(3) } else { 0 };
            let umi = ["ACGT-TTTT", "ACGA-TTTT", "ACGT-TTTN", "CCGT-TTTT"][umi];
            let name = format!("m:1:{molecule}:{copy_number}:{}:{}:{} RX:Z:{umi}", spot.tile, spot.x, spot.y);
            reads.iter_mut().zip(copy).for_each(|(reads, mate)| reads.push((name.clone(), mate)));
        }
    }
    reads
}

/// A place on the flow cell.
#[derive(Clone, Copy)]
struct Spot {
    tile: usize,
    x: usize,
    y: usize,
}

impl Spot {
    fn new(random: &mut Random) -> Self {
        Self { tile: 1101 + random.below(3), x: random.below(70_000), y: random.below(40_000) }
    }

    /// One on the same tile, near or just too far for an optical duplicate.
    fn neighbour(self, random: &mut Random) -> Self {
        Self { x: self.x + random.below(110), y: self.y + random.below(110), ..self }
    }
}

fn with_errors(bases: &[u8], random: &mut Random) -> Vec<u8> {
    bases.iter().map(|&base| if random.below(200) == 0 { b"ACGT"[random.below(4)] } else { base }).collect()
}

/// Two files of FASTQ text with the qualities of real reads, so that copies tie as often as real ones.
fn with_qualities(fastq: [Vec<u8>; 2], random: &mut Random) -> [Vec<u8>; 2] {
    let mut files = fastq.into_iter().zip(READS);
    std::array::from_fn(|_| {
        let (text, real) = files.next().expect("two files");
        let real = fastq_records(&data(real));
        let qualities: Vec<&str> = real.iter().filter_map(|record| record.lines().nth(3)).collect();
        assert!(qualities.iter().all(|line| line.len() == READ_BASES));
        let text = String::from_utf8(text).expect("FASTQ is text");
        let lines = text.lines().enumerate().map(|(number, line)| match number % 4 {
            3 => format!("{}\n", qualities[random.below(qualities.len())]),
            _ => format!("{line}\n"),
        });
        lines.collect::<String>().into_bytes()
    })
}

/// The same with names that don't say where a cluster was, and qualities in the four bins of newer sequencers, which tie more often.
fn without_places(fastq: &[u8]) -> String {
    let text = std::str::from_utf8(fastq).expect("FASTQ is text");
    let bin = |letter: char| match letter {
        '#' => '#',
        '$'..'4' => '-',
        '4'..'?' => '8',
        _ => 'F',
    };
    let line = |(number, line): (usize, &str)| match number % 4 {
        0 => line.split(' ').next().unwrap_or_default().replace(':', "."),
        3 => line.chars().map(bin).collect(),
        _ => line.to_owned(),
    };
    text.lines().enumerate().map(|numbered| line(numbered) + "\n").collect()
}

/// The same as unaligned SAM text; the sequencer has failed every fifth template.
fn with_failed(fastq: &[Vec<u8>; 2]) -> String {
    let mut sam = String::from("@HD\tVN:1.6\tSO:unsorted\tGO:query\n@RG\tID:lane\tSM:s\tLB:library 1\n");
    let text = fastq.each_ref().map(|content| std::str::from_utf8(content).expect("FASTQ is text"));
    let lines = text.map(|text| text.lines().collect::<Vec<_>>());
    for (number, (first, last)) in lines[0].chunks(4).zip(lines[1].chunks(4)).enumerate() {
        let failed = if number % 5 == 0 { FAILED } else { 0 };
        for (read, flags) in [(first, 77), (last, 141)] {
            let name = read[0][1..].split(' ').next().unwrap_or_default();
            sam += &format!("{name}\t{}\t*\t0\t0\t*\t*\t0\t0\t{}\t{}\tRG:Z:lane\n", flags | failed, read[1], read[3]);
        }
    }
    sam
}

/// Which of the files of reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reads {
    /// First mates alone.
    Single,
    Pairs,
    /// Pairs in lanes of two libraries.
    Lanes,
    /// Pairs [`without_places`].
    Plain,
    /// Pairs [`with_failed`] ones.
    Failed,
}

/// The reads in files, and everything that is made of them.
struct Bench {
    world: World,
    /// Templates before copying.
    molecules: usize,
    files: [PathBuf; 2],
    plain: [PathBuf; 2],
    failed: PathBuf,
    /// The same reads in files of these lanes, two lanes of each of two libraries.
    lanes: Vec<Lane>,
}

/// A lane with its read group, whose identifier starts with the library's name.
struct Lane {
    files: [PathBuf; 2],
    group: &'static str,
}

const GROUPS: [&str; 4] = [
    r"@RG\tID:two.1\tSM:s\tLB:two",
    r"@RG\tID:one.1\tSM:s\tLB:one",
    r"@RG\tID:two.2\tSM:s\tLB:two",
    r"@RG\tID:one.2\tSM:s\tLB:one",
];

/// Deals reads out to lanes.
fn deal(world: &World, fastq: &[Vec<u8>; 2]) -> Vec<Lane> {
    let text = fastq.each_ref().map(|content| std::str::from_utf8(content).expect("FASTQ is text"));
    let reads = text.map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
    let mut random = Random(7);
    let choices: Vec<usize> = reads[0].chunks(4).map(|_| random.below(GROUPS.len())).collect();
    let lane = |(number, group): (usize, &'static str)| {
        let files = [0, 1].map(|mate| {
            let own = reads[mate].chunks(4).zip(&choices).filter(|(_, choice)| **choice == number);
            let path = world.path(&format!("lane{number}.{}.fq", mate + 1));
            std::fs::write(&path, own.flat_map(|(read, _)| read).copied().collect::<String>())
                .expect("a temporary file");
            path
        });
        Lane { files, group }
    };
    GROUPS.into_iter().enumerate().map(lane).collect()
}

impl Bench {
    fn new() -> Self {
        let molecules = std::env::var("SVALA_MOLECULES").map_or(MOLECULES, |text| text.parse().expect("a number"));
        let mut world = World::sized(2024, molecules * BASES_EACH);
        let [first, second] = make_reads(&mut world, molecules);
        let fastq = with_qualities(fastq_pair(&first, &second), &mut world.random);
        let write = |name: String, content: &[u8]| {
            let path = world.path(&name);
            std::fs::write(&path, content).expect("a temporary file");
            path
        };
        let files = [0, 1].map(|i| write(format!("dup.{}.fq", i + 1), &fastq[i]));
        let plain = [0, 1].map(|i| write(format!("plain.{}.fq", i + 1), without_places(&fastq[i]).as_bytes()));
        let sam = write("failed.sam".into(), with_failed(&fastq).as_bytes());
        let failed = world.path("failed.in.bam");
        if has_program("samtools") {
            samtools(&["view", "-b", "-o", text(&failed), text(&sam)]);
        }
        let lanes = deal(&world, &fastq);
        Self { world, molecules, files, plain, failed, lanes }
    }

    /// Aligns reads.
    fn align(&self, name: &str, reads: Reads, options: &[&str]) -> PathBuf {
        let output = self.world.path(name);
        let mut arguments = vec!["align", "--ref", text(&self.world.reference), "-o", text(&output)];
        match reads {
            Reads::Single => arguments.extend(["-1", text(&self.files[0])]),
            Reads::Pairs => arguments.extend(["-1", text(&self.files[0]), "-2", text(&self.files[1])]),
            Reads::Plain => arguments.extend(["-1", text(&self.plain[0]), "-2", text(&self.plain[1])]),
            Reads::Failed => arguments.extend(["-1", text(&self.failed)]),
            Reads::Lanes => arguments.extend(
                self.lanes
                    .iter()
                    .flat_map(|Lane { files, group }| ["--in-fq", text(&files[0]), text(&files[1]), group]),
            ),
        }
        arguments.extend(options);
        svala_ok(&arguments);
        output
    }

    /// Picard's output and metrics for the same reads. It marks all records of a template if they stand together.
    fn picard(&self, case: &Case) -> [PathBuf; 2] {
        let Case { name, reads, options, distance, barcode_tag } = case;
        let mut options = [&["--sort", "none"], *options].concat();
        options.extend(barcode_tag.iter().flat_map(|tag| ["--barcode-tag", tag]));
        let input = self.align(&format!("{name}.unsorted.bam"), *reads, &options);
        let [output, metrics] = ["bam", "txt"].map(|ext| self.world.path(&format!("{name}.picard.{ext}")));
        let mut command = Command::new("PicardCommandLine");
        command.args(["MarkDuplicates", "VALIDATION_STRINGENCY=SILENT", "ASSUME_SORT_ORDER=queryname"]);
        command.arg(format!("I={}", text(&input))).arg(format!("O={}", text(&output)));
        command.arg(format!("M={}", text(&metrics))).arg(format!("OPTICAL_DUPLICATE_PIXEL_DISTANCE={distance}"));
        command.args(barcode_tag.iter().map(|tag| format!("BARCODE_TAG={tag}")));
        let run = command.output().expect("picard starts");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        [output, metrics]
    }
}

fn view(path: &Path) -> Vec<Record> {
    let output = Command::new("samtools").args(["view", text(path)]).output().expect("samtools starts");
    assert!(output.status.success());
    records(&output.stdout)
}

/// A template by its primary records.
#[derive(Debug, Default)]
struct Template {
    /// Contig, unclipped 5' position and strand of its mapped reads, sorted.
    ends: Vec<(String, i64, bool)>,
    barcode: Option<String>,
    /// The first part of the read group's identifier.
    library: Option<String>,
    /// Sum of qualities, less a constant for each read that failed, and tile, x and y of the name: what decides between copies.
    rank: (i64, Option<[i16; 3]>),
    flagged: usize,
    records: usize,
}

fn templates(path: &Path) -> HashMap<String, Template> {
    let mut templates: HashMap<String, Template> = HashMap::new();
    for record in view(path) {
        let template = templates.entry(record.name.clone()).or_default();
        template.records += 1;
        template.flagged += usize::from(record.flags & DUPLICATE != 0);
        if record.is_primary() && record.is_mapped() {
            template.ends.push(end(&record));
            template.ends.sort();
            template.barcode = record.tags.get("RX").cloned();
            template.library = record.tags.get("RG").and_then(|id| Some(id.split_once('.')?.0.to_owned()));
            let phred = record.qualities.bytes().map(|letter| i64::from(letter - b'!'));
            template.rank.0 += phred.filter(|&quality| quality >= 15).sum::<i64>();
            template.rank.0 -= i64::from(record.flags & FAILED) * 32;
            template.rank.1 = place(&record.name);
        }
    }
    assert!(templates.values().all(|t| t.flagged == 0 || t.flagged == t.records), "a template is flagged in part");
    templates
}

/// Tile, x and y, cut to 16 bits as Picard does.
fn place(name: &str) -> Option<[i16; 3]> {
    let fields: Vec<&str> = name.split(':').collect();
    let number = |field: usize| Some(fields.get(field)?.parse::<i32>().ok()? as i16);
    Some([number(4)?, number(5)?, number(6)?])
}

fn end(record: &Record) -> (String, i64, bool) {
    let reverse = record.flags & 0x10 != 0;
    let operations = record.operations();
    let covered: i64 = operations.iter().filter(|op| "MDN=X".contains(op.1)).map(|op| op.0).sum();
    let clipped = operations.last().filter(|op| "SH".contains(op.1)).map_or(0, |op| op.0);
    let position = if reverse { record.position + covered - 1 + clipped } else { record.unclipped_start() };
    (record.contig.clone(), position, reverse)
}

/// The rows of metrics under their names of columns.
fn metrics(path: &Path) -> Vec<String> {
    let content = std::fs::read_to_string(path).expect("metrics");
    let class = "## METRICS CLASS\tpicard.sam.DuplicationMetrics";
    let lines = content.lines().skip_while(|line| *line != class).skip(1);
    lines.take_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What is compared with Picard.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    reads: Reads,
    options: &'static [&'static str],
    distance: &'static str,
    barcode_tag: Option<&'static str>,
}

const PAIRS: Case = Case {
    name: "pairs",
    reads: Reads::Pairs,
    options: &["-R", r"@RG\tID:lane\tSM:s\tLB:library 1"],
    distance: "100",
    barcode_tag: None,
};

/// Compares with Picard and returns how many templates are duplicates.
fn check_against_picard(bench: &Bench, case: Case) -> usize {
    let metrics_file = bench.world.path(&format!("{}.txt", case.name));
    let mut options = vec!["--max-mem", "2", "--metrics", text(&metrics_file), "--optical-distance", case.distance];
    options.extend(case.options);
    options.extend(case.barcode_tag.iter().flat_map(|tag| ["--barcode-tag", tag]));
    let ours = bench.align(&format!("{}.bam", case.name), case.reads, &options);
    let [theirs, their_metrics] = bench.picard(&case);
    let rows = metrics(&metrics_file);
    assert_eq!(rows, metrics(&their_metrics));
    assert_eq!(rows.len(), if case.reads == Reads::Lanes { 3 } else { 2 });
    let (ours, theirs) = (templates(&ours), templates(&theirs));
    assert_eq!(ours.len(), theirs.len());
    // Of copies that either keeps, score and place are the same: nothing but a tie can differ.
    let mut kept: HashMap<_, [Vec<_>; 2]> = HashMap::new();
    let (mut ties, mut records, mut other_records) = (0, 0, 0);
    for (name, own) in &ours {
        let their = &theirs[name];
        assert_eq!((&own.ends, own.rank, own.records), (&their.ends, their.rank, their.records));
        ties += usize::from(own.flagged != their.flagged);
        records += own.records;
        other_records += own.flagged.abs_diff(their.flagged);
        for (side, flagged) in [own.flagged, their.flagged].into_iter().enumerate() {
            if flagged == 0 {
                kept.entry((&own.ends, &own.barcode, &own.library)).or_default()[side].push(own.rank);
            }
        }
    }
    for (ends, ranks) in kept.iter().filter(|((ends, ..), _)| !ends.is_empty()) {
        assert_eq!(ranks[0], ranks[1], "{ends:?}");
        assert!(ranks[0].len() <= 1);
    }
    let duplicates = ours.values().filter(|template| template.flagged > 0).count();
    println!(
        "{}: {duplicates} of {} templates are duplicates; {ties} are kept or not by a tie, {other_records} of {records} records",
        case.name,
        ours.len()
    );
    // Clusters at one place of two lanes can tie, and do once in a while.
    let most = if case.reads == Reads::Plain { records / 50 } else { records / 10_000 };
    assert!(other_records <= most, "{other_records} of {records}");
    duplicates
}

fn pairs_are_those_of_picard(bench: &Bench) {
    let found = check_against_picard(bench, PAIRS);
    assert!(found > bench.molecules / 2);
}

fn ties_without_places_are_the_only_difference_from_picard(bench: &Bench) {
    check_against_picard(bench, Case { name: "plain", reads: Reads::Plain, ..PAIRS });
}

fn failed_reads_are_the_lesser_copies(bench: &Bench) {
    let case = Case { name: "failed", reads: Reads::Failed, options: &[], ..PAIRS };
    let found = check_against_picard(bench, case);
    assert!(found > bench.molecules / 2);
    let flagged = view(&bench.world.path("failed.bam"));
    let share = |failed: u16| {
        let such: Vec<_> = flagged.iter().filter(|record| record.flags & FAILED == failed).collect();
        such.iter().filter(|record| record.flags & DUPLICATE != 0).count() as f64 / such.len() as f64
    };
    assert!(share(FAILED) > 1.2 * share(0), "{} {}", share(FAILED), share(0));
}

fn single_reads_are_those_of_picard(bench: &Bench) {
    // Without a library.
    let options = &["-R", r"@RG\tID:lane\tSM:s"];
    let found = check_against_picard(bench, Case { name: "single", reads: Reads::Single, options, ..PAIRS });
    assert!(found > bench.molecules / 2);
}

fn barcodes_are_told_apart_as_by_picard(bench: &Bench) {
    let all = templates(&bench.align("no-barcodes.bam", Reads::Pairs, &[]));
    let all = all.values().filter(|template| template.flagged > 0).count();
    let barcode_tag = Some("RX");
    let pairs = check_against_picard(bench, Case { name: "barcodes", barcode_tag, ..PAIRS });
    assert!(pairs > bench.molecules / 4 && pairs * 10 < all * 9, "{pairs} of {all}");
    check_against_picard(bench, Case { name: "single-barcodes", reads: Reads::Single, barcode_tag, ..PAIRS });
}

fn lanes_of_two_libraries_are_those_of_picard(bench: &Bench) {
    let one_library = templates(&bench.align("one-library.bam", Reads::Pairs, &[]));
    let one_library = one_library.values().filter(|template| template.flagged > 0).count();
    let lanes = Case { name: "lanes", reads: Reads::Lanes, options: &[], ..PAIRS };
    let found = check_against_picard(bench, lanes);
    // Some have all other copies in the other library.
    assert!(found > bench.molecules / 4 && found * 5 < one_library * 4, "{found} of {one_library}");
    check_against_picard(bench, Case { name: "barcoded-lanes", barcode_tag: Some("RX"), ..lanes });
}

fn optical_distances_are_those_of_picard(bench: &Bench) {
    check_against_picard(bench, Case { name: "patterned", distance: "2500", ..PAIRS });
    check_against_picard(bench, Case { name: "near", distance: "50", ..PAIRS });
    let optical = |name: &str| -> u64 {
        metrics(&bench.world.path(name))[1].split('\t').nth(7).expect("a column").parse().expect("a number")
    };
    assert!(optical("near.txt") > 1000 && optical("patterned.txt") > optical("near.txt") + 1000);
}

fn options_do_what_they_say(bench: &Bench) {
    let kept = |records: Vec<Record>| -> Vec<_> {
        let kept = records.into_iter().filter(|record| record.flags & DUPLICATE == 0);
        kept.map(|record| (record.name, record.flags, record.position)).collect()
    };
    let marked = view(&bench.align("marked.bam", Reads::Pairs, &["--max-mem", "1"]));
    let removed = view(&bench.align("removed.bam", Reads::Pairs, &["--rmdup"]));
    let ignored = view(&bench.align("ignored.bam", Reads::Pairs, &["--no-markdup"]));
    let flagged = |records: &[Record]| records.iter().filter(|record| record.flags & DUPLICATE != 0).count();
    assert!(flagged(&marked) > bench.molecules && flagged(&removed) == 0 && flagged(&ignored) == 0);
    assert!(ignored.len() == marked.len());
    assert!(kept(marked) == kept(removed));
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let with = |program: &str, name: &str, check: fn(&Bench)| {
        let bench = Arc::clone(&bench);
        let reason = format!("{program} is not installed");
        let available = has_program(program) && has_program("samtools");
        trial_if(name, available, &reason, "SVALA_REQUIRE_TOOLS", move || check(&bench))
    };
    let picard = "PicardCommandLine";
    conclude(vec![
        with(picard, "duplicate pairs are those of picard", pairs_are_those_of_picard),
        with(
            picard,
            "ties are the only difference from picard",
            ties_without_places_are_the_only_difference_from_picard,
        ),
        with(picard, "reads that failed are the lesser copies, as for picard", failed_reads_are_the_lesser_copies),
        with(picard, "duplicate single reads are those of picard", single_reads_are_those_of_picard),
        with(picard, "lanes of two libraries are those of picard", lanes_of_two_libraries_are_those_of_picard),
        with(picard, "optical duplicates are those of picard at any distance", optical_distances_are_those_of_picard),
        with(picard, "barcodes are told apart as by picard", barcodes_are_told_apart_as_by_picard),
        with("samtools", "duplicates are marked, removed or left", options_do_what_they_say),
    ])
}
