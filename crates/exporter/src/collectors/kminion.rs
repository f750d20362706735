//! KMinion's dialect.
//!
//! Names, labels and types are those of redpanda-data/kminion with its default settings (granularity
//! of partitions, `cleanup.policy` as the only setting of a topic), so that its dashboards run
//! unedited. `…_offset_commits_total`, which KMinion has only when it reads the topic of offsets,
//! is always there.
//!
//! Unlike there a lag begins at the start of the log, where retention was faster than the group: what
//! is gone is not unread. Members of KIP-848 groups are counted too. What KMinion measures by probes
//! of its own (`kminion_end_to_end_*`) is not here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use limpid_cluster::{
    Broker, ClusterSnapshot, ClusterSource, Group, GroupKind, GroupState, GroupTopic, Partition,
    Topic,
};
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use super::{GroupName, ShownGroups};

/// Declared maxima. State is not interned: they are what the catalogue says, not a limit here.
type TopicName = Text<100_000>;
type PartitionIndex = Number<1_000_000>;
type BrokerId = Number<10_000>;
type Words = Text<10_000>;

/// The Kafka release whose protocol is spoken. KMinion guesses it from the versions of the APIs.
const CLUSTER_VERSION: &str = "v4.3";
/// Where commits are kept.
const OFFSETS_TOPIC: &str = "__consumer_offsets";

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// 1, with the version of Limpid: there is no exporter that could be down.
        UP: gauge { version: Words } = "kminion_exporter_up";
        /// Records written to the topic of committed offsets since the broker started.
        OFFSET_RECORDS: counter = "kminion_exporter_offset_consumer_records_consumed_total";
        /// 1, with the cluster's id, its version, its controller and the number of its brokers.
        CLUSTER_INFO: gauge {
            cluster_version: Words, broker_count: Words, controller_id: BrokerId, cluster_id: Words
        } = "kminion_kafka_cluster_info";
        /// 1 per broker, with its id, its advertised address and its rack.
        BROKER_INFO: gauge {
            broker_id: BrokerId, address: Words, port: Words, rack_id: Words, is_controller: Words
        } = "kminion_kafka_broker_info";
        /// Bytes of all partitions in the broker's log directories.
        BROKER_SIZE: gauge { broker_id: BrokerId, address: Words, port: Words, rack_id: Words }
            = "kminion_kafka_broker_log_dir_size_total_bytes";
        /// Bytes of the topic's partitions on disk, replicas included.
        TOPIC_SIZE: gauge { topic_name: TopicName } = "kminion_kafka_topic_log_dir_size_total_bytes";
        /// 1 per topic, with its number of partitions and replicas and its cleanup.policy.
        TOPIC_INFO: gauge {
            topic_name: TopicName, partition_count: Words, replication_factor: Words,
            cleanup_policy: Words
        } = "kminion_kafka_topic_info";
        /// First offset of the partition that can be read.
        LOW: gauge { topic_name: TopicName, partition_id: PartitionIndex }
            = "kminion_kafka_topic_partition_low_water_mark";
        /// First offsets of all partitions of the topic, added up.
        LOW_SUM: gauge { topic_name: TopicName } = "kminion_kafka_topic_low_water_mark_sum";
        /// Offset after the last record of the partition that consumers may read.
        HIGH: gauge { topic_name: TopicName, partition_id: PartitionIndex }
            = "kminion_kafka_topic_partition_high_water_mark";
        /// High watermarks of all partitions of the topic, added up.
        HIGH_SUM: gauge { topic_name: TopicName } = "kminion_kafka_topic_high_water_mark_sum";
        /// 1 if the group is stable, 0 if not, with its protocol, its state and its coordinator.
        GROUP_INFO: gauge {
            group_id: GroupName, protocol: Words, protocol_type: Words, state: Words,
            coordinator_id: BrokerId
        } = "kminion_kafka_consumer_group_info";
        /// Members of the group.
        MEMBERS: gauge { group_id: GroupName } = "kminion_kafka_consumer_group_members";
        /// Members of the group that own no partition; absent when there are none.
        EMPTY_MEMBERS: gauge { group_id: GroupName } = "kminion_kafka_consumer_group_empty_members";
        /// Members of the group that own partitions of the topic.
        TOPIC_MEMBERS: gauge { group_id: GroupName, topic_name: TopicName }
            = "kminion_kafka_consumer_group_topic_members";
        /// Partitions of the topic that members of the group own.
        ASSIGNED: gauge { group_id: GroupName, topic_name: TopicName }
            = "kminion_kafka_consumer_group_topic_assigned_partitions";
        /// Offsets that the group committed in all partitions of the topic, added up.
        OFFSET_SUM: gauge { group_id: GroupName, topic_name: TopicName }
            = "kminion_kafka_consumer_group_topic_offset_sum";
        /// Records of the partition that the group has not read yet.
        PARTITION_LAG: gauge {
            group_id: GroupName, topic_name: TopicName, partition_id: PartitionIndex
        } = "kminion_kafka_consumer_group_topic_partition_lag";
        /// Records of the topic that the group has not read yet.
        TOPIC_LAG: gauge { group_id: GroupName, topic_name: TopicName }
            = "kminion_kafka_consumer_group_topic_lag";
        /// Offsets that the group committed, counted per partition.
        COMMITS: counter { group_id: GroupName } = "kminion_kafka_consumer_group_offset_commits_total";
    }
}

