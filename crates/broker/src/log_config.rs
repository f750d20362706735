//! A topic's configuration in the words of the log.

use limpid_config::{TimestampType, TopicConfig};
use limpid_storage::{CleanupPolicy, LogConfig};

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
        preallocate: topic.preallocate,
    }
}
