//! What a change to a shader must not spoil.

use crate::row::Row;

/// Limits for a shader, checked as the engine runs it, on one family.
struct Limit {
    family: &'static str,
    shader: &'static str,
    most_vector: f64,
    fewest_waves: u64,
}

/// Families with a limit, which `--check` counts.
pub const FAMILIES: [&str; 1] = ["navi21"];

/// A few per cent above what was counted; more than that is a change to look at.
const LIMITS: [Limit; 5] = [
    limit("extend_strips-checked", 11.6, 4),
    limit("extend_packed-checked", 6.8, 4),
    limit("global-checked", 20.8, 8),
    limit("local-checked", 9.4, 8),
    limit("windows-checked", 7.9, 8),
];

const fn limit(shader: &'static str, most_vector: f64, fewest_waves: u64) -> Limit {
    Limit { family: "navi21", shader, most_vector, fewest_waves }
}

/// What is wrong with the rows of a family, a line each. A limit without its row is wrong too, as are spilled registers in a
/// row that has a limit.
pub fn violations(family: &str, rows: &[Row]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut found = 0;
    for limit in LIMITS.iter().filter(|limit| limit.family == family) {
        found += 1;
        let Some(row) = rows.iter().find(|row| row.name == limit.shader) else {
            wrong.push(format!("{family} {}: not counted", limit.shader));
            continue;
        };
        let mut complain = |what: String| wrong.push(format!("{family} {}: {what}", limit.shader));
        if row.vector > limit.most_vector {
            complain(format!("{:.2} VALU a {}, limit {:.2}", row.vector, row.unit, limit.most_vector));
        }
        if row.spills > 0 {
            complain(format!("{} registers spilled, limit 0", row.spills));
        }
        if row.waves < limit.fewest_waves {
            complain(format!("{} waves a SIMD, limit {}", row.waves, limit.fewest_waves));
        }
    }
    if found == 0 {
        wrong.push(format!("{family}: no limits are known"));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |limit: &Limit| Row {
            name: limit.shader.to_owned(),
            unit: "cell",
            vector: limit.most_vector,
            all: 0.0,
            vector_registers: 0,
            scalar_registers: 0,
            spills: 0,
            waves: limit.fewest_waves,
        };
        LIMITS.iter().map(row).collect()
    }

    #[test]
    fn each_limit_can_be_broken() {
        assert!(violations("navi21", &rows()).is_empty());
        let spoilt: [fn(&mut Row); 4] =
            [|row| row.vector += 0.01, |row| row.spills = 1, |row| row.waves -= 1, |row| row.name.clear()];
        for spoil in spoilt {
            for k in 0..LIMITS.len() {
                let mut rows = rows();
                spoil(&mut rows[k]);
                assert_eq!(violations("navi21", &rows).len(), 1);
            }
        }
        assert_eq!(violations("vega10", &rows()).len(), 1);
    }
}
