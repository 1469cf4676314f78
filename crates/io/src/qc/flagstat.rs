//! The text of `samtools flagstat`.

use std::fmt::Write as _;

use super::Tally;
use crate::flags;

const NOT_PRIMARY: u16 = flags::SECONDARY | flags::SUPPLEMENTARY;

/// What `samtools flagstat` prints for `all` records, of which `duplicates` are flagged as such, or will be.
#[must_use]
pub fn flagstat_text(all: &Tally, duplicates: &Tally) -> String {
    // Passed and failed reads; each line is for the flags that are set and not set.
    let count = |tally: &Tally, set: u16, unset: u16| {
        [0, flags::QC_FAIL].map(|quality| tally.with_flags(set | quality, unset | (flags::QC_FAIL ^ quality)))
    };
    let of_all = |set: u16, unset: u16| count(all, set, unset);
    let secondary = of_all(flags::SECONDARY, 0);
    let supplementary = of_all(flags::SUPPLEMENTARY, flags::SECONDARY);
    let primary = of_all(0, NOT_PRIMARY);
    let paired = of_all(flags::PAIRED, NOT_PRIMARY);
    let [mapped, primary_mapped] = [0, NOT_PRIMARY].map(|unset| of_all(0, unset | flags::UNMAPPED));
    let proper = of_all(flags::PAIRED | flags::PROPER_PAIR, NOT_PRIMARY | flags::UNMAPPED);
    let both = of_all(flags::PAIRED, NOT_PRIMARY | flags::UNMAPPED | flags::MATE_UNMAPPED);
    let single = of_all(flags::PAIRED | flags::MATE_UNMAPPED, NOT_PRIMARY | flags::UNMAPPED);
    let apart = [all.totals.apart, all.totals.apart_confident].map(|passed| [passed, 0]);
    let total = of_all(0, 0);
    let lines = [
        (total, "in total (QC-passed reads + QC-failed reads)", None),
        (primary, "primary", None),
        (secondary, "secondary", None),
        (supplementary, "supplementary", None),
        (count(duplicates, 0, 0), "duplicates", None),
        (count(duplicates, 0, NOT_PRIMARY), "primary duplicates", None),
        (mapped, "mapped", Some(total)),
        (primary_mapped, "primary mapped", Some(primary)),
        (paired, "paired in sequencing", None),
        (of_all(flags::PAIRED | flags::FIRST, NOT_PRIMARY), "read1", None),
        (of_all(flags::PAIRED | flags::LAST, NOT_PRIMARY), "read2", None),
        (proper, "properly paired", Some(paired)),
        (both, "with itself and mate mapped", None),
        (single, "singletons", Some(paired)),
        (apart[0], "with mate mapped to a different chr", None),
        (apart[1], "with mate mapped to a different chr (mapQ>=5)", None),
    ];
    let mut text = String::new();
    for ([passed, failed], what, whole) in lines {
        // Writing to a String can't fail.
        let _ = write!(text, "{passed} + {failed} {what}");
        if let Some(whole) = whole {
            let _ = write!(text, " ({} : {})", percent(passed, whole[0]), percent(failed, whole[1]));
        }
        text.push('\n');
    }
    text
}

fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "N/A".into() } else { format!("{:.2}%", part as f32 / whole as f32 * 100.0) }
}
