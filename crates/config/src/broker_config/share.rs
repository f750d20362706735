//! Share groups.

use crate::values::Values;

/// Share groups (KIP-932) and the topic that their state is kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareGroupsConfig {
    /// `group.share.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `group.share.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `group.share.assignment.interval.ms`.
    pub assignment_interval_ms: i32,
    /// `group.share.max.size`.
    pub size_max: i32,
    /// `group.share.max.share.sessions`.
    pub sessions_max: usize,
    /// `share.coordinator.load.buffer.size`.
    pub load_buffer_bytes: usize,
    /// `share.coordinator.snapshot.update.records.per.snapshot`.
    pub updates_per_snapshot: i32,
    /// `share.coordinator.cold.partition.snapshot.interval.ms`.
    pub cold_snapshot_interval_ms: i32,
    /// `share.coordinator.state.topic.prune.interval.ms`.
    pub prune_interval_ms: i32,
    /// `share.coordinator.state.topic.compression.codec`, a codec's number.
    pub topic_codec: i32,
    /// `share.coordinator.state.topic.num.partitions`.
    pub topic_partitions: i32,
    /// `share.coordinator.state.topic.replication.factor`.
    pub topic_replication_factor: i32,
    /// `share.coordinator.state.topic.min.isr`.
    pub topic_min_insync_replicas: i32,
    /// `share.coordinator.state.topic.segment.bytes`.
    pub topic_segment_bytes: i32,
}

/// The part of the configuration that share groups are about.
pub(super) fn share_groups(values: &Values<'_>) -> ShareGroupsConfig {
    let topic = |key: &str| values.int(&format!("share.coordinator.state.topic.{key}"));
    ShareGroupsConfig {
        session_timeout_ms: values.int("group.share.session.timeout.ms"),
        heartbeat_interval_ms: values.int("group.share.heartbeat.interval.ms"),
        assignment_interval_ms: values.int("group.share.assignment.interval.ms"),
        size_max: values.int("group.share.max.size"),
        sessions_max: values.size("group.share.max.share.sessions"),
        load_buffer_bytes: values.size("share.coordinator.load.buffer.size"),
        updates_per_snapshot: values.int("share.coordinator.snapshot.update.records.per.snapshot"),
        cold_snapshot_interval_ms: values
            .int("share.coordinator.cold.partition.snapshot.interval.ms"),
        prune_interval_ms: topic("prune.interval.ms"),
        topic_codec: topic("compression.codec"),
        topic_partitions: topic("num.partitions"),
        topic_replication_factor: topic("replication.factor"),
        topic_min_insync_replicas: topic("min.isr"),
        topic_segment_bytes: values.segment_bytes("share.coordinator.state.topic.segment.bytes"),
    }
}
