//! Duplication metrics in the format of Picard, which other tools read.

use std::fmt::Write as _;

use crate::qc::six_decimals;

/// A library's row of Picard's `DuplicationMetrics`, as its documentation defines them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DuplicationMetrics {
    /// Mapped reads without a mapped mate.
    pub unpaired_reads_examined: u64,
    /// Pairs whose mates are both mapped.
    pub read_pairs_examined: u64,
    /// Secondary and supplementary records.
    pub secondary_or_supplementary_records: u64,
    /// Unmapped reads.
    pub unmapped_reads: u64,
    /// Duplicates among the unpaired reads.
    pub unpaired_read_duplicates: u64,
    /// Duplicates among the pairs.
    pub read_pair_duplicates: u64,
    /// Optical duplicates among those.
    pub read_pair_optical_duplicates: u64,
}

impl DuplicationMetrics {
    /// The metrics file of these libraries. `program` is a line that says who made it.
    #[must_use]
    pub fn to_text<'l>(libraries: impl IntoIterator<Item = (&'l str, Self)>, program: &str) -> String {
        let mut text = format!(
            "## htsjdk.samtools.metrics.StringHeader\n# {program}\n\n## METRICS CLASS\tpicard.sam.DuplicationMetrics\n\
             LIBRARY\tUNPAIRED_READS_EXAMINED\tREAD_PAIRS_EXAMINED\tSECONDARY_OR_SUPPLEMENTARY_RDS\tUNMAPPED_READS\t\
             UNPAIRED_READ_DUPLICATES\tREAD_PAIR_DUPLICATES\tREAD_PAIR_OPTICAL_DUPLICATES\tPERCENT_DUPLICATION\t\
             ESTIMATED_LIBRARY_SIZE\n"
        );
        for (library, metrics) in libraries {
            metrics.append_row(library, &mut text);
        }
        text.push('\n');
        text
    }

    fn append_row(&self, library: &str, text: &mut String) {
        text.push_str(library);
        for count in [
            self.unpaired_reads_examined,
            self.read_pairs_examined,
            self.secondary_or_supplementary_records,
            self.unmapped_reads,
            self.unpaired_read_duplicates,
            self.read_pair_duplicates,
            self.read_pair_optical_duplicates,
        ] {
            // Writing to a String can't fail.
            let _ = write!(text, "\t{count}");
        }
        let size = self.estimated_library_size().map_or_else(String::new, |size| size.to_string());
        let _ = writeln!(text, "\t{}\t{size}", self.duplicate_share());
    }

    /// Duplicate reads among those examined, with at most six decimals, as Picard writes it.
    fn duplicate_share(&self) -> String {
        let duplicates = self.unpaired_read_duplicates + 2 * self.read_pair_duplicates;
        let examined = self.unpaired_reads_examined + 2 * self.read_pairs_examined;
        six_decimals(duplicates as f64 / examined.max(1) as f64)
    }

    /// Molecules in the library, by the Lander-Waterman equation C/X = 1 - exp(-N/X) for N pairs of which C are distinct,
    /// optical duplicates left out; solved by 40 bisections, as Picard does. None without duplicates.
    fn estimated_library_size(&self) -> Option<u64> {
        let pairs = self.read_pairs_examined.checked_sub(self.read_pair_optical_duplicates)?;
        let distinct = self.read_pairs_examined.checked_sub(self.read_pair_duplicates)?;
        if distinct == 0 || distinct >= pairs {
            return None;
        }
        let (n, c) = (pairs as f64, distinct as f64);
        let excess = |size: f64| c / size - 1.0 + (-n / size).exp();
        let (mut low, mut high) = (1.0, 100.0);
        while excess(high * c) > 0.0 {
            high *= 10.0;
        }
        for _ in 0..40 {
            let middle = (low + high) / 2.0;
            let value = excess(middle * c);
            if value == 0.0 {
                break;
            }
            if value > 0.0 { low = middle } else { high = middle }
        }
        Some((c * (low + high) / 2.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_as_picard_does() {
        let share = |read_pair_duplicates, read_pairs_examined| {
            DuplicationMetrics { read_pair_duplicates, read_pairs_examined, ..Default::default() }.duplicate_share()
        };
        assert_eq!([share(1, 4), share(1, 3), share(0, 0), share(4, 4)], ["0.25", "0.333333", "0", "1"]);
    }

    /// 1,000 molecules seen 1,000 times have 1,000 (1 - 1/e) = 632.1 distinct ones.
    #[test]
    fn the_library_size_solves_its_equation() {
        let metrics = DuplicationMetrics { read_pairs_examined: 1000, read_pair_duplicates: 368, ..Default::default() };
        let size = metrics.estimated_library_size().unwrap();
        assert!((999..=1002).contains(&size), "{size}");
        assert_eq!(DuplicationMetrics { read_pair_duplicates: 0, ..metrics }.estimated_library_size(), None);
    }
}
