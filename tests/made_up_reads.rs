//! Reads whose truth is known because the test made them: every length, both strands, edits, split reads, repeats, contig ends.

mod common;

use std::process::ExitCode;

use common::made_up::{Cut, World};
use common::{Random, Record, conclude, fastq, fastq_pair, qualities, reverse_complement, trial};

/// Exact reads of each length are found exactly.
fn exact_reads_of_all_lengths() {
    let mut world = World::new(1);
    for length in [30, 31, 40, 63, 64, 65, 75, 100, 127, 128, 129, 150, 250, 300, 499, 500, 1000, 1024] {
        let reads: Vec<Cut> = (0..200).map(|_| world.cut(length)).collect();
        for (cut, record) in reads.iter().zip(world.single(&reads)) {
            assert!(cut.is_found_by(&record), "{length}: {record:?}");
            assert_eq!((record.position - 1, record.cigar), (cut.start as i64, format!("{length}M")));
            assert_eq!((record.tags["NM"].as_str(), record.tags["MD"].clone()), ("0", length.to_string()));
            // By bwa's formula a unique 30-mer reaches its full quality too.
            assert_eq!(record.mapq, 60, "{length}");
        }
    }
}

/// Bases that a sequencer or a consensus leaves open make no read doubtful that has but one place.
fn scattered_unknown_bases_leave_a_read_sure() {
    let mut world = World::new(14);
    for length in [100, 150, 250] {
        let mut reads: Vec<Cut> = (0..100).map(|_| world.cut(length)).collect();
        for cut in &mut reads {
            for _ in 0..length / 14 {
                cut.bases[world.random.below(length)] = b'N';
            }
        }
        let got = world.single(&reads);
        let sure = reads.iter().zip(&got).filter(|(cut, record)| cut.is_found_by(record) && record.mapq >= 30).count();
        assert!(sure >= 95, "{sure} of 100 reads of {length} bases");
    }
}

/// Too short, empty of bases to match, or foreign: unmapped, but there.
fn hopeless_reads_are_kept_unmapped() {
    let mut world = World::new(2);
    let short = world.cut(29).bases;
    let foreign = Random(99).bases(150);
    let unknown = vec![b'N'; 150];
    let low = b"A".repeat(150);
    let reads = [&short[..], &foreign, &unknown, &low, b"A"];
    let got = world.mem(&[fastq(reads.iter().enumerate().map(|(i, read)| (format!("r{i}"), *read)))], &[]);
    assert_eq!(got.len(), reads.len());
    for (read, record) in reads.iter().zip(&got) {
        assert_eq!((record.flags, record.mapq, record.contig.as_str()), (4, 0, "*"), "{record:?}");
        assert_eq!(record.bases.as_bytes(), *read);
    }
}

/// `-V` tells what the reference says of contigs.
fn descriptions_of_contigs_can_be_told() {
    let mut world = World::new(12);
    let (found, foreign) = (world.cut(150).bases, Random(98).bases(150));
    let reads = [fastq([("found".to_owned(), &found[..]), ("foreign".to_owned(), &foreign[..])])];
    let told =
        |options: &[&str]| world.mem(&reads, options).iter().map(|r| r.tags.get("XR").cloned()).collect::<Vec<_>>();
    assert_eq!(told(&["-V"]), [Some("made up".to_owned()), None]);
    assert_eq!(told(&[]), [None, None]);
}

/// Mismatches and gaps: the right place and the right operations.
fn edits_are_found() {
    let mut world = World::new(3);
    let mut reads = Vec::new();
    let mut expected = Vec::new();
    for i in 0..400 {
        let mut cut = world.cut(160);
        let at = 40 + world.random.below(60);
        let gap = 1 + i % 30;
        match i % 3 {
            0 => {
                cut.bases[at] = if cut.bases[at] == b'A' { b'C' } else { b'A' };
                expected.push((1, 'X'));
            }
            1 => {
                cut.bases.drain(at..at + gap);
                expected.push((gap as i64, 'D'));
            }
            _ => {
                let inserted = world.random.bases(gap);
                cut.bases.splice(at..at, inserted);
                expected.push((gap as i64, 'I'));
            }
        }
        reads.push(cut);
    }
    let got = world.single(&reads);
    let mut right = 0;
    for ((cut, record), &(length, kind)) in reads.iter().zip(&got).zip(&expected) {
        assert!(cut.is_found_by(record), "{record:?}");
        assert_eq!(record.flags & 0x800, 0);
        let gap = record.operations().iter().copied().find(|(_, k)| "ID".contains(*k));
        // A random insertion may match the reference at its edge, which makes it no shorter, but an equal one elsewhere.
        right += usize::from(if kind == 'X' {
            gap.is_none() && record.tags["NM"] == "1"
        } else {
            gap == Some((length, kind))
        });
    }
    assert!(right * 100 >= 99 * reads.len(), "{right} of {}", reads.len());
}

