//! The report of a run: one HTML file with tables and plots, without scripts, other files or read names.

mod plot;

use std::fmt::Write as _;

use svala_io::qc::{Coverage, InsertSizes, Mate, Tally};
use svala_map::observer::Statistics;

use crate::run_facts::{RunFacts, share};
use plot::{Plot, Series, bars, short};

/// Contigs in the table of coverage, the longest first.
const CONTIGS: usize = 30;
/// Share of covered positions after which the plot of depth ends.
const DEPTH_SHARE: f64 = 0.999;
/// Names of the two mates of a pair.
const MATES: [&str; 2] = ["first reads", "last reads"];

/// The report as HTML.
pub fn html(sample: &str, facts: &RunFacts, statistics: &Statistics) -> String {
    let unique = statistics.unique();
    let inserts = InsertSizes::of(&unique);
    let title = escaped(sample);
    let mut page = head(&title, &escaped(&facts.backend));
    page += &cards(facts, &unique, &inserts);
    page += "<div class=\"grid\">\n";
    let plots = [
        ("Insert sizes", insert_plot(&inserts)),
        ("Mapping quality", mapq_bars(&statistics.all)),
        ("Base quality by cycle", quality_plot(&statistics.all)),
        ("GC content of reads", gc_plot(&statistics.all)),
        ("Bases by cycle", base_plot(&statistics.all)),
        ("Depth of coverage", depth_plot(statistics)),
    ];
    for (title, plot) in plots.into_iter().filter(|(_, plot)| !plot.is_empty()) {
        section(title, &plot, "", &mut page);
    }
    section("Reads", &read_table(facts), "", &mut page);
    section("Run", &run_table(facts), "", &mut page);
    page += "</div>\n";
    section("Coverage by contig", &contig_table(facts, statistics, &unique), " class=\"wide\"", &mut page);
    let command = escaped(&facts.header.program.command_line);
    section("Command", &format!("<code>{command}</code>"), " class=\"wide\"", &mut page);
    page + "</main></body></html>\n"
}

/// The start of a page.
pub fn head(title: &str, line: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title} · svala</title>\
         <style>{}</style></head><body><main><h1>{title}</h1>\
         <p class=\"dim\">svala {} · {line}</p>\n",
        include_str!("style.css"),
        env!("CARGO_PKG_VERSION"),
    )
}

/// A part of a page with its title.
pub fn section(title: &str, content: &str, attributes: &str, page: &mut String) {
    // Writing to a String can't fail.
    let _ = writeln!(page, "<section{attributes}><h2>{title}</h2>{content}</section>");
}

/// Text as HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.2}\u{a0}%", share(part, whole))
}

/// The numbers that one looks for first.
fn cards(facts: &RunFacts, unique: &Tally, inserts: &[InsertSizes]) -> String {
    let (summary, sums) = (&facts.summary, &facts.observation.sums);
    let bases = facts.header.references.iter().map(|contig| contig.length).sum::<u64>();
    let aligned: u64 = unique.contigs().iter().map(|contig| contig.bases).sum();
    let mut cards = vec![
        (short(summary.reads as f64), "reads"),
        (percent(summary.mapped, summary.reads), "mapped"),
        (percent(summary.properly_paired, summary.reads), "properly paired"),
        (percent(sums.duplicates, sums.records), "flagged as duplicates"),
        (percent(summary.confident, summary.reads), "MAPQ 30 or more"),
        (format!("{:.2}×", aligned as f64 / bases.max(1) as f64), "mean depth"),
    ];
    if let Some(sizes) = inserts.first() {
        cards.push((format!("{} bp", short(sizes.median)), "median insert size"));
    } else {
        cards.retain(|(_, what)| *what != "properly paired");
    }
    let card = |(value, what): &(String, &str)| format!("<div class=\"card\"><b>{value}</b><span>{what}</span></div>");
    format!("<div class=\"cards\">{}</div>\n", cards.iter().map(card).collect::<String>())
}

