//! Alternate loci named in `REF.alt`, on a made-up reference: reads keep the place and the mapping quality that they have without such
//! contigs, and are told beside it where an alternate locus is better.

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::Arc;

use common::sam_check::{Reference, check};
use common::{
    Random, Record, conclude, fastq_pair, has_program, records, reverse_complement, svala, svala_ok, text, trial,
    trial_if,
};

/// Bases of a mate, and of a fragment between 350 and 450.
const MATE: usize = 150;
/// Where the locus lies on the primary assembly.
const LOCUS: std::ops::Range<usize> = 100_000..160_000;
/// Where the alternate locus holds bases that the primary assembly has nowhere.
const NOVEL: std::ops::Range<usize> = 40_000..42_000;
/// Where it differs much.
const DIVERGENT: std::ops::Range<usize> = 10_000..14_000;
/// A gene, of which there are so many alleles.
const GENE: std::ops::Range<usize> = 200_000..203_000;
const ALLELES: usize = 150;

/// Pairs with names, as two files' reads.
type Mates = [Vec<(String, Vec<u8>)>; 2];

struct World {
    folder: tempfile::TempDir,
    primary: Vec<u8>,
    locus: Vec<u8>,
    alleles: Vec<Vec<u8>>,
}

impl World {
    /// The primary assembly, an alternate locus that differs from it by a thousandth, has a stretch of its own and lacks another, and
    /// alleles of a gene that differ by a hundredth.
    fn new() -> Self {
        let mut random = Random(7);
        let primary = random.bases(300_000);
        let mut locus = mutated(&primary[LOCUS], 1_000, &mut random);
        let divergent = mutated(&locus[DIVERGENT], 14, &mut random);
        locus.splice(DIVERGENT, divergent);
        locus.drain(30_000..30_025);
        locus.splice(NOVEL.start..NOVEL.start, random.bases(NOVEL.len()));
        let alleles = (0..ALLELES).map(|_| mutated(&primary[GENE], 100, &mut random)).collect();
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder"), primary, locus, alleles };
        let alternates: Vec<(String, &[u8])> = std::iter::once(("chr_locus_alt".into(), &world.locus[..]))
            .chain((1..).zip(&world.alleles).map(|(i, allele)| (format!("HLA-X*{i}"), &allele[..])))
            .collect();
        world.write("plain.fa", &[]);
        for name in ["unnamed.fa", "named.fa"] {
            world.write(name, &alternates);
        }
        let lines: String =
            alternates.iter().map(|(name, _)| format!("{name}\t0\tchr\t1\t60\t*\t*\t0\t0\t*\t*\n")).collect();
        std::fs::write(world.path("named.fa.alt"), format!("@SQ\tSN:chr\tLN:300000\n{lines}")).expect("a file");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes and indexes a reference of the primary assembly and other contigs, with a contig of the primary assembly behind them.
    fn write(&self, name: &str, others: &[(String, &[u8])]) {
        let last = Random(8).bases(20_000);
        let mut fasta = String::new();
        for (name, bases) in std::iter::once(("chr", &self.primary[..]))
            .chain(others.iter().map(|(name, bases)| (name.as_str(), *bases)))
            .chain([("last", &last[..])])
        {
            fasta += &format!(">{name}\n{}\n", String::from_utf8_lossy(bases));
        }
        std::fs::write(self.path(name), fasta).expect("a file");
        svala_ok(&["index", text(&self.path(name))]);
    }

    /// Runs `svala mem` on pairs.
    fn output(&self, reference: &str, pairs: &Mates, options: &[&str]) -> Output {
        // Tests run side by side.
        let folder = tempfile::tempdir_in(self.folder.path()).expect("a temporary folder");
        let paths = write_pairs(folder.path(), pairs);
        let [one, two] = &paths;
        svala(&[&["mem"], options, &[text(&self.path(reference)), text(one), text(two)]].concat())
    }

    fn sam(&self, reference: &str, pairs: &Mates, options: &[&str]) -> Vec<u8> {
        let output = self.output(reference, pairs, options);
        assert!(output.status.success(), "{output:?}");
        output.stdout
    }

    fn mem(&self, reference: &str, pairs: &Mates, options: &[&str]) -> Vec<Record> {
        records(&self.sam(reference, pairs, options))
    }
}

fn write_pairs(folder: &Path, pairs: &Mates) -> [PathBuf; 2] {
    let paths = ["1.fq", "2.fq"].map(|name| folder.join(name));
    for (path, reads) in paths.iter().zip(fastq_pair(&pairs[0], &pairs[1])) {
        std::fs::write(path, reads).expect("a file");
    }
    paths
}

/// A copy in which one base of so many is another.
fn mutated(bases: &[u8], of: usize, random: &mut Random) -> Vec<u8> {
    let other = |base: u8, by: usize| b"ACGT"[(b"ACGT".iter().position(|&b| b == base).expect("a base") + by) % 4];
    bases.iter().map(|&b| if random.below(of) == 0 { other(b, 1 + random.below(3)) } else { b }).collect()
}

/// Pairs of fragments that start in `starts`, which their names tell, with a wrong base in 200.
fn pairs(bases: &[u8], starts: std::ops::Range<usize>, count: usize, seed: u64) -> Mates {
    let mut random = Random(seed);
    let mut mates = [Vec::new(), Vec::new()];
    for i in 0..count {
        let start = starts.start + random.below(starts.len());
        let fragment = &bases[start..start + 350 + random.below(101)];
        let reads = [fragment[..MATE].to_vec(), reverse_complement(&fragment[fragment.len() - MATE..])];
        let turned = random.below(2);
        for mate in 0..2 {
            let read = mutated(&reads[mate ^ turned], 200, &mut random);
            mates[mate].push((format!("p{i}:{start}"), read));
        }
    }
    mates
}

fn start_of(record: &Record) -> i64 {
    record.name.split_once(':').expect("a name of ours").1.parse().expect("a number")
}

/// Whether a record lies where its pair was cut from, give or take what the alternate locus lacks.
fn lies_on(record: &Record, contig: &str, shift: i64) -> bool {
    (-30..480).contains(&(record.position - shift - start_of(record))) && record.contig == contig
}

fn primaries(all: &[Record]) -> impl Iterator<Item = &Record> {
    all.iter().filter(|record| record.is_primary())
}

/// Of how many records something holds, in a hundred.
fn percent<'r>(records: impl Iterator<Item = &'r Record>, holds: impl Fn(&Record) -> bool) -> usize {
    let (all, those) = records.fold((0, 0), |(all, those), record| (all + 1, those + usize::from(holds(record))));
    100 * those / usize::max(all, 1)
}

