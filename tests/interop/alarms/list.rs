//! Which alert fires in which test.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

use super::watch::Watch;

const LIST: &str = include_str!("alerts.tsv");
const TESTS: [&str; 4] = ["faults", "machine", "larger", "walls"];

/// Every alert is listed with a test, and those listed for this one have fired.
pub fn check(test: &str, watch: &Watch) -> Result<()> {
    let mut listed = BTreeMap::new();
    for line in LIST.lines().filter(|line| !line.starts_with('#')) {
        let (alert, place) = line.split_once('\t').with_context(|| line.to_owned())?;
        ensure!(TESTS.contains(&place), "{alert} fires in no test: {place}");
        let before = listed.insert(alert, place);
        ensure!(before.is_none(), "{alert} is listed twice");
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
    for (alert, place) in listed {
        let did = place != test || fired.contains(alert);
        ensure!(did, "{alert} did not fire");
    }
    Ok(())
}
