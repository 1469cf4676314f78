//! Loops in the assembly that RADV's compiler, ACO, prints.

/// Instructions of a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Those of the vector ALU; a dual-issued pair is one.
    pub vector: usize,
    /// All of them.
    pub all: usize,
}

/// How the disassembler begins a line for an instruction newer than itself: 16-bit moves of RDNA 3, so vector ones.
const UNKNOWN: &str = "(invalid";

/// The loop that holds no other loop and the most vector instructions. A loop is what lies between a label and a branch
/// back to it.
pub fn hottest_loop(assembly: &str) -> Option<Counts> {
    let lines: Vec<&str> = assembly.lines().map(str::trim).collect();
    let loops: Vec<(usize, usize)> = (0..lines.len()).filter_map(|end| Some((target(&lines, end)?, end))).collect();
    let holds = |a: &(usize, usize), b: &(usize, usize)| a != b && a.0 <= b.0 && b.1 <= a.1;
    let innermost = loops.iter().filter(|outer| !loops.iter().any(|inner| holds(outer, inner)));
    innermost.map(|&(start, end)| count(&lines[start..=end])).max_by_key(|counts| counts.vector)
}

/// The line of the label above `at` that the branch on line `at` goes to.
fn target(lines: &[&str], at: usize) -> Option<usize> {
    let (mnemonic, operands) = lines[at].split_once(' ')?;
    if mnemonic != "s_branch" && !mnemonic.starts_with("s_cbranch") {
        return None;
    }
    let label = operands.split_whitespace().next()?;
    lines[..at].iter().position(|line| line.strip_suffix(':') == Some(label))
}

fn count(lines: &[&str]) -> Counts {
    let instructions = lines.iter().filter(|line| {
        let mnemonic = line.split_whitespace().next().unwrap_or("");
        (mnemonic.contains('_') && !mnemonic.ends_with(':')) || mnemonic == UNKNOWN
    });
    let instructions: Vec<_> = instructions.collect();
    let vector = instructions.iter().filter(|line| line.starts_with("v_") || line.starts_with(UNKNOWN)).count();
    Counts { vector, all: instructions.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inner_loop_is_counted() {
        let text = "BB0:\n\tv_mov_b32 v0, 0 ; 7e0\nBB1:\n\ts_nop 0\nBB2:\n\tv_add_u32 v0, v0, 1\n\tv_max_u32 v0, v0, 1\n\
                    \t(invalid instruction) ; 7e38399c\n\tglobal_load_dword v1, v0\n\ts_cbranch_scc1 BB2\n\tv_mov_b32 v0, 0\n\ts_branch BB1\n\ts_endpgm\n";
        assert_eq!(hottest_loop(text), Some(Counts { vector: 3, all: 5 }));
        assert_eq!(hottest_loop("BB0:\n\ts_branch BB1\nBB1:\n\ts_endpgm\n"), None);
    }
}
