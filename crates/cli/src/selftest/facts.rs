//! What a report says of the program and the machine.

use std::time::{SystemTime, UNIX_EPOCH};

use svala_compute::{AdapterReport, SimdLevel};
use svala_io::FileDigest;

use crate::args::all_threads;
use crate::error::{Error, Result};
use crate::version;

/// Gathers it.
///
/// # Errors
///
/// The program can't read its own file.
pub fn gather(adapters: &[AdapterReport]) -> Result<Vec<(&'static str, String)>> {
    let program = std::env::current_exe().map_err(|source| Error::File { path: "svala".into(), source })?;
    let digest = FileDigest::of_file(&program)?;
    let levels: Vec<String> = SimdLevel::available().iter().map(ToString::to_string).collect();
    let mut facts = vec![
        ("version", version::LONG.lines().next().unwrap_or_default().to_owned()),
        ("built in", version::LONG.lines().skip(1).collect::<Vec<_>>().join("; ")),
        ("SHA-256 of the program", digest.hex()),
        ("bytes of the program", digest.bytes.to_string()),
        ("system", format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH)),
        ("machine", host().unwrap_or_else(|| "unknown".to_owned())),
        ("date", date(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))),
        ("threads of the machine", all_threads().to_string()),
        ("CPU levels", levels.join(", ")),
        ("CPU level chosen", SimdLevel::detect().to_string()),
    ];
    facts.extend(adapters.iter().map(|adapter| ("adapter", described(adapter))));
    if adapters.is_empty() {
        facts.push(("adapter", "none".to_owned()));
    }
    Ok(facts)
}

fn described(adapter: &AdapterReport) -> String {
    let kind = if adapter.software { "software" } else { "hardware" };
    let usable = adapter.usable.as_ref().map_or_else(|why| format!("not usable: {why}"), |()| "usable".to_owned());
    format!("{} ({}, {kind}, driver {}): {usable}", adapter.name, adapter.api, adapter.driver)
}

/// The machine's name, where Linux tells it.
fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Seconds since 1970 as ISO 8601 in UTC. Years are counted from March, so that the day that some have more is the last one
/// (H. Hinnant, chrono-compatible low-level date algorithms).
fn date(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As GNU date says.
    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(date(seconds), expected);
        }
    }
}
