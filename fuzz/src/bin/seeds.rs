//! Writes good inputs to `corpus`, for fuzzers to start from.

use std::io;
use std::path::Path;

use svala_fuzz::common::hostile::{bam, bgzf, gzip, records};

fn main() -> io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let reads = records(3).concat().into_bytes();
    let fasta = b">c one\nACGTN\r\nacgtryk\n\n>d\nAC\n".to_vec();
    let header = b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:9\n@RG\tID:a\tSM:s\tLB:l\n@PG\tID:svala\tPN:svala\tVN:1\tCL:svala c\n".to_vec();
    let sheet = b"read_group\tsample\tfastq_1\tfastq_2\na\ts\ta.fq\tb.fq\n".to_vec();
    for (target, seeds) in [
        ("fastq", vec![gzip(&reads), bgzf(&reads, 50), reads]),
        ("fasta", vec![gzip(&fasta), bgzf(&fasta, 9), fasta]),
        ("unaligned_bam", vec![bgzf(&bam(), 5000), bam()]),
        ("bam_file", vec![bgzf(&bam(), 5000), bam()]),
        ("header", vec![header]),
        ("option_values", vec![b"@RG\\tID:a\\tSM:s".to_vec(), b"3M2S+T".to_vec()]),
        ("sample_sheet", vec![sheet]),
        ("command_line", vec![b"align\n--ref\na\n-1\nb\n-o\nd.bam".to_vec()]),
    ] {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed{number}")), seed)?;
        }
    }
    Ok(())
}
