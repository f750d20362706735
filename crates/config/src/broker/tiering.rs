//! Tiered storage.

use crate::check::Check;
use crate::definition::Importance::{Low, Medium};
use crate::definition::Kind::{Boolean, Double, Int, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define(
        "follower.fetch.last.tiered.offset.enable",
        Boolean,
        Medium,
        "Let new followers start behind what is tiered already.",
    )
    .default("false")
    .cluster_wide(),
    define(
        "log.local.retention.bytes",
        Long,
        Medium,
        "Bytes of a tiered partition that stay on local disks.",
    )
    .default("-2")
    .min(-2)
    .cluster_wide(),
    define(
        "log.local.retention.ms",
        Long,
        Medium,
        "Time that records of a tiered partition stay on local disks.",
    )
    .default("-2")
    .min(-2)
    .cluster_wide(),
    define(
        "remote.fetch.max.wait.ms",
        Int,
        Medium,
        "How long a fetch waits for tiered records.",
    )
    .default("500")
    .min(1)
    .cluster_wide(),
    define(
        "remote.list.offsets.request.timeout.ms",
        Long,
        Medium,
        "How long ListOffsets waits for tiered records.",
    )
    .default("30000")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.index.file.cache.total.size.bytes",
        Long,
        Low,
        "Disk space for indexes of tiered segments.",
    )
    .default("1073741824")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.index.file.cache.ttl.ms",
        Long,
        Low,
        "How long an unused index of a tiered segment is kept.",
    )
    .default("900000")
    .min(-1)
    .internal(),
    define(
        "remote.log.manager.copier.thread.pool.size",
        Int,
        Medium,
        "Threads that copy segments to the tier.",
    )
    .default("10")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.manager.copy.max.bytes.per.second",
        Long,
        Medium,
        "Most bytes per second copied to the tier.",
    )
    .default("9223372036854775807")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.manager.copy.quota.window.num",
        Int,
        Medium,
        "Windows over which copying to the tier is measured.",
    )
    .default("11")
    .min(1),
    define(
        "remote.log.manager.copy.quota.window.size.seconds",
        Int,
        Medium,
        "Length of such a window.",
    )
    .default("1")
    .min(1),
    define(
        "remote.log.manager.expiration.thread.pool.size",
        Int,
        Medium,
        "Threads that delete old segments from the tier.",
    )
    .default("10")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.manager.fetch.max.bytes.per.second",
        Long,
        Medium,
        "Most bytes per second read from the tier.",
    )
    .default("9223372036854775807")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.manager.fetch.quota.window.num",
        Int,
        Medium,
        "Windows over which reading from the tier is measured.",
    )
    .default("11")
    .min(1),
    define(
        "remote.log.manager.fetch.quota.window.size.seconds",
        Int,
        Medium,
        "Length of such a window.",
    )
    .default("1")
    .min(1),
    define(
        "remote.log.manager.follower.thread.pool.size",
        Int,
        Medium,
        "Threads that follow the tier for partitions led elsewhere.",
    )
    .default("2")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.manager.task.interval.ms",
        Long,
        Low,
        "How often there is a look for segments to tier or delete.",
    )
    .default("30000")
    .min(1),
    define(
        "remote.log.manager.task.retry.backoff.max.ms",
        Long,
        Low,
        "Longest wait after failures of the tier.",
    )
    .default("30000")
    .min(1)
    .internal(),
    define(
        "remote.log.manager.task.retry.backoff.ms",
        Long,
        Low,
        "First wait after a failure of the tier.",
    )
    .default("500")
    .min(1)
    .internal(),
    define(
        "remote.log.manager.task.retry.jitter",
        Double,
        Low,
        "Share by which waits after failures of the tier vary.",
    )
    .default("0.2")
    .check(Check::Fraction(0.0, 0.5))
    .internal(),
    define(
        "remote.log.manager.thread.pool.size",
        Int,
        Medium,
        "Threads for tiering, when the special ones are not set.",
    )
    .default("2")
    .min(1),
    define(
        "remote.log.metadata.custom.metadata.max.bytes",
        Int,
        Low,
        "Largest note that a tier may attach to a segment.",
    )
    .default("128")
    .min(0),
    define(
        "remote.log.metadata.manager.class.name",
        String,
        Medium,
        "Java class that remembers what is tiered; no Java classes run here.",
    )
    .default(
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
    )
    .check(Check::NonEmpty),
    define(
        "remote.log.metadata.manager.class.path",
        String,
        Medium,
        "Where that class is loaded from.",
    ),
    define(
        "remote.log.metadata.manager.impl.prefix",
        String,
        Medium,
        "Prefix of the entries that are passed to that class.",
    )
    .default("rlmm.config.")
    .check(Check::NonEmpty),
    define(
        "remote.log.metadata.manager.listener.name",
        String,
        Medium,
        "Listener over which that class reaches the brokers.",
    )
    .check(Check::NonEmpty),
    define(
        "remote.log.reader.max.pending.tasks",
        Int,
        Medium,
        "Reads of the tier that may wait.",
    )
    .default("100")
    .min(1),
    define(
        "remote.log.reader.threads",
        Int,
        Medium,
        "Threads that read from the tier.",
    )
    .default("10")
    .min(1)
    .cluster_wide(),
    define(
        "remote.log.storage.manager.class.name",
        String,
        Medium,
        "Java class that is the tier; no Java classes run here.",
    )
    .check(Check::NonEmpty),
    define(
        "remote.log.storage.manager.class.path",
        String,
        Medium,
        "Where that class is loaded from.",
    ),
    define(
        "remote.log.storage.manager.impl.prefix",
        String,
        Medium,
        "Prefix of the entries that are passed to that class.",
    )
    .default("rsm.config.")
    .check(Check::NonEmpty),
    define(
        "remote.log.storage.system.enable",
        Boolean,
        Medium,
        "Tiered storage; this version refuses to start with it.",
    )
    .default("false")
    .honoured(),
];
