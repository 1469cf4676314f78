//! Reads are patient data: no name, base or quality of one, and no value of a read group, in what is said, in the names of files, in
//! headers or in what stands beside an output; and nobody but its owner can read what is unfinished.

#![cfg(unix)]

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};
use std::sync::Arc;

use common::hostile::{bgzf, gzip};
use common::running::{Running, listing, said, svala_behind, svala_command};
use common::{Indexed as Bench, bytes, conclude, text, trial};

/// Parts of names, bases, qualities and read groups of the reads here, none of which stands in the reference.
const SECRETS: [&str; 7] = ["Tornhill", "GATTACAGATTACA", "=/:=/:=/", "Ankeborg", "Kvack", "Joakim", "SMITH"];

impl Bench {
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        folder
    }
}

/// A read with secrets in all its parts.
fn read(number: usize) -> [String; 4] {
    let bases = ["GATTACA".repeat(12), "ACGT"[number % 4..].to_owned()].concat();
    let qualities = "=/:=/:=/".repeat(20)[..bases.len()].to_owned();
    [format!("@Tornhill:{number} RX:Z:SMITH"), bases, "+".into(), qualities]
}

fn fastq(reads: impl Iterator<Item = [String; 4]>) -> Vec<u8> {
    reads.map(|lines| lines.join("\n") + "\n").collect::<String>().into_bytes()
}

/// Which secret a text has.
fn secret_in(text: &[u8]) -> Option<&'static str> {
    SECRETS.into_iter().find(|secret| text.windows(secret.len()).any(|part| part == secret.as_bytes()))
}

fn check(output: &Output, case: &str) {
    assert_eq!(secret_in(&output.stderr), None, "{case}: {}", said(output));
}

/// Every way of being wrong that a reader tells of.
fn errors(bench: &Bench) {
    let folder = bench.folder("errors");
    let whole: Vec<[String; 4]> = (0..30).map(read).collect();
    type Change = fn(&mut [String; 4]);
    let flaws: [(&str, Change); 14] = [
        ("no @", |read| read[0].replace_range(..1, "")),
        ("a long name", |read| read[0] = "@".to_owned() + &"Tornhill".repeat(40)),
        ("a blank first", |read| read[0].insert(1, ' ')),
        ("an accent", |read| read[0].insert(3, '\u{e9}')),
        ("no +", |read| read[2] = "GATTACAGATTACA".into()),
        ("another +", |read| read[2] = "x=/:=/:=/".into()),
        ("a digit", |read| read[1].insert(20, '7')),
        ("a letter", |read| read[1].replace_range(20..21, "!")),
        ("a quality less", |read| read[3].truncate(40)),
        ("a quality that is none", |read| read[3].replace_range(5..6, "\t")),
        ("too long", |read| (read[1], read[3]) = (read[1].repeat(20), read[3].repeat(20))),
        ("no bases", |read| read[1].clear()),
        ("a tag that is none", |read| read[0].push_str("\tAnkeborg")),
        ("a tag of another type", |read| read[0].push_str("\tXX:i:Kvack")),
    ];
    let (first, second) = (folder.join("1.fq"), folder.join("2.fq"));
    let mut failed = 0;
    for (name, change) in flaws {
        let mut flawed = whole.clone();
        change(&mut flawed[17]);
        let plain = fastq(flawed.into_iter());
        for content in [plain.clone(), gzip(&plain), bgzf(&plain, 700), plain[..plain.len() / 2].to_vec()] {
            std::fs::write(&first, content).expect("a file");
            let mem = ["mem", "-C", "-v", "4", text(&bench.reference), text(&first)];
            let output = svala_command(&mem).output().expect("svala starts");
            check(&output, name);
            failed += usize::from(!output.status.success());
        }
    }
    assert!(failed > 40, "only {failed} failed");
    // Mates that don't belong together, and read groups and models that are wrong.
    std::fs::write(&first, fastq(whole.iter().cloned())).expect("a file");
    std::fs::write(&second, fastq(whole.iter().rev().cloned())).expect("a file");
    let fixed = ["align", "--ref", text(&bench.reference), "-o", "/dev/null", "-1", text(&first)];
    let options: [&[&str]; 10] = [
        &["-2", text(&second)],
        &["-R", "@RG\\tSM:Ankeborg"],
        &["-R", "RG:Ankeborg"],
        &["-R", "@RG\\tID:Ankeborg\\tKvack"],
        &["-R", "@RG\\tID:Ankeborg\\tID:Kvack"],
        &["--barcode-tag", "QX", "--umi-structure", "200M+T"],
        &["--rg-from-name", "--rg-sm", "Joakim"],
        &["--rg-from-name", "--rg-sm", "Joakim\\tKvack"],
        &["--umi-from-name"],
        &["--insert-model", text(&first)],
    ];
    for option in options {
        let output = svala_command(&[&fixed[..], option].concat()).output().expect("svala starts");
        check(&output, option[0]);
        assert!(!output.status.success(), "{option:?}");
    }
    let sheet = folder.join("sheet.tsv");
    for row in ["Ankeborg\tKvack", "Ankeborg\tKvack\tnone.fq\tJoakim", "\tKvack\t1.fq", "Anke\u{0}borg\tKvack\t1.fq"] {
        std::fs::write(&sheet, format!("read_group\tsample\tfastq_1\n{row}\n")).expect("a file");
        let arguments = ["align", "--ref", text(&bench.reference), "-o", "/dev/null", "--samples", text(&sheet)];
        let output = svala_command(&arguments).output().expect("svala starts");
        check(&output, row);
        assert!(!output.status.success(), "{row}");
    }
}

