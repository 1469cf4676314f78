//! Good inputs of each target, from which fuzzers start.

use crate::common::hostile::{bam, bgzf, gzip, records, zstd};

/// FASTQ, with names and comments that are taken apart.
pub fn fastq() -> Vec<Vec<u8>> {
    let plain =
        b"@A1:7:HXYZ:1:1101:1:2:ACGT+rTT 1:N:0:A\nACGTN\n+\nIIII!\n@A1:7:HXYZ:2:1101:1:2:ACGT 2:N:0:A\nAC\n+\nII\n"
            .to_vec();
    let tagged =
        b"@a RX:Z:AC\tXB:B:s,1,-2\tXf:f:1.5\n\n+\n\n@a RX:Z:AC\tXI:i:-7\tXA:A:x\r\nacgu.\r\n+a\r\nIIIII\r\n".to_vec();
    let packed = [gzip(&tagged), bgzf(&plain, 20), zstd(&tagged), zstd(records(4).concat().as_bytes())];
    [&[plain, tagged, records(3).concat().into_bytes()][..], &packed].concat()
}

/// BAM, plain and compressed.
pub fn bams() -> Vec<Vec<u8>> {
    let whole = bam();
    let compressed = bgzf(&whole, 5000);
    vec![whole, compressed]
}

/// A header of SAM text.
pub fn header() -> Vec<u8> {
    b"@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c\tLN:9\tM5:00000000000000000000000000000001\n\
      @RG\tID:a\tSM:s\tLB:l\tPL:ILLUMINA\n@PG\tID:svala\tPN:svala\tVN:1\tCL:svala align c\n@CO\ttwo words\n"
        .to_vec()
}

/// A reference.
pub fn fasta() -> Vec<Vec<u8>> {
    let plain = b">c one\nACGTN\r\nacgtryk\n\n>d\nAC\n".to_vec();
    let packed = [gzip(&plain), bgzf(&plain, 9), zstd(&plain)];
    [&[plain][..], &packed].concat()
}

/// Read groups and read structures.
pub fn option_values() -> Vec<Vec<u8>> {
    let lines = ["@RG\\tID:a\\tSM:s\\tPL:ILLUMINA", "@RG\tID:a\tDS:two words", "3M2S+T", "2B3C+T", "10T"];
    lines.map(|line| line.as_bytes().to_vec()).into()
}

/// A sheet with all that it may have.
pub fn sample_sheet() -> Vec<u8> {
    b"# one\nread_group\tsample\tlibrary\tfastq_1\tfastq_2\na\ts\tl\ta.fq\tb.fq\nb\ts\t\t/c.fq\t\n".to_vec()
}

/// Command lines, a word a line, without the program's name.
pub fn command_lines() -> Vec<Vec<u8>> {
    let lines = [
        "align\n--ref\na\n-1\nb\n-2\nc\n-o\nd.bam\n--max-mem\n2G\n-I\n400,50",
        "mem\n-t\n2\n-R\n@RG\\tID:a\n-O\n6,6\n-x\nintractg\na\nb\nc",
        "align\n--ref\na\n--in-fq\nb\nc\n@RG\\tID:a\n-o\nd.cram\n--umi-structure\n3M2S+T,+T\n--adapters\n0,1\n--gpu-check\noff",
        "bwa\nindex\n-p\na\nb",
    ];
    lines.map(|line| line.as_bytes().to_vec()).into()
}
