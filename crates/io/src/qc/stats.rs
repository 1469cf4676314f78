//! The text of `samtools stats`, as version 1.16 writes it.
//!
//! Left out are `CHK`, a checksum that our own digest makes unnecessary, and `GCD`, the depth by GC content. `MAPQ` is that of
//! later versions.

use std::fmt::{self, Write as _};

use super::{
    DepthSummary, Mate, Tally,
    cycles::BaseCounts,
    depth::MAX_DEPTH,
    numbers::exponential,
    tally::{GC_STEPS, MAX_INSERT},
};
use crate::flags;

/// Longest indel that is listed.
const MAX_INDEL: usize = 300;
/// Share of pairs after which insert sizes are cut off.
const MAIN_BULK: f64 = 0.99;
const NOT_PRIMARY: u16 = flags::SECONDARY | flags::SUPPLEMENTARY;

/// Statistics of `all` records, of which `duplicates` are flagged as such, or will be; the distribution of coverage is that of
/// `depth`, for sorted records. `program` is a line that says who made it.
#[must_use]
pub fn stats_text(all: &Tally, duplicates: &Tally, depth: Option<&DepthSummary>, program: &str) -> String {
    let mut text = String::new();
    let report = Report { all, duplicates, depth };
    // Writing to a String can't fail.
    let _ = report.write(program, &mut text);
    text
}

struct Report<'a> {
    all: &'a Tally,
    duplicates: &'a Tally,
    depth: Option<&'a DepthSummary>,
}