/// What a record says of the primary assembly.
fn on_primary(record: &Record) -> (String, u16, String, i64, u8, String, i64, [Option<String>; 3]) {
    let tags = ["AS", "XS", "NM"].map(|tag| record.tags.get(tag).cloned());
    let Record { name, flags, contig, position, mapq, cigar, template_length, .. } = record.clone();
    (name, flags, contig, position, mapq, cigar, template_length, tags)
}

/// Reads of the primary assembly are placed as if there were no alternate loci, with their mapping quality.
fn reads_of_the_primary_assembly_keep_their_places(world: &World) {
    let reads = pairs(&world.primary, 90_000..170_000, 3_000, 1);
    let all = world.mem("named.fa", &reads, &[]);
    assert_eq!(primaries(&all).count(), 6_000);
    for record in primaries(&all) {
        assert!(lies_on(record, "chr", 1) && record.mapq >= 30 && record.flags & 2 != 0, "{record:?}");
    }
    let plain: Vec<_> = world.mem("plain.fa", &reads, &[]).iter().filter(|r| r.is_primary()).map(on_primary).collect();
    let named: Vec<_> = primaries(&all).map(on_primary).collect();
    let differ: Vec<_> = plain.iter().zip(&named).filter(|(plain, named)| plain != named).collect();
    assert!(differ.is_empty(), "{}: {:?}", differ.len(), differ.first());
    let names_it = |r: &Record| r.tags.get("XA").is_some_and(|others| others.contains("chr_locus_alt,"));
    let inside = |r: &&Record| (100_500..159_000).contains(&start_of(r)) && !(109_000..114_500).contains(&start_of(r));
    assert!(percent(primaries(&all).filter(inside), names_it) >= 95);
}

