//! Which alerts fire in which test, and which in none.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use limpid_interop::http::query;

use super::watch::Watch;

const LIST: &str = include_str!("alerts.tsv");

/// Every alert is listed; those listed for this test have fired; those
/// listed without a test have not.
pub fn check(test: &str, watch: &Watch) -> Result<()> {
    let mut listed = BTreeMap::new();
    for line in LIST.lines().filter(|line| !line.starts_with('#')) {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().with_context(|| line.to_owned());
        let (alert, place) = (cell()?, cell()?);
        let reason = cell().unwrap_or_default();
        ensure!(place != "-" || !reason.is_empty(), "no reason for {alert}");
        ensure!(
            listed.insert(alert, (place, reason)).is_none(),
            "{alert} is listed twice"
        );
    }
    let alerts = watch.alerts()?;
    let known: BTreeSet<&str> = alerts.iter().map(|(name, _)| name.as_str()).collect();
    let names: BTreeSet<&str> = listed.keys().copied().collect();
    ensure!(
        known == names,
        "not both loaded and listed: {:?}",
        known.symmetric_difference(&names)
    );
    let fired = watch.fired();
    for (alert, (place, reason)) in listed {
        ensure!(
            place != test || fired.contains(alert),
            "{alert} did not fire"
        );
        if place == "-" {
            let ever = format!(
                "count_over_time(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}[1h])"
            );
            let fires = !query(&watch.address, &ever)?.is_empty();
            ensure!(!fires, "{alert} fires, though it is listed as: {reason}");
        }
    }
    Ok(())
}