fn insert_plot(inserts: &[InsertSizes]) -> String {
    if inserts.is_empty() {
        return String::new();
    }
    let series = inserts.iter().enumerate().map(|(colour, sizes)| Series {
        name: sizes.orientation,
        colour,
        points: sizes.histogram.iter().map(|&(size, count)| (size.into(), count as f64)).collect(),
        band: Vec::new(),
    });
    Plot { x_label: "insert size in bases", y_label: "pairs", series: series.collect() }.to_svg()
}

/// Shares of mapped reads in groups of ten qualities.
fn mapq_bars(all: &Tally) -> String {
    let counts: Vec<(usize, u64)> = all.mapping_qualities().collect();
    let total: u64 = counts.iter().map(|&(_, count)| count).sum();
    let groups = [(0, 0), (1, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 255)];
    let bar = |(from, to): (usize, usize)| {
        let inside = counts.iter().filter(|&&(quality, _)| (from..=to).contains(&quality));
        let percent = share(inside.map(|&(_, count)| count).sum(), total);
        let label = if from == to || to == 255 { from.to_string() } else { format!("{from}–{to}") };
        (label, percent, if percent >= 9.95 { format!("{percent:.1}") } else { format!("{percent:.2}") })
    };
    bars("% of mapped reads", &groups.map(bar))
}

fn quality_plot(all: &Tally) -> String {
    let series = Mate::ALL.into_iter().zip(MATES).enumerate().map(|(colour, (mate, name))| {
        let cycles: Vec<_> = all.quality_by_cycle(mate).collect();
        Series {
            name,
            colour,
            points: cycles.iter().zip(1..).map(|(quality, cycle)| (f64::from(cycle), quality.mean)).collect(),
            band: cycles.iter().map(|quality| (f64::from(quality.low), f64::from(quality.high))).collect(),
        }
    });
    let plot = Plot { x_label: "cycle", y_label: "Phred quality", series: series.collect() }.to_svg();
    format!("{plot}<p class=\"dim\">Mean, and the range of all but the lowest and the highest tenth.</p>")
}

fn gc_plot(all: &Tally) -> String {
    let series = Mate::ALL.into_iter().zip(MATES).enumerate().map(|(colour, (mate, name))| {
        let counts = all.gc(mate);
        let total: u64 = counts.iter().sum();
        // Two steps a per cent; reads reach over several of them.
        let percents = counts.chunks(2).map(|steps| share(steps.iter().sum(), total));
        let points = if total == 0 { Vec::new() } else { (0..).map(f64::from).zip(percents).collect() };
        Series { name, colour, points, band: Vec::new() }
    });
    Plot { x_label: "G and C in a read, %", y_label: "% of reads", series: series.collect() }.to_svg()
}

fn base_plot(all: &Tally) -> String {
    let cycles: Vec<_> = all.bases_by_cycle().collect();
    let line = |name, colour, count: &dyn Fn(&svala_io::qc::BaseCounts) -> u64| Series {
        name,
        colour,
        points: cycles
            .iter()
            .zip(1..)
            .map(|(bases, cycle)| (f64::from(cycle), share(count(bases), bases.total())))
            .collect(),
        band: Vec::new(),
    };
    let series = vec![
        line("A", 2, &|bases| bases.acgt[0]),
        line("C", 0, &|bases| bases.acgt[1]),
        line("G", 1, &|bases| bases.acgt[2]),
        line("T", 3, &|bases| bases.acgt[3]),
        line("N", 4, &|bases| bases.n),
    ];
    Plot { x_label: "cycle, as sequenced", y_label: "% of bases", series }.to_svg()
}

fn depth_plot(statistics: &Statistics) -> String {
    let Some(depth) = &statistics.depth else {
        return String::new();
    };
    let covered: u64 = depth.positions.iter().sum();
    let mut seen = 0;
    let end = depth.positions.iter().position(|count| {
        seen += count;
        seen as f64 >= covered as f64 * DEPTH_SHARE
    });
    let end = end.unwrap_or(0).max(2);
    let points = (0..).map(f64::from).zip(&depth.positions).skip(1).take(end);
    let series = Series {
        name: "positions",
        colour: 0,
        points: points.map(|(depth, &positions)| (depth, share(positions, covered))).collect(),
        band: Vec::new(),
    };
    Plot { x_label: "depth, duplicates counted", y_label: "% of covered positions", series: vec![series] }.to_svg()
}