/// Gaps in repeats stand as far left as they can.
fn gaps_are_left_aligned() {
    let mut random = Random(4);
    let mut contig = random.bases(5_000);
    contig[2_000..2_012].copy_from_slice(b"CACACACACACA");
    contig[1_999] = b'G';
    contig[2_012] = b'G';
    let world = World::with([contig.clone(), random.bases(3_000)], Random(5));
    let mut read = contig[1_930..2_090].to_vec();
    read.drain(70 + 4..70 + 6);
    let cut = Cut { contig: 0, start: 1_930, reverse: false, bases: read.clone() };
    let mirrored = Cut { reverse: true, bases: reverse_complement(&read), ..cut };
    for record in world.single(&[cut, mirrored]) {
        assert_eq!((record.position, record.cigar.as_str()), (1_931, "70M2D88M"), "{record:?}");
        assert_eq!(record.tags["MD"], "70^CA88");
    }
}

/// A read of two distant pieces has a primary and a supplementary record that name each other.
fn split_reads_are_split() {
    let mut world = World::new(6);
    let mut joined = Vec::new();
    for _ in 0..100 {
        let (a, b) = (world.cut(90), world.cut(60));
        joined.push((a.bases.iter().chain(&b.bases).copied().collect::<Vec<u8>>(), a, b));
    }
    let reads = fastq(joined.iter().enumerate().map(|(i, (bases, ..))| (format!("r{i}"), &bases[..])));
    for options in [&[][..], &["-Y"]] {
        let got = world.mem(std::slice::from_ref(&reads), options);
        for (i, (bases, a, b)) in joined.iter().enumerate() {
            let pieces: Vec<&Record> = got.iter().filter(|r| r.name == format!("r{i}")).collect();
            assert_eq!(pieces.len(), 2, "{pieces:?}");
            let strand = |cut: &Cut| if cut.reverse { 16 } else { 0 };
            assert_eq!(pieces[0].flags, strand(a));
            assert_eq!(pieces[1].flags, 0x800 | strand(b));
            let place = |cut: &Cut, record: &Record| (record.position - 1 - cut.start as i64).abs() <= 5;
            assert!(place(a, pieces[0]) && place(b, pieces[1]), "{pieces:?}");
            let sa = |r: &Record| format!("{},{},", r.contig, r.position);
            assert!(
                pieces[0].tags["SA"].starts_with(&sa(pieces[1])) && pieces[1].tags["SA"].starts_with(&sa(pieces[0]))
            );
            let whole = options == ["-Y"];
            assert_eq!(pieces[1].bases.len() == bases.len(), whole);
            check_kept_part(bases, pieces[1]);
            assert_eq!(pieces[1].cigar.contains('H'), !whole);
        }
    }
}

/// Bases and qualities of a record must be the part of the read that its hard clips leave.
fn check_kept_part(read: &[u8], record: &Record) {
    let (mut bases, mut quality) = (read.to_vec(), qualities(read.len()).into_bytes());
    if record.flags & 16 != 0 {
        bases = reverse_complement(&bases);
        quality.reverse();
    }
    let clip = |op: Option<&(i64, char)>| op.filter(|(_, kind)| *kind == 'H').map_or(0, |(length, _)| *length as usize);
    let operations = record.operations();
    let kept = clip(operations.first())..read.len() - clip(operations.last());
    assert_eq!(record.bases.as_bytes(), &bases[kept.clone()]);
    assert_eq!(record.qualities.as_bytes(), &quality[kept]);
}

