//! `svala merge`: sorted shards, merged, are the file of one run over all reads, byte for byte, with its index and metrics.

mod common;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use common::{READS, conclude, data, fastq_records, indexed_reference, svala_ok, svala_refuses, text, trial};

/// Reference, insert-size model, and FASTQ records of both files, with barcodes.
struct Bench {
    folder: tempfile::TempDir,
    reference: PathBuf,
    model: PathBuf,
    reads: [Vec<String>; 2],
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let reference = indexed_reference(folder.path());
        let reads = READS.map(|name| {
            let reads = fastq_records(&data(name)).into_iter().enumerate();
            let barcoded = reads.map(|(number, read)| {
                let (header, rest) = read.split_once('\n').expect("a header");
                let name = header.split_ascii_whitespace().next().expect("a name");
                format!("{name} RX:Z:{}\n{rest}", ["AC", "GT", "CA"][number % 3])
            });
            barcoded.collect()
        });
        let model = folder.path().join("model.json");
        let files = READS.map(data);
        svala_ok(&["insert-size", text(&reference), text(&files[0]), text(&files[1]), "-o", text(&model)]);
        Self { folder, reference, model, reads }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The reads of one of so many shards, in files of this test's own; mates last if there are any.
    fn files(&self, test: &str, shard: usize, shards: usize, mates: usize) -> Vec<PathBuf> {
        let write = |mate: usize| {
            let reads = &self.reads[mate];
            let bound = |shard: usize| reads.len() * shard / shards;
            let path = self.path(&format!("{test}.{shard}of{shards}.{mate}.fq"));
            std::fs::write(&path, reads[bound(shard)..bound(shard + 1)].concat()).expect("a temporary file");
            path
        };
        (0..mates).map(write).collect()
    }

    /// Aligns lanes, each with its read group or none.
    fn align(&self, name: &str, lanes: &[(Vec<PathBuf>, &str)], options: &[&str]) -> PathBuf {
        let output = self.path(name);
        let mut arguments = vec!["align", "--ref", text(&self.reference), "-o", text(&output)];
        for (files, group) in lanes {
            arguments.push("--in-fq");
            arguments.extend(files.iter().map(|path| text(path)));
            arguments.extend((!group.is_empty()).then_some(*group));
        }
        arguments.extend(options);
        svala_ok(&arguments);
        output
    }

    fn merge(&self, name: &str, shards: &[PathBuf], options: &[&str]) -> PathBuf {
        let output = self.path(name);
        let mut arguments = vec!["merge", "-o", text(&output)];
        arguments.extend(shards.iter().map(|path| text(path)));
        arguments.extend(options);
        svala_ok(&arguments);
        output
    }

    /// Compares files, indexes and, if they are there, metrics, of these names.
    fn assert_same(&self, merged: &str, whole: &str) {
        for extension in ["", ".bai", ".metrics"] {
            let [merged, whole] =
                [merged, whole].map(|name| std::fs::read(self.path(&format!("{name}{extension}"))).ok());
            assert!(extension == ".metrics" || whole.is_some());
            assert!(merged == whole, "{extension} differs");
        }
    }

    /// Aligns all reads at once and in shards, and compares.
    fn check(&self, case: Case) {
        let Case { name, mates, align, action } = case;
        let align = [align, &["--insert-model", text(&self.model)]].concat();
        let metrics = |name: &str| {
            if action.contains(&"--no-markdup") { None } else { Some(self.path(&format!("{name}.metrics"))) }
        };
        let with_metrics = |file: &Option<PathBuf>, options: &[&str]| {
            let file = file.iter().flat_map(|file| ["--metrics".to_owned(), text(file).to_owned()]);
            options.iter().map(|option| option.to_string()).chain(file).collect::<Vec<String>>()
        };
        let whole = format!("{name}.whole.bam");
        let options = with_metrics(&metrics(&whole), &[&align[..], action].concat());
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        self.align(&whole, &[(self.files(name, 0, 1, mates), "")], &options);
        for shards in [1, 3, 5] {
            let parts: Vec<PathBuf> = (0..shards)
                .map(|shard| {
                    // What the shards say about duplicates doesn't count, nor their compression.
                    let options: &[&str] = if shard % 2 == 0 { &["-l", "1"] } else { &["--no-markdup", "--no-index"] };
                    let files = self.files(name, shard, shards, mates);
                    self.align(
                        &format!("{name}.{shard}of{shards}.bam"),
                        &[(files, "")],
                        &[&align[..], options].concat(),
                    )
                })
                .collect();
            for memory in ["1", "512"] {
                let merged = format!("{name}.merged.bam");
                let options = with_metrics(&metrics(&merged), &[action, &["--max-mem", memory, "-t", "2"]].concat());
                self.merge(&merged, &parts, &options.iter().map(String::as_str).collect::<Vec<_>>());
                self.assert_same(&merged, &whole);
            }
        }
    }

