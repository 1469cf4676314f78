//! Hundreds of malformed inputs, made by hand and by changing good ones: each ends in a complete output or in one clear line with
//! the file and the record, an exit code for bad input, and nothing under the final name. No panic, no hang, no memory that the data don't need.

mod common;
#[path = "malformed/forged.rs"]
mod forged;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::hostile::{BGZF_END, bgzf, bgzf_blocks, gzip, records};
use common::running::listing;
use common::{Random, bytes, conclude, indexed_reference, text, trial};
use forged::{hostile_bam, hostile_cram, hostile_indexes};

/// CPU time of a run; no input here is larger than a few hundred KB.
const MOST_SECONDS: u64 = 10;
/// A run on a busy machine may wait, but not for ever.
const LONGEST: Duration = Duration::from_secs(120);
/// Address space of a run, in KiB: programs, thread stacks and the mapped index, but no length field that lies.
const MOST_MEMORY_KIB: u64 = 1_500_000;

struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
}

/// What a record becomes.
type Change = fn(&str) -> String;

/// What a run must do.
#[derive(Clone, Copy)]
enum Must<'a> {
    /// Fail, and say all of this.
    Fail(&'a [&'a str]),
    /// Fail and name the file, or succeed.
    Either(&'a str),
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        Self { folder, reference }
    }

    /// A folder of its own for a test, since they run at once.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("a folder");
        folder
    }

    /// Aligns `inputs` and returns whether that succeeded, after checking how it ended.
    fn check(&self, folder: &Path, inputs: &[&str], must: Must<'_>, case: &str) -> bool {
        let output = folder.join("out.bam");
        let before = listing(folder);
        let fixed =
            ["align", "--backend", "cpu", "-t", "1", "--quiet", "--ref", text(&self.reference), "-o", text(&output)];
        let run = bounded(&[&fixed[..], inputs].concat(), case);
        let error = String::from_utf8_lossy(&run.stderr);
        let code = run.status.code();
        if code == Some(0) {
            assert!(matches!(must, Must::Either(_)), "{case}: succeeded");
            assert!(bytes(&output).ends_with(&BGZF_END), "{case}: no whole output");
            for name in ["out.bam", "out.bam.bai", "out.bam.svala.json"] {
                std::fs::remove_file(folder.join(name)).expect("an output");
            }
            assert_eq!(listing(folder), before, "{case}: other files are left");
            return true;
        }
        assert!(matches!(code, Some(1 | 2)), "{case}: {:?}: {error}", run.status);
        assert_eq!(listing(folder), before, "{case}: files are left");
        assert_eq!(error.lines().count(), 1, "{case}: {error}");
        let words = match &must {
            Must::Fail(words) => *words,
            Must::Either(word) => std::slice::from_ref(word),
        };
        assert!(words.iter().all(|word| error.contains(word)), "{case}: expected {words:?}: {error}");
        false
    }
}

