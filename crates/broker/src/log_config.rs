//! Configuration in the words of the log.

use std::time::Duration;

use limpid_config::{CompactionConfig, TimestampType, TopicConfig};
use limpid_storage::{CleanupPolicy, CompactionSettings, LogConfig};

/// How logs are compacted.
pub fn compaction_settings(config: &CompactionConfig) -> CompactionSettings {
    CompactionSettings {
        enabled: config.enabled,
        threads: config.threads,
        keys_bytes: config.keys_bytes,
        keys_load_max: config.keys_load_max,
        io_bytes: config.io_bytes,
        io_bytes_per_second: config.io_bytes_per_second,
        backoff: Duration::from_millis(config.backoff_ms),
    }
}

/// What the log needs of a topic's configuration.
pub fn log_config(topic: &TopicConfig) -> LogConfig {
    // Validators keep sizes positive; what can't be converted could only be a stored value of
    // another version, and falls back to Kafka's default.
    let default = LogConfig::default();
    let size = |value: i32, default: u32| u32::try_from(value).unwrap_or(default);
    LogConfig {
        segment_bytes: size(topic.segment_bytes, default.segment_bytes),
        segment_ms: topic.segment_ms,
        segment_jitter_ms: topic.segment_jitter_ms,
        segment_index_bytes: size(topic.segment_index_bytes, default.segment_index_bytes),
        index_interval_bytes: size(topic.index_interval_bytes, default.index_interval_bytes),
        retention_ms: topic.retention_ms,
        retention_bytes: topic.retention_bytes,
        file_delete_delay_ms: topic.file_delete_delay_ms,
        flush_messages: topic.flush_messages,
        flush_ms: topic.flush_ms.unwrap_or(i64::MAX),
        timestamp_type: match topic.message_timestamp_type {
            TimestampType::CreateTime => limpid_storage::TimestampType::CreateTime,
            TimestampType::LogAppendTime => limpid_storage::TimestampType::LogAppendTime,
        },
        cleanup_policy: CleanupPolicy {
            delete: topic.cleanup_policy.delete,
            compact: topic.cleanup_policy.compact,
        },
        delete_retention_ms: topic.delete_retention_ms,
        min_cleanable_dirty_ratio: topic.min_cleanable_dirty_ratio,
        min_compaction_lag_ms: topic.min_compaction_lag_ms,
        max_compaction_lag_ms: topic.max_compaction_lag_ms,
        preallocate: topic.preallocate,
    }
}
