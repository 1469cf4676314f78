//! Files as someone with bad intent would make them: checksums hold, and what they protect is wrong.

use std::path::Path;

use crate::common::hostile::{CramPart, INDEX_SECTIONS, bam, bgzf, forge_cram, seal, seal_cram};
use crate::common::{CRAMS, READS, Random, bytes, data, fastq_records, svala_ok, text};
use crate::{Bench, Must};

/// Lengths that lie, and other bytes of BAM that are anything.
pub fn hostile_bam(bench: &Bench) {
    let folder = bench.folder("bam");
    let (whole, file) = (bam(), folder.join("hostile.bam"));
    let check = |content: &[u8], case: &str| {
        std::fs::write(&file, bgzf(content, 3000)).expect("a file");
        bench.check(&folder, &["-1", text(&file)], Must::Either("hostile.bam"), case)
    };
    assert!(check(&whole, "nothing changed"));
    let mut random = Random(3);
    let first_record = whole.len() - whole.windows(4).rev().position(|w| w == b"read").map_or(0, |at| at + 4);
    let mut failed = 0;
    // 32-bit words of the header and of the first and the last record.
    let words = (4..170).step_by(2).chain((first_record.saturating_sub(36)..first_record + 8).step_by(2));
    for place in words {
        for value in [u32::MAX, i32::MAX as u32, 0] {
            let mut changed = whole.clone();
            changed[place..place + 4].copy_from_slice(&value.to_le_bytes());
            failed += usize::from(!check(&changed, &format!("{value:#x} at {place}")));
        }
    }
    for _ in 0..100 {
        let mut changed = whole.clone();
        for _ in 0..1 + random.below(4) {
            let place = random.below(changed.len());
            changed[place] = random.next() as u8;
        }
        failed += usize::from(!check(&changed, "random bytes"));
    }
    for _ in 0..40 {
        failed += usize::from(!check(&whole[..random.below(whole.len())], "cut before it was compressed"));
    }
    assert!(failed > 250, "only {failed} fail");
}

/// Aligned pairs next to each other, of each version of CRAM, and unaligned ones of samtools, with other codecs.
fn whole_crams(bench: &Bench, folder: &Path) -> Vec<Vec<u8>> {
    let mates = [1, 2].map(|mate| folder.join(format!("whole.{mate}.fq")));
    for (path, reads) in mates.iter().zip(READS) {
        std::fs::write(path, fastq_records(&data(reads))[..150].concat()).expect("a file");
    }
    let own = ["3.0", "3.1"].map(|version| {
        let output = folder.join("whole.cram");
        let fixed = ["align", "--ref", text(&bench.reference), "--sort", "none", "--no-record", "--quiet", "-t", "1"];
        let own = ["-1", text(&mates[0]), "-2", text(&mates[1]), "-o", text(&output), "--cram-version", version];
        svala_ok(&[&fixed[..], &own].concat());
        let content = bytes(&output);
        std::fs::remove_file(output).expect("the output");
        content
    });
    own.into_iter().chain(CRAMS.map(|name| bytes(&data(name)))).collect()
}

/// Cuts, flipped bits, and content and lengths that lie under checksums that hold.
pub fn hostile_cram(bench: &Bench) {
    let folder = bench.folder("cram");
    let file = folder.join("hostile.cram");
    let mut random = Random(11);
    let mut failed = 0;
    for whole in whole_crams(bench, &folder) {
        let check = |content: &[u8], must: Must<'_>, case: &str| {
            std::fs::write(&file, content).expect("a file");
            bench.check(&folder, &["-1", text(&file)], must, case)
        };
        let either = Must::Either("hostile.cram");
        assert!(check(&whole, either, "nothing changed"));
        let mut sealed = whole.clone();
        let parts = seal_cram(&mut sealed);
        assert!(sealed == whole && parts.len() > 60, "checksums are those of the file");
        for _ in 0..30 {
            let end = 26 + random.below(whole.len() - 26);
            check(&whole[..end], Must::Fail(&["hostile.cram", "truncated"]), &format!("cut at {end}"));
        }
        for _ in 0..60 {
            let (place, bit) = (random.below(whole.len()), random.below(8));
            let mut changed = whole.clone();
            changed[place] ^= 1 << bit;
            let passed = check(&changed, either, &format!("bit {bit} of byte {place}"));
            // Between these bytes the file's name may stand.
            assert!(!passed || (6..26).contains(&place), "bit {bit} of byte {place} isn't seen");
        }
        for &part @ (place, _, kind) in &parts {
            let forgeries: [&[u8]; 4] = [&[0], &[0x7f], &[0xf7, 0xff, 0xff, 0xff, 0xf], &[0xff, 0xff, 0xff, 0xff, 0xf]];
            let rounds = if matches!(kind, CramPart::Number { .. }) { 2 } else { 8 };
            for forgery in forgeries.into_iter().cycle().skip(random.below(4)).step_by(3).take(rounds) {
                let mut changed = whole.clone();
                match kind {
                    CramPart::Number { .. } => forge_cram(&mut changed, part, forgery),
                    CramPart::Content { bytes: 0 } => continue,
                    CramPart::Content { bytes } => {
                        for _ in 0..1 + random.below(4) {
                            changed[place + random.below(bytes)] = random.next() as u8;
                        }
                    }
                }
                seal_cram(&mut changed);
                failed += usize::from(!check(&changed, either, &format!("{kind:?} at {place} becomes {forgery:x?}")));
            }
        }
    }
    assert!(failed > 200, "only {failed} fail");
}