/// A run at its most talkative, and all that it leaves but for the records and their read group.
fn whole_runs(bench: &Bench) {
    let folder = bench.folder("runs");
    let reads = folder.join("reads.fq");
    // A third is mapped, so that there is something to tell of.
    let real = common::fastq_records(&common::data(common::READS[0]));
    let real: String =
        real.iter().take(500).enumerate().map(|(i, r)| r.replacen('@', &format!("@Tornhill{i}:"), 1)).collect();
    std::fs::write(&reads, [fastq((0..1000).map(read)), real.into_bytes()].concat()).expect("a file");
    let (bam, sam) = (folder.join("out.bam"), folder.join("out.sam"));
    let group = "@RG\\tID:Ankeborg\\tSM:Kvack\\tLB:Joakim";
    let (qc, metrics) = (folder.join("qc"), folder.join("metrics.txt"));
    let align =
        ["align", "--ref", text(&bench.reference), "-1", text(&reads), "-o", text(&bam), "-R", group, "--max-mem", "1"];
    let extra = ["--qc", text(&qc), "--metrics", text(&metrics)];
    let mem = ["mem", "-v", "4", "-R", group, "-o", text(&sam), text(&bench.reference), text(&reads)];
    for run in [
        &[&align[..], &extra].concat()[..],
        &mem,
        &["verify", text(&bam)],
        &["merge", text(&bam), "-o", text(&folder.join("m.bam"))],
    ] {
        let output = svala_command(run).output().expect("svala starts");
        assert!(output.status.success(), "{}", said(&output));
        check(&output, run[0]);
        assert_eq!(secret_in(&output.stdout), None, "{run:?}");
    }
    let names = listing(&folder);
    assert!(names.len() > 12, "{names:?}");
    for name in names.iter().filter(|name| !name.ends_with(".fq") && !name.ends_with("am")) {
        let mut content = String::from_utf8_lossy(&bytes(&folder.join(name))).into_owned();
        if ["metrics.txt", "qc.duplicate_metrics"].contains(&name.as_str()) {
            // Picard's file has a row a library.
            assert!(content.contains("Joakim"), "{name}");
            content = content.replace("Joakim", "");
        }
        assert_eq!(secret_in(content.as_bytes()), None, "{name}");
    }
    let sam = String::from_utf8(bytes(&sam)).expect("text");
    let program: Vec<&str> = sam.lines().filter(|line| line.starts_with("@PG")).collect();
    assert_eq!((program.len(), secret_in(program.concat().as_bytes())), (1, None), "{program:?}");
    // The secrets are where they belong, so they would be found elsewhere.
    let secrets = ["Tornhill", "GATTACAGATTACA", "=/:=/:=/", "Ankeborg", "Kvack", "Joakim"];
    assert!(secrets.into_iter().all(|secret| sam.contains(secret)));
}

/// Under a umask that hides nothing, what is unfinished is its owner's alone; what has no name yet can't be opened by one.
fn unfinished_files(bench: &Bench) {
    let folder = bench.folder("private");
    let (output, temporary) = (folder.join("out.bam"), bench.folder("temporary"));
    let metrics = folder.join("m.txt");
    let arguments = ["align", "-q", "--ref", text(&bench.reference), "-1", "-", "-o", text(&output), "--max-mem", "1"];
    let more = ["--metrics", text(&metrics), "--tmp-dir", text(&temporary)];
    let input = common::fastq_records(&common::data(common::READS[0])).concat();
    let command = svala_behind("umask 000", &[&arguments[..], &more].concat());
    let run = Running::start(command, input.as_bytes(), || listing(&folder).len() == 4);
    let descriptors = PathBuf::from(format!("/proc/{}/fd", run.child.id()));
    let mode = |path: &Path| path.metadata().map(|file| file.permissions().mode() & 0o777);
    if cfg!(target_os = "linux") {
        let unnamed = || {
            let all = std::fs::read_dir(&descriptors).expect("a process").flatten().map(|entry| entry.path());
            let is_deleted =
                |path: &PathBuf| std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().ends_with(" (deleted)"));
            all.filter(is_deleted).filter_map(|path| mode(&path).ok()).collect::<Vec<u32>>()
        };
        let limits = std::fs::read_to_string(descriptors.with_file_name("limits")).expect("a process");
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "a crash would leave reads: {core}");
        common::running::wait_until(|| unnamed().len() >= 2);
        assert!(unnamed().iter().all(|&mode| mode == 0o600), "{:?}", unnamed());
    }
    assert_eq!(listing(&temporary), [""; 0]);
    for name in listing(&folder) {
        assert!(name.starts_with(".svala-") && mode(&folder.join(&name)).is_ok_and(|mode| mode == 0o600), "{name}");
        assert_eq!(secret_in(name.as_bytes()), None);
    }
    let output = run.finish(b"");
    assert!(output.status.success(), "{}", said(&output));
    // At the end the umask counts.
    assert!(listing(&folder).iter().all(|name| mode(&folder.join(name)).is_ok_and(|mode| mode == 0o666)));
}

/// The comparator sees each secret.
fn secrets_are_seen() {
    for secret in SECRETS {
        assert_eq!(secret_in(format!("svala: {secret}x").as_bytes()), Some(secret));
    }
    assert_eq!(secret_in(b"svala: GATTAC"), None);
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        trial("secrets are seen", secrets_are_seen),
        trial("errors say nothing of reads", on(errors)),
        trial("whole runs say nothing of reads", on(whole_runs)),
        trial("unfinished files are private", on(unfinished_files)),
    ])
}