/// Reads of all lengths in one file, single and paired, with empty and very short ones between: each comes out once, in order,
/// placed or unmapped, with the right flags.
fn mixed_lengths_in_one_file() {
    let mut world = World::new(14);
    let lengths: Vec<usize> = (0..600).map(|i| [0, 1, 18, 29, 30, 75, 150, 151, 300, 1000][i * 7 % 10]).collect();
    let cuts: Vec<Cut> = lengths.iter().map(|&length| world.cut(length)).collect();
    for (cut, record) in cuts.iter().zip(world.single(&cuts)) {
        let expected = if cut.bases.len() < 30 { 4 } else { 16 * u16::from(cut.reverse) };
        assert_eq!(record.flags, expected, "{record:?}");
        assert_eq!(record.bases.len(), cut.bases.len().max(1), "{record:?}");
        assert!(expected == 4 || (cut.is_found_by(&record) && record.mapq == 60), "{record:?}");
    }
    let (mut first, mut second, mut mapped) = (Vec::new(), Vec::new(), Vec::new());
    for (i, &length) in lengths.iter().enumerate() {
        let fragment = world.cut(1_100 + i % 50);
        let mate = lengths[(i * 3 + 1) % lengths.len()];
        first.push((format!("p{i}"), fragment.bases[..length].to_vec()));
        second.push((format!("p{i}"), reverse_complement(&fragment.bases)[..mate].to_vec()));
        mapped.push([length, mate].map(|length| length >= 30));
    }
    let got = world.mem(&fastq_pair(&first, &second), &["-I", "1125,20", "--batch-reads", "64", "-t", "2"]);
    assert_eq!(got.len(), 2 * lengths.len());
    for (pair, mapped) in got.chunks(2).zip(mapped) {
        assert_eq!(pair[0].name, pair[1].name);
        for (mate, record) in pair.iter().enumerate() {
            let placed = [record, &pair[1 - mate]].map(Record::is_mapped);
            // A mate of 18 to 29 bases that fits the pair is placed by rescue; shorter ones never are.
            let may_be_rescued = (19..30).contains(&record.bases.len());
            assert!(placed[0] == mapped[mate] || (may_be_rescued && mapped[1 - mate]), "{record:?}");
            assert_eq!(record.flags & 0xC1, [0x41, 0x81][mate]);
            assert_eq!(record.flags & 8 != 0, !placed[1], "{record:?}");
            assert_eq!(record.flags & 2 != 0, placed == [true, true], "{record:?}");
        }
    }
}

/// Copies that score more than four fifths of the best are named in XA, if they are no more than the limit; with gaps, on the
/// other strand, and clipped.
fn alternatives_are_named() {
    let mut random = Random(15);
    let mut contig = random.bases(60_000);
    let unit = random.bases(400);
    let with = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut copy = unit.clone();
        edit(&mut copy);
        copy
    };
    let copies = [
        (10_000, unit.clone()),
        (20_000, with(&|copy| copy.splice(195..197, []).for_each(drop))),
        (30_000, reverse_complement(&with(&|copy| copy[190] = if copy[190] == b'A' { b'C' } else { b'A' }))),
        // Six mismatches cost a fifth of the score: not named.
        (
            40_000,
            with(&|copy| {
                (0..6).for_each(|i| copy[150 + 15 * i] = if copy[150 + 15 * i] == b'A' { b'C' } else { b'A' })
            }),
        ),
    ];
    for (start, copy) in &copies {
        contig[*start..start + copy.len()].copy_from_slice(copy);
    }
    let world = World::with([contig, random.bases(3_000)], random);
    let reads = [fastq([("whole".to_owned(), &unit[120..270])])];
    let [record] = &world.mem(&reads, &[])[..] else { panic!("one record expected") };
    assert_eq!((record.position, record.cigar.as_str(), record.flags), (10_121, "150M", 0));
    let mut named: Vec<&str> = record.tags["XA"].split_terminator(';').collect();
    named.sort_unstable();
    assert_eq!(named, ["one,+20121,75M2I73M,2", "one,-30131,150M,1"], "{record:?}");
    for (options, is_named) in [(&["-h", "2"][..], true), (&["-h", "1,200"], false), (&["-h", "0"], false)] {
        assert_eq!(world.mem(&reads, options)[0].tags.contains_key("XA"), is_named, "{options:?}");
    }
}

