//! Burrow's dialect: its own families, and those of burrow_exporter.
//!
//! The states are Burrow's, by its rules ([`limpid_cluster::burrow`]); `cluster` is
//! `limpid.cluster.name`. As in Burrow a partition has a state and an offset here only when its window of
//! ten commits is full.

use std::collections::BTreeMap;
use std::sync::Arc;

use limpid_cluster::ClusterSnapshot;
use limpid_cluster::burrow::Status;
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use super::{GroupName, ShownGroups};
use crate::burrow::{GroupReport, History};

/// Declared maxima. State is not interned: they are what the catalogue says, not a limit here.
type Cluster = Text<1>;
type TopicName = Text<100_000>;
type PartitionIndex = Number<1_000_000>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Records that the group has not read yet.
        LAG_TOTAL: gauge { cluster: Cluster, consumer_group: GroupName }
            = "burrow_kafka_consumer_lag_total";
        /// What the group does by Burrow's rules: 1 OK, 2 WARN, 3 ERR.
        STATUS: gauge { cluster: Cluster, consumer_group: GroupName }
            = "burrow_kafka_consumer_status";
        /// Records of the partition that the group has not read yet.
        PARTITION_LAG: gauge {
            cluster: Cluster, consumer_group: GroupName, topic: TopicName, partition: PartitionIndex
        } = "burrow_kafka_consumer_partition_lag";
        /// Offset that the group committed in the partition.
        CURRENT_OFFSET: gauge {
            cluster: Cluster, consumer_group: GroupName, topic: TopicName, partition: PartitionIndex
        } = "burrow_kafka_consumer_current_offset";
        /// What the group does in the partition by Burrow's rules: 1 OK, 2 WARN, 4 STOP, 5 STALL, 6 REWIND.
        PARTITION_STATUS: gauge {
            cluster: Cluster, consumer_group: GroupName, topic: TopicName, partition: PartitionIndex
        } = "burrow_kafka_topic_partition_status";
        /// Offset after the last record of the partition that consumers may read.
        TOPIC_OFFSET: gauge { cluster: Cluster, topic: TopicName, partition: PartitionIndex }
            = "burrow_kafka_topic_partition_offset";
        /// Offset that the group committed in the partition.
        EXPORTER_OFFSET: gauge {
            cluster: Cluster, group: GroupName, topic: TopicName, partition: PartitionIndex
        } = "kafka_burrow_partition_current_offset";
        /// Offset after the last record of the partition that consumers may read.
        EXPORTER_TOPIC_OFFSET: gauge {
            cluster: Cluster, topic: TopicName, partition: PartitionIndex
        } = "kafka_burrow_topic_partition_offset";
        /// Sum of the offsets after the last records of the topic's partitions.
        EXPORTER_TOPIC_SUM: gauge { cluster: Cluster, topic: TopicName } = "kafka_burrow_topic_offset";
        /// Records that the group has not read yet.
        EXPORTER_TOTAL_LAG: gauge { cluster: Cluster, group: GroupName } = "kafka_burrow_total_lag";
        /// Records of the topic that the group has not read yet.
        EXPORTER_TOPIC_LAG: gauge { cluster: Cluster, group: GroupName, topic: TopicName }
            = "kafka_burrow_topic_lag";
        /// Records of the partition that the group has not read yet.
        EXPORTER_LAG: gauge {
            cluster: Cluster, group: GroupName, topic: TopicName, partition: PartitionIndex
        } = "kafka_burrow_partition_lag";
        /// Offset after the last record of a partition that the group reads.
        EXPORTER_MAX_OFFSET: gauge {
            cluster: Cluster, group: GroupName, topic: TopicName, partition: PartitionIndex
        } = "kafka_burrow_partition_max_offset";
        /// What the group does by Burrow's rules, in the numbers of burrow_exporter: 2 OK, 3 WARN, 4 ERR.
        EXPORTER_STATUS: gauge { cluster: Cluster, group: GroupName } = "kafka_burrow_status";
        /// What the group does in the partition by Burrow's rules, in the numbers of burrow_exporter: 2 OK,
        /// 3 WARN, 5 STOP, 6 STALL, 7 REWIND.
        EXPORTER_PARTITION_STATUS: gauge {
            cluster: Cluster, group: GroupName, topic: TopicName, partition: PartitionIndex
        } = "kafka_burrow_partition_status";
    }
}

/// See the module.
pub struct Burrow {
    history: Arc<History>,
}

