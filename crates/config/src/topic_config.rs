//! The typed configuration of a topic: its own entries over the broker's defaults.

use std::collections::BTreeMap;

use crate::check::{list_items, parse_boolean, parse_double};
use crate::topic;

/// What happens to old records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Delete segments by time and size.
    pub delete: bool,
    /// Keep the newest record of each key.
    pub compact: bool,
}

/// How the broker stores batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionType {
    /// As the producer sent them.
    Producer,
    /// Not compressed.
    Uncompressed,
    /// gzip.
    Gzip,
    /// snappy.
    Snappy,
    /// lz4.
    Lz4,
    /// zstd.
    Zstd,
}

/// Whose clock stamps the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    /// The producer's.
    CreateTime,
    /// The broker's.
    LogAppendTime,
}

/// Everything Kafka knows about a topic, typed. Times in milliseconds, sizes in bytes; -1 where
/// Kafka has -1 for "no limit".
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the fields are Kafka's keys; their sentences are in the table
pub struct TopicConfig {
    pub cleanup_policy: CleanupPolicy,
    pub compression_type: CompressionType,
    pub compression_gzip_level: i32,
    pub compression_lz4_level: i32,
    pub compression_zstd_level: i32,
    pub delete_retention_ms: i64,
    pub file_delete_delay_ms: i64,
    pub flush_messages: i64,
    /// `None` when neither the topic nor the broker sets it: then Limpid's own rule holds.
    pub flush_ms: Option<i64>,
    pub follower_replication_throttled_replicas: String,
    pub index_interval_bytes: i32,
    pub leader_replication_throttled_replicas: String,
    pub local_retention_bytes: i64,
    pub local_retention_ms: i64,
    pub max_compaction_lag_ms: i64,
    pub max_message_bytes: i32,
    pub message_timestamp_after_max_ms: i64,
    pub message_timestamp_before_max_ms: i64,
    pub message_timestamp_type: TimestampType,
    pub min_cleanable_dirty_ratio: f64,
    pub min_compaction_lag_ms: i64,
    pub min_insync_replicas: i32,
    pub preallocate: bool,
    pub remote_log_copy_disable: bool,
    pub remote_log_delete_on_disable: bool,
    pub remote_storage_enable: bool,
    pub retention_bytes: i64,
    pub retention_ms: i64,
    pub segment_bytes: i32,
    pub segment_index_bytes: i32,
    pub segment_jitter_ms: i64,
    pub segment_ms: i64,
    pub unclean_leader_election_enable: bool,
}

impl TopicConfig {
    /// Puts a topic's entries over the broker's. Both are checked before they are stored; a
    /// stored value that does not parse (another version's, say) falls back to the default.
    pub fn resolve(
        broker: &dyn Fn(&str) -> Option<String>,
        overrides: &BTreeMap<String, String>,
    ) -> TopicConfig {
        let values = Values { broker, overrides };
        let policy = values.text("cleanup.policy");
        TopicConfig {
            cleanup_policy: CleanupPolicy {
                delete: list_items(&policy).any(|item| item == "delete"),
                compact: list_items(&policy).any(|item| item == "compact"),
            },
            compression_type: compression_type(&values.text("compression.type")),
            compression_gzip_level: values.int("compression.gzip.level"),
            compression_lz4_level: values.int("compression.lz4.level"),
            compression_zstd_level: values.int("compression.zstd.level"),
            delete_retention_ms: values.long("delete.retention.ms"),
            file_delete_delay_ms: values.long("file.delete.delay.ms"),
            flush_messages: values.long("flush.messages"),
            flush_ms: values
                .explicit("flush.ms")
                .and_then(|text| text.trim().parse().ok()),
            follower_replication_throttled_replicas: values
                .text("follower.replication.throttled.replicas"),
            index_interval_bytes: values.int("index.interval.bytes"),
            leader_replication_throttled_replicas: values
                .text("leader.replication.throttled.replicas"),
            local_retention_bytes: values.long("local.retention.bytes"),
            local_retention_ms: values.long("local.retention.ms"),
            max_compaction_lag_ms: values.long("max.compaction.lag.ms"),
            max_message_bytes: values.int("max.message.bytes"),
            message_timestamp_after_max_ms: values.long("message.timestamp.after.max.ms"),
            message_timestamp_before_max_ms: values.long("message.timestamp.before.max.ms"),
            message_timestamp_type: timestamp_type(&values.text("message.timestamp.type")),
            min_cleanable_dirty_ratio: values.double("min.cleanable.dirty.ratio"),
            min_compaction_lag_ms: values.long("min.compaction.lag.ms"),
            min_insync_replicas: values.int("min.insync.replicas"),
            preallocate: values.boolean("preallocate"),
            remote_log_copy_disable: values.boolean("remote.log.copy.disable"),
            remote_log_delete_on_disable: values.boolean("remote.log.delete.on.disable"),
            remote_storage_enable: values.boolean("remote.storage.enable"),
            retention_bytes: values.long("retention.bytes"),
            retention_ms: values.long("retention.ms"),
            segment_bytes: values.int("segment.bytes"),
            segment_index_bytes: values.int("segment.index.bytes"),
            segment_jitter_ms: values.long("segment.jitter.ms"),
            segment_ms: values.long("segment.ms"),
            unclean_leader_election_enable: values.boolean("unclean.leader.election.enable"),
        }
    }
}

impl Default for TopicConfig {
    fn default() -> Self {
        TopicConfig::resolve(&|_| None, &BTreeMap::new())
    }
}

fn compression_type(text: &str) -> CompressionType {
    match text.trim() {
        "uncompressed" => CompressionType::Uncompressed,
        "gzip" => CompressionType::Gzip,
        "snappy" => CompressionType::Snappy,
        "lz4" => CompressionType::Lz4,
        "zstd" => CompressionType::Zstd,
        _ => CompressionType::Producer,
    }
}

fn timestamp_type(text: &str) -> TimestampType {
    match text.trim() {
        "LogAppendTime" => TimestampType::LogAppendTime,
        _ => TimestampType::CreateTime,
    }
}

struct Values<'a> {
    broker: &'a dyn Fn(&str) -> Option<String>,
    overrides: &'a BTreeMap<String, String>,
}

impl Values<'_> {
    /// The value that somebody set, if anybody did.
    fn explicit(&self, key: &str) -> Option<String> {
        let definition = topic::find(key)?;
        let valid = |text: &String| definition.validate(text).is_ok();
        let own = self.overrides.get(key).cloned().filter(valid);
        own.or_else(|| topic::broker_value(key, self.broker).filter(valid))
    }

    fn text(&self, key: &str) -> String {
        let fallback = || {
            topic::find(key)
                .and_then(|row| row.default)
                .unwrap_or_default()
        };
        self.explicit(key).unwrap_or_else(|| fallback().to_owned())
    }

    fn int(&self, key: &str) -> i32 {
        self.text(key).trim().parse().unwrap_or_default()
    }

    fn long(&self, key: &str) -> i64 {
        self.text(key).trim().parse().unwrap_or_default()
    }

    fn double(&self, key: &str) -> f64 {
        parse_double(&self.text(key)).unwrap_or_default()
    }

    fn boolean(&self, key: &str) -> bool {
        parse_boolean(&self.text(key)).unwrap_or_default()
    }
}
