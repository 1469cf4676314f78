//! Custom content for MultiQC: what no other tool's format has a place for.

use serde_json::json;
use svala_io::qc::Tally;

use crate::run_facts::{RunFacts, share};

/// A table with one row for the sample.
pub fn run_table(sample: &str, facts: &RunFacts) -> String {
    let summary = &facts.summary;
    let sums = &facts.observation.sums;
    let percent = |title: &str, description: &str, scale: &str| json!({ "title": title, "description": description, "suffix": "%", "min": 0, "max": 100, "format": "{:,.2f}", "scale": scale });
    let content = json!({
        "id": "svala_run",
        "section_name": "svala",
        "description": "svala aligns short reads on any GPU or CPU, with the same bytes as its result.",
        "plot_type": "table",
        "pconfig": { "id": "svala_run_table", "title": "svala: runs" },
        "headers": {
            "reads": { "title": "Reads", "description": "Reads, mates counted singly", "format": "{:,.0f}", "scale": "Blues" },
            "mapped": percent("Mapped", "Reads with a place on the reference", "Greens"),
            "confident": percent("MAPQ ≥ 30", "Reads with a mapping quality of 30 or more", "Greens"),
            "duplicates": percent("Duplicates", "Records flagged as duplicates", "Oranges"),
            "reads_per_second": { "title": "Reads/s", "description": "Reads by second of mapping, sorting and writing", "format": "{:,.0f}", "scale": "Purples" },
            "gpu_share": percent("Jobs on GPUs", "Alignment jobs that GPUs answered", "Purples"),
        },
        "data": {
            sample: {
                "reads": summary.reads,
                "mapped": share(summary.mapped, summary.reads),
                "confident": share(summary.confident, summary.reads),
                "duplicates": share(sums.duplicates, sums.records),
                "reads_per_second": facts.reads_per_second(),
                "gpu_share": share(facts.counters.gpu_jobs, facts.jobs()),
            }
        },
    });
    format!("{content:#}\n")
}

/// The distribution of mapping qualities.
pub fn mapping_qualities(sample: &str, all: &Tally) -> String {
    // Pairs of numbers: MultiQC sorts names of members as text, 10 before 2.
    let counts: Vec<[u64; 2]> = all.mapping_qualities().map(|(quality, count)| [quality as u64, count]).collect();
    let content = json!({
        "id": "svala_mapq",
        "section_name": "svala: mapping qualities",
        "description": "Mapped reads by mapping quality.",
        "plot_type": "linegraph",
        "pconfig": {
            "id": "svala_mapq_plot", "title": "svala: mapping qualities", "xlab": "MAPQ", "ylab": "Reads", "xmin": 0, "ymin": 0
        },
        "data": { sample: counts },
    });
    format!("{content:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_qualities_are_numbers_in_order() {
        let content: serde_json::Value = serde_json::from_str(&mapping_qualities("s", &Tally::default())).unwrap();
        let points = content["data"]["s"].as_array().unwrap();
        assert_eq!(points.len(), 61);
        assert!((0..).zip(points).all(|(quality, point)| *point == json!([quality, 0])), "{points:?}");
    }
}
