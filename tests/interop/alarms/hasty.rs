//! The rules made impatient: what takes minutes in production has to be seen here. The windows of the
//! burn rates keep their order, so that an alert of two of them ends with the shorter, while the longer
//! still knows of the fault.

use anyhow::{Result, ensure};

/// Ranges, and what they become. Those of ten minutes stay: they begin to tell at once.
const RANGES: [(&str, &str); 10] = [
    ("[15m:1m]", "[10s:1s]"),
    ("[5m]", "[15s]"),
    ("[30m]", "[20s]"),
    ("[1h]", "[30s]"),
    ("[6h]", "[40s]"),
    ("[3d]", "[60s]"),
    ("[3h]", "[20s]"),
    ("[15m]", "[20s]"),
    ("[1w]", "[5m]"),
    ("offset 1h", "offset 15s"),
];
/// Thresholds, and what they become.
const THRESHOLDS: [(&str, &str); 8] = [
    // Seconds and records of lag.
    (
        "(limpid_group_lag_seconds) > 300",
        "(limpid_group_lag_seconds) > 5",
    ),
    (
        "(limpid_group_lag_records) > 1000",
        "(limpid_group_lag_records) > 50",
    ),
    // Seconds of a disk, a cleaner and a ticker that hang, milliseconds of metadata not followed.
    (
        "(limpid_log_unflushed_seconds) > 30",
        "(limpid_log_unflushed_seconds) > 4",
    ),
    (
        "(limpid_log_compaction_overdue_seconds) > 3600",
        "(limpid_log_compaction_overdue_seconds) > 5",
    ),
    (
        "(limpid_snapshot_age_seconds) > 60",
        "(limpid_snapshot_age_seconds) > 5",
    ),
    (
        "lastappliedrecordlagms) > 30000",
        "lastappliedrecordlagms) > 3000",
    ),
    (
        "last_applied_record_lag_ms) > 30000",
        "last_applied_record_lag_ms) > 3000",
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
