//! What the broker tells of itself beyond metrics.

use super::Values;

/// What the broker tells of itself beyond metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservingConfig {
    /// `limpid.request.slow.ms`; `None` (from a negative value) finds no request slow.
    pub slow_request_ms: Option<u64>,
}

pub(super) fn observing(values: &Values<'_>) -> ObservingConfig {
    ObservingConfig {
        slow_request_ms: u64::try_from(values.long("limpid.request.slow.ms")).ok(),
    }
}