/// Pairs: proper ones are flagged, TLEN is the fragment, a mate too damaged for seeds is rescued.
fn pairs_are_paired_and_mates_rescued() {
    let mut world = World::new(7);
    let (mut first, mut second, mut fragments) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..2_000 {
        let fragment = world.cut(300 + world.random.0 as usize % 200);
        let mut mate = reverse_complement(&fragment.bases)[..100].to_vec();
        if i % 10 == 0 {
            // A mismatch every 9 bases leaves no seed of 20.
            for at in (4..100).step_by(9) {
                mate[at] = if mate[at] == b'A' { b'C' } else { b'A' };
            }
        }
        first.push((format!("p{i}"), fragment.bases[..100].to_vec()));
        second.push((format!("p{i}"), mate));
        fragments.push(fragment);
    }
    let got = world.mem(&fastq_pair(&first, &second), &["-t", "2"]);
    assert_eq!(got.len(), 4_000);
    for (i, fragment) in fragments.iter().enumerate() {
        let pair = &got[2 * i..2 * i + 2];
        let damaged = i % 10 == 0;
        assert_eq!((pair[0].flags & 0xC3, pair[1].flags & 0xC3), (0x43, 0x83), "{pair:?}");
        let size = fragment.bases.len() as i64;
        if !damaged {
            let sign = if fragment.reverse { -1 } else { 1 };
            assert_eq!([pair[0].template_length, pair[1].template_length], [sign * size, -sign * size]);
            assert!(pair.iter().all(|r| r.mapq == 60), "{pair:?}");
        }
        let (left, right) = (fragment.start as i64, fragment.start as i64 + size);
        for record in pair {
            assert!(record.position > left - 5 && record.position < right, "{record:?}");
        }
    }
}

/// A gap beside a nearby copy of the read's other side, and a long deletion followed by as long an insertion.
fn hard_gaps_are_bridged() {
    let mut random = Random(11);
    let mut contig = random.bases(60_000);
    let starts: Vec<usize> = (0..50).map(|i| 1_000 + 1_000 * i).collect();
    for &start in &starts {
        // The first 45 bases of the read stand again 60 bases upstream.
        let piece = contig[start..start + 45].to_vec();
        contig[start - 60..start - 15].copy_from_slice(&piece);
    }
    let world = World::with([contig.clone(), random.bases(3_000)], Random(12));
    let deleted = starts.iter().map(|&start| [&contig[start..start + 75], &contig[start + 85..start + 160]].concat());
    let deleted: Vec<Vec<u8>> = deleted.collect();
    let double: Vec<Vec<u8>> = starts
        .iter()
        .map(|&start| {
            let at = |from: usize, to: usize| &contig[start + 200 + from..start + 200 + to];
            [at(0, 60), at(90, 120), &random.bases(30)[..], at(120, 220)].concat()
        })
        .collect();
    let name = |kind: &str, i: usize| format!("{kind}{i}");
    let reads = deleted.iter().enumerate().map(|(i, read)| (name("deleted", i), &read[..]));
    let reads = reads.chain(double.iter().enumerate().map(|(i, read)| (name("double", i), &read[..])));
    let got = world.mem(&[fastq(reads)], &[]);
    assert_eq!(got.len(), 2 * starts.len(), "no read is split");
    for record in &got {
        let least = if record.name.starts_with("deleted") { 150 - 16 } else { 190 - 72 };
        let score: i64 = record.tags["AS"].parse().expect("a number");
        assert!(score >= least, "{record:?}");
    }
}

/// Mates at the ends of two contigs are no proper pair, however near the contigs are in the index; wide inserts at the
/// start of the first contig look for mates before it.
fn pairs_respect_contigs() {
    let mut random = Random(13);
    let world = World::with([random.bases(40_000), random.bases(40_000)], random);
    let [one, two] = &world.contigs;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for i in 0..300 {
        let (start, size) = (i * 100, 1_300 + (i * 37) % 400);
        first.push((format!("inside{i}"), one[start..start + 100].to_vec()));
        second.push((format!("inside{i}"), reverse_complement(&one[start + size - 100..start + size])));
    }
    for i in 0..20 {
        let end = one.len() - 10 * i;
        first.push((format!("across{i}"), one[end - 100..end].to_vec()));
        second.push((format!("across{i}"), reverse_complement(&two[10 * i..10 * i + 100])));
        // The mate of a reverse read at the very start is nowhere.
        first.push((format!("alone{i}"), reverse_complement(&one[i..i + 100])));
        second.push((format!("alone{i}"), Random(i as u64).bases(100)));
    }
    let got = world.mem(&fastq_pair(&first, &second), &[]);
    for pair in got.chunks(2) {
        let proper = pair[0].flags & 2 != 0;
        assert_eq!(proper, pair[0].name.starts_with("inside"), "{pair:?}");
        if pair[0].name.starts_with("across") {
            assert_eq!((pair[0].contig.as_str(), pair[1].contig.as_str()), ("one", "two"));
            assert_eq!((pair[0].template_length, pair[1].template_length), (0, 0));
        }
    }
}

