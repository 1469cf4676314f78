//! The alignment commands of clinical pipelines, with svala in place of their aligner, run by `bash -o pipefail` through links named
//! `bwa` and so on. Each is what the named files of its repository make of it, as read there, with these changes: what a pipeline
//! fills in (threads, memory, names of files and the read group) is filled in, `sentieon bwa` is `bwa`, and what comes before or
//! behind the aligner is samtools where it is sambamba, mbuffer, Picard, fgbio or `sentieon util sort`.

mod common;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};
use std::sync::Arc;

use common::sam_check::{Reference, check};
use common::{READS, REFERENCE, Record, conclude, data, has_program, records, samtools, text, trial, trial_if};

/// Header lines that a consumer of a pipeline's alignments looks for.
const READ_GROUP: &str = r"@RG\tID:lane1\tPU:lane1\tSM:NA12878\tLB:NA12878\tPL:ILLUMINA";

/// A pipeline's alignment step.
struct Pipeline {
    /// Its repository and the files that make the command.
    source: &'static str,
    /// The command; its result is `out.bam`.
    command: &'static str,
    /// The flag that further pieces of split reads have.
    split: u16,
    /// A tag that all records have because the reads came with it.
    carried: Option<&'static str>,
}

const fn pipeline(source: &'static str, split: u16, command: &'static str) -> Pipeline {
    Pipeline { source, command, split, carried: None }
}

