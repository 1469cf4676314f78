//! The shaders, with what the engine gives to them.

use std::path::Path;

use crate::Outcome;
use crate::unroll::unroll;

/// The repository's root.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The work-group size and bwa mem's scores (Li 2013), as the engine's default.
pub const OVERRIDES: [(&str, f64); 8] = [
    ("WORKGROUP_SIZE", 64.0),
    ("MATCH", 1.0),
    ("MISMATCH", 4.0),
    ("AMBIGUOUS", 1.0),
    ("DELETION_OPEN", 6.0),
    ("DELETION_EXTEND", 1.0),
    ("INSERTION_OPEN", 6.0),
    ("INSERTION_EXTEND", 1.0),
];

/// An entry point to count.
struct Source {
    /// The name in the report.
    name: &'static str,
    /// Its file, from the repository's root.
    file: &'static str,
    entry: &'static str,
    /// What a turn of its hottest loop makes.
    unit: &'static str,
    /// How many of them: the product of a number and of constants of the shader.
    a_turn: (u32, &'static [&'static str]),
}

/// Every entry point of every shader. A shader that is missing here is an error.
const SOURCES: [Source; 8] = [
    Source { name: "extend", file: "shaders/extend.wgsl", entry: "main", unit: "cell", a_turn: (1, &[]) },
    Source {
        name: "extend_strips",
        file: "shaders/extend_strips.wgsl",
        entry: "main",
        unit: "cell",
        a_turn: (1, &["TALL", "COLUMNS"]),
    },
    Source {
        name: "extend_cooperative",
        file: "shaders/extend_cooperative.wgsl",
        entry: "main",
        unit: "cell",
        a_turn: (1, &["ROWS"]),
    },
    Source {
        name: "global",
        file: "shaders/global.wgsl",
        entry: "main",
        unit: "cell",
        a_turn: (1, &["ROWS", "COLUMNS"]),
    },
    Source { name: "global_trace", file: "shaders/global.wgsl", entry: "trace", unit: "step", a_turn: (1, &[]) },
    Source { name: "local", file: "shaders/local.wgsl", entry: "main", unit: "cell", a_turn: (1, &["TALL", "COLUMNS"]) },
    // A turn makes a word.
    Source { name: "windows", file: "shaders/windows.wgsl", entry: "main", unit: "base", a_turn: (8, &[]) },
    Source {
        name: "extend_packed",
        file: "shaders/extend_packed.wgsl",
        entry: "main",
        unit: "cell",
        a_turn: (2, &["TALL", "COLUMNS"]),
    },
];

/// A shader to count.
pub struct Kernel {
    /// The name in the report.
    pub name: String,
    /// Its entry point.
    pub entry: &'static str,
    /// Its WGSL, the loops written out.
    pub wgsl: String,
    /// What a turn of the hottest loop makes.
    pub unit: &'static str,
    /// How many of them.
    pub units_a_turn: u32,
    /// Whether bounds and loops are checked, as they are unless the host vouches for them.
    pub checked: bool,
}

/// Every entry point, checked and unchecked.
///
/// # Errors
///
/// Also if a file of `shaders/` has an entry point that would not be counted.
pub fn all() -> Outcome<Vec<Kernel>> {
    let missing = uncounted(&Path::new(ROOT).join("shaders"), &SOURCES)?;
    if !missing.is_empty() {
        return Err(format!("not in the table of src/kernels.rs: {}", missing.join(", ")).into());
    }
    let mut kernels = Vec::new();
    for source in &SOURCES {
        let text = std::fs::read_to_string(Path::new(ROOT).join(source.file))?;
        let (number, constants) = source.a_turn;
        let mut units_a_turn = number;
        for name in constants {
            units_a_turn *= constant(&text, name)?;
        }
        for checked in [true, false] {
            let suffix = if checked { "checked" } else { "unchecked" };
            let name = format!("{}-{suffix}", source.name);
            let (entry, unit, wgsl) = (source.entry, source.unit, unroll(&text)?);
            kernels.push(Kernel { name, entry, wgsl, unit, units_a_turn, checked });
        }
    }
    Ok(kernels)
}

/// The entry points of a folder's shaders that `sources` lacks, as `FILE ENTRY`.
fn uncounted(folder: &Path, sources: &[Source]) -> Outcome<Vec<String>> {
    let mut missing = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let path = file?.path();
        let file = format!("shaders/{}", path.file_name().unwrap_or_default().to_string_lossy());
        let text = std::fs::read_to_string(&path)?;
        let module = naga::front::wgsl::parse_str(&text).map_err(|e| e.emit_to_string(&text))?;
        let entries = module.entry_points.iter().map(|entry| entry.name.as_str());
        let lacks = entries.filter(|entry| !sources.iter().any(|s| s.file == file && s.entry == *entry));
        missing.extend(lacks.map(|entry| format!("{file} {entry}")));
    }
    missing.sort();
    Ok(missing)
}

/// The value of `const NAME = 30u;` in a shader.
fn constant(wgsl: &str, name: &str) -> Outcome<u32> {
    let start = format!("const {name} = ");
    let value = wgsl.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix("u;"));
    Ok(value.ok_or_else(|| format!("no constant {name}"))?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_entry_point_is_named() {
        let folder = Path::new(ROOT).join("shaders");
        assert!(uncounted(&folder, &SOURCES).unwrap().is_empty());
        let fewer = SOURCES.into_iter().filter(|source| !["local", "global_trace"].contains(&source.name));
        let fewer: Vec<Source> = fewer.collect();
        assert_eq!(uncounted(&folder, &fewer).unwrap(), ["shaders/global.wgsl trace", "shaders/local.wgsl main"]);
    }
}
