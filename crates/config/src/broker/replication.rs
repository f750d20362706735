//! Replication, leaders and quotas.

use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Class, Int, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "alter.log.dirs.replication.quota.window.num",
        Int,
        Low,
        "Windows over which moves between log directories are measured against their quota.",
    )
    .default("11")
    .min(1),
    define(
        "alter.log.dirs.replication.quota.window.size.seconds",
        Int,
        Low,
        "Length of such a window.",
    )
    .default("1")
    .min(1),
    define(
        "auto.leader.rebalance.enable",
        Boolean,
        High,
        "Move leadership back to preferred replicas in the background.",
    )
    .default("true"),
    define(
        "client.quota.callback.class",
        Class,
        Low,
        "Java class that decides over client quotas; no Java classes run here.",
    ),
    define(
        "leader.imbalance.check.interval.seconds",
        Long,
        High,
        "How often leaders are compared with preferred replicas.",
    )
    .default("300")
    .min(1),
    define(
        "num.replica.alter.log.dirs.threads",
        Int,
        High,
        "Threads that move partitions between log directories.",
    ),
    define(
        "num.replica.fetchers",
        Int,
        High,
        "Threads that copy from each other broker.",
    )
    .default("1")
    .min(1)
    .cluster_wide(),
    define(
        "quota.window.num",
        Int,
        Low,
        "Windows over which clients are measured against their quotas.",
    )
    .default("11")
    .min(1)
    .honoured(),
    define(
        "quota.window.size.seconds",
        Int,
        Low,
        "Length of such a window.",
    )
    .default("1")
    .min(1)
    .honoured(),
    define(
        "replica.fetch.backoff.ms",
        Int,
        Medium,
        "Pause of a follower after an error.",
    )
    .default("1000")
    .min(0),
    define(
        "replica.fetch.max.bytes",
        Int,
        Medium,
        "Bytes per partition that a follower asks for.",
    )
    .default("1048576")
    .min(0),
    define(
        "replica.fetch.min.bytes",
        Int,
        High,
        "Bytes for which a follower's fetch waits.",
    )
    .default("1"),
    define(
        "replica.fetch.response.max.bytes",
        Int,
        Medium,
        "Bytes per answer that a follower asks for.",
    )
    .default("10485760")
    .min(0),
    define(
        "replica.fetch.wait.max.ms",
        Int,
        High,
        "How long a follower's fetch waits for new records.",
    )
    .default("500"),
    define(
        "replica.high.watermark.checkpoint.interval.ms",
        Long,
        High,
        "How often high watermarks are written down.",
    )
    .default("5000"),
    define(
        "replica.lag.time.max.ms",
        Long,
        High,
        "How long a follower may lag before it drops out of the in-sync set.",
    )
    .default("30000"),
    define(
        "replica.selector.class",
        String,
        Medium,
        "Java class that picks the replica a consumer reads from; no Java classes run here.",
    ),
    define(
        "replica.socket.receive.buffer.bytes",
        Int,
        High,
        "Receive buffer of a follower's connections.",
    )
    .default("65536"),
    define(
        "replica.socket.timeout.ms",
        Int,
        High,
        "How long a follower waits for a leader's answer.",
    )
    .default("30000"),
    define(
        "replication.quota.window.num",
        Int,
        Low,
        "Windows over which replication is measured against its quota.",
    )
    .default("11")
    .min(1),
    define(
        "replication.quota.window.size.seconds",
        Int,
        Low,
        "Length of such a window.",
    )
    .default("1")
    .min(1),
    define(
        "unclean.leader.election.enable",
        Boolean,
        High,
        "Let a replica that lags become leader when no other is left, losing records.",
    )
    .default("false")
    .cluster_wide(),
    define(
        "unclean.leader.election.interval.ms",
        Long,
        Medium,
        "How often partitions without a leader are offered to replicas that lag.",
    )
    .default("300000")
    .min(1)
    .internal(),
];