/// `$RG`, `$R1`, `$R2`, `$PAIRS` (mates in one file), `$TAGGED` (these with identifiers in their comments) and `$UBAM` stand for what the
/// pipeline fills in.
const PIPELINES: [Pipeline; 20] = [
    pipeline(
        "nf-core/raredisease conf/modules/align_bwa_bwamem2_bwameme.config, BWAMEM2_MEM (nf-core/modules bwamem2/mem/main.nf)",
        0x100,
        r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            bwa-mem2 mem -M -K 100000000 -R "$RG" -t 2 $INDEX $R1 $R2 \
            | samtools sort -T ./samtools_sort_tmp -@ 2 -o out.bam -"#,
    ),
    pipeline(
        "nf-core/raredisease conf/modules/align_bwa_bwamem2_bwameme.config, BWA (nf-core/modules bwa/mem/main.nf)",
        0x100,
        r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            bwa mem -M -K 100000000 -R "$RG" -t 2 $INDEX $R1 $R2 \
            | samtools sort -T ./samtools_sort_tmp --threads 2 -o out.bam -"#,
    ),
    pipeline(
        "nf-core/raredisease conf/modules/align_bwa_bwamem2_bwameme.config, BWAMEME_MEM (nf-core/modules bwameme/mem/main.nf)",
        0x100,
        r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            bwa-meme mem -7 -M -K 100000000 -R "$RG" -t 2 $INDEX $R1 $R2 \
            | samtools sort -T ./samtools_sort_tmp -m 100M -@ 2 -o out.bam -"#,
    ),
    pipeline(
        "nf-core/raredisease conf/modules/align_sentieon.config, SENTIEON_BWAMEM",
        0x100,
        r#"bwa mem -M -K 10000000 -R "$RG"  -t 2 index/genome.fa $R1 $R2 | samtools sort -@ 2 -o out.bam -"#,
    ),
    pipeline(
        "nf-core/sarek conf/modules/aligner.config, BWAMEM2_MEM of normal samples",
        0x800,
        r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            bwa-mem2 mem -K 100000000 -Y -R "$RG" -t 2 $INDEX $R1 $R2 | samtools sort -@ 2 -o out.bam -"#,
    ),
    pipeline(
        "nf-core/sarek conf/modules/aligner.config, BWAMEM1_MEM of tumours, by name for Spark",
        0x800,
        r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            bwa mem -K 100000000 -Y -B 3 -R "$RG" -t 2 $INDEX $R1 $R2 | samtools sort -n --threads 2 -o out.bam -"#,
    ),
    Pipeline {
        carried: Some("RX"),
        ..pipeline(
            "nf-core/sarek conf/modules/umi.config, ALIGN_UMI",
            0x800,
            r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
                bwa mem -K 100000000 -p -C -Y -R "$RG" -t 2 $INDEX $TAGGED | samtools view -bS --threads 2 -o out.bam -"#,
        )
    },
    pipeline(
        "nf-core/oncoanalyser modules/local/bwa-mem2/mem/main.nf",
        0x800,
        r#"ln -fs $(find -L index -type f) ./
            bwa-plus mem -Y -K 100000000 -R "$RG" -t 2 genome.fa $R1 $R2 | \
            samtools view -u /dev/stdin | samtools sort -@ 2 -o out.bam /dev/stdin"#,
    ),
    pipeline(
        "nf-core/oncoanalyser modules/local/bwa-mem2/mem_from_bam/main.nf",
        0x800,
        r#"ln -fs $(find -L index -type f) ./
            samtools collate -O -@ 2 $UBAM | \
            samtools fastq -@ 2 -n -F 0x900 -1 /dev/stdout -2 /dev/stdout -0 /dev/null -s /dev/null - | \
            bwa-mem2 mem -Y -K 100000000 -p -R "$RG" -t 2 genome.fa /dev/stdin | \
            samtools view -u /dev/stdin | samtools sort -@ 2 -o out.bam /dev/stdin"#,
    ),
    pipeline(
        "hydra-genetics/alignment workflow/rules/bwa.smk, bwa_mem (snakemake/snakemake-wrappers bio/bwa/mem/wrapper.py)",
        0x800,
        r#"(bwa mem -t 2  -R "$RG" -v 1  index/genome.fa $R1 $R2 | samtools sort -@ 2 -o out.bam -) 2> log"#,
    ),
    pipeline(
        "hydra-genetics/alignment workflow/rules/bwa.smk, bwa_mem of samples with identifiers",
        0x800,
        r#"(bwa mem -t 2  -R "$RG" -v 1 -Y  index/genome.fa $R1 $R2 | samtools sort -@ 2 -o out.bam -) 2> log"#,
    ),
    pipeline(
        "hydra-genetics/alignment workflow/rules/bwa.smk, bwa_mem_realign_consensus_reads",
        0x800,
        r#"samtools fastq -n $UBAM | \
            bwa mem -t 2 -p -K 150000000 -Y index/genome.fa -R "$RG" - | samtools sort -n -o out.bam -"#,
    ),
    pipeline(
        "Clinical-Genomics/BALSAMIC BALSAMIC/snakemake_rules/align/wgs_sentieon_alignment.rule",
        0x100,
        r#"bwa mem -M -R "$RG" -t 2 -K 50000000 index/genome.fa $R1 $R2 | samtools sort -o out.bam -@ 2 -"#,
    ),
    Pipeline {
        carried: Some("RX"),
        ..pipeline(
            "Clinical-Genomics/BALSAMIC BALSAMIC/snakemake_rules/align/tga_sentieon_alignment.rule",
            0x800,
            r#"awk 'NR % 8 >= 1 && NR % 8 <= 4' $TAGGED > r1.fq; awk 'NR % 8 == 0 || NR % 8 > 4' $TAGGED > r2.fq
                bwa mem -R "$RG" -K 1000000 -t 2 -C index/genome.fa r1.fq r2.fq | samtools sort -o out.bam -"#,
        )
    },
    pipeline(
        "Clinical-Genomics/MIP lib/MIP/Recipes/Analysis/Bwa_mem.pm, interleaved (lib/MIP/Program/Bwa.pm, bwa_mem)",
        0x100,
        r#"bwa mem -t 2 -p -M -R "$RG" index/genome.fa $PAIRS | samtools view -h -u - | samtools sort -o out.bam /dev/stdin"#,
    ),
    pipeline(
        "SMD-Bioinformatics-Lund/nextflow_wgs main.nf, bwa_align",
        0x100,
        r#"bwa mem -M -K 10000000 -R "$RG" -t 2 index/genome.fa $R1 $R2 | samtools sort -o out.bam -@ 2 -"#,
    ),
    pipeline(
        "nf-core/sarek conf/modules/aligner_parabricks.config, tumours (nf-core/modules parabricks/fq2bam/main.nf)",
        0x800,
        r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            pbrun fq2bam --ref $INDEX --in-fq $R1 $R2 --out-bam out.bam --num-gpus 1 --read-group-id-prefix lane1 \
            --read-group-sm NA12878 --read-group-lb NA12878 --read-group-pl ILLUMINA --bwa-options='-K 100000000 -Y -B 3'"#,
    ),
    pipeline(
        "hydra-genetics/parabricks workflow/rules/fq2bam.smk",
        0x800,
        r#"pbrun fq2bam --ref index/genome.fa --in-fq $R1 $R2 --read-group-sm NA12878 --read-group-id-prefix NA12878 \
            --read-group-pl illumina --num-gpus 2 --out-bam out.bam --out-duplicate-metrics out.metrics --tmp-dir tmp &> log
            grep -q ESTIMATED_LIBRARY_SIZE out.metrics"#,
    ),
    pipeline(
        "ClinicalGenomicsGBG/wgs_somatic workflows/rules/mapping/mapping.smk",
        0x100,
        r#"echo $HOSTNAME; bwa mem -M -R "$RG" -t 2 index/genome.fa $R1 $R2 | samtools sort -o out.bam -@ 2 -"#,
    ),
    pipeline(
        "broadinstitute/warp tasks/broad/Alignment.wdl, SamToFastqAndBwaMemAndMba, with a file of ALT contigs",
        0x800,
        r#"BWA_VERSION=$(set +o pipefail; bwa 2>&1 | grep -e '^Version' | sed 's/Version: //')
            [ -n "$BWA_VERSION" ]
            mkdir alt; cp index/genome.fa.svala alt; printf 'chrY\t0\tchrM\t1\t60\t*\t*\t0\t0\t*\t*\n' > alt/genome.fa.alt
            bwa mem -K 100000000 -p -v 3 -t 2 -Y -R "$RG" alt/genome.fa /dev/stdin - 2> >(tee bwa.stderr.log >&2) < $PAIRS | \
            samtools view -1 - > out.bam
            sleep 1
            grep -m1 "read .* ALT contigs" bwa.stderr.log | grep -v "read 0 ALT contigs""#,
    ),
];

