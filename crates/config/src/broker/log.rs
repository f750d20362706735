//! Topics and their logs.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Double, Int, List, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("auto.create.topics.enable", Boolean, High, "").default("true"),
    define("compression.gzip.level", Int, Medium, "")
        .default("-1")
        .check(Check::BetweenOrMinusOne(1, 9))
        .cluster_wide(),
    define("compression.lz4.level", Int, Medium, "")
        .default("9")
        .between(1, 17)
        .cluster_wide(),
    define("compression.type", String, High, "")
        .default("producer")
        .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
        .cluster_wide(),
    define("compression.zstd.level", Int, Medium, "")
        .default("3")
        .between(-131_072, 22)
        .cluster_wide(),
    define("cordoned.log.dirs", List, Medium, "")
        .default("")
        .per_broker(),
    define("default.replication.factor", Int, Medium, "").default("1"),
    define("delete.topic.enable", Boolean, High, "").default("true"),
    define("log.cleaner.backoff.ms", Long, Medium, "")
        .default("15000")
        .min(0)
        .cluster_wide(),
    define("log.cleaner.dedupe.buffer.size", Long, Medium, "")
        .default("134217728")
        .cluster_wide(),
    define("log.cleaner.delete.retention.ms", Long, Medium, "")
        .default("86400000")
        .min(0)
        .cluster_wide(),
    define("log.cleaner.enable", Boolean, Medium, "").default("true"),
    define("log.cleaner.io.buffer.load.factor", Double, Medium, "")
        .default("0.9")
        .cluster_wide(),
    define("log.cleaner.io.buffer.size", Int, Medium, "")
        .default("524288")
        .min(0)
        .cluster_wide(),
    define("log.cleaner.io.max.bytes.per.second", Double, Medium, "")
        .default("1.7976931348623157E308")
        .cluster_wide(),
    define("log.cleaner.max.compaction.lag.ms", Long, Medium, "")
        .default("9223372036854775807")
        .min(1)
        .cluster_wide(),
    define("log.cleaner.min.cleanable.ratio", Double, Medium, "")
        .default("0.5")
        .check(Check::Fraction(0.0, 1.0))
        .cluster_wide(),
    define("log.cleaner.min.compaction.lag.ms", Long, Medium, "")
        .default("0")
        .min(0)
        .cluster_wide(),
    define("log.cleaner.threads", Int, Medium, "")
        .default("1")
        .min(0)
        .cluster_wide(),
    define("log.cleanup.policy", List, Medium, "")
        .default("delete")
        .one_of(&["compact", "delete"])
        .cluster_wide(),
    define("log.dir", List, High, "")
        .default("./limpid-data")
        .check(Check::NonEmpty),
    define("log.dir.failure.timeout.ms", Long, Low, "")
        .default("30000")
        .min(1),
    define("log.dirs", List, High, "").check(Check::NonEmpty),
    define("log.flush.interval.messages", Long, High, "")
        .default("9223372036854775807")
        .min(1)
        .cluster_wide(),
    define("log.flush.interval.ms", Long, High, "").cluster_wide(),
    define("log.flush.offset.checkpoint.interval.ms", Int, High, "")
        .default("60000")
        .min(0),
    define("log.flush.scheduler.interval.ms", Long, High, "").default("9223372036854775807"),
    define(
        "log.flush.start.offset.checkpoint.interval.ms",
        Int,
        High,
        "",
    )
    .default("60000")
    .min(0),
    define("log.index.interval.bytes", Int, Medium, "")
        .default("4096")
        .min(0)
        .cluster_wide(),
    define("log.index.size.max.bytes", Int, Medium, "")
        .default("10485760")
        .min(4)
        .cluster_wide(),
    define("log.initial.task.delay.ms", Long, Low, "")
        .default("30000")
        .min(0)
        .internal(),
    define("log.message.timestamp.after.max.ms", Long, Medium, "")
        .default("3600000")
        .min(0)
        .cluster_wide(),
    define("log.message.timestamp.before.max.ms", Long, Medium, "")
        .default("9223372036854775807")
        .min(0)
        .cluster_wide(),
    define("log.message.timestamp.type", String, Medium, "")
        .default("CreateTime")
        .one_of(&["CreateTime", "LogAppendTime"])
        .cluster_wide(),
    define("log.preallocate", Boolean, Medium, "")
        .default("false")
        .cluster_wide(),
    define("log.retention.bytes", Long, High, "")
        .default("-1")
        .cluster_wide(),
    define("log.retention.check.interval.ms", Long, Medium, "")
        .default("300000")
        .min(1),
    define("log.retention.hours", Int, High, "").default("168"),
    define("log.retention.minutes", Int, High, ""),
    define("log.retention.ms", Long, High, "").cluster_wide(),
    define("log.roll.hours", Int, High, "")
        .default("168")
        .min(1),
    define("log.roll.jitter.hours", Int, High, "")
        .default("0")
        .min(0),
    define("log.roll.jitter.ms", Long, High, "").cluster_wide(),
    define("log.roll.ms", Long, High, "").cluster_wide(),
    define("log.segment.bytes", Int, High, "")
        .default("1073741824")
        .min(1_048_576)
        .cluster_wide(),
    define("log.segment.delete.delay.ms", Long, High, "")
        .default("60000")
        .min(0)
        .cluster_wide(),
    define("message.max.bytes", Int, High, "")
        .default("1048588")
        .min(0)
        .cluster_wide(),
    define("min.insync.replicas", Int, High, "")
        .default("1")
        .min(1)
        .cluster_wide(),
    define("num.partitions", Int, Medium, "")
        .default("1")
        .min(1),
    define("num.recovery.threads.per.data.dir", Int, High, "")
        .default("2")
        .min(1)
        .cluster_wide(),
];