/// Without the file the same reads lose their mapping quality, and a warning says so; `-j` doesn't read the file.
fn without_the_file_there_is_a_warning(world: &World) {
    let reads = pairs(&world.primary, 120_000..150_000, 500, 2);
    let unnamed = world.output("unnamed.fa", &reads, &[]);
    let said = String::from_utf8_lossy(&unnamed.stderr).into_owned();
    assert!(said.contains("warning: 151 contigs, chr_locus_alt the first") && said.contains("REF.alt"), "{said}");
    let unnamed = records(&unnamed.stdout);
    assert!(percent(primaries(&unnamed), |r| r.mapq < 30) > 50);
    let named = world.output("named.fa", &reads, &[]);
    let said = String::from_utf8_lossy(&named.stderr).into_owned();
    assert!(said.contains("read 151 ALT contigs") && !said.contains("warning"), "{said}");
    let header = String::from_utf8_lossy(&named.stdout).into_owned();
    assert_eq!(header.lines().filter(|line| line.starts_with("@SQ") && line.contains("\tAH:*")).count(), 151);
    let ignored = world.sam("named.fa", &reads, &["-j"]);
    assert!(!String::from_utf8_lossy(&ignored).contains("\tAH:"));
    let [ignored, unnamed] = [records(&ignored), unnamed].map(|all| all.iter().map(on_primary).collect::<Vec<_>>());
    assert_eq!(ignored, unnamed);
}

/// The same is said where it costs nothing yet, once, and so is that a file names no contig of the reference.
fn indexing_warns_too(world: &World) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let warnings = |reference: &str, file: Option<&str>| {
        let copy = folder.path().join(reference);
        std::fs::copy(world.path(reference), &copy).expect("the reference can be copied");
        if let Some(lines) = file {
            std::fs::write(folder.path().join(format!("{reference}.alt")), lines).expect("a file");
        }
        let output = svala(&["index", text(&copy)]);
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.lines().filter(|line| line.contains("warning")).map(str::to_owned).collect::<Vec<_>>()
    };
    let unnamed = warnings("unnamed.fa", None);
    assert!(matches!(&unnamed[..], [line] if line.contains("151 contigs, chr_locus_alt the first")), "{unnamed:?}");
    let other = warnings("unnamed.fa", Some("another_alt\t0\tchr\n"));
    assert!(
        matches!(&other[..], [line] if line.contains("records of alternate loci that the reference has")),
        "{other:?}"
    );
    assert_eq!(warnings("unnamed.fa", Some("chr_locus_alt\t0\tchr\n")), [""; 0]);
    assert_eq!(warnings("plain.fa", None), [""; 0]);
}

/// A read that an alternate locus suits better is primary on the primary assembly, with the share of the score, and supplementary on
/// the locus, with all its bases; and that record names the place on the primary assembly.
fn better_alternates_are_supplementary(world: &World) {
    let reads = pairs(&world.locus, DIVERGENT.start + 500..DIVERGENT.end - 1_000, 500, 3);
    let all = world.mem("named.fa", &reads, &[]);
    let mut by_read: HashMap<(String, usize), Vec<&Record>> = HashMap::new();
    all.iter().for_each(|record| by_read.entry((record.name.clone(), record.mate())).or_default().push(record));
    let plain = world.mem("plain.fa", &reads, &[]);
    let same =
        primaries(&plain).zip(primaries(&all)).filter(|(plain, own)| on_primary(plain) == on_primary(own)).count();
    assert!(same >= 990, "{same} of 1000 are as without the locus");
    let score = |record: &Record| record.tags["AS"].parse::<f64>().expect("a score");
    let mut better = 0;
    for records in by_read.values() {
        let [primary, rest @ ..] = &records[..] else { panic!("no record") };
        assert!(lies_on(primary, "chr", 100_001) && primary.flags & 2 != 0, "{primary:?}");
        let Some(locus) = rest.iter().find(|record| record.contig == "chr_locus_alt") else { continue };
        better += 1;
        assert!(locus.flags & 0x800 != 0 && lies_on(locus, "chr_locus_alt", 1), "{locus:?}");
        assert_eq!((locus.bases.len(), locus.cigar.contains('H')), (MATE, false), "{locus:?}");
        assert!(score(locus) > score(primary), "{records:?}");
        let share: f64 = primary.tags["pa"].parse().expect("a number");
        assert!((share - score(primary) / score(locus)).abs() < 0.000_6, "{records:?}");
        assert!(!locus.tags.contains_key("pa") && primary.tags["SA"].starts_with("chr_locus_alt,"), "{records:?}");
        let far = score(primary) <= 0.8 * score(locus);
        assert!(far || locus.tags["XA"].starts_with("chr,"), "{records:?}");
        assert!(!primary.tags.contains_key("XA"), "{records:?}");
    }
    assert!(100 * better >= 95 * by_read.len(), "{better} of {}", by_read.len());
}

