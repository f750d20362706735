//! The rules made impatient: what takes minutes in production has to be seen here.

use anyhow::{Result, ensure};

/// Ranges, and what they become. Those of ten minutes stay: they begin to tell at once.
const RANGES: [(&str, &str); 9] = [
    ("[15m:1m]", "[10s:1s]"),
    ("[5m]", "[15s]"),
    ("[30m]", "[20s]"),
    ("[1h]", "[20s]"),
    ("[6h]", "[20s]"),
    ("[3d]", "[20s]"),
    ("[3h]", "[20s]"),
    ("[15m]", "[20s]"),
    ("[1w]", "[5m]"),
];
/// Thresholds, and what they become.
const THRESHOLDS: [(&str, &str); 3] = [
    // Seconds and records of lag.
    (
        "(limpid_group_lag_seconds) > 300",
        "(limpid_group_lag_seconds) > 5",
    ),
    (
        "(limpid_group_lag_records) > 1000",
        "(limpid_group_lag_records) > 50",
    ),
    // A restart lasts longer than that on a busy machine.
    (
        "process_start_time_seconds) < 900",
        "process_start_time_seconds) < 60",
    ),
];

/// The rules without patience.
///
/// # Errors
/// When they have changed so that nothing would be rewritten.
pub fn rules(text: &str) -> Result<String> {
    let mut text = text.to_owned();
    for (from, to) in RANGES.iter().chain(&THRESHOLDS) {
        ensure!(text.contains(from), "no rule has {from}");
        text = text.replace(from, to);
    }
    let waits = |line: &&str| {
        let key = line.trim_start();
        key.starts_with("for: ") || key.starts_with("keep_firing_for: ")
    };
    let lines = text.lines().filter(|line| !waits(line));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}