    /// Lanes are shards, too, and need no common model.
    fn check_lanes(&self) {
        let groups = [r"@RG\tID:1\tSM:s\tLB:a", r"@RG\tID:2\tSM:s\tLB:a", r"@RG\tID:3\tSM:s\tLB:b"];
        let lanes: Vec<_> =
            (0..3).map(|lane| (self.files("lanes", lane, 3, if lane == 1 { 1 } else { 2 }), groups[lane])).collect();
        let metrics = |name: &str| text(&self.path(&format!("{name}.metrics"))).to_owned();
        self.align("lanes.bam", &lanes, &["--metrics", &metrics("lanes.bam")]);
        let align = |lane: usize| self.align(&format!("lane{lane}.bam"), &lanes[lane..=lane], &[]);
        let parts: Vec<PathBuf> = (0..3).map(align).collect();
        self.merge("merged-lanes.bam", &parts, &["--metrics", &metrics("merged-lanes.bam")]);
        self.assert_same("merged-lanes.bam", "lanes.bam");
        let rows = std::fs::read_to_string(self.path("lanes.bam.metrics")).expect("metrics");
        assert!(rows.contains("\na\t") && rows.contains("\nb\t"), "{rows}");
    }

    /// Statistics, the record of the run and CRAM are those of one run, too.
    fn check_companions(&self) {
        let model = ["--insert-model", text(&self.model)];
        let with_qc = |name: &str, options: &[&str]| {
            let prefix = text(&self.path(&format!("{name}.qc"))).to_owned();
            [options, &["--qc", &prefix]].concat().iter().map(|word| word.to_string()).collect::<Vec<_>>()
        };
        fn words(options: &[String]) -> Vec<&str> {
            options.iter().map(String::as_str).collect()
        }
        self.align("whole-qc.bam", &[(self.files("qc", 0, 1, 2), "")], &words(&with_qc("whole", &model)));
        let part = |shard| self.align(&format!("qc.{shard}.bam"), &[(self.files("qc", shard, 3, 2), "")], &model);
        let parts: Vec<PathBuf> = (0..3).map(part).collect();
        let merged = self.merge("merged-qc.bam", &parts, &words(&with_qc("merged", &["--max-mem", "1"])));
        self.assert_same("merged-qc.bam", "whole-qc.bam");
        svala_ok(&["verify", text(&merged)]);
        let read = |name: &str| std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let suffixes =
            [".stats", ".flagstat", ".coverage", ".insert_size_metrics", ".duplicate_metrics", ".svala_mapq_mqc.json"];
        for suffix in suffixes {
            let [merged, whole] = ["merged", "whole"]
                .map(|name| read(&format!("{name}.qc{suffix}")).replace(&format!("\"{name}.qc\""), ""));
            assert!(merged == whole, "{suffix} differs");
        }
        assert!(read("merged.qc.html").contains("merge of 3 files"));
        let [merged, whole] = ["merged-qc", "whole-qc"].map(|name| -> serde_json::Value {
            serde_json::from_str(&read(&format!("{name}.bam.svala.json"))).expect("JSON")
        });
        for member in ["command", "reference", "reads", "duplicates"] {
            assert_eq!(merged[member], whole[member]);
        }
        assert_eq!(merged["output"]["digest"], whole["output"]["digest"]);
        let first = &merged["inputs"][0];
        assert_eq!((first["name"].as_str(), first["bytes"].as_u64()), (Some("qc.0.bam"), Some(size(&parts[0]))));
        assert!(first["sha256"].is_string());
        self.align("whole.cram", &[(self.files("qc", 0, 1, 2), "")], &model);
        let cram = self.merge("merged.cram", &parts, &["--ref", text(&self.reference), "--no-record", "-q"]);
        let with_index =
            |path: &Path| [path.to_owned(), path.with_extension("cram.crai")].map(|p| std::fs::read(p).ok());
        assert!(with_index(&cram) == with_index(&self.path("whole.cram")));
        assert!(!self.path("merged.cram.svala.json").exists());
        // Shards may be CRAM, of either version.
        const GROUP: &str = r"@RG\tID:1\tSM:s\tLB:a";
        let whole = ["whole-crams.cram", "whole-crams.bam"]
            .map(|name| self.align(name, &[(self.files("qc", 0, 1, 2), GROUP)], &model));
        let part = |shard, version| {
            let options = [&model[..], &["--cram-version", version]].concat();
            self.align(&format!("qc.{shard}.cram"), &[(self.files("qc", shard, 3, 2), GROUP)], &options)
        };
        let crams: Vec<PathBuf> = (0..3).map(|shard| part(shard, ["3.0", "3.1", "3.0"][shard])).collect();
        let reference = ["--ref", text(&self.reference), "-q"];
        let merged = self.merge("merged-crams.cram", &crams, &[&reference[..], &["--max-mem", "1"]].concat());
        assert!(with_index(&merged) == with_index(&whole[0]));
        svala_ok(&["verify", text(&merged)]);
        let merged = self.merge("merged-crams.bam", &crams, &reference);
        assert!(std::fs::read(&merged).ok() == std::fs::read(&whole[1]).ok());
        svala_refuses(&["merge", text(&crams[0]), "-o", text(&self.path("no-reference.bam"))], 2, "--ref");
        svala_refuses(&["merge", text(&parts[0]), "-o", text(&self.path("no-reference.cram"))], 2, "--ref");
    }

