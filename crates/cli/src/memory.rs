//! How much memory sorting may have.

use std::path::Path;

/// The most that is taken unasked, in bytes.
const MOST: u64 = 8 << 30;
/// What is taken where the machine's memory is not known.
const UNKNOWN: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// A value of `--max-mem` in bytes: MiB, or with K, M or G behind it KiB, MiB or GiB; 1 MiB at least.
///
/// # Errors
///
/// It is none; the message says what was expected.
pub fn parse(text: &str) -> Result<usize, String> {
    let (digits, unit) = match text.to_ascii_uppercase().strip_suffix(['K', 'M', 'G']) {
        Some(_) => text.split_at(text.len() - 1),
        None => (text, "M"),
    };
    let unit = match unit.to_ascii_uppercase().as_str() {
        "K" => 1 << 10,
        "M" => MIB,
        _ => 1 << 30,
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    let bytes = bytes.filter(|bytes| *bytes >= MIB).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.ok_or_else(|| "expected MiB, or a number with K, M or G, of 1 MiB at least".into())
}

/// A quarter of the machine's memory, or of what its control group may use, in bytes: from 64 MiB to 8 GiB.
pub fn default_bytes() -> usize {
    let limits = [machine_bytes(), group_bytes()].into_iter().flatten().min();
    limits.map_or(UNKNOWN, |bytes| (bytes / 4).clamp(64 * MIB, MOST)) as usize
}

/// Linux tells it in kB.
fn machine_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1 << 10)
}

/// The least limit of the process's control group (version 2) and of those that it is in.
fn group_bytes() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let folder = root.join(own);
    let folders = folder.ancestors().take_while(|folder| folder.starts_with(root));
    let limit = |folder: &Path| std::fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok();
    folders.filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_mib_unless_they_have_a_unit() {
        let expected = [("1", 1 << 20), ("1024K", 1 << 20), ("300m", 300 << 20), ("2G", 2 << 30)];
        for (text, bytes) in expected {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in
            ["", "0", "K", "1023K", "-1", "1.5G", "1T", "99999999999999999999", "18446744073709551615G", "\u{e9}"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_default_is_within_its_bounds() {
        let bytes = default_bytes() as u64;
        assert!((64 * MIB..=MOST).contains(&bytes), "{bytes}");
    }
}