/// See the module.
pub struct Kminion {
    source: Arc<dyn ClusterSource>,
}

impl Kminion {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        Kminion { source }
    }
}

impl Collector for Kminion {
    fn name(&self) -> &'static str {
        "kminion"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        out.family(&families::UP)
            .add(&[env!("CARGO_PKG_VERSION")], 1);
        if let Some(topic) = snapshot.topic(OFFSETS_TOPIC) {
            let records = topic.traffic.messages_in;
            out.family(&families::OFFSET_RECORDS).add(&[], records);
        }
        if snapshot.speaks_for(snapshot.controller_id) {
            add_cluster(out, &snapshot);
        }
        for broker in snapshot.brokers.iter().filter(|b| !b.fenced) {
            if snapshot.speaks_for(Some(broker.id)) {
                add_broker_size(out, &snapshot, broker);
            }
        }
        for topic in &snapshot.topics {
            add_marks(out, &snapshot, topic);
        }
        let shown = ShownGroups::of(&snapshot);
        for d in [&families::GROUP_INFO, &families::MEMBERS] {
            out.family(d).leave_out(shown.groups_left_out);
        }
        let lags = out.family(&families::PARTITION_LAG);
        lags.leave_out(shown.partitions_left_out);
        for shown in shown.groups {
            // Whom DescribeGroups does not know KMinion does not see either.
            if shown.group.kind != GroupKind::Share {
                add_group(out, shown.group);
                let topics = shown.group.topics.iter();
                for topic in topics.filter(|_| shown.with_partitions) {
                    add_lags(out, shown.group, topic);
                }
            }
        }
        Ok(())
    }
}

/// What one broker tells for all.
fn add_cluster(out: &mut Samples, snapshot: &ClusterSnapshot) {
    let controller = snapshot.controller_id.unwrap_or(-1);
    let up: Vec<&Broker> = snapshot.brokers.iter().filter(|b| !b.fenced).collect();
    let labels = [
        CLUSTER_VERSION,
        &up.len().to_string(),
        &controller.to_string(),
        &snapshot.cluster_id,
    ];
    out.family(&families::CLUSTER_INFO).add(&labels, 1);
    for broker in up {
        let is_controller = (broker.id == controller).to_string();
        let (id, port) = (broker.id.to_string(), broker.port.to_string());
        let rack = broker.rack.as_deref().unwrap_or_default();
        let labels = [&id, broker.host.as_str(), &port, rack, &is_controller];
        out.family(&families::BROKER_INFO).add(&labels, 1);
    }
    for topic in &snapshot.topics {
        let first = topic.partitions.first();
        let replicas = first.map_or(-1, |p| p.replicas.len() as i64);
        let labels = [
            topic.name.as_str(),
            &topic.partitions.len().to_string(),
            &replicas.to_string(),
            match topic.cleanup_policy.as_str() {
                "" => "N/A",
                policy => policy,
            },
        ];
        out.family(&families::TOPIC_INFO).add(&labels, 1);
    }
}