fn table(rows: &[(&str, String)]) -> String {
    let row = |(what, value): &(&str, String)| format!("<tr><td>{what}</td><td class=\"text\">{value}</td></tr>");
    format!("<table>{}</table>", rows.iter().map(row).collect::<String>())
}

fn read_table(facts: &RunFacts) -> String {
    let (summary, sums) = (&facts.summary, &facts.observation.sums);
    let with_share = |count: u64| format!("{count} ({})", percent(count, summary.reads));
    let mut rows = vec![
        ("Reads", summary.reads.to_string()),
        ("Bases", summary.bases.to_string()),
        ("Mapped", with_share(summary.mapped)),
        ("Properly paired", with_share(summary.properly_paired)),
        ("MAPQ 30 or more", with_share(summary.confident)),
        ("Records, supplementary ones too", sums.records.to_string()),
        ("Records flagged as duplicates", format!("{} ({})", sums.duplicates, percent(sums.duplicates, sums.records))),
    ];
    if let Some(found) = facts.all_duplicates() {
        rows.push(("Pairs that are duplicates", format!("{} of {}", found.pair_duplicates, found.pairs)));
        rows.push(("Optical ones among them", found.optical_duplicates.to_string()));
        let single = format!("{} of {}", found.unpaired_duplicates, found.unpaired_reads);
        rows.push(("Reads without a mapped mate that are duplicates", single));
    }
    table(&rows)
}

fn run_table(facts: &RunFacts) -> String {
    let counters = &facts.counters;
    let mut rows = vec![
        ("Backend", escaped(&facts.backend)),
        ("Threads", facts.threads.to_string()),
        ("Start: index and devices", format!("{:.1} s", facts.start.as_secs_f64())),
        ("Aligning, sorting and writing", format!("{:.1} s", facts.elapsed.as_secs_f64())),
        ("Reads per second", short(facts.reads_per_second())),
        ("Alignment jobs", short(facts.jobs() as f64)),
        ("Jobs on GPUs", format!("{} ({})", short(counters.gpu_jobs as f64), percent(counters.gpu_jobs, facts.jobs()))),
        ("Jobs redone on the CPU", counters.redone_jobs.to_string()),
        ("Answers of GPUs checked", counters.checked_jobs.to_string()),
        ("Wrong ones among all", counters.wrong_jobs.to_string()),
    ];
    rows.extend(facts.device_failures.iter().map(|failure| ("Failed device", escaped(failure))));
    table(&rows)
}

fn contig_table(facts: &RunFacts, statistics: &Statistics, unique: &Tally) -> String {
    let Some(depth) = &statistics.depth else {
        return "<p class=\"dim\">Only sorted output shows it.</p>".into();
    };
    let mut contigs: Vec<Coverage<'_>> = Coverage::of(&facts.header, unique, depth).collect();
    let number = contigs.len();
    // Stable, so contigs of one length stay in their order.
    contigs.sort_by_key(|contig| std::cmp::Reverse(contig.length));
    contigs.truncate(CONTIGS);
    let deepest = contigs.iter().map(Coverage::mean_depth).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let mut rows = String::new();
    for contig in &contigs {
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.2}\u{a0}%</td><td>{:.2}×\
             <span class=\"bar\" style=\"width:{:.1}%;margin-left:auto\"></span></td></tr>",
            escaped(&String::from_utf8_lossy(contig.contig)),
            short(contig.length as f64),
            short(contig.tally.records as f64),
            contig.percent(),
            contig.mean_depth(),
            100.0 * contig.mean_depth() / deepest,
        );
    }
    let left_out = match number - contigs.len() {
        0 => String::new(),
        rest => format!(" The {rest} shortest contigs are left out."),
    };
    format!(
        "<div class=\"scroll\"><table><tr><th>contig</th><th>length</th><th>records</th><th>covered</th><th>mean depth</th></tr>{rows}</table></div>\
         <p class=\"dim\">Without duplicates.{left_out}</p>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escaped("<b>\"a\" & b</b>"), "&lt;b&gt;&quot;a&quot; &amp; b&lt;/b&gt;");
    }
}
