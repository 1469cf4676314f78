//! The alignment commands of clinical pipelines, with svala in place of their aligner, run by `bash -o pipefail` through links named
//! `bwa` and so on. Options, order and pipes are those of the pipelines where their source was read, else of the shape that public scripts show.

mod common;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use common::sam_check::{Reference, check};
use common::{READS, REFERENCE, Record, conclude, data, has_program, records, samtools, text, trial, trial_if};

/// Header lines that a consumer of a pipeline's alignments looks for.
const READ_GROUP: &str = r"@RG\tID:lane1\tPU:lane1\tSM:NA12878\tLB:NA12878\tPL:ILLUMINA";

/// A pipeline's alignment step.
struct Pipeline {
    /// Its repository, and where the command comes from.
    source: &'static str,
    /// The command; its result is `out.bam`.
    command: &'static str,
    /// The flag that further pieces of split reads have.
    split: u16,
}

/// `$RG`, `$R1`, `$R2` and `$PAIRS` (mates in one file) stand for what the pipeline fills in.
const PIPELINES: [Pipeline; 11] = [
    Pipeline {
        source: "nf-core/modules bwamem2/mem, with the arguments of nf-core/raredisease and nf-core/sarek",
        command: r#"INDEX=`find -L ./ -name "*.amb" | sed 's/.amb//'`
            bwa-mem2 mem -K 100000000 -Y -R "$RG" -t 2 $INDEX $R1 $R2 | samtools sort -@ 2 -o out.bam -"#,
        split: 0x800,
    },
    Pipeline {
        source: "nf-core/modules bwa/mem, with the arguments of nf-core/sarek for tumours",
        command: r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            bwa mem -K 100000000 -Y -B 3 -R "$RG" -t 2 $INDEX $R1 $R2 | samtools view -@ 2 -o out.bam -"#,
        split: 0x800,
    },
    Pipeline {
        source: "nf-core/raredisease, bwameme",
        command: r#"INDEX=`find -L ./ -name "*.amb" | sed 's/\.amb$//'`
            bwa-meme mem -7 -K 100000000 -Y -R "$RG" -t 2 $INDEX $R1 $R2 | samtools sort -@ 2 -o out.bam -"#,
        split: 0x800,
    },
    Pipeline {
        source: "nf-core/oncoanalyser, bwa-mem2",
        command: r#"ln -fs $(find -L index -type f) ./
            bwa-mem2 mem -Y -K 100000000 -R "$RG" -t 2 genome.fa $R1 $R2 | samtools sort -o out.bam -"#,
        split: 0x800,
    },
    Pipeline {
        source: "nf-core/nallo, short reads",
        command: r#"bwa-mem2 mem -t 2 -K 100000000 -M -R "$RG" index/genome.fa $R1 $R2 | samtools sort --threads 2 -o out.bam -"#,
        split: 0x100,
    },
    Pipeline {
        source: "hydra-genetics/alignment, snakemake-wrappers bio/bwa/mem",
        command: r#"bwa mem -t 2 -R "$RG" index/genome.fa $R1 $R2 | samtools sort -T tmp/x -o out.bam -"#,
        split: 0x800,
    },
    Pipeline {
        source: "Clinical-Genomics/BALSAMIC, align_sort",
        command: r#"mkdir -p tmp
            bwa mem -M -v 1 -t 2 -R "$RG" -K 50000000 index/genome.fa $R1 $R2 | samtools sort -T tmp -@ 2 -m 1000M -o out.bam -"#,
        split: 0x100,
    },
    Pipeline {
        source: "Clinical-Genomics/MIP, interleaved reads from standard input",
        command: r#"cat $PAIRS | bwa mem -R "$RG" -p -K 100000000 -M -t 2 index/genome.fa - \
            | samtools view -h -u - | samtools sort -@ 2 -o out.bam -"#,
        split: 0x100,
    },
    Pipeline {
        source: "Clinical-Genomics-Lund/nextflow_wgs, bwa_align",
        command: r#"bwa mem -M -R "$RG" -K 10000000 -t 2 index/genome.fa $R1 $R2 | samtools sort -O BAM -o out.bam -"#,
        split: 0x100,
    },
    Pipeline {
        source: "Gothenburg's WGS pipelines, sentieon bwa mem",
        command: r#"bwa mem -M -t2 -K 10000000 -R "$RG" index/genome.fa $R1 $R2 | samtools sort -o out.bam -"#,
        split: 0x100,
    },
    Pipeline {
        source: "broadinstitute/warp, SamToFastq into bwa mem",
        command: r#"bwa mem -K 100000000 -p -v3 -t 2 -Y -R "$RG" index/genome.fa /dev/stdin - < $PAIRS | samtools view -1 - > out.bam"#,
        split: 0x800,
    },
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
        for name in ["bwa", "bwa-mem2", "bwa-meme", "minibwa"] {
            symlink(env!("CARGO_BIN_EXE_svala"), bench.path("bin").join(name)).expect("a link");
        }
        let reads = READS.map(|name| common::fastq_records(&data(name)));
        let pairs: String = reads[0].iter().zip(&reads[1]).map(|(first, second)| first.clone() + second).collect();
        std::fs::write(bench.path("pairs.fq"), pairs).expect("a file");
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
            .env("PAIRS", self.path("pairs.fq"))
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
    let Pipeline { source, command, split } = &PIPELINES[number];
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
    check_records(source, &all, *split);
    let problems = check(&sam, &Reference::of(&data(REFERENCE)));
    assert!(problems.is_empty(), "{source}: {problems:?}");
}

fn check_header(source: &str, sam: &[u8]) {
    let text = String::from_utf8_lossy(sam);
    let lines: Vec<&str> = text.lines().take_while(|line| line.starts_with('@')).collect();
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(has("@SQ\tSN:chrM\tLN:16571") && has("@PG\tID:svala\tPN:svala\tVN:"), "{source}: {lines:?}");
    assert!(lines.contains(&READ_GROUP.replace("\\t", "\t").as_str()), "{source}: {lines:?}");
}

/// Every read once; the tags that duplicate marking, variant callers and UMI tools read; the flag for split reads.
fn check_records(source: &str, all: &[Record], split: u16) {
    let primaries = all.iter().filter(|record| record.is_primary());
    assert_eq!(primaries.count(), 19_524, "{source}");
    let pieces: Vec<&Record> = all.iter().filter(|record| !record.is_primary()).collect();
    assert!(!pieces.is_empty() && pieces.iter().all(|record| record.flags & 0x900 == split), "{source}");
    for record in all {
        let has = |tag: &str| record.tags.contains_key(tag);
        assert_eq!(record.tags["RG"], "lane1", "{source}");
        assert!(!record.is_mapped() || (has("NM") && has("MD") && has("AS") && has("XS")), "{source}: {record:?}");
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
    for (options, name) in
        [("-V", "-V"), ("-Q 10", "-Q"), ("-L 0,5", "-L"), ("-x pacbio", "-x"), ("-H '@SQ\tSN:x'", "@CO")]
    {
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

fn main() {
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
    conclude(trials);
}
