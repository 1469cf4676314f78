//! FASTQ input: what is read, and how every kind of broken input is reported.

mod support;

use std::path::Path;

use proptest::prelude::*;
use support::{Folder, bgzf, gzip, zstd};
use svala_io::{Error, ReadBatch, ReadSource, Result};

/// All reads of a source, in batches of `max_reads`.
fn read_all(first: &Path, second: Option<&Path>, max_reads: usize) -> Result<ReadBatch> {
    let mut source = ReadSource::open(first, second, 1000, None)?;
    let (mut all, mut batch) = (ReadBatch::new(), ReadBatch::new());
    while source.read_batch(&mut batch, max_reads)? {
        assert!(!batch.is_empty() && batch.len() <= max_reads.max(if second.is_some() { 2 } else { 1 }));
        assert!(second.is_none() || batch.len().is_multiple_of(2));
        all.append_range(&batch, 0..batch.len());
    }
    assert!(!source.read_batch(&mut batch, max_reads)?, "the end stays the end");
    assert_eq!(source.records_read(), all.len() as u64);
    assert_eq!(source.is_paired(), second.is_some());
    Ok(all)
}

fn read_text(text: impl AsRef<[u8]>) -> Result<ReadBatch> {
    let folder = Folder::new();
    read_all(&folder.file("reads.fq", text), None, 1000)
}

fn read_pairs(first: &str, second: &str) -> Result<ReadBatch> {
    let folder = Folder::new();
    read_all(&folder.file("1.fq", first), Some(&folder.file("2.fq", second)), 1000)
}

/// 1000 records of `length` bases that do not compress to nothing.
fn thousand_records(length: usize) -> String {
    let mut state = 1u64;
    let mut base = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        ['A', 'C', 'G', 'T'][(state >> 60) as usize % 4]
    };
    let mut record = |i| {
        let bases: String = (0..length).map(|_| base()).collect();
        format!("@r{i}\n{bases}\n+\n{}\n", "I".repeat(length))
    };
    (0..1000).map(&mut record).collect()
}

#[test]
fn reads_are_normalised() {
    let batch = read_text("@a/1 comment\r\nacgUn.\r\n+a/1\r\nIIIII~\r\n@b\tx\nRYK\n+\n!!!").unwrap();
    assert_eq!(batch.len(), 2);
    assert_eq!(batch.name(0), b"a");
    assert_eq!(batch.bases(0), b"ACGTNN");
    assert_eq!(batch.qualities(0), b"IIIII~");
    assert_eq!((batch.name(1), batch.bases(1)), (&b"b"[..], &b"RYK"[..]));
}

#[test]
fn empty_reads_and_blank_lines_at_the_end_are_tolerated() {
    for end in ["", "\n", "\n\n", "\r\n\n\n\n\n\n\n"] {
        let batch = read_text(format!("@a\nA\n+\nI\n@b\n\n+\n{end}")).unwrap();
        assert_eq!((batch.len(), batch.bases(1)), (2, &b""[..]), "{end:?}");
    }
}

#[test]
fn containers_and_batch_sizes_do_not_matter() {
    let text = thousand_records(50);
    let folder = Folder::new();
    let plain = folder.file("plain", &text);
    let expected = read_all(&plain, None, 1000).unwrap();
    assert_eq!(expected.len(), 1000);
    for packed in [gzip(text.as_bytes()), bgzf(text.as_bytes()), zstd(text.as_bytes())] {
        let path = folder.file("packed", packed);
        for max_reads in [0, 1, 2, 999, 1000, 1001] {
            assert!(read_all(&path, None, max_reads).unwrap() == expected);
        }
        for max_reads in [0, 1, 2, 3, 4, 2000, 2001] {
            let pairs = read_all(&path, Some(&plain), max_reads).unwrap();
            assert_eq!(pairs.len(), 2000);
            for i in 0..2000 {
                assert_eq!(pairs.name(i), expected.name(i / 2));
            }
        }
    }
}

#[test]
fn cram_is_told_from_broken_fastq() {
    let of = |content: &str| read_text(content).unwrap_err().to_string();
    let [old, cut] = [of(&format!("CRAM\x02\x01{}", "x".repeat(40))), of("CRAM\x03\x00and so on")];
    assert!(old.contains("reads.fq") && old.contains("CRAM 2.1 is not read; expected CRAM 3.0 or 3.1"), "{old}");
    assert!(cut.contains("reads.fq") && cut.contains("truncated"), "{cut}");
}

