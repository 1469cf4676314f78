//! The report as a table in Markdown that is aligned, so that it reads well on a terminal and pastes into a document.

use crate::number::thousands;
use crate::report::{Entry, Report};

/// The table, with the commands and what to keep in mind below it. Ends with a line feed.
pub fn render(report: &Report) -> String {
    let mut rows = vec![header(report.with_truth)];
    rows.extend(report.entries.iter().map(|entry| row(report, entry)));
    let mut text = format!("{}\n\n{}\n", report.title(), aligned(&rows));
    text += "Medians of the rounds. Ratio: reads per CPU second as a multiple of svala's, paired round by round.\n\n";
    for entry in &report.entries {
        text += &format!("- {} {}: `{}`\n", entry.name, entry.version, entry.command);
    }
    for warning in report.warnings() {
        text += &format!("- note: {warning}\n");
    }
    text
}

fn header(with_truth: bool) -> Vec<String> {
    let mut names =
        vec!["aligner", "wall s", "CPU s", "peak MiB", "reads / CPU s", "ratio to svala (range)", "mapped %"];
    if with_truth {
        names.extend(["correct %", "wrong/M, MAPQ ≥ 20", "wrong/M, MAPQ ≥ 30"]);
    }
    names.extend(["MAPQ ≥ 20 %", "proper pairs %"]);
    names.into_iter().map(str::to_owned).collect()
}

fn row(report: &Report, entry: &Entry) -> Vec<String> {
    let tally = &entry.tally;
    let percent = |count| format!("{:.3}", tally.percent(count));
    let ratio = report
        .ratio_to_svala(entry)
        .map_or_else(|| "–".to_owned(), |ratio| format!("{:.2} ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high));
    let mut cells = vec![
        entry.name.clone(),
        format!("{:.2}", entry.median(|round| round.wall_s)),
        format!("{:.2}", entry.median(|round| round.cpu_s)),
        thousands(entry.median(|round| round.peak_bytes as f64) / 1_048_576.0),
        thousands(report.reads_per_cpu_s(entry)),
        ratio,
        percent(tally.mapped),
    ];
    if report.with_truth {
        cells.push(percent(tally.correct));
        cells.extend([tally.wrong_20, tally.wrong_30].map(|wrong| format!("{:.1}", tally.per_million(wrong))));
    }
    cells.push(percent(tally.mapq_20));
    cells.push(if report.read_files.len() == 2 { percent(tally.proper) } else { "–".to_owned() });
    cells
}

/// Rows as Markdown, the first one as the header; all columns but the first flush right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            text += &if column == 0 { format!("| {cell:<width$} |") } else { format!(" {cell:>width$} |") };
        }
        text.push('\n');
        if i == 0 {
            for (column, &width) in widths.iter().enumerate() {
                let line = "-".repeat(width);
                text += &if column == 0 { format!("| {line} |") } else { format!(" {line}:|") };
            }
            text.push('\n');
        }
    }
    text
}
