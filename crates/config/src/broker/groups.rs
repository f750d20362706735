//! Consumer and streams groups, committed offsets.

use crate::check::Check;
use crate::definition::Importance::{High, Medium};
use crate::definition::Kind::{Int, List, Long, Short, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "group.consumer.assignment.interval.ms",
        Int,
        Medium,
        "Shortest time between two assignments of a consumer group.",
    )
    .default("1000")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "group.consumer.assignors",
        List,
        Medium,
        "Ways to assign partitions to consumers that the broker offers, the default first.",
    )
    .default("uniform,range")
    .check(Check::NonEmpty)
    .honoured(),
    define(
        "group.consumer.heartbeat.interval.ms",
        Int,
        Medium,
        "How often members of a consumer group report.",
    )
    .default("5000")
    .min(1)
    .honoured(),
    define(
        "group.consumer.max.assignment.interval.ms",
        Int,
        Medium,
        "Largest assignment interval that a group may ask for.",
    )
    .default("15000")
    .min(0)
    .honoured(),
    define(
        "group.consumer.max.heartbeat.interval.ms",
        Int,
        Medium,
        "Largest heartbeat interval that a group may ask for.",
    )
    .default("15000")
    .min(1)
    .honoured(),
    define(
        "group.consumer.max.session.timeout.ms",
        Int,
        Medium,
        "Largest session timeout that a group may ask for.",
    )
    .default("60000")
    .min(1)
    .honoured(),
    define(
        "group.consumer.max.size",
        Int,
        Medium,
        "Most members of a consumer group.",
    )
    .default("2147483647")
    .min(1)
    .honoured(),
    define(
        "group.consumer.migration.policy",
        String,
        Medium,
        "Whether classic groups turn into consumer groups and back when members of the other \
         kind join.",
    )
    .default("bidirectional")
    .check(Check::OneOfAnyCase(&[
        "DISABLED",
        "DOWNGRADE",
        "UPGRADE",
        "BIDIRECTIONAL",
    ]))
    .honoured(),
    define(
        "group.consumer.min.assignment.interval.ms",
        Int,
        Medium,
        "Smallest assignment interval that a group may ask for.",
    )
    .default("0")
    .min(0)
    .honoured(),
    define(
        "group.consumer.min.heartbeat.interval.ms",
        Int,
        Medium,
        "Smallest heartbeat interval that a group may ask for.",
    )
    .default("5000")
    .min(1)
    .honoured(),
    define(
        "group.consumer.min.session.timeout.ms",
        Int,
        Medium,
        "Smallest session timeout that a group may ask for.",
    )
    .default("45000")
    .min(1)
    .honoured(),
    define(
        "group.consumer.regex.refresh.interval.ms",
        Int,
        Medium,
        "How often subscriptions by pattern are matched against topics again.",
    )
    .default("600000")
    .min(10_000)
    .internal()
    .honoured(),
    define(
        "group.consumer.session.timeout.ms",
        Int,
        Medium,
        "How long a silent member stays in a consumer group.",
    )
    .default("45000")
    .min(1)
    .honoured(),
    define(
        "group.coordinator.append.linger.ms",
        Int,
        Medium,
        "How long the group coordinator collects writes; -1 adapts it to the load.",
    )
    .default("-1")
    .min(-1),
    define(
        "group.coordinator.background.threads",
        Int,
        High,
        "Threads for assignments and other heavy work of the group coordinator.",
    )
    .default("2")
    .min(1),
    define(
        "group.coordinator.cached.buffer.max.bytes",
        Int,
        Medium,
        "Largest write buffer that the group coordinator keeps for reuse.",
    )
    .default("1048588")
    .min(524_288)
    .cluster_wide(),
    define(
        "group.coordinator.rebalance.protocols",
        List,
        Medium,
        "Kinds of groups that are served.",
    )
    .default("classic,consumer,streams")
    .check(Check::SomeOf(&["consumer", "classic", "share", "streams"])),
    define(
        "group.coordinator.threads",
        Int,
        High,
        "Threads of the group coordinator.",
    )
    .default("4")
    .min(1),
    define(
        "group.initial.rebalance.delay.ms",
        Int,
        Medium,
        "How long a new classic group waits for more members before it starts.",
    )
    .default("3000")
    .honoured(),
    define(
        "group.max.session.timeout.ms",
        Int,
        Medium,
        "Largest session timeout that a member of a classic group may ask for.",
    )
    .default("1800000")
    .honoured(),
    define(
        "group.max.size",
        Int,
        Medium,
        "Most members of a classic group.",
    )
    .default("2147483647")
    .min(1)
    .honoured(),
    define(
        "group.min.session.timeout.ms",
        Int,
        Medium,
        "Smallest session timeout that a member of a classic group may ask for.",
    )
    .default("6000")
    .honoured(),
    define(
        "group.streams.assignment.interval.ms",
        Int,
        Medium,
        "Shortest time between two assignments of a streams group.",
    )
    .default("1000")
    .min(0)
    .cluster_wide(),
    define(
        "group.streams.heartbeat.interval.ms",
        Int,
        Medium,
        "How often members of a streams group report.",
    )
    .default("5000")
    .min(1),
    define(
        "group.streams.initial.rebalance.delay.ms",
        Int,
        Medium,
        "How long a new streams group waits for more members before it starts.",
    )
    .default("3000")
    .min(0),
    define(
        "group.streams.max.assignment.interval.ms",
        Int,
        Medium,
        "Largest assignment interval that a streams group may ask for.",
    )
    .default("15000")
    .min(0),
    define(
        "group.streams.max.heartbeat.interval.ms",
        Int,
        Medium,
        "Largest heartbeat interval that a streams group may ask for.",
    )
    .default("15000")
    .min(1),
    define(
        "group.streams.max.session.timeout.ms",
        Int,
        Medium,
        "Largest session timeout that a streams group may ask for.",
    )
    .default("60000")
    .min(1),
    define(
        "group.streams.max.size",
        Int,
        Medium,
        "Most members of a streams group.",
    )
    .default("2147483647")
    .min(1),
    define(
        "group.streams.max.standby.replicas",
        Int,
        Medium,
        "Most standby copies of a task that a streams group may ask for.",
    )
    .default("2")
    .min(0),
    define(
        "group.streams.min.assignment.interval.ms",
        Int,
        Medium,
        "Smallest assignment interval that a streams group may ask for.",
    )
    .default("0")
    .min(0),
    define(
        "group.streams.min.heartbeat.interval.ms",
        Int,
        Medium,
        "Smallest heartbeat interval that a streams group may ask for.",
    )
    .default("5000")
    .min(1),
    define(
        "group.streams.min.session.timeout.ms",
        Int,
        Medium,
        "Smallest session timeout that a streams group may ask for.",
    )
    .default("45000")
    .min(1),
    define(
        "group.streams.num.standby.replicas",
        Int,
        Medium,
        "Standby copies of each task of a streams group.",
    )
    .default("0")
    .min(0),
    define(
        "group.streams.session.timeout.ms",
        Int,
        Medium,
        "How long a silent member stays in a streams group.",
    )
    .default("45000")
    .min(1),
    define(
        "offset.metadata.max.bytes",
        Int,
        High,
        "Longest note that may come with a committed offset.",
    )
    .default("4096")
    .honoured(),
    define(
        "offsets.commit.timeout.ms",
        Int,
        High,
        "How long a commit of offsets waits for the replicas of the offsets topic.",
    )
    .default("5000")
    .min(1),
    define(
        "offsets.load.buffer.size",
        Int,
        High,
        "Batch size with which committed offsets are read into memory.",
    )
    .default("5242880")
    .min(1)
    .honoured(),
    define(
        "offsets.retention.check.interval.ms",
        Long,
        High,
        "How often committed offsets are looked through for old ones.",
    )
    .default("600000")
    .min(1)
    .honoured(),
    define(
        "offsets.retention.minutes",
        Int,
        High,
        "How long the offsets of an empty group are kept.",
    )
    .default("10080")
    .min(1)
    .honoured(),
    define(
        "offsets.topic.compression.codec",
        Int,
        High,
        "Compression of the offsets topic, by its number.",
    )
    .default("0")
    .honoured(),
    define(
        "offsets.topic.num.partitions",
        Int,
        High,
        "Partitions of the offsets topic; not to be changed once it exists.",
    )
    .default("50")
    .min(1)
    .honoured(),
    define(
        "offsets.topic.replication.factor",
        Short,
        High,
        "Replicas of the offsets topic.",
    )
    .default("3")
    .min(1)
    .honoured(),
    define(
        "offsets.topic.segment.bytes",
        Int,
        High,
        "Size at which segments of the offsets topic are closed.",
    )
    .default("104857600")
    .min(1)
    .honoured(),
];
