//! FASTA input: what is read, and how every kind of broken input is reported.

mod support;

use std::path::Path;

use support::{Folder, bgzf, gzip};
use svala_io::{Contig, Error, FastaReader, Result};

fn read_all(path: &Path) -> Result<Vec<Contig>> {
    let mut reader = FastaReader::open(path)?;
    let (mut contigs, mut contig) = (Vec::new(), Contig::default());
    while reader.read_contig(&mut contig)? {
        contigs.push(contig.clone());
    }
    assert!(!reader.read_contig(&mut contig)?, "the end stays the end");
    Ok(contigs)
}

fn read_text(text: impl AsRef<[u8]>) -> Result<Vec<Contig>> {
    let folder = Folder::new();
    read_all(&folder.file("ref.fa", text))
}

fn contig(name: &str, description: &str, sequence: &str) -> Contig {
    Contig { name: name.into(), description: description.into(), sequence: sequence.into() }
}

#[test]
fn contigs_are_read_as_they_stand() {
    let text = "\n>chr1  first  one \nACGTacgtn\nRYK\n\n>chr2\r\nAC GT\r\n\tNN\r\n>chr3\tx\nu";
    let expected =
        [contig("chr1", "first  one", "ACGTacgtnRYK"), contig("chr2", "", "ACGTNN"), contig("chr3", "x", "u")];
    for content in [text.as_bytes().to_vec(), gzip(text.as_bytes()), bgzf(text.as_bytes())] {
        assert_eq!(read_text(content).unwrap(), expected);
    }
}

#[test]
fn lines_may_have_any_length() {
    let sequence = "ACGTN".repeat(400_000);
    for width in [1_000, 60_000, 2_000_000] {
        let lines: Vec<_> = sequence.as_bytes().chunks(width).collect();
        let text = [&b">long\n"[..], &lines.join(&b'\n'), &b"\n>next\nA\n"[..]].concat();
        let contigs = read_text(text).unwrap();
        assert_eq!(contigs, [contig("long", "", &sequence), contig("next", "", "A")]);
    }
}

#[test]
fn broken_files_are_reported_with_line_and_reason() {
    for (text, at, reason) in [
        ("@read\nACGT\n+\nIIII\n", 1, "expected '>'"),
        ("\n\nACGT\n", 3, "expected '>'"),
        (">\nACGT\n", 1, "contig name"),
        ("> chr1\nACGT\n", 1, "contig name"),
        (">chr1\nACGT\n>\nACGT\n", 3, "contig name"),
        (">chr1\nACGT\nAC-T\n", 3, "no IUPAC"),
        (">chr1\nACGT\nACEF\n", 3, "no IUPAC"),
        (">chr1\nACGT\nAC.T\n", 3, "no IUPAC"),
        (">chr1\n>chr2\nACGT\n", 1, "contig chr1 has no sequence"),
        (">chr1\nACGT\n>chr2\n\n", 3, "contig chr2 has no sequence"),
        (">chr1\nACGT\n>chr1 again\nACGT\n", 3, "chr1 is used twice"),
        (">a,b\nACGT\n", 1, "SAM does not allow"),
    ] {
        let error = read_text(text).unwrap_err();
        let Error::FormatLine { path, line, format: "FASTA", reason: found } = &error else {
            panic!("{text:?}: {error:?}");
        };
        assert!(path.ends_with("ref.fa") && *line == at && found.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn a_file_without_contigs_is_empty() {
    for content in [Vec::new(), b"\n \n".to_vec(), gzip(b""), bgzf(b"")] {
        assert!(matches!(read_text(content), Err(Error::Empty { .. })));
    }
}

#[test]
fn a_cut_compressed_file_is_truncated() {
    let text = [&b">chr1\n"[..], &b"GATTACA\n".repeat(20_000)].concat();
    for data in [gzip(&text), bgzf(&text)] {
        for end in [18, data.len() / 2, data.len() - 1] {
            let error = read_text(&data[..end]).unwrap_err();
            assert!(matches!(error, Error::Truncated { .. }), "{end}: {error}");
        }
    }
}

#[test]
fn a_missing_file_cannot_be_opened() {
    let folder = Folder::new();
    let path = folder.path().join("missing.fa");
    assert!(matches!(FastaReader::open(&path), Err(Error::Open { .. })));
}
