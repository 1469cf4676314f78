//! SAM and BAM files: the same bytes however they are written, and nothing half-written.

mod support;

use std::{fs, path::Path};

use noodles::{bam, sam};
use support::Folder;
use svala_io::{
    AlignmentRecord, AlignmentWriter, CigarKind, CigarOp, Destination, Error, Format, Header, OwnedAlignment, Program,
    ReadGroup, RecordEncoder, RecordOrder, ReferenceSequence, Tag, TagValue, WriterOptions, bam_index_path, flags,
    read_alignments,
};

const RECORDS: u32 = 3000;

fn header() -> Header {
    let reference =
        |name: &str| ReferenceSequence { name: name.into(), length: 1 << 20, md5: [7; 16], alternate: false };
    Header {
        order: Default::default(),
        references: vec![reference("chr1"), reference("chr2")],
        read_groups: vec![ReadGroup::parse(r"@RG\tID:lane\tSM:sample").unwrap()],
        program: Program {
            id: "svala".into(),
            name: "svala".into(),
            version: "0.1.0".into(),
            command_line: "svala mem".into(),
        },
        lines: Default::default(),
    }
}

/// All records, encoded one after the other.
fn encode(format: Format) -> Vec<u8> {
    let mut encoder = RecordEncoder::new(format, &header()).unwrap();
    let mut output = Vec::new();
    for i in 0..RECORDS {
        let name = format!("read{i}");
        let quality = |j: u32| b'!' + (i.wrapping_mul(2_654_435_761).wrapping_add(j * 77) >> 7) as u8 % 42;
        let qualities: Vec<u8> = (0..100).map(quality).collect();
        let record = AlignmentRecord {
            name: name.as_bytes(),
            flags: flags::REVERSE,
            reference: Some(i as usize % 2),
            position: Some(i),
            mapping_quality: (i % 61) as u8,
            cigar: &[CigarOp::new(CigarKind::SoftClip, 10), CigarOp::new(CigarKind::Match, 90)],
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: &b"GATTACA".repeat(15)[..100],
            qualities: &qualities,
            tags: &[
                Tag { name: *b"NM", value: TagValue::Int(i64::from(i)) },
                Tag { name: *b"RG", value: TagValue::Text(b"lane") },
            ],
        };
        encoder.encode(&record, &mut output).unwrap();
    }
    output
}

fn write(path: &Path, format: Format, encoded: &[u8], chunk: usize, threads: usize) {
    let destination = Destination::File(path.to_path_buf());
    let mut writer =
        AlignmentWriter::create(&destination, format, &header(), WriterOptions { threads, ..WriterOptions::default() })
            .unwrap();
    for piece in encoded.chunks(chunk) {
        writer.write_encoded(piece).unwrap();
    }
    assert!(!path.exists(), "not before the end");
    writer.finish().unwrap();
}

#[test]
fn bytes_do_not_depend_on_pieces_or_threads() {
    for format in [Format::Sam, Format::Bam] {
        let (folder, encoded) = (Folder::new(), encode(format));
        let mut expected = None;
        for chunk in [1, 7, 64 * 1024, encoded.len()] {
            for threads in [0, 1, 2] {
                let path = folder.path().join(format!("{chunk}.{threads}"));
                write(&path, format, &encoded, chunk, threads);
                let bytes = fs::read(&path).unwrap();
                let expected = expected.get_or_insert_with(|| bytes.clone());
                assert!(bytes == *expected, "{format:?}, pieces of {chunk}, {threads} threads");
            }
        }
    }
}

#[test]
fn bam_comes_back_as_written() {
    let folder = Folder::new();
    let path = folder.path().join("out.bam");
    write(&path, Format::Bam, &encode(Format::Bam), 1000, 2);
    let mut count = 0;
    read_alignments(&path, |alignment| {
        let expected = OwnedAlignment {
            name: format!("read{count}").into_bytes(),
            flags: flags::REVERSE,
            reference: Some(if count % 2 == 0 { b"chr1".to_vec() } else { b"chr2".to_vec() }),
            position: Some(count),
            mapping_quality: (count % 61) as u8,
            cigar: "10S90M".into(),
        };
        assert_eq!(alignment, expected);
        count += 1;
    })
    .unwrap();
    assert_eq!(count, RECORDS);
}