#[test]
fn broken_records_are_reported_with_number_and_reason() {
    let good = "@a\nACGT\n+\nIIII\n";
    for (record, reason) in [
        (">b\nACGT\n+\nIIII\n", "expected '@'"),
        ("@b\nACGT\nIIII\n@c\n", "expected '+'"),
        ("@b\nACGT\n+\nIII\n", "quality line has 3 characters, the sequence 4"),
        ("@b\nACGT\n+\nIIIII\n", "quality line has 5 characters, the sequence 4"),
        ("@b\nAC-T\n+\nIIII\n", "no IUPAC"),
        ("@b\nAC T\n+\nIIII\n", "no IUPAC"),
        ("@b\nACGT\n+\nII I\n", "outside '!' to '~'"),
        ("@b\nACGT\n+\nII\x7fI\n", "outside '!' to '~'"),
        ("@\nACGT\n+\nIIII\n", "expected a name"),
        ("@ b\nACGT\n+\nIIII\n", "expected a name"),
        ("@*\nACGT\n+\nIIII\n", "expected a name"),
        ("@b\u{e9}\nACGT\n+\nIIII\n", "expected a name"),
        ("\n@b\nACGT\n+\nIIII\n", "expected '@'"),
        ("\n\n\n\n@b\nACGT\n+\nIIII\n", "blank line"),
    ] {
        let error = read_text([good, record].concat()).unwrap_err();
        let Error::Format { path, record: 2, format: "FASTQ", reason: found } = &error else {
            panic!("{record:?}: {error:?}");
        };
        assert!(path.ends_with("reads.fq") && found.contains(reason), "{record:?}: {error}");
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn names_may_have_254_bytes() {
    let record = |length| format!("@{}\nA\n+\nI\n", "n".repeat(length));
    assert_eq!(read_text(record(254)).unwrap().name(0).len(), 254);
    assert!(matches!(read_text(record(255)), Err(Error::Format { record: 1, .. })));
}

#[test]
fn a_cut_last_record_is_an_error_with_its_number() {
    let text = "@a\nACGT\n+\nIIII\n@b\nACGT\n+\nIIII";
    let second = text.find("@b").unwrap();
    for end in second + 1..text.len() {
        match read_text(&text[..end]).unwrap_err() {
            Error::Truncated { record: 2, .. } | Error::Format { record: 2, .. } => {}
            error => panic!("{end} bytes: {error}"),
        }
    }
    assert_eq!(read_text(text).unwrap().len(), 2);
}

#[test]
fn an_input_without_a_byte_has_no_reads() {
    let folder = Folder::new();
    for (content, is_empty) in [
        (Vec::new(), true),
        (gzip(b""), true),
        (bgzf(b""), true),
        (b"\n".to_vec(), false),
        (gzip(b"@a\nA\n+\nI\n"), false),
    ] {
        let mut source = ReadSource::open(&folder.file("reads.fq", &content), None, 1000, None).unwrap();
        assert_eq!(source.is_empty().unwrap(), is_empty);
        if is_empty {
            assert_eq!(read_text(content).unwrap().len(), 0);
        }
    }
    assert_eq!(read_pairs("", "").unwrap().len(), 0);
    // What should be compressed has bytes even then.
    for name in ["cut.fq.gz", "cut.fastq.zst", "cut.bam", "cut.CRAM"] {
        assert!(matches!(read_all(&folder.file(name, b""), None, 100), Err(Error::Truncated { .. })), "{name}");
    }
    let good = "@a\nA\n+\nI\n";
    for (first, second, short) in [("", good, "1.fq"), (good, "", "2.fq")] {
        let is_told =
            |error| matches!(error, Error::UnequalCount { shorter, records: 0, .. } if shorter.ends_with(short));
        assert!(is_told(read_pairs(first, second).unwrap_err()));
    }
}

#[test]
fn an_input_of_blank_lines_is_an_error() {
    for content in [b"\n\n".to_vec(), gzip(b"\n")] {
        assert!(matches!(read_text(content), Err(Error::Empty { .. })));
    }
}

#[test]
fn files_of_different_length_are_named() {
    let (one, two) = ("@a\nA\n+\nI\n", "@a\nA\n+\nI\n@b\nA\n+\nI\n");
    for (first, second, short) in [(one, two, "1.fq"), (two, one, "2.fq")] {
        let error = read_pairs(first, second).unwrap_err();
        let Error::UnequalCount { shorter, longer, records: 1 } = &error else {
            panic!("{error:?}");
        };
        assert!(shorter.ends_with(short) && shorter != longer);
    }
}

#[test]
fn mates_with_different_names_are_reported_without_the_names() {
    let (first, second) = ("@a/1\nA\n+\nI\n@secret1\nA\n+\nI\n", "@a/2\nA\n+\nI\n@secret2\nA\n+\nI\n");
    let error = read_pairs(first, second).unwrap_err();
    assert!(matches!(error, Error::MateNames { record: 2, .. }));
    assert!(!format!("{error} {error:?}").contains("secret"));
}

#[test]
fn a_missing_file_and_a_folder_cannot_be_opened() {
    let folder = Folder::new();
    let missing = folder.path().join("missing.fq");
    for path in [missing.as_path(), folder.path()] {
        assert!(matches!(ReadSource::open(path, None, 1000, None), Err(Error::Open { .. })));
    }
    assert!(ReadSource::open(Path::new("-"), Some(Path::new("-")), 1000, None).is_err());
}

/// As `samtools fastq -1 PIPE -2 PIPE` does.
#[cfg(unix)]
#[test]
fn one_process_can_write_the_pipes_of_both_mates() {
    let folder = Folder::new();
    let pipes = ["1", "2"].map(|name| folder.path().join(name));
    assert!(std::process::Command::new("mkfifo").args(&pipes).status().unwrap().success());
    let (done, result) = std::sync::mpsc::channel();
    let [first, second] = pipes.clone();
    std::thread::spawn(move || drop(done.send(read_all(&first, Some(&second), 1000))));
    // In a thread of its own, since it waits for who reads.
    std::thread::spawn(move || {
        let files = pipes.map(|path| std::fs::OpenOptions::new().write(true).open(path).unwrap());
        for (mate, mut file) in (1..).zip(files) {
            std::io::Write::write_all(&mut file, format!("@a/{mate}\nACGTACGTACGT\n+\nIIIIIIIIIIII\n").as_bytes())
                .unwrap();
        }
    });
    let reads = result.recv_timeout(std::time::Duration::from_secs(60)).expect("an end").unwrap();
    assert_eq!(reads.len(), 2);
}

#[test]
fn mates_may_have_any_comment() {
    let pair = |comment: &str| {
        let text = format!("@SRR1.7 {comment}\nA\n+\nI\n");
        read_pairs(&text, &text)
    };
    assert_eq!(pair("1:1101:7:200 length=100").unwrap().len(), 2);
    assert!(matches!(pair("1:N:0:ACGT"), Err(Error::SameMate { .. })));
}

/// A cut file must never be read as a shorter one, wherever it is cut.
#[test]
fn every_prefix_of_a_compressed_file_is_an_error() {
    let text = thousand_records(8);
    for (name, data) in [("gz", gzip(text.as_bytes())), ("bgzf", bgzf(text.as_bytes()))] {
        let folder = Folder::new();
        for end in 0..data.len() {
            let path = folder.file(&format!("cut.{name}"), &data[..end]);
            let error = read_all(&path, None, 100).unwrap_err();
            let is_expected = match end {
                1 => matches!(error, Error::Format { .. }),
                _ => matches!(error, Error::Truncated { .. }),
            };
            assert!(is_expected, "{name}: {end} of {} bytes: {error}", data.len());
        }
        assert_eq!(read_all(&folder.file("whole", &data), None, 100).unwrap().len(), 1000);
    }
}

#[test]
fn damaged_compressed_data_is_told_from_cut_data() {
    let text = thousand_records(50);
    for mut data in [gzip(text.as_bytes()), bgzf(text.as_bytes())] {
        let middle = data.len() / 2;
        data[middle..middle + 8].fill(0xff);
        let error = read_text(&data).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. } | Error::Format { .. }), "{error:?}");
    }
}

