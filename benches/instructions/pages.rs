//! A scrape in each dialect, of a cluster that nobody runs.

use anyhow::{Result, ensure};
use limpid_exporter::synthetic::{Size, Synthetic};
use limpid_exporter::{DIALECTS, Exporter, Format};
use limpid_telemetry::Registry;

use crate::{Rounds, case_ends, measured};

/// The cluster of all these cases.
const SIZE: Size = Size {
    topics: 40,
    partitions: 400,
    groups: 20,
    partitions_per_group: 20,
};
const NOW_MS: i64 = 1_700_000_000_000;

/// Runs all cases of pages.
pub fn run(rounds: Rounds) -> Result<()> {
    let own: &[&str] = &[];
    render("scrape", own, Format::Text, rounds)?;
    render("scrape OpenMetrics", own, Format::OpenMetrics, rounds)?;
    for dialect in DIALECTS {
        render(
            &format!("scrape {dialect}"),
            &[*dialect],
            Format::Text,
            rounds,
        )?;
    }
    Ok(())
}

fn render(name: &str, dialects: &[&str], format: Format, rounds: Rounds) -> Result<()> {
    let exporter = Exporter::new(Registry::new())?;
    exporter.add_cluster_with(Synthetic::new(SIZE, NOW_MS), dialects)?;
    for round in 0..rounds.warm + rounds.counted {
        let mut page = String::new();
        let mut work = || page = exporter.render(format);
        match round < rounds.warm {
            true => work(),
            false => measured(&mut work),
        }
        ensure!(!page.is_empty(), "nothing in {name}");
    }
    case_ends(name, rounds.counted);
    Ok(())
}
