//! What fuzzers hand inputs to: the tests' own in `tests/fuzz.rs`, and libFuzzer's in `fuzz/`. A target may refuse an input, not panic.
//! Those that read files are given a place for one. Here are readers of formats.

use std::path::Path;
use std::sync::LazyLock;

use svala_io::{
    Contig, CramReference, EncodedRecord, FastaReader, Labelling, NamedGroups, ReadBatch, ReadGroup, ReadSource,
    ReadStructure, ShardReader, check_alignments,
};

/// Puts content into a file.
pub fn written<'a>(content: &[u8], path: &'a Path) -> &'a Path {
    std::fs::write(path, content).expect("a file");
    path
}

/// Reads everything, and looks at all of it.
fn read_all(source: svala_io::Result<ReadSource>) -> svala_io::Result<usize> {
    let (mut source, mut batch, mut sum) = (source?, ReadBatch::new(), 0);
    while source.read_batch(&mut batch, 7)? {
        for i in 0..batch.len() {
            assert_eq!(batch.bases(i).len(), batch.qualities(i).len());
            assert!((1..=254).contains(&batch.name(i).len()));
            sum += batch.carried_tags(i).count() + batch.barcode(i).len();
        }
    }
    Ok(sum)
}

static STRUCTURES: LazyLock<Vec<ReadStructure>> =
    LazyLock::new(|| ["1M1S+T", "+T"].map(|text| text.parse().expect("a structure")).into());

/// FASTQ, in all ways to read it.
pub fn fastq(content: &[u8], path: &Path) {
    let groups = NamedGroups { lanes: vec!["HXYZ.2".into()], ..NamedGroups::default() };
    let path = written(content, path);
    let open = || ReadSource::open(path, None, 100, None);
    let _ = read_all(open());
    let _ = read_all(open().map(|source| source.interleaved().with_comments()));
    let labelling = Labelling { umi_from_name: true, mate_score: true, groups: Some(groups), ..Labelling::default() };
    let _ = read_all(open().and_then(|source| source.with_barcodes(*b"RX").labelled(labelling)));
    let labelling = Labelling { structures: STRUCTURES.clone(), mate_score: true, ..Labelling::default() };
    let _ = read_all(open().and_then(|source| source.interleaved().labelled(labelling)));
    let _ = read_all(ReadSource::open(path, Some(path), 100, None));
}

/// BAM as reads.
pub fn unaligned_bam(content: &[u8], path: &Path) {
    let path = written(content, path);
    let _ = read_all(ReadSource::open(path, None, 100, None));
    let labelling = Labelling { umi_from_name: true, mate_score: true, ..Labelling::default() };
    let labelled = |source: ReadSource| source.with_barcodes(*b"RX").labelled(labelling);
    let _ = read_all(ReadSource::open(path, None, 100, None).and_then(labelled));
}

/// CRAM as reads, and as records.
pub fn cram(content: &[u8], path: &Path) {
    let (path, reference) = (written(content, path), CramReference::unknown());
    let _ = read_all(ReadSource::open(path, None, 100, Some(reference.clone())));
    let _ = check_alignments(path, Some(reference));
}

/// BAM as records, and as a shard to be merged.
pub fn bam_file(content: &[u8], path: &Path) {
    let path = written(content, path);
    let _ = check_alignments(path, None);
    if let Ok((mut shard, _)) = ShardReader::open(path, None) {
        let mut record = Vec::new();
        while shard.read(&mut record).is_ok_and(|is_there| is_there) {}
    }
    for record in EncodedRecord::all(content).map_while(Result::ok) {
        let _ = (record.name(), record.reference_bases(), record.text_tag(*b"RX"), record.integer_tag(*b"NM"));
    }
}

/// A header of SAM text, in BAM without records.
pub fn header(text: &[u8], path: &Path) {
    let number = |number: usize| (number as u32).to_le_bytes();
    let contig = [&number(2)[..], b"c\0", &number(9)].concat();
    let content = [&b"BAM\x01"[..], &number(text.len()), text, &number(1), &contig].concat();
    let path = written(&content, path);
    let _ = ReadSource::open(path, None, 100, None).map(|source| source.read_groups().len());
    let _ = ShardReader::open(path, None);
    let _ = check_alignments(path, None);
}

/// A reference.
pub fn fasta(content: &[u8], path: &Path) {
    let mut contig = Contig::default();
    if let Ok(mut reader) = FastaReader::open(written(content, path)) {
        while reader.read_contig(&mut contig).is_ok_and(|is_there| is_there) {}
    }
}

/// Values of options: read groups and read structures.
pub fn option_values(content: &[u8]) {
    let text = String::from_utf8_lossy(content);
    let _ = ReadGroup::parse(&text).map(|group| group.library());
    if let Ok(structure) = text.parse::<ReadStructure>() {
        assert_eq!(structure.to_string().parse::<ReadStructure>().ok(), Some(structure));
    }
}
