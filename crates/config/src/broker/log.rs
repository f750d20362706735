//! Topics and their logs.

use crate::check::Check;
use crate::definition::Importance::{High, Low, Medium};
use crate::definition::Kind::{Boolean, Double, Int, List, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "auto.create.topics.enable",
        Boolean,
        High,
        "Create a topic when a client asks for one that does not exist and allows it.",
    )
    .default("true")
    .honoured(),
    define(
        "compression.gzip.level",
        Int,
        Medium,
        "Level at which gzip compresses when the broker does; it stores what producers sent.",
    )
    .default("-1")
    .check(Check::BetweenOrMinusOne(1, 9))
    .cluster_wide(),
    define(
        "compression.lz4.level",
        Int,
        Medium,
        "Level at which lz4 compresses when the broker does; it stores what producers sent.",
    )
    .default("9")
    .between(1, 17)
    .cluster_wide(),
    define(
        "compression.type",
        String,
        High,
        "How batches are stored; this version stores them as producers sent them.",
    )
    .default("producer")
    .one_of(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"])
    .cluster_wide(),
    define(
        "compression.zstd.level",
        Int,
        Medium,
        "Level at which zstd compresses when the broker does; it stores what producers sent.",
    )
    .default("3")
    .between(-131_072, 22)
    .cluster_wide(),
    define(
        "cordoned.log.dirs",
        List,
        Medium,
        "Log directories that get no new partitions.",
    )
    .default("")
    .per_broker(),
    define(
        "default.replication.factor",
        Int,
        Medium,
        "Replicas of a topic that is created without saying how many.",
    )
    .default("1")
    .honoured(),
    define(
        "delete.topic.enable",
        Boolean,
        High,
        "Allow topics to be deleted.",
    )
    .default("true")
    .honoured(),
    define(
        "log.cleaner.backoff.ms",
        Long,
        Medium,
        "Pause of a log cleaner that finds nothing to compact.",
    )
    .default("15000")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.dedupe.buffer.size",
        Long,
        Medium,
        "Memory in which all log cleaners together remember keys.",
    )
    .default("134217728")
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.delete.retention.ms",
        Long,
        Medium,
        "How long compaction keeps the markers of deleted keys.",
    )
    .default("86400000")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.enable",
        Boolean,
        Medium,
        "Run the log cleaner.",
    )
    .default("true")
    .honoured(),
    define(
        "log.cleaner.io.buffer.load.factor",
        Double,
        Medium,
        "How full the cleaner's memory of keys may get.",
    )
    .default("0.9")
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.io.buffer.size",
        Int,
        Medium,
        "Memory with which all log cleaners together read and write.",
    )
    .default("524288")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.io.max.bytes.per.second",
        Double,
        Medium,
        "Most bytes per second that log cleaners read and write.",
    )
    .default("1.7976931348623157E308")
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.max.compaction.lag.ms",
        Long,
        Medium,
        "Longest time a record of a compacted topic waits for compaction.",
    )
    .default("9223372036854775807")
    .min(1)
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.min.cleanable.ratio",
        Double,
        Medium,
        "Share of a log that must be uncompacted before it is compacted.",
    )
    .default("0.5")
    .check(Check::Fraction(0.0, 1.0))
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.min.compaction.lag.ms",
        Long,
        Medium,
        "Shortest time a record stays before it may be compacted away.",
    )
    .default("0")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.cleaner.threads",
        Int,
        Medium,
        "Threads that compact logs.",
    )
    .default("1")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.cleanup.policy",
        List,
        Medium,
        "What happens to old segments: delete them, or (an empty list) nothing; compact is taken, \
         but compaction itself does not run yet.",
    )
    .default("delete")
    .one_of(&["compact", "delete"])
    .cluster_wide()
    .honoured(),
    define(
        "log.dir",
        List,
        High,
        "The log directory, when log.dirs does not name several.",
    )
    .default("./limpid-data")
    .check(Check::NonEmpty)
    .honoured(),
    define(
        "log.dir.failure.timeout.ms",
        Long,
        Low,
        "How long a broker waits to report a failed log directory before it stops.",
    )
    .default("30000")
    .min(1),
    define(
        "log.dirs",
        List,
        High,
        "The directories in which partitions are kept; unset, it is log.dir.",
    )
    .check(Check::NonEmpty)
    .honoured(),
    define(
        "log.flush.interval.messages",
        Long,
        High,
        "Records of a partition after which it is forced to disk before they are acknowledged.",
    )
    .default("9223372036854775807")
    .min(1)
    .cluster_wide()
    .honoured(),
    define(
        "log.flush.interval.ms",
        Long,
        High,
        "Longest time that records wait to be forced to disk; unset, Limpid stays at most a \
         second behind.",
    )
    .cluster_wide()
    .honoured(),
    define(
        "log.flush.offset.checkpoint.interval.ms",
        Int,
        High,
        "How often the offsets up to which logs are on disk are written down.",
    )
    .default("60000")
    .min(0)
    .honoured(),
    define(
        "log.flush.scheduler.interval.ms",
        Long,
        High,
        "The default of log.flush.interval.ms.",
    )
    .default("9223372036854775807")
    .honoured(),
    define(
        "log.flush.start.offset.checkpoint.interval.ms",
        Int,
        High,
        "How often the first offsets of logs are written down; here \
         log.flush.offset.checkpoint.interval.ms rules both.",
    )
    .default("60000")
    .min(0),
    define(
        "log.index.interval.bytes",
        Int,
        Medium,
        "Bytes of records between two entries of an index.",
    )
    .default("4096")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.index.size.max.bytes",
        Int,
        Medium,
        "Largest size of an index file.",
    )
    .default("10485760")
    .min(4)
    .cluster_wide()
    .honoured(),
    define(
        "log.initial.task.delay.ms",
        Long,
        Low,
        "Pause between start and the first housekeeping of logs.",
    )
    .default("30000")
    .min(0)
    .internal(),
    define(
        "log.message.timestamp.after.max.ms",
        Long,
        Medium,
        "How far ahead of the broker's clock a record's timestamp may be.",
    )
    .default("3600000")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.message.timestamp.before.max.ms",
        Long,
        Medium,
        "How far behind the broker's clock a record's timestamp may be.",
    )
    .default("9223372036854775807")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "log.message.timestamp.type",
        String,
        Medium,
        "Whose time records carry: the producer's (CreateTime) or the broker's (LogAppendTime).",
    )
    .default("CreateTime")
    .one_of(&["CreateTime", "LogAppendTime"])
    .cluster_wide()
    .honoured(),
    define(
        "log.preallocate",
        Boolean,
        Medium,
        "Reserve the whole of a new segment on disk at once.",
    )
    .default("false")
    .cluster_wide()
    .honoured(),
    define(
        "log.retention.bytes",
        Long,
        High,
        "Bytes of a partition that are kept; -1 keeps all.",
    )
    .default("-1")
    .cluster_wide()
    .honoured(),
    define(
        "log.retention.check.interval.ms",
        Long,
        Medium,
        "How often logs are looked through for segments to delete.",
    )
    .default("300000")
    .min(1)
    .honoured(),
    define(
        "log.retention.hours",
        Int,
        High,
        "Hours that records are kept, unless minutes or milliseconds are set; -1 keeps them.",
    )
    .default("168")
    .honoured(),
    define(
        "log.retention.minutes",
        Int,
        High,
        "Minutes that records are kept, unless milliseconds are set; -1 keeps them.",
    )
    .honoured(),
    define(
        "log.retention.ms",
        Long,
        High,
        "Milliseconds that records are kept; -1 keeps them.",
    )
    .cluster_wide()
    .honoured(),
    define(
        "log.roll.hours",
        Int,
        High,
        "Hours after which a segment is closed, unless milliseconds are set.",
    )
    .default("168")
    .min(1)
    .honoured(),
    define(
        "log.roll.jitter.hours",
        Int,
        High,
        "Most hours that are taken off at random, so that segments do not all close at once.",
    )
    .default("0")
    .min(0)
    .honoured(),
    define(
        "log.roll.jitter.ms",
        Long,
        High,
        "Most milliseconds that are taken off at random, so that segments do not all close at \
         once.",
    )
    .cluster_wide()
    .honoured(),
    define(
        "log.roll.ms",
        Long,
        High,
        "Milliseconds after which a segment is closed.",
    )
    .cluster_wide()
    .honoured(),
    define(
        "log.segment.bytes",
        Int,
        High,
        "Size at which a segment is closed.",
    )
    .default("1073741824")
    .min(1_048_576)
    .cluster_wide()
    .honoured(),
    define(
        "log.segment.delete.delay.ms",
        Long,
        High,
        "How long the files of a deleted segment stay on disk, for readers that are still at \
         them.",
    )
    .default("60000")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "message.max.bytes",
        Int,
        High,
        "Largest batch of records that is taken, as it was compressed by the producer.",
    )
    .default("1048588")
    .min(0)
    .cluster_wide()
    .honoured(),
    define(
        "min.insync.replicas",
        Int,
        High,
        "Replicas that must have a batch before a producer with acks=all is answered.",
    )
    .default("1")
    .min(1)
    .cluster_wide()
    .honoured(),
    define(
        "num.partitions",
        Int,
        Medium,
        "Partitions of a topic that is created without saying how many.",
    )
    .default("1")
    .min(1)
    .honoured(),
    define(
        "num.recovery.threads.per.data.dir",
        Int,
        High,
        "Threads per log directory that recover logs at start and flush them at stop.",
    )
    .default("2")
    .min(1)
    .cluster_wide()
    .honoured(),
];