/// A folder with links to svala, an index made as bwa's is, and reads.
struct Bench {
    folder: tempfile::TempDir,
    index_log: String,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let bench = Self { folder, index_log: String::new() };
        std::fs::create_dir(bench.path("bin")).expect("a folder");
        for name in ["bwa", "bwa-mem2", "bwa-meme", "bwa-plus", "minibwa", "pbrun"] {
            symlink(env!("CARGO_BIN_EXE_svala"), bench.path("bin").join(name)).expect("a link");
        }
        let reads = READS.map(|name| common::fastq_records(&data(name)));
        let pairs: String = reads[0].iter().zip(&reads[1]).map(|(first, second)| first.clone() + second).collect();
        std::fs::write(bench.path("pairs.fq"), &pairs).expect("a file");
        let tagged = pairs.lines().enumerate().map(|(number, line)| match number % 4 {
            0 => format!("{} RX:Z:ACGT-TTGA\n", line.split_whitespace().next().unwrap_or_default()),
            _ => format!("{line}\n"),
        });
        std::fs::write(bench.path("tagged.fq"), tagged.collect::<String>()).expect("a file");
        std::fs::create_dir(bench.path("index")).expect("a folder");
        let indexing = bench.shell("", &format!("bwa index -a bwtsw -p index/genome.fa {}", text(&data(REFERENCE))));
        assert!(indexing.status.success(), "{indexing:?}");
        Self { index_log: String::from_utf8_lossy(&indexing.stderr).into_owned(), ..bench }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a script in a folder of the bench.
    fn shell(&self, folder: &str, script: &str) -> Output {
        let path = format!("{}:{}", text(&self.path("bin")), std::env::var("PATH").unwrap_or_default());
        let [first, second] = READS.map(data);
        Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .current_dir(self.path(folder))
            .envs([("PATH", path.as_str()), ("RG", READ_GROUP), ("R1", text(&first)), ("R2", text(&second))])
            .envs(
                [("PAIRS", "pairs.fq"), ("TAGGED", "tagged.fq"), ("UBAM", "unaligned.bam")]
                    .map(|(name, file)| (name, self.path(file))),
            )
            .output()
            .expect("bash starts")
    }

