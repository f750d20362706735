//! kafka_exporter's dialect.
//!
//! Names, labels and types are those of danielqsj/kafka_exporter, so that its dashboards (such as
//! Grafana's 7589) and alert rules run unedited. Like there, what only a leader can say (leader id,
//! offsets) is absent while a partition has none, and a fenced broker is not counted.
//!
//! Unlike there lag is never negative, and where nothing was committed there is no sample instead
//! of a −1, which made sums wrong.

use std::sync::Arc;

use limpid_cluster::{Broker, ClusterSnapshot, ClusterSource, Partition};
use limpid_telemetry::collect::Block;
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use super::{GroupName, ShownGroups};
use crate::numbers::push_whole;

/// Declared maxima. State is not interned: they are what the catalogue says, not a limit here.
type TopicName = Text<100_000>;
type PartitionIndex = Number<1_000_000>;
type BrokerId = Number<10_000>;
type Address = Text<10_000>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Brokers that are up in the cluster.
        BROKERS: gauge = "kafka_brokers";
        /// 1 per broker, with its id and its advertised address.
        BROKER_INFO: gauge { id: BrokerId, address: Address } = "kafka_broker_info";
        /// Partitions of the topic.
        PARTITIONS: gauge { topic: TopicName } = "kafka_topic_partitions";
        /// Offset after the last record of the partition that consumers may read.
        CURRENT_OFFSET: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_topic_partition_current_offset";
        /// First offset of the partition that can be read.
        OLDEST_OFFSET: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_topic_partition_oldest_offset";
        /// Replicas of the partition that are in sync.
        IN_SYNC_REPLICA: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_topic_partition_in_sync_replica";
        /// Id of the broker that leads the partition.
        LEADER: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_topic_partition_leader";
        /// 1 if the partition is led by its preferred broker.
        LEADER_IS_PREFERRED: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_topic_partition_leader_is_preferred";
        /// Replicas assigned to the partition.
        REPLICAS: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_topic_partition_replicas";
        /// 1 if fewer replicas of the partition are in sync than assigned.
        UNDER_REPLICATED: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_topic_partition_under_replicated_partition";
        /// Offset that the group committed in the partition.
        GROUP_OFFSET: gauge { consumergroup: GroupName, topic: TopicName, partition: PartitionIndex }
            = "kafka_consumergroup_current_offset";
        /// Offsets that the group committed in all partitions of the topic, added up.
        GROUP_OFFSET_SUM: gauge { consumergroup: GroupName, topic: TopicName }
            = "kafka_consumergroup_current_offset_sum";
        /// Records of the partition that the group has not read yet.
        GROUP_LAG: gauge { consumergroup: GroupName, topic: TopicName, partition: PartitionIndex }
            = "kafka_consumergroup_lag";
        /// Records of the topic that the group has not read yet.
        GROUP_LAG_SUM: gauge { consumergroup: GroupName, topic: TopicName }
            = "kafka_consumergroup_lag_sum";
        /// Members of the group.
        GROUP_MEMBERS: gauge { consumergroup: GroupName } = "kafka_consumergroup_members";
    }
}

/// See the module.
pub struct KafkaExporter {
    source: Arc<dyn ClusterSource>,
}

impl KafkaExporter {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        KafkaExporter { source }
    }
}

impl Collector for KafkaExporter {
    fn name(&self) -> &'static str {
        "kafka_exporter"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        if snapshot.speaks_for(snapshot.controller_id) {
            add_cluster(out, &snapshot);
        }
        let (mut index, mut labels) = (String::new(), Block::of(&families::LEADER));
        for topic in &snapshot.topics {
            let of_ours = |p: &&Partition| snapshot.speaks_for(p.leader);
            labels.thing(&[&topic.name]);
            for partition in topic.partitions.iter().filter(of_ours) {
                index.clear();
                push_whole(partition.index.into(), &mut index);
                labels.part(&index);
                add_partition(out, &labels, partition);
            }
        }
        add_groups(out, &snapshot);
        Ok(())
    }
}

/// What one broker tells for all.
fn add_cluster(out: &mut Samples, snapshot: &ClusterSnapshot) {
    let up: Vec<&Broker> = snapshot.brokers.iter().filter(|b| !b.fenced).collect();
    out.family(&families::BROKERS).add(&[], up.len());
    for broker in up {
        let id = broker.id.to_string();
        // An IPv6 address in an address:port goes in brackets.
        let bracketed = broker.host.contains(':') && !broker.host.starts_with('[');
        let (open, close) = if bracketed { ("[", "]") } else { ("", "") };
        let address = format!("{open}{}{close}:{}", broker.host, broker.port);
        out.family(&families::BROKER_INFO).add(&[&id, &address], 1);
    }
    let partitions = out.family(&families::PARTITIONS);
    for topic in &snapshot.topics {
        partitions.add(&[&topic.name], topic.partitions.len());
    }
}

fn add_groups(out: &mut Samples, snapshot: &ClusterSnapshot) {
    let shown = ShownGroups::of(snapshot);
    let members = out.family(&families::GROUP_MEMBERS);
    members.leave_out(shown.groups_left_out);
    for d in [&families::GROUP_OFFSET, &families::GROUP_LAG] {
        out.family(d).leave_out(shown.partitions_left_out);
    }
    let (mut index, mut labels) = (String::new(), Block::of(&families::GROUP_LAG));
    for shown in shown.groups {
        let group = shown.group;
        let members = out.family(&families::GROUP_MEMBERS);
        members.add(&[&group.id], group.members.len());
        for topic in group.topics.iter().filter(|_| shown.with_partitions) {
            let (mut offsets, mut lags) = (None, None);
            labels.thing(&[&group.id, &topic.name]);
            for p in &topic.partitions {
                index.clear();
                push_whole(p.partition.into(), &mut index);
                labels.part(&index);
                if let Some(committed) = &p.committed {
                    let family = out.family(&families::GROUP_OFFSET);
                    family.add_like(&labels, committed.offset);
                    *offsets.get_or_insert(0) += committed.offset;
                }
                if let Some(lag) = &p.lag {
                    let family = out.family(&families::GROUP_LAG);
                    family.add_like(&labels, lag.records);
                    *lags.get_or_insert(0) += lag.records;
                }
            }
            let labels = [group.id.as_str(), topic.name.as_str()];
            if let Some(sum) = offsets {
                out.family(&families::GROUP_OFFSET_SUM).add(&labels, sum);
            }
            if let Some(sum) = lags {
                out.family(&families::GROUP_LAG_SUM).add(&labels, sum);
            }
        }
    }
}

fn add_partition(out: &mut Samples, labels: &Block, p: &Partition) {
    if let Some(leader) = p.leader {
        out.family(&families::LEADER).add_like(labels, leader);
        out.family(&families::CURRENT_OFFSET)
            .add_like(labels, p.high_watermark);
        out.family(&families::OLDEST_OFFSET)
            .add_like(labels, p.log_start_offset);
    }
    out.family(&families::REPLICAS)
        .add_like(labels, p.replicas.len());
    out.family(&families::IN_SYNC_REPLICA)
        .add_like(labels, p.isr.len());
    out.family(&families::LEADER_IS_PREFERRED)
        .add_like(labels, p.leader_is_preferred());
    out.family(&families::UNDER_REPLICATED)
        .add_like(labels, p.under_replicated());
}

#[cfg(test)]
mod tests;
