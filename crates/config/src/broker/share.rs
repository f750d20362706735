//! Share groups and their coordinator.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Int, List, Short, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "group.share.assignment.interval.ms",
        Int,
        Medium,
        "Shortest time between two assignments of a share group.",
    )
    .default("1000")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "group.share.assignors",
        List,
        Medium,
        "Ways to assign partitions to members of share groups that the broker offers.",
    )
    .default("simple")
    .check(Check::NonEmpty),
    define(
        "group.share.delivery.count.limit",
        Int,
        Medium,
        "How often a record is handed out before it is given up.",
    )
    .default("5")
    .between(2, 10)
    .honoured(),
    define(
        "group.share.heartbeat.interval.ms",
        Int,
        Medium,
        "How often members of a share group report.",
    )
    .default("5000")
    .min(1)
    .honoured(),
    define(
        "group.share.initialize.retry.interval.ms",
        Int,
        Low,
        "Wait before the state of a share partition is set up again after a failure.",
    )
    .default("30000")
    .min(1)
    .internal(),
    define(
        "group.share.max.assignment.interval.ms",
        Int,
        Medium,
        "Largest assignment interval that a share group may ask for.",
    )
    .default("15000")
    .min(0)
    .honoured(),
    define(
        "group.share.max.delivery.count.limit",
        Int,
        Medium,
        "Largest delivery count that a share group may ask for.",
    )
    .default("10")
    .between(5, 25)
    .honoured(),
    define(
        "group.share.max.heartbeat.interval.ms",
        Int,
        Medium,
        "Largest heartbeat interval that a share group may ask for.",
    )
    .default("15000")
    .min(1)
    .honoured(),
    define(
        "group.share.max.partition.max.record.locks",
        Int,
        Medium,
        "Largest limit of locked records that a share group may ask for.",
    )
    .default("4000")
    .between(2_000, 10_000)
    .honoured(),
    define(
        "group.share.max.record.lock.duration.ms",
        Int,
        Medium,
        "Longest lock that a share group may ask for.",
    )
    .default("60000")
    .between(30_000, 3_600_000)
    .honoured(),
    define(
        "group.share.max.session.timeout.ms",
        Int,
        Medium,
        "Largest session timeout that a share group may ask for.",
    )
    .default("60000")
    .min(1)
    .honoured(),
    define(
        "group.share.max.share.sessions",
        Int,
        Medium,
        "Share sessions that a broker remembers.",
    )
    .default("2000")
    .min(1)
    .honoured(),
    define(
        "group.share.max.size",
        Int,
        Medium,
        "Most members of a share group.",
    )
    .default("200")
    .between(1, 1_000)
    .honoured(),
    define(
        "group.share.min.assignment.interval.ms",
        Int,
        Medium,
        "Smallest assignment interval that a share group may ask for.",
    )
    .default("0")
    .min(0)
    .honoured(),
    define(
        "group.share.min.delivery.count.limit",
        Int,
        Medium,
        "Smallest delivery count that a share group may ask for.",
    )
    .default("2")
    .between(2, 5)
    .honoured(),
    define(
        "group.share.min.heartbeat.interval.ms",
        Int,
        Medium,
        "Smallest heartbeat interval that a share group may ask for.",
    )
    .default("5000")
    .min(1)
    .honoured(),
    define(
        "group.share.min.partition.max.record.locks",
        Int,
        Medium,
        "Smallest limit of locked records that a share group may ask for.",
    )
    .default("100")
    .between(100, 2_000)
    .honoured(),
    define(
        "group.share.min.record.lock.duration.ms",
        Int,
        Medium,
        "Shortest lock that a share group may ask for.",
    )
    .default("15000")
    .between(1_000, 30_000)
    .honoured(),
    define(
        "group.share.min.session.timeout.ms",
        Int,
        Medium,
        "Smallest session timeout that a share group may ask for.",
    )
    .default("45000")
    .min(1)
    .honoured(),
    define(
        "group.share.partition.max.record.locks",
        Int,
        Medium,
        "Most records of a share partition that are locked at a time.",
    )
    .default("2000")
    .between(100, 10_000)
    .honoured(),
    define(
        "group.share.persister.class.name",
        String,
        Medium,
        "Java class that keeps the state of share groups; no Java classes run here.",
    )
    .default("org.apache.kafka.server.share.persister.DefaultStatePersister")
    .internal(),
    define(
        "group.share.record.lock.duration.ms",
        Int,
        Medium,
        "How long a record stays locked for the member that got it.",
    )
    .default("30000")
    .between(1_000, 3_600_000)
    .honoured(),
    define(
        "group.share.session.timeout.ms",
        Int,
        Medium,
        "How long a silent member stays in a share group.",
    )
    .default("45000")
    .min(1)
    .honoured(),
    define(
        "share.coordinator.append.linger.ms",
        Int,
        Medium,
        "How long the share coordinator collects writes; -1 adapts it to the load.",
    )
    .default("-1")
    .min(-1),
    define(
        "share.coordinator.cached.buffer.max.bytes",
        Int,
        Medium,
        "Largest write buffer that the share coordinator keeps for reuse.",
    )
    .default("1048588")
    .min(524_288)
    .cluster_wide(),
    define(
        "share.coordinator.cold.partition.snapshot.interval.ms",
        Int,
        Low,
        "How often idle share partitions are written as a snapshot.",
    )
    .default("300000")
    .min(1)
    .internal()
    .honoured(),
    define(
        "share.coordinator.load.buffer.size",
        Int,
        High,
        "Batch size with which share state is read into memory.",
    )
    .default("5242880")
    .min(1)
    .honoured(),
    define(
        "share.coordinator.snapshot.update.records.per.snapshot",
        Int,
        Medium,
        "Updates of share state between two snapshots.",
    )
    .default("500")
    .between(0, 500)
    .honoured(),
    define(
        "share.coordinator.state.topic.compression.codec",
        Int,
        High,
        "Compression of the share state topic, by its number.",
    )
    .default("0")
    .honoured(),
    define(
        "share.coordinator.state.topic.min.isr",
        Short,
        High,
        "Replicas that must have a write to the share state topic.",
    )
    .default("2")
    .min(1)
    .honoured(),
    define(
        "share.coordinator.state.topic.num.partitions",
        Int,
        High,
        "Partitions of the share state topic; not to be changed once it exists.",
    )
    .default("50")
    .min(1)
    .honoured(),
    define(
        "share.coordinator.state.topic.prune.interval.ms",
        Int,
        Low,
        "How often the share state topic is cut behind what is no longer needed.",
    )
    .default("300000")
    .min(1)
    .internal()
    .honoured(),
    define(
        "share.coordinator.state.topic.replication.factor",
        Short,
        High,
        "Replicas of the share state topic.",
    )
    .default("3")
    .min(1)
    .honoured(),
    define(
        "share.coordinator.state.topic.segment.bytes",
        Int,
        High,
        "Size at which segments of the share state topic are closed.",
    )
    .default("104857600")
    .min(1)
    .honoured(),
    define(
        "share.coordinator.threads",
        Int,
        Medium,
        "Threads of the share coordinator.",
    )
    .default("1")
    .min(1),
    define(
        "share.coordinator.write.timeout.ms",
        Int,
        High,
        "How long a write of share state waits for the replicas.",
    )
    .default("5000")
    .min(1),
    define(
        "share.fetch.purgatory.purge.interval.requests",
        Int,
        Medium,
        "When Kafka sweeps waiting share fetches; waiting requests here leave nothing to sweep.",
    )
    .default("1000"),
];
