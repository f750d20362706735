//! The topic configuration that a log needs, typed. Keys and defaults are Kafka 4.3's.

/// Which timestamp a record carries (`message.timestamp.type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampType {
    /// The producer's.
    #[default]
    CreateTime,
    /// The broker's at the moment of the append.
    LogAppendTime,
}

/// `cleanup.policy`: what may be removed from a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Old segments go by time and size.
    pub delete: bool,
    /// Only the newest record per key must stay.
    pub compact: bool,
}

impl Default for CleanupPolicy {
    fn default() -> Self {
        Self {
            delete: true,
            compact: false,
        }
    }
}

/// Per-topic settings of a log. Times are milliseconds, sizes bytes; −1 means "no limit" where
/// Kafka says so.
#[derive(Debug, Clone, PartialEq)]
pub struct LogConfig {
    /// `segment.bytes`: a segment does not grow beyond this (unless one batch is larger).
    pub segment_bytes: u32,
    /// `segment.ms`: a segment is closed when its records span more than this.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: at most this much earlier, differently for each partition.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: a segment is closed when an index reaches this size.
    pub segment_index_bytes: u32,
    /// `index.interval.bytes`: at least so many bytes of log between two index entries.
    pub index_interval_bytes: u32,
    /// `retention.ms`, −1 for ever.
    pub retention_ms: i64,
    /// `retention.bytes`, −1 for no limit.
    pub retention_bytes: i64,
    /// `file.delete.delay.ms`: renamed files stay so long before they are removed.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`: records after which an fsync is due; 1 asks for it before every ack.
    pub flush_messages: i64,
    /// `flush.ms`: age after which an fsync is due. `i64::MAX` (Kafka's default) means "in the
    /// background": here at most a second behind.
    pub flush_ms: i64,
    /// `message.timestamp.type`.
    pub timestamp_type: TimestampType,
    /// `cleanup.policy`.
    pub cleanup_policy: CleanupPolicy,
    /// `delete.retention.ms`: how long compaction keeps tombstones and the markers of transactions
    /// of which nothing is left.
    pub delete_retention_ms: i64,
    /// `min.cleanable.dirty.ratio`: compaction is due when a larger share of the log is dirty.
    pub min_cleanable_dirty_ratio: f64,
    /// `min.compaction.lag.ms`: younger records are not compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: compaction is due when an older record is dirty, whatever the
    /// ratio.
    pub max_compaction_lag_ms: i64,
    /// `preallocate`: reserve the space of a segment when it is made.
    pub preallocate: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3_600_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4_096,
            retention_ms: 7 * 24 * 3_600_000,
            retention_bytes: -1,
            file_delete_delay_ms: 60_000,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            timestamp_type: TimestampType::CreateTime,
            cleanup_policy: CleanupPolicy::default(),
            delete_retention_ms: 24 * 3_600_000,
            min_cleanable_dirty_ratio: 0.5,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            preallocate: false,
        }
    }
}

impl LogConfig {
    /// The age at which a segment is closed: what may have to be compacted can't wait in the active
    /// segment, which never is.
    pub(crate) fn roll_after_ms(&self) -> i64 {
        if self.cleanup_policy.compact && self.max_compaction_lag_ms > 0 {
            self.segment_ms.min(self.max_compaction_lag_ms)
        } else {
            self.segment_ms
        }
    }

    /// True when an acknowledgement has to wait for the disk
    /// ([`PartitionLog::flush_until`](crate::PartitionLog::flush_until)).
    #[must_use]
    pub fn flush_before_ack(&self) -> bool {
        self.flush_messages <= 1
    }
}
