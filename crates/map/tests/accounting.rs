//! What an output must hold is known before it has its name: a record too few, too many or changed leaves no file.

use std::path::Path;

use svala_io::qc::RecordSums;
use svala_io::{
    AlignmentRecord, AlignmentWriter, Destination, EncodedRecord, Format, Header, HeaderLines, Program, RecordEncoder,
    RecordOrder, WriterOptions, flags,
};
use svala_map::Error;
use svala_map::covered::Covered;
use svala_map::duplicates::Signer;
use svala_map::observer::{Observe, Observer};
use svala_map::pipeline::{EncodedBatch, RecordSink};
use svala_map::read_groups::ReadGroups;
use svala_map::sort::order::ByPlace;
use svala_map::sort::{DuplicateAction, DuplicateOptions, SortOptions, SortingWriter, Watch};

const READS: u8 = 9;

fn header() -> Header {
    let [id, name, version, command_line] = ["p"; 4].map(String::from);
    let program = Program { id, name, version, command_line };
    Header {
        references: Vec::new(),
        order: RecordOrder::Coordinate,
        read_groups: Vec::new(),
        program,
        lines: HeaderLines::default(),
    }
}

/// Unmapped reads, one after the other.
fn encoded() -> Vec<u8> {
    let mut encoder = RecordEncoder::new(Format::Bam, &header()).unwrap();
    let mut bytes = Vec::new();
    for number in 0..READS {
        let record = AlignmentRecord {
            name: &[b'r', b'0' + number],
            flags: flags::UNMAPPED,
            reference: None,
            position: None,
            mapping_quality: 0,
            cigar: &[],
            mate_reference: None,
            mate_position: None,
            template_length: 0,
            bases: b"ACGT",
            qualities: b"IIII",
            tags: &[],
        };
        encoder.encode(&record, &mut bytes).unwrap();
    }
    bytes
}

fn sums(bytes: &[u8]) -> RecordSums {
    let mut observer = Observer::new(Observe::Sums);
    EncodedRecord::all(bytes).for_each(|record| observer.add(record.unwrap()));
    observer.sums.unwrap()
}

fn writer(path: &Path) -> AlignmentWriter {
    let options = WriterOptions { count: true, index: true, ..WriterOptions::default() };
    AlignmentWriter::create(&Destination::File(path.to_owned()), Format::Bam, &header(), options).unwrap()
}

fn sorter(path: &Path, action: DuplicateAction) -> SortingWriter<ByPlace> {
    let watch = Watch { observe: Observe::Sums, ..Watch::default() };
    let duplicates = DuplicateOptions { action, optical_distance: 100 };
    // So little memory that every batch is spilled.
    let folder = path.parent().unwrap().to_owned();
    let options = SortOptions { max_memory_bytes: 8, folder, threads: 2, duplicates, watch, resume: None };
    SortingWriter::new(writer(path), options).unwrap()
}

/// Writes to a sink, which must refuse to finish unless it got what was made.
fn check<S: RecordSink>(open: impl FnOnce(&Path) -> S, written: &[u8], made: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.bam");
    let mut sink = open(&path);
    let groups = ReadGroups::default();
    for record in EncodedRecord::all(written).map(Result::unwrap) {
        let mut signer = Signer::new(&groups, None);
        signer.add(record);
        let bytes = record.bytes().to_vec();
        let mut batch = EncodedBatch { bytes, signed: signer.finish(), ..EncodedBatch::default() };
        S::prepare(&mut batch).unwrap();
        sink.write_batch(batch, &Covered::default()).unwrap();
    }
    let finished = sink.finish(Some(sums(made)));
    if written == made {
        assert!(!path.exists());
        finished.unwrap().1.output.unwrap().commit().unwrap();
        assert!(path.exists());
        return;
    }
    let error = finished.err().expect("the loss is seen");
    assert!(matches!(error, Error::RecordsChanged { .. }) && error.is_internal(), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file was left");
}

#[test]
fn lost_invented_and_changed_records_leave_no_file() {
    let made = encoded();
    let (_, without_first) = EncodedRecord::split_first(&made).unwrap();
    let (_, without_two) = EncodedRecord::split_first(without_first).unwrap();
    let first = &made[..made.len() - without_first.len()];
    let mut changed = made.clone();
    *changed.last_mut().unwrap() ^= 1;
    let twice = [&made[..], first].concat();
    // As many records, but one twice in the place of another.
    let swapped = [first, first, without_two].concat();
    for written in [&made[..], without_first, &changed, &twice, &swapped] {
        check(writer, written, &made);
        for action in [DuplicateAction::Mark, DuplicateAction::Remove, DuplicateAction::Ignore] {
            check(|path| sorter(path, action), written, &made);
        }
    }
}
