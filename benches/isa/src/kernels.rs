//! The shaders, with what the engine gives to them.

use crate::Outcome;
use crate::unroll::unroll;

const EXTEND: &str = include_str!("../../../shaders/extend.wgsl");
const EXTEND_STRIPS: &str = include_str!("../../../shaders/extend_strips.wgsl");
const EXTEND_COOPERATIVE: &str = include_str!("../../../shaders/extend_cooperative.wgsl");
/// Counted only: no engine runs it yet.
const EXTEND_PACKED: &str = include_str!("../prototypes/extend_packed.wgsl");
const GLOBAL: &str = include_str!("../../../shaders/global.wgsl");

/// The work-group size and bwa mem's scores (Li 2013), as the engine's default.
const OVERRIDES: [(&str, f64); 8] = [
    ("WORKGROUP_SIZE", 64.0),
    ("MATCH", 1.0),
    ("MISMATCH", 4.0),
    ("AMBIGUOUS", 1.0),
    ("DELETION_OPEN", 6.0),
    ("DELETION_EXTEND", 1.0),
    ("INSERTION_OPEN", 6.0),
    ("INSERTION_EXTEND", 1.0),
];

/// A shader to count.
pub struct Kernel {
    /// The name in the report.
    pub name: String,
    /// Its WGSL.
    pub wgsl: String,
    /// Override values by name.
    pub overrides: Vec<(&'static str, f64)>,
    /// Bindings of group 0, of which 0 is a uniform and the rest is storage.
    pub bindings: u32,
    /// Matrix cells of one turn of the innermost loop.
    pub cells_a_turn: u32,
    /// Whether bounds and loops are checked, as they are unless the host vouches for them.
    pub checked: bool,
}

/// Every shader, checked and unchecked.
pub fn all() -> Outcome<Vec<Kernel>> {
    let strips = unroll(EXTEND_STRIPS)?;
    let packed = unroll(EXTEND_PACKED)?;
    let packed_cells = 2 * constant(EXTEND_PACKED, "TALL")? * constant(EXTEND_PACKED, "COLUMNS")?;
    let strip_cells = constant(EXTEND_STRIPS, "TALL")? * constant(EXTEND_STRIPS, "COLUMNS")?;
    let cooperative = unroll(EXTEND_COOPERATIVE)?;
    let global = unroll(GLOBAL)?;
    let global_cells = constant(GLOBAL, "ROWS")? * constant(GLOBAL, "COLUMNS")?;
    let shaders = [
        ("extend", EXTEND, 5, 1),
        ("extend_strips", strips.as_str(), 5, strip_cells),
        ("extend_cooperative", cooperative.as_str(), 4, constant(EXTEND_COOPERATIVE, "ROWS")?),
        ("global", global.as_str(), 7, global_cells),
        ("packed_prototype", packed.as_str(), 5, packed_cells),
    ];
    let mut kernels = Vec::new();
    for (name, wgsl, bindings, cells_a_turn) in shaders {
        for checked in [true, false] {
            let suffix = if checked { "checked" } else { "unchecked" };
            kernels.push(Kernel {
                name: format!("{name}-{suffix}"),
                wgsl: wgsl.to_owned(),
                overrides: OVERRIDES.to_vec(),
                bindings,
                cells_a_turn,
                checked,
            });
        }
    }
    Ok(kernels)
}

/// The value of `const NAME = 30u;` in a shader.
fn constant(wgsl: &str, name: &str) -> Outcome<u32> {
    let start = format!("const {name} = ");
    let value = wgsl.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix("u;"));
    Ok(value.ok_or_else(|| format!("no constant {name}"))?.parse()?)
}