/// What the primary assembly has nowhere is placed on the alternate locus.
fn novel_sequence_is_placed_on_the_alternate(world: &World) {
    let reads = pairs(&world.locus, NOVEL.start..NOVEL.end - 500, 300, 4);
    let all = world.mem("named.fa", &reads, &[]);
    assert_eq!(all.len(), 600);
    for record in &all {
        assert!(lies_on(record, "chr_locus_alt", 1) && record.mapq >= 30 && record.flags & 2 != 0, "{record:?}");
    }
    // One mate in, the other out: each where it belongs, and no proper pair.
    let reads = pairs(&world.locus, NOVEL.start - 180..NOVEL.start - 170, 50, 5);
    let all = world.mem("named.fa", &reads, &["-I", "400,30"]);
    for record in primaries(&all) {
        let is_in = record.contig == "chr_locus_alt";
        let shift = if is_in { 1 } else { 100_026 };
        assert!(record.is_mapped() && lies_on(record, &record.contig, shift), "{record:?}");
    }
    assert_eq!(percent(primaries(&all), |r| r.contig == "chr"), 50);
    assert_eq!(percent(primaries(&all), |r| r.flags & 2 != 0), 0);
}

/// A crowd of alleles takes nothing from the gene.
fn alleles_do_not_hide_the_gene(world: &World) {
    let reads = pairs(&world.primary, GENE.start - 500..GENE.end, 1_000, 6);
    let all = world.mem("named.fa", &reads, &[]);
    for record in primaries(&all) {
        assert!(lies_on(record, "chr", 1), "{record:?}");
        assert!(record.mapq >= 30, "{record:?}");
    }
    let mut found = 0;
    for (number, allele) in world.alleles.iter().enumerate().step_by(10) {
        let reads = pairs(allele, 0..GENE.len() - 450, 20, 100 + number as u64);
        let all = world.mem("named.fa", &reads, &["-I", "400,30"]);
        for record in primaries(&all) {
            assert!(lies_on(record, "chr", 200_001) && record.mapq >= 20, "{number}: {record:?}");
        }
        let own = format!("HLA-X*{}", number + 1);
        found += all.iter().filter(|r| r.flags & 0x800 != 0 && r.contig == own).count();
    }
    // 600 reads; a read that has no difference of its allele has no better place there.
    assert!(found > 250, "{found}");
}

/// All ways to write records hold together.
fn every_way_is_consistent(world: &World) {
    let contigs = Reference::of(&world.path("named.fa"));
    let mut reads = pairs(&world.locus, 5_000..45_000, 1_500, 9);
    let more = pairs(&world.primary, 99_000..161_000, 500, 10);
    for (mate, more) in reads.iter_mut().zip(more) {
        mate.extend(more.into_iter().map(|(name, bases)| (format!("primary-{name}"), bases)));
    }
    let plain = world.sam("named.fa", &reads, &[]);
    for way in [&[][..], &["-Y"], &["-M"], &["-a"], &["--secondary", "4"], &["-5"], &["-h", "5,1"], &["-u"], &["-SP"]] {
        let sam = world.sam("named.fa", &reads, way);
        let problems = check(&sam, &contigs);
        assert!(problems.is_empty(), "{way:?}: {} of them: {:?}", problems.len(), &problems[..problems.len().min(5)]);
    }
    let secondaries = records(&world.sam("named.fa", &reads, &["--secondary", "4"]));
    assert!(secondaries.iter().all(|record| record.flags & 0x100 == 0 || record.contig == "chr"));
    for schedule in [&["-t", "3", "--batch-reads", "14"][..], &["--backend", "scalar"]] {
        assert!(world.sam("named.fa", &reads, schedule) == plain, "{schedule:?}");
    }
}