impl Report<'_> {
    fn write(&self, program: &str, text: &mut String) -> fmt::Result {
        writeln!(text, "# {program} wrote this, in the form of files of which readers expect the words:")?;
        writeln!(text, "# This file was produced by samtools stats")?;
        let inserts = Inserts::of(&self.all.inserts);
        self.summary(&inserts, text)?;
        self.qualities(text)?;
        self.gc(text)?;
        self.bases(text)?;
        heading(
            text,
            "Insert sizes",
            "IS",
            "insert size, pairs total, inward oriented pairs, outward oriented pairs, other pairs",
        )?;
        for (size, [inward, outward, other]) in inserts.pairs.iter().enumerate() {
            writeln!(text, "IS\t{size}\t{}\t{inward}\t{outward}\t{other}", inward + outward + other)?;
        }
        self.lengths(text)?;
        self.mapping_qualities(text)?;
        self.indels(text)?;
        self.coverage(text)
    }

    fn summary(&self, inserts: &Inserts, text: &mut String) -> fmt::Result {
        let (all, totals) = (self.all, &self.all.totals);
        // Reads without bases are passed over.
        let primary = |set: u16, unset: u16| all.with_flags_and_bases(set, unset | NOT_PRIMARY);
        let reads = primary(0, 0);
        let fragments = Mate::ALL.map(|mate| self.reads_and_bases(mate));
        let bases = fragments[0].1 + fragments[1].1;
        let both_mapped = primary(flags::PAIRED, flags::UNMAPPED | flags::MATE_UNMAPPED);
        let proper = primary(flags::PAIRED | flags::PROPER_PAIR, flags::UNMAPPED | flags::MATE_UNMAPPED);
        let longest = |mates: &[Mate]| mates.iter().map(|&mate| all.longest(mate)).max().unwrap_or(0);
        let mean = |(reads, bases): (u64, u64)| format!("{:.0}", bases as f32 / reads.max(1) as f32);
        let quality_sums = all.cycles.iter().flat_map(|cycles| &cycles.qualities).map(quality_sum);
        // The standard library's sum of nothing is -0.
        let quality_sum = quality_sums.fold(0.0, |sum, of_cycle| sum + of_cycle);
        let error_rate = totals.mismatches as f32 / totals.cigar_bases.max(1) as f32;
        let rows: [(&str, String, &str); 38] = [
            ("raw total sequences", reads.to_string(), "excluding supplementary and secondary reads"),
            ("filtered sequences", "0".into(), ""),
            ("sequences", reads.to_string(), ""),
            ("is sorted", u8::from(self.depth.is_some()).to_string(), ""),
            ("1st fragments", fragments[0].0.to_string(), ""),
            ("last fragments", fragments[1].0.to_string(), ""),
            ("reads mapped", primary(0, flags::UNMAPPED).to_string(), ""),
            ("reads mapped and paired", both_mapped.to_string(), "paired-end technology bit set + both mates mapped"),
            ("reads unmapped", primary(flags::UNMAPPED, 0).to_string(), ""),
            ("reads properly paired", proper.to_string(), "proper-pair bit set"),
            ("reads paired", primary(flags::PAIRED, 0).to_string(), "paired-end technology bit set"),
            (
                "reads duplicated",
                self.duplicates.with_flags_and_bases(0, 0).to_string(),
                "PCR or optical duplicate bit set",
            ),
            ("reads MQ0", totals.ambiguous.to_string(), "mapped and MQ=0"),
            ("reads QC failed", primary(flags::QC_FAIL, 0).to_string(), ""),
            ("non-primary alignments", all.with_flags(flags::SECONDARY, 0).to_string(), ""),
            ("supplementary alignments", all.with_flags(flags::SUPPLEMENTARY, 0).to_string(), ""),
            ("total length", bases.to_string(), "ignores clipping"),
            ("total first fragment length", fragments[0].1.to_string(), "ignores clipping"),
            ("total last fragment length", fragments[1].1.to_string(), "ignores clipping"),
            ("bases mapped", totals.mapped_bases.to_string(), "ignores clipping"),
            ("bases mapped (cigar)", totals.cigar_bases.to_string(), "more accurate"),
            ("bases trimmed", "0".into(), ""),
            ("bases duplicated", self.duplicates.totals.record_bases.to_string(), ""),
            ("mismatches", totals.mismatches.to_string(), "from NM fields"),
            ("error rate", exponential(error_rate.into()), "mismatches / bases mapped (cigar)"),
            ("average length", (bases / reads.max(1)).to_string(), ""),
            ("average first fragment length", mean(fragments[0]), ""),
            ("average last fragment length", mean(fragments[1]), ""),
            ("maximum length", longest(&Mate::ALL).to_string(), ""),
            ("maximum first fragment length", longest(&[Mate::First]).to_string(), ""),
            ("maximum last fragment length", longest(&[Mate::Last]).to_string(), ""),
            ("average quality", format!("{:.1}", quality_sum / bases.max(1) as f64), ""),
            ("insert size average", format!("{:.1}", inserts.mean), ""),
            ("insert size standard deviation", format!("{:.1}", inserts.deviation), ""),
            ("inward oriented pairs", inserts.totals[0].to_string(), ""),
            ("outward oriented pairs", inserts.totals[1].to_string(), ""),
            ("pairs with other orientation", inserts.totals[2].to_string(), ""),
            ("pairs on different chromosomes", (totals.apart / 2).to_string(), ""),
        ];
        writeln!(text, "# Summary Numbers. Use `grep ^SN | cut -f 2-` to extract this part.")?;
        for (name, value, comment) in rows {
            let comment = if comment.is_empty() { String::new() } else { format!("\t# {comment}") };
            writeln!(text, "SN\t{name}:\t{value}{comment}")?;
        }
        let proper_share = (100 * proper) as f32 / reads.max(1) as f32;
        writeln!(text, "SN\tpercentage of properly paired reads (%):\t{proper_share:.1}")
    }

    fn reads_and_bases(&self, mate: Mate) -> (u64, u64) {
        let lengths = (0..).zip(&self.all.lengths[mate as usize]);
        lengths.fold((0, 0), |(reads, bases), (length, count)| (reads + count, bases + length * count))
    }

    fn qualities(&self, text: &mut String) -> fmt::Result {
        let all = self.all;
        // One column more than the highest quality needs.
        let columns = 2 + all.highest_quality();
        for (what, name, mate) in [("First", "FFQ", Mate::First), ("Last", "LFQ", Mate::Last)] {
            writeln!(text, "# {what} Fragment Qualities. Use `grep ^{name} | cut -f 2-` to extract this part.")?;
            writeln!(text, "# Columns correspond to qualities and rows to cycles. First column is the cycle number.")?;
            for cycle in 0..all.longest(mate) {
                write!(text, "{name}\t{}", cycle + 1)?;
                let row = all.cycles[mate as usize].qualities.get(cycle);
                for quality in 0..columns {
                    write!(text, "\t{}", row.and_then(|row| row.get(quality)).copied().unwrap_or(0))?;
                }
                text.push('\n');
            }
        }
        Ok(())
    }

    fn gc(&self, text: &mut String) -> fmt::Result {
        let [first, last] = &self.all.gc;
        for (what, name, counts) in [("first", "GCF", first), ("last", "GCL", last)] {
            writeln!(text, "# GC Content of {what} fragments. Use `grep ^{name} | cut -f 2-` to extract this part.")?;
            let mut start = 0;
            for step in 0..GC_STEPS {
                if counts[step] != counts[start] {
                    let middle = (step + start) as f64 * 0.5 * 100.0 / (GC_STEPS - 1) as f64;
                    writeln!(text, "{name}\t{middle:.2}\t{}", counts[start])?;
                    start = step;
                }
            }
        }
        Ok(())
    }

    fn bases(&self, text: &mut String) -> fmt::Result {
        const COLUMNS: &str = "cycle; A,C,G,T base counts as a percentage of all A/C/G/T bases [%]";
        let with_n = format!("{COLUMNS}; and N and O counts as a percentage of all A/C/G/T bases [%]");
        heading(text, "ACGT content per cycle", "GCC", &with_n)?;
        self.base_rows("GCC", &Mate::ALL, text)?;
        heading(text, "ACGT content per cycle, read oriented", "GCT", COLUMNS)?;
        for cycle in 0..self.cycles() {
            let counts = self.sum(&Mate::ALL, |mate| self.all.cycles[mate].bases_as_read(cycle));
            if let Some([a, c, g, t]) = percents(counts.acgt, &counts) {
                writeln!(text, "GCT\t{}\t{a:.2}\t{c:.2}\t{g:.2}\t{t:.2}", cycle + 1)?;
            }
        }
        for (what, rows, raw, mates) in [("first", "FBC", "FTC", &[Mate::First]), ("last", "LBC", "LTC", &[Mate::Last])]
        {
            heading(text, &format!("ACGT content per cycle for {what} fragments"), rows, &with_n)?;
            self.base_rows(rows, mates, text)?;
            heading(text, &format!("ACGT raw counters for {what} fragments"), raw, "A,C,G,T,N base counters")?;
            let all_cycles = |mate: usize| {
                (0..self.cycles())
                    .map(|cycle| self.all.cycles[mate].bases(cycle))
                    .fold(BaseCounts::default(), BaseCounts::plus)
            };
            let counts = self.sum(mates, all_cycles);
            let [a, c, g, t] = counts.acgt;
            writeln!(text, "{raw}\t{a}\t{c}\t{g}\t{t}\t{}", counts.n)?;
        }
        Ok(())
    }

    fn base_rows(&self, name: &str, mates: &[Mate], text: &mut String) -> fmt::Result {
        for cycle in 0..self.cycles() {
            let counts = self.sum(mates, |mate| self.all.cycles[mate].bases(cycle));
            let [a, c, g, t] = counts.acgt;
            if let Some(all) = percents([a, c, g, t, counts.n, counts.other], &counts) {
                write!(text, "{name}\t{}", cycle + 1)?;
                all.iter().try_for_each(|percent| write!(text, "\t{percent:.2}"))?;
                text.push('\n');
            }
        }
        Ok(())
    }

    fn sum(&self, mates: &[Mate], counts: impl Fn(usize) -> BaseCounts) -> BaseCounts {
        mates.iter().map(|&mate| counts(mate as usize)).fold(BaseCounts::default(), BaseCounts::plus)
    }

    fn cycles(&self) -> usize {
        self.all.cycles.iter().map(|cycles| cycles.qualities.len()).max().unwrap_or(0)
    }

    fn lengths(&self, text: &mut String) -> fmt::Result {
        for (what, name, mates) in [
            ("Read lengths", "RL", &Mate::ALL[..]),
            ("Read lengths - first fragments", "FRL", &[Mate::First]),
            ("Read lengths - last fragments", "LRL", &[Mate::Last]),
        ] {
            heading(text, what, name, "read length, count")?;
            for length in 1..=mates.iter().map(|&mate| self.all.longest(mate)).max().unwrap_or(0) {
                let counts = mates.iter().filter_map(|&mate| self.all.lengths[mate as usize].get(length));
                let count: u64 = counts.sum();
                if count > 0 {
                    writeln!(text, "{name}\t{length}\t{count}")?;
                }
            }
        }
        Ok(())
    }

    fn mapping_qualities(&self, text: &mut String) -> fmt::Result {
        heading(text, "Mapping qualities for reads !(UNMAP|SECOND|SUPPL|QCFAIL|DUP)", "MAPQ", "mapq, count")?;
        let passed = |tally: &Tally, quality: usize| {
            tally.mapping_quality[quality].saturating_sub(tally.failed_mapping_quality[quality])
        };
        for quality in 0..self.all.mapping_quality.len() {
            let (all, duplicates) = (passed(self.all, quality), passed(self.duplicates, quality));
            if all > duplicates {
                writeln!(text, "MAPQ\t{quality}\t{}", all - duplicates)?;
            }
        }
        Ok(())
    }

    fn indels(&self, text: &mut String) -> fmt::Result {
        heading(text, "Indel distribution", "ID", "length, number of insertions, number of deletions")?;
        let lengths = self.all.indels.iter().enumerate().take(MAX_INDEL + 1).skip(1);
        for (length, [insertions, deletions]) in lengths.filter(|(_, counts)| **counts != [0; 2]) {
            writeln!(text, "ID\t{length}\t{insertions}\t{deletions}")?;
        }
        let columns = "cycle, number of insertions (fwd), .. (rev) , number of deletions (fwd), .. (rev)";
        heading(text, "Indels per cycle", "IC", columns)?;
        for (cycle, counts) in self.all.indel_cycles.iter().enumerate().filter(|(_, counts)| **counts != [0; 4]) {
            let [a, b, c, d] = counts;
            writeln!(text, "IC\t{}\t{a}\t{b}\t{c}\t{d}", cycle + 1)?;
        }
        Ok(())
    }

    fn coverage(&self, text: &mut String) -> fmt::Result {
        let Some(depth) = self.depth else {
            return Ok(());
        };
        writeln!(text, "# Coverage distribution. Use `grep ^COV | cut -f 2-` to extract this part.")?;
        for (depth, &positions) in depth.positions.iter().enumerate().filter(|&(_, &positions)| positions > 0) {
            if depth > MAX_DEPTH {
                writeln!(text, "COV\t[{MAX_DEPTH}<]\t{MAX_DEPTH}\t{positions}")?;
            } else {
                writeln!(text, "COV\t[{depth}-{depth}]\t{depth}\t{positions}")?;
            }
        }
        Ok(())
    }
}