/// A broker knows the size of its own replicas; who speaks for all has them from the leaders.
fn add_broker_size(out: &mut Samples, snapshot: &ClusterSnapshot, broker: &Broker) {
    let partitions = snapshot.topics.iter().flat_map(|t| &t.partitions);
    let held = partitions.filter(|p| p.leader == Some(broker.id));
    let (id, port) = (broker.id.to_string(), broker.port.to_string());
    let rack = broker.rack.as_deref().unwrap_or_default();
    let labels = [&id, broker.host.as_str(), &port, rack];
    let bytes: u64 = held.map(|p| p.size_bytes).sum();
    out.family(&families::BROKER_SIZE).add(&labels, bytes);
}

/// Sums are of the partitions that this broker leads; there are none while one is offline.
fn add_marks(out: &mut Samples, snapshot: &ClusterSnapshot, topic: &Topic) {
    let name = topic.name.as_str();
    let of_ours = |p: &&Partition| p.leader.is_some() && snapshot.speaks_for(p.leader);
    let (mut low, mut high, mut bytes) = (0, 0, 0);
    let mut index = String::new();
    for p in topic.partitions.iter().filter(of_ours) {
        number(&mut index, p.index);
        let labels = [name, index.as_str()];
        out.family(&families::LOW).add(&labels, p.log_start_offset);
        out.family(&families::HIGH).add(&labels, p.high_watermark);
        low += p.log_start_offset;
        high += p.high_watermark;
        bytes += p.size_bytes;
    }
    if !topic.partitions.iter().any(|p| of_ours(&p)) {
        return;
    }
    out.family(&families::TOPIC_SIZE).add(&[name], bytes);
    if topic.partitions.iter().all(|p| p.leader.is_some()) {
        out.family(&families::LOW_SUM).add(&[name], low);
        out.family(&families::HIGH_SUM).add(&[name], high);
    }
}

fn number(text: &mut String, number: i32) {
    text.clear();
    write!(text, "{number}").expect("writing to a string");
}

fn add_group(out: &mut Samples, group: &Group) {
    let id = group.id.as_str();
    let stable = group.state == GroupState::Stable;
    let labels = [
        id,
        group.protocol.as_deref().unwrap_or_default(),
        &group.protocol_type,
        group.state.as_str(),
        &group.coordinator.to_string(),
    ];
    out.family(&families::GROUP_INFO).add(&labels, stable);
    out.family(&families::MEMBERS)
        .add(&[id], group.members.len());
    let commits = group.activity.commits;
    out.family(&families::COMMITS).add(&[id], commits);
    let empty = group.members.iter().filter(|m| m.assignment.is_empty());
    let empty = empty.count();
    if empty > 0 {
        out.family(&families::EMPTY_MEMBERS).add(&[id], empty);
    }
    let mut topics: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for (topic, partitions) in group.members.iter().flat_map(|m| &m.assignment) {
        let (members, assigned) = topics.entry(topic).or_default();
        *members += 1;
        *assigned += partitions.len();
    }
    for (topic, (members, assigned)) in topics {
        let labels = [id, topic];
        out.family(&families::TOPIC_MEMBERS).add(&labels, members);
        out.family(&families::ASSIGNED).add(&labels, assigned);
    }
}

fn add_lags(out: &mut Samples, group: &Group, topic: &GroupTopic) {
    let mut index = String::new();
    let mut sums = None;
    for p in &topic.partitions {
        let (Some(committed), Some(lag)) = (&p.committed, &p.lag) else {
            continue;
        };
        number(&mut index, p.partition);
        let labels = [group.id.as_str(), topic.name.as_str(), &index];
        let lags = out.family(&families::PARTITION_LAG);
        lags.add(&labels, lag.records);
        let (lag_sum, offset_sum) = sums.get_or_insert((0, 0));
        *lag_sum += lag.records;
        *offset_sum += committed.offset;
    }
    if let Some((lag, offset)) = sums {
        let labels = [group.id.as_str(), topic.name.as_str()];
        out.family(&families::TOPIC_LAG).add(&labels, lag);
        out.family(&families::OFFSET_SUM).add(&labels, offset);
    }
}

#[cfg(test)]
mod tests;
