//! What the broker's configuration says about groups, and what time it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::assignor::Assignor;

/// Most ids of a group that were handed out and not used yet.
pub const PENDING_MEMBERS_MAX: usize = 100_000;

/// One moment on two clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds on a clock that never jumps: sessions and timeouts are counted on it.
    pub mono_ms: u64,
    /// Milliseconds since the Unix epoch: what is written into records.
    pub wall_ms: i64,
}

/// Kafka's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `group.initial.rebalance.delay.ms`.
    pub initial_rebalance_delay_ms: u64,
    /// `group.min.session.timeout.ms`.
    pub session_timeout_ms_min: i32,
    /// `group.max.session.timeout.ms`.
    pub session_timeout_ms_max: i32,
    /// `group.max.size`.
    pub group_size_max: usize,
    /// `offset.metadata.max.bytes`: counted in UTF-16 units, as Kafka does.
    pub offset_metadata_max: usize,
    /// `offsets.retention.minutes`, in milliseconds.
    pub offsets_retention_ms: i64,
    /// `group.consumer.max.size`.
    pub consumer_size_max: usize,
    /// `group.consumer.assignors`, the default first; never empty.
    pub assignors: Vec<Assignor>,
    /// What holds for consumer groups without settings of their own.
    pub consumer: ConsumerLimits,
    /// What holds for groups with settings of their own, by group.
    pub consumer_by_group: Arc<BTreeMap<String, ConsumerLimits>>,
    /// `group.share.max.size`.
    pub share_size_max: usize,
    /// What holds for share groups without settings of their own.
    pub share: ShareLimits,
    /// What holds for share groups with settings of their own, by group.
    pub share_by_group: Arc<BTreeMap<String, ShareLimits>>,
    /// Whether classic groups may turn into consumer groups (`group.consumer.migration.policy`).
    pub upgrades: bool,
    /// Whether consumer groups may turn into classic ones.
    pub downgrades: bool,
}

/// Settings that a consumer group can have for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsumerLimits {
    /// `group.consumer.session.timeout.ms`, `consumer.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `group.consumer.heartbeat.interval.ms`, `consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `group.consumer.assignment.interval.ms`, `consumer.assignment.interval.ms`.
    pub assignment_interval_ms: i32,
}

/// Settings that a share group can have for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareLimits {
    /// `group.share.session.timeout.ms`, `share.session.timeout.ms`.
    pub session_timeout_ms: i32,
    /// `group.share.heartbeat.interval.ms`, `share.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `group.share.assignment.interval.ms`, `share.assignment.interval.ms`.
    pub assignment_interval_ms: i32,
}

impl Limits {
    /// What holds for a share group.
    pub fn share_of(&self, group: &str) -> ShareLimits {
        let own = self.share_by_group.get(group);
        own.copied().unwrap_or(self.share)
    }

    /// What holds for a consumer group.
    pub fn consumer_of(&self, group: &str) -> ConsumerLimits {
        let own = self.consumer_by_group.get(group);
        own.copied().unwrap_or(self.consumer)
    }

    /// An assignor that is offered.
    pub(crate) fn assignor(&self, name: &str) -> Option<Assignor> {
        let offered = self.assignors.iter().copied();
        Assignor::named(name).filter(|wanted| offered.into_iter().any(|one| one == *wanted))
    }

    pub(crate) fn default_assignor(&self) -> Assignor {
        self.assignors.first().copied().unwrap_or(Assignor::Uniform)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            initial_rebalance_delay_ms: 3_000,
            session_timeout_ms_min: 6_000,
            session_timeout_ms_max: 1_800_000,
            group_size_max: i32::MAX as usize,
            offset_metadata_max: 4_096,
            offsets_retention_ms: 7 * 24 * 3_600_000,
            consumer_size_max: i32::MAX as usize,
            assignors: Assignor::ALL.to_vec(),
            consumer: ConsumerLimits {
                session_timeout_ms: 45_000,
                heartbeat_interval_ms: 5_000,
                assignment_interval_ms: 1_000,
            },
            consumer_by_group: Arc::default(),
            share_size_max: 200,
            share: ShareLimits {
                session_timeout_ms: 45_000,
                heartbeat_interval_ms: 5_000,
                assignment_interval_ms: 1_000,
            },
            share_by_group: Arc::default(),
            upgrades: true,
            downgrades: true,
        }
    }
}
