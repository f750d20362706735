//! Share groups and their coordinator.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Int, List, Short, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("group.share.assignment.interval.ms", Int, Medium, "")
        .default("1000")
        .min(0)
        .cluster_wide(),
    define("group.share.assignors", List, Medium, "")
        .default("simple")
        .check(Check::NonEmpty),
    define("group.share.delivery.count.limit", Int, Medium, "")
        .default("5")
        .between(2, 10),
    define("group.share.heartbeat.interval.ms", Int, Medium, "")
        .default("5000")
        .min(1),
    define("group.share.initialize.retry.interval.ms", Int, Low, "")
        .default("30000")
        .min(1)
        .internal(),
    define("group.share.max.assignment.interval.ms", Int, Medium, "")
        .default("15000")
        .min(0),
    define("group.share.max.delivery.count.limit", Int, Medium, "")
        .default("10")
        .between(5, 25),
    define("group.share.max.heartbeat.interval.ms", Int, Medium, "")
        .default("15000")
        .min(1),
    define(
        "group.share.max.partition.max.record.locks",
        Int,
        Medium,
        "",
    )
    .default("4000")
    .between(2_000, 10_000),
    define("group.share.max.record.lock.duration.ms", Int, Medium, "")
        .default("60000")
        .between(30_000, 3_600_000),
    define("group.share.max.session.timeout.ms", Int, Medium, "")
        .default("60000")
        .min(1),
    define("group.share.max.share.sessions", Int, Medium, "")
        .default("2000")
        .min(1),
    define("group.share.max.size", Int, Medium, "")
        .default("200")
        .between(1, 1_000),
    define("group.share.min.assignment.interval.ms", Int, Medium, "")
        .default("0")
        .min(0),
    define("group.share.min.delivery.count.limit", Int, Medium, "")
        .default("2")
        .between(2, 5),
    define("group.share.min.heartbeat.interval.ms", Int, Medium, "")
        .default("5000")
        .min(1),
    define(
        "group.share.min.partition.max.record.locks",
        Int,
        Medium,
        "",
    )
    .default("100")
    .between(100, 2_000),
    define("group.share.min.record.lock.duration.ms", Int, Medium, "")
        .default("15000")
        .between(1_000, 30_000),
    define("group.share.min.session.timeout.ms", Int, Medium, "")
        .default("45000")
        .min(1),
    define("group.share.partition.max.record.locks", Int, Medium, "")
        .default("2000")
        .between(100, 10_000),
    define("group.share.persister.class.name", String, Medium, "")
        .default("org.apache.kafka.server.share.persister.DefaultStatePersister")
        .internal(),
    define("group.share.record.lock.duration.ms", Int, Medium, "")
        .default("30000")
        .between(1_000, 3_600_000),
    define("group.share.session.timeout.ms", Int, Medium, "")
        .default("45000")
        .min(1),
    define("share.coordinator.append.linger.ms", Int, Medium, "")
        .default("-1")
        .min(-1),
    define("share.coordinator.cached.buffer.max.bytes", Int, Medium, "")
        .default("1048588")
        .min(524_288)
        .cluster_wide(),
    define(
        "share.coordinator.cold.partition.snapshot.interval.ms",
        Int,
        Low,
        "",
    )
    .default("300000")
    .min(1)
    .internal(),
    define("share.coordinator.load.buffer.size", Int, High, "")
        .default("5242880")
        .min(1),
    define(
        "share.coordinator.snapshot.update.records.per.snapshot",
        Int,
        Medium,
        "",
    )
    .default("500")
    .between(0, 500),
    define(
        "share.coordinator.state.topic.compression.codec",
        Int,
        High,
        "",
    )
    .default("0"),
    define("share.coordinator.state.topic.min.isr", Short, High, "")
        .default("2")
        .min(1),
    define(
        "share.coordinator.state.topic.num.partitions",
        Int,
        High,
        "",
    )
    .default("50")
    .min(1),
    define(
        "share.coordinator.state.topic.prune.interval.ms",
        Int,
        Low,
        "",
    )
    .default("300000")
    .min(1)
    .internal(),
    define(
        "share.coordinator.state.topic.replication.factor",
        Short,
        High,
        "",
    )
    .default("3")
    .min(1),
    define("share.coordinator.state.topic.segment.bytes", Int, High, "")
        .default("104857600")
        .min(1),
    define("share.coordinator.threads", Int, Medium, "")
        .default("1")
        .min(1),
    define("share.coordinator.write.timeout.ms", Int, High, "")
        .default("5000")
        .min(1),
    define(
        "share.fetch.purgatory.purge.interval.requests",
        Int,
        Medium,
        "",
    )
    .default("1000"),
];
