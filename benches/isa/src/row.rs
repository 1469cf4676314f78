//! A line of the report.

use std::fmt;

/// What was counted of one entry point on one family.
#[derive(Debug, Clone)]
pub struct Row {
    /// The shader, and whether it is checked.
    pub name: String,
    /// What instructions are counted by: cell, step or base.
    pub unit: &'static str,
    /// Vector instructions a unit.
    pub vector: f64,
    /// All instructions a unit.
    pub all: f64,
    /// Vector registers of an invocation.
    pub vector_registers: u64,
    /// Scalar registers of a wave.
    pub scalar_registers: u64,
    /// Registers that went to memory.
    pub spills: u64,
    /// Waves that fit on a SIMD at a time.
    pub waves: u64,
}

/// The line above all rows, behind the family's 8 characters.
pub fn header() -> String {
    let words = ["shader", "by", "VALU", "all", "VGPRs", "SGPRs", "spills", "waves"];
    let [shader, unit, vector, all, vgprs, sgprs, spills, waves] = words;
    format!("{shader:<28} {unit:<4} {vector:>8} {all:>8} {vgprs:>6} {sgprs:>6} {spills:>6} {waves:>6}")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<28} {:<4} {:>8.2} {:>8.2}", self.name, self.unit, self.vector, self.all)?;
        let (vgprs, sgprs) = (self.vector_registers, self.scalar_registers);
        write!(f, " {vgprs:>6} {sgprs:>6} {:>6} {:>6}", self.spills, self.waves)
    }
}
