//! The dialect of seglo's kafka-lag-exporter.
//!
//! Names, labels and types are those of Kafka Lag Exporter, so that its dashboards run unedited.
//! `cluster_name` is `limpid.cluster.name`.
//!
//! Unlike there lag in seconds is not interpolated between polls: it is the age of the first unread
//! record by its arrival at the broker, whether it arrived a second ago or a week. What is not known is
//! absent instead of NaN, and a partition that nobody reads has its offsets too.

use std::collections::HashMap;
use std::sync::Arc;

use limpid_cluster::{ClusterSource, Group, Lag, Member};
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use super::{GroupName, ShownGroup, ShownGroups};

/// Declared maxima. State is not interned: they are what the catalogue says, not a limit here.
type Cluster = Text<1>;
type TopicName = Text<100_000>;
type PartitionIndex = Number<1_000_000>;
type MemberWord = Text<50_000>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Offset after the last record of the partition that consumers may read.
        LATEST: gauge { cluster_name: Cluster, topic: TopicName, partition: PartitionIndex }
            = "kafka_partition_latest_offset";
        /// First offset of the partition that can be read.
        EARLIEST: gauge { cluster_name: Cluster, topic: TopicName, partition: PartitionIndex }
            = "kafka_partition_earliest_offset";
        /// Offset that the group committed in the partition.
        OFFSET: gauge {
            cluster_name: Cluster, group: GroupName, topic: TopicName, partition: PartitionIndex,
            member_host: MemberWord, consumer_id: MemberWord, client_id: MemberWord
        } = "kafka_consumergroup_group_offset";
        /// Records of the partition that the group has not read yet.
        LAG: gauge {
            cluster_name: Cluster, group: GroupName, topic: TopicName, partition: PartitionIndex,
            member_host: MemberWord, consumer_id: MemberWord, client_id: MemberWord
        } = "kafka_consumergroup_group_lag";
        /// Age of the first record of the partition that the group has not read yet, by its arrival.
        LAG_SECONDS: float_gauge {
            cluster_name: Cluster, group: GroupName, topic: TopicName, partition: PartitionIndex,
            member_host: MemberWord, consumer_id: MemberWord, client_id: MemberWord
        } = "kafka_consumergroup_group_lag_seconds";
        /// Unread records of the partition where the group has most.
        MAX_LAG: gauge { cluster_name: Cluster, group: GroupName }
            = "kafka_consumergroup_group_max_lag";
        /// Age of the oldest record that the group has not read yet, by its arrival.
        MAX_LAG_SECONDS: float_gauge { cluster_name: Cluster, group: GroupName }
            = "kafka_consumergroup_group_max_lag_seconds";
        /// Records that the group has not read yet.
        SUM_LAG: gauge { cluster_name: Cluster, group: GroupName }
            = "kafka_consumergroup_group_sum_lag";
        /// Records of the topic that the group has not read yet.
        TOPIC_SUM_LAG: gauge { cluster_name: Cluster, group: GroupName, topic: TopicName }
            = "kafka_consumergroup_group_topic_sum_lag";
    }
}

/// See the module.
pub struct LagExporter {
    source: Arc<dyn ClusterSource>,
}

impl LagExporter {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        LagExporter { source }
    }
}

impl Collector for LagExporter {
    fn name(&self) -> &'static str {
        "kafka_lag_exporter"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        let cluster = self.source.name();
        for topic in &snapshot.topics {
            for p in &topic.partitions {
                if p.leader.is_some() && snapshot.speaks_for(p.leader) {
                    let labels = [cluster, &topic.name, &p.index.to_string()];
                    out.family(&families::LATEST).add(&labels, p.high_watermark);
                    out.family(&families::EARLIEST)
                        .add(&labels, p.log_start_offset);
                }
            }
        }
        let shown = ShownGroups::of(&snapshot);
        out.family(&families::SUM_LAG)
            .leave_out(shown.groups_left_out);
        for d in [&families::OFFSET, &families::LAG, &families::LAG_SECONDS] {
            out.family(d).leave_out(shown.partitions_left_out);
        }
        for shown in &shown.groups {
            add_group(out, cluster, shown.group);
            add_partitions(out, cluster, shown);
        }
        Ok(())
    }
}

/// The sums and maxima; none for a group whose lag is known nowhere.
fn add_group(out: &mut Samples, cluster: &str, group: &Group) {
    let labels = [cluster, group.id.as_str()];
    let lags = || group.partitions().filter_map(|(_, p)| p.lag);
    if let Some(max) = lags().map(|lag: Lag| lag.records).max() {
        out.family(&families::MAX_LAG).add(&labels, max);
        out.family(&families::SUM_LAG)
            .add(&labels, group.lag_records());
    }
    if let Some(seconds) = group.lag_seconds() {
        out.family(&families::MAX_LAG_SECONDS).add(&labels, seconds);
    }
}

fn add_partitions(out: &mut Samples, cluster: &str, shown: &ShownGroup<'_>) {
    let group = shown.group;
    let members = group.members.iter();
    let members: HashMap<&str, &Member> = members.map(|m| (m.id.as_str(), m)).collect();
    for topic in group.topics.iter().filter(|_| shown.with_partitions) {
        let mut sum = None;
        for p in &topic.partitions {
            let owner = p.owner.as_deref().and_then(|id| members.get(id));
            // Java prints an address with a slash before it, and so did the exporter.
            let host = owner.map_or_else(String::new, |m| format!("/{}", m.host));
            let labels = [
                cluster,
                &group.id,
                &topic.name,
                &p.partition.to_string(),
                &host,
                owner.map_or("", |m| m.id.as_str()),
                owner.map_or("", |m| m.client_id.as_str()),
            ];
            if let Some(committed) = &p.committed {
                out.family(&families::OFFSET).add(&labels, committed.offset);
            }
            let Some(lag) = p.lag else { continue };
            out.family(&families::LAG).add(&labels, lag.records);
            if let Some(seconds) = lag.seconds {
                out.family(&families::LAG_SECONDS).add(&labels, seconds);
            }
            *sum.get_or_insert(0) += lag.records;
        }
        if let Some(sum) = sum {
            let labels = [cluster, group.id.as_str(), topic.name.as_str()];
            out.family(&families::TOPIC_SUM_LAG).add(&labels, sum);
        }
    }
}

#[cfg(test)]
mod tests;