    /// What a program says that must succeed.
    fn said(&self, script: &str) -> String {
        let output = self.shell("", script);
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// Runs a pipeline's command in a folder of its own, where the index is linked as a workflow manager stages it.
fn run(bench: &Bench, number: usize) {
    let Pipeline { source, command, .. } = &PIPELINES[number];
    if command.contains("$UBAM") {
        bench
            .said(&format!("samtools import -1 $R1 -2 $R2 -o unaligned{number}.bam && mv unaligned{number}.bam $UBAM"));
    }
    let folder = format!("run{number}");
    std::fs::create_dir(bench.path(&folder)).expect("a folder");
    std::fs::create_dir(bench.path(&folder).join("tmp")).expect("a folder");
    symlink(bench.path("index"), bench.path(&folder).join("index")).expect("a link");
    let output = bench.shell(&folder, command);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{source}: {said}");
    let bam = bench.path(&folder).join("out.bam");
    samtools(&["quickcheck", text(&bam)]);
    let sam = samtools(&["view", "-h", "--no-PG", text(&bam)]);
    check_header(source, &sam);
    let all = records(&sam);
    check_records(&PIPELINES[number], &all);
    let problems = check(&sam, &Reference::of(&data(REFERENCE)));
    assert!(problems.is_empty(), "{source}: {problems:?}");
}

fn check_header(source: &str, sam: &[u8]) {
    let text = String::from_utf8_lossy(sam);
    let lines: Vec<&str> = text.lines().take_while(|line| line.starts_with('@')).collect();
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(has("@SQ\tSN:chrM\tLN:16571") && has("@PG\tID:svala\tPN:svala\tVN:"), "{source}: {lines:?}");
    // Parabricks' command line has no line of a read group, only its fields.
    let group = READ_GROUP.replace("\\t", "\t");
    let is_told =
        |line: &&str| line.starts_with("@RG\t") && line.contains("\tSM:NA12878") && line.contains("C15APACXX.1");
    let is_there =
        if source.contains("arabricks") { lines.iter().any(is_told) } else { lines.contains(&group.as_str()) };
    assert!(is_there, "{source}: {lines:?}");
}

/// Every read once; the tags that duplicate marking, variant callers and UMI tools read; the flag for split reads.
fn check_records(pipeline: &Pipeline, all: &[Record]) {
    let Pipeline { source, split, .. } = *pipeline;
    let primaries = all.iter().filter(|record| record.is_primary());
    assert_eq!(primaries.count(), 19_524, "{source}");
    let pieces: Vec<&Record> = all.iter().filter(|record| !record.is_primary()).collect();
    assert!(!pieces.is_empty() && pieces.iter().all(|record| record.flags & 0x900 == split), "{source}");
    for record in all {
        let has = |tag: &str| record.tags.contains_key(tag);
        assert!(record.tags["RG"] == "lane1" || source.contains("arabricks"), "{source}");
        assert!(!record.is_mapped() || (has("NM") && has("MD") && has("AS") && has("XS")), "{source}: {record:?}");
        assert!(pipeline.carried.is_none_or(has), "{source}: {record:?}");
        assert!(record.flags & 8 != 0 || (has("MC") && has("MQ")), "{source}: {record:?}");
    }
    assert!(pieces.iter().all(|record| record.tags.contains_key("SA")), "{source}");
}

/// How nf-core's modules ask for the version, and that what has no meaning is said once.
fn versions_and_notices(bench: &Bench) {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(bench.said(r"echo $(bwa-mem2 version 2>&1) | sed 's/.* //'"), version);
    assert_eq!(bench.said(r"bwa-mem2 version 2>&1 | grep -o -E '[0-9]+(\.[0-9]+)+'"), version);
    let asked = r"(bwa 2>&1 || true) | tr '\n' ' ' | sed 's/^.*Version: //; s/Contact:.*$//'";
    assert_eq!(bench.said(asked), version);
    assert_eq!(bench.shell("", "bwa").status.code(), Some(1));
    assert!(bench.index_log.contains("indexed 2 contigs"), "{}", bench.index_log);

    let output = bench.shell("", "bwa mem -K 1000 -k19 -c 500 -v 3 index/genome.fa $R1 > /dev/null");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().filter(|line| line.ends_with("not used: -K -k -c")).count(), 1, "{said}");
    let quiet = bench.shell("", "bwa mem -K 1000 -v 1 index/genome.fa $R1 > /dev/null");
    assert!(quiet.status.success() && quiet.stderr.is_empty(), "{quiet:?}");
}

/// What would change results and can't be done ends the run, naming the option.
fn what_cannot_be_done_is_refused(bench: &Bench) {
    for (options, name) in [("-Q 10", "-Q"), ("-L 0,5", "-L"), ("-x pacbio", "-x"), ("-H '@SQ\tSN:x'", "@CO")] {
        let output = bench.shell("", &format!("bwa mem {options} index/genome.fa $R1"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(name), "{options}: {said}");
        assert!(output.stdout.is_empty(), "{options}");
    }
    assert_eq!(bench.shell("", "bwa aln index/genome.fa $R1").status.code(), Some(1));
}

/// The files that bwa itself would write.
fn companions_are_those_of_bwa(bench: &Bench, bwa: &Path) {
    let prefix = bench.path("theirs.fa");
    let made = Command::new(bwa).args(["index", "-p", text(&prefix), text(&data(REFERENCE))]).output();
    assert!(made.expect("bwa starts").status.success());
    for extension in ["ann", "amb", "pac"] {
        let [ours, theirs] =
            ["index/genome.fa", "theirs.fa"].map(|name| common::bytes(&bench.path(&format!("{name}.{extension}"))));
        assert!(ours == theirs, "{extension}");
    }
}

/// bwa of this machine, not our link.
fn real_bwa() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let is_program = |path: &PathBuf| path.metadata().is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&paths).map(|folder| folder.join("bwa")).find(is_program)
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let mut trials = Vec::new();
    for (number, pipeline) in PIPELINES.iter().enumerate() {
        let bench = Arc::clone(&bench);
        let available = has_program("samtools") && has_program("bash");
        let name = format!("command of {}", pipeline.source);
        trials.push(trial_if(&name, available, "samtools is missing", "SVALA_REQUIRE_TOOLS", move || {
            run(&bench, number)
        }));
    }
    let shared = Arc::clone(&bench);
    trials
        .push(trial("versions are found and what has no meaning is said once", move || versions_and_notices(&shared)));
    let shared = Arc::clone(&bench);
    trials.push(trial("what cannot be done is refused", move || what_cannot_be_done_is_refused(&shared)));
    let bwa = real_bwa();
    trials.push(trial_if(
        "companions are those of bwa",
        bwa.is_some(),
        "bwa is missing",
        "SVALA_REQUIRE_TOOLS",
        move || {
            companions_are_those_of_bwa(&bench, &bwa.unwrap_or_default());
        },
    ));
    conclude(trials)
}
