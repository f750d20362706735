//! Consumer and streams groups, committed offsets.

use crate::check::Check;
use crate::definition::Importance::{High, Medium};
use crate::definition::Kind::{Int, List, Long, Short, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("group.consumer.assignment.interval.ms", Int, Medium, "")
        .default("1000")
        .min(0)
        .cluster_wide(),
    define("group.consumer.assignors", List, Medium, "")
        .default("uniform,range")
        .check(Check::NonEmpty),
    define("group.consumer.heartbeat.interval.ms", Int, Medium, "")
        .default("5000")
        .min(1),
    define("group.consumer.max.assignment.interval.ms", Int, Medium, "")
        .default("15000")
        .min(0),
    define("group.consumer.max.heartbeat.interval.ms", Int, Medium, "")
        .default("15000")
        .min(1),
    define("group.consumer.max.session.timeout.ms", Int, Medium, "")
        .default("60000")
        .min(1),
    define("group.consumer.max.size", Int, Medium, "")
        .default("2147483647")
        .min(1),
    define("group.consumer.migration.policy", String, Medium, "")
        .default("bidirectional")
        .check(Check::OneOfAnyCase(&[
            "DISABLED",
            "DOWNGRADE",
            "UPGRADE",
            "BIDIRECTIONAL",
        ])),
    define("group.consumer.min.assignment.interval.ms", Int, Medium, "")
        .default("0")
        .min(0),
    define("group.consumer.min.heartbeat.interval.ms", Int, Medium, "")
        .default("5000")
        .min(1),
    define("group.consumer.min.session.timeout.ms", Int, Medium, "")
        .default("45000")
        .min(1),
    define("group.consumer.regex.refresh.interval.ms", Int, Medium, "")
        .default("600000")
        .min(10_000)
        .internal(),
    define("group.consumer.session.timeout.ms", Int, Medium, "")
        .default("45000")
        .min(1),
    define("group.coordinator.append.linger.ms", Int, Medium, "")
        .default("-1")
        .min(-1),
    define("group.coordinator.background.threads", Int, High, "")
        .default("2")
        .min(1),
    define("group.coordinator.cached.buffer.max.bytes", Int, Medium, "")
        .default("1048588")
        .min(524_288)
        .cluster_wide(),
    define("group.coordinator.rebalance.protocols", List, Medium, "")
        .default("classic,consumer,streams")
        .check(Check::SomeOf(&["consumer", "classic", "share", "streams"])),
    define("group.coordinator.threads", Int, High, "")
        .default("4")
        .min(1),
    define("group.initial.rebalance.delay.ms", Int, Medium, "").default("3000"),
    define("group.max.session.timeout.ms", Int, Medium, "").default("1800000"),
    define("group.max.size", Int, Medium, "")
        .default("2147483647")
        .min(1),
    define("group.min.session.timeout.ms", Int, Medium, "").default("6000"),
    define("group.streams.assignment.interval.ms", Int, Medium, "")
        .default("1000")
        .min(0)
        .cluster_wide(),
    define("group.streams.heartbeat.interval.ms", Int, Medium, "")
        .default("5000")
        .min(1),
    define("group.streams.initial.rebalance.delay.ms", Int, Medium, "")
        .default("3000")
        .min(0),
    define("group.streams.max.assignment.interval.ms", Int, Medium, "")
        .default("15000")
        .min(0),
    define("group.streams.max.heartbeat.interval.ms", Int, Medium, "")
        .default("15000")
        .min(1),
    define("group.streams.max.session.timeout.ms", Int, Medium, "")
        .default("60000")
        .min(1),
    define("group.streams.max.size", Int, Medium, "")
        .default("2147483647")
        .min(1),
    define("group.streams.max.standby.replicas", Int, Medium, "")
        .default("2")
        .min(0),
    define("group.streams.min.assignment.interval.ms", Int, Medium, "")
        .default("0")
        .min(0),
    define("group.streams.min.heartbeat.interval.ms", Int, Medium, "")
        .default("5000")
        .min(1),
    define("group.streams.min.session.timeout.ms", Int, Medium, "")
        .default("45000")
        .min(1),
    define("group.streams.num.standby.replicas", Int, Medium, "")
        .default("0")
        .min(0),
    define("group.streams.session.timeout.ms", Int, Medium, "")
        .default("45000")
        .min(1),
    define("offset.metadata.max.bytes", Int, High, "").default("4096"),
    define("offsets.commit.timeout.ms", Int, High, "")
        .default("5000")
        .min(1),
    define("offsets.load.buffer.size", Int, High, "")
        .default("5242880")
        .min(1),
    define("offsets.retention.check.interval.ms", Long, High, "")
        .default("600000")
        .min(1),
    define("offsets.retention.minutes", Int, High, "")
        .default("10080")
        .min(1),
    define("offsets.topic.compression.codec", Int, High, "").default("0"),
    define("offsets.topic.num.partitions", Int, High, "")
        .default("50")
        .min(1),
    define("offsets.topic.replication.factor", Short, High, "")
        .default("3")
        .min(1),
    define("offsets.topic.segment.bytes", Int, High, "")
        .default("104857600")
        .min(1),
];
