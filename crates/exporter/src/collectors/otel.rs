//! The dialect of OpenTelemetry's kafkametrics receiver, as a Prometheus exporter writes it.
//!
//! A gauge whose unit is "1" gets `_ratio` behind its name there, which offsets and lags have: wrong
//! words, but those that dashboards ask for. `kafka_brokers` and `kafka_topic_partitions` mean the same
//! in kafka_exporter's dialect, and whoever comes first on a page says them.

use std::sync::Arc;

use limpid_cluster::{ClusterSnapshot, ClusterSource, Topic};
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use super::kafka_exporter::families as shared;
use super::{GroupName, ShownGroup, ShownGroups};

/// Declared maxima. State is not interned: they are what the catalogue says, not a limit here.
type TopicName = Text<100_000>;
type PartitionIndex = Number<1_000_000>;

limpid_telemetry::families! {
    /// Families of the collector that are its own.
    pub mod families {
        /// Offset after the last record of the partition that consumers may read.
        CURRENT_OFFSET: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_partition_current_offset_ratio";
        /// First offset of the partition that can be read.
        OLDEST_OFFSET: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_partition_oldest_offset_ratio";
        /// Replicas assigned to the partition.
        REPLICAS: gauge { topic: TopicName, partition: PartitionIndex } = "kafka_partition_replicas";
        /// Replicas of the partition that are in sync.
        IN_SYNC: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_partition_replicas_in_sync";
        /// Members of the group.
        MEMBERS: gauge { group: GroupName } = "kafka_consumer_group_members";
        /// Offset that the group committed in the partition.
        OFFSET: gauge { group: GroupName, topic: TopicName, partition: PartitionIndex }
            = "kafka_consumer_group_offset_ratio";
        /// Offsets that the group committed in all partitions of the topic, added up.
        OFFSET_SUM: gauge { group: GroupName, topic: TopicName }
            = "kafka_consumer_group_offset_sum_ratio";
        /// Records of the partition that the group has not read yet.
        LAG: gauge { group: GroupName, topic: TopicName, partition: PartitionIndex }
            = "kafka_consumer_group_lag_ratio";
        /// Records of the topic that the group has not read yet.
        LAG_SUM: gauge { group: GroupName, topic: TopicName } = "kafka_consumer_group_lag_sum_ratio";
    }
}

/// All families, those shared with kafka_exporter too.
pub static ALL: &[&Declaration] = &[
    &shared::BROKERS,
    &shared::PARTITIONS,
    &families::CURRENT_OFFSET,
    &families::OLDEST_OFFSET,
    &families::REPLICAS,
    &families::IN_SYNC,
    &families::MEMBERS,
    &families::OFFSET,
    &families::OFFSET_SUM,
    &families::LAG,
    &families::LAG_SUM,
];

/// See the module.
pub struct Otel {
    source: Arc<dyn ClusterSource>,
}

impl Otel {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        Otel { source }
    }
}

impl Collector for Otel {
    fn name(&self) -> &'static str {
        "otel"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        if snapshot.speaks_for(snapshot.controller_id) {
            let up = snapshot.brokers.iter().filter(|b| !b.fenced);
            out.family(&shared::BROKERS).add(&[], up.count());
            let partitions = out.family(&shared::PARTITIONS);
            for topic in &snapshot.topics {
                partitions.add(&[&topic.name], topic.partitions.len());
            }
        }
        for topic in &snapshot.topics {
            add_topic(out, &snapshot, topic);
        }
        let shown = ShownGroups::of(&snapshot);
        out.family(&families::MEMBERS)
            .leave_out(shown.groups_left_out);
        for d in [&families::OFFSET, &families::LAG] {
            out.family(d).leave_out(shown.partitions_left_out);
        }
        for shown in &shown.groups {
            add_group(out, shown);
        }
        Ok(())
    }
}

fn add_topic(out: &mut Samples, snapshot: &ClusterSnapshot, topic: &Topic) {
    for p in &topic.partitions {
        if !snapshot.speaks_for(p.leader) {
            continue;
        }
        let labels = [topic.name.as_str(), &p.index.to_string()];
        if p.leader.is_some() {
            let current = out.family(&families::CURRENT_OFFSET);
            current.add(&labels, p.high_watermark);
            let oldest = out.family(&families::OLDEST_OFFSET);
            oldest.add(&labels, p.log_start_offset);
        }
        let replicas = out.family(&families::REPLICAS);
        replicas.add(&labels, p.replicas.len());
        out.family(&families::IN_SYNC).add(&labels, p.isr.len());
    }
}

fn add_group(out: &mut Samples, shown: &ShownGroup<'_>) {
    let group = shown.group;
    let id = group.id.as_str();
    out.family(&families::MEMBERS)
        .add(&[id], group.members.len());
    for topic in group.topics.iter().filter(|_| shown.with_partitions) {
        let (mut offsets, mut lags) = (None, None);
        for p in &topic.partitions {
            let labels = [id, topic.name.as_str(), &p.partition.to_string()];
            if let Some(committed) = &p.committed {
                out.family(&families::OFFSET).add(&labels, committed.offset);
                *offsets.get_or_insert(0) += committed.offset;
            }
            if let Some(lag) = &p.lag {
                out.family(&families::LAG).add(&labels, lag.records);
                *lags.get_or_insert(0) += lag.records;
            }
        }
        let labels = [id, topic.name.as_str()];
        if let Some(sum) = offsets {
            out.family(&families::OFFSET_SUM).add(&labels, sum);
        }
        if let Some(sum) = lags {
            out.family(&families::LAG_SUM).add(&labels, sum);
        }
    }
}

#[cfg(test)]
mod tests;
