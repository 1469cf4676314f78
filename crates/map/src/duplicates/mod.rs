//! Duplicates: templates that are copies of one molecule, by the rules of Picard MarkDuplicates (Broad Institute; its
//! documentation), with one deviation: no tie is decided by the order of the input.
//!
//! - The *end* of a mapped read is where its 5' base would lie if nothing were clipped, and its strand. A template's ends are
//!   those of its primary alignments.
//! - Only templates of the same library are compared: that of their read group, or an unknown one. So copies are found across
//!   lanes, not across libraries.
//! - With barcodes (unique molecular identifiers), only templates with the same are compared; it is that of a template's first
//!   mapped read.
//! - Pairs with both ends the same are copies. The one with the largest sum of base qualities of 15 or more stays (at most
//!   16,383 a read, as Picard counts, and 16,384 less for a read that its sequencer failed). Of equal ones, the first on the flow cell: by
//!   tile, x and y as its name says, still as Picard has it. Of those without, and of clusters at the same place of two lanes, Picard takes
//!   the first of the input; here it is that whose name has the least hash, then bases and qualities.
//! - Reads without a mapped mate are copies if their end is the same. They are all duplicates if a pair has that end too, else
//!   the best stays, by the same rule.
//! - All records of a duplicate are flagged: supplementary ones and an unmapped mate, too, as Picard does with input grouped by
//!   read name.
//!
//! A mapping thread makes a [`Signature`] of every template. After mapping they are sorted, out of core, so that copies stand
//! together, best first, and [`Finder::finish`] decides in one pass; the second ends of pairs are sorted beside them, for the
//! sake of reads without a mate. A signature takes 64 bytes in memory and 59 before compression in a run, a second end 16. What
//! is left is one bit a template. The number of a template in the input only says which bit is its own; between two templates
//! that are the same in every byte it decides, which can't show.

mod counts;
mod finder;
mod gather;
mod optical;
mod signature;

pub use self::counts::{DuplicateCounts, LibraryCounts};
pub(crate) use self::finder::{Candidate, Duplicates, Finder};
pub(crate) use self::gather::Gatherer;
pub use self::signature::{Signature, Signed, Signer};