/// Indexes whose checksums hold, as someone with bad intent would make them: every bound is checked.
pub fn hostile_indexes(bench: &Bench) {
    let folder = bench.folder("indexes");
    let reference = folder.join("ref.fa");
    let mut random = Random(5);
    let bases: String = (0..6000).map(|_| ['A', 'C', 'G', 'T'][random.below(4)]).collect();
    // The last contig has seeds so often that there are directories.
    let often = bases[..9].repeat(1100);
    let content = format!(">c\n{}NNNN{}\n>d\n{}\n>e\n{often}\n", &bases[..2000], &bases[2000..4000], &bases[4000..]);
    std::fs::write(&reference, content).expect("a reference");
    svala_ok(&["index", text(&reference), "-t", "1"]);
    let reads = folder.join("reads.fq");
    let read = |at: usize| format!("@r{at}\n{}\n+\n{}\n", &bases[at..at + 100], "I".repeat(100));
    let repeated = format!("@e\n{}\n+\n{}\n", &often[..100], "I".repeat(100));
    std::fs::write(&reads, (0..5900).step_by(90).map(read).collect::<String>() + &repeated).expect("reads");
    let index = folder.join("ref.fa.svala");
    let whole = bytes(&index);
    let local = Bench { folder: tempfile::tempdir().expect("a folder"), reference };
    let check = |content: &[u8], must: Must<'_>, case: &str| {
        std::fs::write(&index, content).expect("an index");
        local.check(&folder, &["-1", text(&reads)], must, case)
    };
    let sealed = |mut content: Vec<u8>| {
        seal(&mut content);
        content
    };
    assert!(sealed(whole.clone()) == whole, "checksums are those of the file");
    assert!(check(&whole, Must::Either(".svala"), "nothing changed"));
    let entry = |number: usize| 32 + 32 * number;
    let field = |data: &[u8], at: usize| u64::from_le_bytes(data[at..at + 8].try_into().expect("8 bytes")) as usize;
    let mut failed = 0;
    for case in 0..20 * INDEX_SECTIONS {
        let mut changed = whole.clone();
        let number = case % INDEX_SECTIONS;
        let (start, length) = (field(&changed, entry(number) + 8), field(&changed, entry(number) + 16));
        assert!(case >= INDEX_SECTIONS || length > 0, "section {number} is empty");
        if case < 4 * INDEX_SECTIONS {
            // An offset or a length.
            let at = entry(number) + [8, 16][case / INDEX_SECTIONS % 2];
            let value = [u64::MAX, 1 << 63, whole.len() as u64, start as u64 + 4096, 0][random.below(5)];
            changed[at..at + 8].copy_from_slice(&value.to_le_bytes());
        } else {
            for _ in 0..1 + random.below(20) {
                let place = start + random.below(length.max(1));
                changed[place] = [random.next() as u8, 0, 0xff][random.below(3)];
            }
        }
        failed += usize::from(!check(&sealed(changed), Must::Either(".svala"), &format!("index {case}")));
    }
    assert!((60..=140).contains(&failed), "{failed} fail");
    // Where the first directory, in the last section, says that its entries begin.
    let mut changed = whole;
    let first = field(&changed, entry(INDEX_SECTIONS - 1) + 8) + 8;
    changed[first..first + 8].fill(0xff);
    check(&sealed(changed), Must::Fail(&[".svala", "directories lead outside"]), "a directory");
}