/// noodles' readers find the same header and the same records in both formats.
#[test]
fn sam_and_bam_say_the_same() {
    use sam::alignment::RecordBuf;

    let folder = Folder::new();
    let (sam_path, bam_path) = (folder.path().join("out.sam"), folder.path().join("out.bam"));
    write(&sam_path, Format::Sam, &encode(Format::Sam), 1000, 1);
    write(&bam_path, Format::Bam, &encode(Format::Bam), 1000, 1);

    let text = fs::read(&sam_path).unwrap();
    let mut sam_reader = sam::io::Reader::new(text.as_slice());
    let sam_header = sam_reader.read_header().unwrap();
    let binary = fs::read(&bam_path).unwrap();
    let mut bam_reader = bam::io::Reader::new(binary.as_slice());
    let bam_header = bam_reader.read_header().unwrap();
    assert_eq!(sam_header, bam_header);
    assert_eq!(sam_header.read_groups().len(), 1);

    let from_sam: Vec<RecordBuf> = sam_reader.record_bufs(&sam_header).collect::<Result<_, _>>().unwrap();
    let from_bam: Vec<RecordBuf> = bam_reader.record_bufs(&bam_header).collect::<Result<_, _>>().unwrap();
    assert_eq!(from_sam.len(), RECORDS as usize);
    assert!(from_sam == from_bam);
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    for format in [Format::Sam, Format::Bam] {
        let folder = Folder::new();
        let destination = Destination::File(folder.path().join("out"));
        let mut writer = AlignmentWriter::create(&destination, format, &header(), WriterOptions::default()).unwrap();
        writer.write_encoded(&encode(format)).unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_header_that_sam_cannot_hold_is_refused_before_the_file_is_made() {
    let folder = Folder::new();
    let destination = Destination::File(folder.path().join("out.bam"));
    let mut header = header();
    header.references[1].name = b"chr1".to_vec();
    let result = AlignmentWriter::create(&destination, Format::Bam, &header, WriterOptions::default());
    assert!(matches!(result, Err(Error::Header { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_missing_folder_is_named() {
    let destination = Destination::File("missing/folder/out.bam".into());
    let result = AlignmentWriter::create(&destination, Format::Bam, &header(), WriterOptions::default());
    let Err(error) = result else { panic!("the file was made") };
    assert!(error.to_string().starts_with("missing/folder/out.bam: cannot write: "), "{error}");
}

/// The part of `standard_output_gets_the_same_bytes` that runs with an output of its own.
#[test]
#[ignore = "a child process of another test; by itself it would write into the test report"]
fn write_to_standard_output() {
    let is_finished = std::env::var("FINISH").is_ok_and(|value| value == "yes");
    for format in [Format::Sam, Format::Bam] {
        let mut writer =
            AlignmentWriter::create(&Destination::Stdout, format, &header(), WriterOptions::default()).unwrap();
        writer.write_encoded(&encode(format)).unwrap();
        if is_finished {
            writer.finish().unwrap();
        }
    }
}

#[test]
fn standard_output_gets_the_same_bytes() {
    let run = |finish: &str| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "write_to_standard_output", "--nocapture"]);
        let output = child.env("FINISH", finish).output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let has = |output: &[u8], part: &[u8]| memchr::memmem::find(output, part).is_some();
    let folder = Folder::new();
    let written = |format| {
        let path = folder.path().join(format!("{format:?}"));
        write(&path, format, &encode(format), 1000, 2);
        fs::read(path).unwrap()
    };
    let (sam, bam) = (written(Format::Sam), written(Format::Bam));
    let (finished, dropped) = (run("yes"), run("no"));
    assert!(has(&finished, &sam) && has(&finished, &bam));
    // What was not finished must not end as a finished BAM file does.
    let end_marker = &bam[bam.len() - 28..];
    assert!(has(&finished, end_marker) && !has(&dropped, end_marker));
}

/// Writing goes on in other threads; an error must still reach the caller, once and for all.
#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error_and_stays_one() {
    for format in [Format::Sam, Format::Bam] {
        let encoded = encode(format);
        let destination = Destination::File("/dev/full".into());
        let mut writer = AlignmentWriter::create(&destination, format, &header(), WriterOptions::default()).unwrap();
        let mut failed = false;
        for _ in 0..50 {
            let result = writer.write_encoded(&encoded);
            assert!(result.is_err() || !failed, "no success after a failure");
            failed = result.is_err();
        }
        assert!(failed);
        assert!(matches!(writer.finish(), Err(Error::Write { .. })));
    }
}

/// As `svala mem | head` would see it: the reader of the pipe goes away.
#[cfg(unix)]
#[test]
fn a_pipe_without_a_reader_is_recognised() {
    let folder = Folder::new();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    for format in [Format::Sam, Format::Bam] {
        let reader = std::thread::spawn({
            let path = path.clone();
            move || drop(fs::File::open(path).unwrap())
        });
        let destination = Destination::File(path.clone());
        let mut writer = AlignmentWriter::create(&destination, format, &header(), WriterOptions::default()).unwrap();
        reader.join().unwrap();
        let encoded = encode(format);
        let result = (0..50).try_for_each(|_| writer.write_encoded(&encoded));
        assert!(result.and_then(|()| writer.finish()).unwrap_err().is_broken_pipe());
    }
}

/// Damage below the checksums, as a broken writer would make it.
#[test]
fn malformed_records_do_no_harm() {
    let folder = Folder::new();
    let path = folder.path().join("out.bam");
    let encoded = encode(Format::Bam);
    let record_size = 4 + u32::from_le_bytes(encoded[..4].try_into().unwrap()) as usize;
    // The highest byte of the size is spared: it would make the reader ask for gigabytes.
    for at in (0..record_size).filter(|&at| at != 3) {
        for value in [0x00, 0x7f, 0xff] {
            let mut bytes = encoded[..2 * record_size].to_vec();
            bytes[at] = value;
            let _ = fs::remove_file(&path);
            write(&path, Format::Bam, &bytes, bytes.len(), 1);
            let mut count = 0;
            let result = read_alignments(&path, |_| count += 1);
            assert!(result.is_err() || count > 0, "byte {at} set to {value}");
        }
    }
}

#[test]
fn a_cut_or_foreign_file_is_no_bam() {
    let folder = Folder::new();
    let path = folder.path().join("out.bam");
    write(&path, Format::Bam, &encode(Format::Bam), 1000, 1);
    let bytes = fs::read(&path).unwrap();
    for end in [bytes.len() - 1, bytes.len() - 28, bytes.len() / 2, 100, 20] {
        let result = read_alignments(&folder.file("cut.bam", &bytes[..end]), |_| {});
        assert!(matches!(result, Err(Error::Truncated { .. })), "{end} bytes");
    }
    let result = read_alignments(&folder.file("text.bam", "no BAM file"), |_| {});
    assert!(matches!(result, Err(Error::Format { format: "BAM", .. })));
}

/// Contigs beyond 2^29 bases need the other kind of index. Either finds the records of a region.
#[test]
fn an_index_finds_records() {
    for (length, extension) in [(1 << 29, "bai"), ((1 << 29) + 1, "csi"), ((1 << 31) - 1, "csi")] {
        let folder = Folder::new();
        let path = folder.path().join("out.bam");
        let mut header = Header { order: RecordOrder::Coordinate, ..header() };
        header.references[1].length = length;
        let options = WriterOptions { threads: 2, index: true, ..WriterOptions::default() };
        let mut writer =
            AlignmentWriter::create(&Destination::File(path.clone()), Format::Bam, &header, options).unwrap();
        let mut encoder = RecordEncoder::new(Format::Bam, &header).unwrap();
        for i in 0..RECORDS {
            let mut encoded = Vec::new();
            let record = AlignmentRecord {
                name: b"r",
                flags: 0,
                reference: Some(1),
                position: Some((length / 3001) as u32 * i),
                mapping_quality: 60,
                cigar: &[CigarOp::new(CigarKind::Match, 100)],
                mate_reference: None,
                mate_position: None,
                template_length: 0,
                bases: &b"GATTACA".repeat(15)[..100],
                qualities: &[b'I'; 100],
                tags: &[],
            };
            encoder.encode(&record, &mut encoded).unwrap();
            writer.write_encoded(&encoded).unwrap();
        }
        writer.finish().unwrap();
        let index = bam_index_path(&path, &header);
        assert!(index.ends_with(format!("out.bam.{extension}")) && index.exists());
        let mut reader = bam::io::indexed_reader::Builder::default().build_from_path(&path).unwrap();
        let noodles_header = reader.read_header().unwrap();
        let mut count = |first: u64, last: u64| {
            let region = format!("chr2:{first}-{last}").parse().unwrap();
            reader.query(&noodles_header, &region).unwrap().records().count()
        };
        let step = length / 3001;
        assert_eq!(count(1, length), RECORDS as usize);
        assert_eq!(count(2500 * step + 1, 2510 * step), 10);
        assert_eq!(count(2999 * step + 101, length), 0);
    }
}

#[test]
fn an_unwritable_index_is_seen_at_once() {
    let folder = Folder::new();
    let path = folder.path().join("out.bam");
    fs::create_dir(folder.path().join("out.bam.bai")).unwrap();
    let options = WriterOptions { index: true, ..WriterOptions::default() };
    let result = AlignmentWriter::create(&Destination::File(path), Format::Bam, &header(), options);
    assert!(matches!(result, Err(Error::Write { path, .. }) if path.ends_with("out.bam.bai")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
