//! What is written down of a sort that a later process may go on with.

use serde_json::{Map, Value, json};

use super::shelf::KeptFile;
use crate::covered::Covered;
use crate::duplicates::{DuplicateCounts, LibraryCounts};
use crate::pipeline::Summary;

/// What the member `format` says.
const FORMAT: &str = "svala resume 3";

/// All that a later process must know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Manifest {
    /// What the work is: names, and digests of what they name.
    pub(crate) identity: Vec<(String, String)>,
    /// The input whose records are in the runs.
    pub(crate) covered: Covered,
    /// Templates of those records.
    pub(crate) templates: u64,
    /// Of records that signatures don't count.
    pub(crate) counts: LibraryCounts,
    /// Sorted records.
    pub(crate) runs: Vec<KeptFile>,
    /// Signatures of mapped templates.
    pub(crate) signatures: Vec<KeptFile>,
}

impl Manifest {
    /// As JSON.
    pub(crate) fn to_json(&self) -> String {
        let identity: Map<String, Value> =
            self.identity.iter().map(|(name, digest)| (name.clone(), json!(digest))).collect();
        let libraries: Vec<_> = self.counts.all().iter().map(|counts| counts.to_array()).collect();
        let value = json!({
            "format": FORMAT,
            "identity": identity,
            "batches": self.covered.batches,
            "reads_digest": hex(self.covered.reads_digest),
            "models_digest": hex(self.covered.models_digest),
            "summary": counts_of(&self.covered.summary),
            "templates": self.templates,
            "libraries": libraries,
            "runs": self.runs.iter().map(file).collect::<Vec<_>>(),
            "signatures": self.signatures.iter().map(file).collect::<Vec<_>>(),
        });
        format!("{value:#}\n")
    }

    /// From what [`to_json`](Self::to_json) made; none of anything else.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        if value.get("format")?.as_str()? != FORMAT {
            return None;
        }
        let identity = value.get("identity")?.as_object()?.iter();
        let identity = identity.map(|(name, digest)| Some((name.clone(), digest.as_str()?.to_owned())));
        let libraries = value.get("libraries")?.as_array()?.iter();
        let libraries = libraries.map(|counts| Some(DuplicateCounts::from_array(numbers(counts)?)));
        Some(Self {
            identity: identity.collect::<Option<_>>()?,
            covered: Covered {
                batches: value.get("batches")?.as_u64()?,
                reads_digest: from_hex(value.get("reads_digest")?)?,
                models_digest: from_hex(value.get("models_digest")?)?,
                summary: summary(numbers(value.get("summary")?)?),
            },
            templates: value.get("templates")?.as_u64()?,
            counts: LibraryCounts::from_all(libraries.collect::<Option<_>>()?),
            runs: files(value.get("runs")?)?,
            signatures: files(value.get("signatures")?)?,
        })
    }
}

fn hex(digest: u128) -> String {
    format!("{digest:032x}")
}

fn from_hex(value: &Value) -> Option<u128> {
    u128::from_str_radix(value.as_str()?, 16).ok()
}

fn numbers<const N: usize>(value: &Value) -> Option<[u64; N]> {
    let numbers: Option<Vec<u64>> = value.as_array()?.iter().map(Value::as_u64).collect();
    numbers?.try_into().ok()
}

fn file(file: &KeptFile) -> Value {
    json!({ "number": file.number, "bytes": file.bytes, "sha256": file.sha256 })
}

fn files(value: &Value) -> Option<Vec<KeptFile>> {
    let file = |value: &Value| {
        let [number, bytes] = ["number", "bytes"].map(|name| value.get(name).and_then(Value::as_u64));
        // Another comes after each.
        let number = number.filter(|&number| number < u64::MAX)?;
        Some(KeptFile { number, bytes: bytes?, sha256: value.get("sha256")?.as_str()?.to_owned() })
    };
    value.as_array()?.iter().map(file).collect()
}

fn counts_of(summary: &Summary) -> [u64; 8] {
    let Summary {
        reads,
        bases,
        records,
        mapped,
        properly_paired,
        confident,
        left_out_reads,
        left_out_bases,
        insert_models: _,
    } = summary;
    [reads, bases, records, mapped, properly_paired, confident, left_out_reads, left_out_bases].map(|count| *count)
}

fn summary(counts: [u64; 8]) -> Summary {
    let [reads, bases, records, mapped, properly_paired, confident, left_out_reads, left_out_bases] = counts;
    Summary {
        reads,
        bases,
        records,
        mapped,
        properly_paired,
        confident,
        left_out_reads,
        left_out_bases,
        insert_models: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let file = |number| KeptFile { number, bytes: 10 + number, sha256: format!("{number:064x}") };
        let mut counts = LibraryCounts::default();
        *counts.of(1) = DuplicateCounts::from_array([1, 2, 3, 4, 5, 6, 7]);
        Manifest {
            identity: vec![("a".into(), "1".into()), ("b".into(), "2".into())],
            covered: Covered {
                batches: 3,
                reads_digest: u128::MAX,
                models_digest: 1,
                summary: summary([1, 2, 3, 4, 5, 6, 7, u64::MAX]),
            },
            templates: 9,
            counts,
            runs: vec![file(0), file(7)],
            signatures: vec![file(1)],
        }
    }

    #[test]
    fn everything_comes_back() {
        assert_eq!(Manifest::from_json(&sample().to_json()), Some(sample()));
    }

    #[test]
    fn anything_else_is_refused() {
        let good = sample().to_json();
        for (from, to) in [
            ("resume 3", "resume 2"),
            ("\"batches\": 3", "\"batches\": -3"),
            ("\"number\": 7", "\"number\": 18446744073709551615"),
            ("\"templates\"", "\"template\""),
            ("ffff\"", "fffff\""),
            ("}\n", "\n"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert_eq!(Manifest::from_json(&bad), None, "{bad}");
        }
        assert_eq!(Manifest::from_json(""), None);
    }
}
