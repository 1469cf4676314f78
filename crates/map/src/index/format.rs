//! The index file: layout and its plain-data records.
//!
//! ```text
//! FileHeader | SectionEntry × sections | padding | section | padding | section | ...
//! ```
//!
//! Everything is little-endian and every section starts on a multiple of [`SECTION_ALIGN`] bytes, so that a mapped file is
//! used in place. Each section has its own checksum, made of those of its pieces (see [`super::checksum`]), so that threads share
//! the work of checking it; the header's covers the header and the section table. A section is one flat array, which a later GPU
//! path can upload in pieces of any size.

use bytemuck::{Pod, Zeroable};

use crate::sequence::Planes;

#[cfg(target_endian = "big")]
compile_error!("the index is mapped in place and is little-endian");

/// First bytes of an index file.
pub const MAGIC: [u8; 8] = *b"SVALAIDX";
/// Version of the layout. Raise it whenever a file of the last version would be misread.
pub const VERSION: u32 = 4;
/// Alignment of sections, in bytes: a page.
pub const SECTION_ALIGN: u64 = 4096;

/// Bases before the first contig, between contigs and behind the last. They hold no sequence; a position in front of a
/// contig by less than a read's length is still a valid offset.
pub const PADDING: u64 = 1024;

/// The first bytes of the file.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct FileHeader {
    /// [`MAGIC`].
    pub magic: [u8; 8],
    /// [`VERSION`].
    pub version: u32,
    /// Entries in the section table.
    pub sections: u32,
    /// Bytes in the whole file.
    pub file_bytes: u64,
    /// XXH3-64 of this header with this field zero, followed by the section table.
    pub checksum: u64,
}

/// Where a section lies.
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
#[repr(C)]
pub struct SectionEntry {
    /// A [`Section`] as a number.
    pub id: u32,
    /// Zero.
    pub reserved: u32,
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// Length in bytes, without padding.
    pub bytes: u64,
    /// Checksum of those bytes, see [`super::checksum`].
    pub checksum: u64,
}

/// The sections, in file order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Section {
    /// One [`Parameters`].
    Parameters = 1,
    /// [`ContigRecord`]s.
    Contigs = 2,
    /// Names and descriptions, as bytes.
    Names = 3,
    /// [`AmbiguousRun`]s, by position.
    Ambiguous = 4,
    /// [`Planes`], 64 bases each.
    Sequence = 5,
    /// `u32`: the first seed of each bucket, and one more; the low 32 bits of each number, see [`super::seeds`].
    Buckets = 6,
    /// `u64` seed entries, see [`super::seeds`].
    Seeds = 7,
    /// [`Directory`](super::directories::Directory)s, in the order of their seeds.
    Directories = 8,
}

impl Section {
    /// All sections, in file order.
    pub const ALL: [Self; 8] = [
        Self::Parameters,
        Self::Contigs,
        Self::Names,
        Self::Ambiguous,
        Self::Sequence,
        Self::Seeds,
        Self::Buckets,
        Self::Directories,
    ];
}

/// How the index was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Parameters {
    /// Bases in a seed.
    pub k: u32,
    /// Bases in the s-mers that choose seeds.
    pub s: u32,
    /// Bases in a flank.
    pub flank: u32,
    /// Buckets are `2^bucket_bits`.
    pub bucket_bits: u32,
    /// Bits of a position in a seed entry.
    pub position_bits: u32,
    /// Zero.
    pub reserved: u32,
    /// Bases with padding.
    pub padded_bases: u64,
    /// Entries in the seed section.
    pub seeds: u64,
    /// Bytes of the FASTA file as it was read (compressed, if it was).
    pub source_bytes: u64,
    /// XXH3-64 of the FASTA file as it was read.
    pub source_digest: u64,
    /// When the FASTA file was last changed, in nanoseconds since 1970; 0 if unknown.
    pub source_modified_ns: u64,
}

/// A reference sequence.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct ContigRecord {
    /// Padded position of its first base.
    pub start: u64,
    /// Bases.
    pub length: u64,
    /// MD5 of its upper-case letters (the SAM specification's M5).
    pub md5: [u8; 16],
    /// Offset of its name in the names section.
    pub name_offset: u32,
    /// Bytes of its name.
    pub name_bytes: u32,
    /// Offset of its description in the names section.
    pub description_offset: u32,
    /// Bytes of its description.
    pub description_bytes: u32,
}

/// A run of one IUPAC code other than A, C, G and T.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct AmbiguousRun {
    /// Padded position of its first base.
    pub start: u64,
    /// Bases.
    pub length: u32,
    /// The upper-case ASCII letter.
    pub letter: u32,
}

const _: () = assert!(size_of::<FileHeader>() == 32 && size_of::<SectionEntry>() == 32);
const _: () = assert!(size_of::<ContigRecord>() == 48 && size_of::<AmbiguousRun>() == 16);
const _: () = assert!(size_of::<Parameters>() == 64 && size_of::<Planes>() == 16);

/// Next multiple of [`SECTION_ALIGN`].
pub fn align(offset: u64) -> u64 {
    offset.next_multiple_of(SECTION_ALIGN)
}
