//! Replication, leaders and quotas.

use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Class, Int, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("alter.log.dirs.replication.quota.window.num", Int, Low, "")
        .default("11")
        .min(1),
    define(
        "alter.log.dirs.replication.quota.window.size.seconds",
        Int,
        Low,
        "",
    )
    .default("1")
    .min(1),
    define("auto.leader.rebalance.enable", Boolean, High, "").default("true"),
    define("client.quota.callback.class", Class, Low, ""),
    define("leader.imbalance.check.interval.seconds", Long, High, "")
        .default("300")
        .min(1),
    define("num.replica.alter.log.dirs.threads", Int, High, ""),
    define("num.replica.fetchers", Int, High, "")
        .default("1")
        .min(1)
        .cluster_wide(),
    define("quota.window.num", Int, Low, "")
        .default("11")
        .min(1),
    define("quota.window.size.seconds", Int, Low, "")
        .default("1")
        .min(1),
    define("replica.fetch.backoff.ms", Int, Medium, "")
        .default("1000")
        .min(0),
    define("replica.fetch.max.bytes", Int, Medium, "")
        .default("1048576")
        .min(0),
    define("replica.fetch.min.bytes", Int, High, "").default("1"),
    define("replica.fetch.response.max.bytes", Int, Medium, "")
        .default("10485760")
        .min(0),
    define("replica.fetch.wait.max.ms", Int, High, "").default("500"),
    define(
        "replica.high.watermark.checkpoint.interval.ms",
        Long,
        High,
        "",
    )
    .default("5000"),
    define("replica.lag.time.max.ms", Long, High, "").default("30000"),
    define("replica.selector.class", String, Medium, ""),
    define("replica.socket.receive.buffer.bytes", Int, High, "").default("65536"),
    define("replica.socket.timeout.ms", Int, High, "").default("30000"),
    define("replication.quota.window.num", Int, Low, "")
        .default("11")
        .min(1),
    define("replication.quota.window.size.seconds", Int, Low, "")
        .default("1")
        .min(1),
    define("unclean.leader.election.enable", Boolean, High, "")
        .default("false")
        .cluster_wide(),
    define("unclean.leader.election.interval.ms", Long, Medium, "")
        .default("300000")
        .min(1)
        .internal(),
];
