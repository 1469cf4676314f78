//! What the machine is, in words.

use std::fs::read_to_string;

/// The machine that a comparison ran on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Model name of the CPU.
    pub cpu: String,
    /// Logical cores that this process may use.
    pub cores: usize,
    /// Memory in bytes; 0 if not known.
    pub memory_bytes: u64,
    /// Operating system and architecture.
    pub system: String,
}

impl Machine {
    /// This machine. What it doesn't tell (it is asked as Linux is) is "unknown".
    pub fn this() -> Self {
        let file = |path: &str| read_to_string(path).unwrap_or_default();
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        let kibibytes = value(&file("/proc/meminfo"), "MemTotal", ':').and_then(|text| {
            let digits = text.trim_end_matches("kB").trim();
            digits.parse::<u64>().ok()
        });
        let name = or_unknown(value(&file("/etc/os-release"), "PRETTY_NAME", '='));
        Self {
            cpu: or_unknown(value(&file("/proc/cpuinfo"), "model name", ':')),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: kibibytes.unwrap_or(0) * 1024,
            system: format!("{name}, {}", std::env::consts::ARCH),
        }
    }
}

/// The value of the first line `key SEPARATOR value`, without quotes.
fn value(text: &str, key: &str, separator: char) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once(separator))
        .find(|(name, _)| name.trim() == key)
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}