/// Equal copies share reads, with quality 0; the mate decides where it can.
fn repeats_are_shared_and_honest() {
    let mut random = Random(8);
    let mut contig = random.bases(60_000);
    let repeat = random.bases(1_500);
    let copies = [5_000, 20_000, 35_000, 50_000];
    for start in copies {
        contig[start..start + repeat.len()].copy_from_slice(&repeat);
    }
    let world = World::with([contig.clone(), random.bases(3_000)], random);
    let inside: Vec<(String, &[u8])> = (0..800).map(|i| (format!("inside{i}"), &repeat[i..i + 150])).collect();
    let got = world.mem(&[fastq(inside)], &[]);
    assert!(got.iter().all(|r| r.mapq == 0), "a read of a repeat can't be sure");
    for start in copies {
        let share = got.iter().filter(|r| (start..start + 1_500).contains(&(r.position as usize))).count();
        assert!((120..=280).contains(&share), "copy at {start} has {share} of 800");
    }
    // One mate beside a copy, the other inside; and pairs in unique sequence that teach the insert size.
    let starts: Vec<usize> =
        (0..400).map(|i| copies[i % 4] - 250 + i / 4).chain((0..100).map(|i| 8_000 + 100 * i)).collect();
    let gapped: Vec<Vec<u8>> = (0..800).map(|i| [&repeat[i..i + 70], &repeat[i + 75..i + 150]].concat()).collect();
    let got = world.mem(&[fastq(gapped.iter().enumerate().map(|(i, b)| (format!("gapped{i}"), &b[..])))], &[]);
    for start in copies {
        let share = got.iter().filter(|r| (start..start + 1_500).contains(&(r.position as usize))).count();
        assert!((120..=280).contains(&share), "copy at {start} has {share} of 800 reads with a gap");
    }
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (i, &start) in starts.iter().enumerate() {
        let fragment = &contig[start..start + 400];
        first.push((format!("anchored{i}"), fragment[..100].to_vec()));
        second.push((format!("anchored{i}"), reverse_complement(&fragment[300..])));
    }
    let got = world.mem(&fastq_pair(&first, &second), &[]);
    for (&start, pair) in starts.iter().zip(got.chunks(2)) {
        let start = start as i64;
        assert_eq!((pair[0].position - 1, pair[1].position - 1), (start, start + 300), "{pair:?}");
    }
}

/// Reads over the ends of a contig are clipped there and never reach into the next one.
fn contig_ends_are_respected() {
    let mut world = World::new(9);
    let foreign = world.random.bases(40);
    let [one, two] = &world.contigs;
    let hang = [
        [&foreign[..], &one[..110]].concat(),
        [&one[one.len() - 110..], &foreign].concat(),
        [&foreign[..], &two[..110]].concat(),
        [&one[one.len() - 75..], &two[..75]].concat(),
    ];
    let got = world.mem(&[fastq(hang.iter().enumerate().map(|(i, b)| (format!("r{i}"), &b[..])))], &[]);
    let of = |name: &str| got.iter().filter(|r| r.name == name).collect::<Vec<_>>();
    assert_eq!((of("r0")[0].position, of("r0")[0].contig.as_str()), (1, "one"));
    assert_eq!(of("r0")[0].cigar, "40S110M");
    assert_eq!(of("r1")[0].cigar, "110M40S");
    assert_eq!((of("r2")[0].position, of("r2")[0].contig.as_str()), (1, "two"));
    let joined = of("r3");
    assert_eq!(joined.len(), 2);
    let mut contigs = [joined[0].contig.as_str(), joined[1].contig.as_str()];
    contigs.sort_unstable();
    assert_eq!(contigs, ["one", "two"]);
}

fn main() -> ExitCode {
    conclude(vec![
        trial("descriptions of contigs can be told", descriptions_of_contigs_can_be_told),
        trial("exact reads of all lengths", exact_reads_of_all_lengths),
        trial("scattered unknown bases leave a read sure", scattered_unknown_bases_leave_a_read_sure),
        trial("hopeless reads are kept unmapped", hopeless_reads_are_kept_unmapped),
        trial("edits are found", edits_are_found),
        trial("gaps are left-aligned", gaps_are_left_aligned),
        trial("split reads are split", split_reads_are_split),
        trial("mixed lengths in one file", mixed_lengths_in_one_file),
        trial("alternatives are named", alternatives_are_named),
        trial("pairs are paired and mates rescued", pairs_are_paired_and_mates_rescued),
        trial("repeats are shared and honest", repeats_are_shared_and_honest),
        trial("contig ends are respected", contig_ends_are_respected),
        trial("hard gaps are bridged", hard_gaps_are_bridged),
        trial("pairs respect contigs", pairs_respect_contigs),
    ])
}
