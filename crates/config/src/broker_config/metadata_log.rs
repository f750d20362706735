//! The metadata log.

use crate::values::Values;

/// When segments of the metadata log end, when it gets a snapshot, and what of both is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataLogConfig {
    /// `metadata.log.segment.bytes`.
    pub segment_bytes: u64,
    /// `metadata.log.segment.ms`.
    pub segment_ms: i64,
    /// `metadata.log.max.record.bytes.between.snapshots`.
    pub snapshot_bytes: u64,
    /// `metadata.log.max.snapshot.interval.ms`; 0 turns snapshots by time off.
    pub snapshot_interval_ms: i64,
    /// `metadata.max.retention.bytes` of log and snapshots together; −1 for no limit.
    pub retention_bytes: i64,
    /// `metadata.max.retention.ms`; −1 for no limit.
    pub retention_ms: i64,
}

/// The part of the configuration that the metadata log is about.
pub(super) fn metadata_log(values: &Values<'_>) -> MetadataLogConfig {
    MetadataLogConfig {
        segment_bytes: values.unsigned("metadata.log.segment.bytes"),
        segment_ms: values.long("metadata.log.segment.ms"),
        snapshot_bytes: values.unsigned("metadata.log.max.record.bytes.between.snapshots"),
        snapshot_interval_ms: values.long("metadata.log.max.snapshot.interval.ms"),
        retention_bytes: values.long("metadata.max.retention.bytes"),
        retention_ms: values.long("metadata.max.retention.ms"),
    }
}
