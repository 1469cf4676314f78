//! Duplicates are those of Picard MarkDuplicates, but for ties, and so are the metrics.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::made_up::World;
use common::{
    Random, Record, conclude, fastq_pair, has_program, records, reverse_complement, svala_ok, text, trial_if,
};

/// Templates that are cut out of the reference, unless `SVALA_MOLECULES` says how many.
const MOLECULES: usize = 20_000;
/// Bases of the reference for each.
const BASES_EACH: usize = 10;
const READ_BASES: usize = 100;
const DUPLICATE: u16 = 0x400;

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

/// FASTQ text with qualities of a sequencer's kind: mostly high, so that ties occur, some too low to count.
fn with_qualities(fastq: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let text = String::from_utf8(fastq).expect("FASTQ is text");
    let lines = text.lines().enumerate().map(|(number, line)| match number % 4 {
        3 => line.chars().map(|_| char::from(b"#+/05:FFFFIIIIII"[random.below(16)])).chain(['\n']).collect(),
        _ => format!("{line}\n"),
    });
    lines.collect::<String>().into_bytes()
}

/// The reads in files, and everything that is made of them.
struct Bench {
    world: World,
    /// Templates before copying.
    molecules: usize,
    files: Vec<PathBuf>,
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
        let files = ["dup.1.fq", "dup.2.fq"].map(|name| world.path(name));
        let fastq = fastq_pair(&first, &second).map(|content| with_qualities(content, &mut world.random));
        files.iter().zip(&fastq).for_each(|(path, content)| std::fs::write(path, content).expect("a temporary file"));
        let lanes = deal(&world, &fastq);
        Self { world, molecules, files: files.to_vec(), lanes }
    }

    /// Aligns the first or both files, or all lanes without any.
    fn align(&self, name: &str, mates: usize, options: &[&str]) -> PathBuf {
        let output = self.world.path(name);
        let mut arguments = vec!["align", "--ref", text(&self.world.reference), "-o", text(&output)];
        for (option, file) in ["-1", "-2"].iter().zip(&self.files[..mates]) {
            arguments.extend([option, text(file)]);
        }
        for lane in self.lanes.iter().filter(|_| mates == 0) {
            arguments.extend(["--in-fq", text(&lane.files[0]), text(&lane.files[1]), lane.group]);
        }
        arguments.extend(options);
        svala_ok(&arguments);
        output
    }

    /// Picard's output and metrics for the same reads. It marks all records of a template if they stand together.
    fn picard(&self, case: &Case) -> [PathBuf; 2] {
        let Case { name, mates, options, distance, barcode_tag } = case;
        let mut options = [&["--sort", "none"], *options].concat();
        options.extend(barcode_tag.iter().flat_map(|tag| ["--barcode-tag", tag]));
        let input = self.align(&format!("{name}.unsorted.bam"), *mates, &options);
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
    score: u32,
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
            let phred = record.qualities.bytes().map(|letter| u32::from(letter - b'!'));
            template.score += phred.filter(|&quality| quality >= 15).sum::<u32>();
        }
    }
    assert!(templates.values().all(|t| t.flagged == 0 || t.flagged == t.records), "a template is flagged in part");
    templates
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
    /// Files of reads, or none for all lanes.
    mates: usize,
    options: &'static [&'static str],
    distance: &'static str,
    barcode_tag: Option<&'static str>,
}

