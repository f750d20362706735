//! Topic entries.

use crate::check::{Check, throttled_replicas};
use crate::definition::Importance::Medium;
use crate::definition::Kind::{Boolean, Double, Int, List, Long, String};
use crate::definition::{Definition, define};
use crate::topic::SEGMENT_BYTES_MIN;

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "cleanup.policy",
        List,
        Medium,
        "What happens to old records: delete whole segments by age and size, compact (keep the \
         newest record of each key), both, or (an empty list) nothing.",
    )
    .default("delete")
    .one_of(&["compact", "delete"])
    .honoured(),
    define(
        "compression.gzip.level",
        Int,
        Medium,
        "Level at which gzip compresses when the topic asks for it.",
    )
    .default("-1")
    .check(Check::BetweenOrMinusOne(1, 9))
    .honoured(),
    define(
        "compression.lz4.level",
        Int,
        Medium,
        "Level at which lz4 compresses when the topic asks for it.",
    )
    .default("9")
    .between(1, 17)
    .honoured(),
    define(
        "compression.type",
        String,
        Medium,
        "How batches are stored: as producers sent them, or always with this codec.",
    )
    .default("producer")
    .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
    .honoured(),
    define(
        "compression.zstd.level",
        Int,
        Medium,
        "Level at which zstd compresses when the topic asks for it.",
    )
    .default("3")
    .between(-131_072, 22)
    .honoured(),
    define(
        "delete.retention.ms",
        Long,
        Medium,
        "How long compaction keeps the markers of deleted keys.",
    )
    .default("86400000")
    .min(0)
    .honoured(),
    define(
        "file.delete.delay.ms",
        Long,
        Medium,
        "How long the files of a deleted segment stay on disk, for readers that are still at \
         them.",
    )
    .default("60000")
    .min(0)
    .honoured(),
    define(
        "flush.messages",
        Long,
        Medium,
        "Records after which a partition is forced to disk before they are acknowledged; 1 \
         makes every acknowledgement durable.",
    )
    .default("9223372036854775807")
    .min(1)
    .honoured(),
    define(
        "flush.ms",
        Long,
        Medium,
        "Longest time that records wait to be forced to disk.",
    )
    .default("9223372036854775807")
    .min(0)
    .honoured(),
    define(
        "follower.replication.throttled.replicas",
        List,
        Medium,
        "Followers that are throttled, as partition:broker pairs or *.",
    )
    .default("")
    .check(Check::With(throttled_replicas)),
    define(
        "index.interval.bytes",
        Int,
        Medium,
        "Bytes of records between two entries of an index.",
    )
    .default("4096")
    .min(0)
    .honoured(),
    define(
        "internal.segment.bytes",
        Int,
        Medium,
        "Size at which a segment is closed, for tests.",
    )
    .internal(),
    define(
        "leader.replication.throttled.replicas",
        List,
        Medium,
        "Leaders that are throttled, as partition:broker pairs or *.",
    )
    .default("")
    .check(Check::With(throttled_replicas)),
    define(
        "local.retention.bytes",
        Long,
        Medium,
        "Bytes of a tiered partition that stay on local disks; -2 is retention.bytes.",
    )
    .default("-2")
    .min(-2),
    define(
        "local.retention.ms",
        Long,
        Medium,
        "Time that records of a tiered partition stay on local disks; -2 is retention.ms.",
    )
    .default("-2")
    .min(-2),
    define(
        "max.compaction.lag.ms",
        Long,
        Medium,
        "Longest time a record waits for compaction.",
    )
    .default("9223372036854775807")
    .min(1)
    .honoured(),
    define(
        "max.message.bytes",
        Int,
        Medium,
        "Largest batch of records that is taken, as it was compressed by the producer.",
    )
    .default("1048588")
    .min(0)
    .honoured(),
    define(
        "message.timestamp.after.max.ms",
        Long,
        Medium,
        "How far ahead of the broker's clock a record's timestamp may be.",
    )
    .default("3600000")
    .min(0)
    .honoured(),
    define(
        "message.timestamp.before.max.ms",
        Long,
        Medium,
        "How far behind the broker's clock a record's timestamp may be.",
    )
    .default("9223372036854775807")
    .min(0)
    .honoured(),
    define(
        "message.timestamp.type",
        String,
        Medium,
        "Whose time records carry: the producer's (CreateTime) or the broker's (LogAppendTime).",
    )
    .default("CreateTime")
    .one_of(&["CreateTime", "LogAppendTime"])
    .honoured(),
    define(
        "min.cleanable.dirty.ratio",
        Double,
        Medium,
        "Share of a log that must be uncompacted before it is compacted.",
    )
    .default("0.5")
    .check(Check::Fraction(0.0, 1.0))
    .honoured(),
    define(
        "min.compaction.lag.ms",
        Long,
        Medium,
        "Shortest time a record stays before it may be compacted away.",
    )
    .default("0")
    .min(0)
    .honoured(),
    define(
        "min.insync.replicas",
        Int,
        Medium,
        "Replicas that must have a batch before a producer with acks=all is answered.",
    )
    .default("1")
    .min(1)
    .honoured(),
    define(
        "preallocate",
        Boolean,
        Medium,
        "Reserve the whole of a new segment on disk at once.",
    )
    .default("false")
    .honoured(),
    define(
        "remote.log.copy.disable",
        Boolean,
        Medium,
        "Stop copying this topic to the tier.",
    )
    .default("false"),
    define(
        "remote.log.delete.on.disable",
        Boolean,
        Medium,
        "Delete what is tiered when tiering is turned off.",
    )
    .default("false"),
    define(
        "remote.storage.enable",
        Boolean,
        Medium,
        "Tier this topic; not available on this broker.",
    )
    .default("false"),
    define(
        "retention.bytes",
        Long,
        Medium,
        "Bytes of a partition that are kept; -1 keeps all.",
    )
    .default("-1")
    .honoured(),
    define(
        "retention.ms",
        Long,
        Medium,
        "How long records are kept; -1 keeps them.",
    )
    .default("604800000")
    .min(-1)
    .honoured(),
    define(
        "segment.bytes",
        Int,
        Medium,
        "Size at which a segment is closed.",
    )
    .default("1073741824")
    .min(SEGMENT_BYTES_MIN)
    .honoured(),
    define(
        "segment.index.bytes",
        Int,
        Medium,
        "Largest size of an index file.",
    )
    .default("10485760")
    .min(4)
    .honoured(),
    define(
        "segment.jitter.ms",
        Long,
        Medium,
        "Most time that is taken off segment.ms at random, so that segments do not all close \
         at once.",
    )
    .default("0")
    .min(0)
    .honoured(),
    define(
        "segment.ms",
        Long,
        Medium,
        "Time after which a segment is closed.",
    )
    .default("604800000")
    .min(1)
    .honoured(),
    define(
        "unclean.leader.election.enable",
        Boolean,
        Medium,
        "Let a replica that lags become leader when no other is left, losing records.",
    )
    .default("false"),
];
