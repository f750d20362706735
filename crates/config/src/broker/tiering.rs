//! Tiered storage.

use crate::check::Check;
use crate::definition::Importance::{Low, Medium};
use crate::definition::Kind::{Boolean, Double, Int, Long, String};
use crate::definition::{Definition, define};

/// The rows, sorted by key.
pub(super) const ROWS: &[Definition] = &[
    define("follower.fetch.last.tiered.offset.enable", Boolean, Medium, "").default("false").cluster_wide(),
    define("log.local.retention.bytes", Long, Medium, "").default("-2").min(-2).cluster_wide(),
    define("log.local.retention.ms", Long, Medium, "").default("-2").min(-2).cluster_wide(),
    define("remote.fetch.max.wait.ms", Int, Medium, "").default("500").min(1).cluster_wide(),
    define("remote.list.offsets.request.timeout.ms", Long, Medium, "").default("30000").min(1).cluster_wide(),
    define("remote.log.index.file.cache.total.size.bytes", Long, Low, "").default("1073741824").min(1).cluster_wide(),
    define("remote.log.index.file.cache.ttl.ms", Long, Low, "").default("900000").min(-1).internal(),
    define("remote.log.manager.copier.thread.pool.size", Int, Medium, "").default("10").min(1).cluster_wide(),
    define("remote.log.manager.copy.max.bytes.per.second", Long, Medium, "").default("9223372036854775807").min(1).cluster_wide(),
    define("remote.log.manager.copy.quota.window.num", Int, Medium, "").default("11").min(1),
    define("remote.log.manager.copy.quota.window.size.seconds", Int, Medium, "").default("1").min(1),
    define("remote.log.manager.expiration.thread.pool.size", Int, Medium, "").default("10").min(1).cluster_wide(),
    define("remote.log.manager.fetch.max.bytes.per.second", Long, Medium, "").default("9223372036854775807").min(1).cluster_wide(),
    define("remote.log.manager.fetch.quota.window.num", Int, Medium, "").default("11").min(1),
    define("remote.log.manager.fetch.quota.window.size.seconds", Int, Medium, "").default("1").min(1),
    define("remote.log.manager.follower.thread.pool.size", Int, Medium, "").default("2").min(1).cluster_wide(),
    define("remote.log.manager.task.interval.ms", Long, Low, "").default("30000").min(1),
    define("remote.log.manager.task.retry.backoff.max.ms", Long, Low, "").default("30000").min(1).internal(),
    define("remote.log.manager.task.retry.backoff.ms", Long, Low, "").default("500").min(1).internal(),
    define("remote.log.manager.task.retry.jitter", Double, Low, "").default("0.2").check(Check::Fraction(0.0, 0.5)).internal(),
    define("remote.log.manager.thread.pool.size", Int, Medium, "").default("2").min(1),
    define("remote.log.metadata.custom.metadata.max.bytes", Int, Low, "").default("128").min(0),
    define("remote.log.metadata.manager.class.name", String, Medium, "").default("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager").check(Check::NonEmpty),
    define("remote.log.metadata.manager.class.path", String, Medium, ""),
    define("remote.log.metadata.manager.impl.prefix", String, Medium, "").default("rlmm.config.").check(Check::NonEmpty),
    define("remote.log.metadata.manager.listener.name", String, Medium, "").check(Check::NonEmpty),
    define("remote.log.reader.max.pending.tasks", Int, Medium, "").default("100").min(1),
    define("remote.log.reader.threads", Int, Medium, "").default("10").min(1).cluster_wide(),
    define("remote.log.storage.manager.class.name", String, Medium, "").check(Check::NonEmpty),
    define("remote.log.storage.manager.class.path", String, Medium, ""),
    define("remote.log.storage.manager.impl.prefix", String, Medium, "").default("rsm.config.").check(Check::NonEmpty),
    define("remote.log.storage.system.enable", Boolean, Medium, "").default("false"),
];
