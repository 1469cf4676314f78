//! The report as JSON: every round, and all that is needed to run it again.

use serde_json::{Value, json};

use crate::report::{Entry, Report};

/// Times in seconds, memory in bytes, counts of reads; no folders.
pub fn render(report: &Report) -> Value {
    json!({
        "machine": {
            "cpu": report.machine.cpu,
            "cores": report.machine.cores,
            "memory_bytes": report.machine.memory_bytes,
            "system": report.machine.system,
        },
        "reference": report.reference,
        "read_files": report.read_files,
        "reads": report.reads,
        "read_bp": report.read_bp,
        "threads": report.threads,
        "aligners": report.entries.iter().map(|entry| aligner(report, entry)).collect::<Vec<_>>(),
    })
}

fn aligner(report: &Report, entry: &Entry) -> Value {
    let tally = &entry.tally;
    let truth = report
        .with_truth
        .then(|| json!({ "correct": tally.correct, "wrong_mapq_20": tally.wrong_20, "wrong_mapq_30": tally.wrong_30 }));
    let ratio = report
        .ratio_to_svala(entry)
        .map(|ratio| json!({ "median": ratio.median, "low": ratio.low, "high": ratio.high }));
    let rounds = entry
        .rounds
        .iter()
        .map(|round| json!({ "wall_s": round.wall_s, "cpu_s": round.cpu_s, "peak_bytes": round.peak_bytes }));
    json!({
        "name": entry.name,
        "version": entry.version,
        "command": entry.command,
        "rounds": rounds.collect::<Vec<_>>(),
        "reads_per_cpu_s": report.reads_per_cpu_s(entry),
        "ratio_to_svala": ratio,
        "primary_records": tally.records,
        "mapped": tally.mapped,
        "proper": tally.proper,
        "mapq_20": tally.mapq_20,
        "mapq_30": tally.mapq_30,
        "truth": truth,
    })
}
