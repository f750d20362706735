//! The topic entries.

use crate::check::{Check, throttled_replicas};
use crate::definition::Importance::Medium;
use crate::definition::Kind::{Boolean, Double, Int, List, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("cleanup.policy", List, Medium, "")
        .default("delete")
        .one_of(&["compact", "delete"]),
    define("compression.gzip.level", Int, Medium, "")
        .default("-1")
        .check(Check::BetweenOrMinusOne(1, 9)),
    define("compression.lz4.level", Int, Medium, "")
        .default("9")
        .between(1, 17),
    define("compression.type", String, Medium, "")
        .default("producer")
        .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
    define("compression.zstd.level", Int, Medium, "")
        .default("3")
        .between(-131_072, 22),
    define("delete.retention.ms", Long, Medium, "")
        .default("86400000")
        .min(0),
    define("file.delete.delay.ms", Long, Medium, "")
        .default("60000")
        .min(0),
    define("flush.messages", Long, Medium, "")
        .default("9223372036854775807")
        .min(1),
    define("flush.ms", Long, Medium, "")
        .default("9223372036854775807")
        .min(0),
    define("follower.replication.throttled.replicas", List, Medium, "")
        .default("")
        .check(Check::With(throttled_replicas)),
    define("index.interval.bytes", Int, Medium, "")
        .default("4096")
        .min(0),
    define("internal.segment.bytes", Int, Medium, "").internal(),
    define("leader.replication.throttled.replicas", List, Medium, "")
        .default("")
        .check(Check::With(throttled_replicas)),
    define("local.retention.bytes", Long, Medium, "")
        .default("-2")
        .min(-2),
    define("local.retention.ms", Long, Medium, "")
        .default("-2")
        .min(-2),
    define("max.compaction.lag.ms", Long, Medium, "")
        .default("9223372036854775807")
        .min(1),
    define("max.message.bytes", Int, Medium, "")
        .default("1048588")
        .min(0),
    define("message.timestamp.after.max.ms", Long, Medium, "")
        .default("3600000")
        .min(0),
    define("message.timestamp.before.max.ms", Long, Medium, "")
        .default("9223372036854775807")
        .min(0),
    define("message.timestamp.type", String, Medium, "")
        .default("CreateTime")
        .one_of(&["CreateTime", "LogAppendTime"]),
    define("min.cleanable.dirty.ratio", Double, Medium, "")
        .default("0.5")
        .check(Check::Fraction(0.0, 1.0)),
    define("min.compaction.lag.ms", Long, Medium, "")
        .default("0")
        .min(0),
    define("min.insync.replicas", Int, Medium, "")
        .default("1")
        .min(1),
    define("preallocate", Boolean, Medium, "").default("false"),
    define("remote.log.copy.disable", Boolean, Medium, "").default("false"),
    define("remote.log.delete.on.disable", Boolean, Medium, "").default("false"),
    define("remote.storage.enable", Boolean, Medium, "").default("false"),
    define("retention.bytes", Long, Medium, "").default("-1"),
    define("retention.ms", Long, Medium, "")
        .default("604800000")
        .min(-1),
    define("segment.bytes", Int, Medium, "")
        .default("1073741824")
        .min(1_048_576),
    define("segment.index.bytes", Int, Medium, "")
        .default("10485760")
        .min(4),
    define("segment.jitter.ms", Long, Medium, "")
        .default("0")
        .min(0),
    define("segment.ms", Long, Medium, "")
        .default("604800000")
        .min(1),
    define("unclean.leader.election.enable", Boolean, Medium, "").default("false"),
];