    /// Whether there are pairs is told by all records, not by the first.
    fn check_mixed(&self) {
        let single = self.path("mixed.singles.fq");
        // By their names they come before pairs of the same place.
        let singles = self.reads.iter().flatten().map(|read| read.replacen('@', "@!", 1)).enumerate();
        let singles = singles.map(|(number, read)| read.replacen("@!", &format!("@!{number}."), 1));
        std::fs::write(&single, singles.collect::<String>()).expect("a temporary file");
        let lanes = [(self.files("mixed", 0, 1, 2), r"@RG\tID:a\tSM:s"), (vec![single], r"@RG\tID:b\tSM:s")];
        let [whole, merged] = ["mixed-whole", "mixed-merged"].map(|name| self.path(name));
        self.align("mixed.bam", &lanes, &["--qc", text(&whole)]);
        let parts = ["1/2", "2/2"].map(|shard| {
            let name = format!("mixed.{}.bam", &shard[..1]);
            self.align(&name, &lanes, &["--shard", shard, "--no-markdup"])
        });
        self.merge("mixed.merged.bam", &parts, &["--qc", text(&merged)]);
        self.assert_same("mixed.merged.bam", "mixed.bam");
        let sizes = |prefix: &Path| std::fs::read_to_string(prefix.with_extension("insert_size_metrics")).ok();
        assert!(sizes(&whole).is_some_and(|text| text.contains("FR")) && sizes(&whole) == sizes(&merged));
    }