#[test]
fn damage_that_only_the_checksum_sees_is_found() {
    let text = thousand_records(50);
    for mut data in [gzip(text.as_bytes()), bgzf(text.as_bytes())] {
        // The CRC-32 of plain gzip is 8 bytes before its end; that of the first BGZF block is 8
        // before the end of that block, whose size minus one is at offset 16.
        let is_bgzf = data[12..14] == *b"BC";
        let size = if is_bgzf { usize::from(data[16]) + 256 * usize::from(data[17]) + 1 } else { data.len() };
        data[size - 8] ^= 1;
        assert!(matches!(read_text(&data), Err(Error::Damaged { .. })));
    }
}

#[test]
fn sources_can_move_between_threads() {
    fn require_send<T: Send>() {}
    require_send::<ReadSource>();
    require_send::<svala_io::FastaReader>();
    require_send::<svala_io::AlignmentWriter>();
}

proptest! {
    /// Bytes that often look like FASTQ give reads or an error, never a panic.
    #[test]
    fn arbitrary_bytes_do_no_harm(text in "([@>+\\r\\n \\PC]|@r\nACGT\n\\+\nIIII\n){0,40}") {
        let _ = read_text(&text);
        let folder = Folder::new();
        let path = folder.file("ref.fa", &text);
        let mut contig = svala_io::Contig::default();
        if let Ok(mut reader) = svala_io::FastaReader::open(&path) {
            while reader.read_contig(&mut contig).unwrap_or(false) {}
        }
        let _ = svala_io::ReadGroup::parse(&text);
    }

    #[test]
    fn what_is_written_is_read(
        reads in prop::collection::vec(
            ("[!-)+-.0-?A-~]{1,20}", prop::collection::vec(("[ACGTN]", "[!-~]"), 0..80)),
            1..40,
        ),
        line_end in prop::sample::select(vec!["\n", "\r\n"]),
        has_last_line_end: bool,
        max_reads in 1usize..50,
    ) {
        let mut text = String::new();
        let mut expected = ReadBatch::new();
        for (name, pairs) in &reads {
            let (bases, qualities): (String, String) = pairs.iter().cloned().unzip();
            text += &[&format!("@{name}"), bases.as_str(), "+", qualities.as_str(), ""].join(line_end);
            expected.push(name.as_bytes(), bases.as_bytes(), qualities.as_bytes());
        }
        if !has_last_line_end {
            text.truncate(text.len() - line_end.len());
        }
        let folder = Folder::new();
        let batch = read_all(&folder.file("reads.fq", text), None, max_reads).unwrap();
        prop_assert!(batch == expected);
    }
}

