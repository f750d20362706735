//! The names that Strimzi's rules for jmx_exporter (1.x) give to Kafka's MBeans: what is read from
//! the cluster's snapshot. The times of requests are in `strimzi_requests`.
//!
//! Topic traffic has a series per topic and, as in JMX, one without the label for all topics
//! together, topics that are gone included: a sum over both counts twice, so Strimzi's dashboards
//! ask for `topic!=""`.

use std::fmt::Write as _;
use std::sync::Arc;

use limpid_cluster::{
    ClusterSnapshot, ClusterSource, GroupState, Partition as PartitionFacts, Traffic,
};
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

/// Declared maxima: state is not interned.
type TopicName = Text<100_000>;
type PartitionIndex = Number<1_000_000>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Bytes appended by producers; without a topic, those of all topics together.
        BYTES_IN: counter { topic: TopicName } = "kafka_server_brokertopicmetrics_bytesin_total";
        /// Bytes sent to consumers; without a topic, those of all topics together.
        BYTES_OUT: counter { topic: TopicName } = "kafka_server_brokertopicmetrics_bytesout_total";
        /// Records appended by producers; without a topic, those of all topics together.
        MESSAGES_IN: counter { topic: TopicName } = "kafka_server_brokertopicmetrics_messagesin_total";
        /// Produce requests; without a topic, those to all topics together.
        PRODUCE: counter { topic: TopicName }
            = "kafka_server_brokertopicmetrics_totalproducerequests_total";
        /// Fetch requests; without a topic, those to all topics together.
        FETCH: counter { topic: TopicName }
            = "kafka_server_brokertopicmetrics_totalfetchrequests_total";
        /// Produce requests that failed; without a topic, those to all topics together.
        FAILED_PRODUCE: counter { topic: TopicName }
            = "kafka_server_brokertopicmetrics_failedproducerequests_total";
        /// Fetch requests that failed; without a topic, those to all topics together.
        FAILED_FETCH: counter { topic: TopicName }
            = "kafka_server_brokertopicmetrics_failedfetchrequests_total";
        /// Bytes of the partition on disk.
        LOG_SIZE: gauge { topic: TopicName, partition: PartitionIndex } = "kafka_log_log_size";
        /// First offset of the partition that can be read.
        LOG_START: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_log_log_logstartoffset";
        /// Offset after the last record of the partition.
        LOG_END: gauge { topic: TopicName, partition: PartitionIndex }
            = "kafka_log_log_logendoffset";
        /// Partitions that this broker leads.
        LEADERS: gauge = "kafka_server_replicamanager_leadercount";
        /// Partitions of which this broker has a replica.
        PARTITIONS: gauge = "kafka_server_replicamanager_partitioncount";
        /// Partitions led by this broker of which fewer replicas are in sync than assigned.
        UNDER_REPLICATED: gauge = "kafka_server_replicamanager_underreplicatedpartitions";
        /// Groups that this broker coordinates.
        GROUPS: gauge = "kafka_coordinator_group_groupmetadatamanager_numgroups";
        /// Groups whose members are being asked to join again.
        GROUPS_PREPARING: gauge
            = "kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance";
        /// Groups that wait for the assignment of their leader.
        GROUPS_COMPLETING: gauge
            = "kafka_coordinator_group_groupmetadatamanager_numgroupscompletingrebalance";
        /// Groups whose members have their assignment.
        GROUPS_STABLE: gauge = "kafka_coordinator_group_groupmetadatamanager_numgroupsstable";
        /// Groups without members that have offsets.
        GROUPS_EMPTY: gauge = "kafka_coordinator_group_groupmetadatamanager_numgroupsempty";
        /// Groups that are going away.
        GROUPS_DEAD: gauge = "kafka_coordinator_group_groupmetadatamanager_numgroupsdead";
    }
}

/// See the module.
pub struct Strimzi {
    source: Arc<dyn ClusterSource>,
}

impl Strimzi {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        Strimzi { source }
    }
}

impl Collector for Strimzi {
    fn name(&self) -> &'static str {
        "strimzi"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        add_traffic(out, "", &snapshot.traffic);
        let mut index = String::new();
        for topic in &snapshot.topics {
            add_traffic(out, &topic.name, &topic.traffic);
            for partition in &topic.partitions {
                // The leader's log is the one that a snapshot knows.
                if partition.leader.is_some() && snapshot.speaks_for(partition.leader) {
                    index.clear();
                    write!(index, "{}", partition.index).expect("writing to a string");
                    add_log(out, [&topic.name, &index], partition);
                }
            }
        }
        add_replicas(out, &snapshot);
        add_group_states(out, &snapshot);
        Ok(())
    }
}

fn add_traffic(out: &mut Samples, topic: &str, traffic: &Traffic) {
    for (family, count) in [
        (&families::BYTES_IN, traffic.bytes_in),
        (&families::BYTES_OUT, traffic.bytes_out),
        (&families::MESSAGES_IN, traffic.messages_in),
        (&families::PRODUCE, traffic.produce_requests),
        (&families::FETCH, traffic.fetch_requests),
        (&families::FAILED_PRODUCE, traffic.failed_produce_requests),
        (&families::FAILED_FETCH, traffic.failed_fetch_requests),
    ] {
        out.family(family).add(&[topic], count);
    }
}

fn add_log(out: &mut Samples, labels: [&str; 2], p: &PartitionFacts) {
    out.family(&families::LOG_SIZE).add(&labels, p.size_bytes);
    let start = out.family(&families::LOG_START);
    start.add(&labels, p.log_start_offset);
    out.family(&families::LOG_END)
        .add(&labels, p.high_watermark);
}

fn add_replicas(out: &mut Samples, snapshot: &ClusterSnapshot) {
    let all = || snapshot.topics.iter().flat_map(|topic| &topic.partitions);
    let leads = |p: &&PartitionFacts| p.leader.is_some() && snapshot.speaks_for(p.leader);
    let has = |p: &&PartitionFacts| snapshot.node_id.is_none_or(|id| p.replicas.contains(&id));
    out.family(&families::LEADERS)
        .add(&[], all().filter(leads).count());
    out.family(&families::PARTITIONS)
        .add(&[], all().filter(has).count());
    let under_replicated = all().filter(leads).filter(|p| p.under_replicated());
    out.family(&families::UNDER_REPLICATED)
        .add(&[], under_replicated.count());
}

fn add_group_states(out: &mut Samples, snapshot: &ClusterSnapshot) {
    let all = snapshot.groups.iter();
    let ours = || {
        all.clone()
            .filter(|g| snapshot.speaks_for(Some(g.coordinator)))
    };
    out.family(&families::GROUPS).add(&[], ours().count());
    for state in GroupState::ALL {
        let family = match state {
            GroupState::Empty => &families::GROUPS_EMPTY,
            GroupState::PreparingRebalance => &families::GROUPS_PREPARING,
            GroupState::CompletingRebalance => &families::GROUPS_COMPLETING,
            // These names are older than consumer groups (KIP-848).
            GroupState::Assigning | GroupState::Reconciling => continue,
            GroupState::Stable => &families::GROUPS_STABLE,
            GroupState::Dead => &families::GROUPS_DEAD,
        };
        let count = ours().filter(|g| g.state == state).count();
        out.family(family).add(&[], count);
    }
}

#[cfg(test)]
mod tests;