impl Burrow {
    /// Of these groups.
    pub(crate) fn new(history: Arc<History>) -> Self {
        Burrow { history }
    }
}

impl Collector for Burrow {
    fn name(&self) -> &'static str {
        "burrow"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let source = self.history.source();
        let snapshot = super::snapshot(source, out)?;
        let cluster = source.name();
        add_topics(out, cluster, &snapshot);
        let shown = ShownGroups::of(&snapshot);
        out.family(&families::STATUS)
            .leave_out(shown.groups_left_out);
        out.family(&families::PARTITION_LAG)
            .leave_out(shown.partitions_left_out);
        for shown in shown.groups {
            if let Some(report) = self.history.report(&snapshot, &shown.group.id) {
                add_group(out, cluster, &report, shown.with_partitions);
                add_for_exporter(out, (cluster, &snapshot), &report, shown.with_partitions);
            }
        }
        Ok(())
    }
}

fn add_topics(out: &mut Samples, cluster: &str, snapshot: &ClusterSnapshot) {
    for topic in &snapshot.topics {
        let mut sum = None;
        for p in &topic.partitions {
            if p.leader.is_some() && snapshot.speaks_for(p.leader) {
                let labels = [cluster, &topic.name, &p.index.to_string()];
                for d in [&families::TOPIC_OFFSET, &families::EXPORTER_TOPIC_OFFSET] {
                    out.family(d).add(&labels, p.high_watermark);
                }
                *sum.get_or_insert(0) += p.high_watermark;
            }
        }
        if let Some(sum) = sum {
            let labels = [cluster, &*topic.name];
            out.family(&families::EXPORTER_TOPIC_SUM).add(&labels, sum);
        }
    }
}

fn add_group(out: &mut Samples, cluster: &str, report: &GroupReport, with_partitions: bool) {
    let labels = [cluster, report.group.as_str()];
    let status = i64::from(report.status as u8);
    out.family(&families::LAG_TOTAL)
        .add(&labels, report.totallag);
    out.family(&families::STATUS).add(&labels, status);
    for p in report.partitions.iter().filter(|_| with_partitions) {
        let index = p.partition.to_string();
        let labels = [cluster, &report.group, &p.topic, &index];
        out.family(&families::PARTITION_LAG)
            .add(&labels, p.current_lag);
        let Some(end) = &p.end else { continue };
        if p.complete >= 1.0 {
            let status = i64::from(p.status as u8);
            out.family(&families::CURRENT_OFFSET)
                .add(&labels, end.offset);
            out.family(&families::PARTITION_STATUS).add(&labels, status);
        }
    }
}

/// The same under the names of burrow_exporter, which tells of every partition with a commit.
fn add_for_exporter(
    out: &mut Samples,
    (cluster, snapshot): (&str, &ClusterSnapshot),
    report: &GroupReport,
    with_partitions: bool,
) {
    let labels = [cluster, report.group.as_str()];
    out.family(&families::EXPORTER_TOTAL_LAG)
        .add(&labels, report.totallag);
    out.family(&families::EXPORTER_STATUS)
        .add(&labels, exporters(report.status));
    let mut by_topic = BTreeMap::<&str, u64>::new();
    for p in report.partitions.iter().filter(|p| p.end.is_some()) {
        *by_topic.entry(&p.topic).or_default() += p.current_lag;
    }
    for (topic, lag) in by_topic {
        out.family(&families::EXPORTER_TOPIC_LAG)
            .add(&[cluster, &report.group, topic], lag);
    }
    for p in report.partitions.iter().filter(|_| with_partitions) {
        let Some(end) = &p.end else { continue };
        let index = p.partition.to_string();
        let labels = [cluster, &report.group, &p.topic, &index];
        out.family(&families::EXPORTER_OFFSET)
            .add(&labels, end.offset);
        out.family(&families::EXPORTER_LAG)
            .add(&labels, p.current_lag);
        out.family(&families::EXPORTER_PARTITION_STATUS)
            .add(&labels, exporters(p.status));
        let topic = snapshot.topic(&p.topic);
        let known = topic.and_then(|t| t.partitions.iter().find(|of| of.index == p.partition));
        if let Some(known) = known {
            out.family(&families::EXPORTER_MAX_OFFSET)
                .add(&labels, known.high_watermark);
        }
    }
}

/// burrow_exporter counts the states from 1.
fn exporters(status: Status) -> i64 {
    i64::from(status as u8) + 1
}

#[cfg(test)]
mod tests;