/// The flags of a read's records and where they are, as bwa and svala agree on them.
fn agree_with_bwa(world: &World) {
    let reference = world.path("named.fa");
    let indexed = Command::new("bwa").args(["index", text(&reference)]).stderr(Stdio::null()).status();
    assert!(indexed.expect("bwa starts").success());
    // Where a locus differs much, svala finds places on the primary assembly that bwa does not.
    let mut reads = pairs(&world.locus, DIVERGENT.end + 500..NOVEL.start - 500, 2_000, 11);
    let more = pairs(&world.primary, 99_000..161_000, 2_000, 12);
    for (mate, more) in reads.iter_mut().zip(more) {
        mate.extend(more.into_iter().map(|(name, bases)| (format!("primary-{name}"), bases)));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [one, two] = write_pairs(folder.path(), &reads);
    let theirs =
        Command::new("bwa").args(["mem", text(&reference), text(&one), text(&two)]).output().expect("bwa starts");
    assert!(theirs.status.success());
    let sort = |mut all: Vec<Record>| {
        all.sort_by_key(|r| (r.name.clone(), r.mate(), r.flags & 0x900, r.contig.clone(), r.position));
        all
    };
    let (ours, theirs) = (sort(world.mem("named.fa", &reads, &[])), sort(records(&theirs.stdout)));
    let key = |r: &Record| (r.name.clone(), r.flags, r.contig.clone(), r.position);
    let ours: HashMap<_, _> = ours.iter().map(|r| (key(r), r)).collect();
    let same: Vec<_> = theirs.iter().filter_map(|r| ours.get(&key(r)).map(|own| (r, *own))).collect();
    let quality = same.iter().filter(|(r, own)| (r.mapq >= 30) == (own.mapq >= 30)).count();
    let share = |r: &Record| r.tags.get("pa").map(|share| share.parse::<f32>().expect("a number"));
    // At the ends of a read bwa counts a mismatch less.
    let near = |a: Option<f32>, b: Option<f32>| {
        a.is_some() == b.is_some() && (a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < 0.03
    };
    let shares = same.iter().filter(|(r, own)| near(share(r), share(own))).count();
    let counts =
        format!("{} of {} records, {quality} with MAPQ 30 alike, {shares} with pa alike", same.len(), theirs.len());
    println!("{counts}");
    assert!(
        ours.len() * 1000 <= theirs.len() * 1005 && theirs.len() * 1000 <= ours.len() * 1005,
        "{}: {counts}",
        ours.len()
    );
    assert!(1000 * same.len() >= 990 * theirs.len() && 100 * quality >= 98 * same.len(), "{counts}");
    let primaries = || same.iter().filter(|(r, _)| r.is_primary());
    let alike = primaries().filter(|(r, own)| (r.mapq >= 30) == (own.mapq >= 30)).count();
    assert!(1000 * alike >= 999 * primaries().count(), "{alike} primary records have MAPQ 30 alike; {counts}");
    assert!(1000 * shares >= 995 * same.len(), "{counts}");
}

fn main() -> ExitCode {
    let world = Arc::new(World::new());
    let on = |name: &str, test: fn(&World)| {
        let world = Arc::clone(&world);
        trial(name, move || test(&world))
    };
    let mut trials = vec![
        on("reads of the primary assembly keep their places", reads_of_the_primary_assembly_keep_their_places),
        on("without the file there is a warning", without_the_file_there_is_a_warning),
        on("indexing warns too", indexing_warns_too),
        on("better alternates are supplementary", better_alternates_are_supplementary),
        on("novel sequence is placed on the alternate", novel_sequence_is_placed_on_the_alternate),
        on("alleles do not hide the gene", alleles_do_not_hide_the_gene),
        on("every way is consistent", every_way_is_consistent),
    ];
    let available = has_program("bwa");
    trials.push(trial_if("bwa says the same", available, "bwa is missing", "SVALA_REQUIRE_TOOLS", move || {
        agree_with_bwa(&world);
    }));
    conclude(trials)
}
