//! Consumer groups: how far behind they are, and what they do about it.
//!
//! A partition without a commit has no lag, a lag in seconds that is not known is absent, and a
//! group that stopped stays for as long as it has offsets.

use std::sync::Arc;

use limpid_cluster::findings;
use limpid_cluster::{ClusterSnapshot, ClusterSource, Group, GroupPartition};
use limpid_telemetry::collect::Block;
use limpid_telemetry::{CollectError, Collector, Declaration, Number, Samples, Text};

use super::{GROUP_PARTITIONS_MAX, GroupName, ShownGroups};
use crate::numbers::push_whole;

/// Declared maxima: a page has at most so many partitions of groups, whatever their topics.
type TopicName = Text<GROUP_PARTITIONS_MAX>;
type PartitionIndex = Number<GROUP_PARTITIONS_MAX>;
type CauseName = Text<{ findings::Cause::ALL.len() }>;

limpid_telemetry::families! {
    /// Families of the collector.
    pub mod families {
        /// Records of the partition that the group has not read yet.
        LAG_RECORDS: gauge { group: GroupName, topic: TopicName, partition: PartitionIndex }
            = "limpid_group_lag_records";
        /// Age of the first record that the group has not read yet, by its arrival at the broker; 0 when it has read all.
        LAG_SECONDS: float_gauge { group: GroupName, topic: TopicName, partition: PartitionIndex }
            = "limpid_group_lag_seconds";
        /// Age of the first record that the group has not read yet, by the record's own timestamp; 0 when it has read all.
        EVENT_LAG_SECONDS: float_gauge { group: GroupName, topic: TopicName, partition: PartitionIndex }
            = "limpid_group_event_lag_seconds";
        /// What the group does: 0 ok, 1 rebalancing, 2 members never committed, 3 stalled, 4 stopped with unread records.
        STATUS: gauge { group: GroupName } = "limpid_group_status";
        /// Members of the group.
        MEMBERS: gauge { group: GroupName } = "limpid_group_members";
        /// Partitions with records that a member owns and that never saw a commit.
        UNCOMMITTED: gauge { group: GroupName } = "limpid_group_uncommitted_partitions";
        /// Time until the first of the group's offsets expires if it stays without members.
        EXPIRE: float_gauge { group: GroupName } = "limpid_group_offsets_expire_seconds";
        /// Time until the group has read all, at the speed of the last minute: that of its partition that needs longest. 0 while it keeps up; absent when a partition gets no nearer to its end, or nothing is known.
        ETA: float_gauge { group: GroupName } = "limpid_group_eta_seconds";
        /// Time until retention deletes records of the topic that the group has not read; absent when it does not come nearer.
        OVERTAKES: float_gauge { group: GroupName, topic: TopicName } = "limpid_group_retention_overtakes_seconds";
        /// Why the group lags: 1 for each cause that is found, absent otherwise.
        FINDING: gauge { group: GroupName, cause: CauseName } = "limpid_group_finding";
        /// 1 for a topic that no member of the group is assigned to and that it has not committed for a day.
        STALE: gauge { group: GroupName, topic: TopicName } = "limpid_group_stale";
        /// Partitions of groups that are watched over time, for speeds, countdowns and causes.
        WATCHED: gauge = "limpid_group_watched_partitions";
        /// Most partitions of groups that are watched over time.
        WATCHED_MAX: gauge = "limpid_group_watched_partitions_max";
    }
}

/// See the module.
pub struct Groups {
    source: Arc<dyn ClusterSource>,
}

impl Groups {
    /// For this cluster.
    pub fn new(source: Arc<dyn ClusterSource>) -> Self {
        Groups { source }
    }
}

impl Collector for Groups {
    fn name(&self) -> &'static str {
        "groups"
    }

    fn families(&self) -> &'static [&'static Declaration] {
        families::ALL
    }

    fn collect(&self, out: &mut Samples) -> Result<(), CollectError> {
        let snapshot = super::snapshot(&self.source, out)?;
        let shown = ShownGroups::of(&snapshot);
        add_watched(out, &snapshot);
        for d in [&families::STATUS, &families::MEMBERS, &families::FINDING] {
            out.family(d).leave_out(shown.groups_left_out);
        }
        for d in [&families::LAG_RECORDS, &families::LAG_SECONDS] {
            out.family(d).leave_out(shown.partitions_left_out);
        }
        let (mut index, mut labels) = (String::new(), Block::of(&families::LAG_RECORDS));
        for shown in shown.groups {
            let group = shown.group;
            add_group(out, group, snapshot.taken_at_ms);
            if shown.with_partitions {
                add_topics(out, group);
            }
            for topic in group.topics.iter().filter(|_| shown.with_partitions) {
                labels.thing(&[&group.id, &topic.name]);
                for partition in &topic.partitions {
                    index.clear();
                    push_whole(partition.partition.into(), &mut index);
                    labels.part(&index);
                    add_partition(out, &labels, partition);
                }
            }
        }
        Ok(())
    }
}

fn add_group(out: &mut Samples, group: &Group, now_ms: i64) {
    let labels = [group.id.as_str()];
    // The position in `GroupStatus::ALL`.
    let status = group.status as usize;
    out.family(&families::STATUS).add(&labels, status);
    let members = group.members.len();
    out.family(&families::MEMBERS).add(&labels, members);
    let uncommitted = group.uncommitted_partitions();
    out.family(&families::UNCOMMITTED).add(&labels, uncommitted);
    if let Some(at_ms) = group.offsets_expire_at_ms {
        let seconds = at_ms.saturating_sub(now_ms).max(0) as f64 / 1_000.0;
        out.family(&families::EXPIRE).add(&labels, seconds);
    }
    if let Some(seconds) = group.lately.eta_seconds {
        out.family(&families::ETA).add(&labels, seconds);
    }
    for cause in findings::causes(group, now_ms) {
        let labels = [group.id.as_str(), cause.as_str()];
        out.family(&families::FINDING).add(&labels, 1_usize);
    }
}

fn add_topics(out: &mut Samples, group: &Group) {
    for overtaken in &group.lately.overtaken {
        let labels = [group.id.as_str(), overtaken.topic.as_str()];
        let family = out.family(&families::OVERTAKES);
        family.add(&labels, overtaken.seconds);
    }
    for topic in &group.lately.stale_topics {
        let labels = [group.id.as_str(), topic.as_str()];
        out.family(&families::STALE).add(&labels, 1_usize);
    }
}

fn add_watched(out: &mut Samples, snapshot: &ClusterSnapshot) {
    let watched = snapshot.watched;
    let family = out.family(&families::WATCHED);
    family.leave_out(usize::try_from(watched.left_out).unwrap_or(usize::MAX));
    family.add(&[], watched.now);
    out.family(&families::WATCHED_MAX).add(&[], watched.max);
}

fn add_partition(out: &mut Samples, labels: &Block, partition: &GroupPartition) {
    let Some(lag) = &partition.lag else {
        return;
    };
    let records = out.family(&families::LAG_RECORDS);
    records.add_like(labels, lag.records);
    if let Some(seconds) = lag.seconds {
        out.family(&families::LAG_SECONDS).add_like(labels, seconds);
    }
    if let Some(seconds) = lag.event_seconds {
        let event = out.family(&families::EVENT_LAG_SECONDS);
        event.add_like(labels, seconds);
    }
}

#[cfg(test)]
mod tests;
