//! The core of the names that dashboards know, as a Prometheus has them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use limpid_interop::counted::{Counted, GROUP, TOPIC};
use limpid_interop::http::query;
use limpid_interop::process::wait_for;

use super::node::{DELETED, Node};
use super::watch::Watch;

const LIST: &str = include_str!("families.tsv");
const LIMIT: Duration = Duration::from_secs(60);
/// What Prometheus adds.
const OF_THE_JOB: [&str; 4] = ["__name__", "cluster", "instance", "job"];
/// Kafka's windowed mean and maximum, which are no numbers while nothing is in the window: the node has
/// loaded no partition lately.
const NO_NUMBER: [&str; 2] = [
    "kafka_server_transaction_coordinator_metrics_partition_load_time_avg",
    "kafka_server_transaction_coordinator_metrics_partition_load_time_max",
];
/// Lag in records of one group, by everybody's name.
const LAGS: [&str; 7] = [
    "sum(kafka_consumergroup_lag{consumergroup=\"GROUP\"})",
    "sum(kafka_consumergroup_lag_sum{consumergroup=\"GROUP\"})",
    "sum(kminion_kafka_consumer_group_topic_lag{group_id=\"GROUP\"})",
    "sum(kafka_consumergroup_group_lag{group=\"GROUP\"})",
    "sum(kafka_consumergroup_group_max_lag{group=\"GROUP\"})",
    "sum(kafka_consumer_group_lag_ratio{group=\"GROUP\"})",
    "sum(limpid_group_lag_records{group=\"GROUP\"})",
];
/// Records of one topic, by everybody's name.
const RECORDS: [&str; 6] = [
    "sum(kafka_server_brokertopicmetrics_messagesin_total{topic=\"TOPIC\"})",
    "sum(kafka_server_brokertopicmetrics_messagesinpersec{topic=\"TOPIC\"})",
    "sum(kafka_log_log_logendoffset{topic=\"TOPIC\"})",
    "sum(kafka_topic_partition_current_offset{topic=\"TOPIC\"})",
    "sum(kafka_partition_latest_offset{topic=\"TOPIC\"})",
    "sum(kminion_kafka_topic_high_water_mark_sum{topic_name=\"TOPIC\"})",
];

/// Every family of the list has its type, its labels and a value, or is listed with the reason why not.
pub fn are_right(watch: &Watch) -> Result<()> {
    let kinds = watch.kinds()?;
    let mut wrong: Vec<String> = Vec::new();
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    ensure!(lines.clone().count() > 137, "the list is too short");
    for line in lines {
        let mut cells = line.split('\t');
        let mut cell = || cells.next().with_context(|| line.to_owned());
        let (name, kind, labels) = (cell()?, cell()?, cell()?);
        let series = query(&watch.address, name)?;
        if kind == "-" {
            if !series.is_empty() {
                wrong.push(format!("{name} has series, though {labels}"));
            }
            continue;
        }
        let kind = match kind.strip_suffix('?') {
            Some(_) if series.is_empty() => continue,
            Some(kind) => kind,
            None => kind,
        };
        // In OpenMetrics a counter's family is named without the suffix.
        let short = name.strip_suffix("_total").unwrap_or(name);
        let told = [name, short].map(|name| &kinds[name][0]["type"]);
        if told.iter().all(|told| **told != kind) {
            wrong.push(format!("{name} is {told:?}, not {kind}"));
        }
        let objects = series.iter().filter_map(|(labels, _)| labels.as_object());
        let found: BTreeSet<&str> = objects.flatten().map(|(label, _)| label.as_str()).collect();
        let found: BTreeSet<&str> = found
            .into_iter()
            .filter(|l| !OF_THE_JOB.contains(l))
            .collect();
        let wanted: BTreeSet<&str> = labels
            .split(',')
            .filter(|label| !label.is_empty())
            .collect();
        if series.is_empty() || found != wanted {
            wrong.push(format!(
                "{name} has {} series with {found:?}, not {wanted:?}",
                series.len()
            ));
        }
        // Percentiles of nothing are no numbers.
        let has_none = series.iter().all(|(_, value)| !value.is_finite());
        if has_none && !NO_NUMBER.contains(&name) {
            wrong.push(format!("{name} has no value"));
        }
    }
    ensure!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// Known records and a known lag are the same number under every name, and what is gone is gone.
pub fn values_are_right(watch: &Watch, node: &Node) -> Result<()> {
    let mut counted = Counted::create(&node.address())?;
    counted.write(500)?;
    counted.commit(120)?;
    let names = RECORDS.map(|name| (name.replace("TOPIC", TOPIC), 500.0));
    let lags = LAGS.map(|name| (name.replace("GROUP", GROUP), 380.0));
    for (name, wanted) in names.iter().chain(&lags) {
        wait_for(&format!("{wanted} in {name}"), LIMIT, || {
            let samples = query(&watch.address, name)?;
            Ok((samples.len() == 1 && samples[0].1 == *wanted).then_some(()))
        })
        .with_context(|| format!("{:?}", query(&watch.address, name)))?;
    }
    counted.remove()?;
    let gone = format!("{{topic=\"{DELETED}\"}}");
    wait_for("the deleted topic's series end", LIMIT, || {
        Ok(query(&watch.address, &gone)?.is_empty().then_some(()))
    })
    .with_context(|| format!("{:?}", query(&watch.address, &gone)))
}
