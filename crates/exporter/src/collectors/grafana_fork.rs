//! What Grafana's fork of kafka_exporter (Alloy's `prometheus.exporter.kafka`) names otherwise than
//! kafka_exporter. Its other families are kafka_exporter's: whoever scrapes like the fork asks for both.
//!
//! `kafka_consumer_lag_millis` is not interpolated: it is the age of the first unread record by its
//! arrival at the broker.

use std::sync::Arc;

use limpid_cluster::ClusterSource;
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use super::{GroupName, ShownGroups};

/// Declared maxima. State is not interned: they are what the catalogue says, not a limit here.
type TopicName = Text<100_000>;
type PartitionIndex = Number<1_000_000>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Records of the partition that the group has not read yet.
        UNCOMMITTED: gauge { consumergroup: GroupName, topic: TopicName, partition: PartitionIndex }
            = "kafka_consumergroup_uncommitted_offsets";
        /// Records of the topic that the group has not read yet.
        UNCOMMITTED_SUM: gauge { consumergroup: GroupName, topic: TopicName }
            = "kafka_consumergroup_uncommitted_offsets_sum";
        /// Age in milliseconds of the first record that the group has not read yet, by its arrival.
        LAG_MILLIS: float_gauge { consumergroup: GroupName, topic: TopicName, partition: PartitionIndex }
            = "kafka_consumer_lag_millis";
    }
}

/// See the module.
pub struct GrafanaFork {
    source: Arc<dyn ClusterSource>,
}

impl GrafanaFork {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        GrafanaFork { source }
    }
}

impl Collector for GrafanaFork {
    fn name(&self) -> &'static str {
        "grafana_fork"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        let shown = ShownGroups::of(&snapshot);
        for d in [&families::UNCOMMITTED, &families::LAG_MILLIS] {
            out.family(d).leave_out(shown.partitions_left_out);
        }
        for shown in shown.groups.iter().filter(|shown| shown.with_partitions) {
            let group = shown.group.id.as_str();
            for topic in &shown.group.topics {
                let mut sum = None;
                for p in &topic.partitions {
                    let Some(lag) = p.lag else { continue };
                    let labels = [group, &topic.name, &p.partition.to_string()];
                    out.family(&families::UNCOMMITTED).add(&labels, lag.records);
                    if let Some(seconds) = lag.seconds {
                        let millis = (seconds * 1_000.0).round();
                        out.family(&families::LAG_MILLIS).add(&labels, millis);
                    }
                    *sum.get_or_insert(0) += lag.records;
                }
                if let Some(sum) = sum {
                    let labels = [group, topic.name.as_str()];
                    out.family(&families::UNCOMMITTED_SUM).add(&labels, sum);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