/// Runs svala with little memory and for a short time.
fn bounded(arguments: &[&str], case: &str) -> Output {
    let limit = format!("ulimit -v {MOST_MEMORY_KIB}; ulimit -t {MOST_SECONDS}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limit, env!("CARGO_BIN_EXE_svala")]).args(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a shell");
    let begin = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        if begin.elapsed() > LONGEST {
            let _ = child.kill();
            panic!("{case}: still running after {LONGEST:?}");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.wait_with_output().expect("a child")
}

fn unpacked(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    flate2::read::MultiGzDecoder::new(data).read_to_end(&mut content)?;
    Ok(content)
}

/// Each flaw, at each of some records, in each container, is told with its file and record.
fn flaws_of_records(bench: &Bench) {
    let folder = bench.folder("flaws");
    let whole = records(40);
    let flaws: [(&str, Change, &str); 22] = [
        ("no @", |r| r[1..].into(), "expected '@'"),
        ("another first letter", |r| r.replace("@read", ">read"), "expected '@'"),
        (
            "no name",
            |r| r.replacen(|c: char| c.is_ascii_lowercase(), "", 4).replacen(|c: char| c.is_ascii_digit(), " ", 2),
            "name",
        ),
        ("a name that is a star", |r| star(r), "name"),
        ("a name too long", |r| r.replacen("read", &"r".repeat(255), 1), "name"),
        ("a zero in the name", |r| r.replacen("read", "re\0d", 1), "name"),
        ("a letter with an accent", |r| r.replacen("read", "r\u{e9}d", 1), "name"),
        ("no +", |r| r.replace("\n+\n", "\n-\n"), "expected '+'"),
        ("a missing third line", |r| r.replace("\n+\n", "\n"), "expected '+'"),
        ("a quality too many", |r| r.trim_end().to_owned() + "I\n", "quality line has"),
        ("a quality too few", |r| r[..r.len() - 2].to_owned() + "\n", "quality line has"),
        ("no qualities", |r| r.replace('I', ""), "quality line has 0"),
        ("no bases", |r| r.replace(['A', 'C', 'G', 'T'], ""), "the sequence 0"),
        ("a quality that is a blank", |r| r.replacen('I', " ", 1), "outside '!' to '~'"),
        ("a quality that is a tab", |r| r.replacen('I', "\t", 1), "outside '!' to '~'"),
        ("a quality that is a zero", |r| r.replacen('I', "\0", 1), "outside '!' to '~'"),
        ("a digit among bases", |r| r.replacen('\n', "\n7", 1).replacen("\n+\n", "\n+\nI", 1), "no IUPAC"),
        ("a zero among bases", |r| r.replacen('\n', "\n\0", 1).replacen("\n+\n", "\n+\nI", 1), "no IUPAC"),
        ("a blank among bases", |r| r.replacen('\n', "\n ", 1).replacen("\n+\n", "\n+\nI", 1), "no IUPAC"),
        ("a blank line before", |r| format!("\n{r}"), ""),
        ("bases on two lines", |r| r.replacen("\n+", "\nACGT\n+", 1), "expected '+'"),
        ("a read too long", |_| format!("@r\n{}\n+\n{}\n", "A".repeat(1025), "I".repeat(1025)), "1025 bases"),
    ];
    let mut cases = 0;
    for (name, change, words) in flaws {
        for at in [0, 17, 39] {
            let mut changed = whole.clone();
            changed[at] = change(&changed[at]);
            assert_ne!(changed[at], whole[at], "{name}");
            let plain = changed.concat().into_bytes();
            let containers = [("plain", plain.clone()), ("gzip", gzip(&plain)), ("bgzf", bgzf(&plain, 700))];
            for (container, content) in containers {
                let file = folder.join("flawed.fq");
                std::fs::write(&file, content).expect("a file");
                let case = format!("{name}, record {}, {container}", at + 1);
                let record = format!("record {}", at + 1);
                bench.check(&folder, &["-1", text(&file)], Must::Fail(&["flawed.fq", &record, words]), &case);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, 198);
}

fn star(record: &str) -> String {
    let (_, rest) = record.split_once('\n').expect("a line");
    format!("@*\n{rest}")
}

/// Wherever a compressed file is cut, between members and blocks too, the run fails; but gzip cut between two members.
fn cuts(bench: &Bench) {
    let folder = bench.folder("cuts");
    let (whole, file) = (records(60).concat(), folder.join("cut.fq.gz"));
    let members: Vec<Vec<u8>> = whole.as_bytes().chunks(900).map(gzip).collect();
    let ends = |parts: &[Vec<u8>]| -> Vec<usize> {
        let mut sum = 0;
        parts.iter().map(|part| (sum += part.len(), sum).1).collect()
    };
    let blocks = bgzf_blocks(whole.as_bytes(), 900);
    let (member_ends, block_ends) = (ends(&members), ends(&blocks));
    let mut random = Random(1);
    for (data, mut places, is_bgzf) in
        [(members.concat(), member_ends.clone(), false), (bgzf(whole.as_bytes(), 900), block_ends, true)]
    {
        places.extend((0..50).map(|_| 2 + random.below(data.len() - 3)));
        for end in places.into_iter().filter(|&end| end < data.len()) {
            std::fs::write(&file, &data[..end]).expect("a file");
            let case = format!("{} cut at {end} of {}", if is_bgzf { "bgzf" } else { "gzip" }, data.len());
            let may_be_whole = !is_bgzf && member_ends.contains(&end);
            // A member that ends with a record leaves a file that nobody can tell from a whole one.
            let must = if may_be_whole {
                Must::Either("cut.fq.gz")
            } else {
                Must::Fail(&["cut.fq.gz", "record ", "truncated"])
            };
            bench.check(&folder, &["-1", text(&file)], must, &case);
        }
    }
}

/// A flipped bit in compressed data is damage, or in a field of the header that nobody reads, nothing.
fn flipped_bits(bench: &Bench) {
    let folder = bench.folder("flips");
    let (whole, file) = (records(60).concat().into_bytes(), folder.join("flipped.fq"));
    let mut random = Random(2);
    let mut failed = 0;
    for (name, data) in [("plain", whole.clone()), ("gzip", gzip(&whole)), ("bgzf", bgzf(&whole, 2000))] {
        for _ in 0..60 {
            let (place, bit) = (random.below(data.len()), random.below(8));
            let mut flipped = data.clone();
            flipped[place] ^= 1 << bit;
            std::fs::write(&file, flipped).expect("a file");
            let case = format!("{name}, bit {bit} of byte {place}");
            let succeeded = bench.check(&folder, &["-1", text(&file)], Must::Either("flipped.fq"), &case);
            // What nobody reads may be anything: times and names in headers.
            let is_harmless = || name == "plain" || unpacked(&bytes(&file)).is_ok_and(|unpacked| unpacked == whole);
            assert!(!succeeded || is_harmless(), "{case}: not seen");
            failed += usize::from(!succeeded);
        }
    }
    assert!(failed > 120, "{failed} flips are seen");
}

fn mates(bench: &Bench) {
    let folder = bench.folder("mates");
    let whole = records(30);
    let [first, second] = ["first.fq", "second.fq"].map(|name| folder.join(name));
    let mut swapped = whole.clone();
    swapped.swap(11, 12);
    let doubled = [&whole[..5], &whole[4..]].concat();
    let lists: [(&str, Vec<String>, &[&str]); 6] = [
        ("one fewer", whole[..29].to_vec(), &["second.fq ends after record 29", "first.fq"]),
        ("one more", [&whole[..], &records(31)[30..]].concat(), &["first.fq ends after record 30", "second.fq"]),
        ("none", Vec::new(), &["second.fq ends after record 0", "first.fq"]),
        ("another order", swapped, &["record 12", "first.fq", "second.fq"]),
        ("one missing", [&whole[..5], &whole[6..]].concat(), &["record 6", "second.fq"]),
        ("one twice", doubled, &["record 6", "second.fq"]),
    ];
    for (name, list, words) in lists {
        for compress in [false, true] {
            let pack =
                |list: &[String]| if compress { gzip(list.concat().as_bytes()) } else { list.concat().into_bytes() };
            std::fs::write(&first, pack(&whole)).expect("a file");
            std::fs::write(&second, pack(&list)).expect("a file");
            bench.check(&folder, &["-1", text(&first), "-2", text(&second)], Must::Fail(words), name);
        }
    }
}

fn sample_sheets(bench: &Bench) {
    let folder = bench.folder("sheets");
    let (reads, sheet) = (folder.join("reads.fq"), folder.join("sheet.tsv"));
    std::fs::write(&reads, records(10).concat()).expect("a file");
    let whole = "read_group\tsample\tlibrary\tcenter\tfastq_1\tfastq_2\nlane1\ts\tl\tc\treads.fq\t\n";
    let mut random = Random(4);
    let check = |content: &[u8]| {
        std::fs::write(&sheet, content).expect("a file");
        bench.check(&folder, &["--samples", text(&sheet)], Must::Either(text(&folder)), "a sheet")
    };
    assert!(check(whole.as_bytes()));
    let mut failed = 0;
    for _ in 0..80 {
        let mut changed = whole.as_bytes().to_vec();
        for _ in 0..1 + random.below(3) {
            let place = random.below(changed.len());
            match random.below(3) {
                0 => changed[place] = b"\t\n\r\0\xff,#\\a"[random.below(9)],
                1 => drop(changed.remove(place)),
                _ => changed.insert(place, b"\t\n\xc3/x"[random.below(5)]),
            }
        }
        failed += usize::from(!check(&changed));
    }
    assert!(failed > 40, "only {failed} fail");
}

/// Read groups, read structures and lanes that are anything.
fn option_values(bench: &Bench) {
    let folder = bench.folder("options");
    let reads = folder.join("reads.fq");
    std::fs::write(&reads, records(4).concat()).expect("reads");
    let mut random = Random(6);
    for (option, letters) in [
        ("-R", &b"@RG\\t\tID:SML x1"[..]),
        ("--umi-structure", b"TMBCS+1234567890,-"),
        ("--rg-lanes", b"HX.1,2-_"),
        ("--barcode-tag", b"RXBM1"),
        ("--insert-model", b"12,/.x"),
    ] {
        for _ in 0..25 {
            let mut value: Vec<u8> = if option == "-R" { b"@RG\\tID:a".to_vec() } else { Vec::new() };
            value.extend((0..random.below(9)).map(|_| letters[random.below(letters.len())]));
            let value = format!("{option}={}", String::from_utf8(value).expect("ASCII"));
            let value = if option == "-R" { value.replacen('=', "", 1) } else { value };
            let output = folder.join("out.bam");
            let arguments =
                ["align", "--backend", "cpu", "-t1", "-q", "--ref", text(&bench.reference), "-1", text(&reads), "-o"];
            let run = bounded(&[&arguments[..], &[text(&output), &value]].concat(), &value);
            assert!(matches!(run.status.code(), Some(0..=2)), "{value}: {run:?}");
            assert_eq!(output.exists(), run.status.success(), "{value}");
            let _ = std::fs::remove_file(output);
        }
    }
}

/// The generators make what they should: else a test of nothing would pass.
fn good_input_passes(bench: &Bench) {
    let folder = bench.folder("good");
    let (whole, file) = (records(40).concat().into_bytes(), folder.join("good.fq"));
    let packed = bgzf(&whole, 700);
    assert!(unpacked(&packed).expect("gzip") == whole);
    for content in [whole.clone(), gzip(&whole), packed] {
        std::fs::write(&file, content).expect("a file");
        assert!(bench.check(&folder, &["-1", text(&file)], Must::Either(""), "a good file"));
    }
}

/// What is unusual but right is read: each file gives these reads, by name, with these bases and qualities.
fn odd_input_is_read(bench: &Bench) {
    let folder = bench.folder("odd");
    let file = folder.join("odd.fq");
    let long = "ACGT".repeat(256);
    let lines = format!("@a\n{long}\n+\n{}\n", "I".repeat(1024));
    let cases: [(&str, Vec<u8>, &str); 20] = [
        ("CR LF", b"@a\r\nACGT\r\n+\r\nIII~\r\n".into(), "a ACGT III~"),
        ("no last line end", b"@a\nACGT\n+\nIIII".into(), "a ACGT IIII"),
        ("blank lines behind", b"@a\nACGT\n+\nIIII\n\n\n\n\n\n".into(), "a ACGT IIII"),
        ("lower case", b"@a\nacgtn\n+\nIIIII\n".into(), "a ACGTN IIIII"),
        ("ambiguous letters", b"@a\nRYSWKMBDHVN\n+\nIIIIIIIIIII\n".into(), "a RYSWKMBDHVN IIIIIIIIIII"),
        ("RNA and dots", b"@a\nAU.u\n+\nIIII\n".into(), "a ATNT IIII"),
        ("the name again", b"@a x\nACGT\n+a x\nIIII\n".into(), "a ACGT IIII"),
        ("a quality line like a header", b"@a\nACGT\n+\n@@@@\n@b\nA\n+\n+\n".into(), "a ACGT @@@@,b A +"),
        ("mate numbers", b"@a/1\nA\n+\nI\n@b/2 c\nC\n+\nI\n".into(), "a A I,b C I"),
        ("Illumina 1.8", b"@M:1:F:1:1:2:3 1:N:0:ACGT+A\nA\n+\nI\n".into(), "M:1:F:1:1:2:3 A I"),
        ("SRA", b"@SRR1.1 1 length=4\nACGT\n+SRR1.1 1 length=4\nIIII\n".into(), "SRR1.1 ACGT IIII"),
        ("a tab before the comment", b"@a\tb c\nA\n+\nI\n".into(), "a A I"),
        ("an empty read", b"@a\n\n+\n\n@b\nA\n+\nI\n".into(), "a * *,b A I"),
        ("an empty read at the end", b"@b\nA\n+\nI\n@a\n\n+".into(), "b A I,a * *"),
        ("one base", b"@a\nN\n+\n!\n".into(), "a N !"),
        ("the longest", lines.into_bytes(), &format!("a {long} {}", "I".repeat(1024))),
        ("members", [gzip(b"@a\nAC"), gzip(b""), gzip(b"GT\n+\nIIII\n")].concat(), "a ACGT IIII"),
        ("blocks", bgzf(b"@a\nACGT\n+\nIIII\n", 3), "a ACGT IIII"),
        ("an empty block inside", [bgzf(b"@a\nAC", 3), bgzf(b"GT\n+\nIIII\n", 30)].concat(), "a ACGT IIII"),
        ("BGZF, then gzip's other form", [gzip(b"@a\nAC"), bgzf(b"GT\n+\nIIII\n", 30)].concat(), "a ACGT IIII"),
    ];
    for (name, content, expected) in cases {
        std::fs::write(&file, content).expect("a file");
        let sam = common::svala_ok(&["mem", "--quiet", text(&bench.reference), text(&file)]);
        let reads: Vec<String> =
            common::records(&sam).iter().map(|r| format!("{} {} {}", r.name, r.bases, r.qualities)).collect();
        assert_eq!(reads.join(","), expected, "{name}");
    }
    // Several files a side are lanes.
    let [one, other] = [b"@a\nA\n+\nI\n", b"@b\nC\n+\nI\n"].map(|content| {
        let path = folder.join(format!("{}.fq", char::from(content[1])));
        std::fs::write(&path, content).expect("a file");
        path
    });
    let twice = ["-1", text(&one), "-1", text(&other)];
    assert!(bench.check(&folder, &twice, Must::Either(""), "two files"));
    let odd = [&twice[..], &["-2", text(&file)]].concat();
    bench.check(&folder, &odd, Must::Fail(&["odd.fq", "as many files"]), "two files and one of mates");
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        trial("good input passes", on(good_input_passes)),
        trial("odd input is read", on(odd_input_is_read)),
        trial("flaws of records", on(flaws_of_records)),
        trial("cuts", on(cuts)),
        trial("flipped bits", on(flipped_bits)),
        trial("mates", on(mates)),
        trial("hostile BAM", on(hostile_bam)),
        trial("hostile CRAM", on(hostile_cram)),
        trial("sample sheets", on(sample_sheets)),
        trial("hostile indexes", on(hostile_indexes)),
        trial("option values", on(option_values)),
    ])
}