const PAIRS: Case = Case {
    name: "pairs",
    mates: 2,
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
    let ours = bench.align(&format!("{}.bam", case.name), case.mates, &options);
    let [theirs, their_metrics] = bench.picard(&case);
    let rows = metrics(&metrics_file);
    assert_eq!(rows, metrics(&their_metrics));
    assert_eq!(rows.len(), if case.mates == 0 { 3 } else { 2 });
    let (ours, theirs) = (templates(&ours), templates(&theirs));
    assert_eq!(ours.len(), theirs.len());
    // Of copies that either keeps, the score is the same: nothing but a tie can differ.
    let mut kept: HashMap<_, [Vec<u32>; 2]> = HashMap::new();
    let (mut ties, mut records, mut other_records) = (0, 0, 0);
    for (name, own) in &ours {
        let their = &theirs[name];
        assert_eq!((&own.ends, own.score, own.records), (&their.ends, their.score, their.records));
        ties += usize::from(own.flagged != their.flagged);
        records += own.records;
        other_records += own.flagged.abs_diff(their.flagged);
        for (side, flagged) in [own.flagged, their.flagged].into_iter().enumerate() {
            if flagged == 0 {
                kept.entry((&own.ends, &own.barcode, &own.library)).or_default()[side].push(own.score);
            }
        }
    }
    for (ends, scores) in kept.iter_mut().filter(|((ends, ..), _)| !ends.is_empty()) {
        scores.iter_mut().for_each(|scores| scores.sort_unstable());
        assert_eq!(scores[0], scores[1], "{ends:?}");
        assert!(scores[0].len() <= 1);
    }
    let duplicates = ours.values().filter(|template| template.flagged > 0).count();
    println!(
        "{}: {duplicates} of {} templates are duplicates; {ties} are kept or not by a tie, {other_records} of {records} records",
        case.name,
        ours.len()
    );
    assert!(ties * 100 < ours.len());
    duplicates
}

fn pairs_are_those_of_picard(bench: &Bench) {
    let found = check_against_picard(bench, PAIRS);
    assert!(found > bench.molecules / 2);
}

fn single_reads_are_those_of_picard(bench: &Bench) {
    // Without a library.
    let options = &["-R", r"@RG\tID:lane\tSM:s"];
    let found = check_against_picard(bench, Case { name: "single", mates: 1, options, ..PAIRS });
    assert!(found > bench.molecules / 2);
}

fn barcodes_are_told_apart_as_by_picard(bench: &Bench) {
    let all = templates(&bench.align("no-barcodes.bam", 2, &[]));
    let all = all.values().filter(|template| template.flagged > 0).count();
    let barcode_tag = Some("RX");
    let pairs = check_against_picard(bench, Case { name: "barcodes", barcode_tag, ..PAIRS });
    assert!(pairs > bench.molecules / 4 && pairs * 10 < all * 9, "{pairs} of {all}");
    check_against_picard(bench, Case { name: "single-barcodes", mates: 1, barcode_tag, ..PAIRS });
}

fn lanes_of_two_libraries_are_those_of_picard(bench: &Bench) {
    let one_library = templates(&bench.align("one-library.bam", 2, &[]));
    let one_library = one_library.values().filter(|template| template.flagged > 0).count();
    let lanes = Case { name: "lanes", mates: 0, options: &[], ..PAIRS };
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
    let marked = view(&bench.align("marked.bam", 2, &["--max-mem", "1"]));
    let removed = view(&bench.align("removed.bam", 2, &["--rmdup"]));
    let ignored = view(&bench.align("ignored.bam", 2, &["--no-markdup"]));
    let flagged = |records: &[Record]| records.iter().filter(|record| record.flags & DUPLICATE != 0).count();
    assert!(flagged(&marked) > bench.molecules && flagged(&removed) == 0 && flagged(&ignored) == 0);
    assert!(ignored.len() == marked.len());
    assert!(kept(marked) == kept(removed));
}

fn main() {
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
        with(picard, "duplicate single reads are those of picard", single_reads_are_those_of_picard),
        with(picard, "lanes of two libraries are those of picard", lanes_of_two_libraries_are_those_of_picard),
        with(picard, "optical duplicates are those of picard at any distance", optical_distances_are_those_of_picard),
        with(picard, "barcodes are told apart as by picard", barcodes_are_told_apart_as_by_picard),
        with("samtools", "duplicates are marked, removed or left", options_do_what_they_say),
    ])
}
