//! Groups.

use super::share::{ShareGroupsConfig, share_groups};
use crate::check::list_items;
use crate::values::Values;

/// Consumer groups and the topic they are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupsConfig {
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: i32,
    /// `group.min.session.timeout.ms`.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_ms_max: i32,
    /// `group.max.size`.
    pub size_max: i32,
    /// `offset.metadata.max.bytes`.
    pub offset_metadata_bytes_max: i32,
    /// `offsets.retention.minutes`.
    pub offsets_retention_minutes: i32,
    /// `offsets.retention.check.interval.ms`.
    pub offsets_check_interval_ms: i64,
    /// `offsets.load.buffer.size`.
    pub load_buffer_bytes: usize,
    /// `offsets.topic.compression.codec`, a codec's number.
    pub topic_codec: i32,
    /// `offsets.topic.num.partitions`.
    pub topic_partitions: i32,
    /// `offsets.topic.replication.factor`.
    pub topic_replication_factor: i32,
    /// `offsets.topic.segment.bytes`.
    pub topic_segment_bytes: i32,
    /// Consumer groups of KIP-848.
    pub consumer: ConsumerGroupsConfig,
    /// Share groups of KIP-932.
    pub share: ShareGroupsConfig,
}

/// Consumer groups in which the coordinator assigns (KIP-848).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerGroupsConfig {
    /// `group.consumer.assignment.interval.ms`.
    pub assignment_interval_ms: i32,
    /// `group.consumer.assignors`.
    pub assignors: Vec<String>,
    /// `group.consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `group.consumer.regex.refresh.interval.ms`.
    pub regex_refresh_ms: u64,
    /// `group.consumer.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `group.consumer.max.size`.
    pub size_max: i32,
    /// `group.consumer.migration.policy`: from classic groups.
    pub upgrades: bool,
    /// `group.consumer.migration.policy`: to classic groups.
    pub downgrades: bool,
}

/// The part of the configuration that groups are about.
pub(super) fn groups(values: &Values<'_>) -> GroupsConfig {
    GroupsConfig {
        initial_rebalance_delay_ms: values.int("group.initial.rebalance.delay.ms"),
        session_timeout_ms_min: values.int("group.min.session.timeout.ms"),
        session_timeout_ms_max: values.int("group.max.session.timeout.ms"),
        size_max: values.int("group.max.size"),
        offset_metadata_bytes_max: values.int("offset.metadata.max.bytes"),
        offsets_retention_minutes: values.int("offsets.retention.minutes"),
        offsets_check_interval_ms: values.long("offsets.retention.check.interval.ms"),
        load_buffer_bytes: values.size("offsets.load.buffer.size"),
        topic_codec: values.int("offsets.topic.compression.codec"),
        topic_partitions: values.int("offsets.topic.num.partitions"),
        topic_replication_factor: values.int("offsets.topic.replication.factor"),
        topic_segment_bytes: values.segment_bytes("offsets.topic.segment.bytes"),
        consumer: consumer_groups(values),
        share: share_groups(values),
    }
}

fn consumer_groups(values: &Values<'_>) -> ConsumerGroupsConfig {
    let policy = values.text("group.consumer.migration.policy");
    let is = |name: &str| policy.trim().eq_ignore_ascii_case(name);
    let both = is("bidirectional");
    ConsumerGroupsConfig {
        assignment_interval_ms: values.int("group.consumer.assignment.interval.ms"),
        assignors: list_items(&values.text("group.consumer.assignors"))
            .map(str::to_owned)
            .collect(),
        heartbeat_interval_ms: values.int("group.consumer.heartbeat.interval.ms"),
        regex_refresh_ms: values.unsigned("group.consumer.regex.refresh.interval.ms"),
        session_timeout_ms: values.int("group.consumer.session.timeout.ms"),
        size_max: values.int("group.consumer.max.size"),
        upgrades: both || is("upgrade"),
        downgrades: both || is("downgrade"),
    }
}
