//! Coverage by contig, as `samtools coverage` prints it.

use std::fmt::Write as _;

use super::{ContigTally, DepthSummary, Tally, numbers::general};
use crate::Header;

/// Coverage of one contig by records that are neither unmapped, secondary, of failed quality nor duplicates.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage<'a> {
    /// Its name.
    pub contig: &'a [u8],
    /// Its length in bases.
    pub length: u64,
    /// Counts of records.
    pub tally: ContigTally,
    /// Positions with at least one base.
    pub covered: u64,
}

impl<'a> Coverage<'a> {
    /// Coverage of all contigs, in the header's order. `unique` has no duplicates.
    pub fn of(header: &'a Header, unique: &'a Tally, depth: &'a DepthSummary) -> impl Iterator<Item = Self> {
        header.references.iter().enumerate().map(|(number, reference)| Self {
            contig: &reference.name,
            length: reference.length,
            tally: unique.contigs.get(number).copied().unwrap_or_default(),
            covered: depth.covered.get(number).copied().unwrap_or_default(),
        })
    }

    /// Share of positions that are covered, in per cent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        100.0 * self.covered as f64 / self.length as f64
    }

    /// Bases by position of the contig.
    #[must_use]
    pub fn mean_depth(&self) -> f64 {
        self.tally.bases as f64 / self.length as f64
    }
}

/// The table of `samtools coverage`.
#[must_use]
pub fn coverage_text(header: &Header, unique: &Tally, depth: &DepthSummary) -> Vec<u8> {
    let mut text = b"#rname\tstartpos\tendpos\tnumreads\tcovbases\tcoverage\tmeandepth\tmeanbaseq\tmeanmapq\n".to_vec();
    for contig in Coverage::of(header, unique, depth) {
        let ContigTally { records, mapping_quality, bases, base_quality } = contig.tally;
        let mean = |sum: u64, count: u64| if count == 0 { 0.0 } else { sum as f64 / count as f64 };
        let row = [
            general(contig.percent(), 6),
            general(contig.mean_depth(), 6),
            general(mean(base_quality, bases), 3),
            general(mean(mapping_quality, records), 3),
        ];
        text.extend_from_slice(contig.contig);
        let mut rest = String::new();
        // Writing to a String can't fail.
        let _ = writeln!(rest, "\t1\t{}\t{records}\t{}\t{}", contig.length, contig.covered, row.join("\t"));
        text.extend_from_slice(rest.as_bytes());
    }
    text
}
