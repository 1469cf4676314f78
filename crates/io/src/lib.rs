//! Formats and files of the svala aligner.
//!
//! Reads come in through [`ReadSource`] (FASTQ, one file or two files of mates, or BAM or CRAM) as [`ReadBatch`]es,
//! the reference through [`FastaReader`] as [`Contig`]s. Both open plain, gzip and BGZF files and
//! standard input, told by content. Alignments leave as [`AlignmentRecord`]s: each thread turns its
//! own into bytes with a [`RecordEncoder`], and one [`AlignmentWriter`] puts the pieces in order
//! into a SAM, BAM, CRAM or PAF file.
//!
//! Two promises hold for all of it:
//!
//! - *Nothing lost, nothing invented.* An input that is cut, damaged or malformed, or whose mates
//!   do not match, ends in an [`enum@Error`] that names the file and the record, never in a short
//!   read of it. An output file has its final name only when it is complete ([`AtomicFile`]).
//! - *Same bytes.* The bytes of an output depend on the records and the header, not on threads,
//!   nor on how records were grouped.
//!
//! Turning reads into unmapped records shows all parts:
//!
//! ```
//! use svala_io::{
//!     AlignmentRecord, AlignmentWriter, Destination, Format, Header, Program, ReadBatch,
//!     ReadSource, RecordEncoder, flags,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let (reads, output) = (folder.path().join("reads.fq"), folder.path().join("out.bam"));
//! # std::fs::write(&reads, "@r1\nACGT\n+\nIIII\n")?;
//! let text = |value: &str| value.to_string();
//! let header = Header {
//!     references: Vec::new(),
//!     order: Default::default(),
//!     read_groups: Vec::new(),
//!     program: Program {
//!         id: text("example"),
//!         name: text("example"),
//!         version: text("1"),
//!         command_line: text("example reads.fq"),
//!     },
//!     lines: Default::default(),
//! };
//! let mut source = ReadSource::open(&reads, None, 1000, None)?;
//! let mut encoder = RecordEncoder::new(Format::Bam, &header)?;
//! let destination = Destination::File(output.clone());
//! let mut writer = AlignmentWriter::create(&destination, Format::Bam, &header, Default::default())?;
//! let (mut batch, mut encoded) = (ReadBatch::new(), Vec::new());
//! while source.read_batch(&mut batch, 10_000)? {
//!     encoded.clear();
//!     for i in 0..batch.len() {
//!         let record = AlignmentRecord {
//!             name: batch.name(i),
//!             flags: flags::UNMAPPED,
//!             reference: None,
//!             position: None,
//!             mapping_quality: 0,
//!             cigar: &[],
//!             mate_reference: None,
//!             mate_position: None,
//!             template_length: 0,
//!             bases: batch.bases(i),
//!             qualities: batch.qualities(i),
//!             tags: &[],
//!         };
//!         encoder.encode(&record, &mut encoded)?;
//!     }
//!     writer.write_encoded(&encoded)?;
//! }
//! writer.finish()?;
//! # let mut count = 0;
//! # svala_io::read_alignments(&output, |_| count += 1)?;
//! # assert_eq!(count, 1);
//! # Ok(())
//! # }
//! ```
//!
//! There is no global state; every type can be used from any thread. The types of noodles, which
//! does the binary formats, do not show in this interface.
#![forbid(unsafe_code)]

mod alignment_input;
mod atomic;
mod bam;
mod bam_header;
mod bam_index;
mod bam_reads;
mod bam_record;
mod bam_records;
mod batch;
mod bgzf_input;
mod bgzf_output;
mod cigar;
mod cram;
mod disk;
mod duplication_metrics;
mod encode;
mod encoded;
mod error;
mod fasta;
mod fastq;
mod file_digest;
pub mod flags;
mod gzip_input;
mod header;
mod header_lines;
mod header_text;
mod input;
mod labels;
mod lines;
mod name_fields;
#[cfg(test)]
mod noodles_record;
mod nucleotide;
mod output_path;
mod paf;
mod per_base;
pub mod qc;
mod read_ahead;
mod read_files;
mod read_group;
mod read_shard;
mod read_source;
mod read_structure;
mod record;
mod reference_companions;
mod sam_text;
mod shard;
mod spill;
mod tag_bytes;
mod tag_text;
mod watched;
mod writer;
mod zstd_input;

pub use self::{
    alignment_input::may_be_cram,
    atomic::{AtomicFile, remove_partials},
    bam::{CheckedFile, OwnedAlignment, check_alignments, read_alignments},
    bam_index::bam_index_path,
    batch::ReadBatch,
    cigar::{CigarKind, CigarOp},
    cram::{CramReference, CramVersion, ReferenceBases, cram_index_path},
    disk::free_space,
    duplication_metrics::DuplicationMetrics,
    encode::{Format, RecordEncoder},
    encoded::{EncodedRecord, NotWhole},
    error::{Error, Result},
    fasta::{Contig, FastaReader, is_fasta},
    file_digest::FileDigest,
    header::{Header, Program, RecordOrder, ReferenceSequence, is_reference_name},
    header_lines::HeaderLines,
    input::is_compressed,
    labels::{Labelling, NamedGroups},
    nucleotide::complement_letter,
    output_path::{is_stream, link_target},
    read_files::ReadFiles,
    read_group::ReadGroup,
    read_shard::ReadShard,
    read_source::ReadSource,
    read_structure::ReadStructure,
    record::{AlignmentRecord, Tag, TagValue},
    reference_companions::ReferenceCompanions,
    shard::ShardReader,
    spill::{SpillFrame, SpillReader, SpillWriter},
    watched::InputWatch,
    writer::{
        AlignmentWriter, CompleteOutput, DEFAULT_COMPRESSION_LEVEL, Destination, WriterOptions, possible_indexes,
    },
};