    fn check_refusals(&self) {
        let lane = |shard: usize, group| [(self.files("refused", shard, 3, 2), group)];
        let good = self.align("good.bam", &lane(0, r"@RG\tID:secret\tSM:s"), &[]);
        let unsorted = self.align("unsorted.bam", &lane(1, ""), &["--sort", "none"]);
        let removed = self.align("removed.bam", &lane(1, ""), &["--rmdup"]);
        let clipped = self.align("clipped.bam", &lane(1, ""), &["-Y"]);
        let group = self.align("group.bam", &lane(1, r"@RG\tID:secret\tSM:t"), &[]);
        let sample = self.align("sample.bam", &lane(1, r"@RG\tID:other\tSM:t"), &[]);
        let named_twice = {
            let twice = self.path("twice.fq");
            std::fs::write(&twice, self.reads[0][..50].concat().repeat(2)).expect("a temporary file");
            self.align("twice.bam", &[(vec![twice], "")], &[])
        };
        let other = {
            let folder = self.path("other");
            std::fs::create_dir(&folder).expect("a folder");
            let reference = folder.join("hg19_chrM_chrY-trunc.fa.gz");
            std::fs::write(&reference, format!(">one\n{}\n", "ACGTTGCATTGA".repeat(100))).expect("a temporary file");
            svala_ok(&["index", text(&reference)]);
            let output = self.path("other.bam");
            let reads = &self.files("refused", 1, 3, 1)[0];
            svala_ok(&["align", "--ref", text(&reference), "-1", text(reads), "-o", text(&output)]);
            output
        };
        let cut = self.path("cut.bam");
        let bytes = std::fs::read(&good).expect("a file");
        std::fs::write(&cut, &bytes[..bytes.len() / 2]).expect("a temporary file");
        let output = self.path("refused.bam");
        let missing = self.path("missing.bam");
        let cases: [(&Path, i32, &str); 11] = [
            (&unsorted, 1, "sorted by coordinate"),
            (&removed, 1, "removed"),
            (&clipped, 1, "options"),
            (&group, 1, "read group"),
            (&sample, 1, "another sample"),
            (&other, 1, "reference"),
            (&named_twice, 1, "share a name"),
            (&cut, 1, "cut.bam"),
            (&missing, 1, "missing.bam"),
            (&good, 2, "twice"),
            (Path::new("-"), 2, "standard input"),
        ];
        for (shard, code, word) in cases {
            let error = svala_refuses(&["merge", text(&good), text(shard), "-o", text(&output)], code, word);
            assert!(!error.contains("secret"), "{word}: {error}");
            assert!(!output.exists(), "{word}");
        }
        svala_refuses(&["merge", text(&good), "-o", text(&good)], 2, "replace");
        // What couldn't be merged is refused before, where the first reads tell.
        let [first, second] = [0, 1].map(|mate| self.files("refused", 0, 3, 2)[mate].clone());
        let arguments = ["align", "--ref", text(&self.reference), "-1", text(&first), "-1", text(&second)];
        let shard = ["--shard", "1/2", "-o", text(&output)];
        svala_refuses(&[&arguments[..], &shard].concat(), 2, "same name");
        svala_ok(&[&arguments[..], &["-o", text(&output)]].concat());
        #[cfg(unix)]
        {
            let pipe = self.path("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts").success());
            svala_refuses(&["merge", text(&good), text(&pipe), "-o", text(&output)], 2, "a pipe");
        }
        assert!(std::fs::read(&good).expect("a file") == bytes);
    }
}

fn size(path: &Path) -> u64 {
    path.metadata().expect("a file").len()
}

/// What is merged.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    mates: usize,
    align: &'static [&'static str],
    action: &'static [&'static str],
}

fn main() -> ExitCode {
    let bench = Arc::new(Bench::new());
    let case = |name: &'static str, mates, align, action| {
        let bench = Arc::clone(&bench);
        trial(name, move || bench.check(Case { name, mates, align, action }))
    };
    let on = |check: fn(&Bench)| common::looking_at(&bench, check);
    conclude(vec![
        case("marked", 2, &[], &[]),
        case("removed", 2, &["-Y"], &["--rmdup"]),
        case("left", 2, &[], &["--no-markdup"]),
        case("single", 1, &[], &[]),
        case("barcodes", 2, &["--barcode-tag", "RX"], &["--optical-distance", "2500"]),
        trial("lanes", on(Bench::check_lanes)),
        trial("pairs and single reads", on(Bench::check_mixed)),
        trial("statistics, record and CRAM", on(Bench::check_companions)),
        trial("shards that don't fit are refused", on(Bench::check_refusals)),
    ])
}
