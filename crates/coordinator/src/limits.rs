//! What the broker's configuration says about groups, and what time it is.

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
        }
    }
}
