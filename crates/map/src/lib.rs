//! The mapper: from reads to alignment records.
//!
//! A batch of reads goes through stages, each a loop over flat arrays of the whole batch:
//!
//! 1. [`seeding`]: closed syncmers (module [`syncmer`]) of all reads, looked up in the index (module [`mod@index`]);
//! 2. [`candidates`]: diagonals that seeds name, ranked; mates support each other;
//! 3. [`checking`]: each candidate compared with the packed reference without gaps ([`ungapped`]): most reads are done here;
//! 4. [`extension`]: what is clipped or broken goes to the batched Smith-Waterman engine;
//! 5. [`rescue`]: mates that seeds did not find are looked for around the other mate;
//! 6. [`pairing`]: the best pair under the insert-size model ([`insert_model`], [`insert_size`]);
//! 7. [`selection`]: primary and supplementary alignments, mapping qualities ([`mapq`]);
//! 8. [`cigar`]: CIGAR, NM and MD by global alignment between the ends found;
//! 9. [`record`]: SAM records.
//!
//! Nothing depends on a read's number, its neighbours in the batch, a thread or a clock: ties are broken by a hash of the
//! read's name. [`pipeline`] runs batches on threads and puts the records back in order, those of the input or, through
//! [`sort`], of their places, with [`duplicates`] marked.
#![warn(missing_docs)]

pub mod alignment;
pub mod anchors;
pub mod candidates;
pub mod checking;
mod choice;
pub mod cigar;
pub mod conventions;
pub mod covered;
pub mod duplicates;
mod error;
pub mod extension;
mod feeder;
pub mod frequent;
pub mod grouped;
pub mod hash;
pub mod hidden;
mod in_order;
pub mod index;
pub mod insert_model;
pub mod insert_size;
mod learning;
mod look;
mod lookup;
mod mapped_file;
pub mod mapper;
pub mod mapq;
pub mod merge;
pub mod meter;
mod neighbourhoods;
pub mod observer;
pub mod options;
pub mod pairing;
pub mod pipeline;
pub mod read_groups;
pub mod reads;
pub mod record;
pub mod rescue;
pub mod scan;
pub mod search;
mod seeding;
pub mod selection;
pub mod sequence;
mod simple;
pub mod sort;
pub mod syncmer;
#[cfg(test)]
mod testing;
pub mod ungapped;

pub use error::{Error, Result};