#[test]
fn barcodes_are_taken_from_comments() {
    let folder = Folder::new();
    let good = "@r1 1:N:0:AC\tXX:Z:no\tRX:Z:ACG-TT extra\nA\n+\nI\n@r2 RX:Z:N\nA\n+\nI\n";
    let path = folder.file("good.fq", good);
    let mut batch = ReadBatch::new();
    let mut source = ReadSource::open(&path, None, 100, None).unwrap().with_barcodes(*b"RX");
    assert!(source.read_batch(&mut batch, 10).unwrap());
    assert_eq!([batch.barcode(0), batch.barcode(1)], [&b"ACG-TT"[..], b"N"]);
    let mut part = ReadBatch::new();
    part.append_range(&batch, 1..2);
    part.append_range(&batch, 0..1);
    assert_eq!([part.barcode(0), part.barcode(1)], [&b"N"[..], b"ACG-TT"]);
    let mut source = ReadSource::open(&path, None, 100, None).unwrap();
    assert!(source.read_batch(&mut batch, 10).unwrap());
    assert_eq!(batch.barcode(1), b"");
    for header in ["@r", "@r RX:Z:", "@r RX:i:1", "@r BX:Z:A", "@RX:Z:A"] {
        let path = folder.file("bad.fq", format!("{header}\nA\n+\nI\n"));
        let mut source = ReadSource::open(&path, None, 100, None).unwrap().with_barcodes(*b"RX");
        let error = source.read_batch(&mut batch, 10).unwrap_err();
        assert!(error.to_string().contains("record 1: expected a barcode"), "{header}: {error}");
    }
}