fn heading(text: &mut String, what: &str, name: &str, columns: &str) -> fmt::Result {
    writeln!(text, "# {what}. Use `grep ^{name} | cut -f 2-` to extract this part. The columns are: {columns}")
}

/// Shares of the A, C, G and T of a cycle, if it has any.
fn percents<const N: usize>(counts: [u64; N], all: &BaseCounts) -> Option<[f64; N]> {
    let acgt: u64 = all.acgt.iter().sum();
    (acgt > 0).then(|| counts.map(|count| 100.0 * count as f64 / acgt as f64))
}

fn quality_sum(row: &[u64; super::cycles::QUALITIES]) -> f64 {
    (0..).zip(row).map(|(quality, &count)| quality * count).sum::<u64>() as f64
}

/// Insert sizes of pairs, up to where the main bulk ends.
struct Inserts {
    pairs: Vec<[u64; 3]>,
    totals: [u64; 3],
    mean: f64,
    deviation: f64,
}

impl Inserts {
    fn of(records: &[[u64; 3]]) -> Self {
        // Both records of a pair are counted.
        let mut pairs: Vec<[u64; 3]> = records.iter().map(|groups| groups.map(|count| count / 2)).collect();
        let totals = std::array::from_fn(|group| pairs.iter().map(|groups| groups[group]).sum());
        let total = totals.iter().sum::<u64>() as f64;
        let (mut bulk, mut sum, mut used, mut end) = (0, 0.0, total, 0);
        for (size, groups) in pairs.iter().enumerate().take(MAX_INSERT + 1) {
            let count = groups.iter().sum::<u64>();
            bulk += count;
            sum += (size as u64 * count) as f64;
            if count > 0 {
                end = size + 1;
            }
            if bulk as f64 / total > MAIN_BULK {
                (used, end) = (bulk as f64, size + 1);
                break;
            }
        }
        let used = if used == 0.0 { 1.0 } else { used };
        let mean = sum / used;
        let square = |(size, groups): (usize, &[u64; 3])| {
            groups.iter().sum::<u64>() as f64 * (size as f64 - mean).powi(2) / used
        };
        let deviation =
            pairs.iter().enumerate().take(end).skip(1).map(square).fold(0.0, |sum, square| sum + square).sqrt();
        pairs.truncate(end);
        Self { pairs, totals, mean, deviation }
    }
}
