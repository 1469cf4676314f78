//! Statistics of encoded records, and the formats in which other tools read them.
//!
//! Everything that is counted is a sum over records, so it depends neither on their order nor on how threads shared them: each
//! thread has a [`Tally`] of its own, and they are added. What needs the order of the reference, the depth of coverage, is found
//! by [`Depth`] while sorted records are written. Whether a record is a duplicate is known last; therefore duplicates are tallied
//! a second time by themselves, and a statistic without them is a difference.

mod coverage;
mod cycles;
mod depth;
mod flagstat;
mod insert_metrics;
mod numbers;
mod size_histogram;
mod stats;
mod sums;
mod tally;

pub(crate) use self::numbers::six_decimals;
pub use self::{
    coverage::{Coverage, coverage_text},
    cycles::{BaseCounts, CycleQuality, Mate},
    depth::{Depth, DepthSummary},
    flagstat::flagstat_text,
    insert_metrics::InsertSizes,
    size_histogram::SizeHistogram,
    stats::stats_text,
    sums::RecordSums,
    tally::{ContigTally, Tally},
};
